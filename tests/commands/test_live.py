"""`despite live` and live.launch.py take the same arguments and make the same parameters of them."""

import importlib.util
from pathlib import Path

import pytest

from despite_ros.cli import main
from despite_ros.errors import UserError
from despite_ros.nodes.launching import ARGUMENTS, parameters, programs
from despite_ros.resources import share

DEFAULTS = {name: default for name, (default, _) in ARGUMENTS.items()}


def test_what_is_not_given_is_left_to_the_settings_file() -> None:
    assert parameters(DEFAULTS) == {"use_sim_time": False}
    assert programs(DEFAULTS) == ("both",)


def test_what_is_given_becomes_parameters() -> None:
    given = {
        "lidar_topics": "/front, /rear",
        "sensor": "ouster",
        "wearers": "wearers.yaml",
        "bag": "out/bag",
        "composed": "false",
    }
    made = parameters(DEFAULTS | given)
    assert made["nodes.lidar_topics"] == ["/front", "/rear"]
    assert made["people.sensor"] == "ouster"
    assert Path(made["nodes.wearers"]).is_absolute()
    assert programs(DEFAULTS | given) == ("people", "reid", "recorder")


def test_neither_true_nor_false_is_refused() -> None:
    with pytest.raises(UserError, match="composed"):
        programs(DEFAULTS | {"composed": "perhaps"})


def test_a_wrong_settings_file_ends_with_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wrong.yaml").write_text("people: {rat: 10.0}")
    assert main(["live", "--params-file", str(tmp_path / "wrong.yaml")]) == 2
    assert "unknown setting 'rat'" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["live", "replay"])
def test_launch_files_describe_every_argument(name: str) -> None:
    pytest.importorskip("launch_ros", reason="comes with a ROS install, not on PyPI")
    path = share("launch", f"{name}.launch.py")
    spec = importlib.util.spec_from_file_location("launch_file", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    arguments = module.generate_launch_description().get_launch_arguments()
    assert all(argument.description for argument in arguments)
    if name == "live":
        assert set(ARGUMENTS) | {"rviz"} == {argument.name for argument in arguments}
