# SPDX-License-Identifier: Apache-2.0
"""The dashboard page, without ROS: its state, access control and web server."""
