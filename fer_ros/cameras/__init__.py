# SPDX-License-Identifier: Apache-2.0
"""Cameras: their images, their files of calibration, and the list of a house's cameras."""
