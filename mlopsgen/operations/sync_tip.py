"""Which commit of a branch an update begins at: the one that everybody has, and what is only here on top of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlopsgen.adapters.git import GitRepository
from mlopsgen.constants import HOSTED_REMOTE, LOCAL_REMOTE
from mlopsgen.errors import CommandFailed, MlopsgenError
from mlopsgen.events import StepStarted, Warn
from mlopsgen.operations.wording import counted
from mlopsgen.ports import EventSink

Fetch = Callable[[GitRepository, list[str]], None]
"""Brings refspecs of a remote here; raises what a person can do about it."""

_SECONDS = 60.0
# Nothing asks, nothing tidies up, nothing goes into submodules.
_QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "maintenance.auto=false")
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
_TOLD = re.compile(r"fatal:|ssh:|error:")
_ABSENT = "couldn't find remote ref"


class BranchMissing(MlopsgenError):
    """The repository has no such branch."""

    code = "branch-missing"


@dataclass(frozen=True, kw_only=True)
class Tip:
    """Where an update begins.

    Attributes:
        commit: The commit.
        remote: The remote that the branch is on; empty if it is on none.
        ahead: How many commits of it the remote does not have yet.
        behind: How many commits of it the branch here does not have yet.
    """

    commit: str
    remote: str = ""
    ahead: int = 0
    behind: int = 0


def find_tip(
    source: GitRepository, branch: str, environ: Mapping[str, str], events: EventSink, fetch: Fetch | None = None
) -> Tip:
    """The commit of a branch that is updated: the branch here, or the remote's where that is ahead.

    Args:
        source: The repository.
        branch: The branch.
        environ: The person's environment.
        events: Is told what others do not have, and what could not be reached.
        fetch: Brings the remote's branch here with a token; ``None`` takes what git is configured with.

    Raises:
        BranchMissing: There is no such branch.
        MlopsgenError: Both have commits that the other one lacks.
    """
    remotes = source.remotes()
    remote = next((name for name in (HOSTED_REMOTE, LOCAL_REMOTE) if name in remotes), "")
    here = source.commit_of(f"refs/heads/{branch}")
    there = _remote_commit(source, remote, branch, _Means(environ, events, fetch)) if remote else None
    if here is None and there is None:
        raise BranchMissing(
            f"There is no branch '{branch}'.", where="--branch", hint="'git branch --all' lists the branches."
        )
    if there is None or here is None:
        return Tip(commit=here or there or "", remote=remote if there else "")
    ahead, behind = (int(word) for word in _distance(source, here, there))
    if ahead and behind:
        raise MlopsgenError(
            f"The branch {branch} and {remote}'s have each {_both(ahead, behind)} that the other one lacks.",
            where=branch,
            hint=f"Bring them together first: git switch {branch} && git pull {remote} {branch}",
        )
    if behind:
        message = f"{branch} here is {counted(behind, 'commit')} behind {remote}'s; the update is made for {remote}'s."
        events(Warn(message=message, hint=f"git pull {remote} {branch}"))
    if ahead:
        are, come = ("is", "comes") if ahead == 1 else ("are", "come")
        message = f"{counted(ahead, 'commit')} of {branch} {are} not on {remote} yet and {come} with it."
        events(Warn(message=message))
    return Tip(commit=there if behind else here, remote=remote, ahead=ahead, behind=behind)


def _both(ahead: int, behind: int) -> str:
    return "a commit" if ahead == behind == 1 else f"commits ({ahead} and {behind})"


def _distance(source: GitRepository, here: str, there: str) -> list[str]:
    return source.read("rev-list", "--left-right", "--count", f"{here}...{there}").split()


@dataclass(frozen=True)
class _Means:
    environ: Mapping[str, str]
    events: EventSink
    fetch: Fetch | None


def _remote_commit(source: GitRepository, remote: str, branch: str, means: _Means) -> str | None:
    """The remote's commit of a branch, fetched if it can be reached."""
    tracking = f"refs/remotes/{remote}/{branch}"
    refspec = f"+refs/heads/{branch}:{tracking}"
    means.events(StepStarted(message=f"Fetching {branch} from {remote}"))
    error = _fetch_as_configured(source, remote, refspec, means.environ)
    if error and _ABSENT not in error and means.fetch is not None:
        # What git is configured with may not let it in where a token does.
        try:
            means.fetch(source, [refspec])
            error = ""
        except MlopsgenError as refused:
            error = f"{refused.message} {refused.__cause__ or ''}"
    if _ABSENT in error:
        return None
    if error:
        means.events(
            Warn(
                message=f"{remote} could not be reached ({error.rstrip('. ')}); what is known of it here counts.",
                hint="Run it again when it can be reached, if others push to it.",
            )
        )
    return source.commit_of(tracking)


def _fetch_as_configured(source: GitRepository, remote: str, refspec: str, environ: Mapping[str, str]) -> str:
    """Fetch with what git is configured with; why it failed, in one line."""
    extra = {"GIT_ASKPASS": "true"}
    slow = ("-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=20")
    if "GIT_SSH_COMMAND" not in environ and not source.succeeds("config", "--get", "core.sshCommand"):
        # Nobody is there to type a passphrase.
        extra["GIT_SSH_COMMAND"] = "ssh -oBatchMode=yes -oConnectTimeout=15"
    try:
        source.run(*_QUIET, *slow, *_FETCH, remote, refspec, extra=extra, timeout=_SECONDS)
    except CommandFailed as error:
        told = [line for line in error.output.splitlines() if _TOLD.match(line)]
        return (told or error.output.strip().splitlines()[-1:] or ["no answer"])[0]
    return ""
