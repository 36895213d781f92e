from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from despite_ros.arrays import AnyArray, FloatArray, IndexArray
from despite_ros.simulation.body import Body
from despite_ros.simulation.lidar import SENSORS, LidarModel
from despite_ros.simulation.obstacles import NOTHING, Obstacles, cast_box, cast_cylinder, obstacles
from despite_ros.simulation.patterns import Raster, Spinning
from despite_ros.simulation.placement import Placement
from despite_ros.simulation.raycast import cast_cone
from despite_ros.simulation.rays import Sweep, true_ranges
from despite_ros.simulation.sweep import Actor, Returns, cast_rays, pose_actors, scan
from tests.simulation.known_motions import standing, t_pose
from tests.simulation.test_body import depth_inside


def sharp(model: LidarModel) -> LidarModel:
    return replace(model, range_noise=0.0, dropout=0.0, edge_loss=0.0, mixed=0.0)


COARSE = sharp(LidarModel("coarse", Spinning(tuple(np.linspace(-30, 30, 31)), 360)))
FINE = sharp(LidarModel("fine", Spinning(tuple(np.linspace(-30, 30, 121)), 720)))
RASTER = sharp(LidarModel("raster", Raster(60.0, -20.0, 20.0, 120, 40)))


def look(
    model: LidarModel,
    start: Placement,
    things: Obstacles,
    *actors: Actor,
    end: Placement | None = None,
    stamp: float = 1.0,
) -> Returns:
    poses = (start.pose(), (end or start).pose())
    return scan(model, 0, stamp, poses, actors, things, np.random.default_rng(0))


def in_world(found: Returns, place: Placement) -> AnyArray:
    pose = place.pose()
    return np.asarray(found.points @ pose[:3, :3].T + pose[:3, 3])


@pytest.mark.parametrize("model", SENSORS.values(), ids=SENSORS)
def test_every_sensor_fires_within_its_view_and_period(model: LidarModel) -> None:
    grid, view = model.rays(3), model.pattern.view
    azimuth = np.arctan2(grid.directions[:, 1], grid.directions[:, 0])
    elevation = np.arcsin(grid.directions[:, 2])
    assert np.allclose(np.linalg.norm(grid.directions, axis=1), 1, atol=1e-5)
    assert (grid.times > -model.period - 1e-6).all() and (grid.times <= 1e-6).all()
    assert (np.abs(azimuth) <= view.half_width + 1e-3).all()
    slack = np.deg2rad(0.6)  # the lines of a rosette lie a little above and below it
    assert (elevation > view.low - slack).all() and (elevation < view.high + slack).all()
    assert grid.starts[-1] == len(grid.times) >= 10_000


def test_rings_of_a_vlp16_are_two_degrees_apart() -> None:
    found = look(sharp(SENSORS["vlp16"]), Placement(), obstacles([(6, 0, 1.5, 0.1, 6, 4, 0)]))
    elevation = np.rad2deg(np.arcsin(found.points[:, 2] / np.linalg.norm(found.points, axis=1)))
    by_ring = [elevation[found.rings == ring] for ring in range(16)]
    assert [ring.mean() for ring in by_ring] == pytest.approx(list(range(-15, 16, 2)), abs=1e-3)


def test_rings_on_the_floor_have_radius_height_over_tangent() -> None:
    found = look(COARSE, Placement(z=1.5), obstacles())
    radius = np.hypot(found.points[:, 0], found.points[:, 1])
    expected = 1.5 / np.tan(np.deg2rad(30 - 2 * found.rings))
    assert len(found.points) == 15 * 360
    assert np.allclose(radius, expected, rtol=1e-4)


