# SPDX-License-Identifier: Apache-2.0
"""Emotions of faces: classification by a network and filtering over time."""
