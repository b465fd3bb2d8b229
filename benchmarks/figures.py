"""The figures: which programs run against which, and what the numbers should say."""

from __future__ import annotations

import hashlib
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
    plain = places.scratch / "template-folder"
    shutil.copytree(places.scratch / "template-repository", plain, ignore=shutil.ignore_patterns(".git"))
    copier: list[str | Path] = [places.tool / "copier", "copy", "--quiet", "--defaults"]

    def copies(kind: str, source: str | Path) -> Contender:
        return Contender(
            name=f"copier copy --defaults {kind}",
            command=lambda folder: [*copier, source, folder / "made"],
            environ=environ,
            check=lambda folder: _must((folder / "made" / "README.md").is_file(), "copier made nothing"),
        )

    timings = take_turns(
        [
            Contender(
                name="mlopsgen init --defaults (three branches, committed)",
                command=lambda folder: [places.tool / "mlopsgen", "init", "--defaults", folder / "made"],
                environ=environ,
                check=_has_three_branches,
            ),
            copies("(files only)", address),
            copies("from a plain folder (files only, no version to update from)", plain),
        ],
        repetitions=repetitions,
    )
    ours, *others = timings
    peer = min(others, key=lambda timing: timing.median)
    return Figure(
        key="P2",
        title="a new repository",
        goal="not slower than copier's own command line with the same template",
        met=ours.median <= peer.median,
        finding=f"{ours.median / peer.median:.2f} times copier's median, in the faster of its two ways.",
        timings=timings,
    )


def training(places: Places, repetitions: int) -> Figure:
    """P5: what the pipeline costs over a script that calls the same functions one after the other."""
    found: dict[str, object] = {}
    timings = take_turns(
        [_as_pipeline(places, found), *_as_script(places, found), _as_pipeline(places, found, workers="spawn")],
        repetitions=repetitions,
    )
    _must(len({json.dumps(result) for result in found.values()}) == 1, f"the results differ: {found}")
    ours, *scripts, _spawned = timings
    bare = min(scripts, key=lambda timing: timing.median)
    ratio = ours.median / bare.median
    return Figure(
        key="P5",
        title="a training",
        goal="at most 1.5 times a bare script that does the same steps, with the same results",
        met=ratio <= 1.5,
        finding=f"{ratio:.2f} times the median of the faster script; verdict and metrics of all are equal.",
        timings=timings,
    )


def _as_pipeline(places: Places, found: dict[str, object], *, workers: str = "auto") -> Contender:
    repository = make_repository(places, places.scratch / f"training-{workers}")
    config = repository / "src" / "pipelines" / "development" / "config.yaml"
    config.write_text(f"{config.read_text(encoding='utf-8')}workers: {workers}\n", encoding="utf-8")
    name = "pipeline" if workers == "auto" else f"pipeline, workers: {workers}"
    verb: list[str | Path] = [
        places.runtime / "bin" / "python",
        "-m",
        "pipelines.development.main",
        "run",
        "--run-directory",
    ]
    return Contender(
        name=name,
        command=lambda folder: [*verb, folder / "run"],
        environ=_training_environ(places, repository, name),
        check=_remember(found, name),
    )


def _as_script(places: Places, found: dict[str, object]) -> list[Contender]:
    repository = make_repository(places, places.scratch / "training-script")
    program: list[str | Path] = [
        places.runtime / "bin" / "python",
        ROOT / "benchmarks" / "bare_training.py",
        repository,
    ]
    # The steps import kfp for their annotations; with _KFP_RUNTIME it brings only those types, as it does in a step.
    kinds = {"bare script": {}, "bare script, kfp for types only": {"_KFP_RUNTIME": "true"}}
    return [
        Contender(
            name=name,
            command=lambda folder: [*program, folder],
            environ=_training_environ(places, repository, name) | more,
            check=_remember(found, name),
        )
        for name, more in kinds.items()
    ]


