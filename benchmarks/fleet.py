"""P4: updating a fleet on GitHub, against ``cruft update`` and ``copier update`` in a loop over the same change.

All of them clone from, push to and open pull requests on the fake GitHub of the tests, with real git behind it. The
pauses that GitHub's limits on changes ask for are left out: they are the same for whoever opens pull requests.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.request import Request, urlopen

from benchmarks.measure import Timing
from benchmarks.outcome import Figure
from benchmarks.places import Places
from mlopsgen.constants import CANONICAL_TEMPLATE
from tests.fleet_stage import (
    CHANGED,
    LAUNCHER,
    NEW,
    OLD,
    Files,
    Fleet,
    Model,
    environment,
    git,
    make_site,
    make_template,
    work_of_owner,
)
from tests.github import FakeGitHub

SIZES = (10, 100, 1000)
LATENCIES = (0.0, 0.1)
PEERS = ("cruft", "copier")
_LOOP = 5
"""Repositories in each loop of a peer: one after the other, each takes as long as the next."""
_RECORDS = {"cruft": ".cruft.json", "copier": ".copier-answers.yml"}


class Run(NamedTuple):
    """A run over a fleet as it was measured.

    Attributes:
        seconds: From the command to its end, divided by the number of repositories.
        calls: Calls of REST for each repository.
        requests: Requests of git for each repository.
        peak: The most memory that the program or one of those that it started had, in bytes.
        processor: Seconds of processor time of the program and of all that it started, for each repository; GitHub's
            own work is not among them.
    """

    seconds: float
    calls: float
    requests: float
    peak: int
    processor: float


class Ended(NamedTuple):
    """How a program ended, and what it took."""

    code: int
    text: str
    seconds: float
    processor: float
    peak: int


class Loop(NamedTuple):
    """A peer's way with one repository: all of it, its update command alone, and processor time; in seconds."""

    whole: float
    alone: float
    processor: float


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What every fleet begins with.

    Attributes:
        folder: For what the figure needs.
        site: The tool as a package brings it.
        model: A repository as the older version made it.
        templates: The same two versions for each of the peers.
        cruft: cruft's own file in a repository that the older version made.
    """

    folder: Path
    site: Path
    model: Model
    templates: dict[str, Path]
    cruft: bytes


def fleets(places: Places, repetitions: int) -> Figure:
    """P4: fleets of three sizes at two distances, beside the loops."""
    ground = _ground(places)
    ours: dict[tuple[float, int], tuple[Run, Run]] = {}
    loops: dict[tuple[float, str], list[Loop]] = {(latency, peer): [] for latency in LATENCIES for peer in PEERS}
    for latency in LATENCIES:
        for peer in PEERS * repetitions:
            loops[latency, peer] += _loop(places, ground, peer, latency)
        for size in SIZES:
            ours[latency, size] = _both(ground, size, latency)
    return figure_of(ours, loops)


def figure_of(ours: dict[tuple[float, int], tuple[Run, Run]], loops: dict[tuple[float, str], list[Loop]]) -> Figure:
    """What the runs and the loops say together; the least favourable of them counts."""
    timings, ratios, alone = [], [], []
    for latency in LATENCIES:
        distance = f"{latency * 1000:.0f} ms a call"
        for size in SIZES:
            first, again = ours[latency, size]
            timings.append(Timing(f"sync --all, {size:,} repositories, {distance}", (first.seconds,)))
            timings.append(Timing(f"again, nothing to do, {size:,} repositories, {distance}", (again.seconds,)))
        for peer in PEERS:
            runs = loops[latency, peer]
            timings.append(Timing(f"clone, {peer} update, push, open; {distance}", tuple(run.whole for run in runs)))
            timings.append(Timing(f"of that, {peer} update alone", tuple(run.alone for run in runs)))
        fastest = min(statistics.median(run.whole for run in loops[latency, peer]) for peer in PEERS)
        ratios += [fastest / ours[latency, size][0].seconds for size in SIZES]
        quickest = min(statistics.median(run.alone for run in loops[latency, peer]) for peer in PEERS)
        alone.append(quickest / ours[latency, SIZES[-1]][0].seconds)
    flat = max(ours[latency, SIZES[-1]][0].seconds / ours[latency, SIZES[1]][0].seconds for latency in LATENCIES)
    peaks = {size: max(run.peak for latency in LATENCIES for run in ours[latency, size]) for size in SIZES}
    first, again = ours[LATENCIES[0], SIZES[-1]]
    return Figure(
        key="P4",
        title="updating a fleet, seconds for each repository",
        goal=(
            "3 times faster for each repository than either peer's loop at either distance; for each of 1,000 no "
            "slower than of 100 by more than a quarter; for 1,000 no more memory than for 10 by more than half"
        ),
        met=min(ratios) >= 3 and flat <= 1.25 and peaks[SIZES[-1]] <= 1.5 * peaks[SIZES[0]],
        finding=(
            f"{min(ratios):.1f} to {max(ratios):.1f} times faster than the faster loop (with 1,000: "
            f"{' and '.join(f'{ratio:.1f}' for ratio in alone)} times faster than its update command alone). "
            f"{_processor(ours, loops)} "
            f"1,000 take {flat:.2f} times as long for each as 100. "
            f"For each of 1,000: {first.calls:.1f} calls of the API and {first.requests:.1f} requests of git "
            f"({again.calls:.1f} and {again.requests:.1f} when it is done already). "
            f"Most memory: {', '.join(f'{peak / 2**20:.0f} MB with {size:,}' for size, peak in peaks.items())}."
        ),
        timings=timings,
    )


def _processor(ours: dict[tuple[float, int], tuple[Run, Run]], loops: dict[tuple[float, str], list[Loop]]) -> str:
    """Processor time for each repository: it says the same on a machine that has other things to do."""
    own = statistics.median(ours[latency, SIZES[-1]][0].processor for latency in LATENCIES)
    times = {peer: [run.processor for latency in LATENCIES for run in loops[latency, peer]] for peer in PEERS}
    parts = [f"{statistics.median(found):.2f} s in {peer}'s loop" for peer, found in times.items()]
    return f"Processor time for each: {own:.2f} s, beside {' and '.join(parts)}."


def _ground(places: Places) -> Ground:
    folder = places.scratch / "fleets"
    folder.mkdir()
    environ = environment(folder / "home")
    project = make_template(folder, environ)
    # copier asks for the address with ".git" at its end.
    (folder / "project.git").symlink_to(project)
    site = make_site(folder, project, environ)
    environ = environment(folder / "home", site)
    models = {version: Model.make(folder, environ, version=version) for version in (OLD, NEW)}
    cookiecutter = _as_cookiecutter(folder / "cookiecutter", [models[OLD].files, models[NEW].files], environ)
    return Ground(
        folder=folder,
        site=site,
        model=models[OLD],
        templates={"cruft": cookiecutter, "copier": project},
        cruft=_cruft_record(places, cookiecutter, folder),
    )


def _as_cookiecutter(folder: Path, versions: Sequence[Files], environ: dict[str, str]) -> Path:
    """A template for cookiecutter that makes the same files; it fills in nothing, which is quicker than filling in."""
    folder.mkdir()
    git(folder, environ, "init", "--quiet", "--initial-branch", "main")
    settings = {"slug": "heart-rate-0001", "_copy_without_render": ["*"]}
    (folder / "cookiecutter.json").write_text(json.dumps(settings), encoding="utf-8")
    for number, files in enumerate(versions):
        for name, content in files.items():
            path = folder / "{{cookiecutter.slug}}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        git(folder, environ, "add", "--all", "--force")
        git(folder, environ, "commit", "--quiet", "-m", f"version {number}")
        git(folder, environ, "tag", f"version-{number}")
    return folder


def _cruft_record(places: Places, template: Path, folder: Path) -> bytes:
    made = folder / "crufted"
    command: list[str | Path] = [places.peers / "bin" / "cruft", "create", template, "--checkout", "version-0"]
    subprocess.run(
        [*command, "--no-input", "--output-dir", made], env=places.environ(), check=True, capture_output=True
    )
    return (made / "heart-rate-0001" / _RECORDS["cruft"]).read_bytes().replace(b'"version-0"', b"null")


@contextmanager
def _stage(ground: Ground) -> Iterator[Fleet]:
    with tempfile.TemporaryDirectory(dir=ground.folder) as scratch, FakeGitHub() as github:
        fleet = Fleet.set_up(github, Path(scratch), ground.model, ground.site)
        yield fleet


def _both(ground: Ground, size: int, latency: float) -> tuple[Run, Run]:
    """The first run over a fleet, and the next one, which finds everything done."""
    with _stage(ground) as fleet:
        fleet.add(range(1, size + 1))
        fleet.github.latency = latency
        return _once(fleet, size, "opened"), _once(fleet, size, "open")


def _once(fleet: Fleet, size: int, state: str) -> Run:
    fleet.github.calls.clear()
    words = ["-P", str(LAUNCHER), "sync", "--all", "--org", "acme", "--yes", "--output", "json"]
    done = _run([sys.executable, *words, "--host", fleet.github.url], fleet.pool.parent, fleet.environ)
    if done.code != 0 or json.loads(done.text)["data"]["counts"] != {state: size}:
        raise RuntimeError(f"sync --all ended with {done.code}:\n{done.text}")
    calls = fleet.github.calls
    rest, requests = len(calls.rest) / size, len(calls.git) / size
    return Run(done.seconds / size, rest, requests, done.peak, done.processor / size)


def _run(command: Sequence[str | Path], folder: Path, environ: Mapping[str, str]) -> Ended:
    """Run a program; what it prints on standard error is not wanted."""
    with tempfile.TemporaryFile() as out:
        started = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)),
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode("utf-8", "replace")
    return Ended(process.returncode, text, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def _loop(places: Places, ground: Ground, peer: str, latency: float) -> list[Loop]:
    """What somebody writes who has no fleet: for each repository clone, update, commit, push, open a pull request."""

    def edit(number: int, files: Files) -> None:
        work_of_owner(number, files)
        if peer == "cruft":
            files[_RECORDS[peer]] = ground.cruft

    with _stage(ground) as fleet:
        made = fleet.add(range(1, _LOOP + 1), edit)
        fleet.github.latency = latency
        environ = _environ_of_peer(places, ground, fleet)
        return [_alone(places, fleet, each.full_name, peer, environ) for each in made]


def _environ_of_peer(places: Places, ground: Ground, fleet: Fleet) -> dict[str, str]:
    login = b64encode(f"x-access-token:{fleet.environ['MLOPSGEN_GITHUB_TOKEN']}".encode()).decode()
    settings = {
        f"url.{ground.templates['copier']}.insteadOf": CANONICAL_TEMPLATE,
        f"http.{fleet.github.url}.extraHeader": f"Authorization: Basic {login}",
        "safe.directory": "*",
    }
    pairs = {f"GIT_CONFIG_KEY_{number}": key for number, key in enumerate(settings)}
    pairs |= {f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(settings.values())}
    return places.environ(places.peers / "bin", GIT_CONFIG_COUNT=str(len(settings)), **pairs)


def _alone(places: Places, fleet: Fleet, name: str, peer: str, environ: dict[str, str]) -> Loop:
    clone = fleet.pool.parent / name.replace("/", "-")
    update = {
        "cruft": ["cruft", "update", "--skip-apply-ask"],
        "copier": ["copier", "update", "--defaults", "--quiet"],
    }[peer]
    branch = "mlopsgen/sync-development"

    processor = 0.0

    def run(*command: str | Path, folder: Path = clone) -> float:
        nonlocal processor
        done = _run(command, folder, environ)
        if done.code != 0:
            raise RuntimeError(f"'{' '.join(map(str, command))}' ended with {done.code}:\n{done.text}")
        processor += done.processor
        return done.seconds

    started = time.perf_counter()
    run("git", "clone", "--quiet", f"{fleet.github.url}/{name}.git", clone, folder=fleet.pool.parent)
    run("git", "switch", "--quiet", "--create", branch)
    alone = run(places.peers / "bin" / update[0], *update[1:])
    run("git", "add", "--all")
    run("git", "commit", "--quiet", "--message", "Update from the template")
    run("git", "push", "--quiet", "origin", branch)
    _open(fleet, name, branch)
    whole = time.perf_counter() - started
    there = fleet.github.repository(name)
    changed = there.git("diff", "--name-only", "development", branch).splitlines()
    if not set(CHANGED) <= set(changed) <= {*CHANGED, _RECORDS[peer], _RECORDS["copier"]}:
        raise RuntimeError(f"{peer} changed {', '.join(changed)}")
    shutil.rmtree(clone)
    return Loop(whole, alone, processor)


def _open(fleet: Fleet, name: str, branch: str) -> None:
    """Open a pull request, in this process: the peers' loop pays for no program that does it."""
    body = json.dumps({"title": "Update from the template", "head": branch, "base": "development", "body": ""}).encode()
    headers = {
        "Authorization": f"Bearer {fleet.environ['MLOPSGEN_GITHUB_TOKEN']}",
        "Content-Type": "application/json",
        "Accept": "application/vnd.github+json",
    }
    with urlopen(Request(f"{fleet.github.api}/repos/{name}/pulls", data=body, headers=headers)) as answer:
        answer.read()
