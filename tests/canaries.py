"""Secrets that can be recognised anywhere: every secret value of the tests carries the mark, and the mark is hunted.

Use ``canary("what it is")`` wherever a test needs the value of a secret: a token, a password, a certificate.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from mlopsgen.secret_value import SecretValue

MARK = "c4n4ry" + "N3v3rL34ks"
"""Letters and digits alone: quoting, escaping and line ends leave it as it is. No file of the project holds it whole:
tests copy the project."""

FORMS = frozenset(form.encode() for form in SecretValue(MARK).forms)
"""The mark as it is, and in base64 wherever it stands in what is encoded."""


def canary(label: str, *, prefix: str = "") -> str:
    """The value of a secret: ``prefix`` (``ghp_``), the mark, and what it is."""
    return f"{prefix}{MARK}{label}"


def found_in(text: str | bytes) -> bool:
    """Whether a text holds a secret of the tests, in any form."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    return any(form in data for form in FORMS)


def hunt(folder: Path, allowed: Callable[[Path], bool] = lambda _: False) -> list[str]:
    """Where under a folder a secret lies: in a file, in a name, in any object of a git repository.

    Args:
        folder: Where to look; links are not followed.
        allowed: Whether a file may hold one.
    """
    hits = []
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        hits += [f"the name {here / name}" for name in (*folders, *files) if found_in(name)]
        for name in files:
            path = here / name
            # What is removed meanwhile, or may not be read, cannot be looked at.
            with suppress(FileNotFoundError, PermissionError):
                if path.is_file() and not path.is_symlink() and not allowed(path) and found_in(path.read_bytes()):
                    hits.append(str(path))
        if "objects" in folders and "HEAD" in files:
            hits += [f"object {name} of {here}" for name in _objects(here)]
    return hits


def _objects(repository: Path) -> Iterator[str]:
    """The objects of a repository that hold a secret, packed or loose, reachable or not."""
    environ = {"PATH": os.environ["PATH"], "GIT_DIR": str(repository), "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nowhere"}
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "cat-file", "--batch-all-objects", "--batch", "--buffer"],
        env=environ, capture_output=True, check=False,
    )  # fmt: skip
    if not found_in(done.stdout):
        return
    names = subprocess.run(
        ["git", "-c", "safe.directory=*", "cat-file", "--batch-all-objects", "--batch-check=%(objectname)"],
        env=environ, capture_output=True, check=True, text=True,
    ).stdout.split()  # fmt: skip
    for name in names:
        shown = subprocess.run(["git", "cat-file", "-p", name], env=environ, capture_output=True, check=False)
        if found_in(shown.stdout):
            yield name


def may_hold(path: Path) -> bool:
    """Whether a file of the tests may hold secrets, each for a reason.

    - ``environments/BRANCH/secrets.env`` of a forge on this machine: it is where that forge keeps them; its owner alone
      may read it.
    - ``given.env``: the dotenv file that a person made and handed over.
    - ``bin/gh``: the program of the tests that stands for gh, whose own store the token is in.
    """
    if path.name == "secrets.env" and path.parents[1].name == "environments":
        return path.stat().st_mode & 0o777 == 0o600
    return path.name == "given.env" or (path.name == "gh" and path.parent.name == "bin")
