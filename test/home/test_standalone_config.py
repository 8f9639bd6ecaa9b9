# SPDX-License-Identifier: Apache-2.0
"""fer-home's configuration: what it takes, and the line it says where it does not."""

from pathlib import Path
import re

from fer_ros.errors import ConfigurationError
from fer_ros.standalone.config import load_config, Options, read_page
import pytest

REPOSITORY = Path(__file__).parents[2]
POLICY = """
version: 1
policies:
  mirror: {by_emotion: {happy: {strategy: mirror}}}
  warm: {by_emotion: {happy: {brightness: 0.3}}}
rooms:
  study: {policy: mirror, sources: [desk/emotions], targets: {lamp: {type: terminal}}}
  hall: {policy: mirror, sources: [door/emotions], targets: {lamp: {type: terminal}}}
"""


@pytest.fixture
def write(tmp_path):
    (tmp_path / 'policy.yaml').write_text(POLICY)

    def make(text):
        (tmp_path / 'home.yaml').write_text(f'version: 1\npolicy: policy.yaml\n{text}')
        return tmp_path / 'home.yaml'
    return make


def sources(config):
    return {name: room.sources for name, room in config.policy.rooms.items()}


def test_the_example_says_what_the_defaults_are():
    config = load_config(REPOSITORY / 'config' / 'home.yaml')
    assert config.policy_file == REPOSITORY / 'config' / 'policies' / 'default.yaml'
    assert [camera.name for camera in config.cameras] == ['living_room']
    assert config.detector == load_config(None).detector
    assert config.classifier == load_config(None).classifier
    assert config.page == load_config(None, Options(web=True)).page


@pytest.mark.parametrize('cameras, fed, unfed', [
    # By the names in the policy's sources.
    ('{desk: {source: 0}, door: {source: 1}}',
     {'study': ('desk/emotions',), 'hall': ('door/emotions',)}, ()),
    # By the camera's rooms, whatever the policy says; two cameras see one room.
    ('{a: {source: 0, rooms: [study, hall]}, b: {source: 1, rooms: [hall]}}',
     {'study': ('a/emotions',), 'hall': ('a/emotions', 'b/emotions')}, ()),
    # A room without a camera keeps what it listens to, and is named.
    ('{desk: {source: 0}}', {'study': ('desk/emotions',), 'hall': ('door/emotions',)}, ('hall',)),
    # A camera may see no room: its people are on the page.
    ('{desk: {source: 0}, door: {source: 1}, yard: {source: 2}}',
     {'study': ('desk/emotions',), 'hall': ('door/emotions',)}, ()),
])
def test_cameras_feed_rooms(write, cameras, fed, unfed):
    config = load_config(write(f'cameras: {cameras}'))
    assert sources(config) == fed
    assert config.unfed == unfed


def test_one_camera_and_one_room_belong_together(tmp_path):
    policy = tmp_path / 'policy.yaml'
    policy.write_text(POLICY[:POLICY.index('  hall:')])
    config = load_config(None, Options(source='0', policy=str(policy)))
    assert sources(config) == {'study': ('emotions',)}


def test_the_command_line_goes_before_the_file(write):
    file = write('cameras: {desk: {source: 0, width_px: 320, rooms: [study]}}\n'
                 'page: {port: 1234, history_h: 1}')
    config = load_config(file, Options(source='clip.mp4', loop=True, page={'port': 4321}))
    camera, = config.cameras
    assert (camera.name, camera.rooms) == ('desk', ('study',))
    assert camera.settings['source'] == 'clip.mp4' and camera.settings['width_px'] == 320
    assert camera.settings['loop']
    assert config.page['port'] == 4321 and config.page['history_h'] == 1.0
    assert load_config(file, Options(web=False)).page is None
    assert load_config(file, Options(rooms=('hall',))).unfed == ('study',)
    assert read_page(file)['port'] == 1234


def test_a_source_with_a_password_comes_from_the_environment(write, monkeypatch):
    file = write('cameras: {desk: {source: {env: DESK_CAMERA}, rooms: [study]}}')
    monkeypatch.setenv('DESK_CAMERA', 'rtsp://me:secret@camera/1')
    config = load_config(file)
    assert config.cameras[0].settings['source'] == 'rtsp://me:secret@camera/1'
    assert 'secret' not in repr(config.cameras[0])
    monkeypatch.delenv('DESK_CAMERA')
    with pytest.raises(ConfigurationError, match='home.yaml:3: cameras.desk.source: .*DESK_CAM'):
        load_config(file)
    assert load_config(file, secrets=False).cameras[0].name == 'desk'


