"""People found by another detector: its boxes cut what is above the floor."""

import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.people.detections import Detection, detect
from despite_ros.people.gate import CERTAIN


def boxes_to_people(
    points: FloatArray, boxes: DoubleArray, pose: DoubleArray, min_points: int
) -> list[Detection]:
    """The people in B boxes, without those that hold fewer than `min_points`.

    points: N×3 above the floor, fixed frame. boxes: B×7 (centre x, y, z, size x, y, z in metres, heading
    in radians), sensor frame. pose: 4×4, sensor → fixed frame. A point in several boxes goes to the
    nearest centre.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 7)
    if len(boxes) == 0 or len(points) == 0:
        return []
    cloud = (points - pose[:3, 3]) @ pose[:3, :3]
    distance = np.stack([_from_centre(cloud, box) for box in boxes])
    nearest = np.where(np.isfinite(distance).any(0), np.argmin(distance, axis=0), -1)
    found = []
    for k in range(len(boxes)):
        members = points[nearest == k]
        if len(members) >= min_points:
            found.append(detect(members, float(boxes[k, 5]), pose[:3, 3], CERTAIN))
    return found


def move_boxes(boxes: DoubleArray, pose: DoubleArray) -> DoubleArray:
    """B boxes (B×7 as above) in another frame that is turned about z only; pose: 4×4, theirs → the other."""
    moved = boxes.copy()
    moved[:, :3] = boxes[:, :3] @ pose[:3, :3].T + pose[:3, 3]
    moved[:, 6] += np.arctan2(pose[1, 0], pose[0, 0])
    return moved


def _from_centre(cloud: DoubleArray, box: DoubleArray) -> DoubleArray:
    """Distance (N,) of each point to the box's centre in plan view, infinite outside the box."""
    cosine, sine = np.cos(box[6]), np.sin(box[6])
    x, y, z = (cloud - box[:3]).T
    along, across = cosine * x + sine * y, cosine * y - sine * x
    inside = (np.abs(along) <= box[3] / 2) & (np.abs(across) <= box[4] / 2) & (np.abs(z) <= box[5] / 2)
    return np.where(inside, np.hypot(x, y), np.inf)
