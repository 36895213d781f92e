import itertools
import os
from collections.abc import Iterator

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (make setup)")
pytest.importorskip("despite_msgs", reason="needs the message packages (make setup)")

from tests.ros.harness import Observer

_domains = itertools.count()


@pytest.fixture(scope="module")
def domain() -> int:
    """A ROS domain of the module's own, so that tests beside it are not heard."""
    return 1 + (os.getpid() * 7 + next(_domains)) % 100


@pytest.fixture(scope="module")
def observer(domain: int) -> Iterator[Observer]:
    observer = Observer(domain)
    yield observer
    observer.close()
