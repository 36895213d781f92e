"""Play a recording into the live nodes with its own time, and score them by the code of `despite replay`.

ros2 launch despite replay.launch.py bag:=recording wearers:=wearers.yaml truth:=truth.jsonl out:=out/replay
"""

from launch.actions import DeclareLaunchArgument, OpaqueFunction, RegisterEventHandler, Shutdown
from launch.event_handlers import OnProcessExit
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from despite_ros.nodes.launching import ARGUMENTS, parameters
from launch import LaunchContext, LaunchDescription

SHARED = ("lidar_topics", "sensor", "wearers", "model", "device", "params_file", "fixed_frame", "log_level")
OWN = {
    "bag": (None, "ROS 2 recording: a bag folder or an .mcap file"),
    "truth": ("", "truth.jsonl to score against; empty: no scores"),
    "out": ("out/replay", "folder for results.jsonl, summary.json and report.html"),
    "rate": ("1.0", "multiple of real time, or max: as fast as the nodes answer"),
}


def start(context: LaunchContext) -> list[Node | RegisterEventHandler]:
    """Nodes, a results node, and the player; the end of any of them ends it all."""
    given = {name: LaunchConfiguration(name).perform(context) for name in (*SHARED, *OWN)}
    arguments = {name: default for name, (default, _) in ARGUMENTS.items()}
    arguments |= {name: given[name] for name in SHARED} | {"use_sim_time": "true"}
    written = {"nodes.results": given["out"], "nodes.truth": given["truth"]}
    nodes = [
        Node(
            package="despite",
            executable="node",
            arguments=[program],
            parameters=[given["params_file"], parameters(arguments) | written],
            ros_arguments=["--log-level", given["log_level"]],
            output="screen",
        )
        for program in ("both", "results")
    ]
    player = Node(
        package="despite",
        executable="node",
        arguments=["player", given["bag"], "--clock", "--rate", given["rate"]],
        output="screen",
    )
    processes = [*nodes, player]
    ends = [
        RegisterEventHandler(OnProcessExit(target_action=process, on_exit=[Shutdown()]))
        for process in processes
    ]
    return [*processes, *ends]


def generate_launch_description() -> LaunchDescription:
    """Arguments with descriptions, and what they start."""
    described = {name: ARGUMENTS[name] for name in SHARED} | OWN
    arguments = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (default, description) in described.items()
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=start)])
