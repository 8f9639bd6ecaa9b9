# SPDX-License-Identifier: Apache-2.0
"""Kinds of devices: their requests and states. A new kind: one file, and one line in KINDS."""

from fer_ros.home.kinds.base import Kind
from fer_ros.home.kinds.blind import BLIND
from fer_ros.home.kinds.light import LIGHT
from fer_ros.home.kinds.message import MESSAGE
from fer_ros.home.kinds.scene import SCENE
from fer_ros.home.kinds.switch import SWITCH
from fer_ros.home.kinds.volume import VOLUME

KINDS: dict[str, Kind] = {kind.name: kind for kind in (
    LIGHT,
    SCENE,
    BLIND,
    MESSAGE,
    SWITCH,
    VOLUME,
)}
