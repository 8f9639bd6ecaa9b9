# SPDX-License-Identifier: Apache-2.0
"""Lamps in memory, drawn in the terminal, and devices of a dry run."""

from typing import ClassVar, Literal

from fer_ros.home.action import AmbientAction, Outcome
from fer_ros.home.devices.base import BaseDevice, DeviceContext
from fer_ros.home.fields import Part
from fer_ros.home.kinds import KINDS
from fer_ros.home.kinds.base import State
from fer_ros.home.kinds.blind import BlindState
from fer_ros.home.kinds.light import LightTarget
from fer_ros.home.kinds.switch import SwitchState
from fer_ros.home.kinds.volume import VolumeState
from fer_ros.home.light import LightState
from fer_ros.home.virtual_lamp import VirtualLamp


class TerminalTarget(LightTarget):
    """A lamp drawn in the terminal; it requires no server."""

    needs: ClassVar[str] = ''

    type: Literal['terminal']
    on: bool = True


class TerminalLamp(BaseDevice):
    """A lamp drawn as a colored panel; it confirms, reports and can be changed manually."""

    def __init__(self, spec: LightTarget, context: DeviceContext):
        self._context = context
        self.lamp = VirtualLamp(LightState(getattr(spec, 'on', True), 0.6,
                                           color_temperature_k=2700))
        self._reported: LightState | None = None

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Fade to the requested state; a lamp in memory confirms at once."""
        light = action.request.light
        self.lamp.set(light, action.transition_s, now_s)
        self._draw(light, action.reason)
        return Outcome.CONFIRMED, ''

    def change_manually(self, state: LightState, now_s: float) -> bool:
        """Change the lamp as a person at its switch would."""
        self.lamp.set(state, 0.0, now_s)
        self._draw(state, 'manually')
        self.tick(now_s)
        return True

    def tick(self, now_s: float) -> None:
        """Report the state when it has changed."""
        state = self.lamp.state(now_s)
        if state != self._reported:
            self._reported = state
            self._context.report(state)

    def _draw(self, state: LightState, reason: str) -> None:
        if self._context.write is not None:
            self._context.write(f'{self._panel(state)} {self._context.name}: '
                                f'{state.describe()} ({reason})')

    def _panel(self, state: LightState) -> str:
        if not self._context.ansi:
            return '[lamp]'
        level = (1.0 if state.brightness is None else state.brightness) if state.on else 0.0
        r, g, b = (round(255 * channel * level ** 0.5) for channel in state.rgb or (1, 1, 1))
        return f'\x1b[48;2;{r};{g};{b}m      \x1b[0m'


class DryLamp(TerminalLamp):
    """A lamp in memory that replaces a light in a dry run."""

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Fade the lamp in memory."""
        super().apply(action, now_s)
        return Outcome.SHOWN, 'dry run'


#: Initial states of devices in a dry run.
_DRY: dict[str, State] = {'blind': BlindState(1.0), 'switch': SwitchState(False),
                          'volume': VolumeState(0.4)}


class DryValue(BaseDevice):
    """Replaces a device with a single value in a dry run."""

    def __init__(self, spec: Part, context: DeviceContext):
        self._kind, self._context = KINDS[spec.kind], context
        context.report(_DRY[spec.kind])

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Have the value at once, in memory."""
        self._context.report(self._kind.kept(_DRY[self._kind.name], action.request))
        return Outcome.SHOWN, 'dry run'


class DryDevice(BaseDevice):
    """Replaces a device without reports in a dry run."""

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Do nothing."""
        return Outcome.SHOWN, 'dry run'


def dry_device(spec: Part, context: DeviceContext) -> BaseDevice:
    """Return the dry-run device of a target that requires a server."""
    if spec.kind == 'light':
        return DryLamp(spec, context)
    return DryValue(spec, context) if spec.kind in _DRY else DryDevice()
