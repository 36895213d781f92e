"""A second, cheap cue: does the track go when and where the wearer's limbs go?

It needs no network and no full window. Speed: the logarithms of a track's speed and of its wearer's limb
acceleration are correlated, those of strangers are not. Direction: who walks, walks where the shanks (and,
less surely, the forearms) point.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import i0e

from despite_ros.arrays import AnyArray, DoubleArray, FloatArray
from despite_ros.limbs import unpack_channels

ComplexArray = NDArray[np.complex128]  # directions and velocities on the ground, x + iy

SMOOTHING = 0.8  # s, of speed, direction and acceleration: about one step
LIMB_WEIGHT = np.array([1.0, 1.0, 0.3, 0.3])  # in the direction, in the order of LIMBS
PRONATION = np.radians([0.0, 0.0, 25.0, -25.0])  # arms hang turned inward; this turns them forward
LEGS = 2  # the first limbs, whose acceleration counts where they carry a sensor

# Over simulated scenes with captured and made-up motion: mean and standard deviation of log(speed + 0.1 m/s)
# and log(acceleration + 0.3 m/s²), and their correlation for a wearer and its own track.
SPEED = (-1.44, 0.77)
ACCELERATION = (0.74, 1.16)
CORRELATION = 0.75
LARGEST = 3.0  # log-odds of one frame

WALKING = 0.5  # m/s from which a direction counts
CONCENTRATION = 10.0  # of the von Mises distribution of the direction's error (18°)
ASTRAY = 0.15  # share of walkers whose direction says nothing (backward, sideways, carrying)
HEADING_MEMORY = 60.0  # s, of a wearer's heading offset
HEADING_PRIOR = 5.0  # s of walking straight that say "no offset" beforehand


class TravelCue:
    """Log-odds of every wearer × track pair from how the track moves over ground."""

    def __init__(self, wearers: int) -> None:
        self._energy = np.zeros(wearers)  # (m/s²)²
        self._forward = np.zeros(wearers, np.complex128)  # horizontal direction
        self._velocity: dict[int, complex] = {}  # m/s
        self._offset = np.zeros(wearers, np.complex128)  # Σ of directions' errors on the own track, s

    @property
    def heading_offsets(self) -> DoubleArray:
        """Per wearer: radians to add to its sensors' `heading`, as its own walking shows."""
        return np.asarray(-np.angle(HEADING_PRIOR + self._offset), np.float64)

    def follow(
        self, passed: float, track_ids: Sequence[int], velocities: Sequence[FloatArray], channels: FloatArray
    ) -> None:
        """Take in a frame: velocities (m/s, fixed frame) of the tracks and channels wearers×48."""
        keep = float(np.exp(-passed / SMOOTHING))
        rotations, accelerations = unpack_channels(channels.astype(np.float64))
        worn = np.asarray(rotations.any(axis=(2, 3)), np.bool_)
        self._energy += (1.0 - keep) * (_energy(accelerations, worn) - self._energy)
        self._forward += (1.0 - keep) * (_forward(rotations, worn) - self._forward)
        self._velocity = {
            number: keep * self._velocity.get(number, complex(*velocity[:2]))
            + (1.0 - keep) * complex(*velocity[:2])
            for number, velocity in zip(track_ids, velocities, strict=True)
        }

    def log_odds(self) -> DoubleArray:
        """Wearers × tracks, of the newest frame."""
        velocity = np.array([list(self._velocity.values())], np.complex128)
        total = self._speed_log_odds(velocity) + self._direction_log_odds(velocity)
        return np.asarray(total, np.float64)

    def learn_headings(self, passed: float, names: dict[int, int]) -> None:
        """Gather the directions' errors of wearers on their tracks. names: wearer's index → track_id."""
        self._offset *= float(np.exp(-passed / HEADING_MEMORY))
        for index, number in names.items():
            velocity = self._velocity.get(number, 0j)
            if abs(velocity) > WALKING and abs(self._forward[index]) > 0.0:
                error = self._forward[index] * np.conj(velocity)
                self._offset[index] += passed * error / abs(error)

    def _speed_log_odds(self, velocity: ComplexArray) -> AnyArray:
        """log p(x, y) / p(x) p(y) of two standard normal variables with a known correlation r."""
        r = CORRELATION
        x = (np.log(np.abs(velocity) + 0.1) - SPEED[0]) / SPEED[1]
        y = (np.log(np.sqrt(self._energy)[:, None] + 0.3) - ACCELERATION[0]) / ACCELERATION[1]
        exponent = (2 * r * x * y - r * r * (x * x + y * y)) / (2 * (1 - r * r))
        found: AnyArray = np.clip(exponent - 0.5 * np.log(1 - r * r), -LARGEST, LARGEST)
        return found

    def _direction_log_odds(self, velocity: ComplexArray) -> AnyArray:
        """log of von Mises, mixed with uniform, over uniform; 0 for a track that does not walk."""
        forward = self._forward * np.exp(1j * self.heading_offsets)
        cosine = np.cos(np.angle(forward[:, None] * np.conj(velocity)))
        peak = np.exp(CONCENTRATION * (cosine - 1.0)) / i0e(CONCENTRATION)
        found = np.log((1.0 - ASTRAY) * peak + ASTRAY)
        known = (np.abs(velocity) > WALKING) & (np.abs(forward)[:, None] > 0.0)
        return np.where(known, found, 0.0)


def _energy(accelerations: AnyArray, worn: AnyArray) -> DoubleArray:
    """Mean square free acceleration of the legs, of the arms where there is none on the legs."""
    squares = (accelerations**2).sum(axis=2)
    legs = worn & (np.arange(worn.shape[1]) < LEGS)
    counted = np.where(legs.any(axis=1, keepdims=True), legs, worn)
    return np.asarray((squares * counted).sum(axis=1) / np.maximum(counted.sum(axis=1), 1), np.float64)


def _forward(rotations: AnyArray, worn: AnyArray) -> ComplexArray:
    """Where the limbs' x axes point on the ground, as complex numbers of at most length 1."""
    ahead = (rotations[..., 0, 0] + 1j * rotations[..., 1, 0]) * np.exp(1j * PRONATION)
    weights = LIMB_WEIGHT * worn
    units = ahead / np.maximum(np.abs(ahead), 1e-6)
    return np.asarray((units * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-6), np.complex128)
