"""Where the built-in template's versions come from, without any network.

An installed package carries ``template.bundle``: a git bundle with one commit for each released version, tagged
``v1.2.3``, that holds ``copier.yml`` and ``template/`` and nothing of the project's own history. In a checkout of the
project the working tree is the newest version and its tags are the others.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import mlopsgen
from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import MlopsgenError, UsageError

BUNDLE = "template.bundle"
_PARTS = ("copier.yml", "template")
_LEFT_OUT = (
    "__pycache__", "*.pyc", "*.egg-info", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".venv",
    ".mlflow", "runs",
)  # fmt: skip
# The synthetic commits are the same wherever and whenever a package is built.
_AUTHOR = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in {
        "NAME": "mlopsgen",
        "EMAIL": "mlopsgen@users.noreply.github.com",
        "DATE": "2026-01-01T00:00:00+0000",
    }.items()
}
_PLAIN = ("-c", "core.autocrlf=false", "-c", "core.safecrlf=false", "-c", "core.excludesFile=", "-c", "gc.auto=0")


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


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
        self._checkout = root if all((root / part).exists() for part in _PARTS) else None

    @property
    def newest(self) -> str:
        """The version that this package brings: its own."""
        return f"v{mlopsgen.__version__}"

    def versions(self) -> tuple[str, ...]:
        """Every version that can be laid out, oldest first."""
        found = {self.newest}
        source = self._history()
        if source is not None:
            listed = GitRepository(source.parent, self._environ).read(
                "ls-remote", "--tags", "--refs", str(source), "v*"
            )
            found |= {line.rsplit("/", 1)[-1] for line in listed.splitlines()}
        return tuple(sorted((name for name in found if re.fullmatch(r"v\d+(\.\d+)*", name)), key=_key))

    def lay_out(self, version: str, destination: Path) -> None:
        """Write ``copier.yml`` and ``template/`` of a version into the empty folder ``destination``.

        Raises:
            UsageError: There is no such version.
        """
        if version == self.newest and self._checkout is not None:
            copy_working_tree(self._checkout, destination, self._environ)
            return
        source = self._history()
        if source is None or (version != self.newest and version not in self.versions()):
            raise UsageError(
                f"There is no template version '{version}'.",
                where="--template-version",
                hint=f"Versions here: {', '.join(self.versions())}.",
            )
        scratch = GitRepository(destination, self._environ)
        scratch.run("init", "--quiet", "--bare", "--template=", "history.git")
        git = ("--git-dir=history.git", "--work-tree=.", *_PLAIN)
        scratch.run(*git, "fetch", "--quiet", "--no-tags", str(source), f"refs/tags/{version}")
        scratch.run(*git, "checkout", "--quiet", "FETCH_HEAD", "--", *_PARTS)
        shutil.rmtree(destination / "history.git")

    def _history(self) -> Path | None:
        if self._checkout is not None and (self._checkout / ".git").exists():
            return self._checkout
        return self._bundle if self._bundle.is_file() else None


def copy_working_tree(root: Path, destination: Path, environ: Mapping[str, str]) -> None:
    """Copy the template as it lies in a checkout: what git tracks or would add, nothing that it ignores.

    Args:
        root: The checkout (or an unpacked source package, that has no git).
        destination: An empty folder.
        environ: The environment that git is started with.
    """
    if not (root / ".git").exists():
        shutil.copytree(root / "template", destination / "template", ignore=shutil.ignore_patterns(*_LEFT_OUT))
        shutil.copy(root / "copier.yml", destination)
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
    bare = GitRepository(scratch / "history.git", {**environ, **_AUTHOR})
    GitRepository(scratch, environ).run("init", "--quiet", "--bare", "--template=", "history.git")
    objects = project.read("rev-parse", "--path-format=absolute", "--git-path", "objects")
    (bare.path / "objects" / "info").mkdir(parents=True, exist_ok=True)
    (bare.path / "objects" / "info" / "alternates").write_text(f"{objects}\n", encoding="utf-8")
    parent: list[str] = []
    tags = [tag for tag in project.read("tag", "--list", "v*").split() if re.fullmatch(r"v\d+(\.\d+)*", tag)]
    released = sorted((tag for tag in tags if _key(tag) < _key(newest)), key=_key)
    for tag in [*released, newest]:
        parent = _add_version(bare, project, tag, tree if tag == newest else None, parent)
    bundle = scratch / BUNDLE
    bare.run("-c", "pack.threads=1", "bundle", "create", "--quiet", str(bundle), "--tags")
    return bundle


def _add_version(
    bare: GitRepository, project: GitRepository, tag: str, tree: Path | None, parent: list[str]
) -> list[str]:
    """Commit one version's tree behind ``parent`` and tag it."""
    if tree is None:
        listed = project.run("ls-tree", tag, "--", *_PARTS, check=False)
        if len(listed.stdout.splitlines()) != len(_PARTS):
            return parent  # a tag from before the template lay here
        name = bare.run("mktree", stdin=listed.stdout).stdout.strip()
    else:
        bare.run(f"--work-tree={tree}", *_PLAIN, "add", "--all", "--force", ".")
        name = bare.read("write-tree")
    parents = [word for commit in parent for word in ("-p", commit)]
    commit = bare.read("commit-tree", name, *parents, "-m", f"mlopsgen template {tag}")
    bare.run("update-ref", f"refs/tags/{tag}", commit)
    return [commit]
