"""`despite doctor`."""

import argparse
import dataclasses
import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from despite_ros.doctor import Finding, Verdict, examine

HELP = (
    "What is installed and reachable: ROS, DDS, GPU, back ends, models, topics with their rates and quality "
    "of service; a verdict and a remedy for each. Status 1 if something that is needed is missing."
)
COLOURS = {Verdict.GOOD: "green", Verdict.OPTIONAL: "yellow", Verdict.BAD: "red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="how long topics are listened to; 0: not at all"
    )
    parser.add_argument("--wearers", type=Path, help="wearers file (YAML) whose topics should be there")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(args: argparse.Namespace) -> int:
    """Examine and say; 1 if something needed is missing."""
    findings = examine(args.seconds, args.wearers)
    if args.json:
        print(json.dumps([dataclasses.asdict(finding) for finding in findings]))
    else:
        _print(findings)
    return int(any(finding.verdict == Verdict.BAD for finding in findings))


def _print(findings: list[Finding]) -> None:
    table = Table()
    for column in ("what", "found", "verdict", "remedy"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        verdict = f"[{COLOURS[finding.verdict]}]{finding.verdict}"
        table.add_row(finding.what, finding.found, verdict, finding.remedy)
    Console().print(table)
