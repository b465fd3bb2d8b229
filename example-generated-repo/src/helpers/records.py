"""The documents that a training leaves behind: the gate's decision, the evaluation, the report.

``report.json`` is :class:`Report`; ``gate/decision.json`` and ``evaluation/evaluation.json`` are artifacts of the
MLflow run. All are plain data, so that a web page, an editor or a workflow can read them without this code.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Outcome = Literal["first", "improved", "unchanged", "regressed", "rejected", "failed"]
Task = Literal["regression", "binary", "multiclass"]


class Record(BaseModel):
    """A document or a part of one; unknown keys are an error, so that a misspelt key cannot pass in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")


class MetricRule(Record):
    """How the gate judges one metric (in the metric's own unit)."""

    higher_is_better: bool = Field(description="The metric's direction.")
    threshold: float | None = Field(
        default=None, description="The worst value that is acceptable, whatever the champion has."
    )
    tolerance: float = Field(default=0.0, ge=0, description="How much worse than the baseline is still acceptable.")
    minimum_gain: float = Field(default=0.0, ge=0, description="How much better than the baseline it has to be.")

    @field_validator("threshold", "tolerance", "minimum_gain", mode="before")
    @classmethod
    def _truth_is_no_number(cls, value: object) -> object:
        if isinstance(value, bool):  # 'yes' in YAML, which would quietly count as 1
            raise ValueError(f"this has to be a number, not {str(value).lower()}")
        return value


class MetricResult(Record):
    """One metric of a candidate beside the baseline's, and what the gate says of it."""

    name: str = Field(description="The metric's name.")
    value: float | None = Field(description="The candidate's value; null when it has none or it is not a number.")
    baseline: float | None = Field(description="The baseline's value, on the same test split where it could be scored.")
    gain: float | None = Field(description="How much better the candidate is; negative when it is worse.")
    rule: MetricRule
    passed: bool = Field(description="Whether it is good enough.")
    reason: str = Field(description="Why, in a sentence.")


class Baseline(Record):
    """What the candidate was compared with."""

    kind: Literal["champion", "last-success", "none"] = Field(
        description="'last-success': the last accepted run, where the branch has no champion."
    )
    version: str = Field(default="", description="The champion's model version.")
    run_id: str = Field(default="", description="The MLflow run that made it.")
    commit: str = Field(default="", description="The commit that it was trained from.")
    scored: Literal["test-split", "stored", "none"] = Field(
        default="none",
        description="'test-split': scored again on the candidate's test split; 'stored': its recorded metrics.",
    )
    note: str = Field(default="", description="Why it could not be scored again, or why there is no baseline.")


class Decision(Record):
    """The gate's verdict."""

    version: Literal[1] = 1
    outcome: Outcome = Field(
        description="'first': accepted, with nothing to compare with; 'improved': accepted, and the first metric is "
        "better; 'unchanged': accepted, and it is not; 'regressed': refused, because a metric is worse than the "
        "baseline's; 'rejected': refused for another reason; 'failed': the run failed."
    )
    passed: bool = Field(description="Whether the gate accepts it.")
    reasons: list[str] = Field(description="Why, each a sentence.")
    metrics: list[MetricResult] = Field(description="What each rule says.")
    baseline: Baseline


class Evaluation(Record):
    """What the evaluation step found on the test split; feeds the gate and the plots."""

    version: Literal[1] = 1
    task: Task
    target: str
    metrics: dict[str, float]
    baseline: Baseline
    baseline_metrics: dict[str, float] = {}
    labels: list[str] = Field(
        default=[], description="The classes, in the order of the columns of 'scores'; of two, the positive one last."
    )
    actual: list[float] | list[str] = Field(default=[], description="Target values of a sample of the test split.")
    predicted: list[float] | list[str] = Field(default=[], description="Predictions for the same rows.")
    scores: list[list[float]] = Field(default=[], description="Probability of each class for the same rows.")
    rows: int = Field(default=0, description="Rows of the whole test split.")


