"""The text part of a mail: it stands alone, for a reader who sees no HTML and no pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers import report_words as words
from helpers.report_links import links

if TYPE_CHECKING:
    from collections.abc import Sequence

    from helpers.records import Report

MOST_METRICS = 12
_LONGEST_NAME = 28


def text_part(report: Report, *, intro: str, with_report: bool, footer: Sequence[str]) -> str:
    """The whole text: the rule's own words, the verdict, the numbers, the links."""
    blocks = [[intro]] if intro else []
    if with_report:
        blocks += [
            _verdict(report), _failure(report), _metrics(report), _outcome(report), _links(report), data_lines(report),
            [origin(report)],
        ]  # fmt: skip
    blocks.append(["-- ", *footer])
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def about(report: Report) -> str:
    """What the mail is about, in a line."""
    parts = [report.project, report.pipeline, report.branch]
    return " \u00b7 ".join(words.clean(part, 80) for part in parts if part)


def origin(report: Report) -> str:
    """Who started it, when, on which commit, and how long it took."""
    parts = [words.moment(report.run.started), words.duration(report.run.seconds)]
    if report.commit:
        parts.append(f"commit {words.short_commit(report.commit)}")
    if report.actor:
        parts.append(f"by {words.clean(report.actor, 60)} ({words.trigger(report)})")
    return " \u00b7 ".join(parts)


def _verdict(report: Report) -> list[str]:
    found = words.verdict(report)
    return [f"{found.sign} {found.word}: {found.headline}", about(report)]


def reasons(report: Report) -> tuple[str, ...]:
    """Why it was refused; why it was accepted stands in the table already."""
    found = words.verdict(report)
    return () if found.tone == "good" and report.decision.metrics else found.reasons


def _outcome(report: Report) -> list[str]:
    return [*[f"- {reason}" for reason in reasons(report)], words.verdict(report).champion]


def _failure(report: Report) -> list[str]:
    if words.verdict(report).tone != "broken" or not report.failure:
        return []
    message = words.clean(report.failure.message, 4000, lines=True).splitlines()
    lines = ["What happened:", *[f"    {line}" for line in message]]
    return [*lines, "", f"Next step: {words.clean(report.failure.hint, 600)}"] if report.failure.hint else lines


def _metrics(report: Report) -> list[str]:
    rows = words.metric_lines(report)
    if not rows:
        return []
    compared = words.compared(report.decision.baseline)
    heads = ["Metric", "This run", *([words.baseline_name(report.decision.baseline), "Change"] if compared else []), ""]
    cells = [
        [
            words.clean(row.name, _LONGEST_NAME),
            row.value,
            *([row.baseline, row.change] if compared else []),
            row.result,
        ]
        for row in rows[:MOST_METRICS]
    ]
    widths = [max(len(line[index]) for line in [heads, *cells]) for index in range(len(heads))]
    lines = []
    for line in [heads, *cells]:
        padded = [
            cell.rjust(width) if index in (1, 2) else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        lines.append("  ".join(padded).rstrip())
    more = len(rows) - MOST_METRICS
    lines += [f"and {more} more in the report"] if more > 0 else []
    return [*lines, "", words.baseline_note(report.decision.baseline)]


def data_lines(report: Report) -> list[str]:
    """What it was trained on, a line for each source."""
    return [
        f"Data: {words.clean(one.name, 80)}, {words.counted(one.rows, 'row')}, {words.clean(one.address, 200)}"
        for one in report.data[:5]
    ]


def _links(report: Report) -> list[str]:
    return [f"{name}: {address}" for name, address in links(report).items()]
