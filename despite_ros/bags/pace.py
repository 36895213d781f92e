"""How fast a recording is played."""

import math

from despite_ros.errors import UserError

FASTEST = 0.0


def rate_of(text: str) -> float:
    """A multiple of real time, or `FASTEST` for 'max'.

    Raises:
        UserError: neither a positive number nor 'max'.
    """
    if text == "max":
        return FASTEST
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < math.inf:
        raise UserError(f"--rate {text}: expected 'max' or a positive number such as 1.0")
    return rate
