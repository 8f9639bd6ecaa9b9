# SPDX-License-Identifier: Apache-2.0
"""The QoS profiles of the package, named by what they carry."""

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    qos_check_compatible,
    QoSCompatibility,
    QoSProfile,
    ReliabilityPolicy,
)
from rclpy.subscription import Subscription

#: Images: the newest matters, a lost one does not; matches every publisher when subscribing. A
#: little deeper than one, so that it is our own buffer of one that drops, and counts.
IMAGE = QoSProfile(depth=5, history=HistoryPolicy.KEEP_LAST,
                   reliability=ReliabilityPolicy.BEST_EFFORT,
                   durability=DurabilityPolicy.VOLATILE)

#: Results: small and wanted whole.
RESULT = QoSProfile(depth=10, history=HistoryPolicy.KEEP_LAST,
                    reliability=ReliabilityPolicy.RELIABLE,
                    durability=DurabilityPolicy.VOLATILE)

#: Transforms, as tf2 has them.
TF = QoSProfile(depth=100, history=HistoryPolicy.KEEP_LAST,
                reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.VOLATILE)

#: State that a late subscriber needs at once.
STATE = QoSProfile(depth=1, history=HistoryPolicy.KEEP_LAST,
                   reliability=ReliabilityPolicy.RELIABLE,
                   durability=DurabilityPolicy.TRANSIENT_LOCAL)


def describe(profile: QoSProfile) -> str:
    """Return the parts of a profile that decide whether two sides match, in words."""
    return (f'{profile.reliability.name.lower().replace("_", " ")}, '
            f'{profile.durability.name.lower().replace("_", " ")}')


def mismatch(node: Node, endpoint: Subscription | Publisher) -> str:
    """Return who cannot be heard, or cannot hear us, by the QoS of both sides; empty if nobody."""
    topic = endpoint.topic_name
    subscribing = isinstance(endpoint, Subscription)
    others = (node.get_publishers_info_by_topic if subscribing
              else node.get_subscriptions_info_by_topic)(topic)
    ours = endpoint.qos_profile
    theirs = [f'{info.node_name} {"offers" if subscribing else "asks for"} '
              f'{describe(info.qos_profile)}' for info in others
              if qos_check_compatible(*((info.qos_profile, ours) if subscribing
                                        else (ours, info.qos_profile)))[0]
              == QoSCompatibility.ERROR]
    if not theirs:
        return ''
    return (f'QoS does not match on {topic}: {"; ".join(theirs)}, we '
            f'{"ask for" if subscribing else "offer"} {describe(ours)}. Set '
            f'qos_overrides.{topic}.{"subscription" if subscribing else "publisher"}.reliability '
            "(or durability) of this node, or the other side's")
