"""A repository on its way to GitHub: the plan is made, shown, agreed to, applied, and read back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mlopsgen.adapters.credentials import Credential
from mlopsgen.constants import HOSTED_REMOTE, MAIN_BRANCH
from mlopsgen.errors import ExitCode, Interrupted, MissingAnswer, MlopsgenError, PlanChanged, UsageError
from mlopsgen.events import StepStarted, Warn
from mlopsgen.forge.github.forge import GitHubForge
from mlopsgen.forge.github.permissions import permission_list
from mlopsgen.forge.github.sealing import problem
from mlopsgen.forge.protocol import PlanRefused
from mlopsgen.forge.values import Key, Kind, Limit, Resource
from mlopsgen.operations.hosted_plan import (
    knows_credentials,
    plan_on_github,
    worth_reading,
)
from mlopsgen.operations.hosting import Hosted
from mlopsgen.operations.push_end import (
    Pushed,
    changed_result,
    hidden_items,
    kept_result,
    missing_secrets,
    shown_result,
)
from mlopsgen.operations.push_request import (
    GitHubPushRequest,
    Situation,
    refusal,
    warn_of_being_alone,
)
from mlopsgen.operations.secret_sources import FirstOf, SecretSource
from mlopsgen.operations.wording import counted
from mlopsgen.ports import EventSink
from mlopsgen.remote.apply import AGAIN, Left, Unfinished, apply, describe, outcome_data
from mlopsgen.remote.desired import Desired
from mlopsgen.remote.document import REMOTE_DOCUMENT
from mlopsgen.remote.fallback import limit_of
from mlopsgen.remote.needs import Need, repository_name
from mlopsgen.remote.observe import remember_branches
from mlopsgen.remote.plan import Act, Item, Plan
from mlopsgen.remote.planning import Planned
from mlopsgen.result import OperationResult
from mlopsgen.secret_value import SecretValue

_PATIENCE = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between the looks at what was done: GitHub does not always show at once what it has taken."""

_LESSONS = 2
"""So often a refusal that only the owner's plan explains makes another plan in the same run."""


