"""``mlopsgen runner``: bring a machine of one's own that trains a branch, list such machines, send one away."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlopsgen import naming
from mlopsgen.adapters.git import GitRepository, ensure_plain_reference
from mlopsgen.constants import BRANCHES, MAIN_BRANCH
from mlopsgen.errors import Interrupted, MissingAnswer, MlopsgenError, UsageError
from mlopsgen.events import StepDone, StepStarted
from mlopsgen.forge.github import runners
from mlopsgen.forge.github.errors import Missing
from mlopsgen.forge.github.runners import Runner
from mlopsgen.forge.values import Key, Kind, Resource
from mlopsgen.operations import runner_script
from mlopsgen.operations.hosting import Hosted, Target, Wanted, find_hosted, open_github
from mlopsgen.operations.project import Surroundings
from mlopsgen.operations.runner_labels import (
    command_for,
    configuration_of,
    labels_of_branch,
    own_labels,
    without_runner,
)
from mlopsgen.operations.wording import counted
from mlopsgen.ports import EventSink
from mlopsgen.remote.runners import is_hosted, labels_of
from mlopsgen.result import OperationResult

if TYPE_CHECKING:
    from mlopsgen.adapters.credentials import Credential
    from mlopsgen.forge.github.forge import GitHubForge

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VISIBILITY = Key(Kind.SETTING, "visibility")


@dataclass(frozen=True, kw_only=True)
class RunnerRequest:
    """Whose runners.

    Attributes:
        surroundings: Where the command runs.
        credential: Finds the token for the repository's host.
        wanted: What the flags say of the repository.
    """

    surroundings: Surroundings
    credential: Callable[[Target], Credential]
    wanted: Wanted = field(default_factory=Wanted)


@dataclass(frozen=True, kw_only=True)
class AddRequest(RunnerRequest):
    """Which runner to add.

    Attributes:
        branch: Whose trainings it takes.
        name: Its name; empty for one that is made of the repository and the branch.
        labels: Its labels; empty for those that the branch asks for.
        folder: Where it lies; ``None`` for a folder beside the repository.
        system: What it runs on, as GitHub writes it (``linux-x64``).
        ephemeral: Whether it takes one job only.
        accepted_risk: The name of the public repository whose risk the person accepts.
    """

    branch: str = MAIN_BRANCH
    name: str = ""
    labels: str = ""
    folder: Path | None = None
    system: str
    ephemeral: bool = False
    accepted_risk: str = ""


@dataclass(frozen=True, kw_only=True)
class RemoveRequest(RunnerRequest):
    """Which runner to remove.

    Attributes:
        runner: Its name or number.
        agreed: Remove without asking.
        agree: Asks the person, told which runner; ``None`` where there is nobody to ask.
    """

    runner: str
    agreed: bool = False
    agree: Callable[[str], bool] | None = None


def add(request: AddRequest, events: EventSink) -> OperationResult:
    """Register a runner and write the script that starts it; safe to run again.

    Raises:
        MlopsgenError: The repository is not on GitHub yet, or is public and nobody accepted the risk.
        UsageError: A label, name or folder cannot be used.
    """
    hosted = find_hosted(request.surroundings, request.wanted)
    target = hosted.required()
    branch = ensure_plain_reference(request.branch, BRANCHES)
    labels = _labels(request, hosted, branch)
    name = _name(request.name or f"{target.name}-{branch}"[:64])
    folder = _folder(request, hosted, name)
    forge = _open(request, target, events)
    _refuse_public(forge, target, request.accepted_risk)
    known = runners.list_runners(forge.account.client, target.full_name)
    there = next((runner for runner in known if runner.name == name), None)
    if there is not None and runner_script.is_ours(folder) and runner_script.is_registered(folder):
        return _known(there, folder, target)
    if there is not None and there.online:
        raise MlopsgenError(
            f"A runner '{name}' is online already, and it does not lie in this folder.",
            where=str(folder),
            hint="Give the new one another name with --as, or name the folder of that one with --folder.",
        )
    program = _program(forge, target, request.system)
    runner_script.prepare(folder)
    events(StepStarted(message=f"Asking {target.host} for a registration"))
    registration = runners.registration(forge.account.client, target.full_name)
    events(StepDone(message="Registration token"))
    start = runner_script.Start(
        repository=forge.page,
        name=name,
        labels=labels,
        ephemeral=request.ephemeral,
        program=program,
        expires=registration.expires,
        again=_again(request, branch, name),
    )
    script = runner_script.write(folder, start, registration.token)
    until = f"{registration.expires:%Y-%m-%d %H:%M} UTC"
    return OperationResult(
        summary=f"The runner '{name}' for {target.full_name} is prepared; start it before {until}.",
        data={
            "repository": target.full_name,
            "runner": {"name": name, "labels": list(labels), "ephemeral": request.ephemeral, "registered": False},
            "folder": str(folder),
            "script": str(script),
            "program": {"address": program.address, "name": program.name, "sha256": program.sha256},
            "token_expires": registration.expires.isoformat(),
        },
        next_steps=(
            f"'{script}'  (as an ordinary user; or move the folder to another machine and start it there)",
            f"Its token lies beside it and ends {until}; starting the script uses it up.",
            "mlopsgen runner list  (shows it online)",
        ),
    )


def list_runners(request: RunnerRequest, events: EventSink) -> OperationResult:
    """The repository's own runners, and the branches that ask for one that is not there."""
    hosted = find_hosted(request.surroundings, request.wanted)
    target = hosted.required()
    forge = _open(request, target, events)
    found = _registered(forge, target)
    wanted = own_labels(hosted.project.root, hosted.answers)
    missing = without_runner(wanted, [runner.labels for runner in found if runner.online])
    online = sum(runner.online for runner in found)
    return OperationResult(
        summary=f"{target.full_name} has {counted(len(found), 'runner')} of its own, {online} online.",
        data={
            "repository": target.full_name,
            "runners": [_as_dict(runner) for runner in found],
            "wanted": {branch: list(labels) for branch, labels in wanted.items()},
            "without_runner": {branch: list(labels) for branch, labels in missing.items()},
        },
        next_steps=tuple(
            f"{command_for(asking, labels)}  (no runner with {', '.join(labels)} is online)"
            for asking, labels in missing.items()
        ),
    )


