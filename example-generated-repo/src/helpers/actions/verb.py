"""``act``: carries the rules of the branch out on the report of a training.

Exit codes: 0 everything that applies was delivered (or nothing applies), 5 some of it was and some was not (the same
command sends the rest), 1 nothing of it was. None of them says anything of the training itself.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import ValidationError

from helpers import workflow_commands
from helpers.actions import ledger, mail_message, perform, sample
from helpers.actions.delivery import Occasion
from helpers.actions.rules import Action
from helpers.config import BranchConfig, config_path, load_config
from helpers.documents import did_you_mean
from helpers.envelope import VerbResult
from helpers.errors import ConfigurationError, ExitCode, RepositoryError
from helpers.records import Baseline, Decision, Failure, Report, RunRecord
from helpers.report_words import clean
from helpers.verbs import Request, shown

AGAIN = "Mend the cause and run the same command again: what was delivered is not sent twice."


def act(request: Request) -> VerbResult:
    """Sends what the rules say, or shows what would be sent."""
    config = load_config(request.root, request.branch)
    rules = _chosen(config, request)
    with ExitStack() as stack:
        occasion = _occasion(request, config, stack)
        _remember(request, occasion)
        if _pipeline_sends(config, occasion):
            request.progress("the pipeline sends the actions of this branch (sent_from: pipeline), not this command")
            results = _told_by_pipeline(occasion, rules)
            _tell_github(request, results)
            return _outcome(results, occasion, by="the pipeline")
        if request.options["dry_run"]:
            return _dry_run(perform.show(rules, occasion), occasion)
        results = perform.carry_out(rules, occasion, sent_from="ci", say=request.progress)
        _tell_github(request, results)
        return _outcome(results, occasion)


def _chosen(config: BranchConfig, request: Request) -> list[tuple[str, Action]]:
    """The rules that were asked for, else all."""
    rules = perform.named(config.actions)
    names = [name for name, _ in rules]
    for wanted in request.options["rule"]:
        if wanted not in names:
            hint = did_you_mean(wanted, names) or "There are no rules."
            where = config_path(request.root, request.branch).relative_to(request.root).as_posix()
            raise ConfigurationError(f"There is no rule '{wanted}'.", where=where, hint=hint)
    return [(name, rule) for name, rule in rules if not request.options["rule"] or name in request.options["rule"]]


def _occasion(request: Request, config: BranchConfig, stack: ExitStack) -> Occasion:
    """The training that the rules are about: a sample, one that never began, or that of a report."""
    options = request.options
    made: dict[str, Any] = {
        "config": config,
        "config_name": config_path(request.root, request.branch).relative_to(request.root).as_posix(),
        "environ": request.environ,
    }
    if options["test"]:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sample-")))
        found = sample.report(config, request.branch, project=_project(request), repository=_repository(request))
        found = found.model_copy(update={"run": found.run.model_copy(update={"id": uuid4().hex})})
        occasion = Occasion(report=found, folder=folder, test=True, **made)
        mail_message.draw_sample(folder, occasion)
        return occasion
    if options["failed"]:
        return Occasion(report=_never_began(request, config), folder=None, **made)
    path = options["report"] or request.latest / "report" / "report.json"
    return Occasion(report=read_report(path.absolute(), request), folder=path.absolute().parent, **made)


def read_report(path: Path, request: Request) -> Report:
    """The report in a file.

    Raises:
        RepositoryError: There is none.
    """
    where = shown(path, request.root)
    try:
        found = Report.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise RepositoryError(
            "There is no report of a training.",
            where=where,
            hint=f"Train first (python -m pipelines.{request.branch}.main run), or name one with --report; "
            "--test sends a sample.",
        ) from None
    except OSError as error:
        raise RepositoryError(f"The report cannot be read: {error.strerror}.", where=where) from error
    except ValidationError as error:
        raise RepositoryError(
            f"This is no report of a training ({error.error_count()} mistakes in it).",
            where=where,
            hint="Name the report.json of a run with --report.",
        ) from error
    if found.branch != request.branch:
        raise RepositoryError(
            f"The report is of the branch '{clean(found.branch, 80)}', and these are the rules of '{request.branch}'.",
            where=where,
            hint="Use the main.py of that branch, or name another report with --report.",
        )
    return found


def _never_began(request: Request, config: BranchConfig) -> Report:
    """The report of a training that did not come into being: something before it failed."""
    environ, now = request.environ, datetime.now(UTC).isoformat(timespec="seconds")
    what = request.options["failed"].strip()
    message, hint = _why(request.options["outcome"])
    said = f"{what[:1].upper()}{what[1:]} failed, so nothing was trained."
    ci_run = environ.get("GITHUB_RUN_ID", "").strip()
    repository = _repository(request)
    return Report(
        project=_project(request),
        pipeline=request.pipeline or "training",
        branch=request.branch,
        commit=environ.get("GITHUB_SHA", "").strip(),
        actor=environ.get("GITHUB_ACTOR", "").strip(),
        trigger=request.options["trigger"],
        repository=repository,
        run=RunRecord(
            id=f"ci-{ci_run}" if ci_run else f"none-{uuid4().hex}",
            name="",
            engine=config.engine,
            status="failed",
            started=now,
            ended=now,
            seconds=0.0,
            ci_url=f"{repository}/actions/runs/{ci_run}" if repository and ci_run else "",
        ),
        decision=Decision(outcome="failed", passed=False, reasons=[], metrics=[], baseline=Baseline(kind="none")),
        promoted=False,
        failure=Failure(message=f"{said}\n{message}".strip(), hint=hint),
    )


def _why(outcomes: Sequence[Path]) -> tuple[str, str]:
    """The message and the hint of the first verb that failed, out of the documents that ``--result`` wrote."""
    for path in outcomes:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            error = document["error"] or {}
            if not document["ok"] and error.get("message"):
                place = f"{error['where']}: " if error.get("where") else ""
                return f"{place}{error['message']}", str(error.get("hint", ""))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return "", "Look at the log of the workflow run."


def _project(request: Request) -> str:
    """The project's name; what failed may be the very file that it stands in."""
    try:
        return request.load().text.project
    except RepositoryError:
        return _repository(request).rpartition("/")[2] or request.root.name


