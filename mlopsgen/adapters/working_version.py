"""A template as it lies in a folder right now, committed or not, as a version that can be rendered."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from mlopsgen.adapters.bare import alternate
from mlopsgen.adapters.git import GitRepository
from mlopsgen.adapters.tagged_versions import TaggedVersions
from mlopsgen.adapters.template_store import AUTHOR

_ADDING = ("-c", "core.safecrlf=false", "-c", "core.fsmonitor=false", "-c", "advice.addEmbeddedRepo=false")
_PATH = ("rev-parse", "--path-format=absolute", "--git-path")


class WorkingVersion:
    """The files of a working tree as the one version of a template.

    A :class:`mlopsgen.adapters.stored_template.VersionStore`. What is staged, edited or new counts, and what git
    ignores does not. Nothing of the repository is written: neither its index, nor its objects.

    Args:
        repository: A repository with a working tree.
        version: What the version is called.
        scratch: An empty folder.
        environ: The environment that git is started with.
    """

    def __init__(self, repository: GitRepository, version: str, scratch: Path, environ: Mapping[str, str]) -> None:
        self._address = str(repository.path)
        self._version = version
        self._bare = GitRepository(scratch, environ)
        self._bare.run("init", "--quiet", "--bare", "--template=", "--object-format=sha1")
        objects = repository.read(*_PATH, "objects")
        (scratch / "objects" / "info").mkdir(parents=True, exist_ok=True)
        (scratch / "objects" / "info" / "alternates").write_text(f"{alternate(objects)}\n", encoding="utf-8")
        index = scratch / "index-of-the-working-tree"
        known = Path(repository.read(*_PATH, "index"))
        if known.is_file():
            shutil.copy(known, index)
        own = {"GIT_INDEX_FILE": str(index), "GIT_OBJECT_DIRECTORY": str(scratch / "objects")}
        repository.run(*_ADDING, "add", "--all", "--", ":/", extra=own)
        tree = repository.run("write-tree", extra=own).stdout.strip()
        self.tree = tree
        """The id of the tree of the working tree's files."""
        commit = self._bare.run("commit-tree", tree, "-m", version, extra=AUTHOR).stdout.strip()
        self._bare.run("update-ref", f"refs/tags/{version}", commit)
        self._tagged = TaggedVersions(self._bare)

    @property
    def repository(self) -> GitRepository:
        """The bare repository that sees the objects of the files."""
        return self._bare

    @property
    def address(self) -> str:
        """The folder."""
        return self._address

    @property
    def newest(self) -> str:
        """The version."""
        return self._version

    @property
    def warning(self) -> str:
        """Nothing: no network is asked."""
        return ""

    def versions(self) -> tuple[str, ...]:
        """The version alone."""
        return self._tagged.names

    def find(self, name: str) -> str | None:
        """The version, if the name means it."""
        return self._version if name.removeprefix("v") == self._version.removeprefix("v") else None

    def identity(self, version: str) -> str:
        """The id of the tree."""
        return self._tagged.identity(version)

    def lay_out(self, version: str, destination: Path) -> None:
        """Write the files into the empty folder ``destination``."""
        self._tagged.lay_out(version, destination)

    def read(self, version: str, name: str) -> str | None:
        """The text of a file at the top, ``None`` if there is none."""
        return self._tagged.read(version, name)

    def changelog(self, start: str, end: str) -> tuple[tuple[str, str], ...]:
        """Nothing: there is one version only."""
        return self._tagged.changelog(start, end)
