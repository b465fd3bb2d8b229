"""The section ``kubeflow`` of a branch's configuration."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

LOGINS = ("none", "token", "service-account", "cookie", "dex")


class Ssh(BaseModel):
    """The ssh server that Kubeflow lies behind, and the key that shows that it is the right one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: str = Field(description="The login: user@host or user@host:port. Its private key is the secret SSH_KEY.")
    host_key: str | list[str] = Field(description="The server's public key; several while it changes its key.")
    mlflow: bool = Field(default=True, description="Whether the MLflow server lies behind it, too.")


class Access(BaseModel):
    """How Kubeflow is reached; empty: directly."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ssh: Ssh | None = None


class Kubeflow(BaseModel):
    """Where a branch with ``engine: kubeflow`` trains, and how its runs are made and waited for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str = Field(
        default="", description="Address of Kubeflow, with or without /pipeline. Empty: KUBEFLOW_ENDPOINT."
    )
    namespace: str = Field(default="", description="Namespace of the runs. Empty: KUBEFLOW_NAMESPACE.")
    login: Literal["none", "token", "service-account", "cookie", "dex"] = Field(
        default="none", description="How runs log in; the secret itself is in the environment, never here."
    )
    access: Access = Field(default=Access(), description="How it is reached; empty: directly.")
    ca: str = Field(
        default="", description="File with the certificate of a private authority. Empty: CA_CERTIFICATE (PEM text)."
    )
    ui: str = Field(default="", description="Address of the web pages in links, where it is not the endpoint.")
    wait: Literal["poll", "callback", "none"] = Field(
        default="poll",
        description="'poll': wait here; 'callback': the run's end reports by itself; 'none': only submit.",
    )
    deadline_hours: float | None = Field(
        default=None, gt=0, description="Stop waiting after that; on GitHub's machines 5.5 hours are the most."
    )
    caching: bool | None = Field(
        default=None, description="For all steps of a run: true or false. Null: as each step of the pipeline says."
    )
    service_account: str = Field(default="", description="Kubernetes service account of the run's steps.")
    poll_seconds: float = Field(default=10, gt=0, description="How often the state of a run is asked for.")
    patience_minutes: float = Field(
        default=30, gt=0, description="How long an API server may be away before the waiting is given up."
    )

    @field_validator("access", mode="before")
    @classmethod
    def _nothing_is_direct(cls, value: Any) -> Any:
        return {} if value is None else value
