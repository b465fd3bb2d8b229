"""What can be said of the rules before a training: each mistake with its line in ``config.yaml``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.errors import ConfigurationError

if TYPE_CHECKING:
    from helpers.config import BranchConfig
    from helpers.documents import Document


def check_actions(config: BranchConfig, document: Document, branch: str) -> None:
    """Tries each template on a sample report of this branch, and looks at what the models alone cannot see.

    Raises:
        ConfigurationError: A rule cannot work.
    """
    _check_sender(config, document)
    names: dict[str, int] = {}
    for index, rule in enumerate(config.actions):
        if rule.name and rule.name in names:
            raise document.error(
                ("actions", index, "name"),
                f"The rule number {names[rule.name] + 1} is called '{rule.name}' too.",
                hint="Give each rule a name of its own: what was sent is kept under it.",
            )
        names[rule.name] = index
    _check_templates(config, document, branch)


def _check_sender(config: BranchConfig, document: Document) -> None:
    if config.sent_from == "pipeline" and config.engine != "kubeflow":
        raise document.error(
            ("sent_from",),
            f"Only a pipeline on Kubeflow can send its actions itself; the engine of this branch is '{config.engine}'.",
            hint="Write sent_from: ci.",
        )


def _check_templates(config: BranchConfig, document: Document, branch: str) -> None:
    found = [
        (("actions", index, *place), text)
        for index, rule in enumerate(config.actions)
        for place, text in rule.templates()
        if "{" in text
    ]
    if not found:
        return  # then Jinja2 is not imported either
    from helpers.actions import sample, texts

    gate = config.gate.metrics
    made = texts.fields(sample.report(config, branch), key="0" * 32, known_only=bool(gate), more=gate)
    for place, text in found:
        try:
            texts.render(text, made)
        except texts.TextError as error:
            raise ConfigurationError(error.message + ".", hint=error.hint, where=document.where(place)) from error
