# SPDX-License-Identifier: Apache-2.0
"""Where people look: dense landmarks, head pose, gaze, eyes, and attention over time."""
