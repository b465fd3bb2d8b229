"""The numbers of one branch beside the champion of another, with the verdict that a promotion would get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from helpers import report_words as words
from helpers.gate import judge
from helpers.records import Baseline, Decision, HistoryPoint, MetricRule, Report
from helpers.report_markdown import code, link, metric_table, plain, table


@dataclass(frozen=True)
class Champion:
    """A branch's champion, as its reports tell of it.

    Attributes:
        metrics: Its numbers, on the test split of its own branch.
        note: Where they come from, or why there are none.
        known: Whether there is a champion at all.
    """

    metrics: Mapping[str, float]
    version: str = ""
    commit: str = ""
    note: str = ""
    known: bool = True


def metrics_of(report: Report) -> dict[str, float]:
    """Everything that is known of what a training measured: also what its own gate does not judge."""
    recorded = next((point.metrics for point in report.history if point.run_id == report.run.id), {})
    judged = {result.name: result.value for result in report.decision.metrics if result.value is not None}
    return {**recorded, **judged}


def champion_of(report: Report) -> Champion | None:
    """The branch's champion after a training; None when this report does not say."""
    baseline = report.decision.baseline
    if report.promoted:
        version = report.model.version if report.model else ""
        return Champion(metrics_of(report), version, report.commit, "It is the model of the branch's last training.")
    crowned = [point for point in report.history if point.champion]
    numbers = {result.name: result.baseline for result in report.decision.metrics if result.baseline is not None}
    if baseline.kind == "champion" and numbers:
        point = next((one for one in reversed(crowned) if one.run_id == baseline.run_id), None)
        how = "scored again on" if baseline.scored == "test-split" else "as recorded before"
        note = f"Its numbers are those that the branch's last training compared with, {how} that training's test split."
        if baseline.scored != "test-split":
            note = "Its numbers are those of its own training."
        return Champion({**(point.metrics if point else {}), **numbers}, baseline.version, baseline.commit, note)
    if crowned:
        return _former(crowned[-1])
    if report.run.status == "succeeded" and baseline.kind != "champion":
        return Champion({}, note=f"{report.branch} has no champion yet.", known=False)
    return None


def _former(point: HistoryPoint) -> Champion:
    return Champion(point.metrics, "", point.commit, "Its numbers are those of its own training.")


def promotion_verdict(report: Report, champion: Champion, rules: Mapping[str, MetricRule]) -> Decision:
    """What the gate of the next branch says of a model beside that branch's champion.

    Raises:
        ConfigurationError: The gate's rules contradict themselves, or there are none.
    """
    if not champion.known:
        return judge(rules, metrics_of(report), Baseline(kind="none", note=champion.note))
    baseline = Baseline(
        kind="champion",
        version=champion.version,
        commit=champion.commit,
        scored="stored" if champion.metrics else "none",
        note=champion.note,
    )
    return judge(rules, metrics_of(report), baseline, champion.metrics)


def same_data(report: Report, other: Report) -> bool:
    """Whether both trainings read the same data."""
    mine, theirs = ({(one.name, one.fingerprint) for one in each.data} for each in (report, other))
    return bool(mine) and mine == theirs


def learns_the_same(report: Report, other: Report | None, decision: Decision) -> bool:
    """Whether a verdict means something: the gate's metrics were measured, on data with the same columns."""
    if any(result.value is None for result in decision.metrics):
        return False
    mine, theirs = ([one.columns for one in each.data if one.columns] if each else [] for each in (report, other))
    return not mine or not theirs or mine == theirs


def numbers(report: Report, *, left: str) -> list[str]:
    """What a training measured, without a verdict, in Markdown."""
    rows = [[plain(name, 80), words.number(value)] for name, value in metrics_of(report).items()]
    return [*table(["Metric", plain(left, 60)], rows, right=(1,)), ""]


def comparison(decision: Decision, *, left: str, branch: str) -> list[str]:
    """The verdict in Markdown: a table and its reasons.

    Args:
        decision: What the gate says.
        left: What the numbers on the left are of.
        branch: Whose champion stands on the right.
    """
    lines = [words.metric_line(result, decision.baseline) for result in decision.metrics]
    compared = words.compared(decision.baseline)
    found = metric_table(lines, plain(left, 60), f"Champion of {branch}", compared=compared)
    reasons = [f"- {plain(reason)}" for reason in decision.reasons]
    return [*found, *reasons, ""]


def headline(decision: Decision, branch: str) -> str:
    """The verdict in a sentence."""
    if decision.passed:
        return f"\u2713 The gate of **{branch}** would accept this model"
    return f"\u2715 The gate of **{branch}** would refuse this model"


def champion_line(champion: Champion, branch: str) -> str:
    """Which champion that is."""
    if not champion.known:
        return plain(champion.note)
    version = f" (version {plain(champion.version, 40)})" if champion.version else ""
    commit = f", trained from {code(words.short_commit(champion.commit))}" if champion.commit else ""
    return f"Champion of {branch}{version}{commit}. {plain(champion.note)}"


def training_line(report: Report, name: str, page: str = "") -> str:
    """Which training that is."""
    commit = link(code(words.short_commit(report.commit)), words.commit_link(report)) if report.commit else ""
    when = plain(words.moment(report.run.started))
    run = (
        f", {link('workflow run', words.link(page or report.run.ci_url))}"
        if words.link(page or report.run.ci_url)
        else ""
    )
    return f"{plain(name, 60)}: trained {when}{f' from {commit}' if commit else ''}{run}."


def notes(lines: Sequence[str]) -> list[str]:
    """Remarks below a comparison."""
    return [f"> {plain(line, 600)}" for line in lines] + ([""] if lines else [])
