from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import cumulative_trapezoid
from scipy.spatial.transform import Rotation

from despite_ros.arrays import AnyArray
from despite_ros.errors import UserError
from despite_ros.limbs import LIMBS
from despite_ros.simulation.imu import PERFECT, ImuModel, ImuSamples, simulate_imu
from despite_ros.simulation.kinematics import SITES, kinematics
from despite_ros.simulation.made_up import made_up_motion
from despite_ros.simulation.skeleton import Motion
from tests.simulation.known_motions import standing, t_pose

GRAVITY = np.array([0.0, 0.0, 9.81])
MOUNT = (0.5, -0.5, 0.5, 0.5)


def perfect(motion: Motion, site: str, rate: float, **changes: float) -> ImuSamples:
    return simulate_imu(motion, site, rate, replace(PERFECT, **changes), np.random.default_rng(0))


def free_acceleration(samples: ImuSamples) -> AnyArray:
    return np.asarray(Rotation.from_quat(samples.orientation).apply(samples.specific_force) - GRAVITY)


@pytest.fixture(scope="module")
def motion() -> Motion:
    return made_up_motion(np.random.default_rng(5), 6.0)


@pytest.mark.parametrize("site", SITES)
def test_at_rest_every_site_reads_gravity_upward(site: str) -> None:
    samples = simulate_imu(standing(), site, 100, PERFECT, np.random.default_rng(0), MOUNT)
    up = Rotation.from_quat(MOUNT).inv().apply(GRAVITY)
    assert np.allclose(samples.specific_force, up, atol=1e-4)
    assert np.allclose(samples.angular_velocity, 0, atol=1e-5)
    assert np.linalg.norm(samples.specific_force, axis=1) == pytest.approx(9.81, abs=1e-4)


@pytest.mark.parametrize("limb", LIMBS)
def test_integrated_gyroscope_gives_the_orientation(motion: Motion, limb: str) -> None:
    samples = perfect(motion, limb, 400, smoothing=0.02)
    rotation = Rotation.from_quat(samples.orientation[:1])[0]
    for mean in (samples.angular_velocity[1:] + samples.angular_velocity[:-1]) / 2:
        rotation = rotation * Rotation.from_rotvec(mean / 400)
    error = (rotation.inv() * Rotation.from_quat(samples.orientation[-1])).magnitude()
    assert np.rad2deg(error) < 0.3


@pytest.mark.parametrize("limb", LIMBS)
def test_integrated_twice_the_specific_force_gives_the_path(motion: Motion, limb: str) -> None:
    rate, smoothing = 400, 0.02
    samples = perfect(motion, limb, rate, smoothing=smoothing)
    times = np.arange(len(samples.stamps_ns)) / rate
    true = kinematics(motion, limb, times, smoothing)
    speed = cumulative_trapezoid(free_acceleration(samples), times, axis=0, initial=0)
    path = cumulative_trapezoid(speed, times, axis=0, initial=0)
    drift = true.position - true.position[0] - path
    start = drift[1:] / times[1:, None]  # the speed at the start, which integration cannot know
    assert np.ptp(np.linalg.norm(true.position - true.position[0], axis=1)) > 0.1
    assert np.linalg.norm(drift - times[:, None] * start[-1], axis=1).max() < 0.02


def test_turning_in_place_reads_rate_and_centripetal_force() -> None:
    seconds = np.arange(181) / 60
    spin = t_pose(np.zeros((181, 3)), yaw=2.0 * seconds)
    samples = perfect(spin, "left_wrist", 100)
    middle = slice(60, -60)
    radius = np.hypot(*(kinematics(spin, "left_wrist", np.array([1.5]), 0.0).position[0, :2]))
    assert np.allclose(samples.angular_velocity[middle], [0, 0, 2.0], atol=1e-3)
    inward = np.linalg.norm(free_acceleration(samples)[middle], axis=1)
    assert inward == pytest.approx(4.0 * radius, rel=0.01)


def test_straight_acceleration_is_felt_forward() -> None:
    seconds = np.arange(121) / 60
    runner = t_pose(np.column_stack([0.5 * 1.5 * seconds**2, 0 * seconds, 0 * seconds]))
    force = perfect(runner, "pelvis", 100).specific_force[20:-20]
    assert np.allclose(force, [1.5, 0, 9.81], atol=0.02)


