"""The workflows of a rendered repository: whether GitHub would read their steps, and run the actions in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, NamedTuple

from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import InvalidDocument
from mlopsgen.operations.sync_checks import Check
from mlopsgen.remote.document import REMOTE_DOCUMENT, ActionsText, RemoteDocument, read_document
from mlopsgen.remote.workflows import FOLDER
from mlopsgen.sync import trees

_STEP = {
    "continue-on-error", "env", "id", "if", "name", "run", "shell", "timeout-minutes", "uses", "with",
    "working-directory",
}  # fmt: skip
_GITHUBS = ("actions/", "github/")
_COMMIT = re.compile(r"[0-9a-f]{40}")


class _Read(NamedTuple):
    """A workflow, looked at: what is wrong with its steps, and the actions that these use."""

    problems: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()


def check_workflows(repository: GitRepository, tree: str) -> tuple[Check, ...]:
    """Look at the workflows in a tree.

    Args:
        repository: Where it lies.
        tree: A rendered repository.
    """
    files = trees.listing(repository, tree)
    wanted = {path: entry.blob for path, entry in files.items() if path.startswith(f"{FOLDER}/")}
    document = files.get(REMOTE_DOCUMENT)
    blobs = trees.blobs(repository, [*wanted.values(), *([document.blob] if document else [])])
    texts = {path: blobs[blob].decode("utf-8", "replace") for path, blob in wanted.items() if blob in blobs}
    found = {path: _read(text) for path, text in sorted(texts.items())}
    steps = [f"{path}: {problem}" for path, each in found.items() for problem in each.problems]
    remote = blobs[document.blob].decode("utf-8", "replace") if document and document.blob in blobs else ""
    uses = sorted({word for each in found.values() for word in each.uses})
    actions = list(_refused(remote, uses))
    return (
        Check(name="workflows have steps that GitHub reads", ok=not steps, detail="; ".join(steps)),
        Check(name="actions may run", ok=not actions, detail="; ".join(actions)),
    )


@lru_cache(maxsize=512)
def _read(text: str) -> _Read:
    """Look at a workflow; one that is no YAML is told elsewhere."""
    import yaml  # noqa: PLC0415 - only what checks pays for it

    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except yaml.YAMLError:
        return _Read()
    jobs = document.get("jobs") if isinstance(document, dict) else None
    if not isinstance(jobs, dict):
        return _Read(("it has no jobs",))
    problems = [problem for name, job in jobs.items() for problem in _of_job(str(name), job)]
    return _Read(tuple(problems), tuple(word for job in jobs.values() for word in _uses(job)))


def _uses(job: Any) -> Iterator[str]:
    if isinstance(job, Mapping):
        steps = job.get("steps")
        for each in (job, *(steps if isinstance(steps, list) else ())):
            if isinstance(each, Mapping) and isinstance(each.get("uses"), str):
                yield each["uses"]


def _of_job(name: str, job: Any) -> Iterator[str]:
    if not isinstance(job, dict):
        yield f"the job {name} is empty"
        return
    if "uses" in job:  # a workflow that is called
        return
    steps = job.get("steps")
    if not isinstance(steps, list):
        yield f"the job {name} has no list of steps"
        return
    known: set[str] = set()
    for number, step in enumerate(steps, start=1):
        yield from (f"step {number} of the job {name} {problem}" for problem in _of_step(step, known))


def _of_step(step: Any, known: set[str]) -> Iterator[str]:
    if not isinstance(step, Mapping):
        yield "is no step"
        return
    if ("run" in step) == ("uses" in step):
        yield "has to hold either 'run' or 'uses'"
    strange = sorted(str(key) for key in step if key not in _STEP)
    if strange:
        yield f"holds '{strange[0]}', which no step has"
    name = step.get("id")
    if isinstance(name, str):
        if name in known:
            yield f"has the id '{name}' of another step"
        known.add(name)


def _refused(remote: str, uses: list[str]) -> Iterator[str]:
    """The actions that the settings of ``.github/remote.yaml`` would not let run."""
    try:
        allowed = _allowed(remote)
    except InvalidDocument as error:
        yield f"{error.where}: {error.message}"
        return
    for word in uses:
        name, _, version = word.partition("@")
        if name.startswith(("./", "docker:")):
            continue
        if allowed.pinned is not False and not _COMMIT.fullmatch(version):
            yield f"'{word}' is not pinned to a commit, and only such actions may run ('pinned' of {REMOTE_DOCUMENT})"
        patterns = allowed.patterns or []
        is_open = allowed.allowed == "all" or (name.startswith(_GITHUBS) and allowed.github_owned is not False)
        if not is_open and not any(fnmatchcase(word, pattern) for pattern in patterns):
            yield f"GitHub refuses '{word}': add '{name}@*' to 'patterns' of template/{REMOTE_DOCUMENT}.jinja"


@lru_cache(maxsize=64)
def _allowed(remote: str) -> ActionsText:
    return (read_document(remote) if remote else RemoteDocument()).actions
