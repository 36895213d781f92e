"""The background's grid against the definition of its cells."""

import numpy as np

from despite_ros.people.background import Background, grid_cells
from despite_ros.people.settings import BackgroundSettings


def test_cells_are_azimuth_and_elevation() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(0, 5, (5000, 3)).astype(np.float32)
    sensor = np.array([0.3, -0.2, 1.0], np.float32)
    background = Background(BackgroundSettings())
    columns, rows = background.columns, background.rows
    cells, ranges = grid_cells(np.ascontiguousarray(points.T), sensor, columns, rows)
    x, y, z = (points - sensor).T.astype(np.float64)
    azimuth = (np.arctan2(y, x) + np.pi) / (2 * np.pi) * columns
    elevation = (np.arctan2(z, np.hypot(x, y)) + np.pi / 2) / np.pi * rows
    assert np.allclose(ranges, np.sqrt(x**2 + y**2 + z**2), rtol=1e-5)
    assert np.abs(cells % columns + 0.5 - azimuth).max() < 0.55  # the arc tangent is good to 1e-4 radians
    assert np.abs(cells // columns + 0.5 - elevation).max() < 0.55


def test_any_direction_has_a_cell() -> None:
    directions = np.array([[x, y, z] for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1)], np.float32)
    cells, _ = grid_cells(np.ascontiguousarray(directions.T), np.zeros(3, np.float32), 1440, 450)
    assert ((cells >= 0) & (cells < 1440 * 450)).all()
