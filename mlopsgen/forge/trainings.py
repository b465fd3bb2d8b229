"""The trainings of a local forge: what ran, what waits, asking for one, following one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlopsgen.adapters import process
from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import MlopsgenError
from mlopsgen.forge.worker import locks, queue, repository
from mlopsgen.forge.worker.follow import WorkerGone, follow
from mlopsgen.forge.worker.layout import Layout
from mlopsgen.forge.worker.records import Job, Run, read_job, read_run, run_of
from mlopsgen.forge.worker.verdict import ending
from mlopsgen.secret_value import redact


class Trainings:
    """The trainings of the forge in ``layout``.

    Args:
        layout: The forge's paths.
        environ: The environment for git and for the worker, which takes only the machine's part of it.
        python: Runs the worker when this program starts it.
    """

    def __init__(self, layout: Layout, environ: Mapping[str, str], *, python: Path) -> None:
        self._layout = layout
        self._environ = environ
        self._python = python

    def latest(self, branch: str) -> Run | None:
        """The branch's newest training, queued ones included, or ``None`` if there was never one."""
        for number in range(queue.latest_number(self._layout, branch), 0, -1):
            run = self.get(branch, number)
            if run is not None:
                return run
        return None

    def latest_number(self, branch: str) -> int:
        """The number of the branch's newest training; 0 if there was never one."""
        return queue.latest_number(self._layout, branch)

    def newer_than(self, branch: str, number: int) -> Run | None:
        """The branch's newest training if its number is higher than ``number``."""
        newest = self.latest_number(branch)
        return self.get(branch, newest) if newest > number else None

    def get(self, branch: str, number: int) -> Run | None:
        """A training by its number, or ``None`` if there is none."""
        run = read_run(self._layout, branch, number)
        if run is None:
            job = read_job(self._layout, branch, number)
            return None if job is None else run_of(job)
        return run

    def last_ended(self, branch: str) -> Run | None:
        """The branch's newest training that is over."""
        for number in range(queue.latest_number(self._layout, branch), 0, -1):
            run = read_run(self._layout, branch, number)
            if run is not None and run.is_final:
                return run
        return None

    def waiting(self, branch: str) -> tuple[Run, ...]:
        """The branch's trainings that are not over, oldest first."""
        runs = (self.get(branch, job.number) for job in queue.waiting(self._layout, branch))
        return tuple(run for run in runs if run is not None and not run.is_final)

    def is_at_work(self, branch: str) -> bool:
        """Whether the branch has a living worker."""
        return locks.is_held(self._layout.worker_lock(branch))

    def unqueued(self) -> tuple[str, ...]:
        """Branches whose newest commit was pushed and never queued, because the hook could not run."""
        heads = repository.heads(self._layout, {"PATH": self._environ.get("PATH", "")})
        return tuple(
            branch
            for branch in repository.TRAINED
            if heads.get(branch) and heads[branch] != queue.head(self._layout, branch)
        )

    def again(self, branch: str, *, actor: str) -> Job:
        """Queue the branch's commit once more and start the worker.

        Raises:
            MlopsgenError: The forge has no such branch, or the worker cannot be started.
        """
        commit = GitRepository(self._layout.repository, self._environ).commit_of(f"refs/heads/{branch}")
        if commit is None:
            raise MlopsgenError(
                f"The forge has no branch '{branch}' yet.", hint=f"Push it: git push local {branch}", where=branch
            )
        configuration = repository.configuration_of(branch)
        if not repository.has_file(self._layout, self._environ, commit, configuration):
            hint = f"Commit it and push: git push local {branch}"
            raise MlopsgenError(f"The commit has no {configuration}; it cannot be trained.", hint=hint, where=commit)
        job = queue.add(self._layout, branch, commit, actor=actor, trigger="dispatch")
        queue.set_head(self._layout, branch, commit)
        self.wake()
        return job

    def look_at_data(self, branch: str) -> Mapping[str, Any]:
        """Whether the branch's data changed since its last training, as the worker tells it; nothing is queued.

        Raises:
            MlopsgenError: The worker cannot look.
        """
        done = self._worker("watch", "--branch", branch, check=False)
        try:
            found = json.loads(done.stdout)
        except ValueError:
            found = None
        if isinstance(found, dict):
            return found
        last = (done.stderr.strip().splitlines() or [f"it returned {done.exit_status}"])[-1]
        raise MlopsgenError(
            f"The forge's worker cannot look at the data of {branch}: {redact(last)}",
            hint="'mlopsgen push --local' brings the worker up to date.",
            where=str(self._layout.program),
        )

    def start_for_data(self, branch: str, commit: str, *, actor: str, reason: str) -> Job | None:
        """Queue the commit because its data changed, once, and start the worker.

        Returns:
            The job, or ``None`` where a training of the branch waits or runs already.
        """
        job = queue.add_for_data(self._layout, branch, commit, actor=actor, reason=reason)
        if job is not None:
            self.wake()
        return job

    def wake(self) -> None:
        """Start a worker for every branch that has something to do and nobody who does it."""
        self._worker("wake")

    def follow(self, branch: str, number: int, say: Callable[[str], None]) -> Run:
        """Hand over a training's short lines until it is over, then its ending.

        Raises:
            MlopsgenError: No worker stays alive.
        """

        def start_worker() -> None:
            self._worker("start", "--branch", branch)

        try:
            run = follow(self._layout, branch, number, say=say, start_worker=start_worker)
        except WorkerGone as gone:
            hint = "'mlopsgen doctor' checks this machine; the training stays queued."
            raise MlopsgenError(str(gone), hint=hint, where=str(self._layout.worker_log)) from gone
        for line in ending(self._layout, run):
            say(line)
        return run

    def _worker(self, *arguments: str, check: bool = True) -> process.Completed:
        # A process between us and the worker: the worker is nobody's child, however long we live.
        argv = [str(self._python), "-I", "-X", "utf8", str(self._layout.program), *arguments]
        hint = "'mlopsgen doctor' checks this machine."
        return process.run(argv, cwd=self._layout.root, env=self._environ, check=check, hint=hint)
