"""How this package's command lines end."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from despite_ros.errors import UserError

P = ParamSpec("P")


def command(name: str) -> Callable[[Callable[P, None]], Callable[P, int]]:
    """Make of a command line one that returns its exit status.

    That is 0, or 2 for errors that the user can mend, which are told on one line after the `name`.
    """

    def with_status(main: Callable[P, None]) -> Callable[P, int]:
        @wraps(main)
        def run(*args: P.args, **kwargs: P.kwargs) -> int:
            try:
                main(*args, **kwargs)
            except UserError as error:
                print(f"{name}: {error}", file=sys.stderr)
                return 2
            return 0

        return run

    return with_status
