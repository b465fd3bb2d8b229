"""What each branch and each workflow asks a runner for, and the command that brings one."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mlopsgen.constants import BRANCHES
from mlopsgen.errors import InvalidDocument
from mlopsgen.questions import Value
from mlopsgen.remote.runners import is_hosted, labels_of, serves


def configuration_of(root: Path, branch: str) -> Path:
    """The file that says how a branch trains."""
    return root / "src" / "pipelines" / branch / "config.yaml"


def labels_of_branch(root: Path, branch: str, answers: Mapping[str, Value]) -> tuple[str, ...]:
    """The labels of the runner that trains a branch.

    Raises:
        InvalidDocument: The branch's configuration cannot be read.
    """
    path = configuration_of(root, branch)
    found: object = None
    if path.is_file():
        import yaml  # noqa: PLC0415 - costs time that other commands do not have to spend

        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise InvalidDocument(
                f"The configuration of {branch} cannot be read.", where=str(path), hint="Correct or restore the file."
            ) from error
        found = document.get("runner") if isinstance(document, dict) else None
    if isinstance(found, list):
        return labels_of([str(label) for label in found])
    return labels_of(found if isinstance(found, str) else str(answers.get(f"{branch}_runner", "")))


def own_labels(root: Path, answers: Mapping[str, Value]) -> dict[str, tuple[str, ...]]:
    """The branches, and the jobs of workflow files, that ask for a runner of one's own, each with its labels.

    Raises:
        InvalidDocument: A branch's configuration cannot be read.
    """
    wanted = {branch: labels_of_branch(root, branch, answers) for branch in BRANCHES}
    known = set(wanted.values())
    wanted |= {name: labels for name, labels in _labels_of_workflows(root) if labels not in known}
    return {name: labels for name, labels in wanted.items() if labels and not is_hosted(labels)}


def command_for(asking: str, labels: Iterable[str]) -> str:
    """The command that adds a runner for a branch or for a workflow file."""
    words = ["--branch", asking] if asking in BRANCHES else ["--labels", ",".join(labels)]
    return shlex.join(["mlopsgen", "runner", "add", *words])


def _labels_of_workflows(root: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What the jobs of the workflow files ask for; what an expression will say is not known."""
    import yaml  # noqa: PLC0415 - costs time that other commands do not have to spend

    for path in sorted((root / ".github" / "workflows").glob("*.y*ml")):
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError, UnicodeDecodeError):
            continue  # GitHub says what is wrong with it
        jobs = document.get("jobs") if isinstance(document, dict) else None
        for name, job in jobs.items() if isinstance(jobs, dict) else ():
            runs_on = job.get("runs-on") if isinstance(job, dict) else None
            given = runs_on.get("labels") if isinstance(runs_on, dict) else runs_on
            labels = tuple(map(str, given)) if isinstance(given, list) else (str(given),) if given else ()
            if not any("${{" in label for label in labels):
                yield f"{path.name}: {name}", labels


def without_runner(
    wanted: Mapping[str, tuple[str, ...]], offered: Iterable[Iterable[str]]
) -> dict[str, tuple[str, ...]]:
    """The branches and workflows whose labels no runner has.

    Args:
        wanted: Who asks, with the labels.
        offered: The labels of each runner that is online.
    """
    runners = [tuple(labels) for labels in offered]
    return {
        branch: labels for branch, labels in wanted.items() if not any(serves(runner, labels) for runner in runners)
    }
