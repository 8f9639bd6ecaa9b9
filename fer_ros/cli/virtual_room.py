# SPDX-License-Identifier: Apache-2.0
"""fer-virtual-room: a simulated lamp, blind and scenes on an MQTT broker, with manual control.

Point a policy's target of type mqtt_light at virtual_room/lamp. Type a line to change the lamp:
on, off, brightness 0.4, color #ff8800, kelvin 4000; quit ends.
"""

import argparse
import sys
import threading

from fer_ros.cli.output import pipeable
from fer_ros.errors import FerError
from fer_ros.home.fields import Color
from fer_ros.home.light import LightState
from fer_ros.home.policy import Broker, Secret
from fer_ros.home.world.virtual_room import SCENES, VirtualRoom
from fer_ros.workers import Faults, Worker
from pydantic import TypeAdapter, ValidationError

_HELP = 'type on, off, brightness 0.4, color #ff8800, kelvin 4000 or quit'


@pipeable
def main(arguments: list[str] | None = None) -> int:
    """Run the room until quit, the end of the input or Ctrl-C."""
    parser = argparse.ArgumentParser(prog='fer-virtual-room', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--host', default='localhost', help='the broker (localhost)')
    parser.add_argument('--port', type=int, help='by default 1883, or 8883 with TLS')
    parser.add_argument('--username', default='')
    parser.add_argument('--password-env', default='', metavar='NAME',
                        help='environment variable with the password')
    parser.add_argument('--ca-file', default='', help='CA certificate of the broker')
    parser.add_argument('--base', default='virtual_room', help='first part of the topics')
    chosen = parser.parse_args(arguments)
    try:
        broker = Broker(host=chosen.host, port=chosen.port, username=chosen.username,
                        password=Secret(env=chosen.password_env) if chosen.password_env else None,
                        ca_file=chosen.ca_file)
        room = VirtualRoom(broker, chosen.base)
        room.start()
    except (ValidationError, FerError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f'lamp: {chosen.base}/lamp, blind: {chosen.base}/blind, scenes '
          f'{", ".join(SCENES)}: {chosen.base}/scene; {_HELP}', flush=True)
    stop = threading.Event()
    Worker('display', lambda: _show(room, stop), Faults(), daemon=True).start()
    try:
        for line in sys.stdin:
            if line.strip() in ('quit', 'q'):
                break
            state = _state(line.split())
            if state is None:
                print(_HELP, flush=True)
            else:
                room.change_manually(state)
                print(f'manually: lamp {state.describe()}', flush=True)
    except KeyboardInterrupt:
        pass
    stop.set()
    room.stop()
    return 0


def _state(words: list[str]) -> LightState | None:
    try:
        if words == ['off']:
            return LightState(False)
        if words == ['on']:
            return LightState(True)
        name, value = words
        if name == 'brightness':
            return LightState(True, min(1.0, max(0.0, float(value))))
        if name == 'color':
            return LightState(True, None, TypeAdapter(Color).validate_python(value))
        if name == 'kelvin':
            return LightState(True, color_temperature_k=int(value))
    except ValueError:
        pass
    return None


def _show(room: VirtualRoom, stop: threading.Event) -> None:
    shown = ''
    while not stop.wait(0.2):
        text = f'lamp {room.lamp.describe()}, blind {room.blind:.0%} open'
        if not room.connected:
            text += f' ({room.problem})'
        if text != shown:
            shown = text
            red, green, blue = (round(255 * c) for c in room.lamp.rgb or (1, 1, 1))
            panel = f'\x1b[48;2;{red};{green};{blue}m    \x1b[0m ' if sys.stdout.isatty() and \
                room.lamp.on else ''
            print(panel + text, flush=True)


if __name__ == '__main__':
    raise SystemExit(main())
