"""What a benchmark run leaves behind: one JSON document and the Markdown table made from it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.measure import Timing

VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured question.

    Attributes:
        key: Its short name (``P1``).
        title: What was measured.
        goal: What it should be.
        met: Whether it is.
        finding: The numbers behind that verdict, in words.
        timings: Every contender, ours first.
        repetitions: How often each ran.
    """

    key: str
    title: str
    goal: str
    met: bool
    finding: str
    timings: Sequence[Timing]

    def as_document(self) -> dict[str, Any]:
        """The figure as JSON values."""
        rows = [
            {
                "name": timing.name,
                "least_seconds": round(timing.least, 4),
                "median_seconds": round(timing.median, 4),
                "runs_seconds": [round(seconds, 4) for seconds in timing.runs],
            }
            for timing in self.timings
        ]
        return {
            "id": self.key,
            "title": self.title,
            "goal": self.goal,
            "met": self.met,
            "finding": self.finding,
            "rows": rows,
        }


def document(figures: Sequence[Figure], versions: dict[str, str]) -> dict[str, Any]:
    """The whole outcome, with the machine that it was measured on and the day of each figure."""
    day = datetime.now(UTC).date().isoformat()
    return {
        "version": VERSION,
        "measured": day,
        "machine": _machine(),
        "versions": _own_versions() | versions,
        "figures": [figure.as_document() | {"measured": day} for figure in figures],
    }


def merged(earlier: dict[str, Any], newer: dict[str, Any]) -> dict[str, Any]:
    """An earlier outcome with the figures of a newer one in the place of its own.

    Raises:
        ValueError: They were measured on different machines, or with different versions, so that they do not belong
            into one table.
    """
    for kind, named in (("machine", "of another machine"), ("versions", "of other versions")):
        if earlier[kind] != newer[kind]:
            raise ValueError(f"The earlier figures are {named}; measure all of them.")
    figures = {figure["id"]: figure for figure in [*earlier["figures"], *newer["figures"]]}  # each keeps its day
    return newer | {"figures": [figures[key] for key in sorted(figures)]}


def markdown(outcome: dict[str, Any]) -> str:
    """The table that people read."""
    machine = ", ".join(f"{value}" for value in outcome["machine"].values())
    versions = ", ".join(f"{name} {version}" for name, version in outcome["versions"].items())
    lines = [
        "# Results",
        "",
        f"Measured on {outcome['measured']}. Machine: {machine}. Versions: {versions}.",
        "",
        "Contenders take turns within a run. *Least* is the fastest repetition, *median* the one in the middle;",
        "compare within a table, not between machines.",
    ]
    for figure in outcome["figures"]:
        verdict = "met" if figure["met"] else "**not met**"
        lines += ["", f"## {figure['id']}: {figure['title']}", ""]
        lines += [f"Goal: {figure['goal']} — {verdict}. {figure['finding']}", ""]
        lines += ["| program | least | median | repetitions |", "|---|---:|---:|---:|"]
        for row in figure["rows"]:
            least, median = _seconds(row["least_seconds"]), _seconds(row["median_seconds"])
            lines.append(f"| {row['name']} | {least} | {median} | {len(row['runs_seconds'])} |")
    return "\n".join([*lines, ""])


def _seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def _machine() -> dict[str, str]:
    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        models = [
            line.partition(":")[2].strip()
            for line in information.read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ]
        processor = models[0] if models else processor
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"processor": processor, "cores": f"{cores} cores", "system": f"{platform.system()} {platform.machine()}"}


def _own_versions() -> dict[str, str]:
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
    return {
        "mlopsgen": importlib.metadata.version("mlopsgen"),
        "Python": platform.python_version(),
        "git": git,
    }
