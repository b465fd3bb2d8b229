"""One training, from a commit to a verdict: checkout, environment, then the repository's own verbs."""

from __future__ import annotations

import os
import shutil
import traceback
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

from . import repository
from .layout import Layout, read_json
from .records import FAILED, REJECTED, RUNNING, SUCCEEDED, Run, now, write_run
from .verbs import Envelope, StageFailed, Verbs

_BUG_CODE, _REJECTED_CODE = 3, 6
_FORMS = ("html", "md", "json")
_FAILED_BEFORE = {"check": "the check before the training", "compile": "compiling the pipeline"}


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
        self._folder = layout.run(run.branch, run.number)
        # A new attempt gets a folder of its own: what the killed one left in its folder is nobody's run.
        self._engine = self._folder / ("engine" if run.attempt == 1 else f"engine-{run.attempt}")
        self._verbs = Verbs(
            layout,
            run.branch,
            run.commit,
            checkout=layout.work(run.branch) / f"{run.number}-{run.attempt}",
            environ=environ,
            folder=self._folder,
            keep_open=keep_open,
        )

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
        self._verbs.journal.scrub()
        repository.remove_tree(self._verbs.checkout)
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
            self._verbs.journal.note(line)
        message = f"The worker failed: {type(error).__name__}: {self._verbs.journal.mask(str(error))}"
        return StageFailed(_BUG_CODE, {"code": "bug", "message": message})

    def _stages(self) -> int:
        self._verbs.prepare(self._enter)
        self._enter("check")
        checked = self._verb("check")
        self._verbs.journal.say(f"check: {checked.summary or 'passed'}")
        self._enter("compile")
        package = str(self._engine / "package.yaml")
        self._verb("compile", "--to", package)
        self._verbs.journal.say("compile: done")
        self._enter("run")
        verb = "submit" if checked.data.get("engine") == "kubeflow" else "run"
        ran = self._verb(verb, *self._run_options(), accept=(0, _REJECTED_CODE))
        self._record(ran)
        self._enter("report")
        self._collect_report(ran)
        return ran.exit_code

    def _act(self, *, again: bool) -> None:
        """Let the repository tell people and start what follows; whatever comes of it, the verdict stays."""
        failed = _FAILED_BEFORE.get(self._run.stage, "the training")
        try:
            if again:
                self._verbs.prepare(self._enter)
            if not self._verbs.ready or not (self._verbs.checkout / "src" / "helpers" / "actions").is_dir():
                return
            report = self._run.result or self._run.report.get("json", "")
            if not report and self._run.exit_code in (0, _REJECTED_CODE):
                return
            self._run = self._save(acting=True)
            self._verbs.journal.note("-- act")
            options = ["--report", report] if report else ["--failed", failed]
            done = self._verbs.run("act", *options)
            if done.exit_code == 0 and done.data.get("results") == []:
                return  # nobody wants to hear of this training
            actions = {"exit_code": done.exit_code, "summary": done.summary}
        except Exception as error:  # noqa: BLE001 - a message that cannot be sent changes no verdict
            actions = {"exit_code": _BUG_CODE, "summary": self._bug(error).error["message"]}
        self._verbs.journal.say(f"actions: {actions['summary'] or 'failed; the log shows why'}")
        self._run = self._save(actions=actions)

    def _run_options(self) -> list[str]:
        run = self._run
        options = ["--promote", "--trigger", run.trigger, "--commit", run.commit]
        options += ["--actor", run.actor] if run.actor else []
        options += ["--reason", run.reason] if run.reason else []
        return [*options, "--run-directory", str(self._engine)]

    def _verb(self, verb: str, *options: str, accept: Container[int] = (0,)) -> Envelope:
        """Run a verb of the repository; what it returns has to be accepted."""
        done = self._verbs.run(verb, *options)
        if done.exit_code not in accept:
            self._record(done)
            self._copy_report(done)
            raise done.failure()
        return done

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

    def _collect_report(self, ran: Envelope) -> None:
        """Put the report beside the log, where it is found without knowing the engine's folder."""
        if not _told_report(ran.data):
            options = ["--run-id", self._run.run_id] if self._run.run_id else []
            self._verb("report", *options, "--to", str(self._folder))
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
        self._verbs.journal.note(f"-- {stage}")

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
