# SPDX-License-Identifier: Apache-2.0
"""The page to look at, without ROS: what is shown, to whom, and how it reaches the browser."""
