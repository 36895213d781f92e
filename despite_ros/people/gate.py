"""Is a cluster a person?"""

from collections.abc import Iterable

import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray, IndexArray
from despite_ros.people.settings import GateSettings
from despite_ros.people.tracking import Detection

SURFACE_TO_AXIS = 0.1  # metres from the mean of the points seen to the body's axis, away from the sensor


class Gate:
    """Rejects clusters that are no people, and counts why."""

    def __init__(self, settings: GateSettings) -> None:
        self.settings = settings

    def select(
        self,
        points: FloatArray,
        above: FloatArray,
        clusters: Iterable[IndexArray],
        sensor: DoubleArray,
        counters: dict[str, int],
    ) -> list[Detection]:
        """Detections among clusters of N×3 points with heights `above` the floor; `counters` go up."""
        for reason in ("too_few_points", "too_flat", "too_tall", "too_large", "not_like_a_person"):
            counters.setdefault(reason, 0)
        found = []
        for cluster in clusters:
            if len(cluster) < self.settings.min_points:
                counters["too_few_points"] += 1
                continue
            detection = describe(points[cluster], above[cluster], sensor)
            reason = self._reason(detection)
            if reason:
                counters[reason] += 1
            else:
                found.append(detection)
        return found

    def _reason(self, detection: Detection) -> str:
        if detection.top < self.settings.min_height:
            return "too_flat"
        if detection.top > self.settings.max_height:
            return "too_tall"
        if max(detection.size[:2]) > self.settings.max_length:
            return "too_large"
        return ""


def describe(points: FloatArray, above: FloatArray, sensor: DoubleArray) -> Detection:
    """Box, position and height of a cluster (N×3, fixed frame) seen from `sensor` (3,)."""
    low, high = points.min(0), points.max(0)
    centre = points.mean(0, dtype=np.float64)
    sight = centre[:2] - sensor[:2]
    centre[:2] += sight / max(float(np.linalg.norm(sight)), 1e-6) * SURFACE_TO_AXIS
    centre[2] = (low[2] + high[2]) / 2
    return Detection(points, centre, high - low, float(above.max()), 1.0)
