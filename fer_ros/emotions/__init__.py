# SPDX-License-Identifier: Apache-2.0
"""Emotions of faces: read by a network, filtered over time."""
