"""PointCloud2 bytes → N×3 float32, whatever the layout."""

import sys
from collections.abc import Sequence
from typing import Any, Protocol

import numba
import numpy as np

from despite_ros.arrays import AnyArray, FloatArray
from despite_ros.errors import UserError

DATATYPES = {7: "f4", 8: "f8"}  # sensor_msgs/PointField: FLOAT32, FLOAT64


class Field(Protocol):
    """A sensor_msgs/PointField."""

    name: str
    offset: int
    datatype: int


def decode_message(cloud: Any) -> FloatArray:
    """The valid points of a sensor_msgs/PointCloud2, of rclpy or of a recording; see `decode`."""
    return decode(
        cloud.fields,
        cloud.point_step,
        cloud.row_step,
        cloud.width,
        cloud.height,
        cloud.is_bigendian,
        cloud.data,
    )


def decode(
    fields: Sequence[Field],
    point_step: int,
    row_step: int,
    width: int,
    height: int,
    is_bigendian: bool,
    data: bytes | bytearray | memoryview | AnyArray,
) -> FloatArray:
    """The fields x, y, z of a sensor_msgs/PointCloud2 as N×3 float32, metres, in the cloud's frame.

    x, y, z are found by name at any offset, float32 or float64, in either byte order, organised or
    not, padded or not. Points that are not finite and points at the origin (no return) are left out.

    Raises:
        UserError: no x, y, z; another datatype; a step or the data too short for the points.
    """
    buffer = np.frombuffer(data, dtype=np.uint8)
    buffer.flags.writeable = False  # as bytes are, so that `_compact` is compiled for one type only
    found = {field.name: field for field in fields if field.name in ("x", "y", "z")}
    if len(found) < 3:
        names = ", ".join(field.name for field in fields) or "none"
        raise UserError(f"PointCloud2: fields x, y and z are needed; the cloud has: {names}")
    if width == 0 or height == 0:
        return np.empty((0, 3), np.float32)
    _check_sizes(list(found.values()), point_step, row_step, width, height, len(buffer))
    order = ">" if is_bigendian else "<"
    axes = []
    for name in ("x", "y", "z"):
        field = found[name]
        dtype = np.dtype(order + DATATYPES[field.datatype])
        axis: AnyArray = np.ndarray((height, width), dtype, buffer, field.offset, (row_step, point_step))
        axes.append(axis)
    if not all(_native_float32(axis) for axis in axes):
        axes = [axis.astype(np.float32) for axis in axes]
    points = np.empty((width * height, 3), np.float32)
    return points[: _compact(axes[0], axes[1], axes[2], points)]


def _check_sizes(
    fields: Sequence[Field], point_step: int, row_step: int, width: int, height: int, length: int
) -> None:
    for field in fields:
        if field.datatype not in DATATYPES:
            raise UserError(
                f"PointCloud2: field '{field.name}' has datatype {field.datatype}; float32 (7) or float64 (8)"
            )
        if field.offset < 0:
            raise UserError(f"PointCloud2: field '{field.name}' starts at byte {field.offset} of a point")
        end = field.offset + int(DATATYPES[field.datatype][1])
        if end > point_step:
            raise UserError(
                f"PointCloud2: field '{field.name}' ends at byte {end} of a point; point_step is {point_step}"
            )
    if height > 1 and row_step < width * point_step:
        raise UserError(
            f"PointCloud2: row_step is {row_step}; {width} points of {point_step} bytes "
            f"need {width * point_step}"
        )
    needed = (height - 1) * row_step + width * point_step
    if length < needed:
        raise UserError(
            f"PointCloud2: {length} bytes of data; {height} rows of {width} points "
            f"(row_step {row_step}, point_step {point_step}) need {needed}"
        )


def _native_float32(axis: AnyArray) -> bool:
    native = axis.dtype.byteorder in ("=", "<" if sys.byteorder == "little" else ">")
    return bool(native and axis.dtype.itemsize == 4 and axis.flags.aligned)


@numba.njit(cache=True)
def _compact(x: AnyArray, y: AnyArray, z: AnyArray, points: FloatArray) -> int:
    """Copy the valid points to the front of `points`; the number of them."""
    count = 0
    for row in range(x.shape[0]):
        for column in range(x.shape[1]):
            a, b, c = x[row, column], y[row, column], z[row, column]
            if 0.0 < a * a + b * b + c * c < np.inf:  # mostly as of the point before, so well predicted
                points[count, 0] = a
                points[count, 1] = b
                points[count, 2] = c
                count += 1
    return count
