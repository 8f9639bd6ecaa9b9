# SPDX-License-Identifier: Apache-2.0
"""The run times of networks, and the files of weights they run."""
