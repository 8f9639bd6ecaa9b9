# SPDX-License-Identifier: Apache-2.0
"""What opens connections: MQTT, Home Assistant, and the room that stands in for devices."""
