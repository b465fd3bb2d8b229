"""``compare``: one comment on a pull request, updated in place: its model beside the champion of the target branch.

A pull request from a fork has a token that only reads; then, and wherever a right is missing, the job's summary alone
says it. Nothing here fails a pull request.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from helpers.ci import comparison as shown
from helpers.ci.job import BRANCHES, Job
from helpers.ci.reports import Search
from helpers.ci.targets import as_report, find_target, read_report, verdict
from helpers.errors import ConfigurationError
from helpers.github_api import ApiError, RateLimitError
from helpers.records import Report
from helpers.report_markdown import plain

MARK = "<!-- mlopsgen: model comparison -->"
BOT = "github-actions[bot]"
LONGEST = 60_000
SAMPLE = "this pull request, on the sample"


@dataclass(frozen=True)
class PullRequest:
    """What the event says of the pull request; names in it were chosen by its author."""

    number: int
    head: str
    base: str
    from_fork: bool


def compare(job: Job, options: argparse.Namespace) -> None:
    """Writes the comparison to the summary, and as the comment where the token may."""
    pull = _pull_request(job)
    text = _text(job, pull, options)
    job.summarize(text)
    if pull.from_fork:
        job.tell("The pull request comes from a fork, whose token only reads: the comparison is in the summary.")
        return
    try:
        place = put_comment(job, pull.number, f"{MARK}\n{text[:LONGEST]}")
        job.tell(f"The comparison is in the summary and in {place}")
    except RateLimitError as error:
        job.annotate("warning", f"The comment is not up to date: {error}")
    except ApiError as error:
        job.annotate("notice", f"The comparison is in the summary only: {error.message} {error.hint}".strip())


def put_comment(job: Job, number: int, text: str) -> str:
    """Writes the one comment of this job's kind, and gives its address.

    Two jobs at the same time may both have found none; so the first one stays, and a later one goes.

    Raises:
        ApiError: GitHub refused.
    """
    mine = _comments(job, number)
    if not mine:
        made = job.github.call("POST", f"issues/{number}/comments", {"body": text}).json
        mine = _comments(job, number)
        if len(mine) <= 1:
            return str(made.get("html_url", ""))
    first, *others = mine
    answer = job.github.call("PATCH", f"issues/comments/{first['id']}", {"body": text}).json
    for one in others:
        job.github.call("DELETE", f"issues/comments/{one['id']}")
    return str(answer.get("html_url", ""))


def _comments(job: Job, number: int) -> list[dict[str, Any]]:
    """The comments that a workflow of this kind wrote, the oldest first; one that a person copied does not count."""
    listed = job.github.pages(f"issues/{number}/comments", most=10)
    found = [one for one in listed if str(one.get("body", "")).startswith(MARK) and _by_bot(one)]
    return sorted(found, key=lambda one: int(one["id"]))


def _by_bot(comment: dict[str, Any]) -> bool:
    user = comment.get("user")
    return isinstance(user, dict) and user.get("login") == BOT and user.get("type") == "Bot"


def _pull_request(job: Job) -> PullRequest:
    found = job.event.get("pull_request")
    try:
        head, base = found["head"], found["base"]  # type: ignore[index]
        source = (head.get("repo") or {}).get("full_name", "")
        return PullRequest(
            int(found["number"]),  # type: ignore[index]
            str(head["ref"]),
            str(base["ref"]),
            str(source).lower() != job.repository.lower(),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError("This is no event of a pull request.", where="GITHUB_EVENT_PATH") from error


def _text(job: Job, pull: PullRequest, options: argparse.Namespace) -> str:
    if pull.base not in BRANCHES:
        return f"### No comparison\n\n{plain(pull.base, 80)} is no branch that trains."
    report, name, page = _candidate(job, pull, options)
    if report is None:
        return f"### No comparison with {pull.base}\n\n{plain(name, 600)}"
    target = find_target(job, pull.base)
    decision = verdict(job, report, target)
    if decision is not None and name == SAMPLE and not shown.learns_the_same(report, target.report, decision):
        return _without_verdict(report, name, page, pull.base)
    head = shown.headline(decision, pull.base) if decision else f"No verdict of **{pull.base}**"
    lines = [f"### {head}", "", f"- {shown.training_line(report, name, page)}"]
    if name in BRANCHES and not report.decision.passed:
        lines.append(f"- **Wait:** {name} itself did not accept this training ({plain(report.decision.outcome, 40)}).")
    if target.champion is not None:
        lines.append(f"- {shown.champion_line(target.champion, pull.base)}")
    lines.append("")
    if decision is not None:
        lines += shown.comparison(decision, left=name, branch=pull.base)
    return "\n".join([*lines, *shown.notes(target.notes)])


def _candidate(job: Job, pull: PullRequest, options: argparse.Namespace) -> tuple[Report | None, str, str]:
    """The training that speaks for the pull request, what it is called, and its page; or why there is none."""
    if pull.head in BRANCHES and not pull.from_fork:
        search = Search(job, pull.head)
        try:
            for last in search:
                report = as_report(last.document)
                if report is not None and report.decision.metrics:
                    return report, pull.head, last.found.url
        except ApiError as error:
            return None, f"The reports of {pull.head} cannot be asked for: {error.message} {error.hint}", ""
        return None, " ".join([f"There is no report of a training of {pull.head} yet.", *search.notes]), ""
    report = read_report(job.root / options.report, pull.base) if options.report else None
    if report is None or not report.decision.metrics:
        return None, "The short training on the sample left no numbers to compare.", ""
    return report, SAMPLE, ""


def _without_verdict(report: Report, name: str, page: str, base: str) -> str:
    """A sample of something else says that the pull request trains, and nothing of how it stands."""
    lines = [f"### It trains; the sample is other data than **{base}** learns from, so there is no verdict", ""]
    lines += [f"- {shown.training_line(report, name, page)}", "", *shown.numbers(report, left=name)]
    own = "For a comparison here, let the source `sample` in `data/sources.yaml` be a small part of your own data."
    return "\n".join([*lines, f"How its model stands, the training after the merge will say. {own}", ""])
