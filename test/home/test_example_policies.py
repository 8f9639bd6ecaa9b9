# SPDX-License-Identifier: Apache-2.0
"""The examples of examples/home: each does in the simulation what its wish says."""

from pathlib import Path
import re
from xml.etree import ElementTree

from fer_ros.cli.policy import main
from fer_ros.emotions.labels import LABELS, UNCERTAIN
from fer_ros.errors import ConfigurationError
from fer_ros.home.action import AmbientAction, Command, NOBODY
from fer_ros.home.commands import RoomCommand
from fer_ros.home.controller import HomeController
from fer_ros.home.policy import load_policy
from fer_ros.home.recording import read_recording
from fer_ros.home.simulation import simulate
from fer_ros.home.world.discovery import EVENT_TYPES
import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / 'examples' / 'home'
DOCS = (REPOSITORY / 'docs' / 'home.md').read_text(encoding='utf-8')
EXAMPLES = sorted(path.stem for path in FOLDER.glob('*.yaml') if 'blueprint' not in path.stem)


class Trial:
    """What a policy of the examples does about its recording."""

    def __init__(self, name):
        self.policy = load_policy(FOLDER / f'{name}.yaml')
        self.seen = list(read_recording(FOLDER / f'{name}.jsonl'))
        self.done = [(now_s, what) for now_s, what in simulate(self.policy, self.seen)
                     if isinstance(what, AmbientAction)]

    def asked(self, target=None):
        """Return what was asked of a target, in words."""
        return [what.describe() for _, what in self.done if target in (None, what.target)]

    def since(self, label, count=1):
        """Return when a feeling began, the first time that so many people had it."""
        return next(one.stamp_s for one in self.seen if hasattr(one, 'faces')
                    and [face.label for face in one.faces] == [label] * count)

    def clock(self, number):
        """Return the time of day at which an action was done."""
        from fer_ros.home.decisions.surroundings import Surroundings
        return f'{Surroundings(self.policy).local(self.done[number][0]):%H:%M}'


def test_evening_dim():
    trial = Trial('evening_dim')
    soft, before = 'on 30% 2400 K', 'back to on 60% 2700 K'
    # Sad at six in the afternoon changes nothing; in the evening it does, and ends with it.
    assert trial.asked() == [soft, before] * 2
    assert [trial.clock(number)[:2] for number in range(4)] == ['19'] * 4
    assert 'soft is over' in trial.done[1][1].reason and 'nobody' in trial.done[3][1].reason


def test_only_tell_me():
    trial = Trial('only_tell_me')
    # Sad three times: half a minute is not reported, and only the phone gets messages.
    assert trial.asked() == [
        f'message "sad in the kitchen since 60 s, at 16:0{minute}"' for minute in (1, 3)]
    assert {what.target for _, what in trial.done} == {'phone'}
    assert trial.done[0][0] == pytest.approx(trial.since('sad') + 60.5, abs=0.6)


def test_childs_room():
    trial = Trial('childs_room')
    # Surprise is not a reason, bedtime is the end, and the light is neither bright nor colored.
    asked = [what for _, what in trial.done if what.command is Command.SET]
    assert len(asked) == 1 and asked[0].emotion == 'angry'
    light = asked[0].request.light
    assert light.brightness <= 0.4 and light.color is None and light.color_temperature_k < 2700
    assert trial.clock(-1) < '19:30' and trial.done[-1][1].command is Command.RESTORE
    home = HomeController(trial.policy, dry_run=True)
    assert home.snapshot('childs_room').policies == ('calm',)
    with pytest.raises(ConfigurationError, match="'colors' is not one of childs_room"):
        home.command(RoomCommand.SELECT_POLICY, 0.0, 'childs_room', 'colors')
    # A choice for all rooms leaves it alone.
    home.command(RoomCommand.SELECT_POLICY, 0.0, None, 'colors')
    assert home.snapshot('childs_room').policy == 'calm'
    assert home.snapshot('living_room').policy == 'colors'


