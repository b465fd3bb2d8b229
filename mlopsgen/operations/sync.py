"""``mlopsgen sync`` in a clone: the update is worked out, made on a branch of its own, and proposed.

A clean update is made of git's objects alone: no file of the working tree moves. With conflicts the branch is checked
out and git's own cherry-pick waits for the person; ``--continue`` and ``--abort`` end that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import CommandFailed, ExitCode, MlopsgenError
from mlopsgen.events import Note, StepDone, Warn
from mlopsgen.operations import sync_branch, sync_pick, sync_state
from mlopsgen.operations.project import find_repository, refuse_template
from mlopsgen.operations.sync_branch import Holds
from mlopsgen.operations.sync_data import goes_back, journey, update_data
from mlopsgen.operations.sync_ground import different, head_of, refuse_ground
from mlopsgen.operations.sync_proposal import Proposal, fetching, propose
from mlopsgen.operations.sync_request import SyncRequest
from mlopsgen.operations.sync_state import Underway
from mlopsgen.operations.sync_tip import Tip, find_tip
from mlopsgen.operations.sync_work import Work, worked_out
from mlopsgen.operations.wording import counted
from mlopsgen.ports import EventSink
from mlopsgen.result import OperationResult
from mlopsgen.sync.commits import make_commit
from mlopsgen.sync.merging import changes
from mlopsgen.sync.start import Given
from mlopsgen.sync.update import NEUTRAL_IDENTITY
from mlopsgen.sync.values import Conflict, Update
from mlopsgen.sync.wording import commit_message, conflict_paths, guide_lines, overview

ABORT = "mlopsgen sync --abort"
_LOCKED = re.compile(r"Unable to create '([^']+\.lock)'")


def sync(request: SyncRequest, events: EventSink) -> OperationResult:
    """Work the update out, make it, propose it; running it again changes nothing that is done.

    Raises:
        MlopsgenError: Something does not allow it; nothing was moved.
        Interrupted: The person stopped it.
    """
    here = _open(request)
    if request.check or request.dry_run:
        return _Sync(request, events, here).look()
    with _alone(here):
        return _Sync(request, events, here).run()


def sync_continue(request: SyncRequest, events: EventSink) -> OperationResult:
    """Finish an update whose conflicts a person resolved, and propose it.

    Raises:
        MlopsgenError: No update waits, or something of it is not resolved.
    """
    here = _open(request)
    with _alone(here):
        underway = sync_state.read(here)
        if underway is None:
            raise MlopsgenError("No update waits here to be finished.", hint="'mlopsgen sync' begins one.")
        progress = sync_pick.progress_of(here, underway)
        if not progress.picking and not progress.commit:
            raise MlopsgenError(
                "The update that waited here is not under way any more: git's cherry-pick was given up.",
                where=underway.sync_branch,
                hint=f"Clear up with '{ABORT}', or begin it again with 'mlopsgen sync'.",
            )
        return _Sync(request, events, here).finish(underway, progress)


def sync_abort(request: SyncRequest, events: EventSink) -> OperationResult:  # noqa: ARG001 - as the others
    """Give an update with conflicts up: branch, files and index are as before it.

    Raises:
        MlopsgenError: No update waits, or git cannot go back.
    """
    here = _open(request)
    with _alone(here):
        underway = sync_state.read(here)
        if underway is None:
            raise MlopsgenError("No update waits here that could be given up.", hint="git status")
        finished = sync_pick.progress_of(here, underway).commit
        sync_pick.go_back(here, underway)
        where = underway.head or f"the commit {underway.commit[:10]}"
        kept = f" What was committed on {underway.sync_branch} stays there." if finished else ""
        return OperationResult(
            summary=f"The update was given up; you are on {where} again, and your files are as before.{kept}",
            data={"state": "aborted", "branch": underway.branch, "sync_branch": underway.sync_branch},
            next_steps=("mlopsgen sync",),
        )


@contextmanager
def _alone(here: GitRepository) -> Iterator[None]:
    """Be the only update here; what a killed git left behind is named."""
    try:
        with sync_state.alone(here):
            yield
    except CommandFailed as error:
        locked = _LOCKED.search(error.output)
        if locked is not None:
            error.hint = f"If no git is running here, a killed one left this file behind: rm '{locked[1]}'"
        raise


def _open(request: SyncRequest) -> GitRepository:
    source = find_repository(request.surroundings)
    refuse_template(source.path)
    return sync_branch.with_identity(source, request.surroundings.environ)


@dataclass
class _Sync:
    request: SyncRequest
    events: EventSink
    source: GitRepository

    def look(self) -> OperationResult:
        """Only look: nothing is written into the repository."""
        tip = self._tip()
        with worked_out(self.source, tip.commit, self.request, self.events) as work:
            update = work.update
        if update.is_empty:
            return self._nothing(update)
        data = self._data(update, "pending")
        if self.request.check:
            return OperationResult(
                summary=f"There is an update of {self.request.branch}, {journey(update)}: {overview(update)}.",
                data=data,
                next_steps=(f"{self.request.again} --dry-run   (shows it)", self.request.again),
                exit_code=ExitCode.PENDING,
            )
        self._show(update)
        return OperationResult(
            summary=f"The update of {self.request.branch} ({journey(update)}) would be: {overview(update)}. "
            "Nothing was changed.",
            data=data,
            next_steps=(self.request.again,),
        )

    def run(self) -> OperationResult:
        """Go as far as it goes."""
        underway = sync_state.read(self.source)
        if underway is not None:
            progress = sync_pick.progress_of(self.source, underway)
            if progress.picking:
                return self._waiting(underway, progress.left)
            if progress.commit:
                return self.finish(underway, progress)
            self.events(Note(message="An update was stopped in the middle; it is cleared up and begun again."))
            sync_pick.go_back(self.source, underway)
        tip = self._tip()
        with worked_out(self.source, tip.commit, self.request, self.events) as work:
            update = work.update
            if update.is_empty:
                sync_pick.drop_references(self.source)
                if sync_branch.remove_merged(self.source, self.request.sync_branch, tip.commit):
                    self.events(Note(message=f"{self.request.sync_branch} is merged, and was removed here."))
                return self._nothing(update)
            found = sync_branch.look(self.source, self.request.sync_branch, update)
            if found.holds is Holds.RESOLVED:
                update = self._resolved(update, found.commit)
            self._show(update)
            if found.holds is Holds.RESOLVED:
                return self._proposed(update, found.commit, tip)
            if update.conflicts:
                return self._pick(work, found.commit)
            commit = found.commit if found.holds is Holds.SAME else self._make(work, found.commit)
        return self._proposed(update, commit, tip)

    def finish(self, underway: Underway, progress: sync_pick.Progress) -> OperationResult:
        """Commit what is resolved, go back to what was checked out, and propose it."""
        commit = progress.commit or sync_pick.finish(self.source, underway)
        return _Sync(self._as_begun(underway), self.events, self.source).end(underway, commit)

    def end(self, underway: Underway, commit: str) -> OperationResult:
        """Go back to what was checked out before the update, and propose it."""
        with worked_out(self.source, underway.ours, self.request, self.events) as work:
            update = self._resolved(work.update, commit)
        stayed = sync_pick.leave(self.source, underway)
        if stayed:
            self.events(Note(message=stayed))
        return self._proposed(update, commit, Tip(commit=underway.ours))

    def _as_begun(self, underway: Underway) -> SyncRequest:
        options = underway.options
        return replace(
            self.request,
            branch=underway.branch,
            to=underway.end,
            given=Given(answers=options["given"], origin=options["origin"]),
            rebase_from=options["rebase_from"],
            template=options["template"],
            keep_edits=options["keep_edits"],
            ask=None,
        )

    def _tip(self) -> Tip:
        fetch = fetching(self.source, self.request, self.events)
        return find_tip(self.source, self.request.branch, self.request.surroundings.environ, self.events, fetch)

    def _make(self, work: Work, before: str) -> str:
        """The update as a commit on the sync branch; no file moves."""
        update = work.update
        work.bring_result()
        identity = self.source.identity() or NEUTRAL_IDENTITY
        commit = make_commit(self.source, update.tree, update.ours, commit_message(update), identity=identity)
        sync_branch.move(self.source, self.request.sync_branch, commit, before)
        self.events(StepDone(message=f"{self.request.sync_branch}: {overview(update)}"))
        return commit

    def _pick(self, work: Work, before: str) -> OperationResult:
        """Let git stand in the middle of the update, for a person to resolve it."""
        update = work.update
        touched = refuse_ground(self.source, update.ours, different(work.shop, update.ours, update.tree))
        theirs = work.bring_theirs(commit_message(replace(update, conflicts=())))
        head = head_of(self.source)
        told = {answer.key: answer.value for answer in update.new_answers if answer.origin in ("asked", "given")}
        underway = Underway(
            branch=self.request.branch,
            sync_branch=self.request.sync_branch,
            before=before,
            head=head.branch,
            commit=head.commit,
            ours=update.ours,
            theirs=theirs,
            start=update.start,
            end=update.end,
            touched=touched,
            conflicts=tuple(conflict_paths(update.conflicts)),
            options={
                "given": {
                    **self.request.given.answers,
                    **{key: value for key, value in told.items() if value is not None},
                },
                "origin": dict(self.request.given.origin),
                "rebase_from": self.request.rebase_from,
                "template": self.request.template,
                "keep_edits": self.request.keep_edits,
            },
        )
        waiting = sync_pick.begin(self.source, underway)
        if not waiting.conflicts:
            return self.finish(waiting, sync_pick.progress_of(self.source, waiting))
        known = {conflict.path: conflict for conflict in update.conflicts}
        conflicts = tuple(known.get(path, Conflict(path, "content", "")) for path in waiting.conflicts)
        data = self._data(replace(update, conflicts=conflicts), "conflicts")
        return self._stands(conflicts, data)

    def _waiting(self, underway: Underway, left: tuple[str, ...]) -> OperationResult:
        """What waits already; nothing is done about it."""
        conflicts = tuple(Conflict(path, "content", "") for path in left or underway.conflicts)
        data = {"from": underway.start, "to": underway.end, **self._where(underway.branch), "state": "conflicts"}
        data["conflicts"] = [conflict._asdict() for conflict in conflicts]
        if left:
            return self._stands(conflicts, data)
        return OperationResult(
            summary=f"The conflicts of the update to {underway.end} are resolved; it waits to be finished.",
            data=data,
            next_steps=(self.request.resume, f"{ABORT}   (or give it up)"),
            exit_code=ExitCode.PARTIAL,
        )

    def _stands(self, conflicts: tuple[Conflict, ...], data: dict[str, Any]) -> OperationResult:
        guide = guide_lines(conflicts, sync_branch=data["sync_branch"], resume=self.request.resume)
        return OperationResult(
            summary=f"The update to {data['to']} waits for you to resolve "
            f"{counted(len(conflict_paths(conflicts)), 'conflict')}.",
            data={**data, "guide": guide},
            next_steps=(self.request.resume, f"{ABORT}   (everything is as before)"),
            exit_code=ExitCode.PARTIAL,
        )

    def _resolved(self, update: Update, commit: str) -> Update:
        """The update as a person resolved it."""
        tree = self.source.read("rev-parse", f"{commit}^{{tree}}")
        resolved = tuple(conflict_paths(update.conflicts))
        return replace(
            update, tree=tree, conflicts=(), resolved=resolved, changes=changes(self.source, update.ours, commit)
        )

    def _proposed(self, update: Update, commit: str, tip: Tip) -> OperationResult:
        sync_pick.drop_references(self.source)
        proposal = Proposal(update=update, commit=commit, tip=tip)
        data = self._data(update, "ready")
        return propose(self.source, self.request, proposal, data, self.events)

    def _show(self, update: Update) -> None:
        if goes_back(update):
            message = (
                f"{update.end} is older than {update.start}: this goes back. What only the newer one asks is forgotten."
            )
            self.events(Warn(message=message, hint="Leave --to out to go forward."))
        self.request.show(update)

    def _nothing(self, update: Update) -> OperationResult:
        return OperationResult(
            summary=f"{self.request.branch} is up to date: the template {update.end} changes nothing in it.",
            data=self._data(update, "current"),
        )

    def _data(self, update: Update, state: str) -> dict[str, Any]:
        return {**update_data(update), **self._where(self.request.branch), "state": state}

    def _where(self, branch: str) -> dict[str, Any]:
        return {"folder": str(self.source.path), "branch": branch, "sync_branch": f"mlopsgen/sync-{branch}"}
