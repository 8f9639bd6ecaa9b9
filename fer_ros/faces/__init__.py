# SPDX-License-Identifier: Apache-2.0
"""Faces in images: found, tracked, cut out, rated and drawn."""
