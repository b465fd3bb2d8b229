"""Where the built-in template's versions come from, without any network.

An installed package carries ``template.bundle``: a git bundle with one commit for each released version, tagged
``v1.2.3``, that holds ``copier.yml``, ``sync.yaml`` and ``template/`` (and ``config-repository/``: what an
organisation's own template repository gets besides) and nothing of the project's own history; its message holds what
the changelog says of the version. In a checkout of the project the working tree is the newest version and its tags are
the others.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import mlopsgen
from mlopsgen.adapters.changelog import UNRELEASED, sections
from mlopsgen.adapters.git import GitRepository
from mlopsgen.adapters.tagged_versions import TaggedVersions, order
from mlopsgen.constants import CANONICAL_TEMPLATE
from mlopsgen.errors import MlopsgenError, UsageError

BUNDLE = "template.bundle"
_NEEDED = ("copier.yml", "template")
CONFIGURATION = "config-repository"
"""The folder with what an organisation's own template repository gets besides the template."""

_PARTS = (*_NEEDED, "sync.yaml", CONFIGURATION)
_CHANGELOG = "CHANGELOG.md"
_LEFT_OUT = (
    "__pycache__", "*.pyc", "*.egg-info", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".venv",
    ".mlflow", "runs",
)  # fmt: skip
# The synthetic commits are the same wherever and whenever a package is built.
AUTHOR = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in {
        "NAME": "mlopsgen",
        "EMAIL": "mlopsgen@users.noreply.github.com",
        "DATE": "2026-01-01T00:00:00+0000",
    }.items()
}
_PLAIN = ("-c", "core.autocrlf=false", "-c", "core.safecrlf=false", "-c", "core.excludesFile=", "-c", "gc.auto=0")


class TemplateStore:
    """The versions of the built-in template.

    Args:
        environ: The environment that git is started with.
        package: The folder of the installed package.
    """

    def __init__(self, environ: Mapping[str, str], package: Path = Path(mlopsgen.__file__).parent) -> None:
        self._environ = environ
        self._bundle = package / BUNDLE
        root = package.parent
        self._checkout = root if all((root / part).exists() for part in _NEEDED) else None

    @property
    def address(self) -> str:
        """Where the template is published."""
        return CANONICAL_TEMPLATE

    @property
    def newest(self) -> str:
        """The version that this package brings: its own."""
        return f"v{mlopsgen.__version__}"

    @property
    def warning(self) -> str:
        """Nothing: no network is asked."""
        return ""

    def versions(self) -> tuple[str, ...]:
        """Every version that can be laid out, oldest first."""
        tagged = self._history.names if self._history is not None else ()
        return tuple(sorted({self.newest, *(name for name in tagged if name.startswith("v"))}, key=order))

    def find(self, name: str) -> str | None:
        """The version that a name means, with or without its ``v``."""
        return next((each for each in (name, f"v{name}") if each in self.versions()), None)

    def identity(self, version: str) -> str | None:
        """What names the content of a version; ``None`` for a working tree, which may change.

        Raises:
            UsageError: There is no such version.
        """
        return None if self._working_tree(version) is not None else self._require(version).identity(version)

    def lay_out(self, version: str, destination: Path) -> None:
        """Write ``copier.yml``, ``sync.yaml`` and ``template/`` of a version into the empty folder ``destination``.

        Raises:
            UsageError: There is no such version.
        """
        checkout = self._working_tree(version)
        if checkout is not None:
            copy_working_tree(checkout, destination, self._environ)
        else:
            self._require(version).lay_out(version, destination)

    def read(self, version: str, name: str) -> str | None:
        """The text of a file beside ``copier.yml`` in a version, ``None`` if there is none.

        Raises:
            UsageError: There is no such version.
        """
        checkout = self._working_tree(version)
        if checkout is None:
            return self._require(version).read(version, name)
        path = checkout / name
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def changelog(self, start: str, end: str) -> tuple[tuple[str, str], ...]:
        """What changed after ``start`` up to ``end``, newest first: pairs of a version and Markdown."""
        between = [version for version in self.versions() if order(start) < order(version) <= order(end)]
        if self._checkout is not None:
            path = self._checkout / _CHANGELOG
            told = changes(path.read_text(encoding="utf-8") if path.is_file() else "")
        else:
            told = {version: self._require(version).message(version) for version in between}
        return tuple((version, told.get(version, "")) for version in reversed(between))

    def bundle(self, scratch: Path) -> Path:
        """A git bundle with every version as a tag.

        Args:
            scratch: An empty folder, for the one that is made of a checkout.

        Raises:
            MlopsgenError: There is neither a package nor a checkout with git.
        """
        if self._checkout is not None and (self._checkout / ".git").exists():
            return write_bundle(self._checkout, scratch, self._environ)
        if self._bundle.is_file():
            return self._bundle
        raise MlopsgenError(
            f"This mlopsgen has no history of its template: {self._bundle} is missing.",
            hint="Install the package, or use a git checkout of the project.",
        )

    def _working_tree(self, version: str) -> Path | None:
        return self._checkout if version == self.newest else None

    def _require(self, version: str) -> TaggedVersions:
        """What has a version as a tag."""
        if self._history is not None and version in self.versions():
            return self._history
        raise UsageError(
            f"There is no template version '{version}'.",
            where="--template-version",
            hint=f"Versions here: {', '.join(self.versions())}.",
        )

    @cached_property
    def _history(self) -> TaggedVersions | None:
        """The repository whose tags are the versions: the checkout, or what the bundle holds."""
        if self._checkout is not None and (self._checkout / ".git").exists():
            repository = GitRepository(self._checkout, self._environ)
        elif self._bundle.is_file():
            folder = Path(tempfile.mkdtemp(prefix="mlopsgen-versions-"))
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            repository = GitRepository(folder, self._environ)
            repository.run("init", "--quiet", "--bare", "--template=", "--object-format=sha1")
            repository.run("fetch", "--quiet", "--no-tags", str(self._bundle), "refs/tags/v*:refs/tags/v*")
        else:
            return None
        return TaggedVersions(repository, _PARTS)


