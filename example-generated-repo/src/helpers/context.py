"""What a run knows about itself: one value that travels through the pipeline as the parameter ``context``.

It holds no secret: pipeline parameters are shown in logs and on dashboards.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Literal

Trigger = Literal["push", "dispatch", "hand", "data"]


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """Who trains what, where, and why.

    Attributes:
        project: The repository's name in slug form; part of model and experiment names.
        pipeline: The pipeline's name in ``pipeline.yaml``.
        branch: ``development``, ``staging`` or ``production``; selects the configuration and the champion.
        commit: The full commit name, with ``-dirty`` appended when the working tree had changes.
        actor: Who started it.
        trigger: What started it; only ``push``, ``dispatch`` and ``data`` come from a forge.
        reason: Why it was started, in the words of who started it.
        promote: Whether an accepted model becomes the branch's champion.
        repository: Address of the repository, without credentials.
        ci_url: Address of the workflow run, empty on one machine.
        run_id: The MLflow run that everything is logged to.
        lock: SHA-256 of ``requirements.txt``.
        submission: The name of the run on Kubeflow; its MLflow run is found, or begun, by it.
        platform: Address of Kubeflow's web pages, for links.
    """

    project: str
    pipeline: str
    branch: str
    commit: str = ""
    actor: str = ""
    trigger: Trigger = "hand"
    reason: str = ""
    promote: bool = False
    repository: str = ""
    ci_url: str = ""
    run_id: str = ""
    lock: str = ""
    submission: str = ""
    platform: str = ""

    @property
    def model_name(self) -> str:
        """The registered model that this pipeline trains."""
        return f"{self.project}-{self.pipeline}"

    @property
    def experiment_name(self) -> str:
        """The MLflow experiment of this pipeline on this branch."""
        return f"{self.project}-{self.pipeline}-{self.branch}"

    @property
    def champion_alias(self) -> str:
        """The registry alias that marks this branch's champion."""
        return f"champion-{self.branch}"

    def to_json(self) -> str:
        """The value of the pipeline parameter ``context``."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> RunContext:
        """The context that :meth:`to_json` wrote; keys of a newer version are left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in json.loads(text).items() if key in known})
