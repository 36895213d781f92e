"""`python -m despite_ros.nodes people|reid|both|recorder [--ros-args …]`."""

import sys

from despite_ros.nodes.main import PROGRAMS, main

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in PROGRAMS:
        sys.exit(f"usage: python -m despite_ros.nodes {'|'.join(PROGRAMS)} [--ros-args …]")
    sys.exit(main(PROGRAMS[sys.argv[1]], sys.argv[2:]))
