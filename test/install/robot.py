# SPDX-License-Identifier: Apache-2.0
"""Debian 12 as an Ubuntu 24.04 robot: README's own lines, one by one, to an emotion over DDS."""

from pathlib import Path
import re
import shlex

from machine import json_line, Machine, NotRun, REPOSITORY, StepFailed, System
import readme

NAME = 'Debian 12 as an Ubuntu 24.04 robot (ROS 2 Jazzy from wheels)'
_PACKAGES = (
    # What ros-jazzy-ros-base and the development tools bring.
    'python3-numpy', 'python3-venv', 'python3-yaml', 'python3-catkin-pkg', 'python3-empy',
    'python3-lark', 'python3-packaging', 'python3-pip', 'python3-dev', 'colcon',
    'python3-colcon-ros', 'python3-colcon-bash', 'python3-rosdep2',
    'cmake', 'g++', 'make', 'git', 'sudo')
#: Where the stand-in's rosdep looks: the real one's lists are not on a package registry.
_ROSDEP = '/etc/ros/rosdep/robot.yaml'
_ROS = '/opt/ros/jazzy'
_SETUP = f"""export ROS_DISTRO=jazzy ROS_VERSION=2 ROS_PYTHON_VERSION=3
export AMENT_PREFIX_PATH={_ROS}${{AMENT_PREFIX_PATH:+:$AMENT_PREFIX_PATH}}
export CMAKE_PREFIX_PATH={_ROS}${{CMAKE_PREFIX_PATH:+:$CMAKE_PREFIX_PATH}}
export PYTHONPATH={_ROS}/lib/python3.11/site-packages${{PYTHONPATH:+:$PYTHONPATH}}
export LD_LIBRARY_PATH={_ROS}/lib${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}
for folder in {_ROS}/lib/python3.11/site-packages/ros_*.libs; do
  export LD_LIBRARY_PATH=$folder:$LD_LIBRARY_PATH
done
export PATH={_ROS}/bin:$PATH
"""
_WORKSPACE = '/root/ros2_ws'
_NODES = ('camera_driver', 'face_detector', 'emotion_classifier', 'smart_home_bridge',
          'dashboard')


def steps(machine: Machine):
    """Yield the rows; each needs those before it."""
    robot = _Robot(machine)
    for what, step in (
            ('ROS 2 is there, as after its own installation', robot.make),
            ('README: mkdir, git clone, rosdep install', robot.clone),
            ('README: venv, pip install, colcon build', robot.build),
            ("NumPy and OpenCV are still the distribution's", robot.compare),
            ("with the distribution's packages alone: a line per package, no traceback",
             robot.start_without_environment),
            ('README: source install/setup.bash, ros2 launch', robot.launch),
            ('nodes over DDS, detector: yunet, portrait to emotion, page, clean end', robot.live),
            ('NumPy 2 in the environment: a line, and its command fixes it', robot.numpy_2),
            ('half an install of Paho MQTT: a line, and its command fixes it', robot.half),
            ('a read-only home: a line, and it runs', robot.read_only_home)):
        yield NAME, what, step