def remove(request: RemoveRequest, events: EventSink) -> OperationResult:
    """Take a runner's registration back; its folder stays where it is.

    Raises:
        MlopsgenError: There is no such runner, or it is at work.
        MissingAnswer: There is nobody to ask and nobody agreed.
        Interrupted: The person did not agree.
    """
    target = find_hosted(request.surroundings, request.wanted).required()
    forge = _open(request, target, events)
    runner = _find(_registered(forge, target), request.runner, target)
    if runner.busy:
        hint = f"Wait for its job to end or cancel it at {forge.page}/actions, then run it again."
        raise MlopsgenError(f"The runner '{runner.name}' is at work.", where=target.full_name, hint=hint)
    words = f"{runner.name} (number {runner.id}, {', '.join(runner.labels)}) of {target.full_name}"
    if not request.agreed:
        if request.agree is None:
            hint = "Give --yes to remove it without a question."
            raise MissingAnswer(f"Removing {words} needs a yes, and nobody can be asked.", where="--yes", hint=hint)
        if not request.agree(words):
            raise Interrupted("Nothing was changed.")
    runners.remove_runner(forge.account.client, target.full_name, runner.id)
    return OperationResult(
        summary=f"The runner '{runner.name}' is no longer registered; it takes no more jobs.",
        data={"repository": target.full_name, "removed": _as_dict(runner)},
        next_steps=("On its machine: end its program and delete its folder.",),
    )


def _open(request: RunnerRequest, target: Target, events: EventSink) -> GitHubForge:
    return open_github(target, request.credential(target).token, request.surroundings, events)


def _registered(forge: GitHubForge, target: Target) -> tuple[Runner, ...]:
    try:
        return runners.list_runners(forge.account.client, target.full_name)
    except Missing:
        raise _absent(target) from None


def _absent(target: Target) -> MlopsgenError:
    return MlopsgenError(
        f"{target.full_name} is not on {target.host}, or this token does not see it.",
        where=target.full_name,
        hint="Run 'mlopsgen push' first.",
    )


def _labels(request: AddRequest, hosted: Hosted, branch: str) -> tuple[str, ...]:
    root = hosted.project.root
    labels = labels_of(request.labels) or labels_of_branch(root, branch, hosted.answers)
    refused = naming.check_runner(",".join(labels))
    if refused:
        raise UsageError(f"These labels cannot be used: {refused}.", where="--labels")
    if is_hosted(labels):
        path = configuration_of(root, branch).relative_to(root)
        raise UsageError(
            f"'{', '.join(labels)}' is a machine of GitHub's own: no job for it would come to yours.",
            where="--labels" if request.labels else str(path),
            hint=f"Set 'runner: self-hosted' (or a label of your own) in {path}, commit it, then run this again.",
        )
    return labels


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        hint = "Up to 64 letters, digits, '-', '_' and '.', beginning with a letter or digit."
        raise UsageError(f"'{name}' cannot be a runner's name.", where="--as", hint=hint)
    return name


