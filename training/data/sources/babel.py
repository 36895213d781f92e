"""BABEL's descriptions (train.json, val.json) of AMASS motion, told on the frames of LIPD.

Each entry has `feat_p` (the AMASS file), `dur` (seconds), `seq_ann` and perhaps `frame_ann`, both with
`labels`; a label has `raw_label`, `proc_label`, `act_cat` and in `frame_ann` also `start_t` and `end_t`
(seconds). Where a sequence has frame labels these count, of overlapping ones the last; otherwise its
sequence labels, joined, hold all along. Gaps ("") and "transition" are no text.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from despite_ros.errors import UserError
from despite_ros.simulation.skeleton import Span
from training.data.sources.base import frame_spans

CLASSES = (
    "walk", "cartwheel", "run", "spin", "turn", "scratch", "jump", "sit", "stand up", "crouch", "kick",
    "point", "jumping jacks", "swim", "jog", "throw", "clap", "crawl", "skip", "stretch", "wave", "stand",
    "drink", "leap", "lean", "dance", "catch", "look", "gesture",
)  # fmt: skip
"""The 29 classes of LIPD-Babel-v2-CLS: the descriptions that stand in both splits, word for word."""
NOT_TEXT = ("", "transition")
TOLERANCE = 2  # frames by which the lengths of a sequence and its description may differ


@dataclass(frozen=True)
class Babel:
    """Annotations by AMASS file, of the two public splits."""

    splits: Mapping[str, Mapping[str, Mapping[str, Any]]]

    @classmethod
    def read(cls, folder: Path) -> "Babel":
        """`train.json` and `val.json` of a folder.

        Raises:
            UserError: a file is missing or is not BABEL's.
        """
        splits = {}
        for split in ("train", "val"):
            file = folder / f"{split}.json"
            try:
                entries = json.loads(file.read_text())
                splits[split] = {file_key(entry["feat_p"]): entry for entry in entries.values()}
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise UserError(f"{file}: not a file of BABEL v1.0 ({error})") from error
        return cls(splits)

    def find(self, key: str, frames: int, rate: float) -> tuple[str, tuple[Span, ...]] | None:
        """Split and spans of a sequence of `frames` at `rate` a second; None where its length differs."""
        for split, entries in self.splits.items():
            if (entry := entries.get(key)) and abs(round(entry["dur"] * rate) - frames) <= TOLERANCE:
                return split, spans_of(entry, frames, rate)
        return None


def file_key(path: str) -> str:
    """An AMASS path by which the two data sets find each other: spaces and underscores are the same."""
    return path.replace(" ", "_").replace("_stageii", "_poses").removesuffix(".npz")


def spans_of(entry: Mapping[str, Any], frames: int, rate: float) -> tuple[Span, ...]:
    """What an entry says of each of `frames` frames, as spans on the store's 10 Hz."""
    texts = np.full(frames, "", object)
    if entry.get("frame_ann"):
        for label in entry["frame_ann"]["labels"]:
            first, end = (int(np.ceil(round(label[name] * rate, 3))) for name in ("start_t", "end_t"))
            texts[first:end] = _text([label])
    else:
        texts[:] = _text(entry["seq_ann"]["labels"])
    labels = np.array([text if text in CLASSES else "" for text in texts], object)
    return frame_spans(labels, texts)


def _text(labels: Sequence[Mapping[str, Any]]) -> str:
    kept = [
        str(label["raw_label"]).strip()
        for label in labels
        if label["raw_label"].strip() not in NOT_TEXT and label.get("proc_label") != "transition"
    ]
    return " and ".join(kept)
