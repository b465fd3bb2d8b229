"""``mlopsgen destroy``: take a set-up on GitHub back; what others did there is never deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlopsgen.constants import HOSTED_REMOTE
from mlopsgen.errors import (
    Interrupted,
    InvalidDocument,
    MissingAnswer,
    MlopsgenError,
    PartialResult,
    PermissionDenied,
    UsageError,
)
from mlopsgen.events import StepDone, StepStarted
from mlopsgen.forge.github import runners
from mlopsgen.forge.github.belongings import Belongings, archive_repository, belongings, delete_repository
from mlopsgen.forge.values import Key, Kind, Snapshot
from mlopsgen.operations.foreign_commits import Lacking, lacking_commits
from mlopsgen.operations.hosting import Hosted, Target, Wanted, find_hosted, open_github, place_of, same_host
from mlopsgen.operations.making import read_making
from mlopsgen.operations.project import Surroundings
from mlopsgen.operations.wording import counted
from mlopsgen.ports import EventSink
from mlopsgen.remote.github_desired import TOPIC, Making, github_resources
from mlopsgen.remote.workflows import Workflows
from mlopsgen.result import OperationResult

if TYPE_CHECKING:
    from mlopsgen.adapters.credentials import Credential
    from mlopsgen.forge.github.forge import GitHubForge

_DELETE_SCOPE = "delete_repo"


@dataclass(frozen=True, kw_only=True)
class DestroyRequest:
    """What to take back.

    Attributes:
        surroundings: Where the command runs.
        credential: Finds the token for the repository's host.
        wanted: What the flags say of the repository.
        archive: Make the repository read-only instead of deleting it.
        dry_run: Show what would go and stop.
        confirmed: The repository's full name, as the command line gives it.
        ask: Asks a person for the full name; ``None`` where there is nobody to ask.
        show: Takes the lines that say what goes and what stays, before anything is done.
    """

    surroundings: Surroundings
    credential: Callable[[Target], Credential]
    wanted: Wanted = field(default_factory=Wanted)
    archive: bool = False
    dry_run: bool = False
    confirmed: str = ""
    ask: Callable[[str], str] | None = None
    show: Callable[[tuple[str, ...]], None] = lambda _: None


@dataclass(frozen=True, kw_only=True)
class Found:
    """What there is to take back.

    Attributes:
        held: The repository on GitHub; ``None`` if there is none.
        snapshot: Its branches and settings.
        lacking: Its commits that are nowhere else.
        runners: The names of its own runners.
        described: Whether its description is the one that it would be made with.
        remote: Whether this machine's repository has a remote that leads there.
    """

    held: Belongings | None
    snapshot: Snapshot
    lacking: Lacking
    runners: tuple[str, ...]
    described: bool
    remote: bool

    @property
    def branches(self) -> Mapping[str, str]:
        """The branches on GitHub with their commits."""
        return {} if self.snapshot.repository is None else self.snapshot.repository.branches


def destroy(request: DestroyRequest, events: EventSink) -> OperationResult:
    """Show what goes, have the name typed, delete or archive, forget the remote; safe to run again.

    Raises:
        MlopsgenError: The repository was not made by mlopsgen, or others would lose something.
        PermissionDenied: The token may not delete repositories.
        UsageError: The typed name is another one.
        Interrupted: The person did not type it.
    """
    hosted = find_hosted(request.surroundings, request.wanted)
    if not hosted.target.owner:
        return OperationResult(
            summary="Nothing here leads to a repository on GitHub: nothing to do.",
            data={"repository": None, "exists": False, "action": "archive" if request.archive else "delete"},
            next_steps=("mlopsgen destroy --org ORGANISATION  (or --user; looks for a half-made one)",),
        )
    target = hosted.target
    forge = open_github(target, request.credential(target).token, request.surroundings, events)
    events(StepStarted(message=f"Looking at {target.full_name}"))
    found = _look(forge, hosted, target, archive=request.archive)
    events(StepDone(message=f"Looked at {target.full_name}"))
    data = _data(found, target, request)
    if found.held is None and not found.remote:
        summary = f"There is no {target.full_name} that this token sees, and nothing here leads to it: nothing to do."
        return OperationResult(summary=summary, data=data)
    refused = () if request.archive or found.held is None else refusals(found)
    if refused:
        raise MlopsgenError(
            f"{target.full_name} is not deleted: {'; '.join(refused)}.",
            where=target.full_name,
            hint=f"Look at {forge.page}. 'mlopsgen destroy --archive' makes it read-only and deletes nothing.",
        )
    lines = tuple(_lines(found, target, request))
    missing = None if found.held is None else _missing_right(forge, found.held, archive=request.archive)
    if request.dry_run:
        but = () if missing is None else (f"but          {missing.message}",)
        steps = () if missing is None else (missing.hint,)
        return OperationResult(summary="Nothing was done.", data={**data, "would": [*lines, *but]}, next_steps=steps)
    if missing is not None:
        raise missing
    request.show(lines)
    _confirm(request, target.full_name if found.held is None else found.held.name)
    _require_unchanged(forge, hosted, target, found, archive=request.archive)
    return _take_back(request, forge, hosted, found, data)


def refusals(found: Found) -> tuple[str, ...]:
    """Why the repository on GitHub must not be deleted, each as a clause; none if it is ours alone."""
    held = found.held
    if held is None:
        return ()
    reasons = []
    marked = TOPIC in held.topics
    if not found.branches and not marked and not found.described:
        reasons.append("nothing in it says that mlopsgen made it")
    elif found.branches and not marked:
        reasons.append(f"it does not bear the topic '{TOPIC}' that mlopsgen gives to what it makes")
    if not found.lacking.related:
        reasons.append("its history has nothing to do with this repository's")
    elif found.lacking.commits:
        names = ", ".join(found.lacking.names)
        reasons.append(f"it holds {counted(found.lacking.commits, 'commit')} that no branch or tag here has ({names})")
    others = {"pull request": held.pulls, "issue": held.issues}
    reasons += [f"it holds {counted(number, word)} of others" for word, number in others.items() if number]
    if held.forks:
        reasons.append(f"others have forked it ({', '.join(held.forks[:3])}{', ...' if held.forks[3:] else ''})")
    return tuple(reasons)


def _look(forge: GitHubForge, hosted: Hosted, target: Target, *, archive: bool) -> Found:
    held = belongings(forge.place, of_others=not archive)
    remote = _leads_to(hosted, target)
    if held is None:
        nothing = Lacking(commits=0, names=(), related=True)
        return Found(held=None, snapshot=Snapshot(), lacking=nothing, runners=(), described=False, remote=remote)
    wanted = github_resources(_making(hosted), target.name)
    snapshot = forge.observe(wanted)
    empty = snapshot.repository is None or not snapshot.repository.branches
    nothing = Lacking(commits=0, names=(), related=True)
    lacking = nothing if empty or archive else lacking_commits(forge, hosted.project.source)
    try:
        own = tuple(runner.name for runner in runners.list_runners(forge.account.client, target.full_name))
    except PermissionDenied:
        own = ()
    about = next((one.value for one in wanted if one.key == Key(Kind.SETTING, "about")), None)
    described = isinstance(about, Mapping) and about.get("description") == held.description
    return Found(held=held, snapshot=snapshot, lacking=lacking, runners=own, described=described, remote=remote)


def _making(hosted: Hosted) -> Making:
    """What the set-up was made from; a document that cannot be read does not keep anybody from taking it back."""
    try:
        return read_making(hosted.project.root, hosted.recorded)
    except InvalidDocument:
        return Making(answers=hosted.answers, workflows=None if hosted.recorded.ours else Workflows())


def _leads_to(hosted: Hosted, target: Target) -> bool:
    place = place_of(hosted.project.source.remotes().get(HOSTED_REMOTE, ""))
    if place is None or not same_host(place.host, target.host):
        return False
    return f"{place.owner}/{place.name}".casefold() == target.full_name.casefold()


def _lines(found: Found, target: Target, request: DestroyRequest) -> list[str]:
    """What goes and what stays, for people."""
    lines = []
    held = found.held
    if held is not None and request.archive:
        state = "is archived already" if held.archived else "becomes read-only; nothing in it is deleted"
        return [f"repository   {held.name} ({held.visibility}): {state}", "stays        everything on this machine"]
    if held is not None:
        lines.append(f"deleted      {held.name} ({held.visibility}) at {held.page}, for good")
        lines.append(f"  branches     {', '.join(found.branches) or 'none'}")
        if found.lacking.others:
            others = ", ".join(f"{number} by {name}" for name, number in found.lacking.others.items())
            lines.append(f"  commits      {others}; all of them are here as well")
        for kind in (Kind.ENVIRONMENT, Kind.SECRET, Kind.VARIABLE, Kind.RULESET, Kind.LABEL):
            names = sorted({key.name for key in found.snapshot.resources if key.kind is kind})
            if names:
                lines.append(f"  {kind.value + 's':<12} {', '.join(names)}")
        if found.runners:
            lines.append(f"  runners      {', '.join(found.runners)} (their programs go on running in vain)")
        lines.append("  and          its runs, logs, packages, issues, pull requests and wiki")
    else:
        lines.append(f"not there    {target.full_name}, or this token is not shown it: whatever there is stays")
    if found.remote:
        lines.append(f"forgotten    the remote '{HOSTED_REMOTE}' and the upstreams that lead to it")
    lines.append("stays        every commit, branch, tag and file on this machine")
    return lines


def _missing_right(forge: GitHubForge, held: Belongings, *, archive: bool) -> PermissionDenied | None:
    """What the token or its owner may not do; ``None`` as far as GitHub tells that they may."""
    server = forge.account.host.server
    if not held.admin:
        return PermissionDenied(
            f"Only an administrator of {held.name} can {'archive' if archive else 'delete'} it, and you are none.",
            where=held.name,
            hint="Ask an administrator of the repository or organisation.",
        )
    scopes = forge.account.token_facts().scopes
    if scopes is None or archive or _DELETE_SCOPE in scopes:
        return None
    return PermissionDenied(
        f"The token may not delete repositories: it lacks the scope '{_DELETE_SCOPE}'. Nothing was changed.",
        where=held.name,
        hint=f"gh auth refresh --scopes {_DELETE_SCOPE}, or add the scope at {server}/settings/tokens; take it away "
        "again afterwards.",
    )


def _confirm(request: DestroyRequest, name: str) -> None:
    if request.confirmed:
        # For GitHub, letters large and small are the same.
        if request.confirmed.casefold() != name.casefold():
            raise UsageError(
                f"'{request.confirmed}' is not the repository's full name; nothing was changed.",
                where="--confirm",
                hint=f"It is {name}.",
            )
        return
    if request.ask is None:
        raise MissingAnswer(
            "Taking a set-up back needs its full name, and there is nobody to ask.",
            where="--confirm",
            hint=f"Look at what would go with --dry-run, then give --confirm {name}.",
        )
    if request.ask(name).strip().casefold() != name.casefold():
        raise Interrupted("That is not its full name; nothing was changed.")


def _require_unchanged(forge: GitHubForge, hosted: Hosted, target: Target, found: Found, *, archive: bool) -> None:
    """Look again: a person may think for an hour, and somebody may push meanwhile."""
    if found.held is None:
        return
    now = _look(forge, hosted, target, archive=archive)
    if now.held is not None and (now.branches, now.held, now.lacking) != (found.branches, found.held, found.lacking):
        raise MlopsgenError(
            f"{target.full_name} changed while you looked at it; nothing was done.",
            where=target.full_name,
            hint="Run it again and look once more.",
        )


def _take_back(
    request: DestroyRequest, forge: GitHubForge, hosted: Hosted, found: Found, data: dict[str, Any]
) -> OperationResult:
    name = data["repository"]
    if request.archive:
        if found.held is not None and not found.held.archived:
            archive_repository(forge.place)
        hint = f"It can be taken back at {forge.page}/settings."
        return OperationResult(summary=f"{name} is archived: nobody can change it.", data=data, next_steps=(hint,))
    if found.held is not None:
        delete_repository(forge.place)
    if found.remote:
        done = hosted.project.source.run("remote", "remove", HOSTED_REMOTE, check=False)
        if done.exit_status != 0:
            raise PartialResult(
                f"{name} is gone, but git could not forget the remote '{HOSTED_REMOTE}': {done.stderr.strip()}",
                where=str(hosted.project.root),
                hint=f"Run it again, or 'git remote remove {HOSTED_REMOTE}'.",
            )
    gone = f"{name} is deleted" if found.held is not None else f"{name} was gone already"
    local = f"; the remote '{HOSTED_REMOTE}' is forgotten" if found.remote else ""
    steps = [f"{_making_again(forge, hosted, found)}  (makes it again, whenever you want)"]
    if found.runners:
        steps.insert(0, f"End the runners on their machines and delete their folders: {', '.join(found.runners)}")
    return OperationResult(
        summary=f"{gone}{local}. Nothing on this machine was deleted.", data=data, next_steps=tuple(steps)
    )


def _making_again(forge: GitHubForge, hosted: Hosted, found: Found) -> str:
    """The command that makes the repository again; nothing here remembers any more where it was."""
    if found.held is None:
        return "mlopsgen push --org ORGANISATION"
    place = forge.place
    words = ["mlopsgen push", f"--org {place.owner}" if place.organisation else "--user"]
    if place.name != hosted.project.slug:
        words.append(f"--name {place.name}")
    if not forge.host.is_public:
        words.append(f"--host {forge.host.server}")
    return " ".join(words)


def _data(found: Found, target: Target, request: DestroyRequest) -> dict[str, Any]:
    return {
        "repository": target.full_name,
        "exists": found.held is not None,
        "action": "archive" if request.archive else "delete",
        "branches": dict(found.branches),
        "resources": [
            {"resource": key.kind.value, "name": key.name, "scope": key.scope} for key in found.snapshot.resources
        ],
        "runners": list(found.runners),
        "remote": HOSTED_REMOTE if found.remote else None,
    }
