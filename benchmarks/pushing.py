"""P3: how long a whole set-up on GitHub takes, against a GitHub that answers every call after 100 ms.

The peers are the calls themselves: one after the other, and only those that have to wait for each other. Which call
has to wait for which is written down here (:func:`rounds_of`), not taken from what the tool happens to do.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Timing
from benchmarks.outcome import Figure
from benchmarks.places import Places
from tests.github import FakeGitHub

LATENCY = 0.1
ENVIRONMENTS = ("development", "staging", "production")
SECRETS = [f"SECRET_{number}" for number in range(10)]

_MAKE = "/orgs/acme/repos"
_REPOSITORY = "/repos/acme/wine"
_LATER = (
    "/deployment-branch-policies",
    "/variables",
    "/public-key",
    "/labels",
    "/selected-actions",
    "/automated-security-fixes",
)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call as GitHub's side saw it.

    Attributes:
        method: The verb.
        path: What was asked for, with the query.
        started: Seconds since some moment.
        seconds: How long it took.
        writes: Whether it was to change something.
        is_git: Whether it was git's.
    """

    method: str
    path: str
    started: float
    seconds: float
    writes: bool
    is_git: bool


@dataclass(frozen=True)
class Push:
    """A push as it was measured.

    Attributes:
        seconds: From the command to its end.
        calls: What GitHub was asked, in the order in which it arrived.
    """

    seconds: float
    calls: Sequence[Call]

    @property
    def alone(self) -> float:
        """Seconds that the same calls take one after the other."""
        return sum(call.seconds for call in self.calls)

    @property
    def path(self) -> float:
        """Seconds that they take when each begins as soon as what it needs is there."""
        return sum(max(call.seconds for call in calls) for calls in rounds_of(self.calls).values())


def pushing(places: Places, repetitions: int) -> Figure:
    """P3: a first push and one that changes nothing."""
    repository = _repository(places)
    firsts, again = [], []
    for number in range(repetitions + 1):
        first, kept = _both(places, repository, places.scratch / f"push-{number}")
        if number:  # the first round fills caches (byte code, pages)
            firsts.append(first)
            again.append(kept)
    whole, kept_whole = Timing("", tuple(push.seconds for push in firsts)), Timing("", tuple(p.seconds for p in again))
    path, alone = Timing("", tuple(p.path for p in firsts)), Timing("", tuple(p.alone for p in firsts))
    over, faster = whole.median / path.median, alone.median / whole.median
    calls, rounds, kept_calls = len(firsts[0].calls), len(rounds_of(firsts[0].calls)), len(again[0].calls)
    return Figure(
        key="P3",
        title="a set-up on GitHub",
        goal=(
            "at most 1.5 times the calls that have to wait for each other and 5 times faster than one call at a time; "
            "fewer than 15 calls and 2 s when nothing changed"
        ),
        met=over <= 1.5 and faster >= 5 and kept_calls < 15 and kept_whole.median < 2,
        finding=(
            f"{over:.2f} times the critical path, {faster:.1f} times faster than one call at a time; "
            f"{kept_calls} calls and {kept_whole.median:.2f} s when nothing changed."
        ),
        timings=[
            Timing(f"first push: 3 environments, 30 secrets, {calls} calls", whole.runs),
            Timing(f"its critical path: {rounds} calls", path.runs),
            Timing("its calls one at a time", alone.runs),
            Timing(f"push when nothing changed: {kept_calls} calls", kept_whole.runs),
            Timing("its critical path", tuple(push.path for push in again)),
        ],
    )


def rounds_of(calls: Sequence[Call]) -> dict[str, list[Call]]:
    """The calls by the round in which they can be made at the earliest, in order."""
    rounds: dict[str, list[Call]] = {}
    is_first = any(call.path == _MAKE for call in calls)
    phase, pushed = ("looking" if is_first else "looking again"), 0
    for call in sorted(calls, key=lambda call: call.started):
        if phase == "looking" and call.writes:
            phase = "making"
        elif phase == "making" and "/rulesets" in call.path:
            phase = "ruling"
        elif phase == "ruling" and not call.writes:
            phase = "looking again"
        pushed += call.path.endswith("info/refs?service=git-receive-pack")
        rounds.setdefault(_round_of(call, phase, pushed), []).append(call)
    return dict(sorted(rounds.items()))


