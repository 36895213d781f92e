"""IMU samples → the orientation and free acceleration of a bone at the stamps of the sweeps.

Everything is causal: the value at a stamp depends on samples up to that stamp only. Training data is
made with these functions, so that what a model sees live is what it was trained on.
"""

import numba
import numpy as np

from despite_ros.arrays import AnyArray, DoubleArray, FloatArray, IntArray
from despite_ros.motion.rotations import matrices

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
    mount: xyzw, the sensor's frame in the bone's frame: R_world_bone = R_world_sensor · R_mountᵀ.
    target_stamps_ns: T.
    """
    sensor = matrices(orientation)
    bone = sensor @ matrices(mount).T
    return resample(stamps_ns, bone, free_acceleration(sensor, specific_force), target_stamps_ns)


def resample(
    stamps_ns: IntArray, rotations: AnyArray, accelerations: AnyArray, target_stamps_ns: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Rotations N×3×3 and accelerations N×3 at ascending stamps N → T×3×3 and T×3 at the target stamps.

    Rotation: that of the newest sample at or before the target. Acceleration: Hann-weighted mean over
    (target − 100 ms, target]; where no sample has weight there, that of the newest sample. A target
    before the first sample gets zeros, which is how a missing sensor looks.
    """
    rotation, acceleration = _resample(
        np.ascontiguousarray(stamps_ns, np.int64),
        np.ascontiguousarray(rotations, np.float64),
        np.ascontiguousarray(accelerations, np.float64),
        np.ascontiguousarray(target_stamps_ns, np.int64),
    )
    return rotation, acceleration


@numba.njit(cache=True)
def _resample(
    stamps: IntArray, rotations: DoubleArray, accelerations: DoubleArray, targets: IntArray
) -> tuple[FloatArray, FloatArray]:
    rotation = np.zeros((len(targets), 3, 3), np.float32)
    acceleration = np.zeros((len(targets), 3), np.float32)
    ends = np.searchsorted(stamps, targets, side="right")
    for t in range(len(targets)):
        newest = ends[t] - 1
        if newest < 0:
            continue
        rotation[t] = rotations[newest].astype(np.float32)
        total = 0.0
        mean = np.zeros(3)
        sample = newest
        while sample >= 0 and stamps[sample] > targets[t] - WINDOW_NS:
            phase = (targets[t] - stamps[sample]) / WINDOW_NS
            weight = 0.5 - 0.5 * np.cos(2.0 * np.pi * phase)
            total += weight
            mean += weight * accelerations[sample]
            sample -= 1
        if total > 1e-9:
            acceleration[t] = (mean / total).astype(np.float32)
        else:
            acceleration[t] = accelerations[newest].astype(np.float32)
    return rotation, acceleration
