# SPDX-License-Identifier: Apache-2.0
"""Messages: a text for people or automations, sent once each time a feeling comes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
import string
from typing import Annotated, ClassVar

from fer_ros.home.fields import Part
from fer_ros.home.kinds.base import Kind, Situation
from pydantic import AfterValidator, Field

#: What a text may name in braces.
WORDS = ('emotion', 'room', 'people', 'confidence', 'duration', 'rule', 'time')
MAXIMUM_TEXT = 1000


def _template(value: str) -> str:
    """Refuse names that nothing stands for, and anything that leads into an object."""
    try:
        parts = [part for part in string.Formatter().parse(value) if part[1] is not None]
    except ValueError as error:
        raise ValueError(f'is not a text with names in braces: {error}; a brace itself is '
                         'written twice') from error
    for _, name, form, conversion in parts:
        if form or conversion:
            raise ValueError(f'forms {{{name}}}: a name stands in braces alone')
        if name not in WORDS:
            raise ValueError(f'names {{{name}}}: known are {", ".join(WORDS)}; a brace itself is '
                             'written twice')
    return value


@dataclass(frozen=True)
class MessageRequest:
    """The text that is sent."""

    kind: ClassVar[str] = 'message'

    text: str

    def describe(self) -> str:
        """Return it in words."""
        return f'message "{self.text}"'


class MessageKeys(Part):
    """What a rule may say to people."""

    message: Annotated[str, Field(min_length=1, max_length=500),
                       AfterValidator(_template)] | None = None


class MessageKind(Kind):
    """Messages cannot be undone; one is sent each time a feeling comes."""

    name = 'message'
    rule_keys = MessageKeys
    request_type = MessageRequest

    def fault(self, rule: MessageKeys, targets: Iterable[Part]) -> tuple[str, str] | None:
        """Return that nothing takes messages."""
        if rule.message is None or any(True for _ in targets):
            return None
        return 'message', 'no room has a target for messages'

    def request(self, rule: MessageKeys, feeling: tuple[float, float], spec: Part,
                situation: Situation, cap: float | None) -> MessageRequest | None:
        """Return the rule's text with its names filled in."""
        if rule.message is None:
            return None
        return MessageRequest(_fill(rule.message, situation.words))

    def each_episode(self, request: MessageRequest, spec: Part) -> bool:
        """Return True: a feeling that comes again is told again."""
        return True


def _fill(template: str, words: Mapping[str, str]) -> str:
    return template.format_map({**{name: f'({name})' for name in WORDS}, **words})[:MAXIMUM_TEXT]


MESSAGE = MessageKind()
