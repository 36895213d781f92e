"""What a released model's card says about its making: training data, split by person, commands."""

import shlex
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from despite_ros.limbs import RATE
from training.data.store import SequenceStore


def training_data(store: SequenceStore) -> dict[str, Any]:
    """{source: {licence, sequences, hours}} of what is trained on; hours are of simulated sensor data."""
    found: dict[str, dict[str, Any]] = defaultdict(lambda: {"sequences": 0, "hours": 0.0})
    for item in store.sequences:
        entry = found[item.info.source]
        entry["licence"] = item.info.licence
        entry["sequences"] += 1
        entry["hours"] += item.info.frames / RATE / 3600
    return {source: {**entry, "hours": round(entry["hours"], 2)} for source, entry in sorted(found.items())}


def split(stores: Mapping[str, SequenceStore]) -> dict[str, list[str]]:
    """{group: persons} of captured motion; made-up people are each seen once, in one group only."""
    return {
        group: sorted({item.info.person for item in store.sequences if item.info.kind == "captured"})
        for group, store in stores.items()
    }


def command_line(module: str) -> str:
    """The command that is running, as a card shows it: of folders elsewhere only the names."""
    words = [Path(word).name if Path(word).is_absolute() else word for word in sys.argv[1:]]
    return shlex.join(["python", "-m", module, *words])
