# SPDX-License-Identifier: Apache-2.0
"""fer-policy: check a policy file, explain it, or try it on a recording of emotions."""

import argparse
from datetime import datetime
from pathlib import Path
import sys
from zoneinfo import ZoneInfo

from fer_ros.cli.output import pipeable
from fer_ros.emotions.labels import LABELS
from fer_ros.errors import ConfigurationError, FerError
from fer_ros.home.action import AmbientAction, NOBODY
from fer_ros.home.conditions import Moment, StateSource
from fer_ros.home.decisions.surroundings import Surroundings
from fer_ros.home.explain import explain, Feeling
from fer_ros.home.lifecycle import diagram
from fer_ros.home.picture import draw
from fer_ros.home.policy import idle_rules, load_policy, Policy
from fer_ros.home.recording import read_recording
from fer_ros.home.simulation import simulate
from fer_ros.secret_files import exposure


@pipeable
def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0 on success, 1 for an unusable policy or recording."""
    parser = argparse.ArgumentParser(prog='fer-policy', description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    check = commands.add_parser('check', help='check policy files for errors')
    check.add_argument('files', nargs='+', metavar='FILE')
    trial = commands.add_parser('simulate', help='print the actions of a policy, and why')
    trial.add_argument('file', metavar='FILE', help='the policy')
    trial.add_argument('recording', metavar='RECORDING',
                       help='JSON lines of emotions, or a rosbag2 folder or MCAP file')
    trial.add_argument('--quiet', action='store_true', help='print only actions, not why nothing '
                                                            'is done')
    trial.add_argument('--after', type=float, default=60.0, metavar='SECONDS',
                       help='continue this long after the end with nobody in view, seconds (60)')
    trial.add_argument('--picture', metavar='FILE.svg', help='draw it as well')
    why = commands.add_parser('explain', help='say what would be done at a moment, and why not '
                              'something else')
    why.add_argument('file', metavar='FILE', help='the policy')
    why.add_argument('--emotion', required=True, choices=(*LABELS, NOBODY))
    why.add_argument('--at', metavar='TIME', help="local time at the home, as in '2026-01-05 "
                     "19:30' (now)")
    why.add_argument('--faces', type=int, default=1, metavar='N', help='number of people in view '
                                                                       '(1)')
    why.add_argument('--lasted', type=float, default=60.0, metavar='SECONDS',
                     help='how long the emotion has lasted, seconds (60)')
    why.add_argument('--affect', type=float, nargs=2, metavar=('VALENCE', 'AROUSAL'),
                     help="instead of the emotion's")
    why.add_argument('--room', help='only this room')
    why.add_argument('--policy', help="instead of each room's policy")
    why.add_argument('--state', action='append', default=[], metavar='NAME=VALUE',
                     help='state of a topic or entity, may be repeated; what is not given '
                     'is unknown')
    commands.add_parser('states', help='print the states of a controlled device and their '
                        'transitions, as a Mermaid diagram')
    chosen = parser.parse_args(arguments)
    try:
        if chosen.command == 'states':
            print(diagram())
            return 0
        if chosen.command == 'check':
            return _check(chosen.files)
        if chosen.command == 'explain':
            return _explain(chosen)
        return _simulate(chosen)
    except FerError as error:
        print(error, file=sys.stderr)
        return 1


def _check(files: list[str]) -> int:
    bad = False
    for file in files:
        try:
            policy = load_policy(file)
        except FerError as error:
            bad = True
            print(error, file=sys.stderr)
            continue
        targets = sum(len(room.targets) for room in policy.rooms.values())
        print(f'{file}: good: {_count(len(policy.rooms), "room")}, {_count(targets, "target")}, '
              f'policies {", ".join(policy.policies)}')
        for note in idle_rules(file):
            print(note)
        broker = policy.broker
        if broker is not None and not broker.uses_tls and not broker.is_local:
            print(f'{file}: note: the connection to {broker.host} is not encrypted (tls: false)')
        for secret in policy.secret_files:
            problem = exposure(secret)
            if problem:
                print(f'{file}: note: {problem}')
        if policy.home_assistant is not None and policy.home_assistant.is_exposed:
            print(f'{file}: note: the token is sent to {policy.home_assistant.url} in plain text; '
                  'an https: url encrypts it')
    return int(bad)


def _explain(chosen: argparse.Namespace) -> int:
    policy = load_policy(chosen.file)
    for wanted, known, what in ((chosen.room, policy.rooms, 'room'),
                                (chosen.policy, policy.policies, 'policy')):
        if wanted is not None and wanted not in known:
            raise ConfigurationError(f'no {what} {wanted!r} in {chosen.file}: expected one of '
                                     f'{", ".join(known)}')
    surroundings, now_s = Surroundings(policy), _instant(chosen.at, policy)
    people = 0 if chosen.emotion == NOBODY else chosen.faces
    moment = Moment(
        local=surroundings.local(now_s), sun_up=surroundings.sun_up(now_s), people=people,
        lasted_s=chosen.lasted, states=_states(chosen.state, policy))
    feeling = Feeling(chosen.emotion, tuple(chosen.affect) if chosen.affect else None)
    for name, room in policy.rooms.items():
        if chosen.room in (None, name):
            for line in explain(policy, name, chosen.policy or room.policy, feeling, moment,
                                surroundings.elevation_deg(now_s)):
                print(line)
    return 0


def _instant(text: str | None, policy: Policy) -> float:
    """Return the time of a local date and time, seconds since 1970."""
    if text is None:
        return datetime.now().timestamp()
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"--at {text!r} is not a date and a time: write "
                                 "'2026-01-05 19:30'") from None
    zone = ZoneInfo(policy.time_zone) if policy.time_zone else None
    if local.tzinfo is None:
        now_s = local.replace(tzinfo=zone).timestamp()
        if datetime.fromtimestamp(now_s, zone).replace(tzinfo=None) != local:
            raise ConfigurationError(f'--at {text}: this time does not exist: it is skipped '
                                     'when daylight saving begins')
        return now_s
    return local.timestamp()


def _states(given: list[str], policy: Policy) -> dict[StateSource, object]:
    found, known = {}, {source.name: source for source in policy.states}
    for text in given:
        name, _, value = text.partition('=')
        if name not in known:
            raise ConfigurationError(f'--state {name}: no rule uses it: expected '
                                     f'{", ".join(known) or "none"}')
        source = known[name]
        found[source] = value if source.mqtt else {'state': value, 'attributes': {}}
    return found


def _simulate(chosen: argparse.Namespace) -> int:
    policy = load_policy(chosen.file)
    if chosen.picture:
        picture = draw(policy, read_recording(chosen.recording),
                       Path(chosen.file).stem.replace('_', ' '), after_s=chosen.after)
        try:
            Path(chosen.picture).write_text(picture, encoding='utf-8')
        except OSError as error:
            raise ConfigurationError(f'{chosen.picture}: cannot be written: '
                                     f'{error.strerror}') from error
    start_s, actions = None, 0
    for now_s, what in simulate(policy, read_recording(chosen.recording),
                                after_s=chosen.after):
        start_s = now_s if start_s is None else start_s
        elapsed = f'{now_s - start_s:8.1f} s'
        if isinstance(what, AmbientAction):
            actions += 1
            print(f'{elapsed}  {what.room}/{what.target}: {what.describe()} over '
                  f'{what.transition_s:g} s, because {what.reason}')
        elif not chosen.quiet:
            print(f'{elapsed}    {what}')
    if start_s is None:
        print(f'{chosen.recording}: the recording is empty', file=sys.stderr)
        return 1
    print(f'{_count(actions, "action")}')
    return 0


def _count(number: int, noun: str) -> str:
    return f'{number} {noun}' + ('' if number == 1 else 's')


if __name__ == '__main__':
    raise SystemExit(main())
