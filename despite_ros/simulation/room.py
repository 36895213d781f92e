"""Rooms: a floor, walls, furniture, and where there is space to walk."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from despite_ros.arrays import AnyArray, DoubleArray
from despite_ros.simulation.obstacles import Obstacles, obstacles


class Box(NamedTuple):
    """A box on a vertical axis: its middle (metres), its size along its own axes, and its heading."""

    x: float
    y: float
    z: float
    length: float
    width: float
    height: float
    yaw: float = 0.0


class Cylinder(NamedTuple):
    """An upright cylinder from `low` to `high`, metres."""

    x: float
    y: float
    radius: float
    low: float
    high: float


FURNITURE = (
    (1.6, 0.8, 0.74), (2.0, 0.9, 0.8), (1.2, 0.45, 1.9), (0.6, 0.6, 1.0), (0.5, 0.5, 0.45), (1.8, 0.4, 0.9),
)  # fmt: skip
"""Tables, a sofa, a shelf, a bin, a stool, a sideboard: length, width, height in metres."""
WALL = 0.15  # metres thick


@dataclass(frozen=True)
class Room:
    """A room with its floor at z = 0. length, width: metres along x and y, the middle at the origin.

    Nobody stands outside. `walls=False` is open ground of that extent.
    """

    length: float = 12.0
    width: float = 10.0
    wall_height: float = 2.8
    walls: bool = True
    boxes: tuple[Box, ...] = ()
    cylinders: tuple[Cylinder, ...] = ()

    @staticmethod
    def random(rng: Generator, length: float = 12.0, width: float = 10.0, furniture: int = 4) -> "Room":
        """A room with a few pieces of furniture along its sides and at times a pillar, its middle free."""
        room = Room(length, width, rng.uniform(2.4, 3.2))
        boxes = []
        for _ in range(furniture):
            depth, kind = rng.uniform(0.6, 1.0), FURNITURE[rng.integers(len(FURNITURE))]
            side, along = rng.integers(4), rng.uniform(-0.4, 0.4)
            sign = 1 if side < 2 else -1
            x, y = along * length, sign * (width / 2 - depth)
            if side % 2 == 0:
                x, y = sign * (length / 2 - depth), along * width
            yaw = (0.0 if side % 2 else np.pi / 2) + rng.normal(0, 0.1)
            boxes.append(Box(x, y, kind[2] / 2, *kind, yaw))
        x, y = 0.3 * length * rng.choice((-1, 1)), 0.3 * width * rng.choice((-1, 1))
        pillars = (Cylinder(x, y, rng.uniform(0.12, 0.3), 0.0, room.wall_height),)
        return replace(room, boxes=tuple(boxes), cylinders=pillars if rng.random() < 0.4 else ())

    @property
    def solids(self) -> tuple[Box, ...]:
        """Furniture and walls."""
        if not self.walls:
            return self.boxes
        x, y, z = (self.length + WALL) / 2, (self.width + WALL) / 2, self.wall_height / 2
        long, wide = self.length + 2 * WALL, self.width + 2 * WALL
        sides = ((x, 0.0, WALL, wide), (-x, 0.0, WALL, wide), (0.0, y, long, WALL), (0.0, -y, long, WALL))
        return (
            *self.boxes,
            *(Box(a, b, z, length, width, self.wall_height) for a, b, length, width in sides),
        )

    def obstacles(self) -> Obstacles:
        """What a LiDAR sees of it: floor, walls, furniture, pillars."""
        boxes: list[tuple[float, ...]] = [
            (b.x, b.y, b.z, b.length / 2, b.width / 2, b.height / 2, b.yaw) for b in self.solids
        ]
        return obstacles(boxes, [(c.x, c.y, c.low, c.high, c.radius) for c in self.cylinders])

    def clearance(self, points: AnyArray) -> DoubleArray:
        """Horizontal metres from points …×2 to the nearest wall or furniture; negative inside or outside."""
        points = np.asarray(points, np.float64)
        extent = np.array([self.length, self.width]) / 2
        free = (extent - np.abs(points)).min(-1)
        for box in self.boxes:
            c, s = np.cos(box.yaw), np.sin(box.yaw)
            local = (points - (box.x, box.y)) @ np.array([[c, -s], [s, c]])
            outside = np.abs(local) - np.array([box.length, box.width]) / 2
            away = np.hypot(*np.moveaxis(np.maximum(outside, 0), -1, 0)) + np.minimum(outside.max(-1), 0)
            free = np.minimum(free, away)
        for post in self.cylinders:
            free = np.minimum(free, np.hypot(*np.moveaxis(points - (post.x, post.y), -1, 0)) - post.radius)
        return np.asarray(free)
