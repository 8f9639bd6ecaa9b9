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

#: Images: only the latest matters, losses are acceptable; a subscription matches every publisher.
#: Slightly deeper than one, so that our own mailbox drops and counts images.
IMAGE = QoSProfile(depth=5, history=HistoryPolicy.KEEP_LAST,
                   reliability=ReliabilityPolicy.BEST_EFFORT,
                   durability=DurabilityPolicy.VOLATILE)

#: Images of which few are taken: the middleware keeps only the latest.
LATEST_IMAGE = QoSProfile(depth=1, history=HistoryPolicy.KEEP_LAST,
                          reliability=ReliabilityPolicy.BEST_EFFORT,
                          durability=DurabilityPolicy.VOLATILE)

#: Results: small, and losses are not acceptable.
RESULT = QoSProfile(depth=10, history=HistoryPolicy.KEEP_LAST,
                    reliability=ReliabilityPolicy.RELIABLE,
                    durability=DurabilityPolicy.VOLATILE)

#: Transforms, as in tf2.
TF = QoSProfile(depth=100, history=HistoryPolicy.KEEP_LAST,
                reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.VOLATILE)

#: State that late subscribers get at once.
STATE = QoSProfile(depth=1, history=HistoryPolicy.KEEP_LAST,
                   reliability=ReliabilityPolicy.RELIABLE,
                   durability=DurabilityPolicy.TRANSIENT_LOCAL)


def describe(profile: QoSProfile) -> str:
    """Describe the policies of a profile that decide whether two sides match."""
    return (f'{profile.reliability.name.lower().replace("_", " ")}, '
            f'{profile.durability.name.lower().replace("_", " ")}')


def mismatch(node: Node, endpoint: Subscription | Publisher) -> str:
    """Describe the endpoints whose QoS does not match ours; empty if there are none."""
    topic = endpoint.topic_name
    subscribing = isinstance(endpoint, Subscription)
    others = (node.get_publishers_info_by_topic if subscribing
              else node.get_subscriptions_info_by_topic)(topic)
    ours = endpoint.qos_profile
    theirs = [f'{info.node_name} {"offers" if subscribing else "requests"} '
              f'{describe(info.qos_profile)}' for info in others
              if qos_check_compatible(*((info.qos_profile, ours) if subscribing
                                        else (ours, info.qos_profile)))[0]
              == QoSCompatibility.ERROR]
    if not theirs:
        return ''
    return (f'QoS does not match on {topic}: {"; ".join(theirs)}, this '
            f'node {"requests" if subscribing else "offers"} {describe(ours)}. Set '
            f'qos_overrides.{topic}.{"subscription" if subscribing else "publisher"}.reliability '
            "(or durability) of this node, or the other side's")
