"""An update that was made in a clone becomes a pull request, or the description of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlopsgen.adapters.git import GitRepository
from mlopsgen.constants import HOSTED_REMOTE
from mlopsgen.errors import MlopsgenError
from mlopsgen.events import StepDone, StepStarted, Warn
from mlopsgen.forge.worker.layout import write_text
from mlopsgen.operations import sync_state
from mlopsgen.operations.hosting import Target, Wanted, find_target, is_github, open_github, place_of
from mlopsgen.operations.sync_checks import Check, check_result
from mlopsgen.operations.sync_data import journey
from mlopsgen.operations.sync_ground import head_of
from mlopsgen.operations.sync_request import SyncRequest
from mlopsgen.operations.sync_tip import Fetch, Tip
from mlopsgen.operations.wording import counted
from mlopsgen.ports import EventSink
from mlopsgen.result import OperationResult
from mlopsgen.sync.pull_text import Setting, pull_text
from mlopsgen.sync.values import Update
from mlopsgen.sync.wording import LABEL, overview, title

if TYPE_CHECKING:
    from mlopsgen.forge.github.forge import GitHubForge
    from mlopsgen.forge.github.pulls import Pull

_TEXT = "pull-request.md"
_WORDS = {"opened": "is open", "updated": "is up to date now"}


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What is proposed.

    Attributes:
        update: The update, without conflicts.
        commit: Its commit on the sync branch.
        tip: Where it began.
    """

    update: Update
    commit: str
    tip: Tip


def target_of(source: GitRepository, request: SyncRequest) -> Target | None:
    """The repository on GitHub that ``origin`` leads to; ``None`` where it leads elsewhere."""
    origin = source.remotes().get(HOSTED_REMOTE, "")
    place = place_of(origin)
    environ = request.surroundings.environ
    if place is None or not is_github(place, request.host, environ):
        return None
    target = find_target(Wanted(host=request.host), {"slug": place.name}, origin, environ)
    return target if target.origin else None


def fetching(source: GitRepository, request: SyncRequest, events: EventSink) -> Fetch | None:
    """How a branch on GitHub is fetched with a token; ``None`` where ``origin`` is not on GitHub."""
    target, credential = target_of(source, request), request.credential
    if target is None or credential is None:
        return None

    def fetch(source: GitRepository, refspecs: list[str]) -> None:
        token = credential(target).token
        open_github(target, token, request.surroundings, events).fetch(source, refspecs)

    return fetch


def propose(
    source: GitRepository, request: SyncRequest, proposal: Proposal, data: dict[str, Any], events: EventSink
) -> OperationResult:
    """Check the result, then open the pull request or describe it.

    Args:
        source: The person's repository.
        request: What is wanted.
        proposal: What is proposed.
        data: What is told of the update so far.
        events: Is told what is being done.

    Raises:
        MlopsgenError: GitHub refuses; the branch is made, and running it again continues.
    """
    return _Proposing(source, request, proposal, data, events).done()