class _Robot:

    def __init__(self, machine: Machine):
        self._machine = machine
        self._system = System(machine, 'bookworm', _PACKAGES)
        self._reached = ''
        self._libraries = ''

    def make(self) -> str:
        self._system.make()
        machine = self._machine
        machine.archive()
        machine.portrait()
        wheels = [line for line in (REPOSITORY / 'requirements' / 'demo.txt').read_text()
                  .splitlines() if re.match(r'ros-(?!wheels-bootstrapper)', line)]
        listed = ' '.join(re.match(r'\S+', line).group() for line in wheels)
        stamp = f'{_ROS}/.installed'
        # The wheels lie where ROS 2 does; what runs them is the system's Python.
        self._system.run(
            f'if [ "$(cat {stamp} 2>/dev/null)" != {shlex.quote(listed)} ]; then '
            f'rm -rf {_ROS} && python3 -m venv --without-pip {_ROS} && '
            f'python3 -m pip --python {_ROS}/bin/python3 install -q --no-deps {listed} && '
            f'rm -f {_ROS}/bin/python* {_ROS}/bin/activate* {_ROS}/pyvenv.cfg && '
            f'printf %s {shlex.quote(listed)} > {stamp}; fi && '
            f'printf %s {shlex.quote(_SETUP)} | tee {_ROS}/setup.sh {_ROS}/setup.bash '
            f'{_ROS}/local_setup.bash {_ROS}/local_setup.sh > /dev/null', what='ROS 2 from wheels')
        self._rosdep()
        printed = self._ros('python3 -c "import rclpy, sensor_msgs.msg, numpy; '
                            'print(numpy.__version__)"', what='rclpy')
        self._reached = 'make'
        return f'passed: {len(wheels)} packages, NumPy {printed.split()[-1]}'

    def _rosdep(self) -> None:
        """Let rosdep know, without its lists, which Debian package is which key."""
        text = (REPOSITORY / 'package.xml').read_text(encoding='utf-8')
        keys = sorted(set(re.findall(r'depend[^>]*>([\w-]+)</', text)))
        rules = ''.join(f'{key}:\n  debian: [{key if key.startswith("python3-") else ""}]\n'
                        for key in keys)
        index = ('%YAML 1.1\n---\ndistributions: {}\ntype: index\nversion: 4\n')
        self._system.run(
            f'rm -rf /etc/ros/rosdep/sources.list.d && mkdir -p /etc/ros/rosdep/sources.list.d && '
            f'printf %s {shlex.quote(rules)} '
            f'> {_ROSDEP} && echo "yaml file://{_ROSDEP}" > '
            '/etc/ros/rosdep/sources.list.d/20-robot.list && '
            f'printf %s {shlex.quote(index)} > /etc/ros/rosdep/index-v4.yaml && '
            'rm -rf /root/.ros/rosdep && '
            'ROSDISTRO_INDEX_URL=file:///etc/ros/rosdep/index-v4.yaml rosdep update -q',
            what='rosdep update')

    def clone(self) -> str:
        self._after('make')
        commands = ' && '.join((readme.line('mkdir').replace('~', '/root'), readme.line(
            'git clone').replace('<this repository>', '/fer_ros'), readme.line('rosdep')))
        self._ros(f'git config --global --add safe.directory "*"; rm -rf {_WORKSPACE} && '
                  f'ROSDISTRO_INDEX_URL=file:///etc/ros/rosdep/index-v4.yaml && '
                  f'export ROSDISTRO_INDEX_URL && {commands}', what="README's lines")
        self._libraries = self._numpy('python3')
        self._reached = 'clone'
        return "passed; rosdep's lists replaced by one that names Debian's packages"

    def start_without_environment(self) -> str:
        self._after('build')
        told = []
        for node, packages in (('emotion_classifier', ('LiteRT',)),
                               ('smart_home_bridge', ('pydantic', 'Paho MQTT'))):
            printed = self._built(
                f'/usr/bin/python3 install/fer_ros/lib/fer_ros/{node}', ok=(78,))
            lines = [line for line in printed.splitlines() if line.strip()]
            if len(lines) != len(packages) or not all(
                    f'{node}: cannot start: {package}: found' in line and '.venv' in line
                    for package, line in zip(packages, lines)):
                raise StepFailed(f'{node} printed {lines}')
            told += lines
        return f'passed: {len(told)} lines, such as {told[0]}'

    def build(self) -> str:
        self._after('clone')
        commands = f'{readme.environment_lines()} && {readme.line("colcon build")}'
        self._ros(f'cd {_WORKSPACE} && {commands}', what="README's lines")
        self._reached = 'build'
        return 'passed'

    def compare(self) -> str:
        self._after('build')
        now = self._numpy(f'{_WORKSPACE}/.venv/bin/python3')
        if now != self._libraries:
            raise StepFailed(f'they were {self._libraries}, now they are {now}')
        version, _, opencv, _ = now.split()
        return f'passed: NumPy {version}, OpenCV {opencv}, both of /usr/lib/python3/dist-packages'

    def launch(self) -> str:
        self._after('build')
        readme.line('ros2 launch')
        if not self._built('ros2 --help', ok=(0, 126, 127)).startswith('usage'):
            raise NotRun('launch, launch_ros and ros2cli are on no package registry; the nodes '
                         'are started one by one instead (next row)')
        return self._live('ros2 launch')

    def live(self) -> str:
        self._after('build')
        return self._live('nodes')

    def _live(self, how: str) -> str:
        script = f'{_WORKSPACE}/src/fer_ros/test/install/first_emotion.py'
        # As in a later terminal: the environment is not activated.
        printed = self._built(f'python3 {script} {how} /files/astronaut.png', ok=(0,))
        result = json_line(printed)
        if result['label'] != 'happy' or result['page'] != 200 or any(result['exit codes']) \
                or result['detector'] != 'yunet':
            raise StepFailed(f'{result}')
        return (f'passed: {result["label"]} {result["confidence"]:.2f} after '
                f'{result["after_s"]:.0f} s, {result["detector"]}')

    def numpy_2(self) -> str:
        self._after('build')
        pip = f'{_WORKSPACE}/.venv/bin/python3 -m pip'
        self._built(f"{pip} install -q --ignore-installed --no-deps 'numpy==2.4.6'")
        return self._fixed(_NODES, 'uninstall -y numpy')

    def half(self) -> str:
        self._after('build')
        # What an interrupted pip may leave: a part of the files.
        self._built(f'rm {_WORKSPACE}/.venv/lib/python3.11/site-packages/paho/mqtt/client.py')
        return self._fixed(('smart_home_bridge',), 'install --force-reinstall')

    def _fixed(self, nodes: tuple[str, ...], fix: str) -> str:
        commands = set()
        for node in nodes:
            printed = self._built(f'{_WORKSPACE}/install/fer_ros/lib/fer_ros/{node}', ok=(78,))
            lines = [line for line in printed.splitlines() if line.strip()]
            stops = [line for line in lines if 'cannot start' in line]
            if len(stops) != 1 or len(lines) > 2 or fix not in stops[0] \
                    or 'Traceback' in printed:
                raise StepFailed(f'{node} printed {lines}')
            commands.add(stops[0].rpartition('fix: ')[2])
        for command in commands:
            self._built(command)
        self._live('nodes')
        return f'passed: {stops[0]}'

    def read_only_home(self) -> str:
        self._after('build')
        printed = self._built(
            'mkdir -p /root/ro && mount -t tmpfs -o ro tmpfs /root/ro && export HOME=/root/ro && '
            f'timeout --preserve-status -s INT 15 {_WORKSPACE}/install/fer_ros/lib/fer_ros/'
            'emotion_classifier')
        lines = [line for line in printed.splitlines() if 'ROS_LOG_DIR' in line]
        if len(lines) != 1 or 'Traceback' in printed:
            raise StepFailed(f'printed {printed.splitlines()[-3:]}')
        return f'passed: {lines[0]}'

    def _after(self, step: str) -> None:
        order = ('', 'make', 'clone', 'build')
        if order.index(self._reached) < order.index(step):
            raise NotRun('a step before it did not pass')

    def _numpy(self, python: str) -> str:
        code = ('import numpy, cv2; print(numpy.__version__, numpy.__file__, cv2.__version__, '
                'cv2.__file__)')
        return self._ros(f'{python} -c {shlex.quote(code)}', what='NumPy and OpenCV').strip()

    def _ros(self, script: str, *, what: str, ok: tuple[int, ...] = (0,)) -> str:
        return self._system.run(f'source {_ROS}/setup.bash && {script}', what=what, ok=ok)

    def _built(self, script: str, ok: tuple[int, ...] = (0,)) -> str:
        """Run in a new terminal, in which only README's line for the workspace was typed."""
        return self._ros(
            f'cd {_WORKSPACE} && {readme.line("source install")} && export ROS_DOMAIN_ID=77 '
            f'ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST && {script}',
            what=Path(script.split()[0]).name, ok=ok)