def test_paths_are_those_beside_the_file(write, tmp_path):
    config = load_config(write('cameras: {desk: {source: 0}}\npage: {token_file: token}\n'
                               'classifier: {model: models/mine.tflite}'))
    assert config.policy_file == tmp_path / 'policy.yaml'
    assert config.page['token_file'] == str(tmp_path / 'token')
    assert config.classifier['model'] == str(tmp_path / 'models' / 'mine.tflite')


@pytest.mark.parametrize('text, message', [
    ('camras: {}', r"home.yaml:3: camras: unknown key 'camras': expected .*policy"),
    ('cameras: [0]', r'home.yaml:3: cameras: \[0\]: expected lines such as'),
    ('cameras:\n  desk: /dev/video0', 'home.yaml:4: cameras.desk: expected source: with'),
    ('cameras:\n  a b: {source: 0}', 'home.yaml:4: cameras.a b: not a valid camera name'),
    ('cameras:\n  desk: {source: 0, widht: 1}', 'home.yaml:4: cameras.desk.widht: unknown key'),
    ('cameras:\n  desk: {source: 0, rate_hz: 5000}', 'cameras.desk.rate_hz: rate_hz is 5000.0'),
    ('cameras:\n  desk: {source: 0, rooms: [attic]}', "'attic' is not a room of .*study, hall"),
    ('cameras:\n  desk: {source: 0, rooms: study}', 'desk.rooms: .*expected a list of rooms'),
    ('cameras:\n  desk: {source: {env: A, file: b}}', 'desk.source: expected a string, or'),
    ('cameras:\n  desk: {source: 0, pixel_format: JPEG2}', 'pixel_format: .*four letters'),
    ('cameras: {yard: {source: 0}}', r'cameras: no camera sees a room of .*yard.*'
     r'rooms: \[study\], or --room study'),
    ('detector: {detector: best}', "detector.detector: detector is 'best': expected one of auto"),
    ('detector: {minimum_face_px: 2.5}', 'minimum_face_px is 2.5: expected a whole number, 8 to'),
    ('classifier: {threads: many}', "threads is 'many': expected a whole number"),
    ('classifier: {time_constant_s: .nan}', 'time_constant_s is nan: expected a number'),
    ('classifier: {providers: cpu}', "providers is 'cpu': expected a list"),
    ('classifier: {providers: [1]}', r"providers is \[1\]: expected a list such as \['cpu'\]"),
    ('page: {port: 70000}', 'home.yaml:3: page.port: port is 70000: expected 0 to 65535'),
    ('page: {picture: maybe}', "picture is 'maybe': expected true or false"),
    ('page: 8088', 'page: 8088: expected keys with values'),
    ('policy_name: cold', "home.yaml:3: policy_name: 'cold' is not in .*expected one of mirror"),
    ('dry_run: [', 'home.yaml:3: not YAML'),
    ('version: 1', "home.yaml:3: 'version' "),
])
def test_what_is_wrong_is_said_with_file_line_and_key(write, text, message):
    with pytest.raises(ConfigurationError) as error:
        load_config(write(text))
    assert re.search(message, str(error.value)), str(error.value)
    assert '\n' not in str(error.value)


def test_a_file_that_is_none(tmp_path):
    for content, message in ((None, 'cannot be read: No such file'), (b'\xff', 'UTF-8'),
                             (b'- 1', 'expected keys'), (b'policy: p', 'version is missing')):
        file = tmp_path / 'home.yaml'
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(ConfigurationError, match=message):
            load_config(file)


def test_every_fault_of_the_policy_is_reported(write, tmp_path):
    (tmp_path / 'policy.yaml').write_text(POLICY.replace('mirror, sources', 'merror, sources'))
    with pytest.raises(ConfigurationError) as error:
        load_config(write('cameras: {desk: {source: 0}}'))
    lines = str(error.value).splitlines()
    assert len(lines) == 2 and all('policy.yaml:' in line for line in lines)
