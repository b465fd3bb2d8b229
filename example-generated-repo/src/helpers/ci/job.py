"""The job of a workflow: its event, its outputs, its summary and its annotations."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers import workflow_commands
from helpers.errors import ConfigurationError

if TYPE_CHECKING:
    from helpers.github_api import GitHub

BRANCHES = ("development", "staging", "production")
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
        print(workflow_commands.no_command(line), flush=True)

    def fold(self, title: str, text: str) -> None:
        """Lines that the log shows folded under a title."""
        print(workflow_commands.group(title, text), flush=True)

    def output(self, **values: object) -> None:
        """Sets outputs of the step, or prints them outside of one; truth values become ``true`` and ``false``."""
        path = self.environ.get("GITHUB_OUTPUT", "")
        for key, value in values.items():
            name, text = key.replace("_", "-"), str(value).lower() if isinstance(value, bool) else str(value)
            if path:
                workflow_commands.set_output(Path(path), name, text)
            else:
                self.tell(f"{name}: {text}")

    def summarize(self, text: str) -> None:
        """Adds Markdown to the job's summary, or prints it outside of a workflow."""
        path = self.environ.get("GITHUB_STEP_SUMMARY", "")
        if path:
            workflow_commands.append_summary(Path(path), text)
        else:
            print(text.rstrip() + "\n")

    def annotate(self, level: workflow_commands.Level, message: str, *, title: str = "") -> None:
        """An annotation of the run; a plain line outside of a workflow."""
        if self.environ.get("GITHUB_ACTIONS") == "true":
            print(workflow_commands.annotation(level, message, title=title), flush=True)
        else:
            self.tell(f"{level}: {f'{title}: ' if title else ''}{message[: workflow_commands.LONGEST_ANNOTATION]}")
