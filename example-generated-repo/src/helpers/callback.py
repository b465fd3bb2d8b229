"""``training-finished``: what a training on a cluster tells the repository, and what the repository believes of it.

The event goes through ``repository_dispatch``, so its payload has at most ten keys and less than 64 KiB. Whoever may
write to the repository can send one: it is checked like any input from outside.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import ValidationError

from helpers.config import BRANCHES
from helpers.errors import RepositoryError
from helpers.records import Report

EVENT = "training-finished"
LARGEST = 60_000
DROPPED = (
    ("history",),
    ("environment",),
    ("data", "columns"),
    ("data", "notes"),
    ("parameters",),
    ("addresses",),
    ("steps",),
)
"""What is left out of a report that is too large, the least needed first; then long texts and lists are cut."""

MOST = 20
LONGEST = 300


class PayloadError(RepositoryError):
    """The payload is not that of a training."""

    code = "payload"


def payload(report: Report) -> dict[str, Any]:
    """The ``client_payload`` of a training's end.

    Raises:
        RepositoryError: The report is too large even without what can be left out.
    """
    document = report.model_dump(mode="json")
    made = {"version": 1, "branch": report.branch, "commit": report.commit, "report": document}
    for path in (*DROPPED, ("texts",), None):
        if len(json.dumps(made).encode()) < LARGEST:
            return made
        if path == ("texts",):
            _shorten(document)
        elif path is not None:
            _empty(document, path)
    raise RepositoryError("The report is too large for an event of GitHub.", where=EVENT)


def read_payload(given: object) -> Report:
    """The report in a payload that somebody sent.

    Raises:
        PayloadError: It is none; the message says what is wrong.
    """
    if not isinstance(given, dict) or given.get("version") != 1:
        raise PayloadError("It has no 'version: 1'.", where="client_payload")
    branch, commit = given.get("branch"), given.get("commit")
    if branch not in BRANCHES:
        raise PayloadError("It names no branch that trains.", where="client_payload.branch")
    if not isinstance(commit, str) or not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise PayloadError("It names no commit.", where="client_payload.commit")
    try:
        report = Report.model_validate(given.get("report"), extra="ignore")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in ("client_payload.report", *first["loc"]))
        raise PayloadError(f"It holds no report: {first['msg']}.", where=place[:200]) from None
    if (report.branch, report.commit) != (branch, commit):
        raise PayloadError("Its report is of another branch or commit.", where="client_payload.report")
    return report


def _shorten(document: dict[str, Any]) -> None:
    """Cuts what has no end of its own: a failure's message, reasons, metrics, sources."""
    decision, failure = document["decision"], document["failure"]
    decision["reasons"] = [reason[:LONGEST] for reason in decision["reasons"][:MOST]]
    decision["metrics"] = [{**metric, "reason": metric["reason"][:LONGEST]} for metric in decision["metrics"][:MOST]]
    document["data"] = document["data"][:MOST]
    if failure:
        document["failure"] = {**failure, "message": failure["message"][:4000], "hint": failure["hint"][:LONGEST]}


def _empty(document: dict[str, Any], path: tuple[str, ...]) -> None:
    name = path[0]
    if len(path) == 1:
        document[name] = type(document[name])()
        return
    for item in document[name]:
        item[path[1]] = type(item[path[1]])()
