"""What a run came to: its jobs and steps, what they put out, said, wrote into the summary and kept as artifacts."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Step:
    """A step that ran.

    Attributes:
        outcome: ``success``, ``failure`` or ``skipped``.
        annotations: What it marked: ``error``, ``warning`` or ``notice`` with the text.
    """

    name: str
    outcome: str = ""
    log: str = ""
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    annotations: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Job:
    """A job; ``result`` is ``skipped`` when it never started."""

    id: str
    result: str = "skipped"
    environment: str = ""
    steps: list[Step] = field(default_factory=list)

    def step(self, name: str) -> Step:
        """The step whose name begins so."""
        found = [step for step in self.steps if step.name.startswith(name)]
        assert len(found) == 1, f"{name!r} is not one of {[step.name for step in self.steps]}"
        return found[0]

    @property
    def outcomes(self) -> dict[str, str]:
        """How each step ended."""
        return {step.name: step.outcome for step in self.steps}

    @property
    def log(self) -> str:
        """Everything that its steps said."""
        return "".join(step.log for step in self.steps)

    @property
    def summary(self) -> str:
        """What stands on the run's page."""
        return "\n".join(step.summary for step in self.steps if step.summary)

    @property
    def annotations(self) -> list[tuple[str, str]]:
        """What its steps marked."""
        return [one for step in self.steps for one in step.annotations]


@dataclass
class Run:
    """A run of a workflow.

    Attributes:
        number: GitHub's number of the run among those of its workflow.
        approvals: The environments that a person had to approve, one for each job that names one.
        artifacts: By name, the content of each file.
        raw: Every line that ``act`` printed.
    """

    id: int
    number: int
    workflow: str
    event: str
    branch: str
    commit: str
    conclusion: str = ""
    jobs: dict[str, Job] = field(default_factory=dict)
    approvals: list[str] = field(default_factory=list)
    artifacts: dict[str, dict[str, bytes]] = field(default_factory=dict)
    raw: str = ""

    @property
    def log(self) -> str:
        """Everything that its jobs said."""
        return "".join(job.log for job in self.jobs.values())

    @property
    def summary(self) -> str:
        """The run's page."""
        return "\n".join(job.summary for job in self.jobs.values() if job.summary)

    @property
    def annotations(self) -> list[tuple[str, str]]:
        """What its jobs marked."""
        return [one for job in self.jobs.values() for one in job.annotations]

    @property
    def results(self) -> dict[str, str]:
        """How each job ended."""
        return {name: job.result for name, job in self.jobs.items()}

    def document(self, artifact: str, file: str) -> dict[str, Any]:
        """A JSON file of an artifact."""
        assert artifact in self.artifacts, f"no {artifact}, but {sorted(self.artifacts)}\n{self.said()}"
        assert file in self.artifacts[artifact], f"no {file} in {sorted(self.artifacts[artifact])}"
        document: dict[str, Any] = json.loads(self.artifacts[artifact][file])
        return document

    def said(self) -> str:
        """The run as a person reads it in a terminal, for the message of an assertion."""
        parts = [f"{self.workflow} #{self.number} ({self.event}): {self.conclusion}"]
        for job in self.jobs.values():
            parts.append(f"== {job.id}: {job.result}")
            for step in job.steps:
                parts += [f"-- {step.name}: {step.outcome} {step.outputs or ''}", step.log.rstrip()]
                parts += [f"   [{kind}] {text}" for kind, text in step.annotations]
        parts.append(self.raw[-3000:] if not self.jobs or not any(job.steps for job in self.jobs.values()) else "")
        return "\n".join(part for part in parts if part)[-20_000:]


def read(lines: Iterable[str], jobs: dict[str, Job]) -> None:
    """Fill the jobs with what ``act --json`` told of them."""
    steps: dict[tuple[str, str, str], Step] = {}
    for line in lines:
        event = json.loads(line) if line.startswith("{") else {}
        job = jobs.get(event.get("jobID", ""))
        if job is None:
            continue
        if "jobResult" in event:
            job.result = event["jobResult"]
        identity = event.get("stepID") or []
        stage = event.get("stage", "Main")
        if not identity or stage not in {"Main", "Post"}:
            continue
        key = job.id, identity[0], stage
        if key not in steps:
            name = event["step"] if stage == "Main" else f"Post {event['step']}"
            steps[key] = Step(name.partition("@")[0] if "@" in name else name)
            job.steps.append(steps[key])
        _add(steps[key], event, whole=len(identity) == 1)
    for job in jobs.values():
        job.steps = [step for step in job.steps if step.outcome not in {"", "skipped"} or step.log]


def _add(step: Step, event: dict[str, Any], *, whole: bool) -> None:
    command = event.get("command")
    if event.get("raw_output"):
        step.log += event["msg"]
    elif command in {"error", "warning", "notice"}:
        step.annotations.append((command, event["arg"]))
        step.log += event["raw"]
    elif command in {"group", "endgroup"}:
        step.log += event["raw"]
    elif command == "set-output" and whole:
        step.outputs[event["name"]] = event["arg"]
    elif command == "summary":
        step.summary += event["content"]
    if whole and "stepResult" in event:
        step.outcome = event["stepResult"]


def unpacked(archive: bytes) -> dict[str, bytes]:
    """The files of a zip."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist() if not name.endswith("/")}
