"""The job of a workflow: its event, its outputs, its summary and its annotations."""

from __future__ import annotations

import functools
import json
import re
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.errors import ConfigurationError

if TYPE_CHECKING:
    from helpers.github_api import GitHub

BRANCHES = ("development", "staging", "production")
LONGEST_ANNOTATION = 4000
LARGEST_SUMMARY = 1_000_000
"""GitHub refuses a step's summary of more than 1 MiB as a whole."""
LARGEST_EVENT = 5_000_000


@dataclass(frozen=True)
class Job:
    """The job that a task runs in.

    Attributes:
        root: The repository.
        environ: The environment that GitHub made.
    """

    root: Path
    environ: Mapping[str, str]

    def need(self, name: str) -> str:
        """A variable of the environment.

        Raises:
            ConfigurationError: It is not set.
        """
        value = self.environ.get(name, "")
        if not value:
            hint = "This task runs in a workflow."
            if name == "GITHUB_TOKEN":
                hint = "Hand it to the step: env: {GITHUB_TOKEN: ${{ github.token }}}"
            raise ConfigurationError("The environment does not have it.", where=name, hint=hint)
        return value

    @property
    def repository(self) -> str:
        """``owner/name``."""
        name = self.need("GITHUB_REPOSITORY")
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
            raise ConfigurationError("This is no name of a repository.", where="GITHUB_REPOSITORY")
        return name

    @property
    def run_url(self) -> str:
        """The page of this workflow run; empty outside of a workflow."""
        server, number = self.environ.get("GITHUB_SERVER_URL", ""), self.environ.get("GITHUB_RUN_ID", "")
        name = self.environ.get("GITHUB_REPOSITORY", "")
        return f"{server}/{name}/actions/runs/{number}" if server and name and number else ""

    @functools.cached_property
    def event(self) -> dict[str, Any]:
        """What started the workflow; others may have written parts of it.

        Raises:
            ConfigurationError: It cannot be read.
        """
        path = Path(self.need("GITHUB_EVENT_PATH"))
        try:
            if path.stat().st_size > LARGEST_EVENT:
                raise ConfigurationError("The event is too large.", where=str(path))
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise ConfigurationError("The event cannot be read.", where=str(path)) from error
        return found if isinstance(found, dict) else {}

    @functools.cached_property
    def github(self) -> GitHub:
        """GitHub's API for this repository, with the job's token."""
        from helpers.github_api import GitHub

        return GitHub(
            api=self.environ.get("GITHUB_API_URL", "") or "https://api.github.com",
            token=self.need("GITHUB_TOKEN"),
            repository=self.repository,
            tell=self.tell,
        )

    def tell(self, line: str) -> None:
        """A line of the log; what is in it cannot be a command to the runner."""
        print(_no_command(line), flush=True)

    def fold(self, title: str, text: str) -> None:
        """Lines that the log shows folded under a title."""
        print(f"::group::{_escaped(title)}")
        self.tell(text)
        print("::endgroup::", flush=True)

    def output(self, **values: object) -> None:
        """Sets outputs of the step, or prints them outside of one; truth values become ``true`` and ``false``."""
        path = self.environ.get("GITHUB_OUTPUT", "")
        for name, value in values.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            if path:
                mark = f"end-{secrets.token_hex(16)}"
                with Path(path).open("a", encoding="utf-8") as file:
                    file.write(f"{name.replace('_', '-')}<<{mark}\n{text}\n{mark}\n")
            else:
                self.tell(f"{name.replace('_', '-')}: {text}")

    def summarize(self, text: str) -> None:
        """Adds Markdown to the job's summary."""
        path = self.environ.get("GITHUB_STEP_SUMMARY", "")
        data = text.rstrip().encode("utf-8", "replace") + b"\n\n"
        if not path:
            sys.stdout.write(data.decode("utf-8"))
            return
        file = Path(path)
        used = file.stat().st_size if file.exists() else 0
        room = LARGEST_SUMMARY - used
        if len(data) > room:
            end = b"\n\nThe rest is too long for a summary.\n"
            data = data[: max(room - len(end), 0)].decode("utf-8", "ignore").encode() + end
        with file.open("ab") as stream:
            stream.write(data)

    def annotate(self, level: str, message: str, *, title: str = "") -> None:
        """An annotation of the run: ``error``, ``warning`` or ``notice``; a plain line outside of a workflow."""
        text = message[:LONGEST_ANNOTATION]
        if self.environ.get("GITHUB_ACTIONS") != "true":
            self.tell(f"{level}: {f'{title}: ' if title else ''}{text}")
            return
        heading = f" title={_escaped(title, of_property=True)}" if title else ""
        print(f"::{level}{heading}::{_escaped(text)}", flush=True)


def _escaped(text: str, *, of_property: bool = False) -> str:
    """Text inside of a command to the runner."""
    out = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return out.replace(":", "%3A").replace(",", "%2C") if of_property else out


def _no_command(line: str) -> str:
    """A line that the runner does not take for a command (``::set-env``, ``##[add-mask]``)."""
    return re.sub(r"(?m)^(\s*)(::|##\[)", "\\1\u2060\\2", line.replace("\r", "\n"))
