"""What the workflow files of a repository use and report, read from their texts without running anything.

Of a repository that our pipelines are not in, they are all that says what it needs on GitHub.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from mlopsgen.adapters.yaml_lines import read as read_yaml
from mlopsgen.errors import InvalidDocument

FOLDER = ".github/workflows"

_COMMIT = re.compile(r"[0-9a-f]{40}")
_USES = re.compile(r"(?P<owner>[\w.-]+)/(?P<name>[\w./-]+)@(?P<version>\S+)")
_GITHUBS = ("actions", "github")
_SECRET = re.compile(r"\bsecrets\s*(?:\.\s*([A-Za-z_]\w*)|\[\s*'([A-Za-z_]\w*)'\s*\])")
_OF_EACH_RUN = "GITHUB_TOKEN"
_ON_PULL_REQUESTS = ("pull_request", "pull_request_target")


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job of a workflow.

    Attributes:
        file: The workflow's file, without its folder.
        environment: The environment that it names; empty for none, and for one that an expression chooses.
        check: What it reports its end as; empty where that is several names, or no certain one.
        secrets: The secrets that it uses.
    """

    file: str
    environment: str = ""
    check: str = ""
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """A workflow file.

    Attributes:
        name: The file, without its folder.
        jobs: Its jobs.
        reviewed: The branches whose every pull request starts it, as patterns; the rest of them with '!'.
        pushed: The branches whose pushes start it, in the same way; nothing for no push.
    """

    name: str
    jobs: tuple[Job, ...]
    reviewed: tuple[str, ...] = ()
    pushed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Workflows:
    """What all workflow files say.

    Attributes:
        files: Each of them that can be read.
        actions: The actions that are neither GitHub's nor the repository's own, as patterns of GitHub's settings.
        pinned: Whether every action is pinned to a commit.
    """

    files: tuple[Workflow, ...] = ()
    actions: tuple[str, ...] = ()
    pinned: bool = True

    def reports(self, check: str, branches: Iterable[str]) -> bool:
        """Whether every pull request to these branches gets to know how a check ended."""
        return all(
            any(
                matches(branch, one.reviewed) and any(job.check == check for job in one.jobs)
                for one in self.files
                if one.reviewed
            )
            for branch in branches
        )

    def secrets(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """The secrets that jobs use: environment (empty: none) and name, with the files."""
        found: dict[tuple[str, str], dict[str, None]] = {}
        for job in (job for one in self.files for job in one.jobs):
            for name in job.secrets:
                found.setdefault((job.environment, name), {})[job.file] = None
        return {key: tuple(files) for key, files in sorted(found.items())}

    def idle(self, branches: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The files that wait for pushes to other branches than these alone, with the branches that they name."""
        return {
            one.name: one.pushed
            for one in self.files
            if one.pushed and not any(matches(branch, one.pushed) for branch in branches)
        }


def matches(branch: str, patterns: Sequence[str]) -> bool:
    """Whether a branch fits a list of patterns, as workflows write it: the last one that fits decides."""
    found = False
    for pattern in patterns:
        if fnmatchcase(branch, pattern.removeprefix("!")):
            found = not pattern.startswith("!")
    return found


def read_workflows(texts: Mapping[str, str]) -> Workflows:
    """What workflow files say; one that is no YAML says nothing, and GitHub tells its owner so.

    Args:
        texts: The text of each file by its name.
    """
    documents = {name: document for name, text in sorted(texts.items()) if (document := _document(text))}
    used = [found for document in documents.values() for word in _uses(document) if (found := _USES.fullmatch(word))]
    others = {f"{each['owner']}/{each['name']}@*" for each in used if each["owner"].lower() not in _GITHUBS}
    return Workflows(
        files=tuple(_workflow(name, document) for name, document in documents.items()),
        actions=tuple(sorted(others)),
        pinned=all(_COMMIT.fullmatch(each["version"]) for each in used),
    )


def _document(text: str) -> dict[str, Any]:
    try:
        found = read_yaml(text, FOLDER, "").value
    except InvalidDocument:
        return {}
    # The word 'on' means true in the YAML that PyYAML reads.
    return {"on" if key is True else str(key): value for key, value in found.items()}


def _workflow(name: str, document: Mapping[str, Any]) -> Workflow:
    events = _events(document.get("on"))
    general = _secrets({key: value for key, value in document.items() if key != "jobs"})
    jobs = document.get("jobs")
    return Workflow(
        name=name,
        jobs=tuple(_job(name, str(key), job, general) for key, job in _mapping(jobs).items() if isinstance(job, dict)),
        reviewed=next((_branches(events[each]) for each in _ON_PULL_REQUESTS if _is_always(events.get(each))), ()),
        pushed=_branches(events["push"]) if _is_of_branches(events.get("push")) else (),
    )


def _job(file: str, key: str, job: Mapping[str, Any], general: Iterable[str]) -> Job:
    environment = job.get("environment")
    named = _mapping(environment).get("name") if isinstance(environment, dict) else environment
    check = str(job.get("name") or key)
    # A matrix makes several checks of a job, a called workflow others, and an expression any.
    is_one = "uses" not in job and "matrix" not in _mapping(job.get("strategy")) and "${{" not in check
    return Job(
        file=file,
        environment=str(named) if isinstance(named, str) and "${{" not in named else "",
        check=check if is_one else "",
        secrets=tuple(sorted({*general, *_secrets(job)})),
    )


def _events(value: Any) -> dict[str, Mapping[str, Any]]:
    if isinstance(value, str):
        return {value: {}}
    if isinstance(value, list):
        return {str(each): {} for each in value}
    return {str(key): _mapping(given) for key, given in _mapping(value).items()}


def _is_always(event: Mapping[str, Any] | None) -> bool:
    """Whether no pull request to a branch is left out because of the files that it changes, or of what happened."""
    return event is not None and not {"paths", "paths-ignore"} & event.keys() and _opens(event.get("types"))


def _opens(types: Any) -> bool:
    return types is None or (isinstance(types, list) and {"opened", "synchronize"} <= set(map(str, types)))


def _is_of_branches(event: Mapping[str, Any] | None) -> bool:
    if event is None:
        return False
    return bool({"branches", "branches-ignore"} & event.keys()) or not {"tags", "tags-ignore"} & event.keys()


def _branches(event: Mapping[str, Any]) -> tuple[str, ...]:
    if "branches" in event:
        return _words(event["branches"])
    if "branches-ignore" in event:
        return ("**", *(f"!{name}" for name in _words(event["branches-ignore"])))
    return ("**",)


def _words(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),) if value else ()


def _uses(value: Any) -> Iterator[str]:
    """What ``uses:`` names, wherever it stands."""
    if isinstance(value, dict):
        for key, below in value.items():
            if key == "uses" and isinstance(below, str):
                yield below
            else:
                yield from _uses(below)
    elif isinstance(value, list):
        for below in value:
            yield from _uses(below)


def _secrets(value: Any) -> set[str]:
    """The secrets that expressions name, wherever they stand."""
    if isinstance(value, str):
        names = {one or other for one, other in _SECRET.findall(value)} if "${{" in value else set()
        return {name.upper() for name in names} - {_OF_EACH_RUN}
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {name for each in below for name in _secrets(each)}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
