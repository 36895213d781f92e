"""Run the nodes on live topics: `ros2 launch despite live.launch.py --show-args` lists the arguments.

Arguments and parameters are those of `despite live`; here they become launch actions.
"""

from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from despite_ros.nodes.launching import ARGUMENTS, parameters, programs
from despite_ros.resources import share
from launch import LaunchContext, LaunchDescription


def start_nodes(context: LaunchContext) -> list[Node]:
    """The programs for the arguments that were given."""
    arguments = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    given = parameters(arguments)
    return [
        Node(
            package="despite",
            executable="node",
            arguments=[program],
            namespace=arguments["namespace"],
            parameters=[arguments["params_file"], given],
            ros_arguments=["--log-level", arguments["log_level"]],
            output="screen",
        )
        for program in programs(arguments)
    ]


def generate_launch_description() -> LaunchDescription:
    """Arguments with descriptions, the nodes, and RViz if wanted."""
    arguments = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (default, description) in ARGUMENTS.items()
    ]
    rviz = DeclareLaunchArgument("rviz", default_value="false", description="start RViz with its layout")
    layout = str(share("launch", "despite.rviz"))
    viewer = Node(
        package="rviz2",
        executable="rviz2",
        arguments=["-d", layout],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )
    return LaunchDescription([*arguments, rviz, OpaqueFunction(function=start_nodes), viewer])