@dataclass
class _Proposing:
    source: GitRepository
    request: SyncRequest
    proposal: Proposal
    data: dict[str, Any]
    events: EventSink

    def done(self) -> OperationResult:
        """Check, then open or describe."""
        request = self.request
        checks = self._checks()
        told = [{"name": each.name, "ok": each.ok, "ran": each.ran, "detail": each.detail} for each in checks]
        self.data = {**self.data, "commit": self.proposal.commit, "checks": told}
        target = target_of(self.source, request) if request.pull_request else None
        setting = Setting(
            branch=request.branch,
            sync_branch=request.sync_branch,
            repository=target.full_name if target is not None else "",
            travelling=self.proposal.tip.ahead,
            checks=checks,
        )
        text = pull_text(self.proposal.update, setting)
        if target is not None and self._agreed(target):
            return self._open(target, text)
        return self._describe(text, setting.repository)

    def _checks(self) -> tuple[Check, ...]:
        self.events(StepStarted(message="Checking the result"))
        checks = check_result(
            self.source,
            self.proposal.update.tree,
            environ=self.request.surroundings.environ,
            root=self.source.path,
            before=self.proposal.update.ours,
            branch=self.request.branch,
        )
        for check in checks:
            if check.ran and not check.ok:
                self.events(Warn(message=f"A check of the result failed: {check.name}: {check.detail}"))
        good = [check.name for check in checks if check.ran and check.ok]
        if good:
            self.events(StepDone(message=f"checked: {', '.join(good)}"))
        return checks

    def _agreed(self, target: Target) -> bool:
        request = self.request
        if request.agreed:
            return True
        question = f"Push {request.sync_branch} and open a pull request in {target.full_name}?"
        return request.agree is not None and request.agree(question, True)

    def _open(self, target: Target, text: str) -> OperationResult:
        from mlopsgen.forge.github.pulls import WantedPull  # noqa: PLC0415 - its libraries take a moment
        from mlopsgen.operations.fleet_rows import State  # noqa: PLC0415
        from mlopsgen.operations.sync_delivery import deliver  # noqa: PLC0415

        request = self.request
        if request.credential is None:
            raise MlopsgenError("There is no token for GitHub.", where=target.full_name)
        forge = open_github(target, request.credential(target).token, request.surroundings, self.events)
        wanted = WantedPull(
            head=request.sync_branch,
            base=request.branch,
            title=title(self.proposal.update),
            body=text,
            labels=(LABEL,),
            draft=False,
        )
        self.events(StepStarted(message=f"Proposing it to {target.full_name}"))
        done = deliver(forge, self.source, self.proposal.commit, wanted, again=True)
        if done.state is State.WORKED_ON or done.pull is None:
            raise MlopsgenError(
                f"Somebody has worked on {request.sync_branch} on GitHub; it was left alone.",
                where=done.pull.page if done.pull is not None else forge.page,
                hint=f"Merge or close that first, or delete it: git push origin --delete {request.sync_branch}",
            )
        self.data["pushed"] = done.pushed
        settings, left = self._settle(forge)
        self.data["settings_on_github"] = settings
        return self._opened(done.pull, done.state.value, left)

    def _settle(self, forge: GitHubForge) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
        """What GitHub has to become, and, where a person wants it, made so; the steps that are left."""
        from mlopsgen.operations.sync_settings import apply_settings, plan_settings  # noqa: PLC0415

        request, update = self.request, self.proposal.update
        if not request.settings and not update.settings:
            return None, ()
        push = "mlopsgen push   (after the merge: brings GitHub to what the files ask for)"
        try:
            found = plan_settings(forge, self.source, update, self.events)
        except MlopsgenError as error:
            if error.concerns_all:
                raise
            self.events(Warn(message=f"The settings could not be compared: {error.message}", hint=error.hint))
            return None, (push,)
        if found is None or not found.plan.changes:
            return found.plan.as_dict() if found is not None else None, ()
        request.show_settings(found.plan)
        number = counted(len(found.plan.changes), "change")
        question = f"Make {number} to the settings of {forge.full_name} now, before the merge?"
        agreed = request.settings and request.agreed
        if not agreed and request.agree is not None and not request.agreed:
            agreed = request.agree(question, request.settings)
        if not agreed:
            return found.plan.as_dict(), (push,)
        left = apply_settings(forge, self.source, update, found, self.events)
        return left.plan.as_dict(), tuple(dict.fromkeys(item.hint for item in left.plan.unsolved if item.hint))

    def _opened(self, pull: Pull, state: str, left: tuple[str, ...]) -> OperationResult:
        branch, update = self.request.branch, self.proposal.update
        steps = [f"{pull.page}   (review and merge it)", f"git switch {branch} && git pull   (after the merge)"]
        if pull.draft:
            steps.insert(0, f"{pull.page}   (press 'Ready for review': its conflicts are gone)")
        return OperationResult(
            summary=f"Pull request #{pull.number} {_WORDS.get(state, 'is as it should be')}: {branch} "
            f"{journey(update)}, {overview(update)}.",
            data={
                **self.data,
                "state": state,
                "pull_request": {
                    "state": state,
                    "number": pull.number,
                    "page": pull.page,
                    "draft": pull.draft,
                    "title": pull.title,
                    "text": pull.body,
                },
            },
            next_steps=(*steps, *left),
        )

    def _describe(self, text: str, repository: str) -> OperationResult:
        request, update = self.request, self.proposal.update
        path = sync_state.folder_of(self.source) / _TEXT
        write_text(path, f"# {title(update)}\n\n{text}\n", mode=0o600)
        return OperationResult(
            summary=f"The update of {request.branch} ({journey(update)}) is on {request.sync_branch}: "
            f"{overview(update)}. {request.branch} itself was left alone.",
            data={
                **self.data,
                "pull_request": {"state": "described", "title": title(update), "text": text, "file": str(path)},
            },
            next_steps=(
                f"git diff {request.branch}...{request.sync_branch}   (what changes; {self._near(path)} describes it)",
                *self._merging(repository),
            ),
        )

    def _near(self, path: Path) -> str:
        """A path as it is called from the repository's top, where it lies below that."""
        top = self.source.path
        return str(path.relative_to(top) if path.is_relative_to(top) else path)

    def _merging(self, repository: str) -> Sequence[str]:
        branch, sync_branch = self.request.branch, self.request.sync_branch
        if repository:
            return (f"{self.request.again} --yes   (opens the pull request in {repository})",)
        switch = "" if head_of(self.source).branch == branch else f"git switch {branch} && "
        remote = self.proposal.tip.remote
        return (f"{switch}git merge {sync_branch}", *((f"git push {remote} {branch}",) if remote else ()))
