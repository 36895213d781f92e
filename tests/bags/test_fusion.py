import numpy as np

from despite_ros.arrays import FloatArray
from despite_ros.bags.fusion import CloudFusion

MS = 1_000_000


def cloud(points: int) -> FloatArray:
    return np.full((points, 3), points, np.float32)


def test_one_lidar_passes_through() -> None:
    fused = CloudFusion(("/a",)).add("/a", 7, cloud(3))
    assert fused is not None
    assert (fused[0], len(fused[1])) == (7, 3)


def test_clouds_near_in_time_become_one_sweep_at_the_newest_stamp() -> None:
    fusion = CloudFusion(("/a", "/b"))
    assert fusion.add("/b", 10 * MS, cloud(2)) is None
    fused = fusion.add("/a", 40 * MS, cloud(3))
    assert fused is not None
    assert fused[0] == 40 * MS
    assert fused[1][:, 0].tolist() == [3, 3, 3, 2, 2]


def test_clouds_far_apart_wait_for_a_nearer_partner() -> None:
    fusion = CloudFusion(("/a", "/b"))
    fusion.add("/a", 0, cloud(1))
    assert fusion.add("/b", 90 * MS, cloud(2)) is None
    assert fusion.add("/a", 100 * MS, cloud(3)) is not None
    assert fusion.unmatched == 1


def test_silent_partner_is_counted() -> None:
    fusion = CloudFusion(("/a", "/b"))
    for i in range(5):
        assert fusion.add("/a", i * 100 * MS, cloud(1)) is None
    assert fusion.unmatched == 4