@dataclass
class Push:
    """A repository on its way to GitHub.

    Attributes:
        request: What to push where.
        events: Takes the progress.
        hosted: The repository here, and where it goes.
        desired: What it shall be there.
        credential: Whose rights count.
        forge: GitHub.
        warn: Says what a person should know before agreeing.
        values: The values of secrets that are at hand.
        learnt: What GitHub has refused although nothing had told that it would.
        done: What was done.
    """

    request: GitHubPushRequest
    events: EventSink
    hosted: Hosted
    desired: Desired
    credential: Credential
    forge: GitHubForge
    warn: Callable[[EventSink], None] = lambda _: None
    values: dict[Key, SecretValue] = field(default_factory=dict)
    learnt: dict[Key, Limit] = field(default_factory=dict)
    done: list[Item] = field(default_factory=list)

    def run(self) -> OperationResult:
        """Plan, show, agree, apply, verify."""
        self._take_values(FirstOf(self.request.values), self._secrets())
        self._tell_unused()
        found = self._ask_for_values(self._look())
        situation = self._situation(found)
        data: dict[str, Any] = {**situation.as_dict(), "remote": HOSTED_REMOTE, "plan": found.plan.as_dict()}
        if self.request.dry_run:
            self.request.show(situation, found.plan)
            self._refuse_ground(found, data)
            return shown_result(self._pushed(found), data, self.request.again)
        self._refuse_ground(found, data)
        self._refuse_another_plan(found.plan, data)
        if not found.plan.changes:
            self._remember(found)
            hidden = hidden_items(found)
            self.request.show(situation, Plan(tuple(item for item in found.plan.items if item not in hidden)))
            return kept_result(self._pushed(found), data)
        self.warn(self.events)
        warn_of_being_alone(found, situation, self.events)
        found = self._agreed(found, situation)
        data["plan"] = found.plan.as_dict()
        for _ in range(_LESSONS):
            if not self._learns(found, data):
                break
            found = self._looked_anew(situation)
        else:
            self._apply(found, data)
        now = self._verified(found, data)
        self._remember(now)
        return changed_result(self._pushed(now), data | outcome_data(tuple(self.done), ()), made=len(self.done))

    def _remember(self, found: Planned) -> None:
        remember_branches(self.hosted.project.source, HOSTED_REMOTE, found.observed, self.desired.expected)

    def _look(self) -> Planned:
        self.events(StepStarted(message=f"Reading {self.forge.full_name} on {self.forge.host.name}"))
        given = frozenset(self.values)
        desired = replace(self.desired, resources=worth_reading(self.desired.resources, given), given=given)
        return plan_on_github(self.hosted, self.forge, desired, take_over=self.request.take_over, learnt=self.learnt)

    def _secrets(self) -> list[Resource]:
        return [resource for resource in self.desired.resources if resource.key.kind is Kind.SECRET]

    def _tell_unused(self) -> None:
        needs = [need_of(resource) for resource in self._secrets()]
        unused = [name for source in self.request.values for name in source.unknown(needs)]
        if unused:
            message = f"Nothing asks for the value of {', '.join(unused)}; it is not used."
            self.events(Warn(message=message, hint="'mlopsgen secrets list' names the secrets that are known."))

    def _take_values(self, source: SecretSource, among: Sequence[Resource]) -> None:
        """Take the values that a source has; one that GitHub will not take ends everything here."""
        for resource in among:
            key = resource.key
            if key in self.values:
                continue
            value = source.find(need_of(resource))
            if value is None:
                continue
            refused = problem(key.name, value)
            if refused:
                raise UsageError(
                    f"The value for {key.name} of {key.scope or 'the repository'} cannot be stored: {refused}. "
                    "Nothing was changed.",
                    where=f"{key.scope}/{key.name}" if key.scope else key.name,
                    hint="Correct it where it comes from.",
                )
            self.values[key] = value

    def _ask_for_values(self, found: Planned) -> Planned:
        """Ask a person for the secrets that are needed and missing; nothing typed leaves one for later."""
        if self.request.ask_value is None or self.request.dry_run or found.plan.refused is not None:
            return found
        missing = missing_secrets(found, self.desired.resources)
        if not missing:
            return found
        before = len(self.values)
        self._take_values(self.request.ask_value, missing)
        return found if len(self.values) == before else self._look()

    def _situation(self, found: Planned) -> Situation:
        facts = self.forge.account.token_facts()
        rights = f"; it needs {permission_list()}"
        if facts.scopes is not None:
            rights = f"; scopes: {', '.join(facts.scopes) or 'none'}"
        return Situation(
            full_name=self.forge.full_name,
            page=self.forge.page,
            exists=found.observed.repository is not None,
            login=facts.login,
            token=f"{self.credential.kind} from {self.credential.source}{rights}",
        )

    def _refuse_ground(self, found: Planned, data: dict[str, Any]) -> None:
        """Stop before anything is touched where the rest would make no sense, or would fail later."""
        error = refusal(found, self.hosted, self.forge)
        if error is not None:
            error.data = data
            raise error

    def _refuse_another_plan(self, plan: Plan, data: dict[str, Any]) -> None:
        if not self.request.digest or self.request.digest == plan.digest:
            return
        error = PlanChanged(
            "What would be done now is not the plan that was agreed to; nothing was changed.",
            where="--plan-digest",
            hint="Look at the plan again with 'mlopsgen push --dry-run'.",
        )
        error.data = data
        raise error

    def _agreed(self, found: Planned, situation: Situation) -> Planned:
        """The plan that the person agreed to, made again just before it is applied."""
        while True:
            self.request.show(situation, found.plan)
            if self.request.agreed:
                return found
            if self.request.agree is None:
                raise MissingAnswer(
                    f"The plan ({counted(len(found.plan.changes), 'change')}) needs a yes, and there is no terminal "
                    "to ask on.",
                    where="--yes",
                    hint="Look at it with --dry-run, then give --yes.",
                )
            if not self.request.agree():
                raise self._left_alone(found)
            now = self._look()
            if now.plan.digest == found.plan.digest:
                return now
            self._refuse_ground(now, {"plan": now.plan.as_dict()})
            self.events(Warn(message="Something changed while you were reading; this is what would be done now."))
            found = now

    def _looked_anew(self, situation: Situation) -> Planned:
        """The plan for the rest, where somebody agrees to it: it gives less protection than the one before.

        Raises:
            PlanChanged: Nobody can agree: exactly one plan was agreed to, or secrets would be seen by more branches.
        """
        found = self._look()
        own = {resource.key for resource in self.desired.resources if not resource.key.scope}
        exposed = [
            item
            for item in found.plan.changes
            if item.kind is Kind.SECRET and not item.scope and Key(item.kind, item.name) not in own
        ]
        if not self.request.digest and not (exposed and self.request.agreed):
            return self._agreed(found, situation)
        self.request.show(situation, found.plan)
        why = "the plan that was agreed to cannot be done to its end"
        if exposed:
            why = f"{counted(len(exposed), 'secret')} would be readable by the workflows of every branch"
        error = PlanChanged(
            f"GitHub does not have what was planned, and {why}; {counted(len(self.done), 'change')} made, "
            f"{len(found.plan.changes)} left.",
            where="--plan-digest" if self.request.digest else REMOTE_DOCUMENT,
            hint=f"Look at the rest without --yes, or write the account's plan into {REMOTE_DOCUMENT} "
            "(github: {plan: free}) and run it again: that plan is then known before.",
        )
        error.exit_code = ExitCode.PARTIAL
        waiting = tuple(Left(item=item, reason="nobody agreed to it") for item in found.plan.changes)
        error.data = {"plan": found.plan.as_dict()} | outcome_data(tuple(self.done), waiting)
        raise error

    def _left_alone(self, found: Planned) -> Interrupted:
        if not self.done:
            return Interrupted("Nothing was changed.")
        done, left = counted(len(self.done), "change"), counted(len(found.plan.changes), "change")
        error = Interrupted(f"Of this plan nothing was done; {done} made before, {left} left.", hint=self._again())
        waiting = tuple(Left(item=item, reason="nobody agreed to it") for item in found.plan.changes)
        error.data = outcome_data(tuple(self.done), waiting)
        return error

    def _again(self) -> str:
        yes = " --yes" if self.request.agreed else ""
        return f"Run '{self.request.again}{yes}' again; it continues with what is left."

    def _apply(self, found: Planned, data: dict[str, Any]) -> None:
        moved = {Key(Kind.SECRET, repository_name(key.scope, key.name)): value for key, value in self.values.items()}
        try:
            apply(
                found.plan,
                found.desired,
                forge=self.forge,
                source=self.hosted.project.source,
                events=self.events,
                secrets={**moved, **self.values},
            )
        except MlopsgenError as error:
            if isinstance(error, Unfinished):
                self.done += error.done
            error.data = data | error.data
            error.hint = error.hint.replace(AGAIN, self._again())
            raise
        self.done += found.plan.changes

    def _learns(self, found: Planned, data: dict[str, Any]) -> bool:
        """Apply the plan; whether the owner's plan turned out not to hold something, so that another one is needed."""
        try:
            self._apply(found, data)
        except PlanRefused as error:
            learnt: Mapping[Key, Limit] = {error.key: error.limit}
        except Unfinished as error:
            learnt = error.learnt
            if not learnt:
                raise
        else:
            return False
        self.learnt.update(learnt)
        names = ", ".join(f"{key.kind} {key.name}" for key in learnt)
        self.events(Warn(message=f"GitHub turned out to refuse this: {names}. The rest is planned anew."))
        return True

    def _verified(self, found: Planned, data: dict[str, Any]) -> Planned:
        """Read everything back: what was done has to be there, sooner or later."""
        for wait in _PATIENCE:
            if wait:
                self.events(StepStarted(message="GitHub does not show everything yet; looking again"))
                time.sleep(wait)
            now = self._seen_again(data)
            undone = undone_of(found.plan, now.plan)
            hidden = [limit for item in undone if (limit := limit_of(now.observed.snapshot.unreadable, item.key))]
            if not undone:
                return now
            if len(hidden) == len(undone):
                self.events(
                    Warn(message=f"Not everything could be read back: {hidden[0].reason}.", hint=hidden[0].hint)
                )
                return now
        error = Unfinished(
            f"GitHub took every change and does not show all of them: {', '.join(describe(item) for item in undone)}.",
            done=tuple(item for item in found.plan.changes if item not in undone),
            left=tuple(Left(item=item, reason="it is not as it was set") for item in undone),
            where=self.forge.page,
            hint=AGAIN,
        )
        error.data = data | error.data
        raise error

    def _seen_again(self, data: dict[str, Any]) -> Planned:
        try:
            return self._look()
        except MlopsgenError as error:
            hint = " ".join(part for part in (error.hint, self._again()) if part)
            made = f"{counted(len(self.done), 'change')} made"
            message = f"{made}, and GitHub could not be read again to make sure: {error.message}"
            unfinished = Unfinished(message, done=tuple(self.done), left=(), where=self.forge.page, hint=hint)
            unfinished.data = data | unfinished.data
            raise unfinished from error

    def _pushed(self, found: Planned) -> Pushed:
        return Pushed(
            found=found,
            wanted=self.desired.resources,
            full_name=self.forge.full_name,
            page=self.forge.page,
            helper=knows_credentials(self.hosted, self.desired.address),
            has_workflows=self.desired.trains,
            training=tuple(item.name for item in self.done if self.desired.trains and starts_training(item)),
        )


def starts_training(item: Item) -> bool:
    """Whether a change that was made starts a training: of the branches that are made, only the first one trains."""
    return item.kind is Kind.BRANCH and (item.act is Act.CHANGE or item.name == MAIN_BRANCH)


def need_of(resource: Resource) -> Need:
    """A secret as the places know it that values come from."""
    key = resource.key
    return Need(environment=key.scope, name=key.name, purpose=resource.purpose, required=not resource.optional)


def undone_of(plan: Plan, now: Plan) -> list[Item]:
    """What a plan changed and that is not so now."""
    current = {item.key: item for item in now.items}
    undone = []
    for item in plan.changes:
        found = current.get(item.key)
        different = found is None or found.act in (Act.CREATE, Act.CHANGE, Act.CANNOT)
        if different or (found is not None and item.resource is not None and found.reason and not item.reason):
            undone.append(item)
    return undone