class DataRecord(Record):
    """A data source as it was when the model was trained."""

    name: str = Field(description="The source's name in data/sources.yaml.")
    address: str = Field(description="Where it lay, without credentials.")
    fingerprint: str = Field(description="'sha256:...' of the bytes that were read.")
    revision: str = Field(
        default="", description="What the source said of its state before it was read, for example 'etag:...'."
    )
    rows: int = Field(default=0, description="Rows that were used; 0 when the run ended before they were counted.")
    columns: dict[str, str] = Field(
        default={}, description="Column name to its kind: numeric, categorical, boolean, target."
    )
    notes: list[str] = Field(default=[], description="What was ignored or repaired, for example date columns.")


class StepRecord(Record):
    """One step of the pipeline."""

    name: str = Field(description="Its id in pipeline.yaml.")
    state: Literal["succeeded", "failed", "skipped"] = Field(description="How it ended.")
    seconds: float | None = Field(default=None, description="How long it took; null where it did not run.")


class Failure(Record):
    """Why a run failed."""

    step: str = Field(default="", description="The step that failed; empty where it was none.")
    message: str = Field(description="What happened, in a sentence.")
    hint: str = Field(default="", description="The next step that a person can take.")


class ModelRecord(Record):
    """The registered model version of this run."""

    name: str = Field(description="The registered model.")
    version: str = Field(description="Its version in the registry.")
    alias: str = Field(default="", description="The alias that this run moved to it, if any.")
    address: str = Field(description="For example 'model://diabetes-training/3'.")


class HistoryPoint(Record):
    """An earlier run of this branch, for the plot of a metric over time (oldest first)."""

    run_id: str = Field(description="The MLflow run.")
    started: str = Field(description="ISO 8601, UTC.")
    commit: str = Field(description="The commit that was trained.")
    metrics: dict[str, float] = Field(description="Its metrics by name.")
    passed: bool = Field(description="Whether the gate accepted it.")
    champion: bool = Field(description="Whether it is the branch's champion.")
    note: str = Field(
        default="", description="What it predicted instead, for example another positive class: then it has no metrics."
    )


class RunRecord(Record):
    """The run itself."""

    id: str = Field(description="The MLflow run's id.")
    name: str = Field(description="The MLflow run's name.")
    engine: str = Field(description="What ran it: local or kubeflow.")
    status: Literal["succeeded", "failed"] = Field(
        description="Whether all steps ended well; the gate's verdict is 'decision'."
    )
    started: str = Field(description="ISO 8601, UTC.")
    ended: str = Field(description="ISO 8601, UTC.")
    seconds: float = Field(description="From start to end.")
    tracking: str = Field(default="", description="Where the MLflow store is, without credentials.")
    ci_url: str = Field(default="", description="The page of the workflow's run, where one started it.")
    mlflow_url: str = Field(default="", description="The run's page, where the store is a server.")
    kubeflow_url: str = Field(default="", description="The run's page on Kubeflow, where it ran there.")


class Report(Record):
    """Everything that a person or a workflow wants to know of a training: the document ``report.json``."""

    version: Literal[1] = 1
    project: str = Field(description="The project's name in pipeline.yaml.")
    pipeline: str = Field(description="The pipeline's name in pipeline.yaml.")
    branch: str = Field(description="The branch that was trained.")
    commit: str = Field(description="The commit that was trained; what was not committed counts as '-dirty'.")
    actor: str = Field(description="Who started it.")
    trigger: str = Field(description="What started it: push, dispatch, hand or data.")
    reason: str = Field(default="", description="Why it was started, in the words of who started it.")
    repository: str = Field(default="", description="Its address on GitHub, where it is known.")
    run: RunRecord
    decision: Decision
    positive: str = Field(default="", description="Of two classes, the one that counts as positive.")
    promoted: bool = Field(description="Whether this run's model became the branch's champion.")
    model: ModelRecord | None = None
    failure: Failure | None = None
    data: list[DataRecord] = []
    parameters: dict[str, str] = Field(default={}, description="Every parameter of the run, as text.")
    steps: list[StepRecord] = Field(default=[], description="Each step of the pipeline.")
    history: list[HistoryPoint] = Field(default=[], description="Earlier runs of this branch, oldest first.")
    environment: dict[str, str] = Field(default={}, description="Python and library versions, SHA-256 of the lock.")
    addresses: dict[str, str] = Field(
        default={}, description="code://, data:// and model:// addresses of what went in and came out."
    )
