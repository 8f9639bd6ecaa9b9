# SPDX-License-Identifier: Apache-2.0
"""Base class of the dialects of lights on MQTT."""

from collections.abc import Callable
import json

from fer_ros.home.light import LightState, Limits, read_light


class Dialect:
    """Commands and reports of a family of lights.

    A dialect belongs to one light: a report may omit what an earlier one contained.

    :ivar limits: the limits of the light, as far as known.
    """

    def __init__(self, spec):
        self.topic = spec.topic
        self.command_topic = spec.command_topic or self.default_command_topic
        #: topic: what reads a message on it
        self.state_topics: dict[str, Callable[[bytes], LightState | None]] = {}
        #: topic: what reads whether the light can be reached
        self.availability_topics: dict[str, Callable[[bytes], bool | None]] = {}
        #: topic: what reads from a message what the light can do; need not be there
        self.limit_topics: dict[str, Callable[[bytes], Limits | None]] = {}
        #: messages that ask for the present state
        self.queries: list[tuple[str, str]] = []
        self.limits = Limits()
        self._on: bool | None = None

    @property
    def default_command_topic(self) -> str:
        """Where commands go unless the policy says otherwise."""
        return f'{self.topic}/set'

    def encode(self, light: LightState, transition_s: float) -> str:
        """Return the payload that asks for a state."""
        raise NotImplementedError

    def _light(self, on: bool | None, brightness: float | None = None, color=None,
               kelvin: float | None = None, effect: str | None = None) -> LightState | None:
        """Return the state in a report, or None if it has none.

        :param on: None: as last reported; while that is not known, nothing is.
        """
        if on is None and (brightness, color, kelvin, effect) == (None,) * 4:
            return None
        if on is not None:
            self._on = on
        return None if self._on is None else read_light(self._on, brightness, color, kelvin,
                                                        effect)


def json_object(payload: bytes) -> dict | None:
    """Return the JSON object that a message holds, or None."""
    try:
        data = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def switched(value: object) -> bool | None:
    """Return True for ON, False for OFF, or None for anything else."""
    return {'ON': True, 'OFF': False}.get(value.upper()) if isinstance(value, str) else None


def online(payload: bytes) -> bool | None:
    """Return whether an availability message means online, or None."""
    data = json_object(payload)
    text = str(data.get('state')) if data else payload.decode('ascii', 'replace')
    return {'online': True, 'offline': False}.get(text.strip().strip('"').lower())
