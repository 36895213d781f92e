"""The paper's figures, drawn from our results: 2, 3, 4, 6 and 7 of DeSPITE; and confusion matrices."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.bags.curves import Panel, draw_curves
from despite_ros.limbs import FRAMES, RATE
from despite_ros.simulation.skeleton import JOINT_INDEX, LINKS
from training.data.store import SequenceStore
from training.tasks.embedding import EmbeddedSequence
from training.tasks.retrieval import Answer, Window

MARKERS = {"skeleton": "o", "points": "x", "imu": "*", "text": "s"}  # the paper's
DOTS = 110  # dots an inch
SHOWN_FRAMES = (0, 6, 12, 18, 23)
SPACING, HEIGHT = 1.3, 1.1  # metres between two drawn frames, and of half a drawn body
JOINED = 1400  # frames in Figure 7
FOUND = 3  # retrieved windows beside a query in Figure 6
QUIET = "#9aa5ad"
STYLES = (":", "--", "-")  # of one, two and four windows
SHOWN_SHARE = 0.05  # from which a share of a confusion matrix is written

Curves = Mapping[str, Mapping[str, Any]]


def draw_matching(results: Mapping[str, Curves], path: Path) -> None:
    """Figure 2. results: {model: {ordered pair: {"all" or "moving": {n: {W: accuracy}}}}}."""
    panels = dict.fromkeys(
        (pair, kind) for result in results.values() for pair, kinds in result.items() for kind in kinds
    )
    figure, rows = _grid(len(panels), "people", "accuracy")
    for axes, (pair, kind) in zip(rows, panels, strict=True):
        for number, (model, result) in enumerate(results.items()):
            sizes = result.get(pair, {}).get(kind, {})
            for style, windows in zip(STYLES, next(iter(sizes.values()), ()), strict=False):
                shares = [row[windows] for row in sizes.values()]
                label = f"{model}, W = {windows}"
                axes.plot([int(n) for n in sizes], shares, style, color=f"C{number}", label=label)
        people = [int(n) for n in next(iter(next(iter(results.values())).values()))[kind]]
        axes.plot(people, [1 / n for n in people], "-", color=QUIET, lw=1, label="chance")
        _finish(axes, f"{pair}, {kind} windows")
    _legend(figure, rows[0])
    _save(figure, path)


def draw_moments(results: Mapping[str, Curves], path: Path) -> None:
    """Figure 3. results: {model: {ordered pair or "chance": {k: recall}}}."""
    figure, rows = _grid(len(results), "k", "recall@k")
    for axes, (model, result) in zip(rows, results.items(), strict=True):
        for pair, recalls in result.items():
            colour = QUIET if pair == "chance" else None
            shares = list(recalls.values())
            axes.plot([int(k) for k in recalls], shares, marker=".", label=pair, color=colour)
        _finish(axes, model)
    _legend(figure, rows[0])
    _save(figure, path)


def draw_confusion(results: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Rows truth, columns found, shares of the row. results: {head: {"labels", "confusion", "accuracy"}}."""
    figure = Figure(figsize=(3.6 * len(results), 3.8), layout="constrained")
    for axes, (head, found) in zip(
        figure.subplots(1, len(results), squeeze=False)[0], results.items(), strict=True
    ):
        counts = np.array(found["confusion"], np.float64)
        shown = np.flatnonzero(counts.sum(axis=1))
        shares = counts[shown] / counts[shown].sum(axis=1, keepdims=True)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for row, column in zip(*np.nonzero(shares >= SHOWN_SHARE), strict=True):
            share = shares[row, column]
            colour = "white" if share > 0.5 else "black"
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=6, color=colour)
        labels = found["labels"]
        axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=7)
        axes.set_yticks(range(len(shown)), [labels[i] for i in shown], fontsize=7)
        axes.set_title(f"{head}: {100 * found['accuracy']:.0f} % right", fontsize=9)
    _save(figure, path)


