"""Settings of the matching room."""

from dataclasses import dataclass

from despite_ros.config import setting


@dataclass(frozen=True)
class MatchingSettings:
    """Settings of `despite_ros.matching`."""

    memory: float = setting(20.0, "time constant of forgetting evidence, s", 1.0, 600.0)
    independence: float = setting(0.04, "share of a new window in each further, overlapping one", 0.005, 1.0)
    persistence: float = setting(
        0.4, "share of the cosine's variance that stays with a pair, while the wearer moves", 0.0, 1.0
    )
    resting_persistence: float = setting(0.7, "the same while the wearer rests", 0.0, 1.0)
    rivals: float = setting(
        0.1, "share of the log-odds of the likest other track and other wearer that is taken off", 0.0, 1.0
    )
    sensor_fall: float = setting(
        0.008, "fall of right pairs' cosine for each of the four sensors that is missing", 0.0, 0.2
    )
    travel_weight: float = setting(
        1.0, "weight of the cue from a track's speed and direction; 0: none", 0.0, 2.0
    )
    travel_independence: float = setting(
        0.05, "share of a new frame of that cue in each further one", 0.005, 1.0
    )
    travel_persistence: float = setting(0.25, "share of that cue's variance that stays with a pair", 0.0, 1.0)
    change_weight: float = setting(1.0, "weight of the cue from how embeddings change; 0: none", 0.0, 2.0)
    change_independence: float = setting(
        0.03, "share of a new frame of that cue in each further one", 0.005, 1.0
    )
    change_persistence: float = setting(0.1, "share of that cue's variance that stays with a pair", 0.0, 1.0)
    resting_weight: float = setting(0.5, "weight of a window in which limbs and track rest", 0.0, 1.0)
    moving: float = setting(
        0.5, "rms free acceleration of the limbs at which a wearer is half moving, m/s²", 0.0, 20.0
    )
    going: float = setting(0.17, "rms speed in a window at which a track is half moving, m/s", 0.0, 5.0)
    moving_share: float = setting(
        0.93, "how much wearer or track must move (0 to 1) for a pair not to count as resting", 0.0, 1.0
    )
    present_prior: float = setting(0.3, "prior probability that a wearer is among the tracks", 0.01, 0.99)
    prior_weight: float = setting(
        10.0, "for how many other wearers, seen to be there or not, present_prior stands", 0.1, 1e6
    )
    known_prior: float = setting(
        0.97, "the same of a wearer who was surely named for known_time", 0.01, 0.999
    )
    known_time: float = setting(
        20.0, "how long a wearer is surely named until it is known to be there, s", 1.0, 600.0
    )
    known_memory: float = setting(120.0, "time constant of forgetting that, s", 1.0, 3600.0)
    inertia: float = setting(
        2.0, "log-odds that a wearer's present track is ahead by (hysteresis)", 0.0, 10.0
    )
    assign_confidence: float = setting(0.5, "confidence from which a wearer is assigned", 0.05, 1.0)
    resting_confidence: float = setting(0.9, "the same for a wearer whose limbs rest", 0.05, 1.0)
    keep_confidence: float = setting(0.3, "confidence below which an assignment is given up", 0.0, 1.0)
    astray: float = setting(0.02, "share of sure names whose track has left its person", 0.0, 0.5)
    absent_confidence: float = setting(0.6, "confidence from which a wearer is said to be absent", 0.05, 1.0)
    lost_memory: float = setting(
        20.0, "how long a lost track's evidence is kept for its successor, s", 0.0, 120.0
    )
    reach_speed: float = setting(
        1.5, "how far a lost track's successor may be, m per s of absence", 0.0, 10.0
    )
    reach: float = setting(0.6, "how far a lost track's successor may be at once, m", 0.0, 10.0)
    swap_memory: float = setting(2.0, "time constant of the evidence that shows swapped tracks, s", 0.3, 60.0)
    swap_evidence: float = setting(5.0, "log-odds from which two tracks count as swapped", 0.5, 50.0)
    swap_distance: float = setting(1.2, "tracks can only be swapped within this distance, m", 0.1, 10.0)
    swap_time: float = setting(12.0, "how long after meeting a swap is looked for, s", 0.0, 120.0)
    activity_confidence: float = setting(0.25, "confidence below which an activity is unknown", 0.0, 1.0)
    activity_memory: float = setting(0.1, "time constant of smoothing activities, s", 0.0, 10.0)
    clock_span: float = setting(1.0, "largest clock offset that is looked for, s", 0.1, 2.0)
    clock_memory: float = setting(60.0, "time constant of the clock offset's estimate, s", 1.0, 600.0)
    correct_clock: bool = setting(False, "correct each wearer's clock by the estimated offset")
