"""Faults of incoming data: counted for diagnostics, and said once in words."""

from collections import Counter


class Faults:
    """Counts by kind, and one line (what, where, what would be right) for each kind and place."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._lines: dict[tuple[str, str], str] = {}

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines so far, in order of first appearance."""
        return tuple(self._lines.values())

    def note(self, kind: str, where: str, line: str) -> None:
        """Count one fault of a kind; keep its line if it is the first of that kind at that place."""
        self.counts[kind] += 1
        self._lines.setdefault((kind, where), f"{where}: {line}")