def test_noise_in_the_capture_does_not_explode() -> None:
    """A millimetre of noise at 60 Hz is 6 m/s² when differentiated twice unsmoothed."""
    still = standing(6.0)
    noisy = still.translate(np.random.default_rng(0).normal(0, 0.001, (still.frames, 3)))
    rough, smooth = (perfect(noisy, "left_shank", 100, smoothing=width) for width in (0.0, 0.02))
    assert np.std(free_acceleration(rough)) > 4.0
    assert np.std(free_acceleration(smooth)) < 1.2


def test_samples_come_at_the_rate_in_order_and_over_the_whole_motion(motion: Motion) -> None:
    for rate in (50.0, 100.0, 400.0):
        samples = simulate_imu(motion, "left_shank", rate, ImuModel(), np.random.default_rng(3))
        assert len(samples.stamps_ns) == pytest.approx(motion.duration * rate, rel=0.05)
        assert (np.diff(samples.stamps_ns) >= 0).all()
    regular = perfect(motion, "left_shank", 100)
    assert (np.diff(regular.stamps_ns) == 10_000_000).all()


def test_noise_has_the_density_that_it_is_told() -> None:
    for rate in (100, 400):
        samples = perfect(standing(10), "pelvis", rate, gyroscope_noise=1e-3, accelerometer_noise=0.01)
        assert np.std(samples.angular_velocity) == pytest.approx(1e-3 * np.sqrt(rate), rel=0.1)
        assert np.std(samples.specific_force - GRAVITY) == pytest.approx(0.01 * np.sqrt(rate), rel=0.1)


def test_heading_error_turns_the_world_and_nothing_else() -> None:
    samples = perfect(standing(), "left_shank", 100, heading_error=0.5)
    turn = Rotation.from_quat(samples.orientation).as_rotvec()
    assert abs(turn[0, 2]) > 0.05
    assert np.allclose(turn, turn[0]) and np.allclose(turn[0, :2], 0, atol=1e-6)
    assert np.allclose(samples.specific_force, GRAVITY, atol=1e-4)


def test_clock_errors_shift_and_stretch_stamps() -> None:
    model = replace(PERFECT, clock_offset=0.02, clock_drift=1e-3)
    samples = simulate_imu(standing(10), "pelvis", 100, model, np.random.default_rng(0))
    step = np.diff(samples.stamps_ns) / 1e7
    assert samples.stamps_ns[0] != 0 and abs(samples.stamps_ns[0]) < 100_000_000
    assert step.mean() != 1.0 and step.mean() == pytest.approx(1.0, abs=5e-3)


def test_gaps_are_left_out() -> None:
    samples = perfect(standing(20), "pelvis", 100, dropouts=1.0)
    assert 1000 < len(samples.stamps_ns) < 2000
    assert np.diff(samples.stamps_ns).max() > 50_000_000


def test_soft_tissue_shakes_only_when_the_limb_does(motion: Motion) -> None:
    rest, moving = standing(), motion
    for limb, least, most in ((rest, 0.0, 1e-3), (moving, 0.1, 20.0)):
        clean = perfect(limb, "left_forearm", 200, smoothing=0.02)
        shaken = perfect(limb, "left_forearm", 200, smoothing=0.02, wobble_gain=0.3)
        shake = np.linalg.norm(shaken.specific_force - clean.specific_force, axis=1)
        assert least <= shake.std() <= most
        tilt = Rotation.from_quat(clean.orientation).inv() * Rotation.from_quat(shaken.orientation)
        assert np.rad2deg(tilt.magnitude()).max() < 12


def test_errors_are_seeded(motion: Motion) -> None:
    a, b = (simulate_imu(motion, "left_shank", 100, ImuModel(), np.random.default_rng(1)) for _ in range(2))
    assert np.array_equal(a.specific_force, b.specific_force) and np.array_equal(a.stamps_ns, b.stamps_ns)


def test_unknown_sites_and_short_motions_are_refused() -> None:
    with pytest.raises(UserError, match="left_ear"):
        perfect(standing(), "left_ear", 100)
    with pytest.raises(UserError, match="frames"):
        perfect(standing(0.02), "pelvis", 100)
