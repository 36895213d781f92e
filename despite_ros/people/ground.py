"""The floor as a height map: a plane found by RANSAC, grown over slopes and steps from cell to cell."""

import numba
import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.people.settings import GroundSettings

UNKNOWN = np.float32(np.nan)
TRIALS = 128  # RANSAC hypotheses: with half of the cells on the floor, a miss has probability 1e-7
NEAR_PLANE = 0.15  # metres; a cell this near the plane is where growing starts
DEPTH = 3  # the third lowest point of a cell stands for it: stray returns below the floor are rare


class Ground:
    """Height of the floor over a square around the sensor, in a frame with z up."""

    def __init__(self, settings: GroundSettings, max_range: float) -> None:
        self.settings = settings
        self.cells = 2 * int(np.ceil(max_range / settings.cell))
        self.origin = np.zeros(2)
        self.plane: DoubleArray | None = None
        self.heights: FloatArray = np.zeros((self.cells, self.cells), np.float32)

    def reset(self) -> None:
        """Forget everything."""
        self.plane = None
        self.heights[:] = 0

    def estimate(self, points: FloatArray, sensor: DoubleArray) -> None:
        """Make the height map of `points` (N×3, z up) seen from `sensor` (3,)."""
        side = self.settings.cell
        self.origin = (np.floor(sensor[:2] / side) - self.cells // 2) * side
        lowest = cell_lows(points, self.origin[0], self.origin[1], side, self.cells)
        rows, columns = np.nonzero(np.isfinite(lowest))
        if len(rows) < DEPTH:
            return
        centres = np.stack([rows + 0.5, columns + 0.5], 1) * side + self.origin
        samples = np.column_stack([centres, lowest[rows, columns]])
        self.plane = fit_plane(samples, sensor, self.plane)
        grid = (np.arange(self.cells) + 0.5) * side
        flat = (
            self.plane[0] * (grid[:, None] + self.origin[0])
            + self.plane[1] * (grid[None, :] + self.origin[1])
            + self.plane[2]
        ).astype(np.float32)
        rise = self.settings.step + side * np.tan(np.radians(self.settings.slope))
        floor = grow(lowest - flat, NEAR_PLANE, rise)
        self.heights = flat + fill(floor)

    def above(self, points: FloatArray) -> FloatArray:
        """Height of each of N×3 points above the floor, metres."""
        x0, y0 = self.origin
        above: FloatArray = heights_above(points, self.heights, x0, y0, self.settings.cell)
        return above


def fit_plane(samples: DoubleArray, sensor: DoubleArray, previous: DoubleArray | None) -> DoubleArray:
    """(a, b, c) of z = a·x + b·y + c under most of the N×3 samples, by RANSAC and least squares.

    Samples below a hypothesis count against it, so a floor wins over a table or a shelf.
    """
    rng = np.random.default_rng(0)
    triples = samples[rng.integers(0, len(samples), (TRIALS, 3))]
    system = np.concatenate([triples[:, :, :2], np.ones((TRIALS, 3, 1))], axis=2)
    usable = np.abs(np.linalg.det(system)) > 1e-3
    planes = np.linalg.solve(system[usable], triples[usable, :, 2:])[:, :, 0]
    planes = planes[np.hypot(planes[:, 0], planes[:, 1]) < np.tan(np.radians(30))]
    planes = np.concatenate([planes, [[0, 0, np.median(samples[:, 2])] if previous is None else previous]])
    planes = planes[planes @ [sensor[0], sensor[1], 1.0] < sensor[2] + 0.1]
    if len(planes) == 0:
        return np.array([0.0, 0.0, float(samples[:, 2].min())])
    residuals = samples[None, :, 2] - (planes[:, :2] @ samples[:, :2].T + planes[:, 2:])
    scores = (np.abs(residuals) < 0.08).sum(1) - (residuals < -0.2).sum(1)
    best = np.abs(residuals[np.argmax(scores)]) < 0.1
    if best.sum() < 3:
        return np.asarray(planes[np.argmax(scores)])
    design = np.column_stack([samples[best, :2], np.ones(best.sum())])
    return np.asarray(np.linalg.lstsq(design, samples[best, 2], rcond=None)[0])


@numba.njit(cache=True)
def cell_lows(points: FloatArray, x0: float, y0: float, side: float, cells: int) -> FloatArray:
    """The third lowest z of each cell (cells×cells, NaN where there are fewer points)."""
    lows = np.full((cells, cells, DEPTH), np.inf, np.float32)
    for i in range(len(points)):
        row = int((points[i, 0] - x0) / side)
        column = int((points[i, 1] - y0) / side)
        if row < 0 or column < 0 or row >= cells or column >= cells:
            continue
        z = points[i, 2]
        low = lows[row, column]
        if z < low[2]:
            low[2] = z
            if z < low[1]:
                low[2], low[1] = low[1], z
                if z < low[0]:
                    low[1], low[0] = low[0], z
    third = lows[:, :, 2].copy()
    for row in range(cells):
        for column in range(cells):
            if third[row, column] == np.inf:
                third[row, column] = np.nan
    return third


@numba.njit(cache=True)
def grow(residual: FloatArray, near: float, rise: float) -> FloatArray:
    """Floor cells (height over the plane, NaN elsewhere), grown from the cells near the plane."""
    rows, columns = residual.shape
    floor = np.full((rows, columns), np.nan, np.float32)
    stack = np.empty((rows * columns, 2), np.int32)
    top = 0
    for row in range(rows):
        for column in range(columns):
            if abs(residual[row, column]) < near:
                floor[row, column] = residual[row, column]
                stack[top, 0], stack[top, 1] = row, column
                top += 1
    while top > 0:
        top -= 1
        row, column = stack[top, 0], stack[top, 1]
        for i in range(max(row - 1, 0), min(row + 2, rows)):
            for j in range(max(column - 1, 0), min(column + 2, columns)):
                if np.isnan(floor[i, j]) and abs(residual[i, j] - floor[row, column]) < rise:
                    floor[i, j] = residual[i, j]
                    stack[top, 0], stack[top, 1] = i, j
                    top += 1
    return floor


@numba.njit(cache=True)
def fill(floor: FloatArray) -> FloatArray:
    """Median of the floor cells in the 5×5 around each cell; 0 (the plane) where there are none."""
    rows, columns = floor.shape
    filled = np.zeros((rows, columns), np.float32)
    window = np.empty(25, np.float32)
    for row in range(rows):
        for column in range(columns):
            count = 0
            for i in range(max(row - 2, 0), min(row + 3, rows)):
                for j in range(max(column - 2, 0), min(column + 3, columns)):
                    if not np.isnan(floor[i, j]):
                        window[count] = floor[i, j]
                        count += 1
            if count > 0:
                filled[row, column] = np.median(window[:count])
    return filled


@numba.njit(cache=True)
def heights_above(points: FloatArray, heights: FloatArray, x0: float, y0: float, side: float) -> FloatArray:
    """z of each point above the bilinearly interpolated height map, metres."""
    above = np.empty(len(points), np.float32)
    last = heights.shape[0] - 1.001
    for i in range(len(points)):
        u = min(max((points[i, 0] - x0) / side - 0.5, 0.0), last)
        v = min(max((points[i, 1] - y0) / side - 0.5, 0.0), last)
        row, column = int(u), int(v)
        u -= row
        v -= column
        low = heights[row, column] * (1 - u) + heights[row + 1, column] * u
        high = heights[row, column + 1] * (1 - u) + heights[row + 1, column + 1] * u
        above[i] = points[i, 2] - (low * (1 - v) + high * v)
    return above