def test_reading_lamp():
    trial = Trial('reading_lamp')
    hand_s = next(one.stamp_s for one in trial.seen if not hasattr(one, 'faces'))
    # Before, both follow; after the touch only the ceiling does, even when all have left.
    assert trial.asked('reading') == ['on 80% 3000 K']
    assert trial.asked('ceiling') == ['on 80% 3000 K', 'on 50% 2400 K', 'back to on 60% 2700 K']
    assert all(what.target == 'ceiling' for now_s, what in trial.done if now_s > hand_s)


def test_party():
    trial = Trial('party')
    assert {target: trial.asked(target) for target in (
        'lights', 'stereo', 'curtains', 'mirror_ball')} == {
            'lights': ['on 70% #c03cff', 'back to on 60% 2700 K'],
            'stereo': ['volume 60%', 'back to volume 40%'],
            'curtains': ['0% open', 'back to 100% open'], 'mirror_ball': ['on', 'back to off']}
    assert len(trial.done) == 8
    # Not for two, who were happy before.
    assert trial.done[0][0] > trial.since('happy', 3) > trial.since('happy', 2)


def test_sun_with_mood():
    trial = Trial('sun_with_mood')
    moods = [(what.emotion, what.describe(), after.describe()) for (_, what), (_, after) in zip(
        trial.done, trial.done[1:]) if after.command is Command.RESTORE]
    # Night, noon and night again: a mood is added to what the sun makes of the light, and is all
    # that is taken back.
    assert moods == [
        ('happy', 'on 55%', 'back to on 40% 2200 K'),
        ('sad', 'on 85% 4600 K', 'back to on 100% 5000 K'),
        ('happy', 'on 55%', 'back to on 40% 2200 K')]


@pytest.mark.parametrize('name', EXAMPLES)
def test_each_is_documented_tested_and_drawn_as_it_is(name, tmp_path, capsys):
    assert f'test_{name}' in globals(), 'an example without a test'
    picture = tmp_path / 'picture.svg'
    assert main(['simulate', str(FOLDER / f'{name}.yaml'), str(FOLDER / f'{name}.jsonl'),
                 '--quiet', '--picture', str(picture)]) == 0
    drawn = picture.read_text(encoding='utf-8')
    kept = (REPOSITORY / 'docs' / 'examples' / f'{name}.svg').read_text(encoding='utf-8')
    assert drawn == kept, 'make examples draws it again'
    assert ElementTree.fromstring(drawn).tag.endswith('svg') and len(drawn) < 20_000
    assert f'](examples/{name}.svg)' in DOCS and f'examples/home/{name}.yaml' in DOCS
    assert 'action' in capsys.readouterr().out.splitlines()[-1]
    # The wish comes first.
    assert re.match(r'# "[A-Z]', (FOLDER / f'{name}.yaml').read_text(encoding='utf-8'))
    assert main(['check', str(FOLDER / f'{name}.yaml')]) == 0


def test_a_picture_that_cannot_be_written_is_reported(capsys, tmp_path):
    name = EXAMPLES[0]
    assert main(['simulate', str(FOLDER / f'{name}.yaml'), str(FOLDER / f'{name}.jsonl'),
                 '--picture', str(tmp_path / 'no' / 'picture.svg')]) == 1
    assert 'picture.svg: cannot be written: No such file' in capsys.readouterr().err


class _Loader(yaml.SafeLoader):
    """Reads what Home Assistant reads in a blueprint."""


_Loader.add_constructor('!input', lambda loader, node: f'!{loader.construct_scalar(node)}')


def test_the_blueprint_says_what_the_event_entity_tells():
    text = (FOLDER / 'on_feeling.blueprint.yaml').read_text(encoding='utf-8')
    data = yaml.load(text, _Loader)
    about = data['blueprint']
    assert about['domain'] == 'automation' and set(data) == {
        'blueprint', 'mode', 'variables', 'triggers', 'conditions', 'actions'}
    used = set(re.findall(r'!input (\w+)', text))
    assert used == set(about['input'])
    assert about['input']['emotions']['selector']['select']['options'] == [
        *LABELS, UNCERTAIN, NOBODY]
    kinds = set(re.findall(r"event_type == '(\w+)'", text))
    assert kinds == {'emotion'} and kinds <= set(EVENT_TYPES)
    assert data['triggers'][0]['entity_id'] == '!room'
