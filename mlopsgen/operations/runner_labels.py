"""What each branch asks a runner for: its configuration, as the workflows read it, else the answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    """The branches that ask for a runner of one's own, each with its labels.

    Raises:
        InvalidDocument: A branch's configuration cannot be read.
    """
    wanted = {branch: labels_of_branch(root, branch, answers) for branch in BRANCHES}
    return {branch: labels for branch, labels in wanted.items() if labels and not is_hosted(labels)}


def without_runner(
    wanted: Mapping[str, tuple[str, ...]], offered: Iterable[Iterable[str]]
) -> dict[str, tuple[str, ...]]:
    """The branches whose labels no runner has.

    Args:
        wanted: Branches with the labels that they ask for.
        offered: The labels of each runner that is online.
    """
    runners = [tuple(labels) for labels in offered]
    return {
        branch: labels for branch, labels in wanted.items() if not any(serves(runner, labels) for runner in runners)
    }
