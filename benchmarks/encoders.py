"""How long a frame's embeddings take on this CPU: `python -m benchmarks.encoders [--model NAME]`.

For 1, 4, 16, 32 people and as many wearers, on 1 and 2 threads: from the frame's last sample to the
embeddings of all of them ("ms"), and the processor time of the frame including what may follow later
("CPU ms"); medians, with the least beside them. On a busy machine the least and the CPU ms tell more.
The floor is the arithmetic that no way avoids (the transformer and one LSTM step
each) at the rate of the faster of two measured sgemm, numpy's and ONNX Runtime's.
"""

import argparse
import importlib.util
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from despite_ros.arrays import FloatArray
from despite_ros.encoders import Encoders, find_model, load
from despite_ros.encoders.graphs import HEADS, LAYERS, Graph
from despite_ros.encoders.onnx import open_session
from despite_ros.encoders.streaming import ImuStream, PointStream
from despite_ros.limbs import CHANNELS, FRAMES, POINTS
from despite_ros.motion.sampling import make_crop

RESULTS = Path(__file__).parent / "results" / "encoders.json"
PEOPLE = (1, 4, 16, 32)
THREADS = (1, 2)
SECONDS = 2.0  # for one figure
FEWEST, MOST = 3, 60  # frames for one figure
TOKENS, WIDTH = 96, 80  # of the transformer

Frame = Callable[[int], object]
Whole = Callable[[FloatArray, FloatArray], object]


def streaming(encoders: Encoders, crops: FloatArray, windows: FloatArray) -> tuple[Frame, Frame]:
    """Ours: what must be done until the embeddings are out, and what may follow. Inputs: people×frames×…"""
    ids = range(len(crops))
    points, imus = PointStream(encoders), ImuStream(encoders)

    def embed(frame: int) -> None:
        points.push(ids, crops[:, frame])
        imus.push(ids, windows[:, frame])
        points.embeddings()
        imus.embeddings()

    def advance(_: int) -> None:
        points.advance()
        imus.advance()

    for frame in range(FRAMES):
        embed(frame)
    return embed, advance


def again(encode: Whole, crops: FloatArray, windows: FloatArray) -> tuple[Frame, Frame]:
    """The whole windows of all, anew in every frame; nothing may follow later."""
    return lambda _: encode(crops, windows), lambda _: None


def measure(embed: Frame, advance: Frame) -> dict[str, float]:
    """Milliseconds of a frame: median and least, to the embeddings and of processor time in all."""
    rows: list[tuple[float, float]] = []
    began = time.perf_counter()
    while len(rows) < FEWEST or (len(rows) < MOST and time.perf_counter() - began < SECONDS):
        start, processor = time.perf_counter(), time.process_time()
        embed(len(rows) % FRAMES)
        out = time.perf_counter() - start
        advance(len(rows) % FRAMES)
        rows.append((1e3 * out, 1e3 * (time.process_time() - processor)))
    (wall, cpu), (least_wall, least_cpu) = np.median(rows, axis=0), np.min(rows, axis=0)
    figures = {"ms": wall, "cpu_ms": cpu, "least_ms": least_wall, "least_cpu_ms": least_cpu}
    return {name: round(float(value), 3) for name, value in figures.items()}


def sgemm_rates(threads: int) -> dict[str, float]:
    """GFLOP/s of 1536×512 times 512×512 by ONNX Runtime, and by numpy (with all its threads)."""
    left, right = (np.ones(shape, np.float32) for shape in ((1536, 512), (512, 512)))
    graph = Graph()
    product = graph.model({"left": (512,)}, {"product": (graph("MatMul", "left", right), (512,))})
    session = open_session(product, "cpu", threads)
    ways: dict[str, Callable[[], Any]] = {
        "onnxruntime": lambda: session.run(None, {"left": left}),
        "numpy": lambda: left @ right,
    }
    operations = 2 * left.size * right.shape[1]
    return {name: round(operations / _least_seconds(way) / 1e9, 1) for name, way in ways.items()}


def _least_seconds(way: Callable[[], Any], repeats: int = 200) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        way()
        times.append(time.perf_counter() - start)
    return min(times)


def operations(width: int) -> float:
    """Floating-point operations of one person's transformer and one wearer's LSTM step."""
    linear = TOKENS * WIDTH * (3 * WIDTH + WIDTH + 2 * width)
    attention = 2 * HEADS * TOKENS * TOKENS * WIDTH // HEADS
    lstm = 4 * width * (CHANNELS + 3 * width)
    return 2.0 * (LAYERS * (linear + attention) + lstm)


def compare(folder: Path) -> Iterator[dict[str, Any]]:
    """One row for each number of people, of threads, and each way."""
    rng = np.random.default_rng(0)
    clouds = rng.normal(size=(max(PEOPLE) * FRAMES, 400, 3)) * [0.2, 0.2, 0.5]
    crops = np.stack([make_crop(cloud.astype(np.float32)) for cloud in clouds])
    crops = crops.reshape(max(PEOPLE), FRAMES, POINTS, 3)
    windows = rng.normal(size=(max(PEOPLE), FRAMES, CHANNELS)).astype(np.float32)
    for threads in THREADS:
        rates = sgemm_rates(threads)
        encoders = load(folder, "cpu", threads)
        whole = _whole_windows(folder, encoders, threads)
        for people in PEOPLE:
            floor = 1e3 * people * operations(encoders.card.width) / (1e9 * max(rates.values()))
            given = crops[:people], windows[:people]
            ways = {name: again(way, *given) for name, way in whole.items()}
            ways["ours, streaming"] = streaming(encoders, *given)
            for name, way in ways.items():
                found = measure(*way)
                row = {
                    "people": people,
                    "threads": threads,
                    "way": name,
                    **found,
                    "floor_ms": round(floor, 3),
                }
                yield row | {"ratio": round(found["ms"] / floor, 2), "sgemm_gflops": rates}


def _whole_windows(folder: Path, encoders: Encoders, threads: int) -> dict[str, Whole]:
    ways: dict[str, Whole] = {}
    if importlib.util.find_spec("torch"):
        from benchmarks.literal import LiteralEncoders

        ways["torch eager, literal"] = LiteralEncoders(folder, threads)
    ways["ONNX Runtime, whole graphs"] = lambda crops, windows: (
        encoders.points(crops),
        encoders.imu(windows),
    )
    return ways


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a Markdown table."""
    lines = ["| people and wearers | threads | | ms | least ms | CPU ms | floor ms | ms / floor |"]
    lines.append("|--:|--:|---|--:|--:|--:|--:|--:|")
    lines += [
        f"| {row['people']} | {row['threads']} | {row['way']} | {row['ms']:.1f} | {row['least_ms']:.1f}"
        f" | {row['cpu_ms']:.1f} | {row['floor_ms']:.2f} | {row['ratio']:.1f} |"
        for row in rows
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.encoders", description=__doc__)
    parser.add_argument("--model", default="despite-pi", help="released model: a name or a folder")
    given = parser.parse_args(arguments)
    machine = {"processor": platform.processor() or platform.machine(), "cores": len(os.sched_getaffinity(0))}
    load_before = os.getloadavg()[0]
    rows = []
    for row in compare(find_model(given.model)):
        print(".", end="", file=sys.stderr, flush=True)
        rows.append(row)
    content = {"machine": machine, "load_before": load_before, "rows": rows}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(content, indent=1) + "\n")
    print(f"\n{table(rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
