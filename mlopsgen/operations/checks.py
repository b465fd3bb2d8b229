"""The single checks of ``mlopsgen doctor``; each looks and never changes anything."""

from __future__ import annotations

import os
import platform
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from mlopsgen import __version__
from mlopsgen.adapters import git, process, uv
from mlopsgen.adapters.git import GitRepository
from mlopsgen.constants import BRANCHES, LOCAL_REMOTE, MINIMUM_GIT
from mlopsgen.errors import MlopsgenError
from mlopsgen.forge import program
from mlopsgen.forge.local import LocalForge
from mlopsgen.forge.trainings import Trainings
from mlopsgen.forge.worker import envfile, locks, pythons, surroundings
from mlopsgen.forge.worker.environments import INSTALLER_PREFIX
from mlopsgen.forge.worker.layout import Layout
from mlopsgen.operations.project import Project, Surroundings
from mlopsgen.operations.wording import counted

_LONGEST_LOCK = 10.0
_LITTLE, _TOO_LITTLE = 5_000_000_000, 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a check found.

    Attributes:
        check: The check's name; stable, for programs.
        level: ``ok``, ``warning`` (works, but look at it) or ``problem`` (something will fail).
        message: What is the case.
        hint: The next step; empty when all is well.
    """

    check: str
    level: str
    message: str
    hint: str = ""

    def as_dict(self) -> dict[str, str]:
        """The finding as a JSON object."""
        return asdict(self)


def good(check: str, message: str) -> Finding:
    """A finding that needs nobody."""
    return Finding(check=check, level="ok", message=message)


def warning(check: str, message: str, hint: str) -> Finding:
    """A finding that somebody should look at."""
    return Finding(check=check, level="warning", message=message, hint=hint)


def problem(check: str, message: str, hint: str) -> Finding:
    """A finding that makes something fail."""
    return Finding(check=check, level="problem", message=message, hint=hint)


def check_system() -> Finding:
    """What this program is and runs on."""
    found = (
        f"mlopsgen {__version__} with Python {platform.python_version()} on {platform.system()} {platform.release()}"
    )
    if program.runs_here():
        return good("system", found)
    hint = "Use mlopsgen in WSL for 'push --local'; everything else works without."
    return warning("system", f"{found}: no training and no forge on this machine", hint)


def check_uv(here: Surroundings) -> Finding:
    """The program that makes locks again when an update changes requirements."""
    found = uv.find(here.environ)
    if found is None:
        return good("uv", "no uv here; only 'sync' wants it, to lock changed requirements again (pip install uv)")
    return good("uv", f"uv is {found}")


def check_make(here: Surroundings) -> Iterator[Finding]:
    """The program behind the verbs of a repository (``make train``)."""
    if shutil.which("make", path=here.environ.get("PATH", "")):
        yield good("make", "make is here, for the repository's verbs")
    else:
        hint = "Install it, for example with 'apt install make' or 'xcode-select --install'."
        yield warning("make", "make is not here: 'make train' and the other verbs need it; a push does not", hint)


def check_machine(here: Surroundings, wanted_python: str) -> Iterator[Finding]:
    """Git, the identity that commits bear, and a Python to train with."""
    try:
        git.require(here.environ, here.folder)
    except MlopsgenError as error:
        yield problem("git", error.message, error.hint)
    else:
        found = ".".join(map(str, git.version(here.environ, here.folder)))
        yield good("git", f"git {found} ({'.'.join(map(str, MINIMUM_GIT))} or newer is needed)")
        identity = GitRepository(here.folder, here.environ).identity()
        if identity is None:
            hint = "git config --global user.name 'Your Name' && git config --global user.email you@example.org"
            yield problem("identity", "git does not know who you are; commits will fail", hint)
        else:
            yield good("identity", f"commits are made by {identity[0]} <{identity[1]}>")
    clean = surroundings.for_worker(here.environ, here.folder)
    python = pythons.find(wanted_python, clean, here.folder, first=here.python)
    if python is None:
        hint = "Install one with its venv module, for example 'apt install python3 python3-venv'."
        yield problem("python", f"no Python of {', '.join(pythons.SUPPORTED)} to train with", hint)
    elif wanted_python and python.minor != wanted_python:
        message = f"Python {wanted_python} is not on this machine; trainings use {python.version}"
        yield warning("python", message, f"Install Python {wanted_python}, or go on with {python.minor}.")
    else:
        yield good("python", f"trainings use Python {python.version} ({python.path})")


def check_disk(folder: Path) -> Finding:
    """The space that is left where the forge lies or will lie."""
    place = next(path for path in (folder, *folder.parents) if path.is_dir())
    free = shutil.disk_usage(place).free
    message = f"{free / 1e9:.1f} GB are free in {place}"
    hint = "Free some space; an environment to train in takes about 1.5 GB."
    if free < _TOO_LITTLE:
        return problem("disk", message, hint)
    return warning("disk", message, hint) if free < _LITTLE else good("disk", message)


def check_remote(project: Project, forge: LocalForge) -> Finding:
    """Whether the repository's remote leads to the forge."""
    address = project.source.remotes().get(LOCAL_REMOTE)
    if address is None:
        return problem("remote", f"the repository has no remote '{LOCAL_REMOTE}'", "mlopsgen push --local")
    if not Path(address).is_dir():
        hint = "If the forge was moved: mlopsgen push --local NEW_FOLDER"
        return problem("remote", f"the remote '{LOCAL_REMOTE}' leads to {address}, and nothing is there", hint)
    done = project.source.run("ls-remote", "--quiet", LOCAL_REMOTE, check=False)
    if done.exit_status != 0:
        said = (done.stderr.strip().splitlines() or ["git does not say why"])[0]
        hint = f"git config --global --add safe.directory '{address}'" if "dubious" in done.stderr else f"Look: {said}"
        return problem("remote", f"git cannot read {address}: {said}", hint)
    return good("remote", f"'{LOCAL_REMOTE}' leads to {forge.address}")


