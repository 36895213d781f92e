"""How long each stage takes on one thread, beside others' clustering and floor removal on the same clouds."""

import importlib.util
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from despite_ros.arrays import FloatArray
from despite_ros.people.clouds import decode
from despite_ros.people.segmenter import Segmenter
from despite_ros.people.settings import PeopleSettings
from despite_ros.simulation.scene import Scene, Sweep, random_scene

PEOPLE, SENSOR, SEED = 16, "os1_128", 72_000
WARM, TIMED = 25, 15  # sweeps before, and measured
STEP = 32  # bytes a point
EPS, CORE = 0.3, 5  # of DBSCAN


@dataclass
class Field:
    """As sensor_msgs/PointField."""

    name: str
    offset: int
    datatype: int = 7


def stages(size: int) -> Iterator[dict[str, object]]:
    """Median milliseconds of every stage with a static and with a moving sensor."""
    for moving in (False, True):
        segmenter = Segmenter(PeopleSettings())
        laps = []
        scene = _scene(moving)
        for k, sweep in enumerate(scene.sweeps()):
            data, count = _message(scene, sweep, size)
            start = time.perf_counter()
            cloud = decode(FIELDS, STEP, STEP * count, count, 1, False, data)
            decoding = (time.perf_counter() - start) * 1e3
            frame = segmenter.process(cloud, sweep.stamp_ns, sweep.sensor_pose)
            if k >= WARM and frame is not None:
                laps.append({"decode": decoding, **frame.latency_ms})
        found = {stage: float(np.median([lap[stage] for lap in laps])) for stage in laps[0]}
        total = [sum(lap.values()) for lap in laps]
        yield {
            "points": count, "what": f"ours, {'moving' if moving else 'static'} sensor",
            **{name: round(value, 2) for name, value in found.items()},
            "total": round(float(np.median(total)), 2), "least": round(min(total), 2),
        }  # fmt: skip


def others(size: int) -> Iterator[dict[str, object]]:
    """Milliseconds of others on one cloud: floor removal, and clustering of what is above the floor."""
    scene = _scene(False)
    data, count = _message(scene, scene.sweep(0), size)
    cloud = decode(FIELDS, STEP, STEP * count, count, 1, False, data)
    segmenter = Segmenter(PeopleSettings())
    segmenter.process(cloud, 0)
    start = time.perf_counter()
    segmenter.ground.estimate(cloud, np.zeros(3))
    above = cloud[segmenter.ground.above(cloud) > 0.05]
    yield _row(count, "our floor, made anew", start)
    start = time.perf_counter()
    segmenter.clustering.label(above, np.zeros(3))
    yield _row(count, f"our clustering of all {len(above)} above the floor", start)
    for package, what, way in (
        ("pypatchworkpp", "patchwork++ floor", lambda: _patchwork(cloud)),
        ("sklearn", f"scikit-learn DBSCAN of the same {len(above)}", lambda: _dbscan(above)),
        ("open3d", f"Open3D DBSCAN of the same {len(above)}", lambda: _open3d(above)),
    ):
        yield _timed(count, package, what, way)


FIELDS = [Field("x", 0), Field("y", 4), Field("z", 8)]


def _scene(moving: bool) -> Scene:
    rng = np.random.default_rng(SEED)
    return random_scene(rng, PEOPLE, 0, 0, (WARM + TIMED) / 10, SENSOR, moving)


def _message(scene: Scene, sweep: Sweep, size: int) -> tuple[bytes, int]:
    """PointCloud2 data of a sweep, thinned to about `size` points with those that returned nothing."""
    rays = len(scene.sensor.rays(sweep.index).times)
    whole = np.zeros((rays, STEP // 4), np.float32)
    whole[: len(sweep.cloud), :3] = sweep.cloud
    kept = whole[:: max(1, round(rays / size))]
    return kept.tobytes(), len(kept)


def _timed(points: int, package: str, what: str, way: Callable[[], object]) -> dict[str, object]:
    if importlib.util.find_spec(package) is None:
        return {"points": points, "what": f"{what}: skipped, {package} is not installed"}
    start = time.perf_counter()
    way()
    return _row(points, what, start)


def _row(points: int, what: str, start: float) -> dict[str, object]:
    return {"points": points, "what": what, "total": round((time.perf_counter() - start) * 1e3, 2)}


def _patchwork(cloud: FloatArray) -> object:
    import pypatchworkpp

    parameters = pypatchworkpp.Parameters()
    parameters.verbose = False
    return pypatchworkpp.patchworkpp(parameters).estimateGround(cloud)


def _dbscan(cloud: FloatArray) -> object:
    from sklearn.cluster import DBSCAN

    return DBSCAN(eps=EPS, min_samples=CORE).fit_predict(cloud)


def _open3d(cloud: FloatArray) -> object:
    import open3d

    return open3d.geometry.PointCloud(open3d.utility.Vector3dVector(cloud)).cluster_dbscan(EPS, CORE)
