import pytest

from despite_ros.errors import UserError
from despite_ros.people.rate import HISTORY, RateKeeper

PERIOD_NS = 100_000_000


def test_a_slow_sensor_is_refused_at_every_sweep_once_its_rate_is_known() -> None:
    keeper = RateKeeper(10.0)
    for k in range(HISTORY):
        assert keeper.wants(2 * k * PERIOD_NS)
    for k in range(HISTORY, HISTORY + 3):
        with pytest.raises(UserError, match="gives 5"):
            keeper.wants(2 * k * PERIOD_NS)


def test_sweeps_lost_at_the_start_do_not_make_a_sensor_slow() -> None:
    keeper = RateKeeper(10.0)
    stamps = [k for k in range(60) if k % 4 in (0, 1)]
    assert all(keeper.wants(k * PERIOD_NS) for k in stamps)


def test_gaps_of_a_sensor_that_is_fast_enough_are_counted() -> None:
    keeper = RateKeeper(10.0)
    for k in range(40):
        assert keeper.wants(k * PERIOD_NS) and keeper.missed == 0
    for k in range(42, 102, 3):
        assert keeper.wants(k * PERIOD_NS) and keeper.missed == 2
