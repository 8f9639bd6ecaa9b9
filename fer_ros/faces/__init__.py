# SPDX-License-Identifier: Apache-2.0
"""Faces in images: detection, tracking, cropping, quality and drawing."""
