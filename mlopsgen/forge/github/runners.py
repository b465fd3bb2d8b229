"""A repository's own runners: which there are, how one is registered, what is downloaded for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mlopsgen.errors import MlopsgenError
from mlopsgen.forge.github.client import Client, quoted
from mlopsgen.forge.github.errors import LostAnswer, words_of
from mlopsgen.secret_value import SecretValue

_TRIES = 3


@dataclass(frozen=True, kw_only=True)
class Runner:
    """A runner that is registered.

    Attributes:
        id: Its number.
        name: Its name.
        system: What it runs on, in GitHub's words.
        online: Whether it waits for jobs or is at work.
        busy: Whether it is at work.
        labels: Its labels, those that every runner has included.
        ephemeral: Whether it takes one job only.
    """

    id: int
    name: str
    system: str
    online: bool
    busy: bool
    labels: tuple[str, ...]
    ephemeral: bool = False


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What a runner registers with.

    Attributes:
        token: The token.
        expires: When it ends (UTC).
    """

    token: SecretValue
    expires: datetime


@dataclass(frozen=True, kw_only=True)
class Download:
    """The runner's program for a system.

    Attributes:
        system: Operating system and processor, ``linux-x64``.
        address: Where it is downloaded.
        name: The name of the archive.
        sha256: Its checksum; empty if GitHub names none.
    """

    system: str
    address: str
    name: str
    sha256: str


def list_runners(client: Client, repository: str) -> tuple[Runner, ...]:
    """The runners of a repository (``owner/name``), by name."""
    path = f"{_base(repository)}/actions/runners"
    found = client.pages(path, doing="Listing the runners", key="runners", where=repository)
    return tuple(sorted((_runner(data) for data in found), key=lambda runner: runner.name))


def registration(client: Client, repository: str) -> Registration:
    """A new registration token; each one may be asked for as often as one likes."""
    path = f"{_base(repository)}/actions/runners/registration-token"
    for tries_left in reversed(range(_TRIES)):
        try:
            data = client.request("POST", path, doing="Asking for a runner's registration", where=repository).data
        except LostAnswer:
            # A token that nobody read harms nobody: it ends by itself.
            if not tries_left:
                raise
            continue
        expires = datetime.fromisoformat(data["expires_at"]).astimezone(UTC)
        return Registration(token=SecretValue(str(data["token"])), expires=expires)
    raise AssertionError


def downloads(client: Client, repository: str) -> tuple[Download, ...]:
    """What GitHub offers as the runner's program."""
    path = f"{_base(repository)}/actions/runners/downloads"
    answer = client.request("GET", path, doing="Asking for the runner's program", where=repository)
    return tuple(
        Download(
            system=f"{data['os']}-{data['architecture']}",
            address=str(data["download_url"]),
            name=str(data["filename"]),
            sha256=str(data.get("sha256_checksum") or "").lower(),
        )
        for data in answer.data
    )


def remove_runner(client: Client, repository: str, number: int) -> None:
    """Take a runner's registration back; one that is gone already is no error.

    Raises:
        MlopsgenError: It is at work.
    """
    path = f"{_base(repository)}/actions/runners/{number}"
    answer = client.request("DELETE", path, doing="Removing the runner", where=repository, accept={404, 422})
    if answer.status == 422:
        hint = "Wait for its job to end or cancel it, then run it again."
        raise MlopsgenError(f"GitHub keeps the runner: {words_of(answer.data)}.", where=repository, hint=hint)


def _base(repository: str) -> str:
    return f"/repos{quoted(*repository.split('/', 1))}"


def _runner(data: Mapping[str, Any]) -> Runner:
    return Runner(
        id=int(data["id"]),
        name=str(data["name"]),
        system=str(data.get("os") or ""),
        online=data.get("status") == "online",
        busy=bool(data.get("busy")),
        labels=tuple(str(label["name"]) for label in data.get("labels") or ()),
        ephemeral=bool(data.get("ephemeral")),
    )
