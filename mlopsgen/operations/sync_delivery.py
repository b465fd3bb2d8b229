"""An update's commit goes to GitHub: onto the branch that belongs to it, and into one pull request."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlopsgen.adapters.git import GitRepository
from mlopsgen.constants import HOSTED_REMOTE
from mlopsgen.forge.github.forge import GitHubForge
from mlopsgen.forge.github.place import Place
from mlopsgen.forge.github.pulls import (
    Pull,
    PullAct,
    PullState,
    WantedPull,
    declined_pull,
    list_pulls,
    open_pull,
    put_pull,
)
from mlopsgen.operations.fleet_rows import State
from mlopsgen.sync.commits import is_untouched
from mlopsgen.sync.pull_text import renewed

MARKED = "Conflicts: "
"""Begins the title of a pull request whose branch holds conflict markers."""


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """What became of an update on GitHub.

    Attributes:
        state: How it stands: opened, updated, open (it was as it should be), pushed, worked-on or declined.
        pull: The pull request, if there is one.
        pushed: Whether something was pushed.
    """

    state: State
    pull: Pull | None = None
    pushed: bool = False


def deliver(
    forge: GitHubForge,
    source: GitRepository,
    commit: str,
    wanted: WantedPull,
    *,
    seen: str | None = None,
    known: Sequence[Pull] | None = None,
    again: bool = False,
    pull_request: bool = True,
    sleep: Callable[[float], None] = time.sleep,
) -> Delivered:
    """Push the commit of an update to its branch and open its pull request, or bring the open one up to date.

    Doing it again changes nothing. A branch that holds somebody's work is never overwritten.

    Args:
        forge: The repository on GitHub.
        source: The repository that has the commit.
        commit: The commit.
        wanted: The pull request; its head is the branch that is pushed.
        seen: The commit that the branch has on GitHub, empty for none; ``source`` has its object. ``None`` to look.
        known: The pull requests from that branch as they were just read, if nothing stands against this; ``None`` to
            look.
        again: Whether a pull request that a person closed unmerged is opened anew.
        pull_request: Whether there shall be one at all.
        sleep: Waits that many seconds.

    Raises:
        MlopsgenError: GitHub refuses, or cannot be reached.
    """
    there = remote_tip(forge, source, wanted.head) if seen is None else seen
    pulls = list_pulls(forge.place, wanted.head, wanted.base) if known is None else known
    stopped = standing(source, there, commit, pulls, wanted.title, again=again) if known is None else None
    if stopped is not None:
        return stopped
    pushed = there != commit
    if pushed:
        forge.replace(source, commit, wanted.head, there)
    remember(source, wanted.head, commit)
    if not pull_request:
        return Delivered(state=State.PUSHED if pushed else State.OPEN, pull=open_pull(pulls), pushed=pushed)
    done = put_pull(forge.place, wanted, pulls, again=True, renewed=renewed, sleep=sleep)
    state = State.OPENED if done.act is PullAct.OPENED else State.UPDATED
    if done.act is PullAct.KEPT and not pushed:
        state = State.OPEN
    return Delivered(state=state, pull=done.pull, pushed=pushed)


def standing(
    source: GitRepository, there: str, commit: str, pulls: Sequence[Pull], title: str, *, again: bool
) -> Delivered | None:
    """Why nothing may be pushed; ``None`` if it may be, or need not be.

    Args:
        source: The repository that has both commits.
        there: The commit that the branch has on GitHub; empty for none.
        commit: The one that it shall have; empty while it is not made.
        pulls: The pull requests from that branch.
        title: The title of the pull request.
        again: Whether one that a person closed unmerged is opened anew.
    """
    if there and there != commit and not _is_free(source, there, commit, pulls):
        return Delivered(state=State.WORKED_ON, pull=open_pull(pulls))
    plain = title.removeprefix(MARKED)
    declined = None if again or open_pull(pulls) else declined_pull(pulls, plain, f"{MARKED}{plain}")
    return None if declined is None else Delivered(state=State.DECLINED, pull=declined)


def _is_free(source: GitRepository, there: str, commit: str, pulls: Sequence[Pull]) -> bool:
    """Whether the branch may become another commit: nobody's work is lost by that."""
    if is_untouched(source, there):
        return True
    if any(pull.commit == there and pull.state is PullState.MERGED for pull in pulls):
        return True
    return bool(commit) and source.succeeds("merge-base", "--is-ancestor", there, commit)


def remote_tip(forge: GitHubForge, source: GitRepository, branch: str) -> str:
    """The commit that a branch has on GitHub, which ``source`` has from now on; empty if there is no such branch.

    Raises:
        MlopsgenError: GitHub refuses, or cannot be reached.
    """
    commit = read_tip(forge.place, branch)
    if commit and source.commit_of(commit) is None:
        forge.fetch(source, [f"+refs/heads/{branch}:{tracking(branch)}"])
    return commit


def read_tip(place: Place, branch: str) -> str:
    """The commit that a branch has on GitHub; empty if there is no such branch."""
    reference = f"refs/heads/{branch}"
    doing = f"Reading the branch {branch}"
    answer = place.request("GET", "git", "matching-refs", f"heads/{branch}", doing=doing, accept={404, 409})
    listed = answer.data if answer.status == 200 else ()
    return next((str(each["object"]["sha"]) for each in listed if each["ref"] == reference), "")


def tracking(branch: str) -> str:
    """What a branch on GitHub is called in a clone."""
    return f"refs/remotes/{HOSTED_REMOTE}/{branch}"


def remember(source: GitRepository, branch: str, commit: str) -> None:
    """Let ``origin/BRANCH`` be what is there now, as a push does."""
    if source.commit_of(tracking(branch)) != commit:
        source.run("-c", "core.hooksPath=/dev/null", "update-ref", tracking(branch), commit)
