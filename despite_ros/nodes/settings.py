"""Settings of the nodes: what they listen to, and when they complain."""

from dataclasses import dataclass

from despite_ros.config import setting


@dataclass(frozen=True)
class NodeSettings:
    """Settings of `despite_ros.nodes`."""

    lidar_topics: tuple[str, ...] = setting(("/points",), "sensor_msgs/PointCloud2 topics, one per LiDAR")
    lidar_reliability: str = setting(
        "auto", "best_effort, reliable, or auto: reliable where every publisher of the topic offers it"
    )
    lidar_timeout: float = setting(0.5, "a LiDAR that is silent for longer is reported, s", 0.05, 60.0)
    lidar_slop: float = setting(0.05, "several LiDARs' sweeps this close belong together, s", 0.0, 1.0)
    detections_topic: str = setting(
        "", "vision_msgs/Detection3DArray of another detector, whose boxes replace the search; empty: none"
    )
    fixed_frame: str = setting("", "tf frame of the results, z up; empty: the cloud's own frame")
    wearers: str = setting("", "path of the wearers file")
    results: str = setting("", "folder for results and report, for the results node")
    truth: str = setting("", "truth.jsonl that the results node scores against")
    recording: str = setting("", "folder of a new recording of inputs and results, for the recorder node")
    time_jump: float = setting(1.0, "stamps going back further start everything anew, s", 0.1, 60.0)
    latency_warning: float = setting(
        100.0, "a sweep that takes longer to process is reported, ms", 1.0, 10000.0
    )
