"""What the worker asks of the bare repository."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from . import process
from .layout import Layout

TRAINED = ("development", "staging", "production")
"""The branches that train: workflows, environments and champions bear these names."""
MAIN = TRAINED[0]
"""The only branch whose creation trains."""


class CheckoutError(Exception):
    """The commit's files could not be written."""


def is_nothing(commit: str) -> bool:
    """Whether git says "no commit" (a branch that is created or deleted); names are longer in a SHA-256 repository."""
    return not commit.strip("0")


def configuration_of(branch: str) -> str:
    """The file without which a commit is not trained on the branch."""
    return f"src/pipelines/{branch}/config.yaml"


def heads(layout: Layout, environ: Mapping[str, str]) -> dict[str, str]:
    """The branches with their commits."""
    done = _git(layout, environ, "for-each-ref", "--format=%(objectname) %(refname:strip=2)", "refs/heads/")
    if done.status != 0:
        return {}
    pairs = (line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    return {name: commit for commit, name in pairs}


def has_file(layout: Layout, environ: Mapping[str, str], commit: str, path: str) -> bool:
    """Whether the commit holds a file."""
    return _git(layout, environ, "cat-file", "-e", f"{commit}:{path}").status == 0


def is_forced(layout: Layout, environ: Mapping[str, str], old: str, new: str) -> bool:
    """Whether a push threw commits away."""
    return _git(layout, environ, "merge-base", "--is-ancestor", old, new).status == 1


def subject(layout: Layout, environ: Mapping[str, str], commit: str) -> str:
    """The first line of the commit's message."""
    done = _git(layout, environ, "show", "--no-patch", "--format=%s", commit)
    return process.printable(done.stdout.strip()) if done.status == 0 else ""


def export(layout: Layout, environ: Mapping[str, str], commit: str, destination: Path) -> None:
    """Write the commit's files, and nothing else, into a folder that is made for them.

    Raises:
        CheckoutError: The commit is not there, or the files cannot be written.
    """
    index = destination.with_name(f"{destination.name}.index")
    remove_tree(destination)
    index.unlink(missing_ok=True)
    destination.mkdir(parents=True)
    # An index of its own and no .git folder: nothing of one checkout can reach another, and none leaves traces in
    # the repository when it is killed.
    own = {**environ, "GIT_INDEX_FILE": str(index)}
    for arguments in (("read-tree", commit), ("checkout-index", "--all", "--force")):
        done = _git(layout, own, f"--work-tree={destination}", *arguments, cwd=destination)
        if done.status != 0:
            raise CheckoutError(done.stdout.strip() or f"git {arguments[0]} failed ({done.status})")
    index.unlink(missing_ok=True)


def remove_tree(path: Path) -> None:
    """Remove a folder, also when something in it was made read-only; what cannot be removed stays for the next time."""
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
        return
    for folder, _, _ in os.walk(path):
        try:
            Path(folder).chmod(0o700)
        except OSError:
            continue
    shutil.rmtree(path, ignore_errors=True)


def _git(layout: Layout, environ: Mapping[str, str], *arguments: str, cwd: Path | None = None) -> process.Ended:
    # With --git-dir git neither looks for a repository nor minds who owns it.
    argv = ["git", f"--git-dir={layout.repository}", *arguments]
    return process.capture(argv, cwd=cwd or layout.repository, env={**environ, "LC_ALL": "C.UTF-8"})
