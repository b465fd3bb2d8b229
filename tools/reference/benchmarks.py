"""``docs/explanation/benchmarks.md``: the figures of ``benchmarks/results.json``, with what they mean."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from reference.markdown import joined, prose, table

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"

HEAD = """# Benchmarks

How fast `mlopsgen` is beside other tools, measured in the same run on the same machine, and where it misses its goals.

<!-- Generated from benchmarks/results.json and notes.yaml by `make generate`; do not edit. -->
"""

REPEAT = """## Measure it yourself

```console
$ make bench
```

That installs the peers from a lock of their own into `build/peers-venv`, measures everything, and writes
`benchmarks/results.json` and this page again. 1,000 repositories at both distances (P4) take 25 minutes on two quiet
cores, the others about 15 more. Some figures alone, without writing anything:

```console
$ .venv/bin/python -m benchmarks P1 P6
```

[benchmarks/README.md](../../benchmarks/README.md) says how the programs are laid out.
"""


def page() -> str:
    """The page."""
    outcome = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))
    notes: dict[str, dict[str, str]] = yaml.safe_load((FOLDER / "notes.yaml").read_text(encoding="utf-8"))
    figures = outcome["figures"]
    return joined(
        HEAD,
        _machine(outcome),
        table(("figure", "question", "measured", "goal reached"), _summary(figures, notes)),
        *(part for figure in figures for part in _figure(figure, notes[figure["id"]])),
        REPEAT,
    )


def _machine(outcome: Mapping[str, Any]) -> str:
    machine = ", ".join(outcome["machine"].values())
    versions = ", ".join(f"{name} {version}" for name, version in outcome["versions"].items())
    return joined(
        f"Measured on {_days(outcome)}. Machine: {machine}. Versions: {versions}.",
        "Contenders take turns within a run, after a round to warm up that does not count (but for P4, and the million "
        "objects of P7). *Least* is the fastest repetition, *median* the one in the middle. Compare within a table: "
        "numbers of different machines say nothing about each other.",
    )


def _days(outcome: Mapping[str, Any]) -> str:
    """The day of the measurement; where figures were measured on several, which on which."""
    days: dict[str, list[str]] = {}
    for figure in outcome["figures"]:
        days.setdefault(figure["measured"], []).append(figure["id"])
    if len(days) == 1:
        return next(iter(days))
    return "; ".join(f"{day} ({', '.join(names)})" for day, names in sorted(days.items()))


def _summary(figures: list[dict[str, Any]], notes: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, ...]]:
    for figure in figures:
        title = _title(figure)
        slug = "".join(each for each in title.lower() if each.isalnum() or each in " -").replace(" ", "-")
        verdict = "yes" if figure["met"] else "**no**"
        measured = figure["finding"].partition(". ")[0].removesuffix(".")
        yield f"[{figure['id']}](#{slug})", notes[figure["id"]]["question"], prose(measured), verdict


def _title(figure: Mapping[str, Any]) -> str:
    return f"{figure['id']}: {figure['title']}"


def _figure(figure: dict[str, Any], note: Mapping[str, str]) -> Iterator[str]:
    yield f"## {_title(figure)}"
    yield f"{note['question']} Beside it: {note['peers'][:1].lower()}{note['peers'][1:]}"
    yield f"**Goal:** {prose(figure['goal'])}."
    yield f"**Measured:** {prose(figure['finding'])} The goal is {'reached' if figure['met'] else 'missed'}."
    if not figure["met"]:
        yield f"**Why it is missed:** {_missed(figure, note)}"
    rows = [
        (prose(row["name"]), _time(row["least_seconds"]), _time(row["median_seconds"]), str(len(row["runs_seconds"])))
        for row in figure["rows"]
    ]
    yield table(("program", "least", "median", "repetitions"), rows, right=(1, 2, 3))
    yield note.get("how", "")


def _missed(figure: Mapping[str, Any], note: Mapping[str, str]) -> str:
    """Why a goal is missed; what nobody has explained is said to be so."""
    if "missed" not in note:
        return "nobody has looked into it yet."
    paths = [row["median_seconds"] for row in figure["rows"] if "critical path: " in row["name"]]
    alone = [row["median_seconds"] for row in figure["rows"] if "one at a time" in row["name"]]
    again = [row["name"].split()[-2] for row in figure["rows"] if row["name"].startswith("push when nothing changed")]
    limit = f"{alone[0] / paths[0]:.1f}" if paths and alone else "some"
    return note["missed"].format(limit=limit, again=again[0] if again else "some").strip()


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"
