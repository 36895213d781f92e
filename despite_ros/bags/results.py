"""The lines of `results.jsonl` and `truth.jsonl`."""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from despite_ros.errors import UserError
from despite_ros.records import Activity, Assignment, PeopleFrame, Person, ReidFrame

Line = dict[str, Any]


def result_line(people: PeopleFrame, reid: ReidFrame) -> Line:
    """One sweep's outcome, coordinates in `people.frame_id`. Latencies are milliseconds per stage."""
    activities = {activity.track_id: activity for activity in reid.activities}
    return {
        "stamp_ns": people.stamp_ns,
        "people": [_person(person, activities.get(person.track_id)) for person in people.people],
        "assignments": [_assignment(assignment) for assignment in reid.assignments],
        "similarity": {
            "wearers": list(reid.wearers),
            "track_ids": list(reid.track_ids),
            "cosine": [[round(value, 4) for value in row] for row in reid.similarity.tolist()],
        },
        "counters": dict(people.counters),
        "latency_ms": {k: round(v, 3) for k, v in {**people.latency_ms, **reid.latency_ms}.items()},
    }


def json_line(line: Line) -> str:
    """One line of a JSON lines file, its end included."""
    return json.dumps(json_ready(line), separators=(",", ":"), allow_nan=False) + "\n"


def write_lines(path: Path, lines: Iterable[Line]) -> None:
    """Write JSON lines."""
    with path.open("w") as file:
        file.writelines(json_line(line) for line in lines)


def write_json(path: Path, content: Line) -> None:
    """Write one JSON object, readable, NaN as null."""
    path.write_text(json.dumps(json_ready(content), indent=1, allow_nan=False) + "\n")


def json_ready(value: Any) -> Any:
    """The same with NaN and infinities as None, which JSON can say."""
    if isinstance(value, dict):
        return {str(key): json_ready(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_ready(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_lines(path: Path) -> Iterator[Line]:
    """Read JSON lines.

    Raises:
        UserError: the file is missing, or a line is not a JSON object with a stamp.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise UserError(
            f"{path}: {error.strerror}; expected one JSON object a line, as `despite simulate` writes"
        ) from error
    with file:
        for number, text in enumerate(file, 1):
            try:
                line = json.loads(text)
                int(line["stamp_ns"])
            except (ValueError, KeyError, TypeError) as error:
                raise UserError(
                    f"{path}, line {number}: expected a JSON object with 'stamp_ns' ({error})"
                ) from error
            yield line


def read_truth(path: Path) -> list[Line]:
    """Read the lines of a `truth.jsonl`.

    Raises:
        UserError: as `read_lines`, or a line whose people lack what is scored.
    """
    lines = list(read_lines(path))
    for number, line in enumerate(lines, 1):
        try:
            for person in line["people"]:
                str(person["name"]), [float(person[key]) for key in ("x", "y", "z", "points")]
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{path}, line {number}: expected 'people' with name, x, y, z and points each ({error!r})"
            ) from error
    return lines


def _person(person: Person, activity: Activity | None) -> Line:
    x, y, z = (round(float(value), 4) for value in person.position)
    return {
        "track_id": person.track_id,
        "x": x,
        "y": y,
        "z": z,
        "size": [round(float(value), 4) for value in person.size],
        "points": person.points,
        "activity": activity.label if activity else None,
        "activity_confidence": round(activity.confidence, 4) if activity else None,
    }


def _assignment(assignment: Assignment) -> Line:
    return {
        "wearer": assignment.wearer,
        "track_id": assignment.track_id,
        "similarity": round(assignment.similarity, 4),
        "confidence": round(assignment.confidence, 4),
        "margin": round(assignment.margin, 4),
        "state": str(assignment.state),
    }
