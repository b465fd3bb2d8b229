"""The two documents of a training: its place in the queue (:class:`Job`) and its state (:class:`Run`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any

from .layout import FORMAT, Layout, read_json, write_json

QUEUED, RUNNING, SUCCEEDED, REJECTED, FAILED, KILLED = "queued", "running", "succeeded", "rejected", "failed", "killed"
FINAL = frozenset({SUCCEEDED, REJECTED, FAILED, KILLED})


def now() -> str:
    """The time as it stands in every document: ISO 8601, UTC, seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, kw_only=True)
class Job:
    """A commit that waits to be trained; the file stays in the queue until the training is over."""

    branch: str
    number: int
    commit: str
    actor: str = ""
    trigger: str = "push"
    queued_at: str = ""
    reason: str = ""

    def as_document(self) -> dict[str, object]:
        """The job as a JSON object."""
        return {"version": FORMAT, **asdict(self)}


@dataclass(frozen=True, kw_only=True)
class Run:
    """The state of a training, whole at every moment (the file is replaced, never edited).

    Attributes:
        branch: The branch, which is also the name of the environment.
        number: Counts from 1 on each branch.
        commit: What is trained.
        trigger: ``push``, ``dispatch`` when a person asked for it, or ``data`` when the watch found changed data.
        actor: Who pushed or asked.
        state: ``queued``, ``running``, ``succeeded``, ``rejected``, ``failed`` or ``killed``.
        stage: What it is doing or did last: ``checkout``, ``environment``, ``check``, ``compile``, ``run``, ``report``.
        attempt: 2 when the first worker was killed.
        worker: Process id of the worker, which is also its process group.
        exit_code: What the training returned (the numbers of ``helpers/errors.py``).
        outcome: The gate's word, for example ``first`` or ``improved``.
        passed: Whether the gate accepted the model.
        promoted: Whether the model became the branch's champion.
        metrics: The candidate's metrics.
        baseline: The same metrics of what it was compared with; empty when there was nothing.
        reasons: What the gate says of them, in sentences.
        report: Path of each form of the report (``html``, ``md``, ``json``).
        error: Why it failed: ``code``, ``message``, ``hint`` and ``where``.
        run_id: The MLflow run.
        reason: Why it was asked for, where the watch did.
        acting: Whether the verdict stands and only the actions that follow it are still at work.
        actions: What came of the actions that follow: ``exit_code`` and ``summary``; empty when there are none.
        result: The report (JSON) where the run wrote it, with its plots beside it.
    """

    branch: str
    number: int
    commit: str
    trigger: str = "push"
    actor: str = ""
    state: str = QUEUED
    stage: str = ""
    attempt: int = 1
    worker: int = 0
    queued_at: str = ""
    started_at: str = ""
    ended_at: str = ""
    exit_code: int | None = None
    outcome: str = ""
    passed: bool | None = None
    promoted: bool = False
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    baseline: Mapping[str, float | None] = field(default_factory=dict)
    reasons: Sequence[str] = field(default_factory=list)
    report: Mapping[str, str] = field(default_factory=dict)
    error: Mapping[str, str] = field(default_factory=dict)
    run_id: str = ""
    reason: str = ""
    acting: bool = False
    actions: Mapping[str, Any] = field(default_factory=dict)
    result: str = ""

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in FINAL

    def with_(self, **changes: Any) -> Run:
        """The same run with some values changed."""
        return replace(self, **changes)

    def as_document(self) -> dict[str, Any]:
        """The run as a JSON object."""
        return {"version": FORMAT, **asdict(self)}


def run_of(job: Job) -> Run:
    """The state of a training that has not begun."""
    return Run(
        branch=job.branch,
        number=job.number,
        commit=job.commit,
        trigger=job.trigger,
        actor=job.actor,
        queued_at=job.queued_at,
        reason=job.reason,
    )


def read_run(layout: Layout, branch: str, number: int) -> Run | None:
    """The state of a training, or ``None`` when none has begun under that number."""
    document = read_json(layout.run(branch, number) / "run.json")
    return None if document is None else Run(**_known(Run, document, branch, number))


def write_run(layout: Layout, run: Run) -> Run:
    """Write a training's state and return it."""
    write_json(layout.run(run.branch, run.number) / "run.json", run.as_document())
    return run


def read_job(layout: Layout, branch: str, number: int) -> Job | None:
    """A queued job, or ``None`` when it is not there (any more)."""
    document = read_json(layout.queue(branch) / f"{number}.json")
    return None if document is None else Job(**_known(Job, document, branch, number))


def _known(kind: type[Job | Run], document: dict[str, Any], branch: str, number: int) -> dict[str, Any]:
    """The values that this version knows; a newer worker may have written more."""
    names = {item.name for item in fields(kind)}
    values = {name: value for name, value in document.items() if name in names}
    return {"commit": "", **values, "branch": branch, "number": number}
