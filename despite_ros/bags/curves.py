"""Similarity over time, drawn (DeSPITE, Figure 7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from despite_ros.arrays import DoubleArray

INK, FOUND, TRUTH = "#2f7de1", "#e1572f", "#8fce9f"


@dataclass(frozen=True)
class Panel:
    """One curve. seconds, similarity: M. found: (second, similarity) of marks. truth: spans in seconds."""

    title: str
    seconds: DoubleArray
    similarity: DoubleArray
    found: Sequence[tuple[float, float]] = ()
    truth: Sequence[tuple[float, float]] = ()


def draw_curves(panels: Sequence[Panel], path: Path) -> None:
    """Panels below one another, with one scale; the file's ending says PNG, SVG or PDF."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 0.8 + 1.5 * len(panels)), layout="constrained")
    rows = figure.subplots(len(panels), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for axes, panel in zip(rows, panels, strict=True):
        for begin, end in panel.truth:
            axes.axvspan(begin, end, color=TRUTH, alpha=0.6, lw=0)
        axes.plot(panel.seconds, panel.similarity, color=INK, lw=1)
        for number, (second, similarity) in enumerate(panel.found):
            axes.plot(second, similarity, "o", color=FOUND, ms=5 if number else 8)
        axes.set_title(panel.title, fontsize=9, loc="left")
        axes.set_ylabel("cosine", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    rows[-1].set_xlabel("seconds", fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
