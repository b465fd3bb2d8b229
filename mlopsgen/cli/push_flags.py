"""The flags of ``mlopsgen push`` that concern GitHub."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mlopsgen.adapters.shell_words import quoted


class Visibility(StrEnum):
    """Who can see a repository."""

    private = "private"
    internal = "internal"
    public = "public"


class Protocol(StrEnum):
    """How git reaches GitHub."""

    https = "https"
    ssh = "ssh"


@dataclass(frozen=True, kw_only=True)
class GitHubFlags:
    """What the command line says; each is a flag of ``mlopsgen push``, but for the command itself."""

    organisation: str = ""
    personal: bool = False
    name: str = ""
    host: str = ""
    visibility: Visibility | None = None
    protocol: Protocol | None = None
    secrets_file: Path | None = None
    take_over: bool = False
    token_stdin: bool = False
    dry_run: bool = False
    yes: bool = False
    plan_digest: str = ""
    command: tuple[str, ...] = ("mlopsgen", "push")

    @property
    def only_for_github(self) -> str:
        """A flag that was given and that means nothing on this machine; empty if there is none."""
        given = {
            "--org": self.organisation,
            "--user": self.personal,
            "--name": self.name,
            "--host": self.host,
            "--visibility": self.visibility,
            "--protocol": self.protocol,
            "--secrets-file": self.secrets_file,
            "--take-over": self.take_over,
            "--token-stdin": self.token_stdin,
            "--plan-digest": self.plan_digest,
        }
        return next((flag for flag, value in given.items() if value), "")

    @property
    def again(self) -> str:
        """The command that pushes to the same place in the same way."""
        words = [quoted(word) for word in self.command]
        texts = (
            ("--org", self.organisation), ("--name", self.name), ("--host", self.host),
            ("--visibility", self.visibility), ("--protocol", self.protocol), ("--secrets-file", self.secrets_file),
        )  # fmt: skip
        for flag, text in texts:
            words += [flag, quoted(str(text))] if text else []
        switches = (("--user", self.personal), ("--take-over", self.take_over), ("--token-stdin", self.token_stdin))
        return " ".join([*words, *(flag for flag, given in switches if given)])
