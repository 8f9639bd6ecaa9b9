# SPDX-License-Identifier: Apache-2.0
"""Commands to a room from people, by service, MQTT or page."""

from enum import Enum

from fer_ros.errors import ConfigurationError


class RoomCommand(Enum):
    """A command to a room.

    :ivar number: its constant in ``CommandRoom.srv``.
    :ivar word: its name in the page and, for a button, in MQTT topics.
    :ivar done: the response after success; ``{argument}`` is the selected policy.
    """

    SWITCH_ON = 0, 'enable', 'switched on'
    SWITCH_OFF = 1, 'disable', 'switched off'
    REVERT = 2, 'revert', 'reverted, and on hold'
    RESUME = 3, 'resume', 'resumed'
    SELECT_POLICY = 4, 'policy', 'policy {argument}'

    def __init__(self, number: int, word: str, done: str):
        self.number, self.word, self.done = number, word, done

    @classmethod
    def of_number(cls, number: int) -> 'RoomCommand':
        """Return the command with that constant.

        :raises ConfigurationError: when there is none.
        """
        return cls._one('number', number)

    @classmethod
    def of_word(cls, word: str) -> 'RoomCommand':
        """Return the command with that name.

        :raises ConfigurationError: when there is none.
        """
        return cls._one('word', word)

    @classmethod
    def _one(cls, name: str, value: object) -> 'RoomCommand':
        for command in cls:
            if getattr(command, name) == value:
                return command
        raise ConfigurationError(f'unknown command {value}')


#: Shown as a switch and a choice; all others are buttons.
SWITCH = {'ON': RoomCommand.SWITCH_ON, 'OFF': RoomCommand.SWITCH_OFF}
BUTTONS = tuple(command for command in RoomCommand
                if command not in (*SWITCH.values(), RoomCommand.SELECT_POLICY))
