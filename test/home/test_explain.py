# SPDX-License-Identifier: Apache-2.0
"""fer-policy explain and the notes of check."""

from fer_ros.cli.policy import main
import pytest

TEXT = """
version: 1
time_zone: Europe/Berlin
location: {latitude: 52.5, longitude: 13.4}
broker: {host: localhost}
policies:
  evening:
    rules:
      - {name: late, emotion: [sad, fear], when: {time: {from: '19:00'}, people: alone},
         brightness: 0.3}
      - {name: flash, emotion: surprise, brightness: 1.0, for_s: 20}
      - {name: dark, emotion: happy, when: {sun: down, state: {mqtt: lux, below: 40}},
         brightness: 0.5}
      - {name: idle, emotion: sad, when: {time: {from: '20:00'}, people: alone},
         brightness: 0.1}
    by_emotion:
      sad: {brightness: 0.7, then: restore}
      neutral: {strategy: restore}
      disgust: {brightness: +10%, color_temperature_k: -400}
    by_valence_arousal:
      - {name: tense, valence: [-1, -0.2], arousal: [0.2, 1], scene: calm}
  plain: {by_emotion: {happy: {brightness: 0.9}, fear: {strategy: soothe, brightness: -5%,
                                                        then: restore}}}
rooms:
  living_room:
    base: {sun: {}, targets: [lamp]}
    policy: evening
    targets:
      lamp: {type: terminal}
      scenes: {type: mqtt_scene, topic: scenes, scenes: {calm: '1'}}
    quiet_hours:
      - {from: '23:00', to: '06:00'}
      - {from: '22:00', to: '23:00', action: dim}
  studio:
    policy: plain
    enabled: false
    targets: {lamp: {type: terminal}}
"""


@pytest.fixture
def explain(tmp_path, capsys):
    file = tmp_path / 'policy.yaml'
    file.write_text(TEXT)

    def run(at, emotion, *more, code=0):
        assert main(['explain', str(file), '--at', at, '--emotion', emotion, *more]) == code
        out, err = capsys.readouterr()
        return err if code else out
    return run


@pytest.mark.parametrize('at, emotion, more, lines', [
    ('2026-01-05 19:30', 'disgust', [], [
        '  the light of the day: lamp on 40% 2200 K',
        '  does: lamp: on 50% 2000 K, brightness +10%, color temperature -400 K added to that '
        'over 1.5 s']),
    ('2026-06-05 12:30', 'disgust', [], [
        '  the light of the day: lamp on 100% 5000 K',
        '  does: lamp: on 100% 4600 K, brightness +10%, color temperature -400 K added to that '
        'over 1.5 s']),
    ('2026-01-05 19:30', 'fear', ['--policy', 'plain'], [
        '  does: lamp: on 35% 2388 K, brightness -5% added to that over 1.5 s, then as before']),
    ('2026-01-05 19:30', 'sad', [], [
        'living_room: policy evening, Monday 2026-01-05 19:30, sun down, sad for 60 s, 1 person',
        '  rules.0 (late): wins',
        '  rules.1 (flash): does not fit: answers surprise',
        '  rules.3 (idle): does not fit: it is 19:30, expected 20:00 to 00:00',
        '  by_emotion.sad: fits, but late comes first',
        '  does: lamp: on 30% over 1.5 s',
        'studio: policy plain, Monday 2026-01-05 19:30, sun down, sad for 60 s, 1 person',
        '  nothing, because the room starts switched off (enabled: false)']),
    ('2026-01-05 19:30', 'sad', ['--faces', '2'], [
        '  rules.0 (late): does not fit: 2 people are in view, expected alone',
        '  does: lamp: on 70% over 1.5 s, then as before']),
    ('2026-06-05 12:00', 'surprise', [], [
        '  does: lamp: on 100% over 1.5 s, for 20 s, then as before']),
    ('2026-06-05 12:00', 'happy', ['--state', 'lux=10'], [
        '  rules.2 (dark): does not fit: the sun is up, expected down',
        '  does nothing: no rule fits happy']),
    ('2026-01-05 17:00', 'happy', [], [
        '  rules.2 (dark): does not fit: lux has no value yet']),
    ('2026-01-05 17:00', 'happy', ['--state', 'lux=10'], ['  rules.2 (dark): wins']),
    ('2026-01-05 22:30', 'surprise', [], [
        '  quiet hours until 23:00: no brighter than 20%', '  does: lamp: on 20% over 1.5 s, '
        'for 20 s, then as before']),
    ('2026-01-05 23:30', 'surprise', [], [
        '  quiet hours until 06:00: nothing new is done', '  rules.1 (flash): wins']),
    ('2026-01-05 12:00', 'neutral', [], ['  does: brings devices back to how they were']),
    ('2026-01-05 12:00', 'nobody', [], ['  after 30 s: restore']),
    ('2026-01-05 12:00', 'angry', [], ['  by_valence_arousal.0 (tense): wins',
                                       '  does: scenes: scene calm over 1.5 s']),
    ('2026-01-05 12:00', 'angry', ['--affect', '0.5', '0.5'], [
        '  by_valence_arousal.0 (tense): does not fit: valence 0.50 and arousal 0.50 lie '
        'outside']),
    # The same hour twice: the first of them, in summer time; and one with its offset.
    ('2026-10-25 02:30', 'happy', ['--room', 'living_room'], ['living_room: policy evening, '
     'Sunday 2026-10-25 02:30, sun down, happy for 60 s, 1 person']),
    ('2026-10-25T01:30+00:00', 'happy', ['--policy', 'plain'], [
        'living_room: policy plain, Sunday 2026-10-25 02:30, sun down, happy for 60 s, '
        '1 person']),
])
def test_it_says_what_is_done_and_why_not_something_else(explain, at, emotion, more, lines):
    printed = explain(at, emotion, *more).splitlines()
    assert [line for line in lines if line not in printed] == [], printed


@pytest.mark.parametrize('at, more, words', [
    ('tomorrow', [], 'is not a date and a time'),
    ('2026-03-29 02:30', [], 'this time does not exist'),
    ('2026-01-05', ['--room', 'attic'], "no room 'attic'"),
    ('2026-01-05', ['--policy', 'attic'], "no policy 'attic'"),
    ('2026-01-05', ['--state', 'lox=3'], 'no rule uses it: expected lux')])
def test_what_cannot_be_answered_is_refused(explain, at, more, words):
    assert words in explain(at, 'sad', *more, code=1)


def test_check_names_rules_that_can_never_win(tmp_path, capsys):
    file = tmp_path / 'policy.yaml'
    file.write_text(TEXT)
    assert main(['check', str(file)]) == 0
    note, = [line for line in capsys.readouterr().out.splitlines() if 'never' in line]
    assert note == (f'{file}:14: note: policies.evening.rules.3 can never win: late fits before '
                    'it whenever it does')


def test_what_is_added_is_said_in_words_where_nothing_leads_the_lamp(explain, tmp_path):
    file = tmp_path / 'policy.yaml'
    file.write_text(TEXT.replace('    base: {sun: {}, targets: [lamp]}\n', ''))
    printed = explain('2026-01-05 19:30', 'fear', '--policy', 'plain')
    assert ('  does: lamp: on 2388 K, brightness -5% added to what it is set to over 1.5 s, then '
            'as before') in printed
    assert 'the light of the day' not in printed
