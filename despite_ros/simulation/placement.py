"""Where a sensor stands."""

from dataclasses import dataclass

import numpy as np

from despite_ros.arrays import DoubleArray
from despite_ros.simulation.lidar import LidarModel
from despite_ros.simulation.skeleton import Motion


@dataclass(frozen=True)
class Placement:
    """A sensor's place in the fixed frame: metres; yaw about z, then pitch about y, then roll, radians."""

    x: float = 0.0
    y: float = 0.0
    z: float = 1.2
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0

    def pose(self) -> DoubleArray:
        """4×4, sensor → fixed frame."""
        (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (self.yaw, self.pitch, self.roll))
        return np.array(
            [
                [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr, self.x],
                [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr, self.y],
                [-sp, cp * sr, cp * cr, self.z],
                [0.0, 0.0, 0.0, 1.0],
            ]
        )

    @staticmethod
    def random(
        rng: np.random.Generator,
        motion: Motion,
        sensor: LidarModel,
        distance: tuple[float, float] = (2.0, 25.0),
        height: tuple[float, float] = (0.4, 3.0),
    ) -> "Placement":
        """Somewhere around the motion's middle, where the sensor has the person in view.

        Distance is log-uniform. A sensor that sees all round faces anywhere, others roughly the person;
        one whose beams would pass above or below the person's middle is aimed and tilted at it.
        """
        centre = motion.joints[:, 0].mean(axis=0)
        far, bearing = np.exp(rng.uniform(*np.log(distance))), rng.uniform(-np.pi, np.pi)
        z = rng.uniform(*height)
        view = sensor.pattern.view
        elevation = np.arctan2(centre[2] - z, far)
        margin = min(np.arctan2(0.5, far), (view.high - view.low) / 4)
        tilt = np.clip(elevation, view.low + margin, view.high - margin) - elevation
        aside = (
            0.0 if tilt else rng.uniform(-1.0, 1.0) * view.half_width * (1 if view.half_width > 3 else 0.6)
        )
        pitch, roll = rng.normal(0.0, 0.02, 2)
        return Placement(
            x=float(centre[0] + far * np.cos(bearing)),
            y=float(centre[1] + far * np.sin(bearing)),
            z=z,
            yaw=float(bearing + np.pi - aside),
            pitch=float(pitch + tilt),
            roll=float(roll),
        )
