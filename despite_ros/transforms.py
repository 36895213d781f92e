"""A small buffer of frame transforms (REP-105), fed from /tf and /tf_static, live or from a recording."""

from bisect import bisect_left, insort
from collections import deque

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from despite_ros.arrays import DoubleArray, FloatArray

STATIC_STAMP = -1


class TransformError(LookupError):
    """No chain of transforms, or none near the stamp, links two frames."""


def matrix(translation: DoubleArray, quaternion_xyzw: DoubleArray) -> DoubleArray:
    """Translation (3, metres) and quaternion (xyzw) → 4×4, child → parent.

    Raises:
        ValueError: the quaternion has no length.
    """
    transform = np.eye(4)
    transform[:3, :3] = Rotation.from_quat(quaternion_xyzw).as_matrix()
    transform[:3, 3] = translation
    return transform


def moved(points: FloatArray, transform: DoubleArray) -> FloatArray:
    """Points N×3 through a 4×4, float32."""
    result: FloatArray = (points @ transform[:3, :3].T + transform[:3, 3]).astype(np.float32)
    return result


class TransformBuffer:
    """Transforms of the last `keep_s` seconds, interpolated to a stamp; static ones hold for ever.

    A moving transform is held, not extrapolated, for at most `hold_s` beyond its newest sample.
    """

    def __init__(self, keep_s: float = 10.0, hold_s: float = 0.2) -> None:
        self._keep_ns = int(keep_s * 1e9)
        self._hold_ns = int(hold_s * 1e9)
        self._parent: dict[str, str] = {}
        self._history: dict[str, list[tuple[int, tuple[float, ...]]]] = {}

    def set(
        self, parent: str, child: str, stamp_ns: int, translation: DoubleArray, rotation: DoubleArray
    ) -> None:
        """Add child → parent at a stamp (`STATIC_STAMP` for a static one). rotation is xyzw."""
        matrix(translation, rotation)  # refuse what cannot be a rotation before it is stored
        values = (*map(float, translation), *map(float, rotation))
        if self._parent.get(child) != parent or stamp_ns == STATIC_STAMP:
            self._history[child] = []
        self._parent[child] = parent
        history = self._history[child]
        insort(history, (stamp_ns, values))
        while len(history) > 1 and history[0][0] < history[-1][0] - self._keep_ns:
            history.pop(0)

    def clear_moving(self) -> None:
        """Forget all but the static transforms (time went back)."""
        for child in [child for child, history in self._history.items() if history[0][0] != STATIC_STAMP]:
            del self._history[child], self._parent[child]

    def lookup(self, target: str, source: str, stamp_ns: int) -> DoubleArray:
        """The 4×4 that takes points of frame `source` into frame `target` at a stamp.

        Raises:
            TransformError: the frames are not linked, or a link has no sample near the stamp.
        """
        if target == source:
            return np.eye(4)
        up, root = self._to_ancestors(source, stamp_ns)
        if target in up:
            return up[target]
        down, other_root = self._to_ancestors(target, stamp_ns)
        common = next((frame for frame in up if frame in down), None)
        if common is None:
            raise TransformError(
                f"no transform links '{source}' (root '{root}') to '{target}' (root '{other_root}')"
            )
        linked: DoubleArray = np.linalg.inv(down[common]) @ up[common]
        return linked

    def _to_ancestors(self, frame: str, stamp_ns: int) -> tuple[dict[str, DoubleArray], str]:
        """{ancestor: frame → ancestor}, nearest first, and the root."""
        found = {frame: np.eye(4)}
        pending = deque([frame])
        while pending:
            child = pending.popleft()
            parent = self._parent.get(child)
            if parent is not None and parent not in found:
                found[parent] = self._at(child, stamp_ns) @ found[child]
                frame = parent
                pending.append(parent)
        return found, frame

    def _at(self, child: str, stamp_ns: int) -> DoubleArray:
        history = self._history[child]
        first, last = history[0], history[-1]
        if first[0] == STATIC_STAMP:
            return _matrix_of(first[1])
        if not first[0] <= stamp_ns <= last[0] + self._hold_ns:
            away = max(first[0] - stamp_ns, stamp_ns - last[0]) / 1e9
            raise TransformError(
                f"transform '{self._parent[child]}' → '{child}' is {away:.3f} s away from the stamp"
            )
        right = bisect_left(history, (stamp_ns,))
        if right == len(history) or history[right][0] == stamp_ns:
            return _matrix_of(history[min(right, len(history) - 1)][1])
        return _between(history[right - 1], history[right], stamp_ns)


def _matrix_of(values: tuple[float, ...]) -> DoubleArray:
    return matrix(np.array(values[:3]), np.array(values[3:]))


def _between(
    before: tuple[int, tuple[float, ...]], after: tuple[int, tuple[float, ...]], stamp_ns: int
) -> DoubleArray:
    share = (stamp_ns - before[0]) / (after[0] - before[0])
    translation = (1 - share) * np.array(before[1][:3]) + share * np.array(after[1][:3])
    ends = Rotation.from_quat(np.array([before[1][3:], after[1][3:]]))
    rotation: Rotation = Slerp([0.0, 1.0], ends)(share)
    return matrix(translation, rotation.as_quat())
