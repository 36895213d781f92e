"""Which stamps of a stream of sweeps are taken: ascending ones, and those of a bag that starts again."""

from despite_ros.errors import UserError


class StampGuard:
    """Refuses repeated and unsorted stamps; notices time that went back."""

    def __init__(self, jump_s: float) -> None:
        self._jump_ns = round(jump_s * 1e9)
        self._newest: int | None = None

    def went_back(self, stamp_ns: int) -> bool:
        """Take a stamp; whether time went back by more than a jump, so that everything starts anew.

        Raises:
            UserError: the stamp repeats the newest one or is a little older; the message is to be dropped.
        """
        newest = self._newest
        if newest is not None and newest - self._jump_ns <= stamp_ns <= newest:
            fault = "repeats the last one" if stamp_ns == newest else "is older than the last one"
            raise UserError(f"the stamp {fault}; the cloud is dropped: stamps must ascend")
        self._newest = stamp_ns
        return newest is not None and stamp_ns < newest
