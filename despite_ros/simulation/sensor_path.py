"""Where the LiDAR is: fixed, upright or hung upside down, or carried by a robot that drives and turns."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.errors import UserError
from despite_ros.simulation.noise import smooth_noise
from despite_ros.simulation.room import Room
from despite_ros.simulation.skeleton import MOTION_RATE

FROM_WALLS = 0.5  # metres from the robot's middle to walls and furniture
SPEED, TURNING = 0.5, 0.5  # m/s and rad/s, about the most that the robot drives and turns
TRIES = 300
UPSIDE_DOWN = np.diag([1.0, -1.0, -1.0, 1.0])  # turned over about its x axis


@dataclass(frozen=True)
class SensorPath:
    """Poses F×4×4 (sensor → world), 60 a second; one alone stands still."""

    poses: DoubleArray

    @property
    def moving(self) -> bool:
        """Whether it moves at all."""
        return len(self.poses) > 1

    @property
    def ground(self) -> FloatArray:
        """F×2 metres: the path seen from above."""
        return self.poses[:, :2, 3].astype(np.float32)

    def at(self, seconds: float) -> DoubleArray:
        """4×4 pose at a time, of the nearest frame."""
        return np.asarray(self.poses[min(len(self.poses) - 1, max(0, round(seconds * MOTION_RATE)))])


def standing(rng: Generator, room: Room, height: float, upside_down: bool = False) -> SensorPath:
    """At the room's −x end, looking along +x, level: its axes are the world's, y and z turned if hung."""
    for _ in range(TRIES):
        spot = np.array([-room.length / 2 + rng.uniform(0.3, 0.8), rng.uniform(-0.3, 0.3) * room.width])
        if room.clearance(spot) > 0.2:
            poses = _poses(spot[None], np.zeros(1), height)
            return SensorPath(poses @ UPSIDE_DOWN if upside_down else poses)
    raise UserError(f"no free place for a sensor at the end of a {room.length} × {room.width} m room")


def driving(rng: Generator, room: Room, height: float, seconds: float) -> SensorPath:
    """A robot that wanders through the room for `seconds`, slowing down and turning, off the furniture."""
    frames = round(seconds * MOTION_RATE) + 1
    for _ in range(TRIES):
        speed = SPEED * np.clip(
            0.6 + 0.5 * smooth_noise(rng, frames, MOTION_RATE, np.array([0.12]))[:, 0], 0, 1
        )
        wish = TURNING * smooth_noise(rng, frames, MOTION_RATE, np.array([0.1]))[:, 0]
        start = rng.uniform(-0.35, 0.35, 2) * (room.length, room.width)
        spots, yaws = _drive(start, rng.uniform(-np.pi, np.pi), speed, wish, room)
        if room.clearance(spots).min() > FROM_WALLS:
            return SensorPath(_poses(spots, yaws, height))
    raise UserError(f"no path for a robot through a {room.length} × {room.width} m room; take a larger room")


def _drive(
    start: DoubleArray, yaw: float, speed: DoubleArray, wish: DoubleArray, room: Room
) -> tuple[DoubleArray, DoubleArray]:
    """A unicycle's path: F×2 metres and F radians. Near the walls it turns back to the middle."""
    spots, yaws = np.empty((len(speed), 2)), np.empty(len(speed))
    spot, extent = start.astype(np.float64), np.array([room.length, room.width]) / 2 - FROM_WALLS
    rate = 0.0
    for frame in range(len(speed)):
        spots[frame], yaws[frame] = spot, yaw
        outward = float(np.max(np.abs(spot) / extent)) ** 3
        back = np.angle(np.exp(1j * (np.arctan2(-spot[1], -spot[0]) - yaw)))
        rate += (wish[frame] * (1 - min(1, outward)) + 1.5 * outward * back - rate) / (0.4 * MOTION_RATE)
        yaw += rate / MOTION_RATE
        spot = spot + speed[frame] / MOTION_RATE * np.array([np.cos(yaw), np.sin(yaw)])
    return spots, yaws


def _poses(spots: DoubleArray, yaws: DoubleArray, height: float) -> DoubleArray:
    poses = np.tile(np.eye(4), (len(spots), 1, 1))
    cosine, sine = np.cos(yaws), np.sin(yaws)
    poses[:, 0, 0] = poses[:, 1, 1] = cosine
    poses[:, 1, 0], poses[:, 0, 1] = sine, -sine
    poses[:, :2, 3], poses[:, 2, 3] = spots, height
    return poses
