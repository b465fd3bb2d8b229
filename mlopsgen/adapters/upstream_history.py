"""Mlopsgen's own template inside an organisation's: a line of commits of its own, which updates continue and merge.

Each version is one commit. It holds the template as that version has it, what a configuration repository gets besides
(``config-repository/``, at the top here), and a stamp with the version. It is known again by its message alone, which
names version and tree: two packages need not make the same commits, and a commit that was squashed, amended or rebased
is not taken for one.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlopsgen.adapters.git import GitRepository
from mlopsgen.adapters.tagged_versions import order
from mlopsgen.adapters.template_store import AUTHOR, CONFIGURATION, TemplateStore

STAMP = ".mlopsgen-template"
"""The file of a configuration repository that names the version of mlopsgen's template in it."""

TEMPLATE = "Mlopsgen-Template"
TREE = "Mlopsgen-Tree"

_PARTS = ("copier.yml", "sync.yaml", "template")
_FETCHED = "refs/mlopsgen/upstream/"


@dataclass(frozen=True)
class Upstream:
    """A version of mlopsgen's template as a commit of a repository.

    Attributes:
        version: The version, as ``v0.2.0``.
        commit: Its commit.
    """

    version: str
    commit: str


@dataclass(frozen=True)
class Content:
    """A version of mlopsgen's template whose objects lie in a repository.

    Attributes:
        tree: What its commit holds.
        told: What the changelog says of it: Markdown, may be empty.
    """

    tree: str
    told: str


def stamp_of(repository: GitRepository, commit: str) -> str:
    """The version of mlopsgen's template that a commit's files come from; empty if they say none."""
    shown = repository.run("cat-file", "blob", f"{commit}:{STAMP}", check=False)
    found = re.search(r"(?m)^v\d+(\.\d+)*$", shown.stdout) if shown.exit_status == 0 else None
    return found[0] if found else ""


def newest_upstream(repository: GitRepository, commit: str) -> Upstream | None:
    """The newest version of mlopsgen's template in the history of a commit."""
    log = repository.run_bytes(
        "log", "-z", "--no-show-signature", f"--grep=^{TEMPLATE}: v", "--format=%H %T%n%B", commit
    ).decode("utf-8", "replace")
    found = []
    for record in filter(None, log.split("\0")):
        head, _, message = record.partition("\n")
        name, tree = head.split(" ")
        trailers = dict(line.partition(": ")[::2] for line in message.rstrip().rpartition("\n\n")[2].splitlines())
        if trailers.get(TREE) == tree and TEMPLATE in trailers:
            found.append(Upstream(trailers[TEMPLATE], name))
    return max(found, key=lambda each: order(each.version), default=None)


def is_upstream(repository: GitRepository, commit: str) -> bool:
    """Whether a commit is itself a version of mlopsgen's template."""
    found = newest_upstream(repository, commit)
    return found is not None and found.commit == commit


def bring(repository: GitRepository, store: TemplateStore) -> Mapping[str, Content]:
    """Fetch every version of the built-in template into a repository; no reference stays.

    Returns:
        What each version is, oldest first.

    Raises:
        MlopsgenError: The package has no history of its template.
    """
    with tempfile.TemporaryDirectory(prefix="mlopsgen-history-") as scratch:
        settings = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance")
        bundle = store.bundle(Path(scratch))
        repository.run("fetch", *settings, str(bundle), f"+refs/tags/*:{_FETCHED}*")
    listed = repository.read("for-each-ref", "--format=%(refname)", _FETCHED).splitlines()
    try:
        named = {name.removeprefix(_FETCHED): name for name in listed}
        return {version: _content(repository, version, named[version]) for version in sorted(named, key=order)}
    finally:
        repository.run("update-ref", "--stdin", stdin="".join(f"delete {name}\n" for name in listed))


def _content(repository: GitRepository, version: str, commit: str) -> Content:
    entries = repository.run("ls-tree", "-z", commit, "--", *_PARTS).stdout
    folder = repository.run("ls-tree", "-z", f"{commit}:{CONFIGURATION}", check=False)  # not in the first version
    text = f"# The version of mlopsgen's template in here; 'mlopsgen config-repo update' writes it.\n{version}\n"
    stamp = repository.run("hash-object", "-w", "--stdin", stdin=text).stdout.strip()
    more = folder.stdout if folder.exit_status == 0 else ""
    tree = repository.run("mktree", "-z", stdin=f"{entries}{more}100644 blob {stamp}\t{STAMP}\0").stdout.strip()
    return Content(tree, repository.read("log", "-1", "--no-show-signature", "--format=%b", commit).strip())


def add_version(repository: GitRepository, version: str, content: Content, parent: str | None) -> Upstream:
    """Commit a version behind the one before it (none for the first); nothing refers to it yet."""
    words = ("-p", parent) if parent else ()
    told = f"{content.told}\n\n" if content.told else ""
    message = f"mlopsgen's template {version}\n\n{told}{TEMPLATE}: {version}\n{TREE}: {content.tree}\n"
    made = repository.run("commit-tree", content.tree, *words, stdin=message, extra=AUTHOR)
    return Upstream(version, made.stdout.strip())
