"""Diagnostics of a node: silent inputs, bad input, latency per stage, drops."""

import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from despite_ros.nodes.qos import RESULTS

CHECK_S = 0.1  # how often silence is looked for
PUBLISH_S = 1.0  # how often diagnostics go out while nothing changes
REPEAT_S = 10.0  # a fault that goes on is logged again after this time
RATE_WINDOW = 50  # arrivals over which a topic's rate is taken
FRESH_S = 5.0  # a fault younger than this makes the node's status a warning
OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


@dataclass
class Input:
    """How one topic is doing. Times are of the monotonic clock, since a dead sensor stops its own time."""

    topic: str
    timeout_s: float
    received: int = 0
    lost: int = 0
    last: float | None = None
    arrivals: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=RATE_WINDOW))

    def take(self, count: int) -> None:
        """So many messages came."""
        self.received += count
        self.last = time.monotonic()
        self.arrivals.append((self.last, self.received))

    @property
    def rate_hz(self) -> float:
        """Of the newest messages; 0 while there are too few to tell."""
        if len(self.arrivals) < 2:
            return 0.0
        (first, before), (last, after) = self.arrivals[0], self.arrivals[-1]
        return (after - before) / (last - first) if last > first else 0.0

    def status(self, now: float) -> tuple[bytes, str]:
        """Level and message."""
        if self.last is None:
            return WARN, f"nothing received yet: is {self.topic} published, and the name right?"
        silence = now - self.last
        if silence > self.timeout_s:
            return ERROR, f"silent for more than {self.timeout_s:g} s"
        return OK, f"receiving at {self.rate_hz:.1f} Hz"


class Monitor:
    """Counts what happens in a node and publishes it on /diagnostics. Safe to use from two threads."""

    def __init__(self, node: Node, latency_warning_ms: float) -> None:
        self._node = node
        self._name = node.get_fully_qualified_name().lstrip("/")
        self._limit_ms = latency_warning_ms
        self._lock = threading.Lock()
        self._inputs: dict[str, Input] = {}
        self._levels: dict[str, bytes] = {}
        self._faults: Counter[str] = Counter()
        self._logged: dict[tuple[str, str], float] = {}
        self._said: set[str] = set()
        self._last_fault = (-FRESH_S, "")
        self._story = "waiting for input"
        self._values: dict[str, str] = {}
        self._counters: dict[str, int] = {}
        self._latency_ms: dict[str, float] = {}
        self._published = 0.0
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", RESULTS)
        node.create_timer(CHECK_S, self.check, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def watch(self, topic: str, timeout_s: float) -> None:
        """Report when `topic` is silent for longer than `timeout_s`."""
        self._inputs[topic] = Input(topic, timeout_s)

    def received(self, topic: str, count: int = 1) -> None:
        """Messages of a watched topic came."""
        self._inputs[topic].take(count)

    def lost(self, topic: str, count: int = 1) -> None:
        """Messages of a watched topic were left out because newer ones came."""
        self._inputs[topic].lost += count

    def alive(self, topic: str) -> bool:
        """Whether a watched topic is not silent."""
        return bool(self._inputs[topic].status(time.monotonic())[0] == OK)

    def fault(self, kind: str, where: str, line: str) -> None:
        """Count a fault of a topic or frame; log it the first time, and while it goes on every `REPEAT_S`."""
        now, text = time.monotonic(), f"{where}: {line}"
        with self._lock:
            self._faults[kind] += 1
            self._last_fault = (now, text)
            count, silent = self._faults[kind], now - self._logged.get((kind, where), -REPEAT_S) < REPEAT_S
            if not silent:
                self._logged[kind, where] = now
        if not silent:
            self._node.get_logger().warning(text + (f" ({count} times)" if count > 1 else ""))

    def internal(self, error: Exception) -> None:
        """Count an error of ours; publishing after the end of ROS is none."""
        if self._node.context.ok():
            self.fault("internal", self._name, f"sweep dropped by an internal error: {error!r}")

    def absorb(self, counts: Mapping[str, int], lines: Iterable[str]) -> None:
        """Take over the faults that a core stage has counted: all its counts, and lines not seen yet."""
        with self._lock:
            for kind, count in counts.items():
                if count > self._faults[kind]:
                    self._faults[kind] = count
            new = [line for line in lines if line not in self._said]
            self._said.update(new)
            if new:
                self._last_fault = (time.monotonic(), new[-1])
        for line in new:
            self._node.get_logger().warning(line)

    def processed(
        self,
        story: str,
        counters: Mapping[str, int],
        latency_ms: Mapping[str, float],
        values: Mapping[str, str] | None = None,
    ) -> None:
        """The newest sweep: what became of it in words, counts, milliseconds of each stage, more values."""
        with self._lock:
            self._story, self._counters, self._latency_ms = story, dict(counters), dict(latency_ms)
            self._values = dict(values or {})

    def check(self) -> None:
        """Publish at once if a level changed, otherwise once in a while."""
        now = time.monotonic()
        # Ten times a second for each of many sensors: only what is published is put into messages.
        found = {topic: item.status(now) for topic, item in self._inputs.items()}
        found[self._name] = self._own_status(now)
        changed = {name: one for name, one in found.items() if self._levels.get(name) != one[0]}
        for name, (level, text) in changed.items():
            self._say(name, level, text)
            self._levels[name] = level
        if changed or now - self._published >= PUBLISH_S:
            self._published = now
            message = DiagnosticArray(status=[self._status(name, *one, now) for name, one in found.items()])
            message.header.stamp = self._node.get_clock().now().to_msg()
            self._publisher.publish(message)

    def _say(self, name: str, level: bytes, text: str) -> None:
        """Log an input that fell silent or came back; faults were logged where they happened."""
        if name == self._name or (level == OK and name not in self._levels):
            return
        log = self._node.get_logger()
        if level == ERROR:
            log.error(f"{name}: {text}")
        elif level == OK:
            log.info(f"{name}: {text}")

    def _own_status(self, now: float) -> tuple[bytes, str]:
        """Level and message of the node itself."""
        with self._lock:
            total = sum(self._latency_ms.values())
            if now - self._last_fault[0] < FRESH_S:
                return WARN, self._last_fault[1]
            if total > self._limit_ms:
                return WARN, f"a sweep takes {total:.0f} ms, more than {self._limit_ms:.0f} ms"
            return OK, self._story

    def _status(self, name: str, level: bytes, text: str, now: float) -> DiagnosticStatus:
        """Of an input, by its topic, or of the node itself."""
        item = self._inputs.get(name)
        values = self._input_values(item, now) if item else self._own_values()
        pairs = [KeyValue(key=key, value=value) for key, value in values.items()]
        title = f"{self._name}: {name}" if item else name
        return DiagnosticStatus(name=title, level=level, message=text, hardware_id=name, values=pairs)

    def _input_values(self, item: Input, now: float) -> dict[str, str]:
        values = {"received": str(item.received), "lost": str(item.lost)}
        if item.last is not None:
            values |= {"age_s": f"{now - item.last:.3f}", "rate_hz": f"{item.rate_hz:.1f}"}
        return values

    def _own_values(self) -> dict[str, str]:
        with self._lock:
            values = {f"count.{name}": str(count) for name, count in self._counters.items()}
            values |= {f"latency_ms.{name}": f"{value:.2f}" for name, value in self._latency_ms.items()}
            values |= {f"fault.{name}": str(count) for name, count in self._faults.items()}
            return values | self._values
