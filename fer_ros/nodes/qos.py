# SPDX-License-Identifier: Apache-2.0
"""The QoS profiles of the package, named by what they carry."""

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

#: Images: the newest matters, a lost one does not; matches every publisher when subscribing. A
#: little deeper than one, so that it is our own buffer of one that drops, and counts.
IMAGE = QoSProfile(depth=5, history=HistoryPolicy.KEEP_LAST,
                   reliability=ReliabilityPolicy.BEST_EFFORT,
                   durability=DurabilityPolicy.VOLATILE)

#: Results: small and wanted whole.
RESULT = QoSProfile(depth=10, history=HistoryPolicy.KEEP_LAST,
                    reliability=ReliabilityPolicy.RELIABLE,
                    durability=DurabilityPolicy.VOLATILE)

#: State that a late subscriber needs at once.
STATE = QoSProfile(depth=1, history=HistoryPolicy.KEEP_LAST,
                   reliability=ReliabilityPolicy.RELIABLE,
                   durability=DurabilityPolicy.TRANSIENT_LOCAL)


def describe(profile: QoSProfile) -> str:
    """Return the parts of a profile that decide whether two sides match, in words."""
    return (f'{profile.reliability.name.lower().replace("_", " ")}, '
            f'{profile.durability.name.lower().replace("_", " ")}')
