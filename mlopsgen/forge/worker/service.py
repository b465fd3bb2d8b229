"""The queue's worker: one for each branch, started when something is queued, gone when nothing is left."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path

from . import locks, process, queue, repository, surroundings
from .journal import Journal
from .layout import Layout
from .records import KILLED, RUNNING, Job, Run, now, read_job, read_run, run_of, write_run
from .training import Training, state_of

_ATTEMPTS = 2
_PATIENCE = 1.0  # longer than anybody who only looks at the lock holds it


def start(layout: Layout, branch: str, environ: Mapping[str, str]) -> None:
    """Start a worker for a branch; where one is at work already, the new one leaves at once."""
    process.start_detached(
        surroundings.command(layout.program, "work", "--branch", branch),
        cwd=layout.root,
        env=surroundings.for_worker(environ, layout.root / "work"),
        log=layout.worker_log,
    )


def wake(layout: Layout, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Start a worker for every branch that has something to do and nobody who does it."""
    heads = repository.heads(layout, surroundings.for_worker(environ, layout.root / "work"))
    idle = tuple(
        branch
        for branch in repository.TRAINED
        if (queue.waiting(layout, branch) or heads.get(branch, "") != queue.head(layout, branch))
        and not locks.is_held(layout.worker_lock(branch))
    )
    for branch in idle:
        start(layout, branch, environ)
    return idle


def work(layout: Layout, branch: str, environ: Mapping[str, str]) -> None:
    """Train what is queued for a branch, in order, until nothing is left."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        # The hook ignores some of them while it queues, and we inherited that.
        signal.signal(number, signal.SIG_DFL)
    while True:
        with locks.hold(layout.worker_lock(branch), wait=_PATIENCE) as mine:
            if mine is None:
                return
            while job := _next(layout, branch, environ):
                _train(layout, job, environ)
        # Whoever queued a job while we were leaving met a held lock and left it to us.
        if not queue.waiting(layout, branch):
            return


def accept(
    layout: Layout, branch: str, commit: str, environ: Mapping[str, str], *, actor: str, created: bool
) -> tuple[Job | None, str]:
    """Decide what the branch's new head means and queue it.

    Returns:
        The job, if it is to be trained; and a reason, if it is not.
    """
    configuration = repository.configuration_of(branch)
    reason = ""
    if created and branch != repository.MAIN:
        reason = "created; a branch trains from its next push on ('mlopsgen run' trains it now)"
    elif not repository.has_file(layout, environ, commit, configuration):
        reason = (
            f"there is no {configuration} in this commit; nothing is trained"
            f" ('git log -- {configuration}' names the commit that took it away)"
        )
    if reason:
        queue.set_head(layout, branch, commit)
        return None, reason
    job = queue.add_pushed(layout, branch, commit, actor=actor)
    if job is None:  # a worker has found the push before us
        number = queue.latest_number(layout, branch)
        run = read_run(layout, branch, number)
        job = read_job(layout, branch, number) or (None if run is None else _job_of(run))
    return job, "" if job is not None else "is known already; nothing is trained"


def _next(layout: Layout, branch: str, environ: Mapping[str, str]) -> Job | None:
    """The job that is to be trained now.

    When nothing waits, the branch itself is looked at: a hook may have been killed before it queued its push, and the
    hooks of two pushes may have queued them in the wrong order, so that the newest has to be trained again.
    """
    jobs = queue.waiting(layout, branch)
    if not jobs:
        _catch_up(layout, branch, environ)
        jobs = queue.waiting(layout, branch)
    return jobs[0] if jobs else None


def _catch_up(layout: Layout, branch: str, environ: Mapping[str, str]) -> None:
    commit, known = repository.heads(layout, environ).get(branch, ""), queue.head(layout, branch)
    if commit and commit != known:
        accept(layout, branch, commit, environ, actor="", created=not known)


def _train(layout: Layout, job: Job, environ: Mapping[str, str]) -> None:
    run = read_run(layout, job.branch, job.number) or run_of(job)
    if not run.is_final:
        alive = layout.run(job.branch, job.number) / "alive.lock"
        _end_orphans(alive, run)
        with locks.hold(alive) as handle:
            for leftover in layout.work(job.branch).glob("*"):
                repository.remove_tree(leftover)
            _attempt(layout, run, environ, () if handle is None else (handle,))
        alive.unlink(missing_ok=True)
    queue.remove(layout, job)


def _attempt(layout: Layout, run: Run, environ: Mapping[str, str], keep_open: tuple[int, ...]) -> None:
    if run.state == RUNNING:
        journal = Journal(layout.run(run.branch, run.number))
        if run.acting and run.attempt >= _ATTEMPTS:
            message = f"The worker was killed {run.attempt} times while the actions of this training were at work."
            journal.say(message)
            actions = {"exit_code": 1, "summary": message}
            ended = run.with_(state=state_of(run.exit_code), acting=False, ended_at=now(), actions=actions)
            write_run(layout, ended)
            return
        if run.attempt >= _ATTEMPTS:
            message = f"The worker was killed {run.attempt} times during this training."
            error = {
                "code": "killed",
                "message": message,
                "hint": f"{surroundings.full_disk(layout.root)}'mlopsgen run' trains the commit again.",
                "where": "",
            }
            journal.say(message)
            write_run(layout, run.with_(state=KILLED, exit_code=1, ended_at=now(), error=error))
            return
        if run.acting:
            journal.say("the worker was killed while it acted on the result; acting again")
        else:
            journal.say(f"the worker was killed during '{run.stage}'; training again from the start")
        run = run.with_(attempt=run.attempt + 1)
    Training(layout, run, environ, keep_open=keep_open).train()


def _end_orphans(alive: Path, run: Run) -> None:
    """End what a killed worker left running.

    Its children hold the lock ``alive``, and they are in the worker's process group; as long as one of them lives, the
    system gives that group's number to nobody else.
    """
    if run.worker > 1 and run.worker != os.getpgrp() and locks.is_held(alive):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(run.worker, signal.SIGKILL)


def _job_of(run: Run) -> Job:
    return Job(branch=run.branch, number=run.number, commit=run.commit, actor=run.actor, trigger=run.trigger)
