"""Walking and running: joint angles over one stride.

Curves of a stride (heel strike to heel strike of the same foot, in tenths) after Winter, "The
Biomechanics and Motor Control of Human Gait" (1991), and Novacheck, "The biomechanics of running" (1998).
"""

import numpy as np
from scipy.interpolate import CubicSpline

from despite_ros.arrays import DoubleArray
from despite_ros.simulation.articulation import ANGLE_INDEX, ANGLES

_WALK = {
    "hip_flex": (24, 21, 14, 6, -2, -9, -8, 6, 20, 25),
    "knee": (5, 16, 18, 13, 8, 14, 38, 62, 52, 20),
    "ankle": (0, 5, -3, -7, -10, -8, 16, 10, 0, -2),
}
_RUN = {
    "hip_flex": (35, 30, 18, 3, -10, -14, -4, 18, 38, 42),
    "knee": (18, 36, 40, 28, 18, 26, 62, 95, 90, 45),
    "ankle": (-4, -14, -20, -12, 6, 20, 20, 8, 0, -4),
}
_STRIDE = np.linspace(0, 2 * np.pi, 11)
_CURVES = {
    name: CubicSpline(_STRIDE, np.radians(np.transpose([(*_WALK[name], _WALK[name][0]), (*_RUN[name], _RUN[name][0])])), bc_type="periodic")
    for name in _WALK
}  # fmt: skip


def gait_angles(phase: DoubleArray, stride: DoubleArray, run: DoubleArray, swing: float) -> DoubleArray:
    """Angles F×32 of a gait, to be added to a posture.

    phase: F radians, 0 at the left heel's strike, 2π a stride. stride: F, 1 for a usual step length, 0 for
    standing. run: F, 0 walks, 1 runs. swing: how far the arms swing, 1 is usual.
    """
    angles = np.zeros((len(phase), len(ANGLES)))
    for side, shift in (("l", 0.0), ("r", np.pi)):
        for name, curve in _CURVES.items():
            walk, running = curve(phase + shift).T
            angles[:, ANGLE_INDEX[f"{side}_{name}"]] = stride * (walk + run * (running - walk))
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
