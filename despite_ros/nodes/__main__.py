"""`python -m despite_ros.nodes people|reid|both [--ros-args …]`."""

import sys

from despite_ros.nodes.main import NODES, main

CHOICES = {"people": ("people",), "reid": ("reid",), "both": NODES}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in CHOICES:
        sys.exit(f"usage: python -m despite_ros.nodes {'|'.join(CHOICES)} [--ros-args …]")
    sys.exit(main(CHOICES[sys.argv[1]], sys.argv[2:]))
