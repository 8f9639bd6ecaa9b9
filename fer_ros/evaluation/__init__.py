# SPDX-License-Identifier: Apache-2.0
"""How well faces are found, followed and read over time: the measures behind ``fer-eval``."""
