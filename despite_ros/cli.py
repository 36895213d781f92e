"""The `despite` command: one table of subcommands, each a module of `despite_ros.commands`.

A subcommand module has `HELP: str`, `add_arguments(parser)` and `run(args) -> int`; it is imported
only when asked for, so that `despite --help` is instant and optional extras stay optional.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence

from despite_ros import __version__
from despite_ros.errors import UserError

COMMANDS = {
    "demo": "a simulated room through the real nodes, with a report",
    "live": "run the nodes on live topics, as live.launch.py does",
    "replay": "run the pipeline over a recording, score it, write a report",
    "simulate": "make a recording of a simulated scene, with truth",
    "view": "look at a recording or live topics in 3-D",
    "search": "find moments in recordings that match a snippet",
    "index": "embed a folder of recordings for `search`",
    "models": "list, check and build released models",
    "bench": "the speed table of this machine",
    "doctor": "what is installed and reachable, with a remedy for each fault",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse and run; the exit status is the subcommand's, 2 for errors that the user can mend."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="despite", description="Who wears which IMU, from LiDAR alone.")
    parser.add_argument("--version", action="version", version=f"despite {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    chosen = next((word for word in arguments if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary)
        if name == chosen:
            module = importlib.import_module(f"despite_ros.commands.{name}")
            subparser.description = module.HELP
            subparser.formatter_class = argparse.ArgumentDefaultsHelpFormatter
            module.add_arguments(subparser)
            subparser.set_defaults(run=module.run)
    args = parser.parse_args(arguments)
    try:
        return int(args.run(args))
    except UserError as error:
        print(f"despite {args.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
