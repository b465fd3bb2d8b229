"""Making a plan true, stage by stage; interrupted anywhere, a new plan holds what is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import (
    CommandFailed,
    Interrupted,
    MlopsgenError,
    PartialResult,
    from_os_error,
)
from mlopsgen.events import StepDone, Warn
from mlopsgen.forge.protocol import Forge, PlanRefused
from mlopsgen.forge.values import Key, Kind, Limit
from mlopsgen.forge.worker import envfile
from mlopsgen.forge.worker.layout import write_text
from mlopsgen.ports import EventSink
from mlopsgen.remote import concurrently
from mlopsgen.remote.compare import Stage, first_branch, stage_of
from mlopsgen.remote.desired import Desired
from mlopsgen.remote.observe import TRACKING_VARIABLE
from mlopsgen.remote.plan import Act, Item, Plan
from mlopsgen.remote.words import called
from mlopsgen.secret_value import SecretValue

AGAIN = "Run the same command again; it continues with what is left."
_NOTHING_LEARNT: Mapping[Key, Limit] = {}
_NO_SECRETS: Mapping[Key, SecretValue] = {}
_AT_ONCE = (Stage.ACCESS, Stage.SETTINGS, Stage.CONTENTS, Stage.BRANCHES, Stage.RULESETS)
"""The stages whose items are calls to the forge that do not wait for each other."""
_DECORATION = ("about", "topics", "merging", "vulnerability-alerts", "security-updates")
"""The settings that protect nothing that is pushed."""


@dataclass(frozen=True, kw_only=True)
class Left:
    """A change that was not made.

    Attributes:
        item: Which one.
        reason: Why not.
        hint: The next step; empty where that of something else comes first.
    """

    item: Item
    reason: str
    hint: str = ""


class Unfinished(PartialResult):
    """A plan was applied in part.

    Args:
        message: What happened.
        done: What is done.
        left: What is left, and why.
        hint: The next step.
        where: What was being changed.
        learnt: What the forge turned out not to have, so that another plan can do without it.
    """

    def __init__(
        self,
        message: str,
        *,
        done: tuple[Item, ...],
        left: tuple[Left, ...],
        hint: str = AGAIN,
        where: str = "",
        learnt: Mapping[Key, Limit] = _NOTHING_LEARNT,
    ) -> None:
        super().__init__(message, hint=hint, where=where)
        self.done = done
        self.left = left
        self.learnt = learnt
        self.data = outcome_data(done, left)


def apply(
    plan: Plan,
    desired: Desired,
    *,
    forge: Forge,
    source: GitRepository,
    events: EventSink,
    secrets: Mapping[Key, SecretValue] = _NO_SECRETS,
) -> None:
    """Do what the plan says. One failure stops only what builds on it.

    Args:
        plan: What to do.
        desired: What it was made from.
        forge: Where to do it.
        source: The repository that is pushed.
        events: Receives progress.
        secrets: The values of the secrets that the plan writes.

    Raises:
        Unfinished: Something failed; it tells what is done, what is left and why.
        MlopsgenError: The plan cannot be applied, or the only thing tried failed; nothing is done.
        Interrupted: The person stopped it.
    """
    refused = plan.refused
    if refused is not None:
        message = f"Nothing was changed: {refused.kind} '{refused.name}' cannot be used: {refused.reason}."
        raise MlopsgenError(message, where=refused.detail, hint=refused.hint)
    work = _Work(plan=plan, desired=desired, forge=forge, source=source, events=events, secrets=secrets)
    try:
        work.run()
    except KeyboardInterrupt:
        raise work.interrupted() from None
    work.report()


def describe(item: Item) -> str:
    """The item in words."""
    scope = f" of {item.scope}" if item.scope else ""
    detail = f": {item.detail}" if item.detail else ""
    return f"{item.act} {item.kind} {called(item.kind, item.name)}{scope}{detail}"


def outcome_data(done: tuple[Item, ...], left: tuple[Left, ...]) -> dict[str, Any]:
    """What is done and what is left, as a JSON object."""
    return {
        "done": [item.as_dict() for item in done],
        "left": [{**one.item.as_dict(), "reason": one.reason, "hint": one.hint} for one in left],
    }


@dataclass(kw_only=True)
class _Work:
    plan: Plan
    desired: Desired
    forge: Forge
    source: GitRepository
    events: EventSink
    secrets: Mapping[Key, SecretValue]
    done: list[Item] = field(default_factory=list)
    failed: dict[Key, MlopsgenError] = field(default_factory=dict)
    left: dict[Key, Left] = field(default_factory=dict)
    ended_by: MlopsgenError | None = None

    def run(self) -> None:
        first = first_branch(self.desired)
        stages: dict[int, list[Item]] = {}
        for item in self.plan.changes:
            stages.setdefault(stage_of(item, first), []).append(item)
        for stage, items in sorted(stages.items()):
            ready = [item for item in items if self._is_ready(item, stage)]
            workers = self.forge.workers if stage in _AT_ONCE else 1
            concurrently.run(ready, self._do, self._finished, workers=workers)

    def report(self) -> None:
        """Say what failed, if anything did."""
        if not self.failed:
            return
        errors = list(self.failed.values())
        error = self.ended_by or errors[0]
        if not self.done and len(self.failed) == 1 and not isinstance(error, CommandFailed):
            error.data = outcome_data((), tuple(self.left.values()))
            raise error
        raise Unfinished(
            f"{error.message} {self._count()}",
            done=tuple(self.done),
            left=self._all_left(),
            where=error.where or self.desired.address,
            hint=_with_again(_hint_of(error)),
            learnt={one.key: one.limit for one in errors if isinstance(one, PlanRefused)},
        ) from error

    def interrupted(self) -> Interrupted:
        error = Interrupted(f"Stopped in the middle of the plan. {self._count()}", hint=AGAIN)
        error.data = outcome_data(tuple(self.done), self._all_left())
        return error

    def _is_ready(self, item: Item, stage: int) -> bool:
        blocker = self._blocker(item, stage)
        if blocker:
            self.left[item.key] = Left(item=item, reason=blocker)
        return not blocker

    def _blocker(self, item: Item, stage: int) -> str:
        """Why the item has to wait for a next time; empty if it has not."""
        if self.ended_by is not None:
            return _short(self.ended_by)
        undone = [one for one in self.plan.changes if one.key in self.failed or one.key in self.left]
        for other in undone:
            if self._needs(item, stage, other):
                scope = f" of {other.scope}" if other.scope else ""
                return f"it comes after {other.kind} {called(other.kind, other.name)}{scope}"
        return ""

    def _needs(self, item: Item, stage: int, other: Item) -> bool:
        before = stage_of(other, first_branch(self.desired))
        if before == Stage.REPOSITORY:
            return True
        if stage <= Stage.CONTENTS:
            in_environment = item.scope != "" and other.key == Key(Kind.ENVIRONMENT, item.scope)
            return in_environment or (item.kind is Kind.ENVIRONMENT and before == Stage.ACCESS)
        # Code never comes before what protects it, and a push that did not happen leaves the rest to the next time.
        if before <= Stage.CONTENTS:
            return self._holds_code(other)
        return before <= Stage.FIRST_BRANCH or (other.kind is Kind.BRANCH and self._concerns(item, other.name))

    def _holds_code(self, item: Item) -> bool:
        """Whether code waits for something that could not be made.

        What protects nothing holds it only where running it again may help: with the push, what was asked for so far
        becomes what the remote's own commit asks for, and a difference from that counts as a person's.
        """
        if item.kind is Kind.LABEL and item.act is Act.CREATE:
            return False
        if item.kind is not Kind.LABEL and not (item.kind is Kind.SETTING and item.name in _DECORATION):
            return True
        return item.key in self.failed and self.failed[item.key].is_passing

    def _concerns(self, item: Item, branch: str) -> bool:
        return item.kind is Kind.RULESET or (item.kind is Kind.UPSTREAM and item.name == branch)

    def _do(self, item: Item) -> None:
        is_new = any(one.kind is Kind.REPOSITORY for one in self.plan.changes)
        _do(item, self.desired, self.forge, self.source, self.secrets, is_new=is_new)

    def _finished(self, item: Item, error: BaseException | None) -> bool:
        """Take note of an item's end.

        Returns:
            Whether to go on.
        """
        if error is None:
            self.done.append(item)
            total = len(self.plan.changes)
            self.events(StepDone(message=describe(item), done=len(self.done), total=total))
            return True
        if not isinstance(error, MlopsgenError):
            raise error
        self.failed[item.key] = error
        self.left[item.key] = Left(item=item, reason=error.message, hint=_hint_of(error))
        if self.ended_by is None or error.message != self.ended_by.message:
            self.events(Warn(message=f"not done: {describe(item)}: {error.message}", hint=_hint_of(error)))
        if error.concerns_all:
            self.ended_by = self.ended_by or error
        return self.ended_by is None

    def _all_left(self) -> tuple[Left, ...]:
        done = {item.key for item in self.done}
        return tuple(
            self.left.get(item.key, Left(item=item, reason="it was not begun"))
            for item in self.plan.changes
            if item.key not in done
        )

    def _count(self) -> str:
        total = len(self.plan.changes)
        return (
            f"Of {total} change{'s' * (total != 1)}, {len(self.done)} are made and {total - len(self.done)} are left."
        )


def _with_again(hint: str) -> str:
    return hint if "again" in hint else " ".join(part for part in (hint, AGAIN) if part)


def _short(error: MlopsgenError) -> str:
    return error.message.rstrip(".")


def _hint_of(error: MlopsgenError) -> str:
    if isinstance(error, CommandFailed) and "could not lock" in error.output:
        return "If no other git is at work, 'mlopsgen doctor' names the lock file to remove."
    return error.hint


def _do(
    item: Item,
    desired: Desired,
    forge: Forge,
    source: GitRepository,
    secrets: Mapping[Key, SecretValue],
    *,
    is_new: bool,
) -> None:
    match item.kind:
        case Kind.REMOTE:
            _set_remote(item, desired, forge, source, is_new=is_new)
        case Kind.BRANCH:
            forge.push(source, desired.remote, item.name)
        case Kind.UPSTREAM:
            source.run("config", f"branch.{item.name}.remote", desired.remote)
            source.run("config", f"branch.{item.name}.merge", f"refs/heads/{item.name}")
        case Kind.TRACKING:
            _set_tracking(source, desired.tracking_uri)
        case _ if item.resource is not None:
            forge.put(item.resource, secrets.get(item.key))


def _set_remote(item: Item, desired: Desired, forge: Forge, source: GitRepository, *, is_new: bool) -> None:
    if item.act is Act.CREATE:
        # The address comes last: a remote that has one is complete, also after an interruption in between.
        source.run("config", f"remote.{desired.remote}.fetch", f"+refs/heads/*:refs/remotes/{desired.remote}/*")
    source.run("config", f"remote.{desired.remote}.url", desired.address)
    if not is_new:
        # What the forge has already becomes visible as REMOTE/BRANCH.
        forge.fetch(source, [f"+refs/heads/*:refs/remotes/{desired.remote}/*"])


def _set_tracking(source: GitRepository, tracking_uri: str) -> None:
    path = source.path / ".env"
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        write_text(path, envfile.replace(text, {TRACKING_VARIABLE: tracking_uri}), mode=0o600)
    except OSError as error:
        raise from_os_error(error, doing=f"Writing {path}") or error from error
