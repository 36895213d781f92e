"""Quality of service: what the nodes ask of sensor topics and what they offer."""

from collections.abc import Callable
from typing import Any

from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.qos import DurabilityPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy

CLOUD = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
# For publishers whose DDS is not set up for large messages: lost fragments are sent again.
CLOUD_RELIABLE = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
IMU = QoSProfile(depth=400, reliability=ReliabilityPolicy.BEST_EFFORT)  # taken in bunches; 1 s at 400 Hz
DETECTIONS = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
RESULTS = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
# What was found in the last 2 s is still given to a recorder that DDS discovery brings late.
KEPT_RESULTS = QoSProfile(
    depth=20, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)
TRANSFORMS = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
STATIC_TRANSFORMS = QoSProfile(
    depth=100, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)


def watch_offers(complain: Callable[[str], None]) -> SubscriptionEventCallbacks:
    """Calls `complain` with one line when a publisher offers what the subscription cannot take."""

    def incompatible(event: Any) -> None:
        policy = QoSPolicyKind(event.last_policy_kind).name.lower()
        complain(f"a publisher's {policy} does not fit; nothing is received from it")

    return SubscriptionEventCallbacks(incompatible_qos=incompatible, use_default_callbacks=False)


def watch_requests(complain: Callable[[str], None]) -> PublisherEventCallbacks:
    """Calls `complain` with one line when a subscriber asks for what is not offered."""

    def incompatible(event: Any) -> None:
        policy = QoSPolicyKind(event.last_policy_kind).name.lower()
        complain(f"a subscriber asks for another {policy}; it receives nothing")

    return PublisherEventCallbacks(incompatible_qos=incompatible, use_default_callbacks=False)
