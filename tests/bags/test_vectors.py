import sys
from pathlib import Path

import numpy as np
import pytest

from despite_ros.bags.index import add_to_index, likely_series
from despite_ros.bags.moments import Series, series_of
from despite_ros.bags.vectors import MEMORY, VectorStore
from despite_ros.errors import UserError

pytest.importorskip("qdrant_client")
WIDTH = 8


def series(recording: str, who: str, seed: int, windows: int = 40) -> Series:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=WIDTH) + 0.3 * rng.normal(size=(windows, WIDTH))
    own = [(100 * i + 7, row.astype(np.float32)) for i, row in enumerate(rows)]
    return series_of(recording, "points", who, 7, own)


def test_what_is_stored_is_found_again_by_another_process_later(tmp_path: Path) -> None:
    rows = np.eye(WIDTH, dtype=np.float32)
    with VectorStore(tmp_path / "db", "unit", WIDTH) as store:
        store.add(3 * rows, [{"number": i, "even": i % 2 == 0} for i in range(WIDTH)])
    with VectorStore(tmp_path / "db", "unit", WIDTH) as store:
        assert len(store) == WIDTH
        best = store.nearest(rows[3] + 0.5 * rows[4], 2)
        assert [hit.payload["number"] for hit in best] == [3, 4]
        assert best[0].similarity == pytest.approx(1 / np.sqrt(1.25), abs=1e-6)
        assert store.nearest(rows[3], 1, where={"even": True})[0].payload["even"]
        assert store.nearest(rows[3], 1, without={"number": 3})[0].payload["number"] != 3


def test_the_same_payload_is_stored_once() -> None:
    with VectorStore(MEMORY, "unit", WIDTH) as store:
        for _ in range(2):
            store.add(np.eye(WIDTH, dtype=np.float32), [{"number": i} for i in range(WIDTH)])
        assert len(store) == WIDTH


def test_a_store_that_is_only_looked_into_stays_as_it_was(tmp_path: Path) -> None:
    with VectorStore(tmp_path / "db", "unit", WIDTH) as store:
        assert len(store) == 0
        assert store.nearest(np.ones(WIDTH, np.float32), 3) == [] == list(store.read({"number": 1}))
        store.remove({"number": 1})
    with VectorStore(tmp_path / "db", "unit", 2 * WIDTH) as store:
        store.add(np.ones((1, 2 * WIDTH), np.float32), [{"number": 1}])
        assert len(store) == 1


def test_an_index_gives_back_whole_series_and_only_likely_ones() -> None:
    recordings = {
        name: [series(name, "1", seed), series(name, "2", seed + 10)] for seed, name in enumerate("abc")
    }
    with VectorStore(MEMORY, "index", WIDTH) as store:
        for name, found in recordings.items():
            assert add_to_index(store, name, found) == 80
        add_to_index(store, "b", recordings["b"])
        assert len(store) == 240
        wanted = recordings["b"][1]
        likely = likely_series(store, wanted.embeddings[5:8], "points")
        assert ("b", "2") in {(item.recording, item.who) for item in likely}
        (same,) = (item for item in likely if (item.recording, item.who) == ("b", "2"))
        np.testing.assert_array_equal(same.stamps_ns, wanted.stamps_ns)
        np.testing.assert_allclose(same.embeddings, wanted.embeddings, atol=1e-6)
        assert same.start_ns == 7
        assert likely_series(store, wanted.embeddings[5:8], "imu") == []


def test_errors_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        VectorStore(tmp_path / "db", "unit", WIDTH),
        pytest.raises(UserError, match="cannot be opened"),
    ):
        VectorStore(tmp_path / "db", "unit", WIDTH)
    with pytest.raises(UserError, match="cannot be opened"):
        VectorStore("http://localhost:1", "unit", WIDTH)
    monkeypatch.setitem(sys.modules, "qdrant_client", None)
    with pytest.raises(UserError, match=r"pip install 'despite-ros\[search\]'"):
        VectorStore(MEMORY, "unit", WIDTH)
