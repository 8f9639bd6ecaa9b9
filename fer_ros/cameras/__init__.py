# SPDX-License-Identifier: Apache-2.0
"""Cameras: frame sources, encoded images, calibration files, and the list of cameras."""
