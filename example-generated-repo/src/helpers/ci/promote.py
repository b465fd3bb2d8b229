"""``promote``: the pull request that brings an improved model's commit to the next branch, opened once, kept current.

It needs no token but the workflow's own: the push has reported the required check ``test`` on the same commit.
What cannot be done is said with the next step; it never fails a training.
"""

from __future__ import annotations

import argparse
import itertools
import re
from typing import Any

from helpers import report_words as words
from helpers.actions.conditions import holds
from helpers.ci import comparison as shown
from helpers.ci.job import BRANCHES, Job
from helpers.ci.targets import find_target, read_report, verdict
from helpers.github_api import ApiError
from helpers.records import Report
from helpers.report_markdown import markdown, plain

NEXT = dict(itertools.pairwise(BRANCHES))
LABEL = "promotion"
BEGIN, END = "<!-- mlopsgen: promotion -->", "<!-- mlopsgen: end of promotion -->"
LONGEST = 60_000
FORBIDDEN = "not permitted to create"


def promote(job: Job, options: argparse.Namespace) -> None:
    """Opens or updates the pull request; sets ``pull-request`` to its address, empty when there is none."""
    branch, target = options.branch, NEXT.get(options.branch, "")
    report = read_report(job.root / options.report, branch)
    page = ""
    if not target:
        _say(job, f"There is no branch after {branch}.")
    elif report is None:
        _say(job, f"Nothing is promoted: {options.report} holds no report of {branch}.")
    else:
        try:
            page = _promote(job, report, branch, target)
        except ApiError as error:
            _refused(job, error, branch, target)
    job.output(pull_request=page)


def _promote(job: Job, report: Report, branch: str, target: str) -> str:
    ahead = _ahead(job, branch, target)
    if not ahead:
        _say(job, f"Nothing is to promote: {target} has every commit of {branch} already.")
        return ""
    improved = holds("improved", report)
    open_one = _open(job, branch, target)
    if not improved and open_one is None:
        _say(job, f"Nothing is promoted: this training of {branch} did not improve it ({report.decision.outcome}).")
        return ""
    text = _body(job, report, branch, target, improved=improved)
    if open_one is None:
        title = f"Promote {branch} to {target}"
        open_one = _create(job, {"head": branch, "base": target, "title": title, "body": text}, text)
        done = "Opened"
    else:
        _update(job, open_one, text)
        done = "Updated"
    page = str(open_one.get("html_url", ""))
    _label(job, int(open_one["number"]))
    remark = "" if improved else f" This training did not improve {branch}; the pull request says so."
    _say(job, f"{done} {page}: {branch} is {words.counted(ahead, 'commit')} ahead of {target}.{remark}")
    return page


def _ahead(job: Job, branch: str, target: str) -> int:
    found = job.github.get(f"compare/{target}...{branch}", per_page=1)
    return int(found.get("ahead_by", 0)) if isinstance(found, dict) else 0


def _open(job: Job, branch: str, target: str) -> dict[str, Any] | None:
    """The pull request that is open already."""
    owner = job.repository.partition("/")[0]
    for one in job.github.pages("pulls", most=1, state="open", head=f"{owner}:{branch}", base=target):
        if one["head"]["ref"] == branch and one["base"]["ref"] == target:
            return one
    return None


def _create(job: Job, body: dict[str, str], text: str) -> dict[str, Any]:
    try:
        made = job.github.call("POST", "pulls", body).json
    except ApiError as error:
        other = _open(job, body["head"], body["base"]) if error.status != 403 else None
        if other is None:
            raise
        _update(job, other, text)  # another job was quicker, or the answer was lost
        return other
    found: dict[str, Any] = made
    return found


def _update(job: Job, pull: dict[str, Any], text: str) -> None:
    """Replaces the report in the description; what people wrote around it stays."""
    before = str(pull.get("body") or "")
    start, end = before.find(BEGIN), before.find(END)
    body = f"{before[:start]}{text}{before[end + len(END) :]}" if 0 <= start < end else f"{before}\n\n{text}".strip()
    if body != before:
        job.github.call("PATCH", f"pulls/{pull['number']}", {"body": body[:65_000]})


def _label(job: Job, number: int) -> None:
    try:
        job.github.call("POST", f"issues/{number}/labels", {"labels": [LABEL]})
    except ApiError as error:
        job.annotate("notice", f"The label '{LABEL}' is not set: {error.message} {error.hint}".strip())


def _body(job: Job, report: Report, branch: str, target: str, *, improved: bool) -> str:
    aim = find_target(job, target)
    decision = verdict(job, report, aim)
    page = words.link(report.run.ci_url) or job.run_url
    first = (
        f"The last training of **{branch}** improved it. Merging this brings its commits to **{target}**, which then "
        f"trains on its own data and decides by its own gate."
        if improved
        else f"**Wait:** the last training of **{branch}** did not improve it ({plain(report.decision.outcome)})."
    )
    lines = [BEGIN, first, "", f"- {shown.training_line(report, branch, page)}"]
    if aim.champion is not None:
        lines.append(f"- {shown.champion_line(aim.champion, target)}")
    lines.append("")
    if decision is not None:
        lines += [f"### {shown.headline(decision, target)}", ""]
        lines += shown.comparison(decision, left=branch, branch=target)
    lines += shown.notes(aim.notes)
    whole = re.sub(r"(?m)^(#+) ", r"##\1 ", markdown(report))
    room = LONGEST - sum(len(line) + 1 for line in lines)
    lines += ["<details><summary>The whole report</summary>", "", whole[: max(room, 0)], "</details>", END]
    return "\n".join(lines)


def _refused(job: Job, error: ApiError, branch: str, target: str) -> None:
    """Says why there is no pull request, and what to do."""
    if FORBIDDEN in error.said:
        text = (
            f"GitHub does not let workflows open pull requests here. Allow it: Settings, Actions, General, 'Allow "
            f"GitHub Actions to create and approve pull requests' (mlopsgen push does it: pull_requests: true). Or "
            f"open it yourself: {job.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{job.repository}/compare/"
            f"{target}...{branch}"
        )
    elif error.status == 404:
        text = f"There is no pull request from {branch} to {target}: one of the two branches is not there."
    else:
        text = f"The pull request from {branch} to {target} could not be made. {error.message} {error.hint}".strip()
    job.annotate("warning", text, title="Promotion")
    job.summarize(f"**Promotion:** {plain(text, 1000)}")


def _say(job: Job, text: str) -> None:
    job.tell(text)
    job.summarize(f"**Promotion:** {text}")
