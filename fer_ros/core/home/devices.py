# SPDX-License-Identifier: Apache-2.0
"""What stands behind the targets of a policy: a small protocol, and the devices without a network.

Devices report through a callback, from whatever thread; the bridge queues what they say.
"""

from collections.abc import Callable
from typing import Protocol

from fer_ros.core.home.action import AmbientAction, Outcome
from fer_ros.core.home.light import LightState
from fer_ros.core.home.virtual import VirtualLamp

#: Called with a light's state or a blind's position [0, 1].
Report = Callable[[LightState | float], None]


class Device(Protocol):
    """Something that can be asked for light."""

    @property
    def available(self) -> bool:
        """Whether it can be reached, as far as is known."""

    @property
    def problem(self) -> str:
        """What is wrong with it and what to do, or an empty string."""

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Ask for a state without waiting; return what became of it, with a detail."""

    def tick(self, now_s: float) -> None:
        """Do what is due, about ten times a second."""

    def close(self) -> None:
        """Let go of everything."""


class TerminalLamp:
    """A lamp drawn as a coloured panel; it confirms, reports and can be changed by hand.

    :param write: takes a line when the lamp changes, or None to draw nothing.
    :param ansi: whether lines may hold terminal colours.
    """

    available = True
    problem = ''

    def __init__(self, name: str, report: Report, *, on: bool = True,
                 write: Callable[[str], None] | None = None, ansi: bool = False):
        self._name, self._report, self._write, self._ansi = name, report, write, ansi
        self.lamp = VirtualLamp(LightState(on, 0.6, color_temperature_k=2700))
        self._now_s = 0.0
        self._reported: LightState | None = None

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Fade to the state asked for; a lamp in memory has it at once."""
        self.lamp.set(action.light, action.transition_s, now_s)
        if self._write is not None:
            self._write(f'{self._panel(action.light)} {self._name}: {action.light.describe()} '
                        f'({action.reason})')
        return Outcome.CONFIRMED, ''

    def by_hand(self, state: LightState, now_s: float) -> None:
        """Change the lamp as a person at its switch would."""
        self.lamp.set(state, 0.0, now_s)
        if self._write is not None:
            self._write(f'{self._panel(state)} {self._name}: {state.describe()} (by hand)')
        self.tick(now_s)

    def tick(self, now_s: float) -> None:
        """Report the state when it has changed."""
        state = self.lamp.state(now_s)
        if state != self._reported:
            self._reported = state
            self._report(state)

    def close(self) -> None:
        """Nothing is held."""

    def _panel(self, state: LightState) -> str:
        if not self._ansi:
            return '[lamp]'
        level = (1.0 if state.brightness is None else state.brightness) if state.on else 0.0
        r, g, b = (round(255 * channel * level ** 0.5) for channel in state.rgb or (1, 1, 1))
        return f'\x1b[48;2;{r};{g};{b}m      \x1b[0m'


class ShownLamp(TerminalLamp):
    """Stands in for a light while the bridge runs dry: a lamp in memory, and no real one."""

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Fade the lamp in memory."""
        super().apply(action, now_s)
        return Outcome.SHOWN, 'dry run'


class ShownOnly:
    """Stands in for scenes and blinds while the bridge runs dry."""

    available = True
    problem = ''

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Do nothing."""
        return Outcome.SHOWN, 'dry run'

    def tick(self, now_s: float) -> None:
        """Nothing is due."""

    def close(self) -> None:
        """Nothing is held."""
