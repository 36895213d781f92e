"""Reading pickles as data: arrays and plain containers are rebuilt, nothing in the file is ever executed."""

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from despite_ros.arrays import AnyArray
from despite_ros.errors import UserError


def _storage(content: bytes) -> Any:
    """The bytes of a torch storage → the storage, by torch's own reader that executes nothing."""
    return torch.load(io.BytesIO(content), weights_only=True)


def _tensor(storage: Any, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> AnyArray:
    """A pickled torch tensor as a numpy array."""
    flat = torch.empty(0, dtype=storage.dtype).set_(storage, offset, size, stride)
    return np.asarray(flat.numpy())


def _encode(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise UserError(f"a pickle asks for the encoding '{encoding}'; only latin1 stands in arrays")
    return text.encode(encoding)


def _empty_array(*_: Any) -> AnyArray:
    """What numpy's `_reconstruct` makes, whatever it is asked for; the array's state is filled in later."""
    return np._core.multiarray._reconstruct(np.ndarray, (0,), b"b")  # type: ignore[attr-defined,no-any-return]


_NUMPY = {"_reconstruct": _empty_array, "scalar": np._core.multiarray.scalar}  # type: ignore[attr-defined]
CORES = ("core", "_core")  # numpy 1 and 2
ALLOWED: Mapping[tuple[str, str], Callable[..., Any] | str] = {
    **{(f"numpy.{core}.multiarray", name): made for core in CORES for name, made in _NUMPY.items()},
    **{(f"numpy.{core}.numeric", "_frombuffer"): np._core.numeric._frombuffer for core in CORES},  # type: ignore[attr-defined]
    ("numpy", "ndarray"): "an argument of _reconstruct, never called",
    ("numpy", "dtype"): np.dtype,
    ("collections", "OrderedDict"): OrderedDict,
    ("_codecs", "encode"): _encode,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch.storage", "_load_from_bytes"): _storage,
}
"""Names that a pickle may call for, and what they get."""


class _DataUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return ALLOWED[module, name]
        except KeyError:
            raise UserError(
                f"the pickle asks for `{module}.{name}`, neither an array nor a plain container: refused"
            ) from None


def read_pickle(path: Path) -> Any:
    """The content of a pickle of numpy arrays, torch tensors (as numpy) and plain containers.

    Raises:
        UserError: the file is missing, damaged, or asks for anything else.
    """
    try:
        with path.open("rb") as file:
            return _load(file)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error})") from error
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, RuntimeError, AttributeError) as error:
        raise UserError(f"{path}: a damaged pickle, or none ({error})") from error
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def read_npz_objects(path: Path, member: str) -> list[AnyArray]:
    """A member of an npz, of one array or of an object array of arrays, as a list along its first axis.

    Raises:
        UserError: no such file or member, or its pickled content is not plain arrays.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{member}.npy") as file:
            version = np.lib.format.read_magic(file)  # type: ignore[no-untyped-call]
            if version != (1, 0):
                raise UserError(f"`{member}` is stored in version {version} of npy, expected (1, 0)")
            if np.lib.format.read_array_header_1_0(file)[2].hasobject:  # type: ignore[no-untyped-call]
                return list(_load(file))
        return list(np.load(path)[member])
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, pickle.UnpicklingError) as error:
        raise UserError(f"{path}: no point clouds `{member}` in it ({error})") from error


def _load(file: IO[bytes]) -> Any:
    return _DataUnpickler(file, encoding="latin1").load()
