"""Settings machinery: nested frozen dataclasses ↔ one YAML file ↔ ROS parameters.

A setting is a dataclass field made by `setting`; its dotted path (`people.clustering.voxel`) is its
name in YAML, on the command line and as a ROS parameter. Defaults stand in the dataclasses only.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import yaml

from despite_ros.errors import UserError

T = TypeVar("T")


def setting(default: Any, description: str, low: float | None = None, high: float | None = None) -> Any:
    """A dataclass field with a description (units included) and an optional closed range."""
    metadata = {"description": description, "low": low, "high": high}
    return dataclasses.field(default=default, metadata=metadata)


def section(kind: type[T]) -> T:
    """A dataclass field that holds a nested settings dataclass with its own defaults."""
    return dataclasses.field(default_factory=kind)


def flatten(settings: Any, prefix: str = "") -> dict[str, Any]:
    """Settings → {dotted name: value}."""
    flat: dict[str, Any] = {}
    for item in dataclasses.fields(settings):
        value = getattr(settings, item.name)
        if dataclasses.is_dataclass(value):
            flat.update(flatten(value, f"{prefix}{item.name}."))
        else:
            flat[prefix + item.name] = value
    return flat


def describe(settings: Any, prefix: str = "") -> dict[str, Mapping[str, Any]]:
    """Settings → {dotted name: {"description", "low", "high"}}."""
    found: dict[str, Mapping[str, Any]] = {}
    for item in dataclasses.fields(settings):
        value = getattr(settings, item.name)
        if dataclasses.is_dataclass(value):
            found.update(describe(value, f"{prefix}{item.name}."))
        else:
            found[prefix + item.name] = item.metadata
    return found


def override(settings: T, values: Mapping[str, Any], where: str) -> T:
    """A copy of `settings` with nested or dotted `values` put in. `where` names their origin in errors.

    Raises:
        UserError: unknown name, wrong type, or a value out of range.
    """
    hints = get_type_hints(type(settings))
    changes: dict[str, Any] = {}
    for name, value in _nested(values).items():
        if name not in hints:
            known = ", ".join(sorted(hints))
            raise UserError(f"{where}: unknown setting '{name}'; known here: {known}")
        current = getattr(settings, name)
        if dataclasses.is_dataclass(current):
            if not isinstance(value, Mapping):
                raise UserError(f"{where}: '{name}' is a group of settings, not a value ({value!r})")
            changes[name] = override(current, value, f"{where}: {name}")
        else:
            changes[name] = _checked(settings, name, value, current, where)
    return dataclasses.replace(settings, **changes)  # type: ignore[type-var]


def load_yaml(path: str | Path) -> dict[str, Any]:
    """A settings or wearers YAML file as a dict.

    Raises:
        UserError: the file is missing, not YAML, or not a mapping.
    """
    try:
        content = yaml.safe_load(Path(path).read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: cannot be read as YAML ({error})".replace("\n", " ")) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected a mapping at the top, found {type(content).__name__}")
    return content


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in values.items():
        head, _, rest = str(name).partition(".")
        if rest:
            nested.setdefault(head, {})[rest] = value
        elif isinstance(value, Mapping):
            nested.setdefault(head, {}).update(value)
        else:
            nested[head] = value
    return nested


def _checked(settings: Any, name: str, value: Any, current: Any, where: str) -> Any:
    if isinstance(current, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if isinstance(current, tuple) and isinstance(value, list):
        value = tuple(value)
    if type(value) is not type(current):
        expected = type(current).__name__
        raise UserError(f"{where}: '{name}' must be {expected}, found {value!r}")
    metadata = next(item.metadata for item in dataclasses.fields(settings) if item.name == name)
    low, high = metadata.get("low"), metadata.get("high")
    if (low is not None and value < low) or (high is not None and value > high):
        raise UserError(f"{where}: '{name}' must lie in [{low}, {high}], found {value!r}")
    return value
