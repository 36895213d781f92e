"""IMU samples → the orientation and free acceleration of a bone at the stamps of the sweeps.

Everything is causal: the value at a stamp depends on samples up to that stamp only. Training data is
made with these functions, so that what a model sees live is what it was trained on.
"""

import numba
import numpy as np

from despite_ros.arrays import AnyArray, DoubleArray, FloatArray, IntArray
from despite_ros.motion.rotations import matrices, matrix_of, rotate

GRAVITY = 9.81  # m/s²
WINDOW_NS = 100_000_000  # support of the anti-aliasing filter, one frame at 10 Hz


def free_acceleration(rotations: AnyArray, specific_force: AnyArray) -> DoubleArray:
    """Sensor → world rotations N×3×3 and specific force N×3 (sensor frame, m/s²) → N×3, world, m/s².

    An IMU at rest measures +9.81 along the upward axis (REP-145); that is what is taken off.
    """
    world = np.einsum("nij,nj->ni", rotations, specific_force)
    return np.asarray(world - np.array([0.0, 0.0, GRAVITY]), np.float64)


def limb_channels(
    stamps_ns: IntArray,
    orientation: AnyArray,
    specific_force: AnyArray,
    mount: AnyArray,
    target_stamps_ns: IntArray,
) -> tuple[FloatArray, FloatArray]:
    """One sensor's samples → the bone's rotations T×3×3 (bone → world) and free accelerations T×3.

    stamps_ns: N, ascending. orientation: N×4 xyzw, sensor → world. specific_force: N×3, sensor frame.
    mount: xyzw, the sensor's frame in the bone's frame. target_stamps_ns: T; see `bone_at`. A target before
    the first sample gets zeros, which is how a missing sensor looks.
    """
    rotations, accelerations = _limb_channels(
        np.ascontiguousarray(stamps_ns, np.int64),
        np.ascontiguousarray(orientation, np.float64),
        np.ascontiguousarray(specific_force, np.float64),
        np.asarray(matrices(mount)),
        np.ascontiguousarray(target_stamps_ns, np.int64),
    )
    return rotations, accelerations


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _limb_channels(
    stamps: IntArray, orientation: DoubleArray, force: DoubleArray, mount: DoubleArray, targets: IntArray
) -> tuple[FloatArray, FloatArray]:
    rotations = np.zeros((len(targets), 3, 3), np.float32)
    accelerations = np.zeros((len(targets), 3), np.float32)
    rotation, acceleration = np.empty((3, 3)), np.empty(3)
    for t in range(len(targets)):
        newest = np.searchsorted(stamps, targets[t], side="right") - 1
        if newest >= 0:
            bone_at(stamps, orientation, force, mount, targets[t], newest, rotation, acceleration)
            rotations[t], accelerations[t] = rotation, acceleration
    return rotations, accelerations


@numba.njit(cache=True, nogil=True, error_model="numpy")
def bone_at(
    stamps: IntArray,
    orientation: DoubleArray,
    force: DoubleArray,
    mount: DoubleArray,
    target: int,
    newest: int,
    rotation: DoubleArray,
    acceleration: DoubleArray,
) -> None:
    """Fill rotation 3×3 (bone → world) and acceleration 3 (free, world) at `target`.

    newest: the last sample at or before it. The rotation is that sample's, R_world_sensor · R_mountᵀ (mount:
    R_bone_sensor). The acceleration is the Hann-weighted mean over (target − 100 ms, target], or the newest
    sample's where none has weight there.
    """
    matrix_of(orientation[newest], rotation)
    for i in range(3):
        a, b, c = rotation[i, 0], rotation[i, 1], rotation[i, 2]
        for j in range(3):
            rotation[i, j] = a * mount[j, 0] + b * mount[j, 1] + c * mount[j, 2]
    total = x = y = z = 0.0
    sample = newest
    while sample >= 0 and stamps[sample] > target - WINDOW_NS:
        weight = 0.5 - 0.5 * np.cos(2.0 * np.pi * (target - stamps[sample]) / WINDOW_NS)
        dx, dy, dz = rotate(orientation[sample], force[sample])
        total, x, y, z = total + weight, x + weight * dx, y + weight * dy, z + weight * dz
        sample -= 1
    if total > 1e-9:
        x, y, z = x / total, y / total, z / total
    else:
        x, y, z = rotate(orientation[newest], force[newest])
    acceleration[0], acceleration[1], acceleration[2] = x, y, z - GRAVITY
