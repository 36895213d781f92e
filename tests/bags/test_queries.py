from pathlib import Path
from typing import cast

import numpy as np
import pytest

from despite_ros.bags.moments import FRAME_NS, Series, series_of
from despite_ros.bags.search import COLUMNS, read_imu, read_query
from despite_ros.encoders import Encoders
from despite_ros.errors import UserError
from despite_ros.limbs import LIMBS, unpack_channels
from despite_ros.motion.imu import GRAVITY
from tests.fake_encoders import WIDTH, FakeEncoders

ENCODERS = cast(Encoders, FakeEncoders())


def write_csv(path: Path, seconds: float = 4.0, limbs: tuple[str, ...] = ("left_shank",)) -> Path:
    """100 Hz, turned 90° about z, accelerating along world y by the number of whole seconds."""
    lines = [",".join(COLUMNS)]
    half = np.sqrt(0.5)
    for index in range(int(100 * seconds) + 1):
        for limb in limbs:
            ahead = index // 100
            values = (1_700_000_000_000_000_000 + 10_000_000 * index, limb, 0, 0, half, half, 0, 0, 0)
            lines.append(",".join(map(str, (*values, ahead, 0, GRAVITY))))
    path.write_text("\n".join(reversed(lines[1:])) + "\n")
    path.write_text(lines[0] + "\n" + path.read_text())
    return path


def test_samples_become_the_channels_of_frames(tmp_path: Path) -> None:
    channels = read_imu(write_csv(tmp_path / "imu.csv", limbs=("left_shank", "right_forearm")))
    assert channels.shape == (41, 48)
    rotations, accelerations = unpack_channels(channels)
    worn = [LIMBS.index("left_shank"), LIMBS.index("right_forearm")]
    np.testing.assert_allclose(rotations[:, worn] @ [1, 0, 0], np.full((41, 2, 3), [0, 1, 0]), atol=1e-6)
    np.testing.assert_allclose(accelerations[25, worn], np.full((2, 3), [0, 2, 0]), atol=1e-5)
    others = [i for i in range(4) if i not in worn]
    assert not rotations[:, others].any() and not accelerations[:, others].any()


def test_every_window_of_a_csv_is_a_query(tmp_path: Path) -> None:
    query = read_query(str(write_csv(tmp_path / "imu.csv")), ENCODERS, lambda path: [])
    assert query.modality == "imu" and query.embeddings.shape == (41 - 23, WIDTH)
    np.testing.assert_allclose(np.linalg.norm(query.embeddings, axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("stamp_ns,limb\n", "expected a header line"),
        (",".join(COLUMNS) + "\n", "no samples"),
        (",".join(COLUMNS) + "\n1,left_knee,0,0,0,1,0,0,0,0,0,9.8\n", "line 2.*left_knee|line 2"),
        (",".join(COLUMNS) + "\n1,left_shank,0,0,0,one,0,0,0,0,0,9.8\n", "line 2"),
        (",".join(COLUMNS) + "\n1,left_shank,0,0,0,1,0,0,0,0,0,9.8\n", "0.00 s in common"),
    ],
)
def test_what_is_wrong_with_a_csv_is_said(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "imu.csv").write_text(content)
    with pytest.raises(UserError, match=says):
        read_imu(tmp_path / "imu.csv")
    with pytest.raises(UserError, match="cannot be read"):
        read_imu(tmp_path / "none.csv")


def in_recording() -> list[Series]:
    rows = np.random.default_rng(0).normal(size=(100, WIDTH)).astype(np.float32)
    stamps = (3_000_000_000 + FRAME_NS * np.arange(100)).tolist()
    own = list(zip(stamps, rows, strict=True))
    return [series_of("walk", "points", "7", 0, own), series_of("walk", "imu", "alice", 0, own)]


def test_part_of_a_recording_is_a_query() -> None:
    found = in_recording()
    query = read_query("walk.mcap@3.0..5.5#7", ENCODERS, lambda path: found)
    assert query.modality == "points"
    np.testing.assert_array_equal(query.embeddings, found[0].embeddings[23:26])
    nameless = read_query("walk.mcap@3.0..5.5", ENCODERS, lambda path: found)
    assert nameless.modality == "imu"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("walk.mcap@3..5#7", "a window takes 2.3 s"),
        ("walk.mcap@3..6#bob", "#7, #alice"),
        ("walk.mcap@11..13.5#7", "no whole window then, but between 0.7 and 12.9 s"),
    ],
)
def test_what_is_wrong_with_a_part_is_said(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        read_query(text, ENCODERS, lambda path: in_recording())
