from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from despite_ros.errors import UserError
from despite_ros.people.clouds import decode


@dataclass
class Field:
    name: str
    offset: int
    datatype: int = 7
    count: int = 1


XYZ = [Field("x", 0), Field("y", 4), Field("z", 8)]


def packed(
    points: Any,
    offsets: Sequence[int] = (0, 4, 8),
    step: int = 16,
    kind: str = "<f4",
    width: int | None = None,
    padding: int = 0,
) -> tuple[list[Field], int, int, int, int, bool, bytes]:
    """Bytes of a cloud with the given layout; returns decode's arguments."""
    points = np.asarray(points, np.float64).reshape(-1, 3)
    width = width or len(points)
    height = len(points) // width
    row_step = width * step + padding
    data = np.full(height * row_step + 8, 0xAB, np.uint8)
    for axis, offset in enumerate(offsets):
        view = np.ndarray((height, width), kind, data, offset, (row_step, step))
        view[:] = points[:, axis].reshape(height, width)
    fields = [Field(n, o, 7 if "4" in kind else 8) for n, o in zip("xyz", offsets, strict=True)]
    return (
        [Field("ring", step - 1, 4), *fields],
        step,
        row_step,
        width,
        height,
        kind[0] == ">",
        data.tobytes(),
    )


@given(
    values=st.lists(st.tuples(*[st.floats(-100, 100, width=32)] * 3), min_size=1, max_size=12),
    double=st.booleans(),
    big=st.booleans(),
    rows=st.integers(1, 3),
    padding=st.sampled_from([0, 4, 7]),
    slack=st.sampled_from([0, 1, 4]),
    order=st.permutations([0, 1, 2]),
)
@settings(max_examples=60, deadline=None)
def test_any_layout_gives_the_points(
    values: list[tuple[float, float, float]],
    double: bool,
    big: bool,
    rows: int,
    padding: int,
    slack: int,
    order: list[int],
) -> None:
    points = np.array(values * rows, np.float64)
    size = 8 if double else 4
    kind = (">" if big else "<") + ("f8" if double else "f4")
    layout = packed(
        points, [slack + size * k for k in order], 3 * size + slack + 2, kind, len(values), padding
    )
    kept = points[np.abs(points.astype(np.float32)).max(1) > 1e-18]
    decoded = decode(*layout)
    tiny = np.abs(decoded).max(1) > 1e-18
    assert np.array_equal(decoded[tiny], kept.astype(np.float32))
    assert decoded.dtype == np.float32 and decoded.flags.c_contiguous


def test_returns_that_are_none_are_left_out() -> None:
    points = [[1, 2, 3], [np.nan, 1, 1], [0, 0, 0], [1, np.inf, 0], [0, 0, 2]]
    assert decode(*packed(points)).tolist() == [[1, 2, 3], [0, 0, 2]]


def test_an_empty_cloud_has_no_points() -> None:
    assert decode(XYZ, 12, 0, 0, 1, False, b"").shape == (0, 3)


@pytest.mark.parametrize(
    ("fields", "step", "row_step", "width", "height", "length", "message"),
    [
        ([Field("x", 0), Field("range", 4)], 12, 12, 1, 1, 12, "x, range"),
        ([], 12, 12, 1, 1, 12, "none"),
        (XYZ, 10, 10, 1, 1, 12, "point_step is 10"),
        (XYZ, 12, 12, 2, 2, 48, "row_step is 12"),
        (XYZ, 12, 24, 2, 2, 47, "47 bytes"),
        ([Field("x", 0, 5), *XYZ[1:]], 12, 12, 1, 1, 12, "datatype 5"),
        ([Field("x", -4), *XYZ[1:]], 12, 12, 1, 1, 12, "byte -4"),
    ],
)
def test_faults_are_named(
    fields: list[Field], step: int, row_step: int, width: int, height: int, length: int, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        decode(fields, step, row_step, width, height, False, bytes(length))
