# SPDX-License-Identifier: Apache-2.0
"""Connections: MQTT, Home Assistant, and a virtual room."""
