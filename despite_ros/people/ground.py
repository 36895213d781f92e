"""The floor as a height map: a plane found by RANSAC, grown over slopes and steps from cell to cell."""

import numba
import numpy as np
from scipy.spatial.transform import Rotation

from despite_ros.arrays import DoubleArray, FloatArray, IndexArray, IntArray
from despite_ros.people.settings import GroundSettings
from despite_ros.people.terrain import (
    DEPTH,
    between,
    cell_indices,
    cell_lows,
    drop_uneven,
    fill,
    flat_shares,
    grow,
    heights_above,
    refine,
)

TRIALS = 64  # RANSAC hypotheses: with half of the cells on the floor, all miss with probability 2e-4
DRAWS = np.random.default_rng(0).random((TRIALS, 3))  # the same in every sweep: where three samples are
SAMPLES = 600  # about as many cells judge a hypothesis
NEAR_PLANE = 0.15  # metres; cells this near the plane are where growing starts
STEEPEST = np.tan(np.radians(35.0))  # slope; a steeper plane is a wall
LEAST_AREA = 0.01  # m², twice that of a triangle that tells how a plane lies
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
        side, (_, _, z) = self.settings.cell, split_columns(points)
        home = self._home(points, sensor)
        lows: FloatArray = cell_lows(z, home, self.cells)
        samples: DoubleArray = lowest_points(lows, *self.origin, side)
        if len(samples) < DEPTH:
            return
        self.plane = fit_plane(samples, sensor, self.plane)
        inside = int(in_plane(samples, self.plane))
        enough = inside * side**2 >= self.settings.level_area
        self.support = inside / len(samples) if enough else 0.0
        if self.support < SURE and sensor[2] > 0:
            self.plane = np.zeros(3)
        flat = self._flat(self.plane)
        rise = self.settings.step + side * np.tan(np.radians(self.settings.slope))
        residual = lows - flat
        drop_uneven(residual, flat_shares(z, home, lows), FLAT, NEAR_PLANE)
        floor = grow(residual, NEAR_PLANE, rise, self.settings.level_area / side**2)
        self.heights = np.asarray(flat + fill(floor), np.float32)
        correction, noise = refine(self.above(points), home, self.cells, BAND)
        self.heights += correction
        self.clearance = min(max(self.settings.clearance, NOISE_FACTOR * noise), 2 * self.settings.clearance)

    def above(self, points: FloatArray) -> FloatArray:
        """Height of each of N×3 points above the floor, metres."""
        above: FloatArray = heights_above(
            *split_columns(points), self.heights.ravel(), self.cells, *self._scale()
        )
        return above

    def take_off(self, points: FloatArray, ceiling: float) -> tuple[FloatArray, FloatArray]:
        """Those of N×3 points between the floor and `ceiling` metres above it, and their heights."""
        above = self.above(points)
        kept, heights = between(
            *split_columns(points), above, np.float32(self.clearance), np.float32(ceiling)
        )
        return kept, heights

    def levelling(self) -> DoubleArray:
        """The rotation (3×3) that makes the floor level; none for a tilt that is small or not sure."""
        if self.plane is None or self.support < SURE or np.hypot(*self.plane[:2]) < LEVEL:
            return np.eye(3)
        up = np.array([-self.plane[0], -self.plane[1], 1.0])
        rotation, _ = Rotation.align_vectors([[0.0, 0.0, 1.0]], [up / np.linalg.norm(up)])
        return np.asarray(rotation.as_matrix())

    def _home(self, points: FloatArray, sensor: DoubleArray) -> IndexArray:
        """Centre the grid on the sensor, in whole cells; returns the cell of each of N×3 points (N,)."""
        side = self.settings.cell
        self.origin = (np.floor(sensor[:2] / side) - self.cells // 2) * side
        x, y, _ = split_columns(points)
        home: IndexArray = cell_indices(x, y, *self._scale(), self.cells)
        return home

    def _scale(self) -> tuple[np.float32, np.float32, np.float32]:
        """x and y of the grid's corner, metres, and cells a metre."""
        x0, y0 = np.asarray(self.origin, np.float32)
        return x0, y0, np.float32(1 / self.settings.cell)

    def _flat(self, plane: DoubleArray) -> FloatArray:
        x, y = self.origin[:, None] + (np.arange(self.cells) + 0.5) * self.settings.cell
        return np.asarray(plane[0] * x[:, None] + plane[1] * y + plane[2], np.float32)


def split_columns(points: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """x, y and z of N×3 points, each (N,) in one piece: not copied where they come from `to_fixed`."""
    x, y, z = points.T
    return np.ascontiguousarray(x), np.ascontiguousarray(y), np.ascontiguousarray(z)


def fit_plane(samples: DoubleArray, sensor: DoubleArray, previous: DoubleArray | None = None) -> DoubleArray:
    """(a, b, c) of z = a·x + b·y + c under most of the N×3 samples, by RANSAC and least squares.

    The plane passes below the sensor. Samples below a hypothesis count against it, so a floor wins
    over a table or a shelf. `previous`, or a level plane, is one of the hypotheses.
    """
    judges = samples[:: len(samples) // SAMPLES + 1]
    planes = hypotheses(samples, (DRAWS * len(samples)).astype(np.int64))
    if previous is None:
        previous = np.array([0.0, 0.0, np.quantile(samples[:, 2], 0.3)])
    planes = np.concatenate([planes, [previous]])
    planes = planes[planes @ [sensor[0], sensor[1], 1.0] < sensor[2] + 0.1]
    if len(planes) == 0:
        return np.array([0.0, 0.0, samples[:, 2].min()])
    best = planes[np.argmax(plane_scores(planes, np.ascontiguousarray(judges.T)))]
    fitted: DoubleArray = least_squares(samples, best)
    return fitted


@numba.njit(cache=True)
def lowest_points(lows: FloatArray, x0: float, y0: float, side: float) -> DoubleArray:
    """N×3: middle and low of each cell that has one; lows: NaN elsewhere. The grid's corner is at x0, y0."""
    rows, columns = lows.shape
    samples = np.empty((rows * columns, 3))
    count = 0
    for row in range(rows):
        for column in range(columns):
            if not np.isnan(lows[row, column]):
                samples[count, 0] = (row + 0.5) * side + x0
                samples[count, 1] = (column + 0.5) * side + y0
                samples[count, 2] = lows[row, column]
                count += 1
    return samples[:count]


@numba.njit(cache=True)
def in_plane(samples: DoubleArray, plane: DoubleArray) -> int:
    """How many of N×3 samples lie in the plane."""
    count = 0
    for x, y, z in samples:
        count += abs(z - plane[0] * x - plane[1] * y - plane[2]) < BAND
    return count


@numba.njit(cache=True)
def hypotheses(samples: DoubleArray, triples: IntArray) -> DoubleArray:
    """The planes through T×3 of the samples, as `fit_plane` gives them, without those that are too steep."""
    planes = np.empty((len(triples), 3))
    count = 0
    for t in range(len(triples)):
        p, q, r = samples[triples[t, 0]], samples[triples[t, 1]], samples[triples[t, 2]]
        ux, uy, uz = q[0] - p[0], q[1] - p[1], q[2] - p[2]
        vx, vy, vz = r[0] - p[0], r[1] - p[1], r[2] - p[2]
        area = ux * vy - uy * vx
        if abs(area) > LEAST_AREA:
            a, b = (vy * uz - uy * vz) / area, (ux * vz - vx * uz) / area
            planes[count, 0], planes[count, 1], planes[count, 2] = a, b, p[2] - a * p[0] - b * p[1]
            count += np.hypot(a, b) < STEEPEST
    return planes[:count]


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


@numba.njit(cache=True)
def least_squares(samples: DoubleArray, plane: DoubleArray) -> DoubleArray:
    """The plane that fits best those of N×3 samples that lie in `plane`; that itself if they are too few."""
    number, x0, y0, z0 = 0, samples[0, 0], samples[0, 1], samples[0, 2]  # sums of squares stay small about it
    sx = sy = sz = xx = yy = xy = xz = yz = 0.0
    for i in range(len(samples)):
        x, y, z = samples[i, 0], samples[i, 1], samples[i, 2]
        if abs(z - plane[0] * x - plane[1] * y - plane[2]) < BAND:
            x, y, z = x - x0, y - y0, z - z0
            number += 1
            sx, sy, sz = sx + x, sy + y, sz + z
            xx, yy, xy, xz, yz = xx + x * x, yy + y * y, xy + x * y, xz + x * z, yz + y * z
    n = max(number, 1)
    xx, yy, xy = xx - sx * sx / n, yy - sy * sy / n, xy - sx * sy / n
    xz, yz = xz - sx * sz / n, yz - sy * sz / n
    determinant = xx * yy - xy * xy
    if number < 8 or determinant < LEAST_AREA**2:
        return plane
    a, b = (xz * yy - yz * xy) / determinant, (yz * xx - xz * xy) / determinant
    return np.array([a, b, z0 + sz / n - a * (x0 + sx / n) - b * (y0 + sy / n)])
