"""The queue of each branch: files, written whole, numbered under a lock, removed when the training is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import locks
from .layout import Layout, write_json, write_text
from .records import Job, now, read_job


def add(layout: Layout, branch: str, commit: str, *, actor: str, trigger: str) -> Job:
    """Queue a commit, whatever was trained before.

    Once this returns, the job survives the death of every process.
    """
    with _writing(layout, branch):
        return _append(layout, branch, commit, actor, trigger)


def add_for_data(layout: Layout, branch: str, commit: str, *, actor: str, reason: str) -> Job | None:
    """Queue a commit because its data changed, or return ``None`` where a training of the branch waits or runs."""
    with _writing(layout, branch):
        if waiting(layout, branch):
            return None
        return _append(layout, branch, commit, actor, "data", reason=reason)


def add_pushed(layout: Layout, branch: str, commit: str, *, actor: str) -> Job | None:
    """Queue what a push brought, once: a commit that is already known as the branch's head is not queued again.

    Returns:
        The new job, or ``None`` when somebody (a worker that found the push) was faster.
    """
    with _writing(layout, branch):
        if head(layout, branch) == commit:
            return None
        last = latest_number(layout, branch)
        queued = read_job(layout, branch, last)
        if queued is None or queued.commit != commit or queued.trigger != "push":
            queued = _append(layout, branch, commit, actor, "push")
        _set_head(layout, branch, commit)
        return queued


def head(layout: Layout, branch: str) -> str:
    """The last commit of the branch that was queued or, on purpose, not trained; empty if there is none."""
    try:
        return (layout.queue(branch) / "head").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def set_head(layout: Layout, branch: str, commit: str) -> None:
    """Note that a push has been dealt with; an empty commit says that the branch is gone."""
    with _writing(layout, branch):
        _set_head(layout, branch, commit)


def waiting(layout: Layout, branch: str) -> tuple[Job, ...]:
    """The branch's jobs that are not over, oldest first; the first of them may be running."""
    numbers = sorted(_numbers(layout.queue(branch).glob("*.json")))
    jobs = (read_job(layout, branch, number) for number in numbers)
    return tuple(job for job in jobs if job is not None)


def remove(layout: Layout, job: Job) -> None:
    """Take a job whose training is over out of the queue."""
    (layout.queue(job.branch) / f"{job.number}.json").unlink(missing_ok=True)


def latest_number(layout: Layout, branch: str) -> int:
    """The highest number that was given to a training of the branch; 0 if there is none."""
    runs = layout.root / "runs" / branch
    return max([0, *_numbers(layout.queue(branch).glob("*.json")), *_numbers(runs.glob("*"))])


def branches(layout: Layout) -> tuple[str, ...]:
    """The branches that have ever been pushed."""
    return tuple(sorted(path.name for path in (layout.root / "queue").glob("*") if path.is_dir()))


def _append(layout: Layout, branch: str, commit: str, actor: str, trigger: str, *, reason: str = "") -> Job:
    number = latest_number(layout, branch) + 1
    job = Job(branch=branch, number=number, commit=commit, actor=actor, trigger=trigger, queued_at=now(), reason=reason)
    write_json(layout.queue(branch) / f"{number}.json", job.as_document())
    return job


def _set_head(layout: Layout, branch: str, commit: str) -> None:
    write_text(layout.queue(branch) / "head", f"{commit}\n")


@contextmanager
def _writing(layout: Layout, branch: str) -> Iterator[None]:
    with locks.hold(layout.queue(branch) / "queue.lock"):
        yield


def _numbers(paths: Iterator[Path]) -> list[int]:
    return [int(path.stem) for path in paths if path.stem.isdecimal()]
