# SPDX-License-Identifier: Apache-2.0
"""What a home learns: sequences of events."""
