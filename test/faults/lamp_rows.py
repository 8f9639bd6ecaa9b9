# SPDX-License-Identifier: Apache-2.0
"""Rows of lamps: reports that no lamp should send, in the words of each family."""

import json
import math

from fer_ros.home.commands import RoomCommand
from fer_ros.home.light import LightState
from home_support import Sim
from lamp_support import FAMILIES, Reader
from trial import row, Trial

_VALUES = (None, True, -5, 0, 1, 100, 150, 254, 255, 370, 2700, 65_535, 2**63, -2**63, 1e308,
           math.inf, math.nan, '', 'ON', 'off', 'NaN', '9' * 400, '#ff0000', '#gg', '0,0,0,0,0',
           '360,200,-1', '\ud83d', [], [1], [256, -1, 0], {}, {'x': 9, 'y': -1}, {'r': 1e9})
_KEYS = ('state', 'brightness', 'color', 'color_temp', 'color_mode', 'POWER', 'POWER1', 'Dimmer',
         'HSBColor', 'Color', 'White', 'CT', 'Channel', 'effect', 'attributes', 'rgb_color',
         'color_temp_kelvin', 'hs_color', 'xy_color', 'supported_color_modes', 'rgbw_color')
_GOOD = LightState(True, 0.6, color_temperature_k=2700)


def _value(random, depth=0):
    if depth < 2 and random.random() < 0.3:
        return {key: _value(random, depth + 1)
                for key in random.sample((*_KEYS, 'h', 's', 'x', 'y', 'r', 'g', 'b', 'hue'), 4)}
    return random.choice(_VALUES)


def _payload(random):
    if random.random() < 0.1:
        return random.choice(['', 'null', '[' * 500, '-5', '65535', '1e999', '#GGGGGG', 'ON',
                              '9' * 5000, '{"state": "ON", "state": "OFF"}', '\x00'])
    report = {'state': random.choice(['ON', 'OFF', 'on', 'off'])} if random.random() < 0.7 else {}
    report.update((key, _value(random)) for key in random.sample(_KEYS, random.randrange(1, 5)))
    return json.dumps(report)


class _Home(Sim):
    """One lamp of a family, which reports what the test sets."""

    def __init__(self, family):
        self.reader = None
        super().__init__(cooldown_s=1, dwell_s=0.2, smoothing_s=0.1, transition_s=0.2,
                         rate_limit={'actions': 1000, 'per_s': 1}, hold={'settle_s': 0.5})
        self.reader = Reader(family)

    def report(self):
        """Say how the lamp shines, in the words of its family."""
        if self.reader is not None:
            for state in self.reader.states(self.lamps['lamp'].state(self.now_s)):
                self.engine.report('study', 'lamp', state, now_s=self.now_s)

    def acts(self):
        """Return whether it understands good reports and acts, once a person's hold is over."""
        self.command(RoomCommand.RESUME)
        before = len(self.actions)
        self.see('happy', 3)
        self.command(RoomCommand.RESUME)
        self.see('sad', 3)
        return len(self.actions) > before


@row('lamps that report wrongly')
def lamps(trial: Trial) -> None:
    """Each report is in range or unknown, and good ones are acted upon afterwards."""
    homes = {family: _Home(family) for family in FAMILIES}
    for random in trial.tries():
        family = random.choice(FAMILIES)
        home = homes[family]
        dialect = home.reader.dialect
        payload = _payload(random)
        for read in ([home.reader.payload] if dialect is None
                     else [lambda text, read=read: read(text.encode('utf-8', 'surrogatepass'))
                           for read in dialect.state_topics.values()]):
            try:
                state = read(payload)
            except (ValueError, AttributeError):
                # Of Home Assistant the client has read the JSON, and found an object.
                trial.expect(dialect is None, f'{family}: not read')
                continue
            except RecursionError:
                trial.expect(dialect is None, f'{family}: too deep')
                continue
            if state is None:
                continue
            trial.expect(_in_range(state), f'{family}: {str(state)[:80]}')
            home.engine.report('study', 'lamp', state, now_s=home.now_s)
        home.now_s += 0.1
        home.engine.tick(home.now_s)
        trial.expect(home.status.devices[0].target == 'lamp', f'{family}: it is gone')
        if trial.tried % 200 == 0:
            trial.expect(home.acts(), f'{family}: good reports are not acted upon')


def _in_range(state: LightState) -> bool:
    numbers = [state.brightness, *(state.color or ()), *(state.rgb or ())]
    return isinstance(state.on, bool) and all(
        number is None or 0 <= number <= 1 for number in numbers) and (
        state.color_temperature_k is None or 500 <= state.color_temperature_k <= 100_000)
