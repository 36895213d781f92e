"""Pictures of simulated sensors: a room seen by four kinds of LiDAR, and the IMU of a walk."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from scipy.spatial.transform import Rotation

from benchmarks.pictures import save_png
from despite_ros.arrays import AnyArray, DoubleArray
from despite_ros.motion.imu import free_acceleration
from despite_ros.motion.rotations import matrices
from despite_ros.simulation.body import Body
from despite_ros.simulation.imu import PERFECT, ImuModel, simulate_imu
from despite_ros.simulation.lidar import SENSORS
from despite_ros.simulation.parametric import reach, stand, walk, wave
from despite_ros.simulation.placement import Placement
from despite_ros.simulation.room import Room
from despite_ros.simulation.style import Style
from despite_ros.simulation.sweep import Actor, Returns, scan

KINDS = ("vlp16", "os1_128", "livox_mid360", "solid_state")
EYE = Placement(x=-5.0, y=-3.6, z=1.6, yaw=0.6, pitch=0.12)
CAMERA = Placement(x=-7.0, y=-5.2, z=4.2, yaw=0.62, pitch=0.4)


def draw_room(path: Path) -> None:
    """One room with four people, seen by four kinds of LiDAR from one place; people in colour."""
    rng = np.random.default_rng(4)
    spots = ((-1.0, -1.5), (0.8, 0.5), (2.5, -2.0), (1.0, 2.6))
    actors = [
        Actor(activity(rng, 5.0, Style.random(rng)).translate(np.array([x, y, 0])), Body.random(rng))
        for activity, (x, y) in zip((stand, wave, walk, reach), spots, strict=True)
    ]
    room = Room.random(rng, furniture=5)
    figure, axes = plt.subplots(2, 2, figsize=(12, 6))
    for axis, kind in zip(axes.flat, KINDS, strict=True):
        model = SENSORS[kind]
        found = scan(model, 0, 2.0, (EYE.pose(), EYE.pose()), actors, room.obstacles(), rng)
        _draw_cloud(axis, found, room)
        axis.set_title(
            f"{kind}: {len(found.points):,} returns, {(found.person >= 0).sum():,} from people", fontsize=9
        )
    figure.tight_layout()
    save_png(figure, path)


def _draw_cloud(axis: Axes, found: Returns, room: Room) -> None:
    """The cloud from above and behind the sensor, without the walls that stand between."""
    pose = EYE.pose()
    points = found.points @ pose[:3, :3].T + pose[:3, 3]
    hiding = (points[:, 0] < -room.length / 2 + 0.1) | (points[:, 1] < -room.width / 2 + 0.1)
    eye = CAMERA.pose()
    local = (points - eye[:3, 3]) @ eye[:3, :3]
    shown = (local[:, 0] > 1.0) & ~hiding
    x, y = -local[shown, 1] / local[shown, 0], local[shown, 2] / local[shown, 0]
    person = found.person[shown]
    axis.scatter(
        x[person < 0], y[person < 0], s=0.4, c=points[shown][person < 0, 2], cmap="Greys_r", vmin=-1, vmax=4
    )
    axis.scatter(x[person >= 0], y[person >= 0], s=1.2, c=person[person >= 0], cmap="Set1", vmin=0, vmax=8)
    axis.set_aspect("equal")
    axis.set_axis_off()
    axis.set_xlim(-0.9, 0.8)
    axis.set_ylim(-0.36, 0.32)


def draw_walk(path: Path) -> None:
    """What an IMU on the left shank reports in a walk, with and without its errors."""
    rng = np.random.default_rng(3)
    motion = walk(rng, 6.0, Style.random(rng), turn=0.8)
    shown = {"true": PERFECT, "as worn": ImuModel()}
    figure, axes = plt.subplots(4, 1, figsize=(11, 9), sharex=True)
    for (name, model), style in zip(shown.items(), ({"lw": 2.5, "alpha": 0.35}, {"lw": 0.9}), strict=True):
        samples = simulate_imu(motion, "left_shank", 100.0, model, np.random.default_rng(3))
        rotation = matrices(samples.orientation)
        free = free_acceleration(rotation, samples.specific_force)
        seconds = samples.stamps_ns / 1e9
        _traces(axes[0], seconds, samples.specific_force, name, "xyz", style)
        _traces(axes[1], seconds, samples.angular_velocity, name, "xyz", style)
        euler = np.rad2deg(np.unwrap(Rotation.from_matrix(rotation).as_euler("ZYX"), axis=0))
        _traces(axes[2], seconds, euler, name, ("yaw", "pitch", "roll"), style)
        _traces(axes[3], seconds, free, name, "xyz", style)
    axes[0].axhline(9.81, color="grey", lw=0.7, ls=":")
    titles = (
        "specific force in the sensor's frame, with gravity (m/s²; dotted: 9.81)",
        "angular velocity in the sensor's frame (rad/s)",
        "orientation, sensor to world (degrees)",
        "free acceleration in the world: orientation · specific force − gravity (m/s²)",
    )
    for axis, title in zip(axes, titles, strict=True):
        axis.set_title(title, fontsize=9)
        axis.legend(fontsize=7, ncols=2, loc="upper left")
    axes[-1].set_xlabel("seconds of a walk; left shank")
    figure.tight_layout()
    save_png(figure, path)


def _traces(
    axis: Axes,
    seconds: DoubleArray,
    values: AnyArray,
    name: str,
    labels: str | tuple[str, ...],
    style: dict[str, Any],
) -> None:
    for column, label in enumerate(labels):
        axis.plot(seconds, values[:, column], color=f"C{column}", label=f"{label}, {name}", **style)
