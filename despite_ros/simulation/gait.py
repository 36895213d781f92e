"""Walking and running: joint angles over one stride.

Curves of a stride (heel strike to heel strike of the same foot, in tenths) after Winter, "The
Biomechanics and Motor Control of Human Gait" (1991), and Novacheck, "The biomechanics of running" (1998),
the walk's moved by a few degrees so that standing feet, rigid here, slide least.
"""

import numpy as np
from scipy.interpolate import CubicSpline

from despite_ros.arrays import DoubleArray
from despite_ros.simulation.articulation import ANGLE_INDEX, ANGLES

_WALK = {
    "hip_flex": (27, 21, 13, 4, -6, -13, -5, 6, 27, 28),
    "knee": (9, 11, 14, 11, 8, 15, 45, 69, 51, 23),
    "ankle": (3, 9, -7, -5, -7, -2, 12, -3, -14, 0),
}
_RUN = {
    "hip_flex": (36, 30, 16, 0, -12, -12, 2, 24, 44, 46),
    "knee": (22, 38, 40, 28, 18, 32, 70, 98, 92, 52),
    "ankle": (-6, -16, -20, -12, 8, 18, 16, 4, -2, -6),
}
_STRIDE = np.linspace(0, 2 * np.pi, 11)


def _curve(walk: tuple[int, ...], run: tuple[int, ...]) -> CubicSpline:
    degrees = np.transpose([(*walk, walk[0]), (*run, run[0])])
    return CubicSpline(_STRIDE, np.radians(degrees), bc_type="periodic")


_CURVES = {name: _curve(_WALK[name], _RUN[name]) for name in _WALK}


def gait_angles(phase: DoubleArray, stride: DoubleArray, run: DoubleArray, swing: float) -> DoubleArray:
    """Angles F×32 of a gait, to be added to a posture.

    phase: F radians, 0 at the left heel's strike, 2π a stride. stride: F, 1 for a usual step length, 0 for
    standing. run: F, 0 walks, 1 runs. swing: how far the arms swing, 1 is usual.
    """
    angles = np.zeros((len(phase), len(ANGLES)))
    missing = np.sqrt(np.maximum(stride, 0)) - stride  # short steps, too, must lift the foot off the floor
    for side, shift in (("l", 0.0), ("r", np.pi)):
        for name, curve in _CURVES.items():
            walk, running = curve(phase + shift).T
            angles[:, ANGLE_INDEX[f"{side}_{name}"]] = stride * (walk + run * (running - walk))
        for name, degrees in (("hip_flex", 70), ("knee", 110), ("ankle", -35)):
            in_swing = np.maximum(0, -np.sin(phase + shift)) ** 2
            angles[:, ANGLE_INDEX[f"{side}_{name}"]] += np.radians(degrees) * missing * in_swing
        forward = np.cos(phase + shift + 0.2)
        angles[:, ANGLE_INDEX[f"{side}_arm_flex"]] = (
            np.radians(-18 * swing) * stride * (1 + 0.6 * run) * forward
        )
        bent = 8 * swing * (1 - forward) / 2 + 60 * run
        angles[:, ANGLE_INDEX[f"{side}_elbow"]] = np.radians(bent) * stride
    step = stride * np.cos(phase + 0.2)
    angles[:, ANGLE_INDEX["pelvis_turn"]] = np.radians(-5) * step
    angles[:, ANGLE_INDEX["chest_turn"]] = np.radians(5 + 7 * swing) * step
    angles[:, ANGLE_INDEX["pelvis_roll"]] = np.radians(3.5) * stride * np.sin(phase)
    angles[:, ANGLE_INDEX["chest_side"]] = np.radians(-3) * stride * np.sin(phase)
    angles[:, ANGLE_INDEX["pelvis_pitch"]] = np.radians(6) * run * stride
    return angles


def flight(phase: DoubleArray, stride: DoubleArray, run: DoubleArray) -> DoubleArray:
    """F metres by which a runner's lower foot is above the floor; after each foot's push-off."""
    return 0.07 * run * stride * np.maximum(0, np.cos(2 * phase - 2 * 0.9 * np.pi) - 0.35)
