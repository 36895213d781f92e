"""Pickles are read as data, and nothing in them is executed."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from despite_ros.errors import UserError
from training.data.sources.unpickling import read_npz_objects, read_pickle

Reduced = tuple[Callable[..., object], tuple[object, ...]]


class Evil:
    def __reduce__(self) -> Reduced:
        return (Path.touch, (Path("executed"),))


class EvilArray:
    def __reduce__(self) -> Reduced:
        return (np.load, ("x.npy",))


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_pickled_arrays_tensors_and_containers_are_read(tmp_path: Path, protocol: int) -> None:
    array, tensor = np.arange(6.0).reshape(2, 3), torch.arange(12.0).reshape(3, 4)[:, 1:]
    content = {
        "a": [array, np.float32(2.5), "text", None],
        "b": {"t": tensor, "o": np.array([np.ones(2), np.ones(3)], object)},
    }
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(content, protocol))
    found = read_pickle(tmp_path / "x.pkl")
    np.testing.assert_array_equal(found["a"][0], array)
    np.testing.assert_array_equal(found["b"]["t"], tensor.numpy())
    assert found["a"][1:] == [2.5, "text", None]
    assert [len(part) for part in found["b"]["o"]] == [2, 3]


def test_nothing_pickled_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for evil, name in ((Evil(), "touch|getattr"), (EvilArray(), "numpy.*load"), (eval, "builtins.eval")):
        (tmp_path / "x.pkl").write_bytes(pickle.dumps([evil]))
        with pytest.raises(UserError, match=rf"x\.pkl: the pickle asks for `.*({name})"):
            read_pickle(tmp_path / "x.pkl")
    np.savez(tmp_path / "x.npz", point_clouds=np.array([Evil(), None], object))
    with pytest.raises(UserError, match="the pickle asks for"):
        read_npz_objects(tmp_path / "x.npz", "point_clouds")
    assert not (tmp_path / "executed").exists()


def test_a_pickle_hidden_in_a_tensor_is_not_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    hidden = pickle.dumps(Evil())

    class Storage:
        def __reduce__(self) -> Reduced:
            return (torch.storage._load_from_bytes, (hidden,))

    (tmp_path / "x.pkl").write_bytes(pickle.dumps(Storage()))
    with pytest.raises(UserError):
        read_pickle(tmp_path / "x.pkl")
    assert not (tmp_path / "executed").exists()


def test_damaged_and_missing_pickles_are_told(tmp_path: Path) -> None:
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(np.arange(100))[:60])
    with pytest.raises(UserError, match="damaged"):
        read_pickle(tmp_path / "x.pkl")
    with pytest.raises(UserError, match="cannot be read"):
        read_pickle(tmp_path / "y.pkl")
