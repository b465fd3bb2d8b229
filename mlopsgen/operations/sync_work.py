"""Works an update of a clone out beside it, and brings what came of it into the clone as git's objects."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlopsgen.adapters.cache import cache_folder
from mlopsgen.adapters.git import GitRepository
from mlopsgen.constants import ANSWERS_FILE, CANONICAL_TEMPLATE
from mlopsgen.errors import CommandFailed, InvalidDocument, MlopsgenError
from mlopsgen.events import StepStarted, Warn
from mlopsgen.operations.sync_ground import PLAIN
from mlopsgen.operations.sync_pick import RESULT, THEIRS
from mlopsgen.operations.sync_request import SyncRequest
from mlopsgen.operations.template_shelf import TemplateShelf
from mlopsgen.ports import EventSink
from mlopsgen.sync import trees
from mlopsgen.sync.locking import Locker
from mlopsgen.sync.record import read_record
from mlopsgen.sync.update import NEUTRAL_IDENTITY, UpdateRequest, prepare
from mlopsgen.sync.values import Update
from mlopsgen.sync.workshop import workshop

_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
_CALM = (
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
    "-c",
    "protocol.version=2",
    "-c",
    "protocol.file.allow=always",
)


@dataclass(frozen=True, kw_only=True)
class Work:
    """An update that was worked out.

    Attributes:
        update: The update.
        shop: The bare repository that holds its objects, while it lasts.
        source: The person's repository.
    """

    update: Update
    shop: GitRepository
    source: GitRepository

    def bring_result(self) -> None:
        """Bring the merged tree into the person's repository; a reference of ours keeps it there."""
        # On what is there already, so that git brings what is new and not every file of the repository once more.
        ours = self.update.ours
        self._bring(RESULT, self._commit(self.update.tree, ours), f"--negotiation-tip={ours}")

    def bring_theirs(self, message: str) -> str:
        """Bring the commit that is picked, with this message; a reference of ours keeps it there.

        Returns:
            The commit.
        """
        tree = self.shop.read("rev-parse", f"{self.update.theirs}^{{tree}}")
        commit = self._commit(tree, self.update.base, message=message)
        self._bring(THEIRS, commit)
        return commit

    def _commit(self, tree: str, *parents: str, message: str = "Update") -> str:
        # The scratch repository does not know who a person is by their repository's own configuration.
        return trees.commit(self.shop, tree, parents, message, self.source.identity() or NEUTRAL_IDENTITY)

    def _bring(self, reference: str, commit: str, *words: str) -> None:
        bring(self.source, self.shop, reference, commit, *words)


def bring(source: GitRepository, shop: GitRepository, reference: str, commit: str, *words: str) -> None:
    """Bring a commit of a workshop into a person's repository, where a reference keeps it."""
    # By a name, because not every git lets a bare commit be asked for.
    shop.run("update-ref", "refs/heads/brought", commit)
    brought = f"+refs/heads/brought:{reference}"
    source.run(*PLAIN, *_CALM, *_FETCH, "--no-auto-maintenance", *words, str(shop.path), brought)


def recorded_template(source: GitRepository, commit: str) -> str:
    """The address of the template that a commit records; where the record is gone or spoilt, what it said before."""
    lately = source.run("rev-list", "--max-count=1", commit, "--", ANSWERS_FILE, check=False).stdout.strip()
    for place in (commit, *([f"{lately}~1"] if lately else [])):
        done = source.run("show", f"{place}:{ANSWERS_FILE}", check=False)
        try:
            address = read_record(done.stdout).template if done.exit_status == 0 else ""
        except InvalidDocument:
            address = ""
        if address:
            return address
    return ""


@contextmanager
def worked_out(source: GitRepository, ours: str, request: SyncRequest, events: EventSink) -> Iterator[Work]:
    """Work the update of a commit out; nothing is written into the person's repository.

    Raises:
        MlopsgenError: The record, the template or an answer does not allow it; the hint names the way on.
    """
    environ = request.surroundings.environ
    if source.run("rev-parse", "--show-object-format", check=False).stdout.strip() not in ("sha1", ""):
        raise MlopsgenError(
            "This repository names its objects by SHA-256; an update can so far be made only where it is SHA-1.",
            where=str(source.path),
        )
    shelf = request.shelf or TemplateShelf(environ)
    if request.template:
        template = shelf.template(request.template, given=True)
    else:
        template = shelf.template(recorded_template(source, ours) or CANONICAL_TEMPLATE)
    warning = getattr(template, "warning", "")
    if warning:
        events(Warn(message=warning))
    renders = shelf.renders(template)
    events(StepStarted(message="Working out the update"))
    with tempfile.TemporaryDirectory(prefix="mlopsgen-sync-", ignore_cleanup_errors=True) as scratch:
        shop = workshop(Path(scratch) / "shop.git", source, renders)
        wanted = UpdateRequest(
            to=request.to or None,
            given=request.given,
            rebase_from=request.rebase_from or None,
            keep_edits=request.keep_edits,
            ask=request.ask,
            locker=Locker(environ, root=source.path, cache=cache_folder(environ, "locks")),
            fetch=contents_from(source),
            identity=source.identity(),
        )
        yield Work(update=prepare(shop, ours, wanted, template, renders), shop=shop, source=source)


class _Fetching:
    """Brings contents that a clone without blobs lacks, from where it was cloned."""

    def __init__(self, source: GitRepository, remote: str) -> None:
        self._source = source
        self._remote = remote

    def __call__(self, ids: Collection[str]) -> None:
        if not ids:
            return
        words = ("-c", "fetch.negotiationAlgorithm=noop", *_FETCH, "--filter=blob:none", self._remote, "--stdin")
        try:
            self._source.run(*PLAIN, *_CALM, *words, stdin="".join(f"{name}\n" for name in sorted(ids)))
        except CommandFailed as error:
            raise MlopsgenError(
                "This clone has no file contents of its own, and they could not be fetched.",
                where=self._remote,
                hint=f"Check the network, or fetch them with 'git fetch --refetch {self._remote}'.",
            ) from error


def contents_from(source: GitRepository) -> Callable[[Collection[str]], None] | None:
    """What brings contents that a clone was made without; ``None`` where it has them all."""
    remote = source.run("config", "--get", "extensions.partialClone", check=False).stdout.strip()
    if not remote:
        found = source.run("config", "--get-regexp", r"^remote\..*\.promisor$", check=False).stdout.split()
        remote = found[0].removeprefix("remote.").removesuffix(".promisor") if found else ""
    return _Fetching(source, remote) if remote else None
