"""Where a training can be looked at: the links that stand in its report, its mails and its summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers import report_words as words

if TYPE_CHECKING:
    from helpers.records import Report


def links(report: Report) -> dict[str, str]:
    """Name to address, the run's own first; only addresses that a browser opens."""
    found = {
        "Kubeflow run": words.link(report.run.kubeflow_url),
        "MLflow run": words.link(report.run.mlflow_url),
        "Workflow run": words.link(report.run.ci_url),
        "Commit": words.commit_link(report),
        "Repository": words.link(report.repository),
    }
    return {name: address for name, address in found.items() if address}
