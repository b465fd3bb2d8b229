"""What a report says, in words and in formatted numbers.

The page, the job summary and the lines on a terminal all take their sentences from here, so they cannot disagree.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from helpers.metrics import same

if TYPE_CHECKING:
    from helpers.records import Baseline, Evaluation, HistoryPoint, MetricResult, MetricRule, Report

Tone = Literal["good", "bad", "broken"]

MINUS = "\u2212"
NOTHING = "\u2013"
_LONGEST = 400
_CONTROL = "\x00-\x08\x0b-\x1f\x7f-\x9f"
_UNSEEN = "\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufffe\uffff"
_INVISIBLE = re.compile(f"[{_CONTROL}{_UNSEEN}]")


def clean(text: object, limit: int = _LONGEST, *, lines: bool = False) -> str:
    """Text that can be shown: no control characters, nothing that turns the reading direction, not endless.

    Long text loses its middle, because the beginning and the end of an address or a message say most. Line breaks
    stay only where ``lines`` asks for them.
    """
    shown = _INVISIBLE.sub("\ufffd", str(text).replace("\r\n", "\n"))
    if not lines:
        shown = " ".join(shown.split())
    if len(shown) <= limit:
        return shown
    kept = limit - 1
    return f"{shown[: kept - kept // 3]}\u2026{shown[-(kept // 3) :]}"


def number(value: float | None, *, trim: bool = False) -> str:
    """A number for people: four significant digits, thousands apart; ``trim`` drops zeros that say nothing."""
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "\u221e" if value > 0 else f"{MINUS}\u221e"
    size = abs(value)
    if size == 0:
        text = "0"
    elif size >= 1e9 or size < 1e-4:
        text = f"{size:.3e}"
    elif size >= 1000:
        text = f"{size:,.0f}"
    else:
        text = f"{size:.{min(7, 3 - math.floor(math.log10(size)))}f}"
    if trim and "." in text and "e" not in text:
        text = text.rstrip("0").rstrip(".")
    return f"{MINUS}{text}" if value < 0 else text


def signed(value: float, beside: float) -> str:
    """A difference with its sign always shown, to the decimals that the value beside it is shown with."""
    _, _, decimals = number(beside).partition(".")
    places = len(decimals) if decimals.isdigit() else 0
    coarse = abs(value) < 0.5 * 10.0**-places * 10 or "e" in decimals
    text = number(abs(value), trim=True) if coarse else f"{abs(value):,.{places}f}"
    return f"{MINUS if value < 0 else '+'}{text}"


def percent(value: float, baseline: float) -> str:
    """The change relative to the baseline; empty where that has no meaning."""
    if baseline == 0 or not (math.isfinite(value) and math.isfinite(baseline)):
        return ""
    change = (value - baseline) / abs(baseline) * 100
    if abs(change) >= 1000:
        return ""
    rounded = round(change, 1 if abs(change) >= 0.1 else 2)
    text = f"{abs(rounded):.{1 if abs(change) >= 0.1 else 2}f} %"
    return f"{MINUS if rounded < 0 else '+' if rounded > 0 else ''}{text}"


def duration(seconds: float | None) -> str:
    """Seconds for people: ``0.8 s``, ``2 min 05 s``, ``1 h 03 min``."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def moment(text: str, form: Literal["full", "brief", "day"] = "full") -> str:
    """An ISO time as ``21 Nov 2026, 04:17 UTC``, ``21 Nov, 04:17`` or ``21 Nov``; other text is shown as it is."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return clean(text, 40)
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    if form == "full":
        return f"{when.day} {when:%b %Y, %H:%M} UTC"
    return f"{when.day} {when:%b, %H:%M}" if form == "brief" else f"{when.day} {when:%b}"


def counted(count: int, noun: str, plural: str = "") -> str:
    """``1 row``, ``1,234 rows``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def short_commit(commit: str) -> str:
    """A commit as people read it, with a word when the working tree had changes."""
    name, _, state = commit.partition("-")
    return clean(name[:10] + (" with local changes" if state else ""), 60)


def link(address: str) -> str:
    """The address when a page may link to it (http or https), else nothing."""
    return address if re.match(r"https?://[^\s\"'<>]+$", address) else ""


def commit_link(report: Report) -> str:
    """Where the commit can be read, for a repository with a web page."""
    base = link(report.repository).rstrip("/").removesuffix(".git")
    name = report.commit.partition("-")[0]
    return f"{base}/commit/{name}" if base and re.fullmatch(r"[0-9a-f]{7,64}", name) else ""


@dataclass(frozen=True)
class MetricLine:
    """One metric of the comparison, ready to be shown."""

    name: str
    direction: str
    value: str
    baseline: str
    arrow: str
    difference: str
    percent: str
    judgement: Literal["better", "worse", "same", ""]
    required: tuple[str, ...]
    passed: bool
    result: str
    reason: str

    @property
    def change(self) -> str:
        """The whole change in one line of text."""
        amount = f"{self.difference} ({self.percent})" if self.percent else self.difference
        return f"{self.arrow} {amount} {self.judgement}".strip() if self.arrow else self.judgement or NOTHING


