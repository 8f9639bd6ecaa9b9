# SPDX-License-Identifier: Apache-2.0
"""Rules that people accepted, in a separate file beside the policy."""

from datetime import time
from typing import Annotated, Literal

from fer_ros.errors import ConfigurationError
from fer_ros.home.fields import DayPart, Name, Part
from fer_ros.home.light import LightState
from fer_ros.home.policy.faults import faults_of, refusal
from fer_ros.home.policy.rules import ListedRule, Rule
from fer_ros.home.policy.syntax import load, PolicySyntaxError
from pydantic import BeforeValidator, Field, model_validator, ValidationError


class AdoptedRule(ListedRule):
    """A rule for some lamps of a room under some emotions, before those of the policy.

    :ivar suspended: why it is no longer followed, or empty.
    """

    room: Name
    suspended: str = ''

    @model_validator(mode='after')
    def _narrow(self):
        if self.emotion is None or self.targets is None:
            raise ValueError('an adopted rule requires emotion and targets')
        if self.for_s is not None or self.then is not None or self.undoes \
                or not self.whole_plane:
            raise ValueError('an adopted rule takes no for_s, then, strategy restore, valence or '
                             'arousal')
        if self.relative:
            raise ValueError(f'an adopted rule takes no relative value '
                             f'({", ".join(self.relative)})')
        return self

    @property
    def light(self) -> LightState:
        """What it makes of a lamp; what is None is as the policy has it."""
        if self.strategy == 'off':
            return LightState(False)
        return LightState(True, self.brightness, self.color, self.color_temperature_k)

    def over(self, rule: Rule | None) -> Rule:
        """Return the policy's rule with the values of this one put over it."""
        own = {key: getattr(self, key) for key in Rule.model_fields
               if getattr(self, key, None) is not None and key not in ('targets', 'when')}
        if rule is None or self.strategy is not None:
            return Rule.model_construct(**own)
        base = {key: getattr(rule, key) for key in Rule.model_fields}
        if base['strategy'] == 'off':
            # The lamp should be on: the policy's light is dropped.
            base['strategy'] = None
        if self.color is not None or self.color_temperature_k is not None:
            base['color'] = base['color_temperature_k'] = base['saturation'] = None
        return Rule.model_construct(**{**base, **own})

    def meets(self, start: time | None, end: time | None) -> bool:
        """Return whether it and a part of the day have any time in common."""
        if self.when is None or self.when.time is None or start is None:
            return True
        other = DayPart(**{'from': start, 'to': end})
        return any(part.contains(start) or other.contains(part.start) for part in self.when.time)

    def describe(self) -> str:
        """Return it in words."""
        words = [' or '.join(self.emotion)]
        if self.when is not None and self.when.time is not None:
            words += [part.describe() for part in self.when.time]
        if self.when is not None and self.when.weekday is not None:
            words.append(', '.join(self.when.weekday))
        return f'{", ".join(words)}: {", ".join(self.targets)} {self.light.describe()}' \
            .replace('_', ' ')


class _File(Part):
    version: Literal[1]
    rules: Annotated[tuple[AdoptedRule, ...], Field(max_length=500),
                     BeforeValidator(lambda value: () if value is None else value)] = ()

    @model_validator(mode='after')
    def _names(self):
        names = [rule.name for rule in self.rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f'{twice[0]} is the name of more than one rule')
        return self


def parse_adopted(text: str, name: str) -> tuple[AdoptedRule, ...]:
    """Parse and check the text of a file; ``name`` is used in messages.

    :raises ConfigurationError: with file, line and field.
    """
    try:
        data, lines = load(text)
    except PolicySyntaxError as error:
        field = f'{error.field}: ' if error.field else ''
        raise ConfigurationError(f'{name}:{error.line}: {field}{error}') from error
    if data is None:
        return ()
    try:
        return _File.model_validate(data).rules
    except ValidationError as error:
        raise refusal(faults_of(error, lines), lines, name) from None
