"""Convert a data set into a sequence store.

`python -m training.data.convert SOURCE PATH --out STORE [--workers 2] ...`

Every core works, a broken run goes on where it stopped, and what was left out stands with its reason in
`STORE/skipped.jsonl`. `python -m training.data.convert SOURCE --help` tells a source's options.
"""

import argparse
import itertools
import json
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, fields
from pathlib import Path

from tqdm import tqdm

from despite_ros.config import override
from despite_ros.errors import UserError
from training.command import command
from training.data.sources import SOURCES
from training.data.sources.base import Item, Record, Skip, Source
from training.data.store import SequenceStore, StoreWriter

MALFORMED = (OSError, ValueError, KeyError, IndexError, TypeError)  # what reading a wrong file can end in
AHEAD = 4  # items in the making, times the number of workers: bounds what waits in memory


def convert(source: Source, directory: Path, workers: int, every: int = 1) -> Counter[str]:
    """Fill a store from a source.

    every: make each so-manieth sequence only; a later run with 1 adds the others.
    Returns how often a reason to skip occurred, files and people left out of the reasons.

    Raises:
        UserError: the source is not there, the store holds another number of points, `every` is below 1.
    """
    if every < 1:
        raise UserError(f"every: {every} given, 1 is the least")
    reasons: Counter[str] = Counter()
    with (
        StoreWriter(directory, source.points) as writer,
        (directory / "skipped.jsonl").open("w") as skipped,
    ):
        work = list(itertools.islice(source.items(), 0, None, every))
        missing = [item for item in work if item.name not in writer.names]
        results = zip(missing, _results(source, missing, workers), strict=True)
        for item, found in tqdm(results, total=len(missing), unit="sequences", mininterval=5):
            skip = found if isinstance(found, Skip) else _added(writer, item, found)
            if skip:
                skipped.write(json.dumps(asdict(skip)) + "\n")
                reasons[skip.reason] += 1
    return reasons


def _added(writer: StoreWriter, item: Item | Skip, record: Record) -> Skip | None:
    """Write a sequence, or tell why it does not fit into the store."""
    try:
        writer.add(record.info, record.points, record.imu, record.joints)
    except UserError as error:
        return Skip(item.name, item.file, str(error))
    return None


def _results(source: Source, work: Iterable[Item | Skip], workers: int) -> Iterator[Record | Skip]:
    """What becomes of the items, in their order, with a bounded number of them in the making."""
    if workers <= 1:
        yield from (_result(source, item) for item in work)
        return
    waiting: deque[Future[Record | Skip]] = deque()
    with ProcessPoolExecutor(workers) as pool:
        for item in work:
            waiting.append(pool.submit(_result, source, item))
            if len(waiting) >= AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _result(source: Source, item: Item | Skip) -> Record | Skip:
    if isinstance(item, Skip):
        return item
    try:
        return source.read(item)
    except UserError as error:
        return Skip(item.name, item.file, str(error))
    except MALFORMED as error:
        return Skip(item.name, item.file, f"malformed: {type(error).__name__}: {error}")


@command("training.data.convert")
def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    args = _parser().parse_args(arguments)
    begin = time.monotonic()
    kind = SOURCES[args.source]
    values = {item.name: getattr(args, item.name) for item in fields(kind) if item.metadata}
    source = override(kind(args.path), values, f"training.data.convert {args.source}")
    reasons = convert(source, args.out, args.workers, args.every)
    print(_summary(args.out, reasons, time.monotonic() - begin))


def _summary(directory: Path, reasons: Counter[str], seconds: float) -> str:
    store = SequenceStore.open(directory)
    groups = Counter(item.info.group for item in store.sequences)
    size = sum(path.stat().st_size for path in directory.iterdir())
    lines = [
        f"{directory}: {len(store)} sequences ({', '.join(f'{n} {group}' for group, n in groups.items())}), "
        f"{len(store.windows())} windows, {size / 1e6:.0f} MB, {seconds:.0f} s",
        f"{sum(reasons.values())} skipped, each told in {directory / 'skipped.jsonl'}",
    ]
    return "\n".join(lines + [f"  {count} × {reason}" for reason, count in reasons.most_common(12)])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="training.data.convert",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sources = parser.add_subparsers(dest="source", required=True)
    for name, kind in SOURCES.items():
        own = sources.add_parser(name, help=(kind.__doc__ or "").split("\n")[0])
        own.add_argument("path", type=Path, help="where the data set lies")
        own.add_argument("--out", type=Path, required=True, help="store folder; an unfinished one goes on")
        own.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
        own.add_argument("--every", type=int, default=1, help="convert each so-manieth item only")
        for item in fields(kind):
            if item.metadata:
                flag, help_text = f"--{item.name.replace('_', '-')}", item.metadata["description"]
                own.add_argument(flag, type=type(item.default), default=item.default, help=help_text)
    return parser


if __name__ == "__main__":
    sys.exit(main())
