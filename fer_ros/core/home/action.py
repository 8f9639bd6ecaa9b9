# SPDX-License-Identifier: Apache-2.0
"""What the bridge asks of a device, as in the message AmbientAction."""

from dataclasses import dataclass
from enum import IntEnum

from fer_ros.core.home.light import kelvin_to_rgb, LightState

#: What stands for the emotion when the room is empty.
NOBODY = 'nobody'


class Command(IntEnum):
    """What kind of change is asked for."""

    SET = 0
    RESTORE = 1


class Outcome(IntEnum):
    """What became of an action."""

    SHOWN = 0
    SENT = 1
    CONFIRMED = 2
    FAILED = 3


@dataclass(frozen=True)
class AmbientAction:
    """One thing asked of one device, and why.

    :ivar stamp_s: when it was decided, seconds.
    :ivar frame_id: the camera's frame that led to it, may be empty.
    :ivar room: and ``target``: as named in the policy.
    :ivar on: and ``brightness`` [0, 1], ``color`` (sRGB, each [0, 1]) and
        ``color_temperature_k`` (kelvin, 0 where the colour is not a white): the state asked for.
    :ivar transition_s: how long the change takes, seconds.
    :ivar emotion: the emotion's label, ``uncertain`` or ``nobody``.
    :ivar confidence: of the emotion, [0, 1].
    :ivar reason: a sentence.
    :ivar scene: name of the scene to take, for targets that are scenes; else empty.
    :ivar position: how far a blind is to be open, [0, 1], for targets that are blinds.
    :ivar asked: what a light is asked for, where that is less than the whole state: what is None
        in it stays as the light is. The fields above then tell what that will be.
    """

    stamp_s: float
    room: str
    target: str
    command: Command
    on: bool
    brightness: float
    color: tuple[float, float, float]
    color_temperature_k: int
    transition_s: float
    emotion: str
    confidence: float
    reason: str
    frame_id: str = ''
    outcome: Outcome = Outcome.SHOWN
    detail: str = ''
    scene: str = ''
    position: float | None = None
    asked: LightState | None = None

    @property
    def light(self) -> LightState:
        """The state asked for, as a light reports it."""
        if self.asked is not None:
            return self.asked
        if not self.on:
            return LightState(False)
        if self.color_temperature_k:
            return LightState(True, self.brightness,
                              color_temperature_k=self.color_temperature_k)
        return LightState(True, self.brightness, self.color)


def light_fields(light: LightState) -> dict:
    """Return the fields on, brightness, color and color_temperature_k of an action."""
    kelvin = light.color_temperature_k or 0
    color = light.color or (kelvin_to_rgb(kelvin) if kelvin else (1.0, 1.0, 1.0))
    brightness = 0.0 if not light.on else 1.0 if light.brightness is None else light.brightness
    return {'on': light.on, 'brightness': brightness, 'color': color,
            'color_temperature_k': 0 if light.color is not None else int(kelvin)}
