"""One training, from a commit to a verdict: checkout, environment, then the repository's own verbs."""

from __future__ import annotations

import json
import os
import shutil
import traceback
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import envfile, process, repository, surroundings
from .environments import Builder, EnvironmentFailed
from .journal import Journal
from .layout import Layout, read_json
from .records import FAILED, REJECTED, RUNNING, SUCCEEDED, Run, now, write_run

_BUG_CODE, _REJECTED_CODE = 3, 6
_FORMS = ("html", "md", "json")
_FAILED_BEFORE = {"check": "the check before the training", "compile": "compiling the pipeline"}


class StageFailed(Exception):
    """A stage ended the training.

    Args:
        exit_code: What the training returns.
        error: ``code``, ``message``, ``hint`` and ``where``.
    """

    def __init__(self, exit_code: int, error: Mapping[str, str]) -> None:
        super().__init__(error.get("message", ""))
        self.exit_code = exit_code
        self.error = {key: str(error.get(key) or "") for key in ("code", "message", "hint", "where")}


@dataclass(frozen=True)
class Envelope:
    """What a verb of the repository printed on its standard output."""

    exit_code: int
    document: Mapping[str, Any]

    @property
    def data(self) -> Mapping[str, Any]:
        """The verb's results."""
        data = self.document.get("data")
        return data if isinstance(data, Mapping) else {}

    @property
    def summary(self) -> str:
        """One sentence for a person."""
        return str(self.document.get("summary") or "")