def test_walls_and_pillars_stand_where_they_were_put() -> None:
    wall = look(COARSE, Placement(z=1.0), obstacles([(5.1, 0, 2, 0.1, 1, 2, 0)], floor=-np.inf))
    assert np.allclose(wall.points[:, 0], 5.0, atol=1e-4) and (np.abs(wall.points[:, 1]) <= 1.001).all()
    turned = look(COARSE, Placement(z=1.0, yaw=2.0), obstacles([(5.1, 0, 2, 0.1, 1, 2, 0)], floor=-np.inf))
    assert np.allclose(in_world(turned, Placement(z=1.0, yaw=2.0))[:, 0], 5.0, atol=1e-4)
    pillar = look(FINE, Placement(z=1.0), obstacles(cylinders=[(-3, 1, 0, 2, 0.3)], floor=-np.inf))
    side = pillar.points[pillar.points[:, 2] < 0.99]
    assert len(side) > 100
    assert np.allclose(np.hypot(side[:, 0] + 3, side[:, 1] - 1), 0.3, atol=1e-4)


def test_what_stands_behind_is_hidden() -> None:
    person = Actor(standing().translate([6, 0, 0]), Body())
    seen = look(FINE, Placement(), NOTHING, person)
    hidden = look(FINE, Placement(), obstacles([(3, 0, 1, 0.1, 2, 1.2, 0)]), person)
    crowd = look(FINE, Placement(), NOTHING, person, Actor(standing().translate([3, 0, 0]), Body()))
    assert (seen.person == 0).sum() > 40 and (hidden.person == 0).sum() == 0
    assert (crowd.person == 0).sum() < 0.5 * (seen.person == 0).sum()


def test_the_same_scene_seen_from_two_places_agrees() -> None:
    """Points of either sensor lie on the body's one surface, and on the floor."""
    body, motion = Body.random(np.random.default_rng(1)), standing()
    shape = body.surfaces(motion, np.array([1.0]))
    for place in (Placement(4, 1, 1.5, yaw=3.0), Placement(-2, -3, 0.7, yaw=1.0, roll=0.1)):
        found = look(FINE, place, obstacles(), Actor(motion, body))
        points = in_world(found, place)
        assert (found.person == 0).sum() > 150
        assert np.abs(depth_inside(points[found.person == 0], shape)).max() < 5e-3
        assert np.abs(points[found.person == -1, 2]).max() < 1e-3


def random_sweep(rng: np.random.Generator, model: LidarModel) -> Sweep:
    """A tilted sensor that drives and turns."""
    x, y, yaw = rng.uniform(-1, 1, 3)
    start = Placement(x, y, rng.uniform(0.3, 2), 3 * yaw, 0.1, -0.1)
    end = replace(start, x=x + 0.15, yaw=start.yaw + rng.uniform(-0.1, 0.1))
    return Sweep(model.rays(), model.period, start.pose(), end.pose())


def no_hits(sweep: Sweep) -> tuple[FloatArray, IndexArray]:
    count = len(sweep.grid.times)
    return np.full(count, np.inf, np.float32), np.full(count, -1, np.int32)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), model=st.sampled_from((COARSE, RASTER, SENSORS["livox_mid40"])))
def test_leaving_out_rays_changes_nothing(seed: int, model: LidarModel) -> None:
    """Casting only the windows of cells gives what casting every ray against everything gives."""
    rng = np.random.default_rng(seed)
    sweep = random_sweep(rng, model)
    walker = t_pose(np.outer(np.arange(120) / 60, [1.5, -2.0, 0.0]))
    walkers = [walker.translate([*rng.uniform(-4, 4, 2), 0]) for _ in range(3)]
    cones = pose_actors(sweep, 1.0, [Actor(motion, Body.random(rng)) for motion in walkers])
    boxes = rng.uniform([-4, -4, 0, 0.1, 0.1, 0.1, -3], [4, 4, 1, 2, 2, 0.8, 3], (4, 7))
    pillars = rng.uniform([-4, -4, 0, 1, 0.05], [4, 4, 0.5, 2, 0.5], (4, 5))
    quick, quick_hits = no_hits(sweep)
    cast_rays(sweep, cones, Obstacles(boxes, pillars, -np.inf), quick, quick_hits)
    slow, slow_hits = no_hits(sweep)
    everything = np.array([0, len(sweep.grid.row_edges) - 1, 0, sweep.grid.columns])
    for p in range(len(cones.owners)):
        cast_cone(sweep, cones, p, everything, slow, slow_hits)
    for box in boxes:
        cast_box(sweep, box, 0, len(slow), slow, slow_hits)
    for pillar in pillars:
        cast_cylinder(sweep, pillar, 0, len(slow), slow, slow_hits)
    true_ranges(sweep, slow)
    assert np.array_equal(quick_hits, slow_hits)
    assert np.array_equal(quick, slow)