def _folder(request: AddRequest, hosted: Hosted, name: str) -> Path:
    """Where the runner lies; never where git would take its token into a commit."""
    root = hosted.project.root
    folder = (request.folder or root.parent / f"{hosted.project.slug}-runners" / name).resolve()
    place = next(path for path in (folder, *folder.parents) if path.is_dir())
    repository = GitRepository(place, request.surroundings.environ)
    inside = repository.run("rev-parse", "--is-inside-work-tree", check=False).stdout.strip() == "true"
    if inside and not repository.succeeds("check-ignore", "--quiet", str(folder / runner_script.TOKEN)):
        raise UsageError(
            "The folder lies in a git repository that does not ignore it: the runner's token could be committed.",
            where=str(folder),
            hint="Name a folder outside with --folder, or add it to .gitignore.",
        )
    return folder


def _again(request: AddRequest, branch: str, name: str) -> str:
    """The command that brings another token."""
    words = ["mlopsgen", "runner", "add", "--branch", branch, "--as", name, "--system", request.system]
    words += ["--labels", request.labels] if request.labels else []
    words += ["--folder", str(request.folder)] if request.folder is not None else []
    words += ["--ephemeral"] if request.ephemeral else []
    words += ["--accept-risk", request.accepted_risk] if request.accepted_risk else []
    return shlex.join(words)


def _refuse_public(forge: GitHubForge, target: Target, accepted: str) -> None:
    """Whoever opens a pull request on a public repository can run programs on its runners."""
    found = forge.observe([Resource(key=Key(Kind.REPOSITORY, target.name)), Resource(key=_VISIBILITY)])
    if found.repository is None:
        raise _absent(target)
    if found.resources.get(_VISIBILITY) != "public":
        return
    if accepted.casefold() in (target.full_name.casefold(), target.name.casefold()):
        return
    given = f" ('{accepted}' is not its name)" if accepted else ""
    raise MlopsgenError(
        f"{target.full_name} is public: anybody who opens a pull request may get programs to run on this runner, with "
        f"its user's rights and in its network{given}.",
        where=target.full_name,
        hint=f"Make the repository private, or accept the risk by name: --accept-risk {target.full_name}",
    )


def _program(forge: GitHubForge, target: Target, system: str) -> runner_script.Program:
    offered = {download.system: download for download in runners.downloads(forge.account.client, target.full_name)}
    found = offered.get(system)
    if found is None:
        hint = (
            f"Choose with --system: {', '.join(sorted(offered))}." if offered else "It offers none at all; try later."
        )
        raise UsageError(f"GitHub offers no runner for '{system}'.", where="--system", hint=hint)
    if system.startswith("win"):
        hint = "Choose a Linux or macOS system with --system, or register it by hand on the repository's page."
        raise UsageError("The script that starts a runner is for Linux and macOS.", where="--system", hint=hint)
    if not re.fullmatch(r"[0-9a-f]{64}", found.sha256):
        raise MlopsgenError(
            f"GitHub names no checksum for {found.name}, so that it could not be told whether it arrived unchanged.",
            where=found.address,
            hint="Register the runner by hand on the repository's page, under Settings, Actions, Runners.",
        )
    return runner_script.Program(address=found.address, name=found.name, sha256=found.sha256)


def _known(runner: Runner, folder: Path, target: Target) -> OperationResult:
    state = "online" if runner.online else "offline"
    script = folder / runner_script.SCRIPT
    return OperationResult(
        summary=f"The runner '{runner.name}' is registered already and {state}; nothing was changed.",
        data={
            "repository": target.full_name,
            "runner": {**_as_dict(runner), "registered": True},
            "folder": str(folder),
            "script": str(script),
        },
        next_steps=() if runner.online else (f"'{script}'  (starts it again)",),
    )


def _find(there: tuple[Runner, ...], wanted: str, target: Target) -> Runner:
    found = [runner for runner in there if runner.name == wanted] or [
        runner for runner in there if str(runner.id) == wanted
    ]
    if found:
        return found[0]
    names = ", ".join(sorted(runner.name for runner in there)) or "none"
    message = f"{target.full_name} has no runner '{wanted}'."
    raise MlopsgenError(message, where=target.full_name, hint=f"Its runners: {names}.")


def _as_dict(runner: Runner) -> dict[str, Any]:
    return {
        "id": runner.id,
        "name": runner.name,
        "system": runner.system,
        "online": runner.online,
        "busy": runner.busy,
        "labels": list(runner.labels),
        "ephemeral": runner.ephemeral,
    }