def compared(baseline: Baseline) -> bool:
    """Whether there are numbers to stand beside the candidate's."""
    return baseline.kind != "none" and baseline.scored != "none"


def required(rule: MetricRule, baseline: Baseline) -> tuple[str, ...]:
    """What the gate asks of a metric, as short phrases."""
    phrases = []
    if rule.threshold is not None:
        phrases.append(f"{'at least' if rule.higher_is_better else 'at most'} {number(rule.threshold, trim=True)}")
    if compared(baseline):
        if rule.minimum_gain:
            phrases.append(f"at least {number(rule.minimum_gain, trim=True)} better")
        elif rule.tolerance:
            phrases.append(f"no more than {number(rule.tolerance, trim=True)} worse")
        else:
            phrases.append("not worse")
    return tuple(phrases) or ("no limit",)


def metric_line(result: MetricResult, baseline: Baseline) -> MetricLine:
    """A metric's row: value, baseline, change in both ways of saying it, what was asked, what came of it."""
    arrow = difference = relative = ""
    judgement: Literal["better", "worse", "same", ""] = ""
    value, before = result.value, result.baseline
    if value is not None and before is not None and math.isfinite(value) and math.isfinite(before):
        change = value - before
        if same(value, before):
            judgement = "same"
        else:
            arrow = "\u2191" if change > 0 else "\u2193"
            judgement = "better" if (change > 0) == result.rule.higher_is_better else "worse"
            difference, relative = signed(change, value), percent(value, before)
    return MetricLine(
        name=clean(result.name, 80),
        direction="higher is better" if result.rule.higher_is_better else "lower is better",
        value=number(value),
        baseline=number(before),
        arrow=arrow,
        difference=difference,
        percent=relative,
        judgement=judgement,
        required=required(result.rule, baseline),
        passed=result.passed,
        result="pass" if result.passed else "fail",
        reason=clean(result.reason),
    )


def metric_lines(report: Report) -> list[MetricLine]:
    """The gate's metrics, in the gate's order."""
    return [metric_line(result, report.decision.baseline) for result in report.decision.metrics]


def baseline_name(baseline: Baseline) -> str:
    """The baseline as a column heading."""
    return {"champion": "Champion", "last-success": "Last accepted run", "none": "Champion"}[baseline.kind]


def baseline_note(baseline: Baseline) -> str:
    """How the baseline got its numbers: whether like was compared with like."""
    if baseline.kind == "none":
        return clean(baseline.note) or "There is no earlier model on this branch to compare with."
    who = "the champion" if baseline.kind == "champion" else "the last accepted run"
    if baseline.version:
        who += f" (version {clean(baseline.version, 40)})"
    how = {
        "test-split": f"Like with like: {who} was scored again on this run's test split.",
        "stored": f"The numbers of {who} are those of its own run, on the test split of that time.",
        "none": f"There are no numbers of {who}.",
    }[baseline.scored]
    return f"{how} {clean(baseline.note)}".strip()


def positive_note(report: Report) -> str:
    """Which of two classes counts as positive."""
    return f"The positive class is '{clean(report.positive, 60)}'." if report.positive else ""


@dataclass(frozen=True)
class Verdict:
    """The answer to "did it pass, and why".

    Attributes:
        tone: Selects the accent: accepted, refused or failed.
        word: ``Accepted``, ``Refused``, ``Failed``, or ``Done`` where there was nothing to judge.
        headline: What that means, in a few words.
        reasons: Why.
        champion: Whether the champion moved.
    """

    tone: Tone
    word: str
    headline: str
    reasons: tuple[str, ...]
    champion: str

    @property
    def sign(self) -> str:
        """The verdict as one character beside the word."""
        return {"good": "\u2713", "bad": "\u2715", "broken": "!"}[self.tone]


def verdict(report: Report) -> Verdict:
    """The verdict in words."""
    decision = report.decision
    if report.run.status == "failed" or decision.outcome == "failed":
        step = report.failure.step if report.failure else ""
        headline = f"the step {clean(step, 80)} stopped with an error" if step else "the run stopped with an error"
        return Verdict("broken", "Failed", headline, (), champion_sentence(report))
    if decision.passed and not decision.metrics:
        reasons = tuple(clean(reason) for reason in decision.reasons)
        return Verdict("good", "Done", "every step ended well", reasons, champion_sentence(report))
    rival = "the champion" if decision.baseline.kind == "champion" else "the last accepted run"
    worse = any(result.gain is not None and result.gain < 0 for result in decision.metrics)
    known = decision.baseline.kind != "none"
    within = ", within the tolerance"
    accepted = {
        "first": f"it meets its thresholds; {rival} does not compare" if known else "the first model of this branch",
        "improved": f"better than {rival}",
        "unchanged": f"{'not better than' if worse else 'as good as'} {rival}{within if worse else ''}",
        "regressed": f"a little worse than {rival}{within}",
    }
    refused = {
        "first": "the first model misses what is required",
        "improved": f"better than {rival}, but not by enough",
        "unchanged": f"not better than {rival}",
        "regressed": f"worse than {rival}",
    }
    meaning = accepted if decision.passed else refused
    fallback = "every requirement is met" if decision.passed else "it misses what is required"
    return Verdict(
        "good" if decision.passed else "bad",
        "Accepted" if decision.passed else "Refused",
        meaning.get(decision.outcome, fallback),
        tuple(clean(reason) for reason in decision.reasons),
        champion_sentence(report),
    )


