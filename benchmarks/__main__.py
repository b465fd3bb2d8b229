"""``python -m benchmarks [FIGURE ...]``: measure, write results.json, and make the page of the documentation again."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import figures, fleet, outcome, pushing, watching
from benchmarks.places import ROOT, Places

FOLDER = ROOT / "benchmarks"
# Each figure with its repetitions: many for what takes milliseconds, few for what takes seconds.
FIGURES: dict[str, tuple[Callable[[Places, int], outcome.Figure], int]] = {
    "P1": (figures.start_up, 15),
    "P2": (figures.making_a_repository, 9),
    "P3": (pushing.pushing, 5),
    "P4": (fleet.fleets, 3),
    "P5": (figures.training, 5),
    "P6": (figures.compiling, 7),
    "P7": (watching.watching, 3),
}


def main() -> int:
    """Measure the figures that were named (all without a name); 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure mlopsgen beside its peers.")
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"some of {', '.join(FIGURES)}; all by default")
    parser.add_argument("--peers", type=Path, default=ROOT / "build" / "peers-venv", help="environment of the peers")
    parser.add_argument(
        "--runtime", type=Path, default=ROOT / "build" / "template-venv", help="environment of the generated repository"
    )
    parser.add_argument("--repetitions", type=int, help="instead of each figure's own number")
    parser.add_argument(
        "--write", action="store_true", help="put these figures beside the earlier ones in results.json"
    )
    options = parser.parse_args()
    wanted = options.figures or list(FIGURES)
    unknown = [name for name in wanted if name not in FIGURES]
    if unknown:
        parser.error(f"there is no figure {', '.join(unknown)}; choose from {', '.join(FIGURES)}")

    measured = []
    with tempfile.TemporaryDirectory(prefix="mlopsgen-benchmarks-") as scratch:
        home = Path(scratch, "home")
        home.mkdir()
        places = Places(
            peers=options.peers.absolute(), runtime=options.runtime.absolute(), home=home, scratch=Path(scratch)
        )
        for name in wanted:
            measure, repetitions = FIGURES[name]
            print(f"{name}: measuring ...", file=sys.stderr, flush=True)
            figure = measure(places, options.repetitions or repetitions)
            print(f"{name}: {figure.finding}", file=sys.stderr, flush=True)
            measured.append(figure)
        peers = {
            name: places.version_in(places.peers, name)
            for name in ("copier", "cookiecutter", "cruft", "kedro", "zenml", "dvc")
        }
        runtime = {name: places.version_in(places.runtime, name) for name in ("kfp", "mlflow", "scikit-learn")}

    document = outcome.document(measured, peers | runtime)
    if options.write:
        document = outcome.merged(json.loads((FOLDER / "results.json").read_text(encoding="utf-8")), document)
    text = outcome.markdown(document)
    if options.write or set(wanted) == set(FIGURES):
        (FOLDER / "results.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        subprocess.run([sys.executable, ROOT / "tools" / "generate.py"], cwd=ROOT, check=True)
    print(text)
    return 0 if all(figure.met for figure in measured) else 1


if __name__ == "__main__":
    raise SystemExit(main())
