"""The figures: which programs run against which, and what the numbers should say."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.measure import Contender, take_turns
from benchmarks.outcome import Figure
from benchmarks.places import ROOT, Places, template_repository

BARE = "bare Python"


def start_up(places: Places, repetitions: int) -> Figure:
    """P1: how long a person waits for ``--help``."""
    environ = places.environ()
    peers = [
        Contender(name=f"{name} --help", command=_fixed(places.peers / "bin" / name, "--help"), environ=environ)
        for name in ("copier", "cookiecutter", "kedro", "zenml")
    ]
    timings = take_turns(
        [
            Contender(name="mlopsgen --help", command=_fixed(places.tool / "mlopsgen", "--help"), environ=environ),
            Contender(name=BARE, command=_fixed(places.tool / "python", "-c", "pass"), environ=environ),
            *peers,
        ],
        repetitions=repetitions,
    )
    ours, bare, *others = timings
    over = (ours.least - bare.least) * 1000
    fastest = min(others, key=lambda timing: timing.median)
    return Figure(
        key="P1",
        title="start-up",
        goal="the fastest of them, at most 125 ms over bare Python",
        met=ours.median < fastest.median and over <= 125,
        finding=f"{over:.0f} ms over bare Python; the fastest peer needs {(fastest.least - bare.least) * 1000:.0f} ms.",
        timings=timings,
    )


def making_a_repository(places: Places, repetitions: int) -> Figure:
    """P2: from a command to a repository."""
    environ = places.environ()
    address = template_repository(places.scratch / "template-repository", environ)
    copier: list[str | Path] = [places.tool / "copier", "copy", "--quiet", "--defaults", address]
    timings = take_turns(
        [
            Contender(
                name="mlopsgen init --defaults (three branches, committed)",
                command=lambda folder: [places.tool / "mlopsgen", "init", "--defaults", folder / "made"],
                environ=environ,
                check=_has_three_branches,
            ),
            Contender(
                name="copier copy --defaults (files only)",
                command=lambda folder: [*copier, folder / "made"],
                environ=environ,
                check=lambda folder: _must((folder / "made" / "README.md").is_file(), "copier made nothing"),
            ),
        ],
        repetitions=repetitions,
    )
    ours, peer = timings
    return Figure(
        key="P2",
        title="a new repository",
        goal="not slower than copier's own command line with the same template",
        met=ours.median <= peer.median,
        finding=f"{ours.median / peer.median:.2f} times copier's median.",
        timings=timings,
    )


def training(places: Places, repetitions: int) -> Figure:
    """P5: what the pipeline costs over a script that calls the same functions one after the other."""
    repository = _repository(places, places.scratch / "training")
    python: str | Path = places.runtime / "bin" / "python"
    found: dict[str, object] = {}

    def remember(name: str) -> Callable[[Path], None]:
        def check(folder: Path) -> None:
            report = json.loads(next(folder.rglob("report.json")).read_text(encoding="utf-8"))
            decision = report["decision"]
            found[name] = (decision["passed"], {rule["name"]: rule["value"] for rule in decision["metrics"]})

        return check

    # Each has a store of its own, which its warm-up round creates.
    environ = places.environ(PYTHONPATH=str(repository / "src"), MLOPSGEN_ROOT=str(repository))
    verb = [python, "-m", "pipelines.development.main", "run", "--run-directory"]
    script = [python, ROOT / "benchmarks" / "bare_training.py", repository]
    timings = take_turns(
        [
            Contender(
                name="pipeline (python -m pipelines.development.main run)",
                command=lambda folder: [*verb, folder / "run"],
                environ=environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{places.scratch}/pipeline.db"},
                check=remember("pipeline"),
            ),
            Contender(
                name="bare script, same functions",
                command=lambda folder: [*script, folder],
                environ=environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{places.scratch}/script.db"},
                check=remember("script"),
            ),
        ],
        repetitions=repetitions,
    )
    _must(found["pipeline"] == found["script"], f"the results differ: {found}")
    ours, bare = timings
    ratio = ours.median / bare.median
    return Figure(
        key="P5",
        title="a training",
        goal="at most 1.5 times a bare script that does the same steps, with the same results",
        met=ratio <= 1.5,
        finding=f"{ratio:.2f} times the script's median; the metrics of both are equal.",
        timings=timings,
    )


def compiling(places: Places, repetitions: int) -> Figure:
    """P6: compiling a pipeline over what importing kfp costs anyhow."""
    repository = _repository(places, places.scratch / "compiling")
    python = places.runtime / "bin" / "python"
    environ = places.environ(PYTHONPATH=str(repository / "src"))
    timings = take_turns(
        [
            Contender(
                name="compile (python -m pipelines.development.main compile)",
                command=lambda folder: [
                    python,
                    "-m",
                    "pipelines.development.main",
                    "compile",
                    "--to",
                    folder / "package.yaml",
                ],
                environ=environ,
                check=lambda folder: _must((folder / "package.yaml").is_file(), "nothing was compiled"),
            ),
            Contender(name="import kfp alone", command=_fixed(python, "-c", "import kfp"), environ=environ),
        ],
        repetitions=repetitions,
    )
    ours, alone = timings
    ratio = ours.median / alone.median
    return Figure(
        key="P6",
        title="compiling",
        goal="at most 1.1 times `import kfp` alone",
        met=ratio <= 1.1,
        finding=f"{ratio:.2f} times the median of importing kfp.",
        timings=timings,
    )


def _fixed(*command: str | Path) -> Callable[[Path], Sequence[str | Path]]:
    def made(_folder: Path) -> Sequence[str | Path]:
        return command

    return made


def _must(condition: bool, message: str) -> None:
    if not condition:
        raise RuntimeError(message)


def _has_three_branches(folder: Path) -> None:
    names = subprocess.run(
        ["git", "for-each-ref", "--format=%(refname:short)", "refs/heads"],
        cwd=folder / "made",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    _must(names == ["development", "production", "staging"], f"unexpected branches: {names}")


def _repository(places: Places, folder: Path) -> Path:
    """A repository with the defaults, as a person gets it."""
    shutil.rmtree(folder, ignore_errors=True)
    command: list[str | Path] = [places.tool / "mlopsgen", "init", "--defaults", folder]
    subprocess.run(command, cwd=folder.parent, env=places.environ(), check=True, capture_output=True)
    return folder
