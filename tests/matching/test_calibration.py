"""Cosines to log-odds, and the reliability of confidences."""

import numpy as np
import pytest

from despite_ros.matching.calibration import calibration_error, fit_calibration, reliability


def test_the_log_odds_of_two_normal_distributions_come_back() -> None:
    rng = np.random.default_rng(0)
    right, wrong = rng.normal(0.6, 0.2, 4000), rng.normal(0.1, 0.2, 20000)
    scale, bias = fit_calibration(right, wrong)
    assert scale == pytest.approx(0.5 / 0.04, rel=0.05)
    assert bias == pytest.approx(-0.5 / 0.04 * 0.35, rel=0.05)


def test_reliability_of_an_honest_and_of_a_boastful_forecaster() -> None:
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0, 1, 20000)
    right = rng.uniform(0, 1, 20000) < confidence
    honest = reliability(confidence, right)
    assert sum(item.count for item in honest) == 20000
    assert calibration_error(honest) < 0.02
    assert calibration_error(reliability(np.sqrt(confidence), right)) > 0.1


def test_no_decisions() -> None:
    assert calibration_error(reliability(np.zeros(0), np.zeros(0, np.bool_))) == 0.0
