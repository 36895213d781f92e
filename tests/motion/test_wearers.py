"""The wearers file, good and bad."""

from pathlib import Path

import pytest

from despite_ros.errors import UserError
from despite_ros.motion.wearers import load_wearers

GOOD = """
wearers:
  alice:
    right_forearm: {topic: /alice/right_forearm/imu, mount: [0, 0, 0.7071, 0.7071], time_offset: 0.05}
    left_shank: {topic: /alice/left_shank/imu}
  bob:
    left_forearm: {topic: /bob/watch, heading: 1.5}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "wearers.yaml"
    path.write_text(text)
    return path


def test_a_good_file(tmp_path: Path) -> None:
    alice, bob = load_wearers(write(tmp_path, GOOD))
    assert alice.name == "alice"
    assert list(alice.sensors) == ["left_shank", "right_forearm"]
    assert alice.sensors["right_forearm"].time_offset == 0.05
    assert alice.sensors["right_forearm"].mount == pytest.approx((0, 0, 0.5**0.5, 0.5**0.5))
    assert alice.sensors["left_shank"].mount == (0, 0, 0, 1)
    assert bob.sensors["left_forearm"].heading == 1.5


def one(entry: str) -> str:
    return f"wearers: {{alice: {{left_shank: {entry}}}}}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no wearers"),
        ("wearers:", "no wearers"),
        ("wearers: []", "no wearers"),
        ("people: {}", "unknown key 'people'"),
        ("- a", "expected a mapping"),
        ("wearers: {alice: [", "cannot be read as YAML"),
        ("wearers: {alice: {}}", "'alice' has no sensors"),
        ("wearers: {7: {left_shank: {topic: /a}}}", "name must be text"),
        ("wearers: {alice: {left_leg: {topic: /a}}}", "unknown limb 'left_leg'"),
        (one("/a"), "found '/a'"),
        (one("{}"), "'topic' must be"),
        (one("{topic: 5}"), "'topic' must be"),
        (one("{topic: /a, offset: 1}"), "unknown key 'offset'"),
        (one("{topic: /a, mount: [0, 0, 1]}"), "'mount' must be a quaternion"),
        (one("{topic: /a, mount: [0, 0, 0, 0]}"), "'mount' must be a quaternion"),
        (one("{topic: /a, mount: [0, 0, 0, 2]}"), "'mount' must be a quaternion"),
        (one("{topic: /a, mount: [0, 0, 0, .nan]}"), "'mount' must be a quaternion"),
        (one("{topic: /a, mount: turned}"), "'mount' must be a quaternion"),
        (one("{topic: /a, time_offset: 100}"), "'time_offset' must be seconds"),
        (one("{topic: /a, time_offset: soon}"), "'time_offset' must be seconds"),
        (one("{topic: /a, heading: 90}"), "'heading' must be radians"),
        (
            "wearers: {a: {left_shank: {topic: /x}}, b: {left_shank: {topic: /x}}}",
            "/x is given twice, for a.left_shank and for b.left_shank",
        ),
    ],
)
def test_bad_files_say_what_is_wrong_and_where(tmp_path: Path, text: str, says: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UserError) as caught:
        load_wearers(path)
    assert says in str(caught.value) and str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.yaml"):
        load_wearers(tmp_path / "nowhere.yaml")
