# SPDX-License-Identifier: Apache-2.0
"""The policy file: rooms, cameras, devices and rules for emotions."""

from fer_ros.home.ambience import STRATEGIES
from fer_ros.home.devices.dialects import DIALECTS
from fer_ros.home.kinds.light import LightTarget
from fer_ros.home.policy.file import idle_rules, load_policy, Location, parse_policy, Policy
from fer_ros.home.policy.rooms import AGGREGATIONS, QuietHours, Room
from fer_ros.home.policy.rules import ListedRule, PlacedRule, RegionRule, Rule, Rules
from fer_ros.home.policy.servers import Broker, HomeAssistant, Privacy, Secret
from fer_ros.home.policy.when import When

__all__ = [
    'AGGREGATIONS', 'Broker', 'DIALECTS', 'HomeAssistant', 'idle_rules', 'LightTarget',
    'ListedRule', 'load_policy', 'Location', 'parse_policy', 'PlacedRule', 'Policy', 'Privacy',
    'QuietHours', 'RegionRule', 'Room', 'Rule', 'Rules', 'Secret', 'STRATEGIES', 'When']
