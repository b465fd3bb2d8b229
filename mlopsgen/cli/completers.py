"""Words that the Tab key offers: read from files and tables, fast, and never from a network or another program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_SECRET = re.compile(r"\bsecrets\.([A-Z][A-Z0-9_]*)")
_GITHUBS = "GITHUB_TOKEN"


def branches(incomplete: str) -> list[str]:
    """The branches of the repository that the shell stands in; those of a generated one where it stands in none."""
    from mlopsgen.constants import BRANCHES

    git = _git_folder(Path.cwd())
    found = sorted(set(_heads(git))) if git is not None else []
    return [name for name in found or BRANCHES if name.startswith(incomplete)]


def secret_names(incomplete: str) -> list[str]:
    """The secrets that the repository's workflows name."""
    root = _root(Path.cwd())
    if root is None:
        return []
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in root.glob(".github/workflows/*.y*ml"))
    names = {name for text in texts for name in _SECRET.findall(text)} - {_GITHUBS}
    return sorted(name for name in names if name.startswith(incomplete))


def assignments(incomplete: str) -> list[str | tuple[str, str]]:
    """Keys of questions for ``--set``, and after one its choices."""
    from mlopsgen.answers import BY_KEY, QUESTIONS

    key, separator, _ = incomplete.partition("=")
    if separator:
        choices = BY_KEY[key].choices if key in BY_KEY else ()
        return [f"{key}={choice}" for choice in choices if f"{key}={choice}".startswith(incomplete)]
    return [(f"{each.key}=", each.title) for each in QUESTIONS if each.key.startswith(incomplete)]


def _root(folder: Path) -> Path | None:
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), None)


def _git_folder(folder: Path) -> Path | None:
    """Where the branches lie: for a worktree, the folder that all worktrees have in common."""
    root = _root(folder)
    if root is None:
        return None
    place = root / ".git"
    if place.is_dir():
        return place
    place = root / place.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
    common = place / "commondir"
    return place / common.read_text(encoding="utf-8").strip() if common.is_file() else place


def _heads(git: Path) -> Iterator[str]:
    heads = git / "refs" / "heads"
    yield from (path.relative_to(heads).as_posix() for path in heads.rglob("*") if path.is_file())
    packed = git / "packed-refs"
    if packed.is_file():
        for line in packed.read_text(encoding="utf-8", errors="replace").splitlines():
            _, _, name = line.partition(" ")
            if name.startswith("refs/heads/"):
                yield name.removeprefix("refs/heads/")