def draw_moment_curves(
    sequences: Sequence[EmbeddedSequence], ask: str, among: str, path: Path, queries: int = 2, seed: int = 0
) -> None:
    """Figure 7: windows drawn at random, asked among sequences put one after another."""
    rng = np.random.default_rng(seed)
    both = [item for item in sequences if {ask, among} <= item.embeddings.keys()]
    joined, starts, total = list[EmbeddedSequence](), list[int](), 0
    for index in rng.permutation(len(both)):
        if total < JOINED:
            joined.append(both[index])
            starts.append(total)
            total += both[index].info.frames
    panels = []
    for number in range(queries):
        asked = int(rng.integers(len(joined)))
        window = int(rng.integers(len(joined[asked])))
        panels.append(_joined_panel(joined, starts, asked, window, (ask, among), number + 1))
    draw_curves(panels, path)


def draw_embedding(
    store: SequenceStore, sequences: Sequence[EmbeddedSequence], path: Path, count: int = 20, seed: int = 0
) -> None:
    """Figure 4: t-SNE of the longest sequence, coloured by time, and of `count`, coloured by activity.

    Each modality's mean is taken off first: how far the modalities lie apart as a whole says nothing about
    what is done.
    """
    stored = {item.info: item for item in store.sequences}
    chosen = sorted(_centred(sequences), key=lambda item: -len(item))[:count]
    figure = Figure(figsize=(11, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    _scatter(left, chosen[:1], [chosen[0].starts / RATE], seed)
    left.set_title("one sequence, dark to light with time", fontsize=9)
    labels = [[Window(stored[item.info], int(start)).label for start in item.starts] for item in chosen]
    names = sorted({label for row in labels for label in row})
    _scatter(right, chosen, [np.array([names.index(label) for label in row]) for row in labels], seed, names)
    right.set_title(f"{len(chosen)} sequences by activity", fontsize=9)
    _save(figure, path)


def draw_retrievals(answers: Sequence[Answer], path: Path, count: int = 3) -> None:
    """Figure 6: some queries, each with its best answers beside it, over time from left to right."""
    figure = Figure(figsize=(3.2 * (FOUND + 1), 1.5 * count), layout="constrained")
    step = max(1, len(answers) // count)
    rows = figure.subplots(count, FOUND + 1, squeeze=False)
    for row in rows.ravel():
        row.axis("off")
    for row, answer in zip(rows, answers[::step], strict=False):
        _draw_window(row[0], answer.query, f"{answer.ask} asks: {answer.query.label or 'unlabelled'}")
        for axes, window, similarity in zip(row[1:], answer.found, answer.similarity, strict=False):
            _draw_window(axes, window, f"{answer.among} {similarity:.2f}: {window.label or 'unlabelled'}")
    _save(figure, path)


def _draw_window(axes: Axes, window: Window, title: str) -> None:
    """Stick figures over their points, seen from the side that the body's motion is widest in."""
    skeleton = window.skeleton
    crops = window.sequence.points(window.start)
    offset = _to_pelvis(crops, skeleton)
    across = np.linalg.svd(skeleton[..., :2].reshape(-1, 2), full_matrices=False)[2][0]
    for place, frame in enumerate(SHOWN_FRAMES):
        seen = crops[frame] + offset[frame]
        axes.plot(seen @ [*across, 0] + SPACING * place, seen[:, 2], ",", color=QUIET)
        flat = np.stack([skeleton[frame] @ [*across, 0] + SPACING * place, skeleton[frame, :, 2]], axis=1)
        for link in LINKS:
            ends = flat[[JOINT_INDEX[link.parent], JOINT_INDEX[link.joint]]]
            axes.plot(*ends.T, color="#1d3b53" if link.joint[:2] != "r_" else "#e1572f", lw=1.2)
    axes.set_title(title, fontsize=8)
    axes.set_xlim(-SPACING, SPACING * len(SHOWN_FRAMES))
    axes.set_ylim(-HEIGHT, HEIGHT)
    axes.set_aspect("equal")


def _to_pelvis(crops: FloatArray, skeleton: FloatArray) -> FloatArray:
    """What brings mean-free crops about onto joints relative to the pelvis: F×1×3."""
    return np.asarray((skeleton.max(axis=1) + skeleton.min(axis=1)) / 2
                      - (crops.max(axis=1) + crops.min(axis=1)) / 2)[:, None]  # fmt: skip


def _joined_panel(
    joined: Sequence[EmbeddedSequence],
    starts: Sequence[int],
    asked: int,
    window: int,
    pair: tuple[str, str],
    number: int,
) -> Panel:
    query = joined[asked].embeddings[pair[0]][window]
    seconds, values = [], []
    for item, start in zip(joined, starts, strict=True):
        likeness = item.embeddings[pair[1]] @ query
        middles = (start + item.starts + FRAMES / 2) / RATE
        seconds.append(np.append(middles, middles[-1]))
        values.append(np.append(likeness, np.nan))  # no line from one sequence to the next
    begin = (starts[asked] + int(joined[asked].starts[window])) / RATE
    times, curves = np.concatenate(seconds), np.concatenate(values).astype(np.float64)
    best = int(np.nanargmax(curves))
    title = f"query {number}: {pair[0]} among {pair[1]} of {len(joined)} sequences; green: where it is from"
    truth = [(begin, begin + FRAMES / RATE)]
    return Panel(title, times, curves, [(float(times[best]), float(curves[best]))], truth)


def _centred(sequences: Sequence[EmbeddedSequence]) -> list[EmbeddedSequence]:
    """The sequences without the mean of each modality over all of them."""
    names = {name for item in sequences for name in item.embeddings}
    means = {
        name: np.concatenate([item.embeddings[name] for item in sequences if name in item.embeddings]).mean(0)
        for name in names
    }
    return [
        replace(item, embeddings={name: rows - means[name] for name, rows in item.embeddings.items()})
        for item in sequences
    ]


def _scatter(
    axes: Axes,
    sequences: Sequence[EmbeddedSequence],
    colours: Sequence[DoubleArray],
    seed: int,
    names: Sequence[str] = (),
) -> None:
    """All modalities' embeddings in one plane; one colour value for each window of each sequence.

    names: of the colour values 0, 1, …; values are a scale without them.
    """
    from sklearn.manifold import TSNE

    modalities = sorted({name for item in sequences for name in item.embeddings})
    parts = [(name, item.embeddings[name]) for item in sequences for name in item.embeddings]
    shown = [colour for item, colour in zip(sequences, colours, strict=True) for _ in item.embeddings]
    rows = np.concatenate([part for _, part in parts])
    perplexity = min(30.0, max(2.0, len(rows) / 4))
    flat = TSNE(metric="cosine", init="random", perplexity=perplexity, random_state=seed).fit_transform(rows)
    places = np.split(flat, np.cumsum([len(part) for _, part in parts])[:-1])
    shades = colormaps["tab20" if names else "viridis"]
    top = 20.0 if names else max(1.0, max(float(np.max(colour)) for colour in shown))
    for (name, _), place, colour in zip(parts, places, shown, strict=True):
        axes.scatter(
            place[:, 0], place[:, 1], s=18, marker=MARKERS[name], linewidths=0.8, c=shades(colour / top)
        )
    for name in modalities:
        axes.scatter([], [], color=QUIET, marker=MARKERS[name], label=name)
    for index, name in enumerate(names):
        axes.scatter([], [], color=shades(index / top), label=name or "unlabelled")
    axes.legend(fontsize=6, ncols=2)
    axes.set_xticks([])
    axes.set_yticks([])


def _grid(columns: int, x_label: str, y_label: str) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(3.4 * columns, 3.2), layout="constrained")
    rows: Sequence[Axes] = figure.subplots(1, columns, sharey=True, squeeze=False)[0]
    rows[0].set_ylabel(y_label)
    for axes in rows:
        axes.set_xlabel(x_label)
    return figure, rows


def _finish(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=9)
    axes.set_ylim(0, 1.02)
    axes.grid(alpha=0.3)


def _legend(figure: Figure, axes: Axes) -> None:
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right center", fontsize=7)


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DOTS)
