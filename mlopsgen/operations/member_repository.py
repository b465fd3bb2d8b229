"""The tiny bare repository in which the update of a hosted one is worked out: no working tree, no history, no blobs.

It has the renders as alternate, so that only what the owner wrote is ever fetched. It can be thrown away at any time.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mlopsgen.adapters.bare import alternate, quoted
from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import MlopsgenError, from_os_error
from mlopsgen.forge.github.pushing import GitTransport
from mlopsgen.forge.worker.layout import write_text
from mlopsgen.forge.worker.locks import hold
from mlopsgen.operations.sync_tip import BranchMissing

SYNC_BRANCHES = "mlopsgen/"
"""What the names of our own branches begin with."""
_CONFIG = """\
[core]
\trepositoryformatversion = 1
\tbare = true
\tfilemode = true
\tlogAllRefUpdates = false
\thooksPath = /dev/null
\tautocrlf = false
[extensions]
\tpartialClone = origin
[gc]
\tauto = 0
[maintenance]
\tauto = false
[fetch]
\twriteCommitGraph = false
[commit]
\tgpgSign = false
[remote "origin"]
\turl = {address}
\tpromisor = true
\tpartialclonefilter = blob:none
"""


class MemberRepository(GitRepository):
    """A repository on GitHub, as far as an update has to see it.

    Every git command in it may fetch a content that is missing: the credential is in its environment, and nowhere else.

    Args:
        folder: Where it lies.
        environ: The environment that git is started with.
        transport: The way to GitHub.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str], transport: GitTransport) -> None:
        super().__init__(folder, environ)
        self._environ |= transport.environment()
        self._transport = transport
        self._tip = ""
        self._lacking: set[str] = set()

    def update(self, branch: str) -> tuple[str, dict[str, str]]:
        """Fetch the newest commit of a branch, and what our own branches hold.

        Returns:
            The commit, and the commits of our own branches by name.

        Raises:
            BranchMissing: There is no such branch.
            MlopsgenError: GitHub refuses, or cannot be reached.
        """
        ours = f"refs/remotes/origin/{SYNC_BRANCHES}"
        refspecs = (f"+refs/heads/{branch}:refs/remotes/origin/{branch}", f"+refs/heads/{SYNC_BRANCHES}*:{ours}*")
        try:
            self._transport.fetch(self, refspecs, words=("--depth=1", "--filter=blob:none", "--prune"), remote="origin")
        except MlopsgenError as error:
            if "couldn't find remote ref" in error.message:
                raise BranchMissing(
                    f"It has no branch '{branch}'.", where=branch, hint="Name another one with --branch."
                ) from None
            raise
        listed = self.read("for-each-ref", "--format=%(refname) %(objectname)", "refs/remotes/origin/").splitlines()
        found = dict(line.split(" ") for line in listed)
        tips = {name.removeprefix("refs/remotes/origin/"): commit for name, commit in found.items()}
        self._tip = tips[branch]
        return tips[branch], {name: commit for name, commit in tips.items() if name.startswith(SYNC_BRANCHES)}

    def bring(self, ids: Collection[str]) -> None:
        """Fetch contents in one go; what is here already is left out."""
        wanted = self._missing() & set(ids) if ids else set()
        if wanted:
            self._transport.fetch(self, (), words=("--filter=blob:none",), remote="origin", objects=sorted(wanted))
            self._lacking -= wanted

    def see(self, objects: Path) -> None:
        """See the objects of a store besides those that are here."""
        path = self.path / "objects" / "info" / "alternates"
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        line = alternate(str(objects))
        if line not in lines:
            write_text(path, "".join(f"{each}\n" for each in (*lines, line)), mode=0o600)

    def has(self, commit: str, name: str) -> bool:
        """Whether a commit has a file at its top."""
        return self.read("ls-tree", "--name-only", commit, "--", name) == name

    def deepen(self, branch: str) -> None:
        """Fetch the whole history of a branch, without any contents."""
        refspec = f"+refs/heads/{branch}:refs/remotes/origin/{branch}"
        self._transport.fetch(self, (refspec,), words=("--unshallow", "--filter=blob:none"), remote="origin")

    def _missing(self) -> set[str]:
        """The contents that the branch has and nothing here; asked so that git does not fetch them one by one."""
        if self._tip:
            words = ("rev-list", "--objects", "--no-object-names", "--missing=print", f"{self._tip}^{{tree}}")
            printed = self.run(*words).stdout.splitlines()
            self._lacking = {line[1:] for line in printed if line.startswith("?")}
            self._tip = ""
        return self._lacking


@contextmanager
def member_repository(
    folder: Path, environ: Mapping[str, str], transport: GitTransport, address: str
) -> Iterator[MemberRepository]:
    """The tiny repository in a folder, made if it is not there; nobody else uses it meanwhile.

    Args:
        folder: Where it lies or shall lie.
        environ: The environment that git is started with.
        transport: The way to GitHub.
        address: What git fetches from; never with credentials.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with hold(folder.with_name(f"{folder.name}.lock")):
            _clear_leftovers(folder)
            _lay_out(folder, address)
            os.utime(folder)  # what is not used for long goes
            yield MemberRepository(folder, environ, transport)
    except OSError as error:
        raise from_os_error(error, doing=f"Writing {folder}") or error from error


def _lay_out(folder: Path, address: str) -> None:
    """Write what makes a folder a repository; it takes no git, and can be done again over what is there."""
    for below in ("objects/info", "objects/pack", "refs/heads"):
        (folder / below).mkdir(parents=True, exist_ok=True)
    texts = {
        "config": _CONFIG.format(address=quoted(address)),
        "HEAD": "ref: refs/heads/nothing\n",
    }
    for name, text in texts.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text(path, text, mode=0o600)


def _clear_leftovers(folder: Path) -> None:
    """Remove a repository that a killed git has left locked: nobody else is in it now."""
    if any(folder.glob("*.lock")) or any((folder / "refs").rglob("*.lock")):
        shutil.rmtree(folder, ignore_errors=True)
