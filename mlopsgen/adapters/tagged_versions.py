"""The versions of a template: tags of a git repository, or its commits where there are no tags.

A commit is named as git describes it: ``v1.0.0-3-g0123456789ab`` is the third one after that tag, and
``0.0.0-12-g0123456789ab`` the twelfth of a repository without such a tag.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import cached_property
from io import BytesIO
from pathlib import Path

from mlopsgen.adapters.changelog import sections
from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import MlopsgenError, UsageError

HEAD = "refs/mlopsgen/head"
"""Where a mirror keeps the commit that its repository shows first."""

_VERSION = re.compile(r"v?\d+(\.\d+)*")
_COMMIT = re.compile(r"(?:.+-g)?([0-9a-f]{7,40})")
_OURS = re.compile(r"Mlopsgen-Template: v\d+(\.\d+)*")
"""A version of mlopsgen's own template in the history of one that was made from it, by the line that its commit has."""
_DIGITS = 12
_LISTED = 30
"""So many commits of a repository without tags are listed as versions, the newest ones."""
_LINK = "120000"
_SUBMODULE = "160000"
_FORBIDDEN = frozenset({"", ".", "..", ".git"})


def order(version: str) -> tuple[int, ...]:
    """What versions are sorted by: their numbers, without the name of a commit."""
    return tuple(int(number) for number in re.findall(r"\d+", re.sub(r"-g[0-9a-f]+$", "", version)))


