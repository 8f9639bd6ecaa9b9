# SPDX-License-Identifier: Apache-2.0
"""The file of accepted rules, which people may read, edit and delete.

It is only ever added to, a block of lines with its reason as a comment, so that what people wrote
into it stays as they wrote it.
"""

from collections.abc import Mapping
from datetime import datetime, timezone
import os
from pathlib import Path
import re

from fer_ros.errors import ConfigurationError
from fer_ros.habits.finder import Habit
from fer_ros.habits.log import replace_file
from fer_ros.habits.matching import WEEK
from fer_ros.home.devices import is_group
from fer_ros.home.light import LightState
from fer_ros.home.policy.adopted import AdoptedRule, parse_adopted
from fer_ros.home.policy.rooms import Room

_HEAD = """\
# Rules that people accepted. Edit or delete them as you like: the file is read again when it
# changes. They hold in rooms of {policy} with `habits: apply`.
version: 1
rules:
"""


def rules_path(policy: Path | None, folder: Path) -> Path:
    """Return where the rules of a policy stand: beside it, or where that cannot be written.

    :param folder: where the habits are kept.
    """
    if policy is None:
        return folder / 'adopted.yaml'
    beside = policy.with_name(f'{policy.stem}.habits.yaml')
    if beside.exists() or os.access(policy.parent, os.W_OK):
        return beside
    return folder / beside.name


class RulesFile:
    """Reads and extends the file of accepted rules.

    :ivar rules: those that it holds, in order.
    :ivar problem: why it cannot be used, or empty; the rules are then those of before.
    """

    def __init__(self, path: Path, policy_name: str = 'the policy'):
        self.path, self._policy_name = path, policy_name
        self.rules: tuple[AdoptedRule, ...] = ()
        self.problem = ''
        self._read_at = -1

    def changed(self) -> bool:
        """Read the file again if it has changed; return whether it has."""
        try:
            stamp = self.path.stat().st_mtime_ns
        except OSError:
            stamp = 0
        if stamp == self._read_at:
            return False
        self._read_at = stamp
        if stamp == 0:
            self.rules, self.problem = (), ''
            return True
        try:
            self.rules, self.problem = parse_adopted(self._text(), str(self.path)), ''
        except ConfigurationError as error:
            self.problem = f'{error}: the rules of before stay in force'
        return True

    def rule(self, name: str) -> AdoptedRule | None:
        """Return the rule of that name, or None."""
        return next((rule for rule in self.rules if rule.name == name), None)

    def add(self, habit: Habit, name: str, reason: str, local_s: float) -> None:
        """Add a habit.

        :param reason: written above it as a comment.
        :raises ConfigurationError: when the file cannot be written, or would not be right.
        """
        text = self._text() or _HEAD.format(policy=self._policy_name)
        if text and not text.endswith('\n'):
            text += '\n'
        at = datetime.fromtimestamp(local_s, timezone.utc).strftime('%Y-%m-%d %H:%M')
        self._replace(text + block(habit, name, f'{at}: {reason}'))

    def suspend(self, name: str, reason: str) -> None:
        """Mark a rule as suspended, with the reason.

        :raises ConfigurationError: when it cannot be written.
        """
        lines = self._text().splitlines(keepends=True)
        for i, line in enumerate(lines):
            match = re.match(rf'(\s*)(-\s+)?name:\s*{re.escape(name)}\s*(#.*)?$', line)
            if match:
                indent = match[1] + ' ' * len(match[2] or '')
                lines.insert(i + 1, f"{indent}suspended: '{reason}'\n")
                self._replace(''.join(lines))
                return
        raise ConfigurationError(f'{self.path}: no rule {name} (a line "name: {name}")')

    def _text(self) -> str:
        try:
            return self.path.read_text(encoding='utf-8')
        except FileNotFoundError:
            return ''
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f'{self.path}: cannot be read ({error})') from error

    def _replace(self, text: str) -> None:
        rules = parse_adopted(text, str(self.path))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self.path, text)
        except OSError as error:
            raise ConfigurationError(f'{self.path}: cannot be written: {error.strerror}; write '
                                     'habits: {rules_file: FILE} in the policy to keep it '
                                     'elsewhere') from error
        self.rules, self.problem = rules, ''
        self._read_at = self.path.stat().st_mtime_ns


def block(habit: Habit, name: str, reason: str) -> str:
    """Return a habit as a rule of the file."""
    conditions = []
    if habit.start is not None:
        conditions.append(f"time: {{from: '{habit.start:%H:%M}', to: '{habit.end:%H:%M}'}}")
    if habit.days:
        conditions.append(f'weekday: {WEEK[habit.days]}')
    when = f'    when: {{{", ".join(conditions)}}}\n' if conditions else ''
    keys = ''.join(f'    {key}: {value}\n' for key, value in rule_keys(habit.light).items())
    return (f'  # {reason}\n  - name: {name}\n    room: {habit.room}\n'
            f'    emotion: {habit.emotion}\n{when}    targets: [{habit.target}]\n{keys}')


def adopted(habit: Habit, name: str) -> AdoptedRule:
    """Return a habit as a rule without a file."""
    return parse_adopted('version: 1\nrules:\n' + block(habit, name, ''), name)[0]


def rule_keys(light: LightState) -> dict[str, str]:
    """Return what a rule has to say for a light."""
    if not light.on:
        return {'strategy': "'off'"}
    keys = {}
    if light.brightness is not None:
        keys['brightness'] = f'{light.brightness:.2f}'
    if light.color is not None:
        digits = ''.join(f'{round(channel * 255):02x}' for channel in light.color)
        keys['color'] = f"'#{digits}'"
    elif light.color_temperature_k is not None:
        keys['color_temperature_k'] = str(min(9000, max(1500, light.color_temperature_k)))
    # Turned on, and nothing else is known: as bright as lamps are.
    return keys or {'brightness': '1.00'}


def missing(rule: AdoptedRule, rooms: Mapping[str, Room]) -> str:
    """Return what of a rule is not in the policy, or an empty string."""
    if rule.room not in rooms:
        return f'no room {rule.room!r} in the policy'
    targets = rooms[rule.room].targets
    groups = tuple(f'{name}_' for name, spec in targets.items() if is_group(spec))
    gone = [target for target in rule.targets
            if target not in targets and not target.startswith(groups)]
    return f'no device {gone[0]!r} in {rule.room}' if gone else ''
