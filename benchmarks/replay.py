"""How fast `despite replay` is and how much memory it takes.

    python -m benchmarks.replay [--recording FOLDER] [--minutes 30]

On a recording of 60 s with 64 × 1024 points a sweep and 8 people, each with four IMUs (simulated unless
FOLDER has recording.mcap, wearers.yaml and truth.jsonl); on one whose file is 10 GB long, most of it a hole;
and, with --minutes, on the first one played in a loop, its memory noted once a minute. Writes
`benchmarks/results/replay.json`, in which what is not measured anew stays.
"""

import argparse
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from despite_ros import encoders
from despite_ros.bags.message import BagMessage
from despite_ros.bags.reader import Recording
from despite_ros.bags.replay import Replay
from despite_ros.bags.results import read_lines, write_json
from despite_ros.bags.sightings import ReadingOptions
from despite_ros.motion.wearers import load_wearers
from despite_ros.pipeline import Pipeline
from despite_ros.settings import Settings

OUT = Path(__file__).parent / "results" / "replay.json"
HUGE = 10 * 2**30  # bytes
MEGA = 2**20
PERIOD_NS = 100_000_000  # between the last sweep of a lap and the first of the next
REID_STAGES = ("windows", "encode", "match", "activities")


class Looped(Recording):
    """A recording played again and again, its stamps going on."""

    def messages(self, topics: Collection[str]) -> Iterator[BagMessage]:
        """Never end."""
        shift_ns = 0
        for _ in count():
            first_ns = last_ns = None
            for message in super().messages(topics):
                first_ns = message.recorded_ns if first_ns is None else first_ns
                last_ns = message.recorded_ns
                yield _later(message, shift_ns)
            if first_ns is None or last_ns is None:
                return
            shift_ns += last_ns - first_ns + PERIOD_NS


def _later(message: BagMessage, shift_ns: int) -> BagMessage:
    content = message.content
    if isinstance(content, bytes):
        content = content[:4] + struct.pack("<iI", *_stamp(message, shift_ns)) + content[12:]
    elif hasattr(content, "header"):
        seconds, nanoseconds = _stamp(message, shift_ns)
        stamp = replace(content.header.stamp, sec=seconds, nanosec=nanoseconds)
        content = replace(content, header=replace(content.header, stamp=stamp))
    return replace(message, recorded_ns=message.recorded_ns + shift_ns, content=content)


def _stamp(message: BagMessage, shift_ns: int) -> tuple[int, int]:
    return divmod(message.stamp_ns + shift_ns, 1_000_000_000)


def memory_curve(recording: Path, minutes: int) -> list[float]:
    """Megabytes in use after each minute of the recording played in a loop, in one process."""
    wearers = load_wearers(recording / "wearers.yaml")
    pipeline = Pipeline(Settings(), wearers, encoders.load("despite-pi"))
    found: list[float] = []
    with Looped(recording / "recording.mcap") as looped:
        replay = Replay(looped, pipeline, ReadingOptions(wearers))
        for _ in replay.sweeps():
            if replay.elapsed_ns >= (len(found) + 1) * 60_000_000_000:
                found.append(resident_bytes() / MEGA)
                if len(found) == minutes:
                    break
    return found


def resident_bytes() -> int:
    """Of this process (proc(5), statm)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def replayed(recording: Path, folder: Path, out: Path) -> dict[str, Any]:
    """One run of the command: its times, its memory, and the summary's figures."""
    command = [sys.executable, "-m", "despite_ros.cli", "replay", str(recording), "--out", str(out), "--json"]
    command += ["--wearers", str(folder / "wearers.yaml"), "--truth", str(folder / "truth.jsonl")]
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    summary = json.loads((out / "summary.json").read_text())
    return {
        "exit_status": os.waitstatus_to_exitcode(status),
        "sweeps": summary["frames"],
        "recording_s": summary["recording_s"],
        "real_time_factor": summary["real_time_factor"],
        "whole_command_s": time.monotonic() - begun,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_mb_of_the_larger_process": used.ru_maxrss * 1024 / MEGA,
        "seconds_by_stage": stage_seconds(out / "results.jsonl"),
        "notes": [note.replace(f"{recording.parent}/", "") for note in summary["notes"]],
    }


def stage_seconds(results: Path) -> dict[str, float]:
    """Sums over all sweeps: people, and each stage after it."""
    total: Counter[str] = Counter()
    for line in read_lines(results):
        for stage, milliseconds in line["latency_ms"].items():
            total[stage if stage in REID_STAGES else "people"] += milliseconds / 1e3
    return dict(total)


def simulate(folder: Path, *flags: str) -> Path:
    """A recording by `despite simulate`."""
    command = [sys.executable, "-m", "despite_ros.cli", "simulate", "--out", str(folder), *flags]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder


def huge_file(room: Path, huge: Path, size: int = HUGE) -> Path:
    """The recording in `room` with a hole behind it, `size` bytes long."""
    shutil.copy(room / "recording.mcap", huge)
    os.truncate(huge, size)
    return huge


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recording", type=Path, help="folder as `despite simulate` writes it")
    parser.add_argument("--minutes", type=int, default=0, help="of the loop whose memory is noted")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        flags = ("--people", "8", "--wearers", "8", "--absent", "0", "--sensor", "os1_64", "--seconds", "60")
        room = args.recording or simulate(folder / "room", *flags)
        found: dict[str, Any] = {"cores": os.cpu_count(), "load_before": os.getloadavg()[0]}
        found["sixty_seconds"] = replayed(room, room, folder / "out")
        small = simulate(folder / "small", "--people", "2", "--wearers", "1", "--seconds", "3")
        huge = huge_file(small, folder / "huge.mcap")
        found["ten_gigabytes"] = replayed(huge, small, folder / "huge")
        if args.minutes:
            found["mb_after_each_minute"] = memory_curve(room, args.minutes)
    OUT.parent.mkdir(exist_ok=True)
    before = json.loads(OUT.read_text()) if OUT.exists() else {}
    write_json(OUT, before | found)
    print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
