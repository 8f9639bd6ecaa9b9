# SPDX-License-Identifier: Apache-2.0
"""fer-home: cameras, faces, emotions, policy and page in one process, without ROS."""