def test_a_moving_sensor_skews_the_cloud_and_its_poses_straighten_it() -> None:
    start, end = Placement(z=1.0), Placement(x=0.2, z=1.0, yaw=0.1)
    wall = obstacles([(4.1, 0, 2, 0.1, 3, 2, 0)], floor=-np.inf)
    found = look(COARSE, start, wall, end=end)
    assert np.ptp(in_world(found, end)[:, 0]) > 0.05
    straight = []
    for point, time in zip(found.points, found.times, strict=True):
        share = 1 + time / COARSE.period
        pose = Placement(x=0.2 * share, z=1.0, yaw=0.1 * share).pose()
        straight.append(pose[:3, :3] @ point + pose[:3, 3])
    assert np.allclose(np.array(straight)[:, 0], 4.0, atol=2e-3)


@pytest.mark.parametrize("yaw", [0.0, 1.5, -1.5])
def test_people_are_seen_where_they_are_when_the_beams_cross_them(yaw: float) -> None:
    """Turned sensors cross the same walker at other times of the sweep."""
    seconds = np.arange(121) / 60
    walker = t_pose(np.column_stack([4 + 0 * seconds, 2 * (seconds - 1), 0 * seconds]))
    place = Placement(z=1.0, yaw=yaw)
    found = look(FINE, place, NOTHING, Actor(walker, Body()))
    points = in_world(found, place)
    crossing = np.median(found.times)
    trunk = points[np.abs(points[:, 2] - 1.1) < 0.2]
    assert crossing == pytest.approx(-0.05 - yaw / (2 * np.pi) * -0.1, abs=0.005)
    assert np.median(trunk[:, 1]) == pytest.approx(2 * crossing, abs=0.02)


def test_errors_have_the_sizes_that_they_are_told() -> None:
    model = replace(FINE, range_noise=0.02, dropout=0.1)
    wall = obstacles([(5.1, 0, 2, 0.1, 4, 2, 0)], floor=-np.inf)
    clean, noisy = look(FINE, Placement(), wall), look(model, Placement(), wall)
    ranges = np.linalg.norm(noisy.points, axis=1)
    true = 5.0 / (noisy.points[:, 0] / ranges)
    assert np.std(ranges - true) == pytest.approx(0.02, rel=0.1)
    assert len(noisy.points) / len(clean.points) == pytest.approx(0.9, abs=0.02)


def test_returns_at_edges_are_lost_or_mixed() -> None:
    front, back = np.full(4000, 3, np.float32), np.full(4000, 5, np.float32)
    model = replace(COARSE, edge_loss=0.4, mixed=0.25)
    found = model.measured(front, front, back, np.random.default_rng(0))
    assert np.isinf(found).mean() == pytest.approx(0.4, abs=0.05)
    left = found[np.isfinite(found)]
    assert ((left >= 3) & (left <= 5)).all()
    assert (left > 3).mean() == pytest.approx(0.25, abs=0.05)
    assert np.array_equal(model.measured(back, front, back, np.random.default_rng(0)), back)


@pytest.mark.parametrize("name", ["livox_avia", "livox_mid40", "livox_mid360"])
def test_livox_sweeps_do_not_repeat_but_fill_their_view(name: str) -> None:
    model = SENSORS[name]
    one, two = model.rays(0), model.rays(1)
    assert not np.allclose(one.directions, two.directions, atol=1e-3)
    view, cells = model.pattern.view, []
    for sweep in range(10):
        d = model.rays(sweep).directions
        low = np.deg2rad(2)
        cells.append(
            np.unique(np.column_stack([np.arctan2(d[:, 1], d[:, 0]), np.arcsin(d[:, 2])]) // low, axis=0)
        )
    counts = [len(np.unique(np.concatenate(cells[: n + 1]), axis=0)) for n in range(10)]
    area = 2 * view.half_width * (view.high - view.low) / np.deg2rad(2) ** 2
    assert counts[-1] > 0.65 * area
    assert counts[-1] >= counts[0]
