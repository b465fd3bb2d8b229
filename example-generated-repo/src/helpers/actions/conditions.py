"""When a rule applies: ``when:`` of a rule against the report of a training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from helpers.actions.rules import Condition
    from helpers.records import Report


def holds(condition: Condition, report: Report) -> bool:
    """Whether a condition holds for a training.

    - ``improved``: accepted, and better than what it was compared with, or the first accepted model.
    - ``regressed``: trained to the end, and the gate refused it.
    - ``failed``: a step ended with an error, or no training came into being.
    - ``succeeded``: trained to the end, whatever the gate said.
    - ``data_changed``: it was started because the data changed.
    """
    decision = report.decision
    failed = report.run.status == "failed" or decision.outcome == "failed"
    match condition:
        case "always":
            return True
        case "failed":
            return failed
        case "succeeded":
            return not failed
        case "data_changed":
            return report.trigger == "data"
        case "regressed":
            return not failed and not decision.passed
        case "improved":
            return not failed and decision.passed and decision.outcome in ("first", "improved")


def met(conditions: Iterable[Condition], report: Report) -> list[Condition]:
    """Those of the conditions that hold."""
    return [condition for condition in conditions if holds(condition, report)]
