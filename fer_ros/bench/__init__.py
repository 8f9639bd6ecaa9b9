# SPDX-License-Identifier: Apache-2.0
"""The benchmark: ``fer-bench`` or ``python -m fer_ros.bench``. It contains no tests."""
