"""IMUs worn on the body: orientation, angular velocity and specific force, with their errors.

The true movement comes from `kinematics`; here it is measured as well as a worn sensor can.
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter
from scipy.spatial.transform import Rotation

from despite_ros.arrays import DoubleArray, FloatArray, IntArray
from despite_ros.config import setting
from despite_ros.motion.imu import GRAVITY
from despite_ros.simulation.kinematics import kinematics
from despite_ros.simulation.skeleton import Motion

IDENTITY = (0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class ImuModel:
    """An IMU and how it is worn. Defaults are those of a good consumer sensor on an elastic strap."""

    gyroscope_noise: float = setting(1.5e-4, "noise density, rad/s/√Hz", 0.0)
    accelerometer_noise: float = setting(2e-3, "noise density, m/s²/√Hz", 0.0)
    gyroscope_bias: float = setting(0.005, "standard deviation of the constant bias, rad/s", 0.0)
    accelerometer_bias: float = setting(0.05, "standard deviation of the constant bias, m/s²", 0.0)
    heading_error: float = setting(0.05, "standard deviation of the heading at the start, radians", 0.0)
    heading_drift: float = setting(0.0005, "standard deviation of the heading's rate, rad/s", 0.0)
    tilt_error: float = setting(0.01, "standard deviation of wandering roll and pitch, radians", 0.0)
    tilt_time: float = setting(4.0, "time constant of that wandering, seconds", 0.01)
    mounting_error: float = setting(
        0.06, "standard deviation about the two axes across the bone, radians", 0.0
    )
    mounting_twist: float = setting(0.15, "standard deviation about the bone's own axis, radians", 0.0)
    wobble_gain: float = setting(0.3, "share of the limb's acceleration that shakes the skin", 0.0, 1.0)
    wobble_frequency: float = setting(11.0, "resonance of skin and strap, Hz", 2.0, 24.0)
    wobble_damping: float = setting(0.35, "damping ratio of that resonance", 0.05, 2.0)
    wobble_tilt: float = setting(8.0, "tilt of the sensor for a metre of skin movement, radians", 0.0)
    clock_offset: float = setting(0.01, "standard deviation of the stamps' offset, seconds", 0.0)
    clock_drift: float = setting(2e-5, "standard deviation of the clock's rate error", 0.0)
    clock_jitter: float = setting(0.0005, "standard deviation of a stamp, seconds", 0.0)
    dropouts: float = setting(0.02, "gaps a second", 0.0)
    dropout_time: float = setting(0.05, "mean length of a gap, seconds", 0.0)
    smoothing: float = setting(0.02, "width (standard deviation) of the filter on the motion, seconds", 0.0)


_ERRORS = (
    "gyroscope_noise", "accelerometer_noise", "gyroscope_bias", "accelerometer_bias", "heading_error",
    "heading_drift", "tilt_error", "mounting_error", "mounting_twist", "wobble_gain", "clock_offset",
    "clock_drift", "clock_jitter", "dropouts", "smoothing",
)  # fmt: skip
PERFECT = ImuModel(**dict.fromkeys(_ERRORS, 0.0))
"""No errors at all, and the motion taken as it is."""


@dataclass(frozen=True)
class ImuSamples:
    """What an IMU reports. Time is the IMU's own clock, from the motion's start."""

    stamps_ns: IntArray  # N, ascending
    orientation: FloatArray  # N×4 xyzw, sensor → world
    angular_velocity: FloatArray  # N×3 rad/s, sensor frame
    specific_force: FloatArray  # N×3 m/s², sensor frame; +9.81 upward at rest (REP-145)


def simulate_imu(
    motion: Motion,
    site: str,
    rate: float,
    model: ImuModel,
    rng: np.random.Generator,
    mount: tuple[float, float, float, float] = IDENTITY,
) -> ImuSamples:
    """What an IMU at `site` (a key of `kinematics.SITES`) reports over a motion, `rate` samples a second.

    mount: nominal orientation sensor → bone (xyzw); the model's mounting error comes on top.

    Raises:
        UserError: unknown site, or a motion of fewer than 4 frames.
    """
    times = np.arange(int(motion.duration * rate) + 1) / rate
    true = kinematics(motion, site, times, model.smoothing)
    worn = _mounting_error(site, model, rng) * Rotation.from_quat(mount)
    rotation = true.rotation * worn
    force = rotation.inv().apply(true.acceleration + np.array([0.0, 0.0, GRAVITY]))
    turning = worn.inv().apply(true.angular_velocity)

    shake, tilt, tilting = _wobble(rotation.inv().apply(true.acceleration), rate, model)
    rotation = rotation * Rotation.from_rotvec(tilt)
    force = Rotation.from_rotvec(-tilt).apply(force) + shake
    turning = turning + tilting

    force = force + _bias_and_noise(
        len(times), rate, model.accelerometer_bias, model.accelerometer_noise, rng
    )
    turning = turning + _bias_and_noise(len(times), rate, model.gyroscope_bias, model.gyroscope_noise, rng)
    reported = _attitude_error(times, rate, model, rng) * rotation
    kept = _kept(times, model, rng)
    return ImuSamples(
        _stamps(times, model, rng)[kept],
        reported.as_quat()[kept].astype(np.float32),
        turning[kept].astype(np.float32),
        force[kept].astype(np.float32),
    )


def _mounting_error(site: str, model: ImuModel, rng: np.random.Generator) -> Rotation:
    """Constant error sensor → bone; along the bone (y for arms, z for the others) it is larger."""
    along = 1 if "arm" in site or "wrist" in site or "hand" in site else 2
    spread = np.full(3, model.mounting_error)
    spread[along] = model.mounting_twist
    return Rotation.from_rotvec(rng.normal(0.0, 1.0, 3) * spread)


def _wobble(
    acceleration: DoubleArray, rate: float, model: ImuModel
) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
    """Soft tissue as a damped spring that the limb's acceleration (N×3, sensor frame) shakes.

    x¨ + 2ζω x˙ + ω² x = −gain·a, discretised with s = 2·rate·(z − 1)/(z + 1) (Tustin). Returns the skin's
    acceleration x¨, the sensor's tilt and its rate.
    """
    if model.wobble_gain == 0.0:
        still = np.zeros_like(acceleration)
        return still, still, still
    omega = 2 * np.pi * min(model.wobble_frequency, 0.4 * rate)
    damping, step = 2 * model.wobble_damping * omega, 2 * rate
    spring = (
        step**2 + damping * step + omega**2,
        2 * (omega**2 - step**2),
        step**2 - damping * step + omega**2,
    )
    drive = -model.wobble_gain * acceleration
    displacement, velocity, shake = (
        lfilter(numerator, spring, drive, axis=0)
        for numerator in ((1.0, 2.0, 1.0), (step, 0.0, -step), (step**2, -2 * step**2, step**2))
    )
    axes = [1, 0, 2]  # a skin that slides along x tilts the sensor about y, and the other way round
    signs = model.wobble_tilt * np.array([-1.0, 1.0, 0.0])
    return shake, displacement[:, axes] * signs, velocity[:, axes] * signs


def _bias_and_noise(
    count: int, rate: float, bias: float, density: float, rng: np.random.Generator
) -> DoubleArray:
    """N×3: a constant for each axis plus white noise of density·√rate."""
    return rng.normal(0.0, bias, 3) + rng.normal(0.0, density * np.sqrt(rate), (count, 3))


def _attitude_error(times: DoubleArray, rate: float, model: ImuModel, rng: np.random.Generator) -> Rotation:
    """Errors of the reported orientation, world frame: wandering tilt, heading offset and drift."""
    decay = np.exp(-1 / (rate * model.tilt_time))
    drive = rng.normal(0.0, model.tilt_error * np.sqrt(1 - decay**2), (len(times), 2))
    drive[0] = rng.normal(0.0, model.tilt_error, 2)
    tilt = lfilter([1.0], [1.0, -decay], drive, axis=0)
    heading = rng.normal(0.0, model.heading_error) + rng.normal(0.0, model.heading_drift) * times
    return Rotation.from_rotvec(np.column_stack([tilt, heading]))


def _stamps(times: DoubleArray, model: ImuModel, rng: np.random.Generator) -> IntArray:
    """Stamps (ns) by the IMU's own clock; jitter never swaps two of them."""
    clock = times * (1 + rng.normal(0.0, model.clock_drift)) + rng.normal(0.0, model.clock_offset)
    jitter = rng.normal(0.0, model.clock_jitter, len(times))
    return np.maximum.accumulate(np.round((clock + jitter) * 1e9).astype(np.int64))


def _kept(times: DoubleArray, model: ImuModel, rng: np.random.Generator) -> IntArray:
    """Indices of the samples that no gap swallowed."""
    kept = np.ones(len(times), np.bool_)
    for _ in range(rng.poisson(model.dropouts * times[-1])):
        start = rng.uniform(0.0, times[-1])
        kept &= (times < start) | (times >= start + rng.exponential(model.dropout_time))
    return np.flatnonzero(kept)
