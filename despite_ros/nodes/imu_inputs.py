"""IMU topics, asked for their messages when a sweep needs them.

A callback costs the executor some 0.1 ms, which many sensors at 100 Hz and more turn into most of a core, and
samples that wait for their turn would miss the sweep they belong to. So these subscriptions are not waited
for: whoever needs the samples takes all that have arrived, and a thread does so now and then.
"""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.subscription import Subscription
from sensor_msgs.msg import Imu

from despite_ros.motion.wearers import Wearer
from despite_ros.nodes.monitor import Monitor
from despite_ros.nodes.qos import IMU

POLL_S = 0.02  # how often samples are taken between sweeps, so that few are left to take when one comes
WAITING = 2000  # samples of a sensor that wait for the next sweep; 5 s at 400 Hz


class Unattended(CallbackGroup):
    """The executor does not wait for messages of this group's subscriptions."""

    def can_execute(self, entity: Any) -> bool:
        """Whether the executor may look at it."""
        return not isinstance(entity, Subscription)

    def beginning_execution(self, entity: Any) -> bool:
        """Never happens."""
        return True

    def ending_execution(self, entity: Any) -> None:
        """Nothing to note."""


class ImuInputs:
    """All IMU topics of the wearers. `take` is for any thread, `waiting` for one at a time.

    sensors: topic, wearer and limb of each, wearer by wearer.
    """

    def __init__(self, node: Node, wearers: Sequence[Wearer], timeout_s: float, monitor: Monitor) -> None:
        self._monitor = monitor
        self._group = Unattended()
        self.sensors = [
            (sensor.topic, wearer.name, limb) for wearer in wearers for limb, sensor in wearer.sensors.items()
        ]
        self._samples: deque[tuple[int, bytes]] = deque(maxlen=WAITING * len(self.sensors))
        for topic, _, _ in self.sensors:
            monitor.watch(topic, timeout_s)
        self._subscriptions = [self._subscribe(node, topic) for topic, _, _ in self.sensors]
        self._resting = False
        self._taking, self._closed = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._poll, name="imus", daemon=True)
        self._thread.start()

    def take(self) -> None:
        """Take all samples that have arrived."""
        with self._taking:
            for number, subscription in enumerate(self._subscriptions):
                count = 0
                with subscription.handle:
                    while (taken := subscription.handle.take_message(Imu, True)) is not None:
                        self._samples.append((number, taken[0]))
                        count += 1
                if count:
                    self._monitor.received(self.sensors[number][0], count)

    @contextmanager
    def resting(self) -> Iterator[None]:
        """While this lasts samples wait in their topics: taking them keeps Python's other threads waiting."""
        self._resting = True
        try:
            yield
        finally:
            self._resting = False

    def close(self) -> None:
        """End the thread; call before the node is destroyed."""
        self._closed.set()
        self._thread.join()

    def waiting(self) -> tuple[list[int], list[bytes]]:
        """The samples that were taken, oldest first, each given once: place in `sensors`, serialised Imu."""
        found = [self._samples.popleft() for _ in range(len(self._samples))]
        return [number for number, _ in found], [data for _, data in found]

    def _poll(self) -> None:
        while not self._closed.wait(POLL_S):
            if not self._resting:
                self.take()

    def _subscribe(self, node: Node, topic: str) -> Any:
        # No publisher's offer is too little for best effort, and each event handler is one more thing that
        # the executor waits for: with those of 64 topics it is woken by every sample again.
        silent = SubscriptionEventCallbacks(use_default_callbacks=False)
        return node.create_subscription(
            Imu,
            topic,
            lambda _: None,
            IMU,
            raw=True,
            callback_group=self._group,
            event_callbacks=silent,
        )
