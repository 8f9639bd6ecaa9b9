# SPDX-License-Identifier: Apache-2.0
"""Metrics of face detection, tracking and emotion recognition over time, for ``fer-eval``."""
