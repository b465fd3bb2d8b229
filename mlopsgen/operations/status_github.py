"""How a project's repository on GitHub stands: its branches, and what differs from what it shall be; only read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from mlopsgen.adapters.credentials import Credential
from mlopsgen.adapters.git import without_credentials
from mlopsgen.constants import HOSTED_REMOTE
from mlopsgen.errors import InvalidDocument, MlopsgenError
from mlopsgen.forge.github.forge import GitHubForge
from mlopsgen.forge.github.runs import WorkflowRun, last_runs
from mlopsgen.forge.values import Kind
from mlopsgen.operations.hosted_plan import desired_on_github, plan_on_github, read_wanted, worth_reading
from mlopsgen.operations.hosting import Hosted, Target, open_github
from mlopsgen.operations.patience import short_wait, untold
from mlopsgen.operations.project import Surroundings
from mlopsgen.operations.push_end import drift_of, hidden_items, missing_secrets, secret_commands
from mlopsgen.operations.wording import counted
from mlopsgen.remote.desired import Desired
from mlopsgen.remote.plan import Act, Item
from mlopsgen.remote.planning import Planned
from mlopsgen.remote.words import called

_PATIENCE = 15.0
_MOST_NAMES = 5


def github_status(
    hosted: Hosted, surroundings: Surroundings, credential: Callable[[Target], Credential], names: Sequence[str]
) -> dict[str, Any]:
    """The state on GitHub of a project that was pushed there, as a JSON object.

    Nobody is asked, and what keeps GitHub from being seen is told instead of raised.

    Args:
        hosted: The project.
        surroundings: Where the command runs.
        credential: Finds the token without asking.
        names: The branches of interest.
    """
    known: dict[str, Any] = {
        "repository": hosted.target.full_name,
        "page": None,
        "seen": False,
        "reason": "",
        "branches": [],
        "drift": None,
        "problems": [],
    }
    try:
        forge, wanted, planned = _look(hosted, surroundings, credential)
    except MlopsgenError as error:
        line = f" ({error.where})" if isinstance(error, InvalidDocument) else ""
        problem = {"message": f"GitHub was not looked at: {error.message}{line}", "hint": error.hint}
        return known | {"reason": error.message, "problems": [problem]}
    if planned.observed.repository is None:
        reason = f"{hosted.target.full_name} is not there, or the token does not see it"
        problem = {"message": reason, "hint": "mlopsgen push   (makes it again)"}
        return known | {"page": forge.page, "reason": reason, "problems": [problem]}
    archived = []
    if (forge.place.data or {}).get("archived"):
        message = f"{forge.full_name} is archived: nothing trains there and nothing can be changed"
        archived = [{"message": message, "hint": f"{forge.page}/settings   (Danger Zone, Unarchive)"}]
    pushed = [name for name in names if name in planned.observed.repository.branches]
    runs = last_runs(forge.account.client, forge.full_name, pushed) if wanted.trains else {}
    return known | {
        "page": forge.page,
        "seen": True,
        "branches": [_branch(name, planned) | {"last_run": _run(runs.get(name))} for name in names],
        "drift": planned.plan.as_dict(),
        "problems": [*archived, *_problems(planned, wanted, names)],
    }


def _look(
    hosted: Hosted, surroundings: Surroundings, credential: Callable[[Target], Credential]
) -> tuple[GitHubForge, Desired, Planned]:
    making = read_wanted(hosted)
    found = credential(hosted.target)
    plan = making.document.github.plan or "auto"
    forge = open_github(hosted.target, found.token, surroundings, untold, plan=plan, sleep=short_wait(_PATIENCE))
    desired = desired_on_github(hosted, making, without_credentials(hosted.target.origin))
    desired = replace(desired, resources=worth_reading(desired.resources))
    return forge, desired, plan_on_github(hosted, forge, desired)


def _branch(name: str, planned: Planned) -> dict[str, Any]:
    repository = planned.observed.repository
    distance = planned.observed.clone.distances.get(name)
    return {
        "name": name,
        "commit": planned.desired.branches.get(name),
        "github_commit": None if repository is None else repository.branches.get(name),
        "ahead": None if distance is None else distance.ahead,
        "behind": None if distance is None else distance.behind,
    }


def _run(run: WorkflowRun | None) -> dict[str, Any] | None:
    if run is None:
        return None
    age = max(0, int((datetime.now(UTC) - run.started).total_seconds()))
    return {
        "number": run.number,
        "event": run.event,
        "state": run.state,
        "words": run.words,
        "commit": run.commit,
        "page": run.page,
        "age_seconds": age,
    }


def _problems(planned: Planned, wanted: Desired, names: Sequence[str]) -> list[dict[str, str]]:
    """What needs somebody, each with the command that helps."""
    plan = planned.plan
    found = [problem for name in names for problem in _branch_problems(_branch(name, planned), plan.items)]
    settings = [item for item in plan.changes if item.kind is not Kind.BRANCH]
    if settings:
        names = [_named(item) for item in settings[:_MOST_NAMES]]
        more = f" and {len(settings) - _MOST_NAMES} more" if len(settings) > _MOST_NAMES else ""
        message = f"'mlopsgen push' would set {', '.join(names)}{more}"
        found.append({"message": message, "hint": "mlopsgen push --dry-run"})
    for item in drift_of(plan):
        hint = "" if item.kind is Kind.POLICY else "mlopsgen push --dry-run --take-over"
        found.append({"message": f"{_named(item)}: {item.reason}", "hint": hint})
    missing = missing_secrets(planned, wanted.resources)
    hints = {command.split()[3]: command.partition("   ")[0] for command in secret_commands(missing)}
    for secret in missing:
        message = f"secret {secret.key.name} of {secret.key.scope or 'the repository'} is missing: {secret.purpose}"
        found.append({"message": message, "hint": hints[secret.key.name]})
    hidden = hidden_items(planned)
    if hidden:
        names = list(dict.fromkeys(item.kind.value for item in hidden))
        message = f"{counted(len(hidden), 'thing')} could not be compared ({', '.join(names)})"
        found.append({"message": f"{message}, because {hidden[0].reason}", "hint": hidden[0].hint})
    others = [item for item in plan.unsolved if item.kind not in (Kind.SECRET, Kind.BRANCH) and item not in hidden]
    return found + [{"message": f"{_named(item)}: {item.reason}", "hint": item.hint} for item in others]


def _branch_problems(branch: dict[str, Any], items: Sequence[Item]) -> list[dict[str, str]]:
    name, found = branch["name"], []
    item = next((each for each in items if each.kind is Kind.BRANCH and each.name == name), None)
    if branch["ahead"] and branch["behind"]:
        message = f"{name}: here and on GitHub there are commits that the other side lacks"
        found.append({"message": message, "hint": f"git pull --rebase {HOSTED_REMOTE} {name}"})
    elif branch["ahead"]:
        guarded = item is not None and item.act is Act.CANNOT
        hint = (item.instead or item.hint) if guarded and item is not None else f"git push {HOSTED_REMOTE} {name}"
        found.append({"message": f"{name}: {counted(branch['ahead'], 'commit')} not on GitHub yet", "hint": hint})
    elif branch["behind"]:
        message = f"{name}: GitHub is {counted(branch['behind'], 'commit')} ahead"
        found.append({"message": message, "hint": f"git pull {HOSTED_REMOTE} {name}"})
    return found


def _named(item: Item) -> str:
    return f"{item.kind} {called(item.kind, item.name)}{f' of {item.scope}' if item.scope else ''}"
