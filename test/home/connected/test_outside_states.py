# SPDX-License-Identifier: Apache-2.0
"""Conditions on topics of a real broker: heard, changed, and unknown when the broker dies."""

from conftest import POLICY

TEXT = POLICY.replace('      sad: {{strategy: mirror}}', """      sad: {{brightness: 0.9}}
    rules:
      - {{name: dark, emotion: sad, when: {{state: {{mqtt: lux, path: value, below: 40}}}},
         brightness: 0.2}}""")


def test_a_topic_decides_and_is_unknown_while_the_broker_is_away(broker, spy, virtual_room, house):
    server = broker()
    outside = spy(server.port)
    virtual_room(server.port)
    outside.publish('lux', '{"value": 12}', retain=True)
    home = house(server.port, TEXT)
    told = home.house.complaints

    def words():
        return ' '.join(complaint.text for complaint in told() if 'rule dark' in complaint.text)

    home.see('sad', until=lambda: home.actions)
    assert home.actions[-1].request.light.brightness == 0.2 and not words()
    outside.publish('lux', '{"value": "broken"}')
    home.see('sad', until=words)
    assert words() == ("study: rule dark: lux value is 'broken', not a number: the condition "
                       'counts as false')
    home.see('sad', until=lambda: home.actions[-1].request.light.brightness == 0.9)
    server.kill()
    home.see('sad', until=lambda: 'is unavailable: the broker is not connected' in words())
    server.start()
    spy(server.port).publish('lux', '{"value": 3}', retain=True)
    home.see('sad', until=lambda: not words())
