"""The rules of ``actions:`` and the mail server, as ``config.yaml`` has them.

Only the models: ``config.py`` reads them for every verb, so nothing here is slow to import.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

Condition = Literal["improved", "regressed", "failed", "succeeded", "data_changed", "always"]

LONGEST_EVENT = 100
MOST_PAYLOAD_KEYS = 9
"""GitHub takes ten; the tenth is the idempotency key."""
MOST_INPUTS = 25

_HAS_TEMPLATE = re.compile(r"\{[{%#]")
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\.]+(\.[^\s@<>,;:\"()\[\]\\.]+)*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")


class Part(BaseModel):
    """A part of the configuration; a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def split_address(text: str) -> tuple[str, str]:
    """The name and the address of ``Ada Lovelace <ada@example.com>``; the name may be missing.

    Raises:
        ValueError: It is neither.
    """
    match = re.fullmatch(r"\s*(?:\"?([^<>\"\x00-\x1f\x7f]*?)\"?\s*<([^<>]*)>|([^<>\s]+))\s*", text)
    address = (match[2] or match[3] or "").strip() if match else ""
    if match is None or not _ADDRESS.fullmatch(address) or any(ord(letter) < 32 for letter in text):
        raise ValueError(f"{text!r} is no e-mail address; write ada@example.com or Ada Lovelace <ada@example.com>")
    return (match[1] or "").strip(), address


def _words(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Seconds = Annotated[float, Field(gt=0, le=300)]


class Mail(Part):
    """The mail server; its user and password are the secrets ``SMTP_USERNAME`` and ``SMTP_PASSWORD``."""

    host: str = Field(default="", description="Empty: the variable SMTP_HOST.")
    port: int | None = Field(
        default=None, ge=1, le=65535, description="Empty: SMTP_PORT, else 587 for starttls, 465 for tls, 25 for none."
    )
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is encrypted; with 'none' no login is sent."
    )
    sender: str = Field(default="", description="Empty: the variable SMTP_FROM.")

    @field_validator("sender")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value:
            split_address(value)
        return value

    @field_validator("host")
    @classmethod
    def _is_host(cls, value: str) -> str:
        if value and not re.fullmatch(r"[^\s/@:]+|\[?[0-9A-Fa-f:.]+\]?", value):
            raise ValueError("this has to be the name of the server alone, such as smtp.example.com")
        return value.strip("[]")


class Rule(Part):
    """What all rules have."""

    name: str = Field(default="", max_length=80, description="How results call the rule; empty: its place and kind.")
    when: Annotated[
        list[Condition],
        Field(
            min_length=1,
            description="After which trainings; one that holds is enough. 'improved': accepted, and better or the "
            "first; 'regressed': refused by the gate; 'failed': an error; 'succeeded': trained to the end, whatever "
            "the gate said; 'data_changed': started because the data changed; 'always': each.",
        ),
    ]
    attempts: int = Field(default=4, ge=1, le=10, description="How often a delivery is tried.")
    timeout: Seconds = Field(default=30, description="Seconds that the other side may take for one answer.")

    @field_validator("when", mode="before", json_schema_input_type=list[Condition] | Condition)
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return _words(value)

    @field_validator("name")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if any(ord(letter) < 32 for letter in value):
            raise ValueError("a name is one line of text")
        return value

    @property
    def identity(self) -> str:
        """What makes this rule this rule: part of the idempotency key of a delivery."""
        told = self.model_dump(mode="json", exclude={"attempts", "timeout", "when"})
        return self.name or json.dumps(told, sort_keys=True)

    def templates(self) -> list[tuple[tuple[str | int, ...], str]]:
        """The texts that are templates, each with its place in the rule."""
        return []


class Email(Rule):
    """A mail with the report."""

    do: Literal["email"]
    to: Annotated[list[str], Field(min_length=1, description="Addresses.")]
    cc: list[str] = Field(default=[], description="Addresses that get a copy.")
    bcc: list[str] = Field(default=[], description="Addresses that get a copy that nobody else sees.")
    subject: str = Field(default="", description="Template; empty: the verdict and the first metric.")
    text: str = Field(default="", description="Template of a text above the report.")
    report: bool = Field(default=True, description="Whether the report follows the text.")
    attach: list[Literal["html", "json", "md"]] = Field(
        default=[], description="Files of the report to attach: html, json, md."
    )

    @field_validator("to", "cc", "bcc", "attach", mode="before", json_schema_input_type=list[str] | str)
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return _words(value)

    @field_validator("to", "cc", "bcc")
    @classmethod
    def _are_addresses(cls, value: list[str]) -> list[str]:
        for text in value:
            split_address(text)
        return value

    @model_validator(mode="after")
    def _says_something(self) -> Email:
        if not self.report and not self.text.strip():
            raise ValueError("with 'report: false' the mail needs a 'text'")
        return self

    def templates(self) -> list[tuple[tuple[str | int, ...], str]]:
        """The texts that are templates."""
        return [(("subject",), self.subject), (("text",), self.text)]


class OfGitHub(Rule):
    """What both dispatches have."""

    repository: str = Field(default="", description="owner/name; empty: this repository.")

    @field_validator("repository")
    @classmethod
    def _is_repository(cls, value: str) -> str:
        if value and not _REPOSITORY.fullmatch(value):
            raise ValueError("this has to be owner/name, such as acme/serving")
        return value


