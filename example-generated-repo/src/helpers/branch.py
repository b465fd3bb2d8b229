"""Everything that the text of one branch says: its configuration and the pipelines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from helpers.config import BranchConfig, load_config_document
from helpers.documents import Document
from helpers.pipeline_text import PipelinesText, read_pipelines
from helpers.ssh_config import check_ssh
from helpers.wiring import Overrides, Plan, check_overrides, plan_pipeline


@dataclass(frozen=True)
class Branch:
    """A branch's configuration beside the pipelines of the repository.

    Attributes:
        root: The repository.
        name: ``development``, ``staging`` or ``production``.
        config: ``config.yaml``.
        config_document: The same with its lines.
        text: ``pipeline.yaml``.
        text_document: The same with its lines.
    """

    root: Path
    name: str
    config: BranchConfig
    config_document: Document
    text: PipelinesText
    text_document: Document

    def plan(self, pipeline: str) -> Plan:
        """Wires a pipeline with this branch's parameters."""
        overrides = Overrides(self.config.parameters, self.config_document)
        return plan_pipeline(self.text, self.text_document, pipeline, root=self.root, overrides=overrides)

    def check_parameters(self) -> None:
        """Raises when the branch sets a parameter that no pipeline of the text has."""
        check_overrides(self.text, Overrides(self.config.parameters, self.config_document))


def load_branch(root: Path, name: str) -> Branch:
    """Reads the configuration and the pipelines.

    Raises:
        ConfigurationError: One of them is not there or not valid.
    """
    config, config_document = load_config_document(root, name)
    if config.kubeflow.access.ssh is not None:
        check_ssh(config.kubeflow.access.ssh, config_document)
    text, text_document = read_pipelines(root)
    return Branch(root, name, config, config_document, text, text_document)
