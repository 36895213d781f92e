"""Where models/ and launch/ are: in a source tree, in a pip environment, or in a colcon workspace."""

from pathlib import Path

PACKAGE = Path(__file__).parent  # not resolved: a symlink install must stay inside its prefix


def share(*parts: str) -> Path:
    """A path below the folder that holds `models` and `launch`.

    That is the top folder of a source tree (also of an editable install), else `share/despite` of the
    prefix in whose lib/python3.X/site-packages this package lies.
    """
    source_tree = PACKAGE.parent
    if (source_tree / "pyproject.toml").is_file():
        return source_tree.joinpath(*parts)
    return PACKAGE.parents[3].joinpath("share", "despite", *parts)
