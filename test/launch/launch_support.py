# SPDX-License-Identifier: Apache-2.0
"""What the launch tests share; each runs under pytest and under launch_testing.launch_test."""

import contextlib
import os
from pathlib import Path
import random
import socket
import tempfile
import threading
import time

import ament_index_python
import cv2
from launch.actions import IncludeLaunchDescription, RegisterEventHandler
from launch.event_handlers import OnProcessStart
from launch.launch_description_sources import AnyLaunchDescriptionSource
import launch_testing.actions
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
import rclpy
from rclpy.exceptions import InvalidHandle
from rclpy.executors import SingleThreadedExecutor

from launch import LaunchDescription

# A graph of our own, on this machine only. Under pytest, conftest.py has seen to it.
os.environ.setdefault('ROS_DOMAIN_ID', str(os.getpid() % 100 + 1))
os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')


def share():
    """Return the installed package's folder of launch files and configurations."""
    return Path(ament_index_python.get_package_share_directory('fer_ros'))


def clip():
    """Return the clip that ships: a person who smiles, is sad, leaves and comes back."""
    import fer_ros
    return Path(fer_ros.__file__).parent / 'data' / 'demo.mp4'


def written(text, name):
    """Return a file with the text, in a folder that lives as long as this process."""
    folder = tempfile.TemporaryDirectory()
    _FOLDERS.append(folder)
    path = Path(folder.name) / name
    path.write_text(text, encoding='utf-8')
    return str(path)


_FOLDERS = []


def free_port():
    """Return a free port that the system gives to nobody by itself."""
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(('127.0.0.1', port))
            return port


def stand_in_rviz():
    """Put an rviz2 in front of PATH that needs no display; return the file it writes its words to.
    """
    said = written('', 'said.txt')
    script = Path(written(f"#!/bin/sh\ntrap 'kill $!; exit 0' INT TERM\necho \"$@\" > {said}\n"
                          'sleep 600 & wait\n', 'rviz2'))
    script.chmod(0o755)
    os.environ['PATH'] = f'{script.parent}:{os.environ["PATH"]}'
    return Path(said)


def description(file, **arguments):
    """Return the launch of an installed file, and the ids of its processes by name."""
    pids = {}

    def started(event, _):
        pids.setdefault(event.process_name.rpartition('-')[0], []).append(event.pid)
    return LaunchDescription([
        RegisterEventHandler(OnProcessStart(on_start=started)),
        IncludeLaunchDescription(AnyLaunchDescriptionSource(str(share() / 'launch' / file)),
                                 launch_arguments=list(arguments.items())),
        launch_testing.actions.ReadyToTest(),
    ]), {'pids': pids}


def frames(count):
    """Return pictures from the middle of the clip's first smile, uint8 (480, 640, 3) BGR."""
    video = cv2.VideoCapture(str(clip()))
    read = [video.read()[1] for _ in range(60 + count)]
    return read[60:]


def wait_for(condition, timeout_s, what):
    """Return the condition's value once it is true; fail when it does not become so."""
    end = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f'waited {timeout_s} s in vain for {what}')
        time.sleep(0.02)
    return value


class Observer:
    """A node of the test, spun in the background."""

    def __init__(self):
        rclpy.init()
        self.node = rclpy.create_node('launch_test')
        self._clients = {}
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self):
        # Not executor.spin(): executor.shutdown() destroys what that is about to wait for.
        while not self._ending.is_set():
            with contextlib.suppress(InvalidHandle):
                self._executor.spin_once()

    def close(self):
        self._ending.set()
        self._executor.create_task(lambda: None)  # wakes it
        self._thread.join(60)
        self._executor.shutdown(timeout_sec=5)
        self.node.destroy_node()
        rclpy.shutdown()

    def collect(self, kind, topic, profile):
        """Return the list into which the messages of a topic will come."""
        messages = []
        self.node.create_subscription(kind, topic, messages.append, profile)
        return messages

    def call(self, kind, name, request):
        """Return a service's answer, or None when it was lost.

        On a busy machine a server may not know of a new client's ear when it answers, and after a
        moment gives up: what is asked must be asked again.
        """
        if name not in self._clients:
            self._clients[name] = self.node.create_client(kind, name)
        client = self._clients[name]
        assert client.wait_for_service(30), f'no service {name}'
        future = client.call_async(request)
        end = time.monotonic() + 3
        while not future.done() and time.monotonic() < end:
            time.sleep(0.02)
        return future.result() if future.done() else None

    def state(self, name):
        """Return a node's lifecycle state."""
        return wait_for(lambda: self.call(GetState, f'{name}/get_state', GetState.Request()),
                        what=f'the state of {name}').current_state.label

    def change(self, name, transition, state):
        """Return whether a node took a transition, such as 'activate', into a state."""
        number = getattr(Transition, f'TRANSITION_{transition.upper()}')

        def done():
            answer = self.call(ChangeState, f'{name}/change_state', ChangeState.Request(
                transition=Transition(id=number)))
            # The answer may be lost of what was done.
            return answer or (self.state(name) == state and ChangeState.Response(success=True))
        return wait_for(done, what=f'{transition} of {name}').success