def changes(text: str) -> dict[str, str]:
    """What a changelog says of each version; what is not released yet belongs to this version."""
    told = sections(text)
    unreleased = told.pop(UNRELEASED, "")
    newest = f"v{mlopsgen.__version__}"
    return {newest: unreleased, **told} if unreleased else told


def copy_working_tree(root: Path, destination: Path, environ: Mapping[str, str]) -> None:
    """Copy the template as it lies in a checkout: what git tracks or would add, nothing that it ignores.

    Args:
        root: The checkout (or an unpacked source package, that has no git).
        destination: An empty folder.
        environ: The environment that git is started with.
    """
    if not (root / ".git").exists():
        for name in _PARTS:
            if (root / name).is_dir():
                shutil.copytree(root / name, destination / name, ignore=shutil.ignore_patterns(*_LEFT_OUT))
            elif (root / name).is_file():
                shutil.copy(root / name, destination)
        return
    listed = GitRepository(root, environ).read(
        "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *_PARTS
    )
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():  # a deleted file is listed until that is committed
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, destination / name)


def write_bundle(root: Path, scratch: Path, environ: Mapping[str, str]) -> Path:
    """Make the bundle of a checkout: its released versions and, as the newest, the version that is being built.

    Args:
        root: The checkout.
        scratch: An empty folder; the bundle is made in it.
        environ: The environment that git is started with.

    Returns:
        The bundle's path.

    Raises:
        MlopsgenError: ``root`` is no git checkout.
    """
    if not (root / ".git").exists():
        raise MlopsgenError(
            f"The template's versions cannot be read: {root} is no git checkout and has no {BUNDLE}.",
            hint="Build from a checkout or from the source package.",
        )
    newest = f"v{mlopsgen.__version__}"
    project = GitRepository(root, environ)
    tree = scratch / "tree"
    tree.mkdir()
    copy_working_tree(root, tree, environ)
    bare = GitRepository(scratch / "history.git", {**environ, **AUTHOR})
    GitRepository(scratch, environ).run(
        "init", "--quiet", "--bare", "--template=", "--object-format=sha1", "history.git"
    )
    objects = project.read("rev-parse", "--path-format=absolute", "--git-path", "objects")
    (bare.path / "objects" / "info").mkdir(parents=True, exist_ok=True)
    (bare.path / "objects" / "info" / "alternates").write_text(f"{objects}\n", encoding="utf-8")
    parent: list[str] = []
    tags = [tag for tag in project.read("tag", "--list", "v*").split() if re.fullmatch(r"v\d+(\.\d+)*", tag)]
    released = sorted((tag for tag in tags if order(tag) < order(newest)), key=order)
    log = root / _CHANGELOG
    told = changes(log.read_text(encoding="utf-8") if log.is_file() else "")
    for tag in [*released, newest]:
        content = _tree_of(bare, project, tag) if tag != newest else _tree_in(bare, tree)
        if content is not None:
            parent = [_add_version(bare, tag, content, parent, told.get(tag, ""))]
    bundle = scratch / BUNDLE
    bare.run("-c", "pack.threads=1", "bundle", "create", "--quiet", str(bundle), "--tags")
    return bundle


def _tree_of(bare: GitRepository, project: GitRepository, tag: str) -> str | None:
    """The tree of a released version, ``None`` for a tag from before the template lay here."""
    listed = project.run("ls-tree", tag, "--", *_PARTS, check=False)
    names = {line.partition("\t")[2] for line in listed.stdout.splitlines()}
    return bare.run("mktree", stdin=listed.stdout).stdout.strip() if names.issuperset(_NEEDED) else None


def _tree_in(bare: GitRepository, folder: Path) -> str:
    """The tree of the version that is being built."""
    bare.run(f"--work-tree={folder}", *_PLAIN, "add", "--all", "--force", ".")
    return bare.read("write-tree")


def _add_version(bare: GitRepository, tag: str, tree: str, parent: list[str], told: str) -> str:
    """Commit a version's tree behind ``parent``, with what changed in it as the message, and tag it."""
    parents = [word for commit in parent for word in ("-p", commit)]
    message = f"mlopsgen template {tag}\n\n{told}\n" if told else f"mlopsgen template {tag}\n"
    commit = bare.run("commit-tree", tree, *parents, stdin=message).stdout.strip()
    bare.run("update-ref", f"refs/tags/{tag}", commit)
    return commit
