"""Embeddings with a payload each, found again by cosine: Qdrant, embedded on disk or as a server."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from despite_ros.arrays import FloatArray
from despite_ros.errors import UserError

MEMORY = ":memory:"
PAGE = 1024  # points read or written at once
NAMES = uuid.UUID("c2b1f0de-5a0f-4f5e-9a53-0a2d6a0f4c11")  # namespace of the points' ids

Payload = Mapping[str, Any]


@dataclass(frozen=True)
class Hit:
    """A stored embedding's cosine to the query, and its payload."""

    similarity: float
    payload: Payload


class VectorStore:
    """One collection of a Qdrant database, made by the first `add`; a context manager.

    place: a folder (embedded, made where it is missing), the URL of a server such as
    http://localhost:6333, or `MEMORY`. width: E of the embeddings. One embedded folder can be open in
    one process at a time.

    Raises:
        UserError: Qdrant's client is not installed, or the place cannot be opened.
    """

    def __init__(self, place: str | Path, collection: str, width: int) -> None:
        try:
            from qdrant_client import QdrantClient, models
        except ImportError as error:
            raise UserError(
                "the vector store needs Qdrant's client; pip install 'despite-ros[search]'"
            ) from error
        self._models: Any = models
        self._collection, self._width = collection, width
        kind = "url" if is_url(place) else "location" if place == MEMORY else "path"
        try:
            self._client: Any = QdrantClient(**{kind: str(place)})
            self._made = bool(self._client.collection_exists(collection))
        except Exception as error:  # of whatever lies beneath: sockets, HTTP, locks, SQLite
            raise UserError(f"{place}: cannot be opened as a vector store ({error})") from error

    def __enter__(self) -> "VectorStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder or the connection."""
        self._client.close()

    def __len__(self) -> int:
        return int(self._client.count(self._collection).count) if self._made else 0

    def add(self, embeddings: FloatArray, payloads: Sequence[Payload]) -> None:
        """Store M×E embeddings, any length but zero; one whose payload is stored already replaces it."""
        if not self._made:
            shape = self._models.VectorParams(size=self._width, distance=self._models.Distance.COSINE)
            self._client.create_collection(self._collection, vectors_config=shape)
            self._made = True
        points = (
            self._models.PointStruct(id=_identity(payload), vector=row, payload=dict(payload))
            for row, payload in zip(embeddings.tolist(), payloads, strict=True)
        )
        self._client.upload_points(self._collection, points, batch_size=PAGE, wait=True)

    def remove(self, where: Payload) -> None:
        """Drop everything whose payload has these values."""
        if self._made:
            selector = self._models.FilterSelector(filter=self._filter(where))
            self._client.delete(self._collection, selector, wait=True)

    def nearest(
        self, embedding: FloatArray, count: int, where: Payload | None = None, without: Payload | None = None
    ) -> list[Hit]:
        """The `count` most similar, best first, whose payload has `where` and nothing of `without`."""
        if not self._made:
            return []
        found = self._client.query_points(
            self._collection, embedding.tolist(), query_filter=self._filter(where, without), limit=count
        )
        return [Hit(point.score, point.payload) for point in found.points]

    def read(self, where: Payload) -> Iterator[tuple[FloatArray, Payload]]:
        """Unit embeddings and payloads of everything whose payload has these values, in no order."""
        if not self._made:
            return
        offset = None
        while True:
            points, offset = self._client.scroll(
                self._collection, self._filter(where), limit=PAGE, offset=offset, with_vectors=True
            )
            for point in points:
                yield np.array(point.vector, np.float32), point.payload
            if offset is None:
                return

    def _filter(self, where: Payload | None, without: Payload | None = None) -> Any:
        if not where and not without:
            return None
        return self._models.Filter(must=self._conditions(where), must_not=self._conditions(without))

    def _conditions(self, values: Payload | None) -> list[Any]:
        match = self._models.MatchValue
        return [
            self._models.FieldCondition(key=key, match=match(value=value))
            for key, value in (values or {}).items()
        ]


def is_url(place: str | Path) -> bool:
    """Whether a place is a server and not a folder."""
    return str(place).startswith(("http://", "https://"))


def _identity(payload: Payload) -> str:
    """An id that follows from the payload."""
    return str(uuid.uuid5(NAMES, json.dumps(dict(payload), sort_keys=True)))
