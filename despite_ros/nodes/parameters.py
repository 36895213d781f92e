"""Settings ↔ ROS parameters: the same names, descriptions and ranges."""

from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node
from rclpy.parameter import Parameter

from despite_ros.config import describe, flatten, override
from despite_ros.settings import Settings

ROS_OWN = ("use_sim_time", "qos_overrides", "start_type_description_service")


def declare_settings(node: Node, groups: tuple[str, ...]) -> Settings:
    """Declare the parameters of the named groups of settings and return their values.

    The node must have been made with `automatically_declare_parameters_from_overrides=True`. Settings
    hold from start to end, so the parameters are read-only.

    Raises:
        UserError: a parameter that was given is unknown, has a wrong type or is out of its range.
    """
    given = {
        name: parameter.value
        for name, parameter in node.get_parameters_by_prefix("").items()
        if not name.startswith(ROS_OWN)
    }
    settings = override(Settings(), {name: _plain(value) for name, value in given.items()}, "parameters")
    values, details = flatten(settings), describe(settings)
    for name, value in values.items():
        if not name.startswith(groups):
            continue
        parameter = Parameter(name, value=list(value) if isinstance(value, tuple) else value)
        if name in given:  # declared by rclpy, without descriptor and with the type of what was given
            node.undeclare_parameter(name)
        descriptor = _descriptor(parameter, **details[name])
        node.declare_parameter(name, parameter.value, descriptor, ignore_override=True)
    return settings


def _plain(value: Any) -> Any:
    """rclpy gives numeric arrays as array.array."""
    return list(value) if hasattr(value, "__iter__") and not isinstance(value, str) else value


def _descriptor(
    parameter: Parameter, description: str, low: float | None, high: float | None
) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(
        name=parameter.name, type=parameter.type_.value, description=description, read_only=True
    )
    if low is None or high is None:
        return descriptor
    if isinstance(parameter.value, float):
        descriptor.floating_point_range = [FloatingPointRange(from_value=float(low), to_value=float(high))]
    elif isinstance(parameter.value, int):
        descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high))]
    return descriptor
