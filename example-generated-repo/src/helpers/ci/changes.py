"""Which files changed between two commits, and which of them can change a model. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from helpers.ci.job import BRANCHES, Job
from helpers.github_api import ApiError
from helpers.processes import Answer, capture

HARMLESS = (
    "docs/**",
    "tests/**",
    "notebooks/**",
    "*.md",
    "**/README*",
    "LICENSE*",
    ".gitignore",
    ".gitattributes",
    ".editorconfig",
    ".github/**",
    ".vscode/**",
    ".idea/**",
)
"""What no model is made of. A pattern without a slash means the repository's root."""
MOST_FILES = 300
"""GitHub names no more files between two commits."""


@dataclass(frozen=True)
class Change:
    """What lies between two commits.

    Attributes:
        files: The files that differ; both names of one that was renamed.
        complete: Whether these are all.
    """

    files: tuple[str, ...]
    complete: bool = True


class UnknownCommit(Exception):
    """The commit is not part of this branch's history; the text says what is known."""


def changed_since(job: Job, commit: str, now: str) -> Change:
    """What changed since a commit, from the clone where it reaches so far, else from GitHub.

    Raises:
        UnknownCommit: The commit is no longer in the history.
        ApiError: GitHub cannot be asked.
    """
    if _git(job, "merge-base", "--is-ancestor", commit, now).code == 0:
        answer = _git(job, "diff", "--name-only", "--no-renames", "--no-ext-diff", "-z", commit, now)
        if answer.code == 0:
            return Change(tuple(name for name in answer.text.split("\0") if name))
    return _asked(job, commit, now)


def matters(files: Iterable[str], branch: str) -> list[str]:
    """The files that can change a model of a branch; the settings of other branches cannot."""
    own = f".github/workflows/{branch}.yml"
    others = tuple(f"src/pipelines/{name}/" for name in BRANCHES if name != branch)
    return [name for name in files if name == own or not (_harmless(name) or name.startswith(others))]


def _harmless(name: str) -> bool:
    return any(_fits(name, pattern) for pattern in HARMLESS)


def _fits(name: str, pattern: str) -> bool:
    if pattern.endswith("/**"):
        return name.startswith(pattern.removesuffix("**"))
    if pattern.startswith("**/"):
        return fnmatchcase(name.rpartition("/")[2], pattern.removeprefix("**/"))
    return "/" not in name and fnmatchcase(name, pattern)


def _asked(job: Job, commit: str, now: str) -> Change:
    try:
        found = job.github.get(f"compare/{commit}...{now}", per_page=1)
    except ApiError as error:
        if error.status == 404:
            raise UnknownCommit("it is no longer in the repository") from error
        raise
    state = found.get("status") if isinstance(found, dict) else None
    if state not in ("ahead", "identical"):
        raise UnknownCommit("it is no longer in the history of the branch")
    files = [item for item in found.get("files") or () if isinstance(item, dict)]
    names = {str(item[key]) for item in files for key in ("filename", "previous_filename") if item.get(key)}
    return Change(tuple(sorted(names)), complete=len(files) < MOST_FILES)


def _git(job: Job, *arguments: str) -> Answer:
    environ = {name: value for name, value in job.environ.items() if not re.match(r"GIT_|GITHUB_TOKEN$", name)}
    return capture(["git", "-c", "core.quotePath=false", *arguments], cwd=job.root, environ=environ)
