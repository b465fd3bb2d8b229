"""What the hook does after a push: queue each branch, start the worker, and follow until the person leaves."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Mapping
from typing import NamedTuple, NoReturn

from . import queue, repository, service, surroundings
from .follow import WorkerGone, follow
from .layout import Layout
from .records import Job
from .verdict import ending, short

_HEADS = "refs/heads/"


class Detached(Exception):
    """The person has left; the training goes on."""


def receive(layout: Layout, lines: Iterable[str], environ: Mapping[str, str]) -> None:
    """Take the lines that git gives to ``post-receive``; the push itself is complete, whatever happens here."""
    clean = surroundings.for_worker(environ, layout.root / "work")
    updates = [_Update(*parts) for line in lines if len(parts := line.split()) == 3]
    # Everything is queued before the first word is printed: a closed terminal must not cost a training.
    answers = [_queue(layout, update, clean, surroundings.user_name(environ)) for update in updates]
    service.wake(layout, environ)
    try:
        for text, _ in answers:
            if text:
                _print(text)
        jobs = [job for _, job in answers if job is not None]
        for branch in _branches_left(layout, jobs):
            _print(f"{branch}: earlier trainings are waiting; their worker goes on")
        if not jobs:
            return
        if _wants_to_detach(environ):
            _print("the training goes on without you; 'mlopsgen status' tells how it stands")
            return
        _print("Ctrl-C detaches and the training goes on; 'mlopsgen status --follow' follows it again")
        _listen_for_leaving()
        for job in jobs:
            _follow(layout, job, environ)
    except (Detached, BrokenPipeError):
        _leave_quietly()


class _Update(NamedTuple):
    """One line that git gives to the hook."""

    old: str
    new: str
    reference: str


def _queue(layout: Layout, update: _Update, environ: Mapping[str, str], actor: str) -> tuple[str, Job | None]:
    """One updated reference: what to say of it, and its job if it is trained."""
    old, new, reference = update
    if not reference.startswith(_HEADS):
        kind = "tag" if reference.startswith("refs/tags/") else "reference"
        return f"{kind} {reference.removeprefix('refs/tags/')}: stored; only branches train", None
    branch = reference.removeprefix(_HEADS)
    if branch not in repository.TRAINED:
        if repository.is_nothing(new):
            return f"{branch}: deleted", None
        return f"{branch}: stored; only {', '.join(repository.TRAINED)} train (push to one of them)", None
    if repository.is_nothing(new):
        queue.set_head(layout, branch, "")
        return f"{branch}: deleted; its runs, its environment and its champion stay", None
    created = repository.is_nothing(old)
    job, reason = service.accept(layout, branch, new, environ, actor=actor, created=created)
    forced = not created and repository.is_forced(layout, environ, old, new)
    note = " (history was rewritten; the champion stays until a better model is trained)" if forced else ""
    if job is None:
        return f"{branch} {short(new)}: {reason}{note}", None
    subject = repository.subject(layout, environ, new)
    return f"{branch} {short(new)}: queued as #{job.number}{note}  {subject}".rstrip(), job


def _follow(layout: Layout, job: Job, environ: Mapping[str, str]) -> None:
    def start_worker() -> None:
        service.start(layout, job.branch, environ)

    try:
        run = follow(layout, job.branch, job.number, say=_print, start_worker=start_worker)
    except WorkerGone as gone:
        _print(f"{gone} The push is stored and queued; 'mlopsgen doctor' checks this machine.")
        return
    for line in ending(layout, run):
        _print(line)


def _branches_left(layout: Layout, jobs: list[Job]) -> list[str]:
    """Branches that this push did not touch and that have work left."""
    touched = {job.branch for job in jobs}
    return [branch for branch in repository.TRAINED if branch not in touched and queue.waiting(layout, branch)]


def _wants_to_detach(environ: Mapping[str, str]) -> bool:
    count = environ.get("GIT_PUSH_OPTION_COUNT", "0")
    options = [environ.get(f"GIT_PUSH_OPTION_{index}", "") for index in range(int(count) if count.isdecimal() else 0)]
    return "detach" in options


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - git sends it to the person as 'remote: ...'


def _listen_for_leaving() -> None:
    def leave(signal_number: int, frame: object) -> NoReturn:  # noqa: ARG001 - the signature of handlers
        raise Detached

    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, leave)


def _leave_quietly() -> None:
    """Nobody reads any more: what is still buffered must not raise at exit."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
