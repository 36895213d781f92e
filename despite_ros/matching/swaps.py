"""Notices when two tracks that met have gone on with each other's person."""

from collections.abc import Mapping, Sequence

import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.matching.settings import MatchingSettings


class SwapWatch:
    """Remembers which tracks met, and compares what their names say with the newest evidence."""

    def __init__(self, settings: MatchingSettings) -> None:
        self._settings = settings
        self._met_ns: dict[tuple[int, int], int] = {}

    def follow(self, stamp_ns: int, track_ids: Sequence[int], positions: Sequence[FloatArray]) -> None:
        """Remember who is near whom."""
        horizon = stamp_ns - round(1e9 * self._settings.swap_time)
        self._met_ns = {pair: met for pair, met in self._met_ns.items() if met >= horizon}
        if len(track_ids) < 2:
            return
        places = np.array([position[:2] for position in positions], np.float64)
        distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
        near = np.argwhere(np.triu(distances < self._settings.swap_distance, 1))
        self._met_ns.update({(track_ids[a], track_ids[b]): stamp_ns for a, b in near})

    def swapped(
        self, track_ids: Sequence[int], recent: DoubleArray, names: Mapping[int, int]
    ) -> list[tuple[int, int]]:
        """Pairs of present tracks whose wearers' newest evidence says they are the other way round.

        recent: wearers × tracks, log-odds of the last seconds. names: track_id → its wearer's index.
        """
        columns = {number: column for column, number in enumerate(track_ids)}
        found = []
        for one, other in self._met_ns:
            if one not in columns or other not in columns:
                continue
            gain = 0.0
            for here, there in ((one, other), (other, one)):
                if here in names:
                    row = recent[names[here]]
                    gain += float(row[columns[there]] - row[columns[here]])
            if gain > self._settings.swap_evidence:
                found.append((one, other))
        for pair in found:
            del self._met_ns[pair]
        return found
