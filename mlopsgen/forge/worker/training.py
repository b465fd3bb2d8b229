"""One training, from a commit to a verdict: checkout, environment, then the repository's own verbs."""

from __future__ import annotations

import json
import os
import shutil
import traceback
from collections.abc import Mapping
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

    def train(self) -> Run:
        """Do all of it and return the final state; failures end up in it and are not raised."""
        self._run = self._save(state=RUNNING, worker=os.getpid(), started_at=self._run.started_at or now())
        ending: dict[str, Any]
        try:
            exit_code = self._stages()
            ending = {"state": REJECTED if exit_code == _REJECTED_CODE else SUCCEEDED, "exit_code": exit_code}
        except StageFailed as failure:
            ending = {"state": FAILED, "exit_code": failure.exit_code, "error": failure.error}
        except Exception as error:  # noqa: BLE001 - whatever it is, the queue has to go on
            for line in traceback.format_exc().splitlines():
                self._journal.note(line)
            message = f"The worker failed: {type(error).__name__}: {self._journal.mask(str(error))}"
            bug = StageFailed(_BUG_CODE, {"code": "bug", "message": message})
            ending = {"state": FAILED, "exit_code": bug.exit_code, "error": bug.error}
        self._journal.scrub()
        repository.remove_tree(self._checkout)
        return self._save(ended_at=now(), **ending)

    def _stages(self) -> int:
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
        python = self._prepare()
        environ = self._training_environment(python, {**variables, **secrets})
        self._enter("check")
        checked = self._verb(python, environ, "check")
        self._journal.say(f"check: {checked.summary or 'passed'}")
        self._enter("compile")
        package = str(self._engine / "package.yaml")
        self._verb(python, environ, "compile", "--to", package)
        self._journal.say("compile: done")
        self._enter("run")
        ran = self._verb(python, environ, "run", *self._run_options(), accept=(0, _REJECTED_CODE))
        self._record(ran)
        self._enter("report")
        self._collect_report(python, environ, ran)
        return ran.exit_code

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
        return [*options, "--run-directory", str(self._engine)]

    def _verb(
        self, python: Path, environ: Mapping[str, str], verb: str, *options: str, accept: tuple[int, ...] = (0,)
    ) -> Envelope:
        """Run ``python -m pipelines.<branch>.main VERB`` and read its envelope."""
        argv = [str(python), "-m", f"pipelines.{self._run.branch}.main", verb, *options, "--output", "json"]
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
            metrics=_numbers(metrics) if isinstance(metrics, Mapping) else {},
        )

    def _collect_report(self, python: Path, environ: Mapping[str, str], ran: Envelope) -> None:
        """Put the report beside the log, where it is found without knowing the engine's folder."""
        told = ran.data.get("report")
        paths = {form: Path(str(told[form])) for form in _FORMS if told.get(form)} if isinstance(told, Mapping) else {}
        if not any(path.is_file() for path in paths.values()):
            options = ["--run-id", self._run.run_id] if self._run.run_id else []
            self._verb(python, environ, "report", *options, "--to", str(self._folder))
            paths = {form: self._folder / f"report.{form}" for form in _FORMS}
        report: dict[str, str] = {}
        for form, path in paths.items():
            target = self._folder / f"report.{form}"
            if path.is_file() and path != target:
                shutil.copyfile(path, target)
            if target.is_file():
                report[form] = str(target)
        decision = (read_json(Path(report["json"])) or {}).get("decision") if "json" in report else None
        comparison = _comparison(decision) if isinstance(decision, Mapping) else {}
        self._run = self._save(report=report, **comparison)

    def _enter(self, stage: str) -> None:
        self._run = self._save(stage=stage)
        self._journal.note(f"-- {stage}")

    def _save(self, **changes: Any) -> Run:
        return write_run(self._layout, self._run.with_(**changes))


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
