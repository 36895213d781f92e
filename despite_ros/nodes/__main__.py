"""`python -m despite_ros.nodes both|people|reid|recorder|results [--ros-args …]`, or `player RECORDING …`."""

import sys

from despite_ros.nodes.main import PROGRAMS, main


def choose(words: list[str]) -> int:
    """Run the program that the first word names; its status."""
    if words[:1] == ["player"]:
        from despite_ros.nodes import player

        return player.main(words[1:])
    if not words or words[0] not in PROGRAMS:
        print(f"usage: python -m despite_ros.nodes {'|'.join(PROGRAMS)}|player …", file=sys.stderr)
        return 2
    return main(PROGRAMS[words[0]], words[1:])


if __name__ == "__main__":
    sys.exit(choose(sys.argv[1:]))