def champion_sentence(report: Report) -> str:
    """Whether the champion of the branch moved, and why not."""
    branch, baseline = clean(report.branch, 80), report.decision.baseline
    held = baseline.kind == "champion"
    stays = (
        f"The champion of {branch} is still version {clean(baseline.version, 40)}"
        if baseline.version
        else (f"The champion of {branch} did not move")
    )
    version = clean(report.model.version, 40) if report.model else ""
    # A training that never began has looked at no earlier run: whether there is a champion is not known.
    known = any(point.champion for point in report.history) or (report.failure is not None and not report.history)
    none = f"the champion of {branch} did not move" if known else f"{branch} has no champion yet"
    if report.promoted:
        before = f" It was version {clean(baseline.version, 40)} before." if held and baseline.version else ""
        name = f"Version {version}" if version else "This model"
        return f"{name} is now the champion of {branch}.{before}"
    if report.decision.passed and report.run.status == "succeeded":
        if report.model is None:
            return f"No model was registered. {stays}." if held else "No model was registered."
        kept = f"The model is registered as version {version}. " if version else ""
        state = stays if held else none
        by_hand = report.trigger == "hand"
        why = "a run by hand moves it only with --promote" if by_hand else "this run was not to move it"
        return f"{kept}{state[0].upper()}{state[1:]}: {why}."
    return f"{stays}." if held else f"{none[:1].upper()}{none[1:]}."


def title(report: Report) -> str:
    """The report's name, also the subject of a mail."""
    found = verdict(report)
    return f"{found.word}: {clean(report.project, 80)} {clean(report.pipeline, 80)} on {clean(report.branch, 80)}"


def columns_summary(columns: dict[str, str]) -> str:
    """``12 columns: 9 numeric, 2 categorical, 1 target``."""
    kinds: dict[str, int] = {}
    for kind in columns.values():
        kinds[kind] = kinds.get(kind, 0) + 1
    parts = ", ".join(f"{count:,} {clean(kind, 40)}" for kind, count in kinds.items())
    return f"{counted(len(columns), 'column')}: {parts}" if parts else "no columns"


def timeline(report: Report) -> list[HistoryPoint]:
    """The earlier runs and, as the last point, this one."""
    from helpers.records import HistoryPoint

    earlier = [point for point in report.history if point.run_id != report.run.id]
    if report.run.status == "failed":
        return earlier
    metrics = {result.name: result.value for result in report.decision.metrics if result.value is not None}
    present = HistoryPoint(
        run_id=report.run.id,
        started=report.run.started,
        commit=report.commit,
        metrics=metrics,
        passed=report.decision.passed,
        champion=report.promoted,
    )
    return [*earlier, present]


def point_result(point: HistoryPoint) -> str:
    """What came of an earlier run, in a word, and why it has no numbers."""
    word = "champion" if point.champion else "accepted" if point.passed else "refused"
    return f"{word} ({clean(point.note, 60)})" if point.note else word


def trigger(report: Report) -> str:
    """What started the run."""
    known = {"push": "a push", "dispatch": "a dispatch", "hand": "a run by hand", "data": "changed data"}
    what = known.get(report.trigger, clean(report.trigger, 60))
    return f"{what}: {clean(report.reason, 200)}" if report.reason else what


def split_note(evaluation: Evaluation | None) -> str:
    """What the plots were drawn from."""
    if evaluation is None:
        return ""
    shown = len(evaluation.actual)
    rows = f"{counted(evaluation.rows, 'row') if evaluation.rows else 'Rows'} that training never saw"
    sample = f"; the plots show {shown:,} of them" if 0 < shown < evaluation.rows else ""
    return f"{rows}{sample}. The target is {clean(evaluation.target, 80)}."


def also_measured(report: Report, evaluation: Evaluation | None) -> str:
    """The metrics that the gate does not judge, each with the baseline's value where it has one."""
    if evaluation is None:
        return ""
    judged = {result.name for result in report.decision.metrics}
    found = []
    for name, value in evaluation.metrics.items():
        if name not in judged:
            before = evaluation.baseline_metrics.get(name)
            was = f" (was {number(before)})" if before is not None else ""
            found.append(f"{clean(name, 80)} {number(value)}{was}")
    return f"Also measured: {', '.join(found)}." if found else ""


def finite(value: float | None) -> bool:
    """Whether a value is a number that can be compared and drawn."""
    return value is not None and math.isfinite(value)
