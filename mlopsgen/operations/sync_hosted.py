"""The update of one repository on GitHub, without a clone of it: worked out on objects alone, then proposed.

Running it again finds what is done: an update whose branch and pull request are there already changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mlopsgen.constants import ANSWERS_FILE, CANONICAL_TEMPLATE, MAIN_BRANCH
from mlopsgen.forge.github.account import Account
from mlopsgen.forge.github.forge import GitHubForge
from mlopsgen.forge.github.members import Member
from mlopsgen.forge.github.pulls import Pull, WantedPull, is_as_wanted, list_pulls, open_pull
from mlopsgen.forge.github.pushing import GitTransport
from mlopsgen.forge.github.reading import read_branches
from mlopsgen.operations.fleet_rows import PullRequestRef, Row, State
from mlopsgen.operations.member_repository import MemberRepository, member_repository
from mlopsgen.operations.sync_delivery import Delivered, deliver, standing
from mlopsgen.operations.sync_tip import BranchMissing
from mlopsgen.operations.sync_work import recorded_template
from mlopsgen.ports import EventSink, Template
from mlopsgen.sync.commits import is_same, make_commit
from mlopsgen.sync.pull_text import Checked, Setting, pull_text, renewed
from mlopsgen.sync.renders import Renders
from mlopsgen.sync.start import HistoryNeeded
from mlopsgen.sync.trees import listing, shown
from mlopsgen.sync.update import NEUTRAL_IDENTITY, UpdateRequest, prepare
from mlopsgen.sync.values import Update
from mlopsgen.sync.wording import LABEL, commit_message, conflict_paths, decisions, overview, title

Bring = Callable[[Collection[str]], None]


@dataclass(frozen=True, kw_only=True)
class HostedSync:
    """What is the same for all repositories; made once, used by any number of threads.

    Attributes:
        account: Makes the calls; its token's rights count.
        environ: The environment that git is started with.
        events: Is told what is being waited for.
        folder: Where the tiny repositories lie.
        open_template: The template at an address.
        renders_of: The store of its renders.
        update: What is wanted of the update.
        branch: The branch that is updated.
        template: Where the template lies now; empty for where each repository says.
        publish: Whether anything may be changed on GitHub at all.
        pull_request: Whether a pull request is opened, not only the branch pushed.
        check: Looks at the result before it is pushed: a repository, a tree in it, the commit that it comes from, and
            the files with conflicts.
        sleep: Waits that many seconds.
        touched: Paths whose contents the updates of other repositories had to fetch; it grows.
    """

    account: Account
    environ: Mapping[str, str]
    events: EventSink
    folder: Path
    open_template: Callable[[str], Template]
    renders_of: Callable[[Template], Renders]
    update: UpdateRequest = field(default_factory=UpdateRequest)
    branch: str = MAIN_BRANCH
    template: str = ""
    publish: bool = True
    pull_request: bool = True
    check: Callable[[MemberRepository, str, str, Collection[str]], Sequence[Checked]] | None = None
    sleep: Callable[[float], None] = time.sleep
    touched: set[str] = field(default_factory=set)

    @property
    def sync_branch(self) -> str:
        """The branch that holds the update."""
        return f"mlopsgen/sync-{self.branch}"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What became of one repository.

    Attributes:
        row: What is told of it.
        update: The update; ``None`` where it could not be worked out or there is none to speak of.
        checks: What was found in its result.
    """

    row: Row
    update: Update | None = None
    checks: Sequence[Checked] = ()


def sync_hosted(member: Member, hosted: HostedSync, *, may_publish: Callable[[], bool] = lambda: True) -> Row:
    """Work the update of a repository out and propose it, as far as that is not done yet.

    Args:
        member: The repository.
        hosted: What is wanted, and the means.
        may_publish: Asked once, right before the first thing that is changed on GitHub.

    Raises:
        MlopsgenError: It cannot be reached, or its record cannot be used.
    """
    return sync_one(member, hosted, may_publish=lambda _: may_publish()).row


def sync_one(member: Member, hosted: HostedSync, *, may_publish: Callable[[Update], bool] = lambda _: True) -> Seen:
    """The same, with the update itself; ``may_publish`` is told of it, too."""
    return _One(member, hosted, may_publish).seen()


