"""A folder of recordings, embedded once and kept in a vector store for `despite search`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from despite_ros.arrays import FloatArray
from despite_ros.bags.moments import Series, series_of
from despite_ros.bags.reader import STORAGE_SUFFIXES
from despite_ros.bags.vectors import VectorStore, is_url
from despite_ros.encoders import Card
from despite_ros.errors import UserError

ASKED = 16  # windows of a query that choose whom to look at, spread over it
HITS = 64  # of each of them


def collection_of(card: Card) -> str:
    """The collection of a model's embeddings; those of another model cannot be compared."""
    weights = card.files.get("weights.safetensors", "")
    return f"{card.name}-{card.version}-{weights[:8]}"


def is_index(place: str | Path) -> bool:
    """Whether a search target is an index and not a recording."""
    return is_url(place) or (Path(place) / "meta.json").is_file()


def recordings_below(folder: Path) -> list[Path]:
    """Recordings in a folder and in those below it, in order of their paths: bag folders and loose files.

    Raises:
        UserError: no folder, or no recording in it.
    """
    bags = sorted(file.parent for file in folder.rglob("metadata.yaml"))
    loose = (file for file in folder.rglob("*") if file.suffix in STORAGE_SUFFIXES)
    found = sorted([*bags, *(file for file in loose if not set(bags) & set(file.parents))])
    if not found:
        raise UserError(f"{folder}: no recordings below it; give a folder of bags")
    return found


def add_to_index(store: VectorStore, recording: str, series: Sequence[Series]) -> int:
    """Store a recording's windows in place of those stored before; how many there are."""
    store.remove({"recording": recording})
    for item in series:
        shared = {"modality": item.modality, "who": item.who, "start_ns": item.start_ns}
        stamps = item.stamps_ns.tolist()
        store.add(
            item.embeddings, [{"recording": recording, "stamp_ns": stamp, **shared} for stamp in stamps]
        )
    return sum(len(item.stamps_ns) for item in series)


def likely_series(store: VectorStore, query: FloatArray, modality: str) -> list[Series]:
    """The tracks or wearers that hold the windows most like some of the query's, with all their windows.

    query: K×E, NaN rows for none.
    """
    rows = query[np.isfinite(query[:, 0])]
    asked = rows[np.unique(np.linspace(0, len(rows) - 1, ASKED).round().astype(np.int64))]
    found = {
        (hit.payload["recording"], hit.payload["who"]): None
        for row in asked
        for hit in store.nearest(row, HITS, {"modality": modality})
    }
    return [_stored(store, recording, modality, who) for recording, who in found]


def _stored(store: VectorStore, recording: str, modality: str, who: str) -> Series:
    start_ns, rows = 0, []
    for embedding, payload in store.read({"recording": recording, "modality": modality, "who": who}):
        start_ns = payload["start_ns"]
        rows.append((int(payload["stamp_ns"]), embedding))
    return series_of(recording, modality, who, start_ns, rows)
