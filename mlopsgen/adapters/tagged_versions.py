"""The versions of a template that are tags of a git repository."""

from __future__ import annotations

import os
import re
from functools import cached_property
from io import BytesIO
from pathlib import Path

from mlopsgen.adapters.changelog import sections
from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import MlopsgenError, UsageError

_VERSION = re.compile(r"v?\d+(\.\d+)*")
_LINK = "120000"
_SUBMODULE = "160000"
_FORBIDDEN = frozenset({"", ".", "..", ".git"})


def order(version: str) -> tuple[int, ...]:
    """What versions are sorted by: their numbers."""
    return tuple(int(number) for number in re.findall(r"\d+", version))


class TaggedVersions:
    """The versions in a repository; tags do not change while one of these lives.

    Args:
        repository: The repository, with or without a working tree.
        parts: The names at its top that belong to the template; none means all.
    """

    def __init__(self, repository: GitRepository, parts: tuple[str, ...] = ()) -> None:
        self._repository = repository
        self._parts = parts
        self._identities: dict[str, str] = {}
        self._texts: dict[tuple[str, str], str | None] = {}
        self._messages: dict[str, str] = {}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The versions, oldest first."""
        listed = self._repository.read("for-each-ref", "--format=%(refname:strip=2)", "refs/tags")
        return tuple(sorted((name for name in listed.splitlines() if _VERSION.fullmatch(name)), key=order))

    def identity(self, version: str) -> str:
        """The id of a version's tree."""
        if version not in self._identities:
            name = f"refs/tags/{self._require(version)}^{{tree}}"
            self._identities[version] = self._repository.read("rev-parse", "--verify", name)
        return self._identities[version]

    def read(self, version: str, name: str) -> str | None:
        """The text of a file at the top of a version, ``None`` if there is none."""
        if (version, name) not in self._texts:
            shown = self._repository.run("cat-file", "blob", f"{self.identity(version)}:{name}", check=False)
            self._texts[version, name] = shown.stdout if shown.exit_status == 0 else None
        return self._texts[version, name]

    def message(self, version: str) -> str:
        """What the commit of a version says below its first line."""
        if version not in self._messages:
            name = f"refs/tags/{self._require(version)}"
            shown = self._repository.read("log", "-1", "--no-show-signature", "--format=%b", name)
            self._messages[version] = shown.strip()
        return self._messages[version]

    def changelog(self, start: str, end: str) -> tuple[tuple[str, str], ...]:
        """What changed after ``start`` up to ``end``, newest first: the changelog's words, else commits' subjects."""
        between = [version for version in self.names if order(start) < order(version) <= order(end)]
        if not between:
            return ()
        told = sections(self.read(between[-1], "CHANGELOG.md") or "")
        before = dict(zip(self.names[1:], self.names, strict=False))
        return tuple(
            (version, told.get(f"v{version.removeprefix('v')}") or self._subjects(before.get(version), version))
            for version in reversed(between)
        )

    def lay_out(self, version: str, destination: Path) -> None:
        """Write the files of a version into the empty folder ``destination``, byte for byte as they are in git.

        Raises:
            UsageError: There is no such version.
            MlopsgenError: It holds what no template may hold.
        """
        tree = self.identity(version)
        listed = self._repository.run_bytes("ls-tree", "-r", "-z", tree, "--", *self._parts).split(b"\0")
        pairs = (entry.split(b"\t", 1) for entry in listed if entry)
        entries = [(head.decode().split(), os.fsdecode(name)) for head, name in pairs]
        wanted = "".join(f"{blob}\n" for (_, _, blob), _ in entries)
        contents = BytesIO(self._repository.run_bytes("cat-file", "--batch", stdin=wanted.encode()))
        files: set[str] = set()
        for (mode, _, _), name in entries:
            parts = name.split("/")
            # A tree made by hand may hold a link and a folder of one name: what is in the folder would go elsewhere.
            above = {"/".join(parts[:count]) for count in range(1, len(parts) + 1)}
            if mode == _SUBMODULE or not files.isdisjoint(above) or _FORBIDDEN.intersection(name.lower().split("/")):
                raise MlopsgenError(f"The template {version} cannot be used: it holds the submodule or name '{name}'.")
            files.add(name)
            content = contents.read(int(contents.readline().split()[2]))
            contents.read(1)
            _write(destination / name, mode, content)

    def _subjects(self, before: str | None, version: str) -> str:
        """The commits between two versions, as a list."""
        span = f"refs/tags/{before}..refs/tags/{version}" if before else f"refs/tags/{version}"
        settings = ("--no-merges", "--no-show-signature", "--max-count=50", "--format=- %s")
        return self._repository.read("log", *settings, span).strip()

    def _require(self, version: str) -> str:
        if version in self.names:
            return version
        raise UsageError(
            f"There is no template version '{version}'.",
            where="--template-version",
            hint=f"Versions here: {', '.join(self.names)}.",
        )


def _write(path: Path, mode: str, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode == _LINK:
        path.symlink_to(os.fsdecode(content))
        return
    path.write_bytes(content)
    if mode == "100755":
        path.chmod(0o755)
