"""GitHub Actions for a repository on the fake GitHub: events start the workflows that wait for them, as there."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tests.canaries import canary, found_in
from tests.github import FakeGitHub
from tests.github.actions_state import Run as Known
from tests.github.repositories import Environment, Repository

from . import payloads
from .machine import Going, Machine, Order
from .runs import Job, Run, read, unpacked
from .store import ArtifactStore
from .workflows import Workflow, prefix

DIRECTORY = ".github/workflows"


@dataclass
class Started:
    """A run that goes on."""

    known: Known
    workflow: Workflow
    going: Going
    environments: Mapping[str, str]

    def cancel_at(self, text: str) -> None:
        """Cancel it, as on its page, as soon as its log shows a text."""
        self.going.wait_for(text)
        self.known.conclusion = "cancelled"
        self.going.cancel()


@dataclass
class GitHubActions:
    """What a test acts on.

    Attributes:
        github: The fake GitHub, which is the API of every run.
        full_name: The repository.
        folder: Where jobs work.
        store: Where artifacts go.
        actor: The person who does things there.
        done: Names of steps whose work is taken as done in every run, because another test runs them.
        programs: Scripts that the machine has beside what every machine has, by name.
    """

    github: FakeGitHub
    full_name: str
    folder: Path
    store: ArtifactStore
    actor: str = "ada"
    done: Collection[str] = ()
    programs: Mapping[str, str] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    _events: dict[int, tuple[Workflow, Mapping[str, Any], str]] = field(default_factory=dict)

    @property
    def repository(self) -> Repository:
        """The repository as GitHub has it."""
        return self.github.repository(self.full_name)

    def workflows(self, reference: str) -> list[Workflow]:
        """The workflow files at a branch or commit."""
        of = self.repository
        listed = of.git("ls-tree", "--name-only", reference, f"{DIRECTORY}/").splitlines()
        return [Workflow(Path(path).name, of.git("show", f"{reference}:{path}") + "\n") for path in listed]

    def pushed(self, branch: str, before: str) -> list[Run]:
        """What a push starts that has brought ``branch`` here; ``before``: its commit until then, or ``""``."""
        return [self.finish(started) for started in self.start_pushed(branch, before)]

    def start_pushed(self, branch: str, before: str) -> Iterator[Started]:
        """The same, while each goes on; the next one starts when it is asked for."""
        after = self.repository.branches[branch]
        event = payloads.push(self.repository, branch, before or payloads.NOWHERE, after, self.actor)
        waiting = [one for one in self.workflows(after) if one.starts_on("push", branch=branch)]
        return (self._start(one, self._new(one.file, "push", branch, after), event) for one in waiting)

    def tagged(self, tag: str) -> list[Run]:
        """What a push of a tag starts that has arrived here."""
        commit = self.repository.git("rev-parse", f"refs/tags/{tag}^{{commit}}")
        event = {"ref": f"refs/tags/{tag}", "before": payloads.NOWHERE, "after": commit, "created": True}
        waiting = [one for one in self.workflows(commit) if one.starts_on_tag(tag)]
        return [self._run(one, self._new(one.file, "push", tag, commit), event) for one in waiting]

    def queued(self) -> list[Run]:
        """Run what was dispatched and waits; what these runs dispatch waits for the next call."""
        waiting = [known for known in self.repository.runs.values() if known.status == "queued"]
        return [self.finish(self.start_queued(known)) for known in waiting]

    def start_queued(self, known: Known) -> Started:
        """Start a run that waits, with the inputs that it was dispatched with."""
        found = next(one for one in self.workflows(known.commit) if one.file == known.workflow)
        declared = (found.events["workflow_dispatch"] or {}).get("inputs") or {}
        defaults = {name: one["default"] for name, one in declared.items() if "default" in one}
        event = {"inputs": {**defaults, **known.inputs}, "ref": f"refs/heads/{known.branch}"}
        return self._start(found, known, {**event, "workflow": f"{DIRECTORY}/{known.workflow}"})

    def scheduled(self, file: str) -> Run:
        """A workflow's time has come; it runs on the default branch."""
        branch = self.repository.default_branch
        commit = self.repository.branches[branch]
        found = next(one for one in self.workflows(commit) if one.file == file)
        crons: Any = found.events["schedule"]
        return self._run(found, self._new(file, "schedule", branch, commit), {"schedule": crons[0]["cron"]})

    def told(self, kind: str, payload: Mapping[str, Any]) -> list[Run]:
        """What a ``repository_dispatch`` starts: always on the default branch."""
        branch = self.repository.default_branch
        commit = self.repository.branches[branch]
        event = {"action": kind, "branch": branch, "client_payload": dict(payload)}
        waiting = [one for one in self.workflows(commit) if one.starts_on("repository_dispatch", kind=kind)]
        return [self._run(one, self._new(one.file, "repository_dispatch", branch, commit), event) for one in waiting]

    def proposed(self, pull: dict[str, Any], action: str = "opened") -> list[Run]:
        """What happens when somebody opens or updates a pull request; ``pull`` as the API shows it."""
        merged = self._merged(pull)
        event = payloads.pull_request(pull, action)
        base, head = pull["base"]["ref"], pull["head"]
        waiting = [one for one in self.workflows(merged) if one.starts_on("pull_request", branch=base, kind=action)]
        return [
            self._run(one, self._new(one.file, "pull_request", head["ref"], head["sha"], head["repo"]["full_name"]),
                      event, at=merged)
            for one in waiting
        ]  # fmt: skip

    def again(self, run: Run) -> Run:
        """All jobs of a run are run again, as the button on its page does."""
        known = self.repository.runs[run.id]
        known.attempt, known.conclusion = known.attempt + 1, None
        return self._run(self._events[run.id][0], known, *self._events[run.id][1:])

    def _merged(self, pull: dict[str, Any]) -> str:
        """The commit that GitHub makes to try a pull request: base and head merged."""
        of, head, base = self.repository, pull["head"]["sha"], pull["base"]["sha"]
        tree = of.git("merge-tree", "--write-tree", base, head).split()[0]
        identity = ["-c", "user.name=GitHub", "-c", "user.email=noreply@github.com"]
        made = of.git(*identity, "commit-tree", tree, "-p", base, "-p", head, "-m", f"Merge {head} into {base}")
        of.git("update-ref", f"refs/pull/{pull['number']}/merge", made)
        return made

    def _new(self, file: str, event: str, branch: str, commit: str, head_repository: str = "") -> Known:
        return self.github.add_run(
            self.full_name, workflow=file, event=event, branch=branch, commit=commit, actor=self.actor,
            head_repository=head_repository or self.full_name, status="queued", conclusion=None,
        )  # fmt: skip

    def _run(self, workflow: Workflow, known: Known, event: Mapping[str, Any], at: str = "") -> Run:
        return self.finish(self._start(workflow, known, event, at))

    def _start(self, workflow: Workflow, known: Known, event: Mapping[str, Any], at: str = "") -> Started:
        self._events[known.id] = workflow, event, at
        known.status = "in_progress"
        known.jobs = dict.fromkeys(workflow.jobs)
        here = self._folder(known)
        payload = {**event, **payloads.common(self.github, self.repository, self.actor)}
        (here / "event.json").write_text(json.dumps(payload), encoding="utf-8")
        (here / workflow.file).write_text(workflow.told_apart(self.done), encoding="utf-8")
        environments = {job: self._environment(workflow, job, known, event) for job in workflow.jobs}
        foreign = known.head_repository.lower() != self.full_name.lower()
        admitted = {
            job: name if name and self._admits(name, known.branch) else "" for job, name in environments.items()
        }
        secrets, variables = self._values(workflow, admitted, foreign=foreign)
        commit = at or known.commit
        known_to_all = self._known(known, commit, event)
        order = Order(
            checkout=self._checkout(here, commit, known_to_all["GITHUB_REF"]), workflow=here / workflow.file,
            event=known.event, payload=here / "event.json", actor=known.actor, actions=workflow.actions,
            labels=workflow.labels, known=known_to_all, secrets=secrets, variables=variables,
        )  # fmt: skip
        return Started(known, workflow, Machine(here, self.programs).start(order), environments)

    def finish(self, started: Started) -> Run:
        """Wait for a run's end and read what came of it."""
        known, workflow, going = started.known, started.workflow, started.going
        code = going.finish()
        here = self._folder(known)
        Machine(here).forget()
        raw = "".join([*going.lines, *going.errors])
        jobs = {name: Job(name, environment=started.environments[name]) for name in workflow.jobs}
        read(going.lines, jobs)
        failed = any(job.result == "failure" for job in jobs.values())
        assert "Skipping unsupported platform" not in raw, raw
        assert failed or code == 0, raw[-5000:]
        known.conclusion = known.conclusion or ("failure" if failed else "success")
        known.status, known.jobs = "completed", {name: job.result for name, job in jobs.items()}
        of = self.repository
        of.checks.setdefault(known.commit, set()).update(job.id for job in jobs.values() if job.result == "success")
        used = [job.environment for job in jobs.values() if job.environment and job.result != "skipped"]
        for name in used:
            assert self._admits(name, known.branch), f"{known.branch} may not use {name}: {workflow.file}"
        asked = [name for name in used if self._protection(name).reviewers]
        kept = self.github.artifacts(self.full_name, known.id)
        run = Run(
            id=known.id, number=known.number, workflow=known.workflow, event=known.event, branch=known.branch,
            commit=known.commit, conclusion=known.conclusion, jobs=jobs, approvals=asked,
            artifacts={name: unpacked(content) for name, content in kept.items()}, raw=raw,
        )  # fmt: skip
        self._hunt(run)
        shutil.rmtree(here)
        self.runs.append(run)
        return run

    def _hunt(self, run: Run) -> None:
        """No secret of a run is in anything that people see of it."""
        assert not found_in(run.raw), f"a secret is in the log of {run.workflow}"
        outputs = [output for job in run.jobs.values() for step in job.steps for output in step.outputs.items()]
        assert not [name for name, value in outputs if "***" in value], f"GitHub drops outputs with secrets: {outputs}"
        for name, files in run.artifacts.items():
            leaks = [path for path, content in files.items() if found_in(content) or found_in(path)]
            assert not leaks, f"a secret is in {name}: {leaks}"

    def _folder(self, known: Known) -> Path:
        here = self.folder / f"run-{known.id}"
        here.mkdir(parents=True, exist_ok=True)
        return here

    def _checkout(self, here: Path, commit: str, ref: str) -> Path:
        made = here / "repository"
        if not made.exists():
            _git(here, "clone", "--quiet", "--no-checkout", "--shared", str(self.repository.folder), str(made))
            name = "run" if not ref.startswith("refs/heads/") else ref.removeprefix("refs/heads/")
            _git(made, "checkout", "--quiet", "-B", name, commit)
        return made

    def _known(self, known: Known, commit: str, event: Mapping[str, Any]) -> dict[str, str]:
        pull = event.get("pull_request")
        ref = f"refs/pull/{pull['number']}/merge" if pull else event.get("ref", f"refs/heads/{known.branch}")
        ends = {"GITHUB_HEAD_REF": pull["head"]["ref"], "GITHUB_BASE_REF": pull["base"]["ref"]} if pull else {}
        found = {
            "GITHUB_API_URL": self.github.api, "GITHUB_SERVER_URL": self.github.url,
            "GITHUB_REPOSITORY": self.full_name, "GITHUB_REPOSITORY_OWNER": self.repository.owner.login,
            "GITHUB_REF": ref, "GITHUB_REF_NAME": ref.split("/", 2)[2], "SHA_REF": commit,
            "GITHUB_RUN_ID": str(known.id), "GITHUB_RUN_NUMBER": str(known.number),
            "GITHUB_RUN_ATTEMPT": str(known.attempt), "GITHUB_RETENTION_DAYS": "90",
            "GITHUB_WORKFLOW_REF": f"{self.full_name}/{DIRECTORY}/{known.workflow}@{ref}",
            "GITHUB_TRIGGERING_ACTOR": known.actor, "RUNNER_ENVIRONMENT": "github-hosted",
            "STUB_STORE": f"{self.store.address}/{self.full_name}",
            "GITHUB_REF_TYPE": "tag" if ref.startswith("refs/tags/") else "branch",
        }  # fmt: skip
        return found | ends

    def _environment(self, workflow: Workflow, job: str, known: Known, event: Mapping[str, Any]) -> str:
        """The environment of a job."""
        words = {"github.ref_name": known.branch, "github.head_ref": known.branch, "github.event_name": known.event}
        words |= {f"inputs.{name}": str(value) for name, value in event.get("inputs", {}).items()}
        return workflow.environment(job, words)

    def _admits(self, environment: str, branch: str) -> bool:
        """Whether GitHub lets a branch's job use an environment."""
        found = self._protection(environment)
        return found.policy is None or any(fnmatchcase(branch, pattern) for pattern in found.patterns)

    def _protection(self, name: str) -> Environment:
        found = self.repository.environment(name)
        assert found is not None, f"no environment {name}: GitHub would make one without any protection"
        return found

    def _values(
        self, workflow: Workflow, environments: Mapping[str, str], *, foreign: bool
    ) -> tuple[dict[str, str], dict[str, str]]:
        """The secrets and variables of each job; a run of a fork's commit has no secrets and may only read."""
        of = self.repository
        secrets, variables = {"GITHUB_TOKEN": canary("of-no-job", prefix="ghs_")}, {}
        for job, environment in environments.items():
            rights = workflow.permissions(job)
            if foreign:
                rights = dict.fromkeys(rights, "read")
            token = self.github.add_token(
                "github-actions[bot]", kind="app", owner=of.owner.login, repositories=[self.full_name],
                permissions={name.replace("-", "_"): level for name, level in rights.items()},
            )  # fmt: skip
            vault = {} if foreign else of.secrets | (of.secrets_of(environment) if environment else {})
            plain = of.variables | (of.variables_of(environment) if environment else {})
            for name, value in {**vault, "GITHUB_TOKEN": token}.items():
                secrets[prefix(job) + name] = value
            variables |= {prefix(job) + name: value for name, value in plain.items()}
        return secrets, variables


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@contextmanager
def running(github: FakeGitHub, full_name: str, folder: Path, **known: Any) -> Iterator[GitHubActions]:
    """Actions are on for a repository, as long as the block lasts."""
    with ArtifactStore(github) as store:
        yield GitHubActions(github, full_name, folder, store, **known)
