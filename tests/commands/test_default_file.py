"""launch/config/despite.yaml says the defaults that stand in the settings classes."""

from despite_ros.nodes.default_file import default_file
from despite_ros.resources import share
from despite_ros.settings import Settings, load_settings


def test_the_file_is_what_the_program_prints() -> None:
    written = share("launch", "config", "despite.yaml").read_text()
    assert written == default_file(), "python -m despite_ros.nodes.default_file > launch/config/despite.yaml"


def test_the_file_reads_back_as_the_defaults() -> None:
    assert load_settings(share("launch", "config", "despite.yaml")) == Settings()