class Training:
    """Trains one queued commit; :meth:`train` is called once.

    Args:
        layout: The forge.
        run: The training's state so far.
        environ: The worker's environment.
        keep_open: Descriptors of locks that show that a part of the training still lives.
    """

    def __init__(self, layout: Layout, run: Run, environ: Mapping[str, str], *, keep_open: tuple[int, ...]) -> None:
        self._layout = layout
        self._run = run
        self._environ = environ
        self._keep_open = keep_open
        self._folder = layout.run(run.branch, run.number)
        # A new attempt gets a folder of its own: what the killed one left in its folder is nobody's run.
        self._engine = self._folder / ("engine" if run.attempt == 1 else f"engine-{run.attempt}")
        self._checkout = layout.work(run.branch) / f"{run.number}-{run.attempt}"
        self._journal = Journal(self._folder)
        self._python = Path()
        self._environment: dict[str, str] = {}

    def train(self) -> Run:
        """Do all of it and return the final state; failures end up in it and are not raised.

        A training whose verdict is known already (the worker was killed while it acted on it) is not trained again:
        only the actions are.
        """
        decided = self._run.acting
        self._run = self._save(state=RUNNING, worker=os.getpid(), started_at=self._run.started_at or now())
        if not decided:
            self._decide()
        self._act(again=decided)
        self._journal.scrub()
        repository.remove_tree(self._checkout)
        return self._save(state=state_of(self._run.exit_code), acting=False, ended_at=now())

    def _decide(self) -> None:
        """Train; the exit code and the error stand in the run's state afterwards."""
        error: Mapping[str, str] = {}
        try:
            exit_code = self._stages()
        except StageFailed as failure:
            exit_code, error = failure.exit_code, failure.error
        except Exception as failure:  # noqa: BLE001 - whatever it is, the queue has to go on
            exit_code, error = _BUG_CODE, self._bug(failure).error
        self._run = self._save(exit_code=exit_code, error=error)

    def _bug(self, error: Exception) -> StageFailed:
        for line in traceback.format_exc().splitlines():
            self._journal.note(line)
        message = f"The worker failed: {type(error).__name__}: {self._journal.mask(str(error))}"
        return StageFailed(_BUG_CODE, {"code": "bug", "message": message})

    def _stages(self) -> int:
        environ = self._enter_environment()
        self._enter("check")
        checked = self._verb(environ, "check")
        self._journal.say(f"check: {checked.summary or 'passed'}")
        self._enter("compile")
        package = str(self._engine / "package.yaml")
        self._verb(environ, "compile", "--to", package)
        self._journal.say("compile: done")
        self._enter("run")
        verb = "submit" if checked.data.get("engine") == "kubeflow" else "run"
        ran = self._verb(environ, verb, *self._run_options(), accept=(0, _REJECTED_CODE))
        self._record(ran)
        self._enter("report")
        self._collect_report(environ, ran)
        return ran.exit_code

    def _enter_environment(self) -> dict[str, str]:
        """Check the commit out, prepare its Python, and return the environment of its verbs."""
        variables, secrets = self._settings()
        self._journal = Journal(self._folder, secrets.values())
        self._enter("checkout")
        try:
            repository.export(self._layout, self._environ, self._run.commit, self._checkout)
        except repository.CheckoutError as error:
            raise StageFailed(
                1, {"code": "checkout", "message": f"The commit cannot be checked out: {error}"}
            ) from error
        self._enter("environment")
        self._python = self._prepare()
        self._environment = self._training_environment(self._python, {**variables, **secrets})
        return self._environment

    def _act(self, *, again: bool) -> None:
        """Let the repository tell people and start what follows; whatever comes of it, the verdict stays."""
        failed = _FAILED_BEFORE.get(self._run.stage, "the training")
        try:
            environ = self._enter_environment() if again else self._environment
            if not environ or not (self._checkout / "src" / "helpers" / "actions").is_dir():
                return
            report = self._run.result or self._run.report.get("json", "")
            if not report and self._run.exit_code in (0, _REJECTED_CODE):
                return
            self._run = self._save(acting=True)
            self._journal.note("-- act")
            options = ["--report", report] if report else ["--failed", failed]
            done = self._verb(environ, "act", *options, accept=range(-64, 256))
            if done.exit_code == 0 and done.data.get("actions") == []:
                return  # nobody wants to hear of this training
            actions = {"exit_code": done.exit_code, "summary": done.summary}
        except Exception as error:  # noqa: BLE001 - a message that cannot be sent changes no verdict
            actions = {"exit_code": _BUG_CODE, "summary": self._bug(error).error["message"]}
        self._journal.say(f"actions: {actions['summary'] or 'failed; the log shows why'}")
        self._run = self._save(actions=actions)

    def _settings(self) -> tuple[dict[str, str], dict[str, str]]:
        branch = self._run.branch
        try:
            return envfile.read(self._layout.variables(branch)), envfile.read(self._layout.secrets(branch))
        except envfile.EnvironmentFileError as error:
            hint = "Correct the file; then 'mlopsgen run' trains the commit again."
            raise StageFailed(2, {"code": "environment-file", "message": str(error), "hint": hint}) from error

    def _prepare(self) -> Path:
        builder = Builder(
            self._layout,
            self._environ,
            say=self._journal.say,
            note=self._journal.note,
            keep_open=self._keep_open,
        )
        try:
            return builder.interpreter(self._checkout)
        except EnvironmentFailed as error:
            raise StageFailed(1, {"code": "environment", "message": error.message, "hint": error.hint}) from error

    def _training_environment(self, python: Path, settings: Mapping[str, str]) -> dict[str, str]:
        base = surroundings.for_training(self._environ, self._layout.root / "work")
        base |= {
            "MLFLOW_TRACKING_URI": self._layout.tracking_uri,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            **settings,
        }
        return base | {
            "PATH": f"{python.parent}{os.pathsep}{settings.get('PATH') or base['PATH']}",
            "PYTHONPATH": str(self._checkout / "src"),
            "PYTHONUNBUFFERED": "1",
            "PYTHONUTF8": "1",
            "PYTHONNOUSERSITE": "1",
            # The forge may lie inside some other repository; its commits are not ours.
            "GIT_CEILING_DIRECTORIES": str(self._checkout.parent),
        }

    def _run_options(self) -> list[str]:
        run = self._run
        options = ["--promote", "--trigger", run.trigger, "--commit", run.commit]
        options += ["--actor", run.actor] if run.actor else []
        options += ["--reason", run.reason] if run.reason else []
        return [*options, "--run-directory", str(self._engine)]

    def _verb(self, environ: Mapping[str, str], verb: str, *options: str, accept: Container[int] = (0,)) -> Envelope:
        """Run ``python -m pipelines.<branch>.main VERB`` and read its envelope."""
        argv = [str(self._python), "-m", f"pipelines.{self._run.branch}.main", verb, *options, "--output", "json"]
        self._journal.note(f"$ {' '.join(argv)}")
        ended = process.stream(
            argv, cwd=self._checkout, env=environ, on_line=self._journal.say, keep_open=self._keep_open, apart=True
        )
        for line in ended.stdout.splitlines():
            self._journal.note(process.printable(line))
        document = self._parse(ended.stdout)
        self._journal.note(f"{verb} returned {ended.status}")
        if ended.status not in accept:
            self._record(Envelope(ended.status, document))
            self._copy_report(Envelope(ended.status, document))
            raise StageFailed(ended.status if ended.status > 0 else 1, _error_of(verb, ended.status, document))
        return Envelope(ended.status, document)

    def _parse(self, stdout: str) -> Mapping[str, Any]:
        """The envelope among what was printed; something in the repository may print lines of its own before it."""
        text = self._journal.mask(stdout)
        for start in (0, text.rfind("\n{") + 1):
            try:
                document = json.loads(text[start:])
            except ValueError:
                continue
            if isinstance(document, dict):
                return document
        return {}

    def _record(self, envelope: Envelope) -> None:
        data = envelope.data
        metrics = data.get("metrics")
        passed = data.get("passed")
        self._run = self._save(
            run_id=str(data.get("run_id") or ""),
            outcome=str(data.get("outcome") or ""),
            passed=passed if isinstance(passed, bool) else None,
            promoted=data.get("promoted") is True,
            result=_told_report(data).get("json", ""),
            metrics=_numbers(metrics) if isinstance(metrics, Mapping) else {},
        )

    def _collect_report(self, environ: Mapping[str, str], ran: Envelope) -> None:
        """Put the report beside the log, where it is found without knowing the engine's folder."""
        if not _told_report(ran.data):
            options = ["--run-id", self._run.run_id] if self._run.run_id else []
            self._verb(environ, "report", *options, "--to", str(self._folder))
        self._copy_report(ran)

    def _copy_report(self, ran: Envelope) -> None:
        report: dict[str, str] = {}
        told = _told_report(ran.data)
        for form in _FORMS:
            target = self._folder / f"report.{form}"
            if form in told:
                shutil.copyfile(told[form], target)
            if target.is_file():
                report[form] = str(target)
        decision = (read_json(Path(report["json"])) or {}).get("decision") if "json" in report else None
        comparison = _comparison(decision) if isinstance(decision, Mapping) else {}
        self._run = self._save(report=report, **comparison)

    def _enter(self, stage: str) -> None:
        if not self._run.acting:  # then the stage says where the training ended
            self._run = self._save(stage=stage)
        self._journal.note(f"-- {stage}")

    def _save(self, **changes: Any) -> Run:
        return write_run(self._layout, self._run.with_(**changes))


