"""The floor as a height map: a plane found by RANSAC, grown over slopes and steps from cell to cell."""

import numba
import numpy as np
from scipy.spatial.transform import Rotation

from despite_ros.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from despite_ros.people.settings import GroundSettings
from despite_ros.people.terrain import (
    DEPTH,
    between,
    cell_lows,
    fill,
    flat_shares,
    grow,
    heights_above,
    refine,
)

TRIALS = 64  # RANSAC hypotheses: with half of the cells on the floor, all miss with probability 2e-4
SAMPLES = 600  # cells that judge a hypothesis
NEAR_PLANE = 0.15  # metres; cells this near the plane are where growing starts
STEEPEST = 35.0  # degrees; a steeper plane is a wall
FLAT = 0.6  # a cell away from the plane is floor if this share of its points is thin, not a wall
BAND = 0.08  # metres about the height map within which points refine it
BELOW = -0.2  # metres under a hypothesis from which a sample counts against it
SURE = 0.5  # share of the cells in the plane from which it is a floor for sure
LEVEL = 0.035  # slope (2°) below which a sensor counts as level
NOISE_FACTOR = 2.5  # standard deviations of floor points that clearance must cover at least


class Ground:
    """Height of the floor over a square around the sensor, in a frame with z up."""

    def __init__(self, settings: GroundSettings, max_range: float) -> None:
        self.settings = settings
        self.cells = 2 * int(np.ceil(max_range / settings.cell))
        self.reset()

    def reset(self) -> None:
        """Forget everything; the floor is z = 0."""
        self.plane: DoubleArray | None = None
        self.support = 0.0  # share of the cells that lie in the plane, 0 if that is too small for a floor
        self.origin = np.full(2, -self.cells / 2 * self.settings.cell)
        self.heights: FloatArray = np.zeros((self.cells, self.cells), np.float32)
        self.clearance = self.settings.clearance

    def estimate(self, points: FloatArray, sensor: DoubleArray) -> None:
        """Make the height map of `points` (N×3, z up) seen from `sensor` (3,).

        Where no floor is seen (a sensor that looks up, or sees only people and walls), it is z = 0 if the
        sensor's pose puts it above that.
        """
        side, x0, y0 = self.settings.cell, *self._place(sensor)
        lows: FloatArray = cell_lows(points, x0, y0, side, self.cells)
        rows, columns = np.nonzero(np.isfinite(lows))
        if len(rows) < DEPTH:
            return
        samples = np.column_stack(
            [(rows + 0.5) * side + x0, (columns + 0.5) * side + y0, lows[rows, columns]]
        )
        self.plane = fit_plane(samples, sensor, self.plane)
        above = samples[:, 2] - samples[:, :2] @ self.plane[:2] - self.plane[2]
        inside = np.abs(above) < BAND
        enough = inside.sum() * side**2 >= self.settings.level_area
        self.support = float(np.mean(inside)) if enough else 0.0
        if self.support < SURE and sensor[2] > 0:
            self.plane = np.zeros(3)
        flat = self._flat(self.plane)
        rise = self.settings.step + side * np.tan(np.radians(self.settings.slope))
        flatness: FloatArray = flat_shares(points, lows, x0, y0, side)
        residual = lows - flat
        residual[(flatness < FLAT) & (np.abs(residual) >= NEAR_PLANE)] = np.nan
        floor = grow(residual, NEAR_PLANE, rise, self.settings.level_area / side**2)
        self.heights = np.asarray(flat + fill(floor), np.float32)
        top = float(self.heights.max()) + BAND
        correction, noise = refine(points, self.heights, x0, y0, side, BAND, top)
        self.heights += correction
        self.clearance = min(max(self.settings.clearance, NOISE_FACTOR * noise), 2 * self.settings.clearance)

    def above(self, points: FloatArray) -> FloatArray:
        """Height of each of N×3 points above the floor, metres."""
        x0, y0 = np.asarray(self.origin, np.float32)
        scale = np.float32(1 / self.settings.cell)
        above: FloatArray = heights_above(points, self.heights, x0, y0, scale)
        return above

    def take_off(self, points: FloatArray, ceiling: float) -> tuple[FloatArray, FloatArray]:
        """Those of N×3 points between the floor and `ceiling` metres above it, and their heights."""
        x0, y0 = np.asarray(self.origin, np.float32)
        low, high = np.float32(self.clearance), np.float32(ceiling)
        scale = np.float32(1 / self.settings.cell)
        kept, above = between(points, self.heights, x0, y0, scale, low, high)
        return kept, above

    def levelling(self) -> DoubleArray:
        """The rotation (3×3) that makes the floor level; none for a tilt that is small or not sure."""
        if self.plane is None or self.support < SURE or np.hypot(*self.plane[:2]) < LEVEL:
            return np.eye(3)
        up = np.array([-self.plane[0], -self.plane[1], 1.0])
        rotation, _ = Rotation.align_vectors([[0.0, 0.0, 1.0]], [up / np.linalg.norm(up)])
        return np.asarray(rotation.as_matrix())

    def _place(self, sensor: DoubleArray) -> DoubleArray:
        """Centre the grid on the sensor, in whole cells; returns its corner."""
        side = self.settings.cell
        self.origin = (np.floor(sensor[:2] / side) - self.cells // 2) * side
        return self.origin

    def _flat(self, plane: DoubleArray) -> FloatArray:
        x, y = self.origin[:, None] + (np.arange(self.cells) + 0.5) * self.settings.cell
        return np.asarray(plane[0] * x[:, None] + plane[1] * y + plane[2], np.float32)


def fit_plane(samples: DoubleArray, sensor: DoubleArray, previous: DoubleArray | None = None) -> DoubleArray:
    """(a, b, c) of z = a·x + b·y + c under most of the N×3 samples, by RANSAC and least squares.

    The plane passes below the sensor. Samples below a hypothesis count against it, so a floor wins
    over a table or a shelf. `previous`, or a level plane, is one of the hypotheses.
    """
    rng = np.random.default_rng(0)
    judges = samples[rng.permutation(len(samples))[:SAMPLES]]
    planes = _hypotheses(samples, rng)
    if previous is None:
        previous = np.array([0.0, 0.0, np.quantile(samples[:, 2], 0.3)])
    planes = np.concatenate([planes, [previous]])
    planes = planes[planes @ [sensor[0], sensor[1], 1.0] < sensor[2] + 0.1]
    if len(planes) == 0:
        return np.array([0.0, 0.0, samples[:, 2].min()])
    best: DoubleArray = planes[np.argmax(plane_scores(planes, np.ascontiguousarray(judges.T)))]
    near: BoolArray = np.abs(samples[:, 2] - samples[:, :2] @ best[:2] - best[2]) < BAND
    if near.sum() < 8:
        return best
    design = np.column_stack([samples[near, :2], np.ones(near.sum())])
    return np.asarray(np.linalg.lstsq(design, samples[near, 2], rcond=None)[0])


def _hypotheses(samples: DoubleArray, rng: np.random.Generator) -> DoubleArray:
    triples = samples[rng.integers(0, len(samples), (TRIALS, 3))]
    system = np.concatenate([triples[:, :, :2], np.ones((TRIALS, 3, 1))], axis=2)
    usable = np.abs(np.linalg.det(system)) > 1e-2
    planes = np.linalg.solve(system[usable], triples[usable, :, 2:])[:, :, 0]
    return np.asarray(planes[np.hypot(planes[:, 0], planes[:, 1]) < np.tan(np.radians(STEEPEST))])


@numba.njit(cache=True, error_model="numpy")
def plane_scores(planes: DoubleArray, samples: DoubleArray) -> IntArray:
    """For each of T×3 planes, how many of 3×N samples lie in it, less how many lie below it."""
    scores = np.empty(len(planes), np.int64)
    for t in range(len(planes)):
        a, b, c = planes[t, 0], planes[t, 1], planes[t, 2]
        score = 0
        for i in range(samples.shape[1]):
            residual = samples[2, i] - (a * samples[0, i] + b * samples[1, i] + c)
            score += int(abs(residual) < BAND) - int(residual < BELOW)
        scores[t] = score
    return scores
