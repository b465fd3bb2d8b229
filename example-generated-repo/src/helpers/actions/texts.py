"""The templates of rules: Jinja2 in a sandbox, with the fields of a report.

The same fields are always there: what a report does not have is empty text, so that a template that works on one
training works on all.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta
from jinja2.sandbox import SandboxedEnvironment

from helpers import report_words as words
from helpers.documents import did_you_mean
from helpers.report_links import links

if TYPE_CHECKING:
    from collections.abc import Iterable

    from helpers.records import Report

LONGEST = 20_000
"""Characters of a rendered text; more of it is cut."""


class TextError(ValueError):
    """A template does not work; ``hint`` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Metrics(dict[str, dict[str, Any]]):
    """Metrics by name. One that a training does not have is empty, unless only known ones are allowed."""

    known_only = False

    def __missing__(self, name: str) -> dict[str, Any]:
        if self.known_only:
            raise KeyError(name)
        return _metric_fields()


def fields(
    report: Report, *, key: str, test: bool = False, known_only: bool = False, more: Iterable[str] = ()
) -> dict[str, Any]:
    """What a template can use.

    Args:
        report: The training.
        key: The idempotency key of the delivery.
        test: Whether this is a sample.
        known_only: Whether a metric that the report does not have is a mistake.
        more: Names of metrics that are known although this report does not have them.
    """
    found = words.verdict(report)
    metrics = Metrics({name: _metric_fields() for name in more})
    metrics |= _metrics(report)
    metrics.known_only = known_only
    model, failure = report.model, report.failure
    return {
        "project": report.project,
        "pipeline": report.pipeline,
        "branch": report.branch,
        "commit": report.commit,
        "short_commit": words.short_commit(report.commit),
        "actor": report.actor,
        "trigger": report.trigger,
        "repository": report.repository,
        "title": words.title(report),
        "verdict": found.word,
        "headline": found.headline,
        "reasons": list(found.reasons),
        "champion": found.champion,
        "outcome": report.decision.outcome,
        "passed": report.decision.passed,
        "promoted": report.promoted,
        "metrics": metrics,
        "model": {key: getattr(model, key, "") for key in ("name", "version", "alias", "address")},
        "failure": {key: getattr(failure, key, "") for key in ("step", "message", "hint")},
        "run": {
            "id": report.run.id,
            "name": report.run.name,
            "engine": report.run.engine,
            "status": report.run.status,
            "started": report.run.started,
            "ended": report.run.ended,
            "seconds": report.run.seconds,
            "url": report.run.ci_url,
        },
        "data": [{"name": one.name, "address": one.address, "rows": one.rows} for one in report.data],
        "parameters": dict(report.parameters),
        "links": links(report),
        "idempotency_key": key,
        "test": test,
    }


def render(template: str, given: dict[str, Any]) -> str:
    """A template's text.

    Raises:
        TextError: It does not work with these fields.
    """
    if "{" not in template:
        return template
    try:
        text = _environment().from_string(template).render(given)
    except TemplateSyntaxError as error:
        raise TextError(f"The template is not valid: {error.message} (line {error.lineno} of it)") from error
    except TemplateError as error:
        said = words.clean(error, 200).replace(f"'{__name__}.Metrics object'", "'metrics'")
        raise TextError(f"The template does not work: {said}", _suggestion(template, given)) from error
    except Exception as error:  # a template is a small program; whatever it stumbles over is its mistake, not ours
        message = f"The template does not work: {type(error).__name__}: {words.clean(error, 200)}"
        raise TextError(message, _suggestion(template, given)) from error
    return text[:LONGEST]


def render_line(template: str, given: dict[str, Any], limit: int = 300) -> str:
    """A template's text on one line, without control characters."""
    return words.clean(render(template, given), limit)


def render_all(value: Any, given: dict[str, Any]) -> Any:
    """A nested value with each text in it rendered."""
    if isinstance(value, str):
        return render(value, given)
    if isinstance(value, dict):
        return {str(key): render_all(part, given) for key, part in value.items()}
    if isinstance(value, list):
        return [render_all(part, given) for part in value]
    return value


def _metric_fields(**given: Any) -> dict[str, Any]:
    empty = {"value": "", "baseline": "", "gain": "", "shown": words.NOTHING, "shown_baseline": words.NOTHING}
    return {**empty, "change": words.NOTHING, "passed": False, **given}


def _metrics(report: Report) -> dict[str, dict[str, Any]]:
    return {
        result.name: _metric_fields(
            value="" if result.value is None else result.value,
            baseline="" if result.baseline is None else result.baseline,
            gain="" if result.gain is None else result.gain,
            shown=line.value,
            shown_baseline=line.baseline,
            change=line.change,
            passed=result.passed,
        )
        for result, line in zip(report.decision.metrics, words.metric_lines(report), strict=True)
    }


def _suggestion(template: str, given: dict[str, Any]) -> str:
    known = ", ".join(sorted(given))
    try:
        unknown = sorted(meta.find_undeclared_variables(_environment().parse(template)) - set(given))
    except TemplateError:
        unknown = []
    if unknown:
        return did_you_mean(unknown[0], given)
    metric = re.search(r"metrics\.(\w+)", template)
    if metric and metric[1] not in given["metrics"]:
        return did_you_mean(metric[1], given["metrics"])
    return f"The fields are: {known}; docs/actions.md explains them."


@cache
def _environment() -> SandboxedEnvironment:
    return SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=False)
