# SPDX-License-Identifier: Apache-2.0
"""Runtimes of networks, and the weights files they run."""