class TaggedVersions:
    """The versions in a repository; tags do not change while one of these lives.

    Args:
        repository: The repository, with or without a working tree.
        parts: The names at its top that belong to the template; none means all.
        folder: The folder that the template lies in; empty for the top.
        bring: Called once where a commit is asked for that is not here: it may fetch more.
    """

    def __init__(
        self,
        repository: GitRepository,
        parts: tuple[str, ...] = (),
        *,
        folder: str = "",
        bring: Callable[[], None] | None = None,
    ) -> None:
        self._repository = repository
        self._parts = parts
        self._folder = folder
        self._bring: Callable[[], None] | None = bring
        self._identities: dict[str, str] = {}
        self._texts: dict[tuple[str, str], str | None] = {}
        self._messages: dict[str, str] = {}
        self._found: dict[str, str | None] = {}

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """The tags that are versions, oldest first."""
        listed = self._repository.read("for-each-ref", "--format=%(refname:strip=2)", "refs/tags")
        return tuple(sorted((name for name in listed.splitlines() if _VERSION.fullmatch(name)), key=order))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The versions, oldest first: the tags, or else the newest commits."""
        if self.tags or self._repository.commit_of(HEAD) is None:
            return self.tags
        count = int(self._repository.read("rev-list", "--first-parent", "--count", HEAD))
        commits = self._repository.read("rev-list", "--first-parent", f"--max-count={_LISTED}", HEAD).split()
        return tuple(reversed([_untagged(count - number, commit) for number, commit in enumerate(commits)]))

    def find(self, name: str) -> str | None:
        """The version that a name means: a tag with or without its ``v``, a commit, or what git describes one by."""
        known = next((each for each in (name, f"v{name}", name.removeprefix("v")) if each in self.names), None)
        if known is None and name not in self._found:
            commit = self._commit_named(name)
            self._found[name] = self._described(commit) if commit else None
        return known or self._found[name]

    def identity(self, version: str) -> str:
        """The id of a version's tree.

        Raises:
            UsageError: There is no such version.
            MlopsgenError: It has no such folder.
        """
        if version not in self._identities:
            commit = self._commit(version)
            name = f"{commit}:{self._folder}" if self._folder else f"{commit}^{{tree}}"
            shown = self._repository.run("rev-parse", "--verify", "--quiet", name, check=False).stdout.strip()
            if not shown or self._repository.read("cat-file", "-t", shown) != "tree":
                raise MlopsgenError(
                    f"The template's repository has no folder '{self._folder}' in {version}.",
                    where=self._folder,
                    hint="After the # of its address stands the folder that holds the template.",
                )
            self._identities[version] = shown
        return self._identities[version]

    def read(self, version: str, name: str) -> str | None:
        """The text of a file at the top of a version, ``None`` if there is none."""
        if (version, name) not in self._texts:
            shown = self._repository.run("cat-file", "blob", f"{self.identity(version)}:{name}", check=False)
            self._texts[version, name] = shown.stdout if shown.exit_status == 0 else None
        return self._texts[version, name]

    def entries(self, version: str, folder: str) -> tuple[str, ...]:
        """The names in a folder of a version; none where there is no such folder."""
        shown = self._repository.run("ls-tree", "--name-only", "-z", f"{self.identity(version)}:{folder}", check=False)
        return tuple(name for name in shown.stdout.split("\0") if name) if shown.exit_status == 0 else ()

    def message(self, version: str) -> str:
        """What the commit of a version says below its first line."""
        if version not in self._messages:
            shown = self._repository.read("log", "-1", "--no-show-signature", "--format=%b", self._commit(version))
            self._messages[version] = shown.strip()
        return self._messages[version]

    def changelog(self, start: str, end: str) -> tuple[tuple[str, str], ...]:
        """What changed after ``start`` up to ``end``, newest first: the changelog's words, else commits' subjects."""
        between = [version for version in self.tags if order(start) < order(version) <= order(end)]
        if end not in self.tags and order(start) < order(end):
            between.append(end)
        if not between:
            return ()
        told = sections(self.read(between[-1], "CHANGELOG.md") or "")
        before = dict(zip(self.tags[1:], self.tags, strict=False)) | {end: self._before(start, end)}
        return tuple(
            (version, told.get(f"v{version.removeprefix('v')}") or self._subjects(before.get(version), version))
            for version in reversed(between)
        )

    def _before(self, start: str, end: str) -> str | None:
        """The version that the commits of ``end`` are counted from."""
        older = [version for version in self.tags if order(version) < order(end)]
        return older[-1] if older and (end in self.tags or order(older[-1]) > order(start)) else start

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
        end = self._commit(version)
        known = self.find(before) if before else None
        span = f"{self._commit(known)}..{end}" if known else end
        settings = ("--no-merges", "--no-show-signature", "--max-count=50", "--format=- %s")
        return self._repository.read("log", *settings, span).strip()

    def _commit(self, version: str) -> str:
        """What git calls a version."""
        if version in self.tags:
            return f"refs/tags/{version}"
        commit = self._commit_named(version)
        if commit is None:
            listed = self.names[-10:]
            raise UsageError(
                f"There is no template version '{version}'.",
                where="--template-version",
                hint=f"Versions here: {'..., ' if len(listed) < len(self.names) else ''}{', '.join(listed)}.",
            )
        return commit

    def _commit_named(self, name: str) -> str | None:
        """The commit that a name means, looked for elsewhere if it is not here."""
        if _OURS.fullmatch(name):
            words = ("--all", "--max-count=1", "--no-show-signature", "--format=%H", f"--grep=^{re.escape(name)}$")
            return self._repository.read("log", *words) or None
        asked = _COMMIT.fullmatch(name)
        if asked is None:
            return None
        commit = self._repository.commit_of(asked[1])
        if commit is None and self._bring is not None:
            bring, self._bring = self._bring, None
            bring()
            commit = self._repository.commit_of(asked[1])
        return commit

    def _described(self, commit: str) -> str:
        """The name of a commit as a version."""
        words = ("--tags", "--long", f"--abbrev={_DIGITS}", "--match=v[0-9]*", "--match=[0-9]*", "--exclude=*[-+]*")
        shown = self._repository.run("describe", *words, commit, check=False).stdout.strip()
        tag, _, rest = shown.partition("-")
        if tag in self.tags:
            return tag if rest.startswith("0-") else shown
        count = int(self._repository.read("rev-list", "--first-parent", "--count", commit))
        return _untagged(count, commit)


def _untagged(count: int, commit: str) -> str:
    return f"0.0.0-{count}-g{commit[:_DIGITS]}"


def _write(path: Path, mode: str, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode == _LINK:
        path.symlink_to(os.fsdecode(content))
        return
    path.write_bytes(content)
    if mode == "100755":
        path.chmod(0o755)
