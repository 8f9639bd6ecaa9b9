# SPDX-License-Identifier: Apache-2.0
"""What the tests of the smart-home bridge share: a policy, services, the bridge's answers."""

from fer_ros.msg import LightState
from fer_ros.srv import CommandRoom, SetLightByHand
from ros_support import wait_for

POLICY = """
version: 1
policies:
  mirror:
    by_emotion:
      happy: {strategy: mirror}
      sad: {strategy: mirror}
  warm:
    by_emotion:
      happy: {brightness: 0.3, color_temperature_k: 2200}
rooms:
  study:
    policy: mirror
    targets:
      lamp: {type: terminal}
    smoothing_s: 0.1
    dwell_s: 0.3
    cooldown_s: 0.1
    transition_s: 0
    stale_after_s: 0.5
    nobody: {after_s: 0.5}
    hold: {scope: room, for_s: 60, settle_s: 0.2}
"""


def action(graph, index=0, **wait):
    """Return an action of the bridge, once it has come."""
    wait_for(lambda: len(graph.actions) > index, what=f'action {index}', **wait)
    return graph.actions[index]


def call(graph, kind, name, request):
    """Return the answer of one of the bridge's services."""
    client = graph.node.create_client(kind, f'/smart_home_bridge/{name}')
    assert client.wait_for_service(60)
    future = client.call_async(request)
    wait_for(future.done, what=f'the answer of {name}')
    return future.result()


def diagnosis(graph, fits):
    """Return the newest status of the bridge that fits, once there is one."""
    return wait_for(lambda: next((status for message in reversed(graph.status)
                                  for status in message.status
                                  if status.name.startswith('smart_home_bridge')
                                  and fits(status)), None), what='the diagnosis')


def set_manually(graph, room='study', target='lamp', **light):
    """Change a lamp as a person does."""
    return call(graph, SetLightByHand, 'light_by_hand', SetLightByHand.Request(
        room=room, target=target, light=LightState(**light)))


def command(graph, what, room='study', policy=''):
    """Return the bridge's answer to a command for a room."""
    return call(graph, CommandRoom, 'command_room', CommandRoom.Request(
        command=getattr(CommandRoom.Request, what), room=room, policy=policy))


def study(states, fits=lambda room: True, what='the state of the study'):
    """Wait for the newest state of the room to fit, and return it."""
    return wait_for(lambda: next((room for room in (states[-1].rooms if states else ())
                                  if fits(room)), None), what=what)
