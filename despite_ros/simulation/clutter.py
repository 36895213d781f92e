"""Things that stand about and may be taken for people: pillars, carts, plants, dogs, chairs, racks."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.random import Generator

from despite_ros.simulation.room import Box, Cylinder, Room
from despite_ros.simulation.scene import Scene

FROM_PEOPLE = 0.8  # metres from the middle of a thing to anybody's path
TRIES = 40
Thing = tuple[list[Box], list[Cylinder]]


def pillar(rng: Generator) -> Thing:
    """A round or square pillar, or a pole."""
    radius, height = rng.uniform(0.04, 0.4), rng.uniform(1.5, 3.0)
    if rng.random() < 0.5:
        return [], [Cylinder(0, 0, radius, 0, height)]
    return [Box(0, 0, height / 2, 2 * radius, rng.uniform(1, 1.6) * radius, height)], []


def cart(rng: Generator) -> Thing:
    """A trolley on wheels with a handle, loaded or not."""
    length, width, load = rng.uniform(0.5, 1.1), rng.uniform(0.4, 0.7), rng.uniform(0.05, 0.8)
    handle = rng.uniform(0.85, 1.1)
    boxes = [
        Box(0, 0, 0.2 + load / 2, length, width, load),
        Box(-length / 2, 0, handle, 0.04, width, 0.04),
        Box(-length / 2, width / 2, handle / 2 + 0.1, 0.04, 0.04, handle - 0.2),
        Box(-length / 2, -width / 2, handle / 2 + 0.1, 0.04, 0.04, handle - 0.2),
    ]
    return boxes, [Cylinder(length / 3, side * width / 3, 0.06, 0, 0.15) for side in (-1, 1)]


def plant(rng: Generator) -> Thing:
    """A pot, a stem and leaves."""
    height, spread = rng.uniform(0.5, 2.0), rng.uniform(0.12, 0.4)
    pot = rng.uniform(0.25, 0.5)
    leaves = []
    for _ in range(rng.integers(15, 40)):
        z = rng.uniform(pot, height)
        x, y = rng.normal(0, spread / 2, 2)
        length, width = rng.uniform(0.05, 0.25, 2)
        leaves.append(Box(x, y, z, length, width, rng.uniform(0.02, 0.1), rng.uniform(0, 3)))
    return leaves, [Cylinder(0, 0, rng.uniform(0.1, 0.22), 0, pot), Cylinder(0, 0, 0.02, 0, height)]


def dog(rng: Generator) -> Thing:
    """A dog on its four legs."""
    size = rng.uniform(0.5, 1.2)
    length, height, thick = 0.7 * size, 0.6 * size, 0.22 * size
    boxes = [
        Box(0, 0, height - thick / 2, length, thick, thick),
        Box(length / 2 + 0.08, 0, height + 0.1 * size, 0.25 * size, 0.12 * size, 0.15 * size),
        Box(-length / 2 - 0.08, 0, height, 0.25 * size, 0.04, 0.04),
    ]
    legs = [(a, b) for a in (-0.4, 0.4) for b in (-0.35, 0.35)]
    return boxes, [Cylinder(a * length, b * thick, 0.035 * size, 0, height - thick) for a, b in legs]


def chair(rng: Generator) -> Thing:
    """A chair with a back."""
    seat, back, side = rng.uniform(0.42, 0.5), rng.uniform(0.75, 1.2), rng.uniform(0.4, 0.6)
    boxes = [
        Box(0, 0, seat, side, side, 0.05),
        Box(-side / 2, 0, (seat + back) / 2, 0.05, side, back - seat),
    ]
    return boxes, [Cylinder(a * side / 2.2, b * side / 2.2, 0.02, 0, seat) for a in (-1, 1) for b in (-1, 1)]


def rack(rng: Generator) -> Thing:
    """A coat rack, a lamp or a sign: a foot, a pole and something on top."""
    height, width = rng.uniform(1.3, 2.0), rng.uniform(0.15, 0.6)
    low = rng.uniform(0.2, 0.8) * height
    top = Box(0, 0, (low + height) / 2, width, rng.uniform(0.05, 1) * width, height - low)
    return [top], [Cylinder(0, 0, 0.02, 0, height), Cylinder(0, 0, 0.18, 0, 0.04)]


def pile(rng: Generator) -> Thing:
    """Boxes on top of each other: cartons, bins, machines."""
    levels = np.cumsum([0, *rng.uniform(0.15, 0.7, rng.integers(1, 5))])
    boxes = []
    for low, high in pairwise(levels[levels < 2.2]):
        x, y, yaw = *rng.normal(0, 0.05, 2), rng.uniform(0, 3)
        length, width = rng.uniform(0.2, 0.8, 2)
        boxes.append(Box(x, y, (low + high) / 2, length, width, high - low, yaw))
    return boxes, []


def table(rng: Generator) -> Thing:
    """A table on four legs."""
    length, width, height = rng.uniform(0.6, 2.2), rng.uniform(0.5, 1.0), rng.uniform(0.45, 1.1)
    legs = [Cylinder(a * length / 2.2, b * width / 2.2, 0.03, 0, height) for a in (-1, 1) for b in (-1, 1)]
    return [Box(0, 0, height, length, width, 0.04)], legs


THINGS: tuple[Callable[[Generator], Thing], ...] = (pillar, cart, plant, dog, chair, rack, pile, table)


def clutter(scene: Scene, rng: Generator, count: int) -> Scene:
    """The scene with up to `count` more things in it, off everybody's path and the sensor's."""
    paths = [person.motion.joints[::30, :, :2].reshape(-1, 2) for person in scene.people if person.present]
    paths.append(scene.path.ground)
    taken = np.concatenate(paths)
    room = scene.room
    for _ in range(count):
        thing = THINGS[rng.integers(len(THINGS))](rng)
        for _ in range(TRIES):
            x, y = rng.uniform(-0.47, 0.47, 2) * (room.length, room.width)
            if np.hypot(*(taken - (x, y)).T).min() > FROM_PEOPLE and room.clearance(np.array([x, y])) > 0.2:
                room = _with(room, thing, x, y, rng.uniform(0, 2 * np.pi))
                break
    return replace(scene, room=room)


def _with(room: Room, thing: Thing, x: float, y: float, yaw: float) -> Room:
    c, s = np.cos(yaw), np.sin(yaw)
    boxes = [
        box._replace(x=x + c * box.x - s * box.y, y=y + s * box.x + c * box.y, yaw=box.yaw + yaw)
        for box in thing[0]
    ]
    posts = [post._replace(x=x + c * post.x - s * post.y, y=y + s * post.x + c * post.y) for post in thing[1]]
    return replace(room, boxes=room.boxes + tuple(boxes), cylinders=room.cylinders + tuple(posts))
