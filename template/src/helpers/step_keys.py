"""What a step may ask of the machine that runs it: the models of those keys in ``pipeline.yaml`` and ``config.yaml``.

A cluster obeys all of them; the local engine obeys what has a meaning on one machine and says once what has none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

GPU = "nvidia.com/gpu"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SECRET = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_SECRET_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Part(BaseModel):
    """A part of a text; a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)


def seconds_of(value: Any) -> int:
    """Seconds of ``90``, ``90s``, ``15m``, ``2h`` or ``1d``."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    match = re.fullmatch(r"([1-9][0-9]*)\s*([smhd])", value) if isinstance(value, str) else None
    if match is None:
        message = f"'{value}' has to be a time such as 90s, 15m, 2h or 1d"
        raise ValueError(message)
    return int(match[1]) * _UNITS[match[2]]


def secret_variables(value: Any) -> dict[str, dict[str, str]]:
    """Secrets of a cluster as ``{secret: {key: VARIABLE}}``; a list of names stands for keys that are called so."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError("this has to name Secrets of the cluster: {SECRET: [VARIABLE]} or {SECRET: {key: VARIABLE}}")
    found: dict[str, dict[str, str]] = {}
    taken: dict[str, str] = {}
    for secret, keys in value.items():
        if not _SECRET.fullmatch(str(secret)) or len(str(secret)) > 253:
            message = f"'{secret}' is no name of a Kubernetes Secret: lower-case letters, digits, '-' and '.'"
            raise ValueError(message)
        names = {str(name): str(name) for name in keys} if isinstance(keys, list) else keys
        if not isinstance(names, Mapping) or not names:
            message = f"'{secret}' needs its keys: [VARIABLE] or {{key: VARIABLE}}"
            raise ValueError(message)
        for key, variable in names.items():
            _check_variable(str(secret), str(key), variable, taken)
        found[str(secret)] = {str(key): str(variable) for key, variable in names.items()}
    return found


def _check_variable(secret: str, key: str, variable: Any, taken: dict[str, str]) -> None:
    if not _SECRET_KEY.fullmatch(key):
        message = f"'{key}' is no key of a Kubernetes Secret: letters, digits, '-', '_' and '.'"
        raise ValueError(message)
    if not isinstance(variable, str) or not _VARIABLE.fullmatch(variable):
        # A value in the place of the name would be a secret in the repository, so it is not repeated here.
        message = f"the key '{key}' of '{secret}' has to name an environment variable"
        raise ValueError(message)
    if variable in taken:
        message = f"the variable '{variable}' comes from '{taken[variable]}' and from '{secret}'"
        raise ValueError(message)
    taken[variable] = secret


