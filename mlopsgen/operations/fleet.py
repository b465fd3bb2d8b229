"""``sync --all`` and ``status --all``: every repository of an organisation that was made from a template."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from mlopsgen.adapters.cache import cache_folder
from mlopsgen.adapters.credentials import Credential
from mlopsgen.adapters.git import GitRepository
from mlopsgen.constants import MAIN_BRANCH
from mlopsgen.errors import ExitCode, Interrupted, MlopsgenError, PartialResult, from_os_error
from mlopsgen.events import StepStarted
from mlopsgen.operations.fleet_progress import FleetProgress
from mlopsgen.operations.fleet_rows import FLEET_VERSION, Row, State, count_states, failed_row
from mlopsgen.operations.hosting import Target, host_of
from mlopsgen.operations.template_shelf import TemplateShelf
from mlopsgen.ports import EventSink
from mlopsgen.remote.concurrently import run
from mlopsgen.remote.github_desired import TOPIC
from mlopsgen.result import OperationResult
from mlopsgen.sync.locking import Locker
from mlopsgen.sync.update import NEUTRAL_IDENTITY, UpdateRequest

if TYPE_CHECKING:
    from mlopsgen.forge.github.account import Account
    from mlopsgen.forge.github.members import Member
    from mlopsgen.operations.sync_hosted import HostedSync

PATIENCE = 4200.0
"""Seconds that a fleet waits for GitHub at once: its limits are those of an hour."""
JOBS = 8
"""Repositories at once."""
MOST_JOBS = 32
_MOST_SILENT = 5
"""After so many repositories in a row for which GitHub did not answer, it is taken to be away."""


@dataclass(frozen=True, kw_only=True)
class FleetRequest:
    """What to look at, and what to do there.

    Attributes:
        environ: The environment of the process.
        credential: Finds the token.
        host: The GitHub; empty for the one that the environment names, else github.com.
        owner: The organisation; empty for the account that the token belongs to.
        pattern: Only repositories whose name fits; as file names fit a pattern. Empty for all.
        limit: Stop after so many repositories that have an update; ``None`` for all.
        jobs: Repositories at once.
        publish: Whether branches are pushed and pull requests opened; otherwise nothing is changed anywhere.
        pull_request: Whether pull requests are opened, not only branches pushed.
        check: Whether the exit code tells that there is an update.
        branch: The branch that is updated.
        update: What kind of update.
        template: Where the template lies, whatever the repositories record; empty for what they record.
        agree: Is told how many repositories there are and asks a person; ``None`` if that is agreed already.
        again: The command that brings the same update to the same repositories.
        shelf: Opens templates; ``None`` for those that can be reached from here and run nothing of their own.
    """

    environ: Mapping[str, str]
    credential: Callable[[Target], Credential]
    host: str = ""
    owner: str = ""
    pattern: str = ""
    limit: int | None = None
    jobs: int = JOBS
    publish: bool = False
    pull_request: bool = True
    check: bool = False
    branch: str = MAIN_BRANCH
    update: UpdateRequest = field(default_factory=UpdateRequest)
    template: str = ""
    agree: Callable[[str, int], bool] | None = None
    again: str = "mlopsgen sync --all"
    shelf: TemplateShelf | None = None


@dataclass(frozen=True, kw_only=True)
class FleetResult(OperationResult):
    """What was found and done.

    Attributes:
        rows: The repositories by name; ``data`` holds the same.
    """

    rows: tuple[Row, ...] = ()


def fleet(request: FleetRequest, events: EventSink) -> FleetResult:
    """Look at every repository with the topic and, if asked, bring the update to each.

    Running it again goes on where it ended: what is done is found done.

    Raises:
        AuthenticationFailed: GitHub refuses the token.
        MlopsgenError: The repositories cannot be listed, or nothing could be done at all.
        Interrupted: The person stopped it.
    """
    account, credential = _account(request, events)
    try:
        owner, members = _find(request, account, events)
        if not members:
            return _none(request, owner)
        if request.agree is not None and not request.agree(owner, len(members)):
            return FleetResult(summary="Nothing was changed.", data=_data(request, owner, []))
        rows, stopped = _Work(request, _tools(request, account, credential, events), members, events).run()
        return _result(request, owner, rows, stopped)
    finally:
        account.client.close()


def _account(request: FleetRequest, events: EventSink) -> tuple[Account, Credential]:
    from mlopsgen.forge.github.account import Account  # noqa: PLC0415 - its libraries take a moment
    from mlopsgen.forge.github.host import Host  # noqa: PLC0415

    where = request.host or host_of(request.environ)
    target = Target(host=where, owner=request.owner, organisation=bool(request.owner) or None, name="")
    host = Host.parse(where, request.environ)
    credential = request.credential(target)
    account = Account(host, credential.token, environ=request.environ, events=events, patience=PATIENCE)
    return account, credential


def _find(request: FleetRequest, account: Account, events: EventSink) -> tuple[str, list[Member]]:
    from mlopsgen.forge.github.members import list_members  # noqa: PLC0415

    owner = request.owner or account.whoami()
    if not owner:
        hint = "Name the organisation with --org."
        raise MlopsgenError("The token belongs to nobody, so that there are no repositories of its own.", hint=hint)
    events(StepStarted(message=f"Listing the repositories of {owner}"))
    listed = list_members(account, owner, organisation=True if request.owner else None, topic=TOPIC)
    return owner, [member for member in listed if not request.pattern or _fits(member, request.pattern)]


def _fits(member: Member, pattern: str) -> bool:
    """Whether a name fits a pattern; names know no case on GitHub."""
    name = member.full_name if "/" in pattern else member.name
    return fnmatchcase(name.lower(), pattern.lower())


def _tools(request: FleetRequest, account: Account, credential: Credential, events: EventSink) -> HostedSync:
    """Everything that is shared by all repositories."""
    from mlopsgen.operations.sync_checks import check_result  # noqa: PLC0415
    from mlopsgen.operations.sync_hosted import HostedSync  # noqa: PLC0415

    shelf = request.shelf or TemplateShelf(request.environ)
    shelf.show(credential)
    if request.template:
        shelf.template(request.template, given=True)  # it is everybody's: that it cannot be had is told once
    locker = Locker(request.environ, cache=cache_folder(request.environ, "locks"))
    folder = cache_folder(request.environ, "fleet")
    identity = request.update.identity or GitRepository(folder, request.environ).identity() or NEUTRAL_IDENTITY
    return HostedSync(
        account=account,
        environ=request.environ,
        events=events,
        folder=folder,
        # Only an address that the person gave may be a folder of this machine; a repository's record may not.
        open_template=partial(shelf.template, given=True) if request.template else shelf.template,
        renders_of=shelf.renders,
        update=replace(request.update, locker=locker, identity=identity),
        branch=request.branch,
        template=request.template,
        publish=request.publish,
        pull_request=request.pull_request,
        check=lambda repository, tree, ours, conflicts: check_result(
            repository, tree, environ=request.environ, before=ours, branch=request.branch, conflicts=conflicts
        ),
    )


class _Work:
    """The repositories, some at once, each alone in what happens to it."""

    def __init__(self, request: FleetRequest, hosted: HostedSync, members: Sequence[Member], events: EventSink) -> None:
        self._request = request
        self._hosted = hosted
        self._members = members
        self._rows: dict[str, Row] = {}
        self._stopped: MlopsgenError | None = None
        self._lock = threading.Lock()
        self._taken = 0
        self._silent = 0
        pace = hosted.account.client.pace
        self._progress = FleetProgress(
            len(members),
            "Updating" if request.publish else "Looking",
            events,
            seconds_for=pace.seconds_for,
            changes=lambda: pace.changes,
            tells=request.publish,
        )

    def run(self) -> tuple[list[Row], MlopsgenError | None]:
        """The rows by name, and what stopped everything before its end."""
        self._progress.begin()
        try:
            run(self._members, self._do, self._finished, workers=self._request.jobs)
        except KeyboardInterrupt:
            message = f"Stopped; {len(self._rows)} of {len(self._members)} repositories are done."
            raise Interrupted(message, hint="Run the same command again: it goes on from there.") from None
        return [self._rows.get(member.full_name) or self._left(member) for member in self._members], self._stopped

    def _do(self, member: Member) -> None:
        from mlopsgen.operations.sync_hosted import sync_hosted  # noqa: PLC0415

        self._rows[member.full_name] = sync_hosted(member, self._hosted, may_publish=self._may_publish)

    def _may_publish(self) -> bool:
        with self._lock:
            if self._request.limit is not None and self._taken >= self._request.limit:
                return False
            self._taken += 1
            return True

    def _finished(self, member: Member, error: BaseException | None) -> bool:
        if error is not None:
            expected = _expected(error, member.full_name)
            self._silent = self._silent + 1 if expected.is_passing else 0
            if _stops_all(expected) or self._silent >= _MOST_SILENT:
                # The others would fail for the same reason; this one is as it was.
                self._stopped = self._stopped or expected
                return False
            self._rows[member.full_name] = failed_row(member.full_name, member.page, expected)
        else:
            self._silent = 0
        row = self._rows[member.full_name]
        if not self._request.publish and row.state in (State.BEHIND, State.CONFLICTS):
            self._may_publish()
        self._progress.ended(row)
        return self._request.limit is None or self._taken < self._request.limit

    def _left(self, member: Member) -> Row:
        reason = self._stopped.message if self._stopped is not None else "As many as --limit allows are done."
        return Row(repository=member.full_name, page=member.page, state=State.LEFT, reason=reason)


def _stops_all(error: MlopsgenError) -> bool:
    """Whether no other repository could be reached either; one that was renamed says nothing of others."""
    return error.concerns_all and error.code != "renamed"


def _expected(error: BaseException, name: str) -> MlopsgenError:
    """An error as one that is told; a mistake of ours concerns one repository, the others go on."""
    if isinstance(error, MlopsgenError):
        if error.code == "renamed":
            error.hint = "Run the same command again: GitHub lists it under its new name now."
        return error
    found = from_os_error(error) if isinstance(error, OSError) else None
    return found or MlopsgenError(
        f"This is a mistake in mlopsgen ({type(error).__name__}).",
        hint=f"'mlopsgen sync --repository {name} --dry-run' writes a report of it.",
    )


def _none(request: FleetRequest, owner: str) -> FleetResult:
    fits = f" whose name fits '{request.pattern}'" if request.pattern else ""
    return FleetResult(
        summary=f"{owner} has no repository with the topic '{TOPIC}'{fits} that the token can see.",
        data=_data(request, owner, []),
        next_steps=(f"'mlopsgen push' gives the topic; for an older repository add '{TOPIC}' on its page.",),
    )


def _data(request: FleetRequest, owner: str, rows: Sequence[Row]) -> dict[str, object]:
    return {
        "version": FLEET_VERSION,
        "owner": owner,
        "published": request.publish,
        "counts": count_states(rows),
        "repositories": [row.as_dict() for row in rows],
    }


def _result(request: FleetRequest, owner: str, rows: Sequence[Row], stopped: MlopsgenError | None) -> FleetResult:
    data = _data(request, owner, rows)
    counts = count_states(rows)
    if stopped is not None and counts.get(State.LEFT) == len(rows):
        stopped.data = {**stopped.data, **data}
        raise stopped
    # A draft that holds the conflicts is there already: it waits for a person, not for another run.
    is_pending = any(
        row.state is State.BEHIND or (row.state is State.CONFLICTS and row.pull_request is None) for row in rows
    )
    many = "1 repository" if len(rows) == 1 else f"{len(rows)} repositories"
    found = ", ".join(f"{count} {_STATES[State(state)]}" for state, count in counts.items())
    return FleetResult(
        summary=f"{many} of {owner}: {found}.",
        data=data,
        rows=tuple(rows),
        next_steps=_next_steps(request, counts, stopped, is_pending=is_pending),
        exit_code=_exit_code(request, counts, stopped, is_pending=is_pending),
    )


def _exit_code(
    request: FleetRequest, counts: Mapping[str, int], stopped: MlopsgenError | None, *, is_pending: bool
) -> ExitCode:
    if stopped is not None or counts.get(State.FAILED) or (request.publish and counts.get(State.CONFLICTS)):
        return PartialResult.exit_code
    return ExitCode.PENDING if request.check and is_pending else ExitCode.OK


def _next_steps(
    request: FleetRequest, counts: Mapping[str, int], stopped: MlopsgenError | None, *, is_pending: bool
) -> tuple[str, ...]:
    steps = []
    if stopped is not None:
        steps.append(f"{stopped.message} {stopped.hint}".strip())
    if counts.get(State.FAILED):
        steps.append("Look at the failed ones, then run the same command again: what is done is found done.")
    elif counts.get(State.LEFT):
        steps.append("Run the same command again: it goes on with the rest.")
    if request.publish and counts.get(State.CONFLICTS):
        steps.append("Resolve the conflicts: the text of each draft pull request says which files and how.")
    if request.publish and any(counts.get(state) for state in (State.OPENED, State.UPDATED, State.OPEN)):
        steps.append("Review and merge the pull requests; nothing is merged by itself.")
    if not request.publish and is_pending:
        steps.append(f"{request.again}   (opens a pull request for each)")
    return tuple(steps)


_STATES = {
    State.FAILED: "failed",
    State.LEFT: "not looked at",
    State.CONFLICTS: "with conflicts",
    State.WORKED_ON: "being worked on",
    State.DECLINED: "declined",
    State.OPENED: "with a new pull request",
    State.UPDATED: "with an updated pull request",
    State.OPEN: "with an open pull request",
    State.PUSHED: "with a pushed branch",
    State.BEHIND: "behind",
    State.READ_ONLY: "read-only",
    State.ARCHIVED: "archived",
    State.DISABLED: "disabled",
    State.EMPTY: "empty",
    State.NOT_GENERATED: "not generated",
    State.CURRENT: "up to date",
}
