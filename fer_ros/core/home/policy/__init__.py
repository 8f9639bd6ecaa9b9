# SPDX-License-Identifier: Apache-2.0
"""The policy file: which rooms, which cameras, which devices, and what answers which emotion."""

from fer_ros.core.home.ambience import STRATEGIES
from fer_ros.core.home.devices.dialects import DIALECTS
from fer_ros.core.home.kinds.light import LightTarget
from fer_ros.core.home.policy.file import load_policy, parse_policy, Policy
from fer_ros.core.home.policy.rooms import AGGREGATIONS, QuietHours, Room
from fer_ros.core.home.policy.rules import RegionRule, Rule, Rules
from fer_ros.core.home.policy.servers import Broker, HomeAssistant, Privacy, Secret

__all__ = [
    'AGGREGATIONS', 'Broker', 'DIALECTS', 'HomeAssistant', 'LightTarget', 'load_policy',
    'parse_policy', 'Policy', 'Privacy', 'QuietHours', 'RegionRule', 'Room', 'Rule', 'Rules',
    'Secret', 'STRATEGIES']