def _told_report(data: Mapping[str, Any]) -> dict[str, str]:
    """The forms of the report that a verb has told of and that are there."""
    told = data.get("report")
    if not isinstance(told, Mapping):
        return {}
    return {form: str(told[form]) for form in _FORMS if told.get(form) and Path(str(told[form])).is_file()}


def state_of(exit_code: int | None) -> str:
    """How a training ended that returned this."""
    return {0: SUCCEEDED, _REJECTED_CODE: REJECTED}.get(-1 if exit_code is None else exit_code, FAILED)


def _comparison(decision: Mapping[str, Any]) -> dict[str, Any]:
    """What the report says about the baseline; a report of another shape says nothing."""
    metrics, reasons = decision.get("metrics"), decision.get("reasons")
    found = [item for item in metrics if isinstance(item, Mapping)] if isinstance(metrics, list) else []
    baseline = {str(item.get("name")): item["baseline"] for item in found if item.get("baseline") is not None}
    return {
        "baseline": _numbers(baseline),
        "reasons": [str(one) for one in reasons] if isinstance(reasons, list) else [],
    }


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    return {
        str(name): float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
        for name, value in metrics.items()
    }


def _error_of(verb: str, status: int, document: Mapping[str, Any]) -> Mapping[str, str]:
    error = document.get("error")
    if isinstance(error, Mapping) and error.get("message"):
        return error
    if status < 0:
        return {"code": "killed", "message": f"'{verb}' was ended by signal {-status} (9: perhaps out of memory)."}
    return {
        "code": "failure",
        "message": str(document.get("summary") or f"'{verb}' failed ({status}); the log shows why."),
    }
