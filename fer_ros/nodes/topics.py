# SPDX-License-Identifier: Apache-2.0
"""Topics that belong together: faces, emotions and images of one camera share a namespace."""


def sibling(topic: str, name: str) -> str:
    """Return the topic of another name beside a topic (cam1/faces, emotions: cam1/emotions)."""
    namespace, slash, _ = topic.rpartition('/')
    return f'{namespace}{slash}{name}'


def camera_name(topic: str) -> str:
    """Return a camera's name: the namespace of its topics, or camera without one."""
    return topic.rpartition('/')[0].strip('/~') or 'camera'


def humans_topic(namespace: str, name: str) -> str:
    """Return a topic of the faces of ROS4HRI (/humans, tracked: /humans/faces/tracked)."""
    return f'{namespace.rstrip("/")}/faces/{name}'
