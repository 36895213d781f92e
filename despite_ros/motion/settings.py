"""Settings of the motion room."""

from dataclasses import dataclass

from despite_ros.config import setting


@dataclass(frozen=True)
class MotionSettings:
    """Settings of `despite_ros.motion`."""

    frame_period: float = setting(
        0.1, "time between the frames of a window, s (what models are trained on)", 0.02, 1.0
    )
    longest_hold: float = setting(
        0.5, "longest gap between sweeps filled by holding the last crop, s", 0.0, 2.4
    )
    imu_timeout: float = setting(0.5, "a sensor silent for longer counts as missing, s", 0.05, 5.0)
    time_jump: float = setting(1.0, "stamps going back by more than this start a sensor anew, s", 0.1, 60.0)
    gravity_tolerance: float = setting(0.6, "warn when |a| at rest differs from 9.81 by more, m/s²", 0.1, 9.0)
    rest_rate: float = setting(0.1, "angular rate below which a sensor counts as resting, rad/s", 0.001, 1.0)
    fusion_gain: float = setting(
        0.03, "Madgwick gain of the fusion for sensors without orientation", 0.001, 1.0
    )
    unseen: float = setting(0.5, "a track that no sweep hits for longer counts as lost, s", 0.0, 5.0)
    jump: float = setting(0.6, "a track that jumps by more has changed hands, m", 0.1, 5.0)
    jump_speed: float = setting(3.0, "what is added to that for each second unseen, m/s", 0.0, 10.0)
