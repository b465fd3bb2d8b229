"""``mlopsgen sync --repository OWNER/NAME``: one repository on GitHub, without a clone of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mlopsgen.adapters.cache import cache_folder
from mlopsgen.adapters.credentials import Credential
from mlopsgen.constants import MAIN_BRANCH
from mlopsgen.errors import ExitCode, MissingAnswer, MlopsgenError, UsageError
from mlopsgen.events import StepStarted, Warn
from mlopsgen.operations.fleet_rows import UNREACHABLE, State
from mlopsgen.operations.hosting import LOGIN, REPOSITORY_NAME, Target, host_of
from mlopsgen.operations.sync_checks import check_result
from mlopsgen.operations.sync_data import update_data
from mlopsgen.operations.template_shelf import TemplateShelf
from mlopsgen.operations.wording import counted
from mlopsgen.ports import EventSink
from mlopsgen.result import OperationResult
from mlopsgen.sync.locking import Locker
from mlopsgen.sync.update import UpdateRequest
from mlopsgen.sync.values import Update
from mlopsgen.sync.wording import overview

if TYPE_CHECKING:
    from mlopsgen.operations.sync_hosted import HostedSync, Seen
    from mlopsgen.remote.plan import Plan

_DONE = {
    State.OPENED: "{name}: a pull request brings it from {start} to {end}.",
    State.UPDATED: "{name}: its pull request brings it from {start} to {end} now.",
    State.OPEN: "{name}: a pull request with the update from {start} to {end} is open already.",
    State.PUSHED: "{name}: the update from {start} to {end} is on {sync}.",
    State.CURRENT: "{name} is up to date: the template {end} changes nothing in it.",
    State.BEHIND: "{name} can be updated from {start} to {end}: {what}.",
    State.CONFLICTS: "{name}: the update from {start} to {end} has conflicts in {conflicts}.",
}


@dataclass(frozen=True, kw_only=True)
class RepositoryRequest:
    """Which repository, and how far to go.

    Attributes:
        environ: The environment of the process.
        credential: Finds the token.
        full_name: ``OWNER/NAME``.
        host: The GitHub; empty for the one that the environment names, else github.com.
        branch: The branch that is updated.
        update: What kind of update.
        template: Where the template lies now, if it moved.
        check: Only tell whether there is an update.
        dry_run: Show the update and stop.
        agreed: Open the pull request without asking.
        pull_request: Whether a pull request is opened, not only the branch pushed.
        settings: Bring GitHub's settings to what the updated files ask for.
        show: Takes the update before anything is done.
        show_settings: Takes what GitHub would become, before anybody is asked.
        agree: Asks a person a question with yes or no; ``None`` where nobody can answer.
        shelf: Opens templates; ``None`` for the usual ones.
    """

    environ: Mapping[str, str]
    credential: Callable[[Target], Credential]
    full_name: str
    host: str = ""
    branch: str = MAIN_BRANCH
    update: UpdateRequest = field(default_factory=UpdateRequest)
    template: str = ""
    check: bool = False
    dry_run: bool = False
    agreed: bool = False
    pull_request: bool = True
    settings: bool = False
    show: Callable[[Update], None] = lambda _: None
    show_settings: Callable[[Plan], None] = lambda _: None
    agree: Callable[[str], bool] | None = None
    shelf: TemplateShelf | None = None


def sync_repository(request: RepositoryRequest, events: EventSink) -> OperationResult:
    """Work the update out, show it, and open or bring up to date its pull request.

    Raises:
        UsageError: The name is none of a repository.
        MissingAnswer: It needs a yes, and there is nobody to ask.
        MlopsgenError: GitHub refuses, or the record of the repository cannot be used.
    """
    return _Repository(request, events).run()


class _Repository:
    def __init__(self, request: RepositoryRequest, events: EventSink) -> None:
        self._request = request
        self._events = events
        self._owner, _, self._name = request.full_name.strip().partition("/")
        if not LOGIN.fullmatch(self._owner) or not REPOSITORY_NAME.fullmatch(self._name):
            raise UsageError(
                f"'{request.full_name}' is not a repository on GitHub.",
                where="--repository",
                hint="Give it as OWNER/NAME, as in its address.",
            )
        self._asked = False
        self._refused = False
        self._shown = False

    def run(self) -> OperationResult:
        """Do it."""
        from mlopsgen.forge.github.account import Account  # noqa: PLC0415 - its libraries take a moment
        from mlopsgen.forge.github.host import Host  # noqa: PLC0415
        from mlopsgen.forge.github.members import find_member  # noqa: PLC0415
        from mlopsgen.operations.sync_hosted import sync_one  # noqa: PLC0415

        request = self._request
        where = request.host or host_of(request.environ)
        target = Target(host=where, owner=self._owner, organisation=None, name=self._name)
        credential = request.credential(target)
        host = Host.parse(where, request.environ)
        account = Account(host, credential.token, environ=request.environ, events=self._events)
        try:
            self._events(StepStarted(message=f"Reading {self._owner}/{self._name}"))
            member = find_member(account, self._owner, self._name)
            hosted = self._hosted(account, credential)
            seen = sync_one(member, hosted, may_publish=self._may_publish)
            if seen.update is not None and not self._shown and not seen.update.is_empty:
                request.show(seen.update)
            return self._result(seen, *self._settled(seen, hosted))
        finally:
            account.client.close()

    def _hosted(self, account: Any, credential: Credential) -> HostedSync:
        from mlopsgen.operations.sync_hosted import HostedSync  # noqa: PLC0415

        request = self._request
        environ = request.environ
        shelf = request.shelf or TemplateShelf(environ)
        shelf.show(credential)
        locker = request.update.locker or Locker(environ, root=None, cache=cache_folder(environ, "locks"))
        return HostedSync(
            account=account,
            environ=environ,
            events=self._events,
            folder=cache_folder(environ, "fleet"),
            open_template=partial(shelf.template, given=True) if request.template else shelf.template,
            renders_of=shelf.renders,
            update=replace(request.update, locker=locker),
            branch=request.branch,
            template=request.template,
            publish=not (request.check or request.dry_run),
            pull_request=request.pull_request,
            check=lambda repository, tree, ours, conflicts: check_result(
                repository, tree, environ=environ, before=ours, branch=request.branch, conflicts=conflicts
            ),
        )

    def _may_publish(self, update: Update) -> bool:
        """Show the update and ask."""
        request = self._request
        request.show(update)
        self._shown = True
        if request.agreed:
            return True
        if request.agree is None:
            error = MissingAnswer(
                f"The update of {request.full_name} ({overview(update)}) needs a yes, and there is no terminal to ask "
                "on. Nothing was changed.",
                where="--yes",
                hint="Look at it with --dry-run, then give --yes.",
            )
            error.data = update_data(update)
            raise error
        what = "Open the pull request" if request.pull_request else "Push the branch"
        self._refused = not request.agree(f"{what} in {request.full_name}?")
        return not self._refused

    def _settled(self, seen: Seen, hosted: HostedSync) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
        """What became of the settings: data and next steps."""
        request, update = self._request, seen.update
        if update is None or not request.settings or request.check or self._refused:
            return None, self._settings_steps(update)
        return _Settings(request, hosted, self._owner, self._name, self._events).settled(update)

    def _settings_steps(self, update: Update | None) -> tuple[str, ...]:
        if update is None or not update.settings or self._request.check:
            return ()
        number = len(update.settings.added) + len(update.settings.changed)
        if not number:
            return ()
        now = f"or now: mlopsgen sync --repository {self._request.full_name} --settings --yes"
        return (f"After it is merged, 'mlopsgen push' brings {counted(number, 'setting')} to GitHub ({now}).",)

    def _result(self, seen: Seen, settings: dict[str, Any] | None, settings_steps: tuple[str, ...]) -> OperationResult:
        row, request = seen.row, self._request
        data: dict[str, Any] = {"repository": row.as_dict()}
        if seen.update is not None:
            data = {**update_data(seen.update), **data}
        if seen.checks:
            data["checks"] = [
                {"name": one.name, "ok": one.ok, "ran": one.ran, "detail": one.detail} for one in seen.checks
            ]
        if settings is not None:
            data["settings_on_github"] = settings
        template = _DONE.get(row.state, "{name}: {what}")
        summary = template.format(
            name=row.repository,
            start=row.start,
            end=row.end,
            what=row.reason,
            conflicts=", ".join(row.conflicts),
            sync=f"mlopsgen/sync-{row.branch}",
        )
        steps = [row.hint] if row.hint else []
        if row.pull_request is not None:
            verb = "Resolve the conflicts" if row.conflicts else "Look at it and merge it"
            steps.insert(0, f"{verb}: {row.pull_request.page}")
        elif row.state in (State.BEHIND, State.CONFLICTS):
            steps.append(f"mlopsgen sync --repository {row.repository} --yes   (opens the pull request)")
        if self._refused:
            summary = f"{row.repository}: nothing was changed."
        return OperationResult(
            summary=summary,
            data=data,
            next_steps=(*steps, *settings_steps),
            exit_code=self._exit_code(row.state, published=not (request.check or request.dry_run or self._refused)),
        )

    def _exit_code(self, state: State, *, published: bool) -> ExitCode:
        if self._request.check:
            return ExitCode.OK if state in _NOTHING_NEW else ExitCode.PENDING
        return ExitCode.PARTIAL if published and state is State.CONFLICTS else ExitCode.OK


_NOTHING_NEW = (State.CURRENT, *UNREACHABLE)


@dataclass(frozen=True)
class _Settings:
    """What ``--settings`` does, once the pull request is there."""

    request: RepositoryRequest
    hosted: HostedSync
    owner: str
    name: str
    events: EventSink

    def settled(self, update: Update) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
        """Plan and apply."""
        from mlopsgen.forge.github.forge import GitHubForge  # noqa: PLC0415
        from mlopsgen.operations.sync_hosted import opened  # noqa: PLC0415
        from mlopsgen.operations.sync_settings import apply_settings, plan_settings  # noqa: PLC0415

        account = self.hosted.account
        forge = GitHubForge(
            account.host,
            self.owner,
            self.name,
            account.client.token,
            environ=self.hosted.environ,
            events=self.events,
            account=account,
        )
        with opened(self.hosted, self.owner, self.name) as source:
            try:
                found = plan_settings(forge, source, update, self.events)
            except MlopsgenError as error:
                if error.concerns_all:
                    raise
                self.events(Warn(message=f"The settings could not be compared: {error.message}", hint=error.hint))
                return None, ()
            if found is None:
                return None, ()
            if found.plan.changes or found.plan.blocked:
                self.request.show_settings(found.plan)
            if found.plan.changes and not self.request.dry_run and self._agreed(len(found.plan.changes)):
                found = apply_settings(forge, source, update, found, self.events)
        unsolved = [item for item in found.plan.unsolved if item.hint]
        return found.plan.as_dict(), tuple(dict.fromkeys(item.hint for item in unsolved))

    def _agreed(self, number: int) -> bool:
        if self.request.agreed or self.request.agree is None:
            return True
        return self.request.agree(f"Make {counted(number, 'change')} to the settings of {self.request.full_name} now?")
