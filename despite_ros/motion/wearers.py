"""The wearers file: who carries which IMU on which limb."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from despite_ros.config import load_yaml
from despite_ros.errors import UserError
from despite_ros.limbs import LIMBS

EXAMPLE = "{topic: /alice/left_forearm/imu, mount: [0, 0, 0, 1], time_offset: 0.0}"
IDENTITY = (0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Sensor:
    """One IMU.

    topic: where its sensor_msgs/Imu come from.
    mount: xyzw, the sensor's frame in the bone's frame: R_world_bone = R_world_sensor · R_mountᵀ.
    time_offset: seconds, added to the sensor's stamps to bring them to the LiDAR's clock.
    heading: radians, turns the sensor's world about z into the fixed frame.
    """

    topic: str
    mount: tuple[float, float, float, float] = IDENTITY
    time_offset: float = 0.0
    heading: float = 0.0


@dataclass(frozen=True, slots=True)
class Wearer:
    """A named set of one to four IMUs, by limb (names in `despite_ros.limbs.LIMBS`)."""

    name: str
    sensors: Mapping[str, Sensor]


def load_wearers(path: str | Path) -> tuple[Wearer, ...]:
    """Wearers in the order of the file.

    Raises:
        UserError: unreadable file, no wearers, a wearer without sensors, an unknown limb or key,
            a topic missing or given twice, a mount that is no quaternion, a bad time offset.
    """
    return parse_wearers(load_yaml(path), str(path))


def parse_wearers(content: Mapping[str, Any], where: str) -> tuple[Wearer, ...]:
    """Wearers of a parsed wearers file; `where` names its origin in errors.

    Raises:
        UserError: as `load_wearers`.
    """
    unknown = sorted(set(content) - {"wearers"})
    if unknown:
        raise UserError(f"{where}: unknown key '{unknown[0]}' at the top; only 'wearers' is known")
    entries = content.get("wearers")
    if not isinstance(entries, Mapping) or not entries:
        raise UserError(f"{where}: no wearers; expected 'wearers: {{alice: {{left_forearm: {EXAMPLE}}}}}'")
    wearers = tuple(_wearer(name, sensors, where) for name, sensors in entries.items())
    _check_topics(wearers, where)
    return wearers


def _wearer(name: Any, entries: Any, where: str) -> Wearer:
    if not isinstance(name, str) or not name.strip():
        raise UserError(f"{where}: a wearer's name must be text, found {name!r}; put it in quotes")
    if not isinstance(entries, Mapping) or not entries:
        raise UserError(f"{where}: wearer '{name}' has no sensors; give one to four of {', '.join(LIMBS)}")
    sensors = {}
    for limb, entry in entries.items():
        if limb not in LIMBS:
            raise UserError(f"{where}: wearer '{name}': unknown limb '{limb}'; known are {', '.join(LIMBS)}")
        sensors[limb] = _sensor(entry, f"{where}: {name}.{limb}")
    return Wearer(name, {limb: sensors[limb] for limb in LIMBS if limb in sensors})


def _sensor(entry: Any, where: str) -> Sensor:
    if not isinstance(entry, Mapping):
        raise UserError(f"{where}: expected {EXAMPLE}, found {entry!r}")
    unknown = sorted(str(key) for key in set(entry) - {"topic", "mount", "time_offset", "heading"})
    if unknown:
        raise UserError(f"{where}: unknown key '{unknown[0]}'; known are topic, mount, time_offset, heading")
    topic = entry.get("topic")
    if not isinstance(topic, str) or not topic.strip():
        raise UserError(f"{where}: 'topic' must be the name of a sensor_msgs/Imu topic, found {topic!r}")
    mount = _mount(entry.get("mount", IDENTITY), where)
    offset = _number(entry, "time_offset", "seconds", 10.0, where)
    return Sensor(topic, mount, offset, _number(entry, "heading", "radians", 2 * math.pi, where))


def _number(entry: Mapping[str, Any], key: str, unit: str, largest: float, where: str) -> float:
    value = entry.get(key, 0.0)
    if not _is_number(value) or abs(value) > largest:
        raise UserError(
            f"{where}: '{key}' must be {unit} in [-{largest:.4g}, {largest:.4g}], found {value!r}"
        )
    return float(value)


def _mount(value: Any, where: str) -> tuple[float, float, float, float]:
    numbers = list(value) if isinstance(value, list | tuple) else []
    norm = math.hypot(*numbers) if all(_is_number(number) for number in numbers) else 0.0
    if len(numbers) != 4 or abs(norm - 1.0) > 0.01:
        raise UserError(
            f"{where}: 'mount' must be a quaternion [x, y, z, w] of length 1, found {value!r}; "
            "[0, 0, 0, 1] is a sensor whose axes are the bone's"
        )
    x, y, z, w = (number / norm for number in numbers)
    return (x, y, z, w)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check_topics(wearers: tuple[Wearer, ...], where: str) -> None:
    owners: dict[str, str] = {}
    for wearer in wearers:
        for limb, sensor in wearer.sensors.items():
            owner = f"{wearer.name}.{limb}"
            if sensor.topic in owners:
                raise UserError(
                    f"{where}: topic {sensor.topic} is given twice, for {owners[sensor.topic]} and for "
                    f"{owner}; every sensor needs a topic of its own"
                )
            owners[sensor.topic] = owner
