"""Quaternions (xyzw, Hamilton) and rotation matrices, vectorised over leading axes."""

import numba
import numpy as np

from despite_ros.arrays import AnyArray, DoubleArray


def matrices(quaternions: AnyArray) -> DoubleArray:
    """Quaternions …×4 xyzw, of any non-zero length → rotation matrices …×3×3."""
    quaternions = np.ascontiguousarray(quaternions, np.float64)
    flat = _matrices(quaternions.reshape(-1, 4))
    return np.asarray(flat.reshape(*quaternions.shape[:-1], 3, 3), np.float64)


def yaw(angle: float) -> DoubleArray:
    """Rotation by `angle` (radians) about z, 3×3."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def matrix_of(quaternion: DoubleArray, out: DoubleArray) -> None:
    """Fill `out`, 3×3, with the rotation of one quaternion of any non-zero length."""
    norm = np.sqrt(np.sum(quaternion**2))
    x, y, z, w = quaternion[0] / norm, quaternion[1] / norm, quaternion[2] / norm, quaternion[3] / norm
    out[0, 0], out[0, 1], out[0, 2] = 1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)
    out[1, 0], out[1, 1], out[1, 2] = 2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)
    out[2, 0], out[2, 1], out[2, 2] = 2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def rotate(quaternion: DoubleArray, vector: DoubleArray) -> tuple[float, float, float]:
    """A vector turned by a quaternion of any non-zero length: v + 2 (w u × v + u × (u × v)) / |q|²."""
    x, y, z, w = quaternion[0], quaternion[1], quaternion[2], quaternion[3]
    a, b, c = vector[0], vector[1], vector[2]
    twice = 2.0 / (x * x + y * y + z * z + w * w)
    p, q, r = y * c - z * b, z * a - x * c, x * b - y * a  # u × v
    return (
        a + twice * (w * p + y * r - z * q),
        b + twice * (w * q + z * p - x * r),
        c + twice * (w * r + x * q - y * p),
    )


@numba.njit(cache=True)
def _matrices(quaternions: DoubleArray) -> DoubleArray:
    found = np.empty((len(quaternions), 3, 3))
    for i in range(len(quaternions)):
        matrix_of(quaternions[i], found[i])
    return found
