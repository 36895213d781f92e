"""Installs models/ and launch/ to share/despite; everything else stands in pyproject.toml."""

from pathlib import Path

from setuptools import setup


def shared_files() -> list[tuple[str, list[str]]]:
    """(folder below the prefix, files) for every folder of models/ and launch/."""
    folders: dict[str, list[str]] = {}
    for top in ("models", "launch"):
        for path in sorted(Path(top).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                folders.setdefault(f"share/despite/{path.parent.as_posix()}", []).append(path.as_posix())
    return list(folders.items())


setup(data_files=shared_files())