class RepositoryDispatch(OfGitHub):
    """An event that workflows with ``on: repository_dispatch`` hear."""

    do: Literal["repository_dispatch"]
    event: str = Field(min_length=1, description="Its name; the workflow lists it under types.")
    payload: dict[str, Any] | None = Field(default=None, description="Templates; empty: what most receivers want.")

    @field_validator("event")
    @classmethod
    def _fits(cls, value: str) -> str:
        if len(value) > LONGEST_EVENT and not _HAS_TEMPLATE.search(value):
            raise ValueError(f"GitHub takes at most {LONGEST_EVENT} characters")
        return value

    @field_validator("payload")
    @classmethod
    def _few_keys(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is not None and len(value) > MOST_PAYLOAD_KEYS:
            raise ValueError(
                f"GitHub takes 10 keys, one of them is idempotency_key: at most {MOST_PAYLOAD_KEYS} are yours; "
                "put several under one key"
            )
        return value

    def templates(self) -> list[tuple[tuple[str | int, ...], str]]:
        """The texts that are templates."""
        return [(("event",), self.event), *_leaves(("payload",), self.payload)]


class WorkflowDispatch(OfGitHub):
    """Starts one workflow."""

    do: Literal["workflow_dispatch"]
    workflow: str = Field(pattern=r"^([A-Za-z0-9_.-]+\.ya?ml|[0-9]+)$", description="Its file's name, or its number.")
    ref: str = Field(default="", description="Template; the branch or tag; empty: the branch that was trained.")
    inputs: dict[str, str] = Field(default={}, description="Templates, by the names of the workflow's inputs.")

    @field_validator("inputs", mode="before", json_schema_input_type=dict[str, str | int | float | bool])
    @classmethod
    def _texts(cls, value: Any) -> Any:
        return _as_texts(value)

    @field_validator("inputs")
    @classmethod
    def _few(cls, value: dict[str, str]) -> dict[str, str]:
        if len(value) > MOST_INPUTS:
            raise ValueError(f"GitHub takes at most {MOST_INPUTS} inputs")
        return value

    @model_validator(mode="after")
    def _names_a_ref(self) -> WorkflowDispatch:
        if self.repository and not self.ref:
            raise ValueError("a workflow of another repository needs a 'ref', such as main")
        return self

    def templates(self) -> list[tuple[tuple[str | int, ...], str]]:
        """The texts that are templates."""
        return [(("ref",), self.ref), *_leaves(("inputs",), self.inputs)]


def _is_web_address(value: str) -> str:
    if not value:
        return value
    match = re.fullmatch(r"https?://([^\s/?#]+)(/[^\s#]*)?", value)
    if match is None:
        raise ValueError("this has to be an address that starts with https:// (or http://)")
    if "@" in match[1]:
        raise ValueError("an address with a user or a password is a secret: name its variable with url_from instead")
    return value


class Webhook(Rule):
    """A JSON document for any server."""

    do: Literal["webhook"]
    url: str = Field(default="", description="Empty: what 'url_from' names. An address that holds a secret goes there.")
    url_from: Name = Field(default="WEBHOOK_URL", description="The secret with the address.")
    secret_from: Name = Field(default="WEBHOOK_SECRET", description="The secret that the signature is made with.")
    payload: dict[str, Any] | None = Field(default=None, description="Templates; empty: the whole report.")

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        return _is_web_address(value)

    def templates(self) -> list[tuple[tuple[str | int, ...], str]]:
        """The texts that are templates."""
        return _leaves(("payload",), self.payload)


class Jenkins(Rule):
    """Starts a job of Jenkins; its user and API token are the secrets ``JENKINS_USERNAME`` and ``JENKINS_TOKEN``."""

    do: Literal["jenkins"]
    url: str = Field(default="", description="Empty: the variable JENKINS_URL.")
    job: str = Field(min_length=1, description="The job's name; folders before it, joined by '/'.")
    parameters: dict[str, str] = Field(default={}, description="Templates, by the names of the job's parameters.")

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        return _is_web_address(value)

    @field_validator("job")
    @classmethod
    def _has_names(cls, value: str) -> str:
        parts = value.strip("/").split("/")
        if not all(part.strip() and part not in (".", "..") for part in parts):
            raise ValueError("this has to be the job's name, with its folders as folder/job")
        return value

    @field_validator("parameters", mode="before", json_schema_input_type=dict[str, str | int | float | bool])
    @classmethod
    def _texts(cls, value: Any) -> Any:
        return _as_texts(value)

    def templates(self) -> list[tuple[tuple[str | int, ...], str]]:
        """The texts that are templates."""
        return _leaves(("parameters",), self.parameters)


Action = Annotated[
    Email | RepositoryDispatch | WorkflowDispatch | Webhook | Jenkins,
    Field(discriminator="do"),
]
"""One rule of ``actions:``."""


def _as_texts(value: Any) -> Any:
    """YAML's numbers and truth values as the text that GitHub and Jenkins take them as."""
    if not isinstance(value, dict):
        return value
    return {key: json.dumps(part) if isinstance(part, bool | int | float) else part for key, part in value.items()}


def _leaves(place: tuple[str | int, ...], value: Any) -> list[tuple[tuple[str | int, ...], str]]:
    """The texts in a nested value."""
    if isinstance(value, str):
        return [(place, value)]
    if isinstance(value, dict):
        return [leaf for key, part in value.items() for leaf in _leaves((*place, str(key)), part)]
    if isinstance(value, list):
        return [leaf for index, part in enumerate(value) for leaf in _leaves((*place, index), part)]
    return []