@contextmanager
def opened(hosted: HostedSync, owner: str, name: str) -> Iterator[MemberRepository]:
    """The tiny repository of a hosted one, with whatever an update has left in it; nobody else uses it meanwhile."""
    account = hosted.account
    means: dict[str, Any] = {"environ": hosted.environ, "sleep": hosted.sleep}
    transport = GitTransport(account.host, owner, name, account.client.token, **means)
    # An address may hold a port, and no folder's name a colon everywhere.
    folder = hosted.folder / account.host.name.replace(":", "_") / owner.lower() / f"{name.lower()}.git"
    with member_repository(folder, hosted.environ, transport, account.host.address(owner, name)) as here:
        yield here


class _One:
    """One repository on its way."""

    def __init__(self, member: Member, hosted: HostedSync, may_publish: Callable[[Update], bool]) -> None:
        self._member = member
        self._hosted = hosted
        self._may_publish = may_publish
        self._address = ""
        account = hosted.account
        self._forge = GitHubForge(
            account.host,
            member.owner,
            member.name,
            account.client.token,
            environ=hosted.environ,
            events=hosted.events,
            sleep=hosted.sleep,
            account=account,
        )

    def seen(self) -> Seen:
        """Fetch, work out, propose."""
        closed = _closed(self._member)
        if closed is not None:
            return Seen(row=self._row(*closed))
        with opened(self._hosted, self._member.owner, self._member.name) as here:
            try:
                ours, tips = here.update(self._hosted.branch)
            except BranchMissing as error:
                return Seen(row=self._without_branch(error))
            if self._hosted.update.rebase_from is None and not here.has(ours, ANSWERS_FILE):
                reason = f"Its branch {self._hosted.branch} has no {ANSWERS_FILE}."
                hint = "If it was made by mlopsgen: 'mlopsgen sync --rebase-from VERSION --repository "
                return Seen(row=self._row(State.NOT_GENERATED, reason, hint=f"{hint}{self._member.full_name}'."))
            bring = self._first_brought(here, ours)
            template = self._template(here, ours)
            update = self._prepared(here, ours, template, bring)
            return self._proposed(here, update, tips.get(self._hosted.sync_branch, ""), template)

    def _first_brought(self, here: MemberRepository, ours: str) -> Bring:
        """Fetch the record, and in the same go what other repositories had to fetch after it.

        Returns:
            Fetches more, and remembers for the next repository what that was.
        """
        touched, files = self._hosted.touched, listing(here, ours)
        renders = self._hosted.renders_of(self._hosted.open_template(self._hosted.template or CANONICAL_TEMPLATE))
        here.see(renders.objects)
        here.bring([files[path].blob for path in (ANSWERS_FILE, *sorted(touched)) if path in files])

        def bring(ids: Collection[str]) -> None:
            wanted = set(ids)
            touched.update(path for path, entry in files.items() if entry.blob in wanted)
            here.bring(ids)

        return bring

    def _template(self, here: MemberRepository, ours: str) -> Template:
        hosted = self._hosted
        self._address = hosted.template or recorded_template(here, ours) or CANONICAL_TEMPLATE
        template = hosted.open_template(self._address)
        self._address = template.address
        here.see(hosted.renders_of(template).objects)
        return template

    def _prepared(self, here: MemberRepository, ours: str, template: Template, bring: Bring) -> Update:
        wanted = self._hosted.update
        request = replace(
            wanted,
            fetch=bring,
            identity=wanted.identity or here.identity(),
            moved=wanted.moved or bool(self._hosted.template),
        )
        renders = self._hosted.renders_of(template)
        try:
            return prepare(here, ours, request, template, renders)
        except HistoryNeeded:
            here.deepen(self._hosted.branch)
            return prepare(here, ours, request, template, renders)

    def _proposed(self, here: MemberRepository, update: Update, there: str, template: Template) -> Seen:
        if update.is_empty:
            return Seen(row=self._row(State.CURRENT, " ".join(update.warnings), update=update), update=update)
        hosted, marked = self._hosted, bool(update.conflicts)
        behind = _versions_between(template, update)
        same = bool(there) and is_same(here, there, update.tree, update.ours)
        pulls = list_pulls(self._forge.place, hosted.sync_branch, hosted.branch) if there or hosted.publish else ()
        name = title(update, marked=marked)
        stopped = standing(here, there, there if same else "", pulls, name, again=False)
        if stopped is not None:
            return Seen(row=self._delivered(stopped, update, behind), update=update)
        checks: Sequence[Checked] = ()
        if hosted.check is not None:
            checks = hosted.check(here, update.tree, update.ours, conflict_paths(update.conflicts))
        setting = Setting(
            branch=hosted.branch,
            sync_branch=hosted.sync_branch,
            repository=self._member.full_name,
            marked=marked,
            checks=checks,
        )
        wanted = WantedPull(
            head=hosted.sync_branch,
            base=hosted.branch,
            title=name,
            body=pull_text(update, setting),
            labels=(LABEL,),
            draft=marked,
        )
        is_there = same and (not hosted.pull_request or is_as_wanted(open_pull(pulls), wanted, renewed))
        if not is_there and not (hosted.publish and self._may_publish(update)):
            state = State.CONFLICTS if marked else State.BEHIND
            row = self._row(state, overview(update), update=update, behind=behind, pull=open_pull(pulls))
            return Seen(row=row, update=update, checks=checks)
        commit = there if same else self._committed(here, update)
        done = deliver(
            self._forge,
            here,
            commit,
            wanted,
            seen=there,
            known=pulls,
            pull_request=hosted.pull_request,
            sleep=hosted.sleep,
        )
        return Seen(row=self._delivered(done, update, behind), update=update, checks=checks)

    def _committed(self, here: MemberRepository, update: Update) -> str:
        identity = self._hosted.update.identity or here.identity() or NEUTRAL_IDENTITY
        return make_commit(here, update.tree, update.ours, commit_message(update), identity=identity)

    def _delivered(self, done: Delivered, update: Update, behind: int) -> Row:
        hint = _HINTS.get(done.state, "").format(branch=self._hosted.sync_branch, name=self._member.full_name)
        state, reason = done.state, "; ".join(filter(None, [overview(update), decisions(update)]))
        if state in (State.WORKED_ON, State.DECLINED):
            reason = _REASONS[state].format(branch=self._hosted.sync_branch)
        elif update.conflicts:
            state, hint = State.CONFLICTS, "The text of the pull request says which files to resolve, and how."
        elif done.pull is not None and done.pull.draft:
            hint = "Its conflicts are gone; press 'Ready for review' on its page."
        return self._row(state, reason, update=update, behind=behind, pull=done.pull, hint=hint)

    def _without_branch(self, error: BranchMissing) -> Row:
        if not read_branches(self._forge.place):
            return self._row(State.EMPTY, "Nothing was pushed to it yet.")
        raise error

    def _row(
        self,
        state: State,
        reason: str,
        *,
        update: Update | None = None,
        behind: int = 0,
        pull: Pull | None = None,
        hint: str = "",
    ) -> Row:
        conflicts = tuple(conflict_paths(update.conflicts)) if update is not None else ()
        return Row(
            repository=self._member.full_name,
            page=self._member.page,
            state=state,
            template=self._address,
            branch=self._hosted.branch,
            start=update.start if update is not None else "",
            end=update.end if update is not None else "",
            behind=behind,
            changes=len(update.changes) if update is not None else 0,
            conflicts=tuple(shown(path) for path in conflicts),
            pull_request=PullRequestRef(pull.number, pull.page, pull.draft) if pull is not None else None,
            reason=reason,
            hint=hint,
        )


_REASONS = {
    State.WORKED_ON: "Somebody else committed on {branch}; it was left alone.",
    State.DECLINED: "This very pull request was closed without being merged; it was not opened again.",
}
_HINTS = {
    State.WORKED_ON: "Merge or close its pull request, or delete the branch {branch}; then run this again.",
    State.DECLINED: "Open it again on its page, or run 'mlopsgen sync --yes' in a clone.",
}


def _closed(member: Member) -> tuple[State, str] | None:
    """Why nobody can update a repository; ``None`` if somebody can."""
    if member.archived:
        return State.ARCHIVED, "It is archived; nobody can change it."
    if member.disabled:
        return State.DISABLED, "GitHub closed it."
    if not member.can_push:
        return State.READ_ONLY, "The token's owner may not write to it."
    return None


def _versions_between(template: Template, update: Update) -> int:
    """How many versions lie between; at least the one that is brought."""
    known = template.versions()
    if update.start not in known or update.end not in known:
        return 1
    return max(known.index(update.end) - known.index(update.start), 0)