def text_of_number(value: Any) -> Any:
    """``2`` and ``0.5`` as the text that a cluster takes them as."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


# The types behind 'json_schema_input_type' are what people may write, for editors and for the reference.
Seconds = Annotated[
    int,
    BeforeValidator(
        seconds_of,
        json_schema_input_type=Annotated[int, Field(gt=0)] | Annotated[str, Field(pattern=r"^[1-9][0-9]*\s*[smhd]$")],
    ),
]
SecretVariables = Annotated[
    dict[str, dict[str, str]],
    BeforeValidator(secret_variables, json_schema_input_type=dict[str, dict[str, str] | list[str]] | None),
]
_Cpu = Annotated[str, Field(pattern=r"^([0-9]+(\.[0-9]+)?|[0-9]+m)?$")]
_Memory = Annotated[str, Field(pattern=r"^([0-9]+(\.[0-9]+)?(E|Ei|P|Pi|T|Ti|G|Gi|M|Mi|K|Ki)?)?$")]


class Accelerator(Part):
    """Graphics cards and their like."""

    type: str = Field(default=GPU, pattern=r"^[A-Za-z0-9][-A-Za-z0-9./_]*$", description="The name that nodes give it.")
    count: int = Field(default=1, ge=1, le=64, description="How many.")


class Resources(Part):
    """What a step needs on a cluster; the local engine uses what the machine has."""

    cpu: Annotated[_Cpu, BeforeValidator(text_of_number, json_schema_input_type=_Cpu | float)] = Field(
        default="", description="Cores: 2, 0.5 or 500m."
    )
    memory: Annotated[_Memory, BeforeValidator(text_of_number, json_schema_input_type=_Memory | float)] = Field(
        default="", description="For example 512Mi or 8Gi."
    )
    accelerator: Accelerator | None = None
    gpu: int = Field(default=0, ge=0, le=64, description="Short for accelerator: {type: nvidia.com/gpu, count: N}.")

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Resources:
        if self.gpu and self.accelerator:
            raise ValueError("'gpu' and 'accelerator' say the same; leave one out")
        return self

    @property
    def cards(self) -> Accelerator | None:
        """The accelerator, whichever way it was written."""
        return Accelerator(count=self.gpu) if self.gpu else self.accelerator


class Toleration(Part):
    """A taint of nodes that a step does not mind."""

    key: str = Field(default="", description="The taint's key; empty: any.")
    operator: Literal["Equal", "Exists"] = Field(
        default="Equal", description="Whether the value has to be equal, or the key only be there."
    )
    value: str = Field(default="", description="The taint's value.")
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = Field(
        default="", description="The taint's effect; empty: any."
    )
    seconds: int | None = Field(default=None, ge=0, description="How long, with effect: NoExecute.")

    @model_validator(mode="after")
    def _fits_together(self) -> Toleration:
        if self.operator == "Exists" and self.value:
            raise ValueError("a toleration with operator: Exists has no value")
        if not self.key and self.operator == "Equal":
            raise ValueError("a toleration needs a key, or operator: Exists for every taint")
        return self

    def document(self) -> dict[str, Any]:
        """As the platform document of a package writes it."""
        said = {"key": self.key, "operator": self.operator, "value": self.value, "effect": self.effect}
        more = {} if self.seconds is None else {"tolerationSeconds": str(self.seconds)}
        return {name: value for name, value in said.items() if value} | more


class Retry(Part):
    """How often a failing step is tried again, and how long a cluster waits before."""

    count: int = Field(default=0, ge=0, le=10, description="How often, after the first time.")
    wait: Seconds | None = Field(default=None, description="Before the first time, for example 30s.")
    factor: float = Field(default=2.0, ge=1, le=10, description="How much longer each further time.")
    longest: Seconds | None = Field(default=None, description="The longest wait.")


def retry_of(value: Any) -> Any:
    """``retry: 2`` is short for ``retry: {count: 2}``."""
    return value if isinstance(value, Mapping) else {"count": value}


class Parallel(Part):
    """A sweep: the step runs once for each value of one input, and the best candidate's value is used."""

    input: str = Field(description="The input that differs.")
    values: list[Any] | str = Field(description="The candidates, or $parameter for a list that is one.")
    at_once: int = Field(default=0, ge=0, le=100, description="How many run at a time; 0: as many as fit.")

    @field_validator("values")
    @classmethod
    def _something_to_choose(cls, value: list[Any] | str) -> list[Any] | str:
        if isinstance(value, str):
            if not re.fullmatch(r"\$[A-Za-z_]\w*", value):
                message = f"'{value}' has to be a list, or $parameter"
                raise ValueError(message)
            return value
        if len(value) < 2:
            raise ValueError("a sweep needs two candidates or more")
        if any(isinstance(item, bool) or not isinstance(item, str | int | float | dict) for item in value):
            raise ValueError("candidates are texts, numbers or mappings")
        return value


class Spot(Part):
    """How a cluster marks nodes that cost less and may be taken away."""

    node_selector: dict[str, str] = Field(default={}, description="Labels that such nodes have.")
    tolerations: list[Toleration] = Field(default=[], description="Their taints.")


SPOT = {
    "gke": Spot(
        node_selector={"cloud.google.com/gke-spot": "true"},
        tolerations=[Toleration(key="cloud.google.com/gke-spot", value="true", effect="NoSchedule")],
    ),
    "eks": Spot(node_selector={"eks.amazonaws.com/capacityType": "SPOT"}),
    "karpenter": Spot(node_selector={"karpenter.sh/capacity-type": "spot"}),
    "aks": Spot(
        node_selector={"kubernetes.azure.com/scalesetpriority": "spot"},
        tolerations=[Toleration(key="kubernetes.azure.com/scalesetpriority", value="spot", effect="NoSchedule")],
    ),
}
"""The nodes of usual clusters that may be taken away."""

RetryKey = Annotated[
    Retry, BeforeValidator(retry_of, json_schema_input_type=Retry | Annotated[int, Field(ge=0, le=10)])
]


def _label(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?", text):
        message = f"'{text}' is no label of a node"
        raise ValueError(message)
    return text


NodeSelector = dict[Annotated[str, AfterValidator(_label)], str]


def _bad_secret_name(text: str) -> str:
    name, _, key = text.partition("/")
    if text and not (_SECRET.fullmatch(name) and (not key or _SECRET_KEY.fullmatch(key))):
        message = f"'{text}' is no name of a Kubernetes Secret: lower-case letters, digits, '-' and '.'"
        raise ValueError(message)
    return text


SecretName = Annotated[str, AfterValidator(_bad_secret_name)]