def _round_of(call: Call, phase: str, pushed: int) -> str:
    """The round of a call: everything that it needs was made or read in the rounds before.

    Args:
        call: The call.
        phase: Looking at what is there, making, setting the rules, or looking again.
        pushed: How many branches have begun to be pushed.
    """
    if phase == "making":
        return _round_of_making(call, pushed)
    if phase == "ruling":
        return "11 rules"
    if call.path in {"/user", _REPOSITORY}:
        return "01 who, and is it there" if phase == "looking" else "12 the repository"
    if phase == "looking":
        return "02 what may be had"
    deep = any(word in call.path for word in ("/secrets", "/variables", "-policies", "/rulesets/"))
    return "14 what lies in its parts" if deep else "13 its parts"


def _round_of_making(call: Call, pushed: int) -> str:
    if call.path == _MAKE:
        return "03 the repository is made"
    if call.is_git:
        is_pack = call.path.endswith(".git/git-receive-pack")
        return f"{7 + is_pack + 2 * (pushed > 1):02} {'commits' if is_pack else 'branches'}"
    if pushed:
        return "09 branches"
    if "/secrets/" in call.path and call.writes:
        return "06 secrets"
    if any(word in call.path for word in _LATER) or (call.path.endswith("/topics") and call.writes):
        return "05 what lies in environments, what needs another setting"
    return "04 settings and environments"


def _both(places: Places, repository: Path, folder: Path) -> tuple[Push, Push]:
    subprocess.run(["cp", "-r", str(repository), str(folder)], check=True)
    with FakeGitHub() as github:
        github.add_user("ada")
        github.add_org("acme", plan="enterprise", members=["ada"])
        token = github.add_token("ada", scopes=["repo", "workflow", "read:org"])
        values = {f"MLOPSGEN_SECRET_{name}": f"value of {name}" for name in SECRETS}
        environ = places.environ(MLOPSGEN_GITHUB_TOKEN=token, **values)
        github.latency = LATENCY
        command = [places.tool / "mlopsgen", "push", "--yes", "--host", github.url, "--org", "acme", "--name", "wine"]
        return _once(github, command, folder, environ), _once(github, command, folder, environ)


def _once(github: FakeGitHub, command: Sequence[str | Path], folder: Path, environ: dict[str, str]) -> Push:
    github.calls.clear()
    started = time.perf_counter()
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    if done.returncode != 0:
        raise RuntimeError(f"push ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    calls = [
        Call(
            method=call.method,
            path=call.path,
            started=call.started,
            seconds=call.ended - call.started,
            writes=call.writes,
            is_git=call.kind == "git",
        )
        for call in github.calls
    ]
    if len(github.repository("acme/wine").environments) != len(ENVIRONMENTS):
        raise RuntimeError("push made other environments than were asked for")
    return Push(seconds, calls)


def _repository(places: Places) -> Path:
    """A repository with the defaults and thirty secrets."""
    folder = places.scratch / "pushed"
    command: list[str | Path] = [places.tool / "mlopsgen", "init", "--defaults", folder]
    subprocess.run(command, cwd=places.scratch, env=places.environ(), check=True, capture_output=True)
    secrets = ", ".join(f"{name}: number {name}" for name in SECRETS)
    lines = ["version: 1", "environments:", *(f"  {name}: {{secrets: {{{secrets}}}}}" for name in ENVIRONMENTS)]
    (folder / ".github" / "remote.yaml").write_text("\n".join([*lines, ""]), encoding="utf-8")
    commit = ["git", "commit", "--quiet", "--all", "--message", "Thirty secrets"]
    subprocess.run(commit, cwd=folder, env=places.environ(), check=True)
    for branch in ENVIRONMENTS[1:]:
        arguments = ["git", "branch", "--force", branch]
        subprocess.run(arguments, cwd=folder, env=places.environ(), check=True, capture_output=True)
    return folder
