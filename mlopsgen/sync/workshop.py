"""A bare repository to work an update out in: it sees a person's objects and the renders, and writes into neither."""

from __future__ import annotations

from pathlib import Path

from mlopsgen.adapters.git import GitRepository
from mlopsgen.sync.renders import Renders


def workshop(folder: Path, repository: GitRepository, renders: Renders) -> GitRepository:
    """Make a workshop in an empty folder.

    Args:
        folder: Where it shall lie; removed by the caller.
        repository: The person's repository: a clone of any kind, a linked working tree too.
        renders: The renders that it shall see.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = repository.at(folder)
    made.run("init", "--quiet", "--bare", "--template=")
    objects = repository.read("rev-parse", "--path-format=absolute", "--git-path", "objects")
    lines = "".join(f"{_quoted(place)}\n" for place in (objects, str(renders.objects)))
    (folder / "objects" / "info").mkdir(parents=True, exist_ok=True)
    (folder / "objects" / "info" / "alternates").write_text(lines, encoding="utf-8")
    return made


def _quoted(place: str) -> str:
    """A line of git's list of alternates: one that begins with a quotation mark or a number sign is quoted."""
    if not place.startswith(('"', "#")):
        return place
    return '"' + place.replace("\\", "\\\\").replace('"', '\\"') + '"'
