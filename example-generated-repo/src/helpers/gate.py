"""The gate: may this model become the champion? Pure functions of numbers and rules.

Everything is judged by *gain*: how much better the candidate is, whatever the metric's direction. A metric passes when
its value is a number, meets its threshold, and gains at least ``minimum_gain``; or, where that is 0, loses at most
``tolerance``. All metrics have to pass. A better value can therefore never turn a pass into a refusal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal

from helpers.documents import did_you_mean
from helpers.errors import ConfigurationError
from helpers.metrics import METRICS, same
from helpers.records import Baseline, Decision, MetricResult, MetricRule, Outcome
from helpers.report_words import number


def check_rules(rules: Mapping[str, MetricRule], *, where: str = "gate.metrics") -> None:
    """Refuses rules that contradict themselves or the meaning of a metric.

    Raises:
        ConfigurationError: The error names the metric.
    """
    if not rules:
        raise ConfigurationError(
            "The gate has no metric, so it could not refuse anything.", where=where, hint="Name at least one metric."
        )
    for name, rule in rules.items():
        numbers = (("threshold", rule.threshold), ("tolerance", rule.tolerance), ("minimum_gain", rule.minimum_gain))
        for key, value in numbers:
            if value is not None and not math.isfinite(value):
                raise ConfigurationError(f"'{key}' of '{name}' has to be a number, not {value}.", where=where)
        if rule.tolerance > 0 and rule.minimum_gain > 0:
            raise ConfigurationError(
                f"'{name}' has both a tolerance and a minimum gain: may it get worse, or has it to get better?",
                where=where,
                hint="Set one of them to 0.",
            )
        if name in METRICS and METRICS[name].higher_is_better != rule.higher_is_better:
            right = str(METRICS[name].higher_is_better).lower()
            raise ConfigurationError(
                f"'{name}' has the wrong direction: {METRICS[name].meaning}",
                where=where,
                hint=f"Set higher_is_better: {right}.",
            )


def judge(
    rules: Mapping[str, MetricRule],
    metrics: Mapping[str, float],
    baseline: Baseline,
    baseline_metrics: Mapping[str, float] | None = None,
) -> Decision:
    """The verdict on a candidate.

    Args:
        rules: How each metric is judged; the first one says whether a model that passes has improved.
        metrics: The candidate's metrics.
        baseline: What it is compared with.
        baseline_metrics: The metrics of that.

    Raises:
        ConfigurationError: The rules contradict themselves.
    """
    check_rules(rules)
    before = baseline_metrics or {}
    known = list(metrics)
    results = [_judge_metric(name, rule, metrics.get(name), before.get(name), known) for name, rule in rules.items()]
    passed = all(result.passed for result in results)
    refused = [result.reason for result in results if not result.passed]
    reasons = refused or [result.reason for result in results]
    if baseline.kind == "none" and passed:
        limits = any(rule.threshold is not None for rule in rules.values())
        why = "the thresholds alone decided." if limits else "no threshold is set, so any first model is accepted."
        reasons = [*reasons, f"There is no earlier model to compare with; {why}"]
    return Decision(outcome=_outcome(results), passed=passed, reasons=reasons, metrics=results, baseline=baseline)


def gain_of(value: float, baseline: float, *, higher_is_better: bool) -> Decimal:
    """How much better a value is than the baseline.

    The subtraction is decimal, so that 0.9 is better than 0.8 by exactly the 0.1 that a person wrote as minimum gain.
    """
    if same(value, baseline):
        return Decimal(0)
    difference = Decimal(repr(float(value))) - Decimal(repr(float(baseline)))
    return difference if higher_is_better else -difference


def _judge_metric(
    name: str, rule: MetricRule, value: float | None, baseline: float | None, known: list[str]
) -> MetricResult:
    odd = baseline is not None and not math.isfinite(baseline)
    before = None if odd else baseline
    if value is None or not math.isfinite(value):
        hint = did_you_mean(name, known)
        reason = f"{name} was not computed. {hint}".strip() if value is None else f"{name} is not a number."
        return MetricResult(name=name, value=None, baseline=before, gain=None, rule=rule, passed=False, reason=reason)
    gain = None if before is None else gain_of(value, before, higher_is_better=rule.higher_is_better)
    passed, reason = _apply(name, rule, value, before, gain)
    if odd:
        reason += " The baseline's value is not a number, so there is none to compare with."
    return MetricResult(
        name=name,
        value=value,
        baseline=before,
        gain=None if gain is None else float(gain),
        rule=rule,
        passed=passed,
        reason=reason,
    )


def _apply(name: str, rule: MetricRule, value: float, baseline: float | None, gain: Decimal | None) -> tuple[bool, str]:
    if not _meets_threshold(rule, value):
        relation = "below" if rule.higher_is_better else "above"
        return False, f"{name} is {_show(value, rule.threshold)}, {relation} the threshold of {_limit(rule.threshold)}."
    if gain is None or baseline is None:
        limit = "" if rule.threshold is None else f" and meets the threshold of {_limit(rule.threshold)}"
        return True, f"{name} is {_show(value)}{limit}; there is no earlier value."
    asked = rule.minimum_gain or rule.tolerance
    change = f"{name} is {_show(value)}, {_change(gain, asked)} ({_show(baseline)})"
    if rule.minimum_gain > 0:
        needed = Decimal(repr(rule.minimum_gain))
        verb = "reaches" if gain >= needed else "misses"
        return gain >= needed, f"{change}; it {verb} the minimum gain of {_limit(rule.minimum_gain)}."
    allowed = -Decimal(repr(rule.tolerance))
    if gain >= allowed:
        return True, f"{change}." if gain >= 0 else f"{change}; within the tolerance of {_limit(rule.tolerance)}."
    limit = f"more than the tolerance of {_limit(rule.tolerance)}" if rule.tolerance > 0 else "and no loss is tolerated"
    return False, f"{change}, {limit}."


def _meets_threshold(rule: MetricRule, value: float) -> bool:
    if rule.threshold is None:
        return True
    return value >= rule.threshold if rule.higher_is_better else value <= rule.threshold


def _outcome(results: list[MetricResult]) -> Outcome:
    if not all(result.passed for result in results):
        worse = any(not result.passed and result.gain is not None and result.gain < 0 for result in results)
        return "regressed" if worse else "rejected"
    compared = [result.gain for result in results if result.gain is not None]
    if not compared:
        return "first"
    return "improved" if compared[0] > 0 else "unchanged"


def _change(gain: Decimal, asked: float) -> str:
    if gain == 0:
        return "the same as before"
    return f"{_show(abs(float(gain)), asked)} {'better' if gain > 0 else 'worse'} than before"


def _show(value: float, limit: float | None = None) -> str:
    """The number as the report's table shows it; in full where it would look like the limit that it misses."""
    text = number(value)
    return repr(value) if limit is not None and value != limit and text == number(limit) else text


def _limit(value: float | None) -> str:
    return number(value, trim=True)
