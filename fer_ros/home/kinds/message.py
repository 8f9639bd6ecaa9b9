# SPDX-License-Identifier: Apache-2.0
"""Messages: a text for people or automations, sent once each time an emotion appears."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
import string
from typing import Annotated, ClassVar

from fer_ros.home.fields import Part
from fer_ros.home.kinds.base import Kind, Situation
from pydantic import AfterValidator, Field

#: Names in braces that a text may use.
WORDS = ('emotion', 'room', 'people', 'confidence', 'duration', 'rule', 'time')
MAXIMUM_TEXT = 1000


def _template(value: str) -> str:
    """Refuse unknown names, and attribute access to objects."""
    try:
        parts = [part for part in string.Formatter().parse(value) if part[1] is not None]
    except ValueError as error:
        raise ValueError(f'is not a text with names in braces: {error}; a brace itself is '
                         'written twice') from error
    for _, name, form, conversion in parts:
        if form or conversion:
            raise ValueError(f'formats {{{name}}}: write only the name in braces')
        if name not in WORDS:
            raise ValueError(f'uses {{{name}}}: known are {", ".join(WORDS)}; a brace itself is '
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
    """Keys of rules for messages."""

    message: Annotated[str, Field(min_length=1, max_length=500),
                       AfterValidator(_template)] | None = None


class MessageKind(Kind):
    """The kind of messages, which cannot be undone and are sent each time an emotion appears."""

    name = 'message'
    rule_keys = MessageKeys
    request_type = MessageRequest

    def fault(self, rule: MessageKeys, targets: Iterable[Part]) -> tuple[str, str] | None:
        """Return an error if no target takes messages."""
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
        """Return True: an emotion that returns is sent again."""
        return True


def _fill(template: str, words: Mapping[str, str]) -> str:
    return template.format_map({**{name: f'({name})' for name in WORDS}, **words})[:MAXIMUM_TEXT]


MESSAGE = MessageKind()
