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
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from despite_ros.arrays import FloatArray
from despite_ros.bench import machine
from despite_ros.encoders import Encoders, find_model, load
from despite_ros.encoders.floor import floor_ms, sgemm_rates
from despite_ros.encoders.settings import EncoderSettings
from despite_ros.encoders.streaming import ImuStream, PointStream
from despite_ros.limbs import CHANNELS, FRAMES, POINTS
from despite_ros.motion.sampling import make_crop

RESULTS = Path(__file__).parent / "results" / "encoders.json"
PEOPLE = (1, 4, 16, 32)
THREADS = (1, 2)
SECONDS = 2.0  # for one figure
FEWEST, MOST = 3, 60  # frames for one figure

Frame = Callable[[int], object]
Whole = Callable[[FloatArray, FloatArray], object]


def streaming(encoders: Encoders, crops: FloatArray, windows: FloatArray) -> tuple[Frame, Frame]:
    """Ours: what must be done until the embeddings are out, and what may follow. Inputs: people×frames×…"""
    ids = range(len(crops))
    points, imus = PointStream(encoders), ImuStream(encoders, EncoderSettings().imu_stride)

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
            floor = floor_ms(people, people, encoders.card.width, max(rates.values()))
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
    measured_on = machine()
    rows = []
    for row in compare(find_model(given.model)):
        print(".", end="", file=sys.stderr, flush=True)
        rows.append(row)
    content = {"machine": measured_on, "rows": rows}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(content, indent=1) + "\n")
    print(f"\n{table(rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
