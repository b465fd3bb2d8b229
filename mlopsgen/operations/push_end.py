"""What a push to GitHub ends with: where things are, who approves what, what is missing, and the next steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlopsgen.constants import BRANCHES
from mlopsgen.errors import ExitCode
from mlopsgen.forge.values import Key, Kind, Resource
from mlopsgen.operations.wording import counted
from mlopsgen.remote.fallback import limit_of
from mlopsgen.remote.needs import repository_name
from mlopsgen.remote.plan import Act, Item, Plan
from mlopsgen.remote.planning import Planned
from mlopsgen.result import OperationResult

_MOST_COMMANDS = 3
"""So many secrets get a command each; more are asked for by one."""


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """A repository on GitHub after a plan was made, and perhaps applied.

    Attributes:
        found: The plan as it is now.
        wanted: Everything that was wanted, also what GitHub cannot give.
        full_name: Owner and name.
        page: Its address in a browser.
        helper: Whether git will find credentials for a push by hand, as far as that can be known.
        has_workflows: Whether something runs there when something is pushed.
        training: The branches that this push brought and that train now.
    """

    found: Planned
    wanted: tuple[Resource, ...]
    full_name: str
    page: str
    helper: bool = True
    has_workflows: bool = False
    training: tuple[str, ...] = ()


def shown_result(pushed: Pushed, data: dict[str, Any], again: str) -> OperationResult:
    """The end of a dry run.

    Args:
        pushed: How things are.
        data: What programs are told.
        again: The command that pushes to the same place.
    """
    plan = pushed.found.plan
    changes = counted(len(plan.changes), "change")
    summary = f"{changes} would be made; nothing was done." if plan.changes else _kept(pushed)
    apply = (f"{again} --yes --plan-digest {plan.digest}   (makes exactly these changes)",) if plan.changes else ()
    return OperationResult(summary=summary, data=data | _facts(pushed), next_steps=(*apply, *_hints(plan)))


def kept_result(pushed: Pushed, data: dict[str, Any]) -> OperationResult:
    """The end of a push that had nothing to do."""
    return _result(pushed, data, _kept(pushed))


def _kept(pushed: Pushed) -> str:
    """How things are where nothing is to be made or changed."""
    drift = len(drift_of(pushed.found.plan))
    unsolved = unsolved_of(pushed.found)
    if unsolved:
        return f"Nothing was changed; {counted(len(unsolved), 'thing')} cannot be done."
    if drift:
        return f"Nothing was changed; {counted(drift, 'thing')} on GitHub differ{'s' * (drift == 1)}."
    return f"{pushed.full_name} is as it shall be{_but(pushed)}; nothing was changed."


def changed_result(pushed: Pushed, data: dict[str, Any], *, made: int) -> OperationResult:
    """The end of a push that changed something.

    Args:
        pushed: How things are now.
        data: What programs are told.
        made: How many changes were made.
    """
    done = f"{counted(made, 'change')} made and read back"
    unsolved = len(unsolved_of(pushed.found))
    if unsolved:
        return _result(pushed, data, f"{done}; {counted(unsolved, 'thing')} cannot be done.")
    drift = len(drift_of(pushed.found.plan))
    if drift:
        kept = f"{counted(drift, 'thing')} on GitHub differ{'s' * (drift == 1)} from what is wanted, as the plan says"
        return _result(pushed, data, f"{done}; {kept}{_but(pushed)}.")
    return _result(pushed, data, f"{done}: {pushed.full_name} is as it shall be{_but(pushed)}.")


def _but(pushed: Pushed) -> str:
    """What is missing although nothing is wrong."""
    missing = len(missing_secrets(pushed.found, pushed.wanted))
    hidden = hidden_items(pushed.found)
    lost = [item for item in pushed.found.plan.blocked if item.kind is not Kind.SECRET and item not in hidden]
    words = [f"{counted(missing, 'secret')} to be set"] if missing else []
    words += [f"{counted(len(lost), 'thing')} that cannot be had, as the plan says"] if lost else []
    words += [f"{counted(len(hidden), 'thing')} that this token is not shown"] if hidden else []
    return f", but for {' and '.join(words)}" if words else ""


def _result(pushed: Pushed, data: dict[str, Any], summary: str) -> OperationResult:
    facts = _facts(pushed)
    missing = secret_commands(missing_secrets(pushed.found, pushed.wanted))
    if len(missing) > _MOST_COMMANDS:
        number = len(facts["missing_secrets"])
        missing = (f"mlopsgen secrets set   (asks for the {number} secrets that have no value yet)",)
    helper = (
        () if pushed.helper else ("gh auth setup-git   (git knows nobody there yet; or: mlopsgen push --protocol ssh)",)
    )
    branches = " and ".join(pushed.training)
    watch = (f"{pushed.page}/actions   ({branches} train{'s' * (len(pushed.training) == 1)} now)",) if branches else ()
    push = (*helper, f"git push   (after a commit{'; it tests and trains' if pushed.has_workflows else ''})")
    return OperationResult(
        summary=summary,
        data=data | facts,
        next_steps=tuple(dict.fromkeys((*watch, *missing, *_hints(pushed.found.plan), *_options(pushed), *push))),
        exit_code=ExitCode.PARTIAL if unsolved_of(pushed.found) else ExitCode.OK,
    )


def secret_commands(secrets: Sequence[Resource]) -> tuple[str, ...]:
    """The commands that give secrets their values: one for each name, whatever number of environments need it."""
    found: dict[str, list[Resource]] = {}
    for secret in secrets:
        found.setdefault(secret.key.name, []).append(secret)
    return tuple(
        f"mlopsgen secrets set {name}{_branches_of(needed)}   ({needed[0].purpose})" for name, needed in found.items()
    )


def _branches_of(secrets: Sequence[Resource]) -> str:
    return "".join(f" --branch {secret.key.scope}" for secret in secrets if secret.key.scope)


def _facts(pushed: Pushed) -> dict[str, Any]:
    links = {
        "repository": pushed.page,
        "actions": f"{pushed.page}/actions",
        "environments": f"{pushed.page}/settings/environments",
        "pull_requests": f"{pushed.page}/pulls",
    }
    return {
        "links": links if pushed.found.observed.repository is not None else {},
        "approvals": list(_approvals(pushed.found)),
        "missing_secrets": list(_missing(pushed)),
    }


def _approvals(found: Planned) -> Iterator[dict[str, Any]]:
    """What has to be approved and by whom, as it is once the plan is done."""
    values = _settled_values(found)
    rules = [value for key, value in values.items() if key.kind is Kind.RULESET]
    for branch in BRANCHES:
        environment = values.get(Key(Kind.ENVIRONMENT, branch), {})
        guarding = [rule for rule in rules if branch in rule.get("branches", ()) and rule.get("pull_request")]
        reviewers = environment.get("reviewers", ())
        if reviewers or guarding:
            yield {
                "branch": branch,
                "reviewers": list(reviewers),
                "wait_minutes": environment.get("wait_minutes", 0),
                "self_review": bool(environment.get("self_review", True)),
                "pull_request": bool(guarding),
                "reviews": max((int(rule.get("reviews", 0)) for rule in guarding), default=0),
                "checks": sorted({check for rule in guarding for check in rule.get("checks", ())}),
            }


def _settled_values(found: Planned) -> dict[Key, Mapping[str, Any]]:
    """What environments and rulesets are set to once the plan is done."""
    values: dict[Key, Mapping[str, Any]] = {}
    there = found.observed.snapshot.resources
    for item in found.plan.items:
        changed = item.resource.value if item.resource is not None and item.act in (Act.CREATE, Act.CHANGE) else None
        value = there.get(item.key) if changed is None else changed
        if item.kind in (Kind.ENVIRONMENT, Kind.RULESET) and isinstance(value, Mapping):
            values[item.key] = value
    return values


def hidden_items(found: Planned) -> list[Item]:
    """What could not be compared because GitHub does not show it to whoever asks."""
    return [item for item in found.plan.unsolved if _is_hidden(found, item)]


def _is_hidden(found: Planned, item: Item) -> bool:
    limit = limit_of(found.observed.snapshot.unreadable, item.key)
    return limit is not None and limit.rights


def unsolved_of(found: Planned) -> list[Item]:
    """What somebody has to do something about; what is merely not shown needs nobody where nothing is changed."""
    hidden = [] if found.plan.changes else hidden_items(found)
    return [item for item in found.plan.unsolved if item not in hidden]


def drift_of(plan: Plan) -> list[Item]:
    """What people changed on GitHub and what stays as they left it."""
    kept = [item for item in plan.items if item.act is Act.KEEP and item.reason]
    return [item for item in kept if item.resource is not None or item.kind is Kind.POLICY]


def missing_secrets(found: Planned, wanted: Sequence[Resource]) -> list[Resource]:
    """The secrets that are needed and have no value yet, as they were wanted.

    Args:
        found: The plan; it may speak of them under the names that they have in the repository.
        wanted: Everything that was wanted.
    """
    named: dict[Key, Resource] = {}
    for resource in wanted:
        if resource.key.kind is Kind.SECRET:
            named[resource.key] = resource
            named[Key(Kind.SECRET, repository_name(resource.key.scope, resource.key.name))] = resource
    blocked = [item for item in found.plan.blocked if item.kind is Kind.SECRET and item.instead]
    return [named[item.key] for item in blocked if item.key in named]


def _missing(pushed: Pushed) -> Iterator[dict[str, str]]:
    for resource in missing_secrets(pushed.found, pushed.wanted):
        name, scope = resource.key.name, resource.key.scope
        command = f"mlopsgen secrets set {name}{f' --branch {scope}' if scope else ''}"
        yield {"environment": scope, "name": name, "purpose": resource.purpose, "command": command}


def _options(pushed: Pushed) -> Iterator[str]:
    """How to see the secrets that nothing misses."""
    number = sum(1 for each in pushed.wanted if each.key.kind is Kind.SECRET and each.optional)
    if number:
        yield f"mlopsgen secrets list   (also the {counted(number, 'optional secret')})"


def _hints(plan: Plan) -> tuple[str, ...]:
    """What a person can do about what cannot be done; secrets have their own lines."""
    items = [item for item in plan.blocked if item.kind is not Kind.SECRET]
    behind = [item for item in plan.items if item.kind is Kind.BRANCH and item.act is Act.KEEP and item.reason]
    pull = (f"git pull   ({', '.join(item.name for item in behind)}: GitHub has newer commits)",) if behind else ()
    changed = [item for item in drift_of(plan) if item.kind is not Kind.POLICY]
    over = (
        ("mlopsgen push --dry-run --take-over   (what would bring GitHub back to what is written)",) if changed else ()
    )
    return tuple(dict.fromkeys((*(item.hint for item in items if item.hint), *pull, *over)))