def _repository(request: Request) -> str:
    server, name = (request.environ.get(f"GITHUB_{key}", "").strip() for key in ("SERVER_URL", "REPOSITORY"))
    return f"{server}/{name}" if server and name else ""


def _remember(request: Request, occasion: Occasion) -> None:
    """Takes over what an earlier attempt of the same job has sent, where this one knows nothing yet."""
    earlier, folder = request.options["sent"], occasion.folder
    if earlier is None or folder is None or occasion.test or (folder / ledger.NAME).exists() or not earlier.is_file():
        return
    known, _ = ledger.read(earlier.parent, occasion.report.run.id) if earlier.name == ledger.NAME else (None, "")
    if known is not None and known.entries:
        shutil.copyfile(earlier, folder / ledger.NAME)
        request.progress(f"{len(known.entries)} of the actions were sent by an earlier attempt")


def _pipeline_sends(config: BranchConfig, occasion: Occasion) -> bool:
    """Whether the pipeline on the cluster has sent the actions of this training itself."""
    ran = occasion.folder is not None and occasion.report.run.engine == "kubeflow"
    return config.sent_from == "pipeline" and ran and not occasion.test


def _told_by_pipeline(occasion: Occasion, rules: Sequence[tuple[str, Action]]) -> list[perform.Result]:
    """What the pipeline wrote down of its actions, where that came back with the report."""
    known, _ = ledger.read(occasion.folder, occasion.report.run.id)
    names = {name for name, _ in rules}
    return [
        perform.Result(
            rule=entry.rule, do=entry.do, when=entry.when, key=entry.key, target=entry.target, refused=entry.refused,
            state="failed" if entry.state == "failed" else "already", message=entry.message, hint=entry.hint,
        )
        for entry in known.entries
        if entry.rule in names
    ]  # fmt: skip


def _dry_run(results: Sequence[perform.Result], occasion: Occasion) -> VerbResult:
    lines = []
    for result in results:
        lines.append(f"== {result.rule} (when: {', '.join(result.when)}): {result.state}")
        lines += [f"   to: {result.target}"] if result.target else []
        lines += [f"   {result.message} {result.hint}".rstrip()] if result.message else []
        lines += [f"   idempotency key: {result.key}"] if result.shown else []
        lines += [f"   | {text}".rstrip() for text in result.shown]
    ready = [result for result in results if result.state in ("would be sent", "would fail")]
    bad = [result for result in results if result.bad]
    lacking = len([result for result in ready if result.state == "would fail"])
    summary = f"{_count(len(ready))} would be sent; nothing was."
    summary += f" {lacking} of them would fail, for want of a variable or secret." if lacking else ""
    error = RepositoryError(bad[0].message, hint=bad[0].hint) if bad else None
    return VerbResult(
        summary=summary if not bad else f"{summary} {_count(len(bad))} could not be sent.",
        data={"dry_run": True, "test": occasion.test, "results": [result.to_json() for result in results]},
        lines=tuple(lines),
        exit_code=_code(len(ready), len(bad)),
        error=error,
    )


def _outcome(results: Sequence[perform.Result], occasion: Occasion, *, by: str = "") -> VerbResult:
    told = [result for result in results if result.state != "does not apply"]
    bad = [result for result in told if result.bad]
    reached = [result for result in told if result.state in ("delivered", "already", "partly")]
    data = {"dry_run": False, "test": occasion.test, "results": [result.to_json() for result in results]}
    if not results:
        summary = "The branch has no rules under 'actions'; nothing is sent."
        return VerbResult(summary=f"Nothing is known of what {by} has sent." if by else summary, data=data)
    if not told:
        return VerbResult(summary=f"None of {_count(len(results))} applies to this training.", data=data)
    again = [result for result in told if result.state == "already"]
    summary = f"{_count(len(reached) if by else len(reached) - len(again))} sent"
    summary += f", {len(again)} before" if again and not by else ""
    summary += f", {len(bad)} NOT delivered" if bad else ""
    summary += f" by {by}" if by else ""
    first = bad[0] if bad else None
    return VerbResult(
        summary=f"{summary}.",
        data=data,
        next_steps=(AGAIN,) if bad and not by else (),
        exit_code=_code(len(reached), len(bad)),
        error=RepositoryError(f"{first.rule}: {first.message}", hint=first.hint) if first else None,
    )


def _code(good: int, bad: int) -> ExitCode:
    if not bad:
        return ExitCode.OK
    return ExitCode.PARTIAL if good else ExitCode.FAILURE


def _count(number: int) -> str:
    return f"{number} action{'' if number == 1 else 's'}"


def _tell_github(request: Request, results: Sequence[perform.Result]) -> None:
    """Failures beside the workflow run, and all results in its summary."""
    if request.environ.get("GITHUB_ACTIONS") != "true":
        return
    for result in results:
        if result.bad:
            request.progress(perform.annotation(result))
    text, path = perform.summary(results), request.environ.get("GITHUB_STEP_SUMMARY", "")
    if text and path:
        with suppress(OSError):  # a summary is not worth a failure
            workflow_commands.append_summary(Path(path), text)
