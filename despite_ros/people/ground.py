"""The floor as a height map: a plane found by RANSAC, grown over slopes and steps from cell to cell."""

import numba
import numpy as np
from scipy.spatial.transform import Rotation

from despite_ros.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from despite_ros.people.settings import GroundSettings

TRIALS = 64  # RANSAC hypotheses: with half of the cells on the floor, all miss with probability 2e-4
SAMPLES = 600  # cells that judge a hypothesis
NEAR_PLANE = 0.15  # metres; cells this near the plane are where growing starts
STEEPEST = 35.0  # degrees; a steeper plane is a wall
DEPTH = 3  # the third lowest point of a cell stands for it: stray returns below the floor are rare
THIN, TALL = np.float32(0.25), np.float32(1.5)  # metres above a cell's lowest points
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
        correction, noise = refine(points, self.heights, x0, y0, side, BAND)
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
    over a table or a shelf. `previous` is one of the hypotheses.
    """
    rng = np.random.default_rng(0)
    judges = samples[rng.permutation(len(samples))[:SAMPLES]]
    planes = _hypotheses(samples, rng)
    level = np.array([0.0, 0.0, np.quantile(samples[:, 2], 0.3)])
    planes = np.concatenate([planes, [level if previous is None else previous]])
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


@numba.njit(cache=True)
def cell_lows(points: FloatArray, x0: float, y0: float, side: float, cells: int) -> FloatArray:
    """The third lowest z of each cell (cells×cells, NaN where there are fewer points)."""
    lows = np.full((cells * cells, DEPTH), np.inf, np.float32)
    scale = np.float32(1.0 / side)
    left, front = np.float32(x0), np.float32(y0)
    for i in range(len(points)):
        row = int(np.floor((points[i, 0] - left) * scale))
        column = int(np.floor((points[i, 1] - front) * scale))
        if row < 0 or column < 0 or row >= cells or column >= cells:
            continue
        z = points[i, 2]
        cell = row * cells + column
        if z < lows[cell, 2]:
            lows[cell, 2] = z
            if z < lows[cell, 1]:
                lows[cell, 2], lows[cell, 1] = lows[cell, 1], z
                if z < lows[cell, 0]:
                    lows[cell, 1], lows[cell, 0] = lows[cell, 0], z
    third = np.empty((cells, cells), np.float32)
    for row in range(cells):
        for column in range(cells):
            low = lows[row * cells + column, 2]
            third[row, column] = np.nan if np.isinf(low) else low
    return third


@numba.njit(cache=True)
def flat_shares(points: FloatArray, lows: FloatArray, x0: float, y0: float, side: float) -> FloatArray:
    """Of each cell's points up to TALL above its low, the share up to THIN above it.

    High for a floor, which is thin; low for walls and people, whose feet are hidden more often than not.
    """
    cells = len(lows)
    every, thin = np.zeros((cells, cells), np.float32), np.zeros((cells, cells), np.float32)
    scale = np.float32(1.0 / side)
    left, front = np.float32(x0), np.float32(y0)
    for i in range(len(points)):
        row = int(np.floor((points[i, 0] - left) * scale))
        column = int(np.floor((points[i, 1] - front) * scale))
        if row < 0 or column < 0 or row >= cells or column >= cells:
            continue
        height = points[i, 2] - lows[row, column]
        if height < TALL:
            every[row, column] += 1
            thin[row, column] += height < THIN
    return (thin / np.maximum(every, np.float32(1))).astype(np.float32)


@numba.njit(cache=True)
def grow(residual: FloatArray, near: float, rise: float, level_cells: float) -> FloatArray:
    """Floor cells (height over the plane, NaN elsewhere).

    Grown from the cells near the plane, to neighbours at most `rise` higher or lower; then from any
    other cell, where what it grows to has at least `level_cells` cells, whole 3×3 blocks among them.
    """
    rows, columns = residual.shape
    floor = np.full((rows, columns), np.nan, np.float32)
    tried = np.isnan(residual)
    stack = np.empty((rows * columns, 2), np.int32)
    for row in range(rows):
        for column in range(columns):
            if abs(residual[row, column]) < near:
                _spread(residual, floor, tried, stack, row, column, rise)
    for row in range(rows):
        for column in range(columns):
            if not tried[row, column]:
                size = _spread(residual, floor, tried, stack, row, column, rise)
                if size < level_cells or _blocks(floor, stack[:size]) < level_cells / 3:
                    for k in range(size):
                        floor[stack[k, 0], stack[k, 1]] = np.nan
    return floor


@numba.njit(cache=True)
def _spread(
    residual: FloatArray,
    floor: FloatArray,
    tried: BoolArray,
    stack: FloatArray,
    row: int,
    column: int,
    rise: float,
) -> int:
    """Flood `floor` from one cell that was not tried; the number of cells, listed in `stack`."""
    if tried[row, column]:
        return 0
    rows, columns = residual.shape
    floor[row, column] = residual[row, column]
    tried[row, column] = True
    stack[0, 0], stack[0, 1] = row, column
    size, done = 1, 0
    while done < size:
        a, b = stack[done, 0], stack[done, 1]
        done += 1
        for i in range(max(a - 1, 0), min(a + 2, rows)):
            for j in range(max(b - 1, 0), min(b + 2, columns)):
                if not tried[i, j] and abs(residual[i, j] - floor[a, b]) < rise:
                    tried[i, j] = True
                    floor[i, j] = residual[i, j]
                    stack[size, 0], stack[size, 1] = i, j
                    size += 1
    return size


@numba.njit(cache=True)
def _blocks(floor: FloatArray, cells: FloatArray) -> int:
    """How many of the cells (K×2) have eight floor neighbours."""
    count = 0
    for k in range(len(cells)):
        row, column = cells[k, 0], cells[k, 1]
        if 0 < row < floor.shape[0] - 1 and 0 < column < floor.shape[1] - 1:
            whole = True
            for i in range(row - 1, row + 2):
                for j in range(column - 1, column + 2):
                    whole &= not np.isnan(floor[i, j])
            count += whole
    return count


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
                    value = floor[i, j]
                    if not np.isnan(value):
                        k = count
                        while k > 0 and window[k - 1] > value:
                            window[k] = window[k - 1]
                            k -= 1
                        window[k] = value
                        count += 1
            if count > 0:
                filled[row, column] = window[count // 2]
    return filled


@numba.njit(cache=True)
def refine(
    points: FloatArray, heights: FloatArray, x0: float, y0: float, side: float, band: float
) -> tuple[FloatArray, float]:
    """Mean height of the points within `band` of the map, of each cell with its eight neighbours.

    Returns the correction of the map (same shape) and the standard deviation of the points, metres.
    """
    cells = heights.shape[0]
    sums = np.zeros((cells, cells, 3))  # number, Σ height, Σ height²
    scale, left, front = np.float32(1 / side), np.float32(x0), np.float32(y0)
    for i in range(len(points)):
        x, y = (points[i, 0] - left) * scale, (points[i, 1] - front) * scale
        above = points[i, 2] - height_at(heights, x, y)
        if abs(above) < band:
            row, column = min(max(int(x), 0), cells - 1), min(max(int(y), 0), cells - 1)
            sums[row, column, 0] += 1
            sums[row, column, 1] += above
            sums[row, column, 2] += above * above
    correction = np.zeros((cells, cells), np.float32)
    squares, number = 0.0, 1.0
    for row in range(cells):
        for column in range(cells):
            count, total = 0.0, 0.0
            for i in range(max(row - 1, 0), min(row + 2, cells)):
                for j in range(max(column - 1, 0), min(column + 2, cells)):
                    count += sums[i, j, 0]
                    total += sums[i, j, 1]
            if count > 0:
                mean = total / count
                correction[row, column] = mean
                n = sums[row, column, 0]
                squares += sums[row, column, 2] - 2 * mean * sums[row, column, 1] + mean * mean * n
                number += n
    return correction, np.sqrt(max(squares, 0.0) / number)


@numba.njit(cache=True)
def heights_above(
    points: FloatArray, heights: FloatArray, x0: np.float32, y0: np.float32, scale: np.float32
) -> FloatArray:
    """z of each point above the bilinearly interpolated height map, metres."""
    above = np.empty(len(points), np.float32)
    for i in range(len(points)):
        above[i] = points[i, 2] - height_at(heights, (points[i, 0] - x0) * scale, (points[i, 1] - y0) * scale)
    return above


@numba.njit(cache=True)
def between(
    points: FloatArray,
    heights: FloatArray,
    x0: np.float32,
    y0: np.float32,
    scale: np.float32,
    low: np.float32,
    high: np.float32,
) -> tuple[FloatArray, FloatArray]:
    """The points more than `low` and less than `high` metres above the height map, and how high they are."""
    kept = np.empty_like(points)
    above = np.empty(len(points), np.float32)
    count = 0
    for i in range(len(points)):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        height = z - height_at(heights, (x - x0) * scale, (y - y0) * scale)
        kept[count, 0], kept[count, 1], kept[count, 2] = x, y, z
        above[count] = height
        count += low < height and height < high
    return kept[:count], above[:count]


@numba.njit(cache=True, inline="always")
def height_at(heights: FloatArray, x: np.float32, y: np.float32) -> np.float32:
    """The height map, interpolated bilinearly, at a place in cells from its corner."""
    zero, half = np.float32(0), np.float32(0.5)
    last = np.float32(heights.shape[0] - 1.001)
    u, v = min(max(x - half, zero), last), min(max(y - half, zero), last)
    row, column = np.uint32(u), np.uint32(v)
    u -= np.float32(row)
    v -= np.float32(column)
    a, b = heights[row, column], heights[row, column + np.uint32(1)]
    c, d = heights[row + np.uint32(1), column], heights[row + np.uint32(1), column + np.uint32(1)]
    low, high = a + (c - a) * u, b + (d - b) * u
    return np.float32(low + (high - low) * v)
