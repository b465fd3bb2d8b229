"""What the last step of a pipeline on a cluster does when the report is written: send the actions, call CI back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from helpers.actions import github, perform
from helpers.actions.delivery import DeliveryError, Occasion, deliver, redacted
from helpers.callback import payload
from helpers.config import BranchConfig, config_path, load_config
from helpers.errors import RepositoryError
from helpers.records import Report

EVENT = "training-finished"


def finished(root: Path, branch: str, folder: Path, environ: Mapping[str, str]) -> list[str]:
    """Carries out what the branch asks of the pipeline itself.

    Args:
        root: The repository, as it was sent to the cluster.
        branch: Its branch.
        folder: Where ``report.json`` lies; ``actions.json`` is written beside it.
        environ: The environment with the secrets of the cluster.

    Returns:
        What happened, line by line.

    Raises:
        RepositoryError: Continuous integration waits for a call, and it could not be made. A rule that fails is told
            and kept in ``actions.json``, and fails nothing.
    """
    config = load_config(root, branch)
    report = Report.model_validate_json((folder / "report.json").read_bytes())
    lines: list[str] = []
    occasion = Occasion(
        report=report,
        folder=folder,
        config=config,
        config_name=config_path(root, branch).relative_to(root).as_posix(),
        environ=environ,
    )
    if config.sent_from == "pipeline":
        results = perform.carry_out(perform.named(config.actions), occasion, sent_from="pipeline", say=lines.append)
        lines += [f"warning: the action '{result.rule}' was not delivered" for result in results if result.bad]
    if waits_for_call(config):
        lines += call_back(occasion)
    return lines


def waits_for_call(config: BranchConfig) -> bool:
    """Whether continuous integration ended after submitting and waits to be called."""
    return config.kubeflow.wait == "callback"


def call_back(occasion: Occasion) -> list[str]:
    """Dispatches ``training-finished`` with the report, to the repository that was trained.

    Raises:
        RepositoryError: GitHub did not take it.
    """
    lines: list[str] = []
    dispatch = github.event_of(occasion, EVENT, payload(occasion.report))
    try:
        receipt, _ = deliver(dispatch, attempts=5, done=(), say=lines.append)
    except DeliveryError as error:
        message = redacted(error.message, occasion.environ)
        raise RepositoryError(
            f"Continuous integration could not be told that the training has finished: {message}",
            hint=error.hint,
            where=error.where,
        ) from error
    return [*lines, f"{EVENT} -> {dispatch.target}: {receipt.message}"]