def _training_environ(places: Places, repository: Path, name: str) -> dict[str, str]:
    """Each contender has an MLflow store of its own, which its warm-up round creates."""
    store = places.scratch / f"{name.replace(' ', '-').replace(',', '').replace(':', '')}.db"
    return places.environ(
        PYTHONPATH=str(repository / "src"), MLOPSGEN_ROOT=str(repository), MLFLOW_TRACKING_URI=f"sqlite:///{store}"
    )


def _remember(found: dict[str, object], name: str) -> Callable[[Path], None]:
    def check(folder: Path) -> None:
        report = json.loads(next(folder.rglob("report.json")).read_text(encoding="utf-8"))
        decision = report["decision"]
        found[name] = [decision["passed"], {rule["name"]: rule["value"] for rule in decision["metrics"]}]

    return check


def compiling(places: Places, repetitions: int) -> Figure:
    """P6: compiling a pipeline over what importing kfp costs anyhow, and how large the package is."""
    repository = make_repository(places, places.scratch / "compiling")
    # kfp takes a folder as it is: what our own contenders leave in theirs (byte code) is not to be among it.
    sources = places.scratch / "sources-for-kfp"
    shutil.copytree(repository / "src", sources)
    python = places.runtime / "bin" / "python"
    environ = places.environ(PYTHONPATH=str(repository / "src"))
    sizes: dict[str, set[tuple[int, str]]] = {}

    def contender(name: str, *command: str | Path) -> Contender:
        def note(folder: Path) -> None:
            _must(not any(sources.rglob("*.pyc")), "byte code lies among what kfp embeds")
            package = (folder / "package.yaml").read_bytes()
            sizes.setdefault(name, set()).add((len(package), hashlib.sha256(package).hexdigest()))

        return Contender(
            name=name,
            command=lambda folder: [python, *(folder / part if part == "package.yaml" else part for part in command)],
            environ=environ,
            check=note,
        )

    verb = ("-m", "pipelines.development.main", "compile", "--to", "package.yaml")
    digest = f"registry.example/model@sha256:{'1' * 64}"
    inside, by_kfp = "for Kubeflow, the code inside", "kfp alone, seven steps, the code embedded by kfp"
    ours, image, _, alone, _ = timings = take_turns(
        [
            contender("compile (python -m pipelines.development.main compile)", *verb),
            contender("for Kubeflow, the code in an image", *verb, "--engine", "kubeflow", "--image", digest),
            contender(inside, *verb, "--engine", "kubeflow"),
            Contender(name="import kfp alone", command=_fixed(python, "-c", "import kfp"), environ=environ),
            contender(by_kfp, ROOT / "benchmarks" / "kfp_alone.py", sources, "package.yaml"),
        ],
        repetitions=repetitions,
    )
    ratio, ratio_image = (timing.median / alone.median for timing in (ours, image))
    bytes_of = {name: max(size for size, _ in found) for name, found in sizes.items()}
    same = {name: len({digest for _, digest in found}) == 1 for name, found in sizes.items()}
    met = ratio <= 1.1 and same[inside] and bytes_of[inside] < min(1_000_000, bytes_of[by_kfp])
    return Figure(
        key="P6",
        title="compiling",
        goal="at most 1.1 times `import kfp` alone; with the code inside the same bytes each time, less than 1 MB, "
        "and smaller than by kfp itself",
        met=met,
        finding=f"{ratio:.2f} times the median of importing kfp ({ratio_image:.2f} for Kubeflow with an image). Sizes: "
        f"{bytes_of[image.name]:,} bytes with an image, {bytes_of[inside]:,} with the code inside "
        f"({'the same' if same[inside] else 'other'} bytes each time), {bytes_of[by_kfp]:,} by kfp itself "
        f"({'the same' if same[by_kfp] else 'other'} bytes each time).",
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


def make_repository(places: Places, folder: Path) -> Path:
    """A repository with the defaults, as a person gets it."""
    shutil.rmtree(folder, ignore_errors=True)
    command: list[str | Path] = [places.tool / "mlopsgen", "init", "--defaults", folder]
    subprocess.run(command, cwd=folder.parent, env=places.environ(), check=True, capture_output=True)
    return folder
