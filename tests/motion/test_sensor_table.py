"""Samples of all sensors at once, against one by one."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from despite_ros.motion.faults import Faults
from despite_ros.motion.sensor_table import CAPACITY
from despite_ros.motion.settings import MotionSettings
from despite_ros.motion.wearers import Sensor, Wearer
from despite_ros.motion.windows import WearerWindows

MS = 1_000_000
WEARERS = (
    Wearer("alice", {"left_shank": Sensor("/a", time_offset=0.02), "right_forearm": Sensor("/b")}),
    Wearer("bob", {"left_forearm": Sensor("/c", heading=1.0)}),
)
LIMBS = [(wearer.name, limb) for wearer in WEARERS for limb in wearer.sensors]
SAMPLES = st.lists(
    st.tuples(
        st.integers(0, 2),  # sensor
        st.integers(0, 3000),  # stamp, ms: late and repeated ones, and jumps back
        st.sampled_from(["fine"] * 6 + ["not finite", "no orientation", "not plain"]),
    ),
    max_size=60,
)


def windows() -> tuple[WearerWindows, Faults]:
    faults = Faults()
    return WearerWindows(WEARERS, MotionSettings(), faults), faults


def numbers(index: int, state: str) -> tuple[float, ...]:
    rng = np.random.default_rng(index)
    turn = np.zeros(4) if state == "no orientation" else rng.normal(size=4)
    turn = turn / max(float(np.linalg.norm(turn)), 1e-9)
    force = np.full(3, np.nan) if state == "not finite" else rng.normal(size=3)
    return (*turn.tolist(), *rng.normal(size=3).tolist(), *force.tolist())


@settings(deadline=None)  # the kernels are compiled in the first example
@given(samples=SAMPLES, batch=st.integers(1, 20))
def test_many_at_once_are_as_one_by_one(samples: list[tuple[int, int, str]], batch: int) -> None:
    """In order of stamps within a batch or not, odd samples among them or not."""
    (together, faults), (single, expected) = windows(), windows()
    rows = [numbers(index, state) for index, (_, _, state) in enumerate(samples)]

    def by_hand(target: WearerWindows, index: int) -> None:
        sensor, ms, _ = samples[index]
        turn, rate, force = rows[index][:4], rows[index][4:7], rows[index][7:]
        target.sensor(*LIMBS[sensor]).push(ms * MS, turn, rate, force)

    for start in range(0, len(samples), batch):
        part = range(start, min(start + batch, len(samples)))
        sensors, stamps = np.array([samples[i][:2] for i in part]).T
        plain = np.array([samples[i][2] != "not plain" for i in part])
        taken = together.push(sensors, stamps * MS, np.array([rows[i] for i in part]), plain)
        for index, whether in zip(part, taken, strict=True):
            by_hand(single, index)
            if not whether:
                by_hand(together, index)
    assert faults.counts == expected.counts
    for ms in (0, 500, 1500, 3020):
        np.testing.assert_array_equal(together.step(ms * MS), single.step(ms * MS))


def test_a_full_row_makes_room() -> None:
    found, _ = windows()
    turn, still = (0.0, 0.0, 0.0, 1.0), (0.0, 0.0, 0.0)
    for index in range(CAPACITY + 10):
        row = np.array([[*turn, *still, float(index), 0.0, 0.0]])
        taken = found.push(np.array([1]), np.array([index * MS]), row, np.array([True]))
        if not taken[0]:
            found.sensor("alice", "right_forearm").push(index * MS, turn, still, (float(index), 0.0, 0.0))
    assert found.step((CAPACITY + 9) * MS).max() > CAPACITY - 100