def check_program(forge: LocalForge) -> Iterator[Finding]:
    """The hook, the worker program and git's configuration in the forge."""
    snapshot = forge.observe(forge.settings())
    found, present = snapshot.repository, snapshot.resources
    for key, wanted in ((setting.key, setting.value) for setting in forge.settings()):
        name, value = key.name, present.get(key)
        if not value:
            message = f"the forge's {name} is missing or cannot be executed"
            yield problem(f"forge-{name}", message, "mlopsgen push --local")
        elif value != wanted:
            message = f"the forge's {name} is not the one of this version ({value} instead of {wanted})"
            yield warning(f"forge-{name}", message, "mlopsgen push --local  (shows what it would change)")
    if present:
        yield good("forge", f"{forge.layout.root} (made by mlopsgen {found.tool_version if found else ''})")


def check_recorded_python(layout: Layout, here: Surroundings) -> Finding:
    """Whether the hook's first Python can run the worker."""
    try:
        recorded = layout.recorded_python.read_text(encoding="utf-8").strip()
    except OSError:
        return warning("worker", "the forge records no Python; its hook searches the PATH", "mlopsgen push --local")
    if not os.access(recorded, os.X_OK):
        message = f"the Python that the forge recorded is gone ({recorded}); its hook searches the PATH"
        return warning("worker", message, "Nothing has to be done as long as python3 on the PATH is 3.11 or newer.")
    done = process.run([recorded, "-I", str(layout.program), "--help"], cwd=layout.root, env=here.environ, check=False)
    if done.exit_status != 0:
        said = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        return problem("worker", f"the worker program does not start: {said}", "mlopsgen push --local")
    return good("worker", f"the worker starts ({recorded})")


def check_environments(layout: Layout) -> Iterator[Finding]:
    """The variables and secrets of each branch: there, readable, and the secrets nobody else's."""
    for branch in BRANCHES:
        name, secrets = f"environment-{branch}", layout.secrets(branch)
        if not secrets.is_file() or not layout.variables(branch).is_file():
            yield problem(name, f"the environment '{branch}' is not complete", "mlopsgen push --local")
            continue
        mode = stat.S_IMODE(secrets.stat().st_mode)
        if mode & 0o077:
            message = f"others may read the secrets of '{branch}' (mode {mode:04o})"
            yield problem(name, message, f"chmod 600 '{secrets}'")
            continue
        try:
            counts = [len(envfile.read(path)) for path in (layout.variables(branch), secrets)]
        except envfile.EnvironmentFileError as error:
            yield problem(name, str(error), "Correct the line; trainings of the branch fail until then.")
            continue
        yield good(
            name, f"'{branch}': {counted(counts[0], 'variable')}, {counted(counts[1], 'secret')} that only you may read"
        )


def check_queue(trainings: Trainings) -> Iterator[Finding]:
    """Work that nobody does, and pushes that were never queued."""
    quiet = True
    for branch in BRANCHES:
        waiting = trainings.waiting(branch)
        if waiting and not trainings.is_at_work(branch):
            quiet = False
            hint = f"mlopsgen status --follow --branch {branch}  (starts it again)"
            yield problem(
                "queue", f"{branch}: {counted(len(waiting), 'training')} in the queue and the worker is gone", hint
            )
    for branch in trainings.unqueued():
        quiet = False
        message = f"{branch}: the newest push was stored but never queued"
        yield problem("queue", message, f"mlopsgen run --branch {branch}")
    if quiet:
        yield good("queue", "nothing waits without a worker")


def check_git_locks(project: Project, layout: Layout) -> Finding:
    """Lock files that a killed git left: git itself never removes them, and whatever it locks cannot be written."""
    places = (Path(project.source.read("rev-parse", "--absolute-git-dir")), layout.repository)
    locks_found = [path for place in places for path in (*place.glob("*.lock"), *place.glob("refs/heads/*.lock"))]
    old = [path for path in locks_found if _age(path) > _LONGEST_LOCK]
    if old:
        names = " ".join(f"'{path}'" for path in old)
        return problem("git-locks", "a git that was killed left its lock", f"If no git is at work: rm {names}")
    return good("git-locks", "git left no lock behind")


def _age(path: Path) -> float:
    """Seconds since the file was written; none for one that is gone by now."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0


def check_prepared(layout: Layout) -> Finding:
    """The prepared Python environments."""
    folders = [path for path in layout.virtual_environments.glob("*") if path.is_dir()]
    unfinished = [
        path
        for path in folders
        if not (path / ".complete").is_file() and not locks.is_held(path.with_name(f"{path.name}.lock"))
    ]
    if unfinished:
        message = f"{len(unfinished)} of {len(folders)} prepared environments are not finished"
        return warning("prepared", message, "The next training that needs one makes it again; they may be deleted.")
    used = [path for path in folders if not path.name.startswith(INSTALLER_PREFIX)]
    return good("prepared", counted(len(used), "prepared environment"))
