"""Score results against truth: people, tracks, names and activities.

Truth (`truth.jsonl`) names who was where; a result's assignment is right when its track is on the person who
wears the wearer's sensors, or is nobody when that person is not there.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from despite_ros.arrays import DoubleArray
from despite_ros.bags.results import Line
from despite_ros.bags.tracking_scores import TrackedFrame, match, score_tracking
from despite_ros.records import NOBODY, State

STAMP_TOLERANCE_NS = 60_000_000
VISIBLE_POINTS = 10  # with fewer returns a person counts for nothing
NOT_THERE = "(absent)"
NO_NAME = "(nobody)"


@dataclass(frozen=True)
class Judged:
    """One sweep, results beside truth.

    expected and named: {wearer: person's name, or None for nobody}; who is hidden is left out.
    """

    stamp_ns: int
    tracked: TrackedFrame
    wearer_of: dict[int, str]  # {track_id: wearer}
    expected: dict[str, str | None]
    named: dict[str, str | None]
    confidence: dict[str, float]
    activity: list[tuple[str, str]] = field(default_factory=list)  # (truth, found)


def score(results: Sequence[Line], truth: Sequence[Line], settle_s: float = 5.0) -> dict[str, Any]:
    """All figures, as a JSON-able dict. Shares are 0..1, times seconds since the first sweep.

    settle_s: identity accuracy counts from here on.
    """
    judged = judge(results, truth)
    if not judged:
        return {"frames": 0}
    start_ns = judged[0].stamp_ns
    settled = [frame for frame in judged if frame.stamp_ns - start_ns >= settle_s * 1e9]
    return {
        "frames": len(judged),
        "tracking": vars(score_tracking(frame.tracked for frame in judged)),
        "names_idf1": score_tracking(_named_frame(frame) for frame in judged).idf1,
        "assignment": _assignment_scores(settled),
        "seconds_to_lasting": {w: _lasting(judged, w, start_ns) for w in _wearers(judged)},
        "name_swaps_per_minute": _swaps_per_minute(judged),
        "accuracy_over_time": _over_time(judged, start_ns),
        "confusion": _confusion(settled),
        "reliability": reliability(settled),
        "activity": _activity_scores(judged),
    }


def judge(results: Sequence[Line], truth: Sequence[Line]) -> list[Judged]:
    """Pair every result with the truth of its stamp (nearest within 60 ms); others are left out."""
    stamps = np.array([line["stamp_ns"] for line in truth], np.int64)
    wearers = {person["wearer"] for line in truth for person in line["people"] if person.get("wearer")}
    judged = []
    for result in results:
        nearest = int(np.abs(stamps - result["stamp_ns"]).argmin()) if len(stamps) else -1
        if nearest >= 0 and abs(int(stamps[nearest]) - result["stamp_ns"]) <= STAMP_TOLERANCE_NS:
            judged.append(_judge_frame(result, truth[nearest], wearers))
    return judged


def reliability(frames: Sequence[Judged], bins: int = 10) -> list[dict[str, float]]:
    """Confidence of named wearers against the share of them that was right, per bin."""
    pairs = [(f.confidence[w], f.named[w] == f.expected[w]) for f in frames for w in f.expected if f.named[w]]
    if not pairs:
        return []
    confidence, right = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        {
            "confidence": float(confidence[index == i].mean()),
            "right": float(right[index == i].mean()),
            "count": int((index == i).sum()),
        }
        for i in range(bins)
        if (index == i).any()
    ]


def _judge_frame(result: Line, truth: Line, all_wearers: set[str]) -> Judged:
    people, tracks = truth["people"], result["people"]
    person_xy, track_xy = _xy(people), _xy(tracks)
    optional = [person["points"] < VISIBLE_POINTS for person in people]
    tracked = TrackedFrame(
        [person["name"] for person in people], person_xy, [t["track_id"] for t in tracks], track_xy, optional
    )
    on = {tracks[j]["track_id"]: i for i, j in match(person_xy, track_xy)}
    expected: dict[str, str | None] = {}
    for assignment in result["assignments"]:
        wearer = assignment["wearer"]
        owner = next((i for i, p in enumerate(people) if p.get("wearer") == wearer), None)
        if owner is None and wearer not in all_wearers:
            expected[wearer] = None
        elif owner is not None and not optional[owner]:
            expected[wearer] = people[owner]["name"]
    states = {a["wearer"]: a for a in result["assignments"]}
    named = {w: _name_of(a, on, people) for w, a in states.items()}
    return Judged(
        result["stamp_ns"],
        tracked,
        {a["track_id"]: w for w, a in states.items() if a["track_id"] != NOBODY},
        expected,
        named,
        {w: a["confidence"] or 0.0 for w, a in states.items()},
        [
            (people[on[t["track_id"]]]["activity"], t["activity"])
            for t in tracks
            if t["track_id"] in on and t["activity"] and people[on[t["track_id"]]].get("activity")
        ],
    )


def _name_of(assignment: Line, on: dict[int, int], people: Sequence[Line]) -> str | None:
    """Whom the assignment points at; a track on nobody counts as a wrong name, not as nobody."""
    track = assignment["track_id"]
    if track == NOBODY or assignment["state"] == State.GATHERING:
        return None
    return str(people[on[track]]["name"]) if track in on else f"track {track}"


def _xy(items: Sequence[Line]) -> DoubleArray:
    return np.array([[item["x"], item["y"]] for item in items], float).reshape(-1, 2)


def _wearers(frames: Sequence[Judged]) -> list[str]:
    return sorted({wearer for frame in frames for wearer in frame.expected})


def _assignment_scores(frames: Sequence[Judged]) -> dict[str, Any]:
    present = [(f, w) for f in frames for w, name in f.expected.items() if name is not None]
    absent = [(f, w) for f in frames for w, name in f.expected.items() if name is None]
    right = [f.named[w] == f.expected[w] for f, w in present]
    unnamed = [f.named[w] is None for f, w in present]
    false_names = [f.named[w] is not None for f, w in absent]
    return {
        "accuracy": _mean(right),
        "unnamed": _mean(unnamed),
        "wrong": _mean([not r and not u for r, u in zip(right, unnamed, strict=True)]),
        "false_names_of_absent": _mean(false_names),
        "per_wearer": {
            w: _mean([f.named[w] == f.expected[w] for f in frames if w in f.expected])
            for w in _wearers(frames)
        },
    }


def _lasting(frames: Sequence[Judged], wearer: str, start_ns: int) -> float | None:
    """Seconds until the assignment is right and stays so; None if it ends wrong."""
    last_wrong = start_ns
    own = [frame for frame in frames if wearer in frame.expected]
    for frame, following in zip(own, [*own[1:], None], strict=True):
        if frame.named[wearer] != frame.expected[wearer]:
            if following is None:
                return None
            last_wrong = following.stamp_ns
    return (last_wrong - start_ns) / 1e9 if own else None


def _swaps_per_minute(frames: Sequence[Judged]) -> float:
    """How often a wearer's name jumps from one person to another, per wearer and minute."""
    swaps, last = 0, dict[str, str]()
    for frame in frames:
        for wearer, name in frame.named.items():
            if name is not None and not name.startswith("track "):
                swaps += wearer in last and last[wearer] != name
                last[wearer] = name
    minutes = (frames[-1].stamp_ns - frames[0].stamp_ns) / 60e9
    return swaps / (minutes * len(last)) if minutes > 0 and last else 0.0


def _over_time(frames: Sequence[Judged], start_ns: int) -> list[dict[str, float]]:
    """Share of right assignments in every second."""
    seconds: dict[int, list[bool]] = defaultdict(list)
    for frame in frames:
        right = [frame.named[w] == name for w, name in frame.expected.items()]
        seconds[(frame.stamp_ns - start_ns) // 1_000_000_000] += right
    return [{"second": s, "accuracy": _mean(right)} for s, right in sorted(seconds.items()) if right]


def _confusion(frames: Sequence[Judged]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for frame in frames:
        for wearer, name in frame.expected.items():
            counts[f"{wearer} → {name or NOT_THERE}"][frame.named[wearer] or NO_NAME] += 1
    return {expected: dict(found) for expected, found in sorted(counts.items())}


def _activity_scores(frames: Sequence[Judged]) -> dict[str, Any]:
    pairs = [pair for frame in frames for pair in frame.activity]
    per_label: dict[str, Counter[str]] = defaultdict(Counter)
    for truth, found in pairs:
        per_label[truth][found] += 1
    return {
        "accuracy": _mean([truth == found for truth, found in pairs]),
        "per_label": {t: found[t] / sum(found.values()) for t, found in sorted(per_label.items())},
        "confusion": {t: dict(found) for t, found in sorted(per_label.items())},
    }


def _named_frame(frame: Judged) -> TrackedFrame:
    """The same frame with tracks known by their wearer, where they have one: IDF1 of it is IDF1 of names."""
    names = [frame.wearer_of.get(int(str(track)), str(track)) for track in frame.tracked.track_ids]
    return replace(frame.tracked, track_ids=names)


def _mean(values: Sequence[bool] | Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
