"""The verbs of one commit: its checkout, its Python environment, and ``python -m pipelines.<branch>.main VERB``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import envfile, process, repository, surroundings
from .environments import Builder, EnvironmentFailed
from .journal import Journal
from .layout import Layout


class StageFailed(Exception):
    """A stage ended what was going on.

    Args:
        exit_code: What a training that it belongs to returns.
        error: ``code``, ``message``, ``hint`` and ``where``.
    """

    def __init__(self, exit_code: int, error: Mapping[str, str]) -> None:
        super().__init__(error.get("message", ""))
        self.exit_code = exit_code
        self.error = {key: str(error.get(key) or "") for key in ("code", "message", "hint", "where")}


@dataclass(frozen=True)
class Envelope:
    """What a verb of the repository printed on its standard output."""

    verb: str
    exit_code: int
    document: Mapping[str, Any]
    last_line: str = ""

    @property
    def data(self) -> Mapping[str, Any]:
        """The verb's results."""
        data = self.document.get("data")
        return data if isinstance(data, Mapping) else {}

    @property
    def summary(self) -> str:
        """One sentence for a person."""
        return str(self.document.get("summary") or "")

    def failure(self) -> StageFailed:
        """The failure that it tells of."""
        return StageFailed(self.exit_code if self.exit_code > 0 else 1, self._error())

    def _error(self) -> Mapping[str, str]:
        error = self.document.get("error")
        if isinstance(error, Mapping) and error.get("message"):
            return error
        if self.exit_code < 0:
            message = f"'{self.verb}' was ended by signal {-self.exit_code} (9: perhaps out of memory)."
            return {"code": "killed", "message": message}
        said = f": {self.last_line}" if self.last_line else "; the log shows why."
        told = f"'{self.verb}' failed ({self.exit_code}){said}"
        return {"code": "failure", "message": self.summary or told}


class Verbs:
    """Runs the verbs of one commit of a branch, with the branch's variables and secrets.

    Args:
        layout: The forge.
        branch: The branch.
        commit: What is checked out.
        checkout: The folder for it.
        environ: The worker's environment.
        folder: Where the log is written.
        keep_open: Descriptors of locks that last as long as what is started here.
    """

    def __init__(
        self,
        layout: Layout,
        branch: str,
        commit: str,
        *,
        checkout: Path,
        environ: Mapping[str, str],
        folder: Path,
        keep_open: tuple[int, ...] = (),
    ) -> None:
        self.checkout = checkout
        self.journal = Journal(folder)
        self.ready = False
        """Whether verbs can be run."""
        self._layout, self._branch, self._commit = layout, branch, commit
        self._environ, self._folder, self._keep_open = environ, folder, keep_open
        self._python = Path()
        self._environment: dict[str, str] = {}

    def prepare(self, enter: Callable[[str], None]) -> None:
        """Check the commit out and make its environment.

        Args:
            enter: Told what begins: ``checkout``, ``environment``.

        Raises:
            StageFailed: It cannot be done.
        """
        variables, secrets = self._settings()
        self.journal = Journal(self._folder, secrets.values())
        enter("checkout")
        try:
            repository.export(self._layout, self._environ, self._commit, self.checkout)
        except repository.CheckoutError as error:
            message = f"The commit cannot be checked out: {error}"
            raise StageFailed(1, {"code": "checkout", "message": message}) from error
        program = f"src/pipelines/{self._branch}/main.py"
        if not (self.checkout / program).is_file():
            hint = f"Bring it back ('git log -- {program}' names the commit that took it away), commit, push."
            raise StageFailed(1, {"code": "checkout", "message": f"The commit has no {program}.", "hint": hint})
        enter("environment")
        self._python = self._interpreter()
        self._environment = self._training_environment({**variables, **secrets})
        self.ready = True

    def run(self, verb: str, *options: str) -> Envelope:
        """Run ``python -m pipelines.<branch>.main VERB`` and read its envelope, whatever it returns."""
        argv = [str(self._python), "-m", f"pipelines.{self._branch}.main", verb, *options, "--output", "json"]
        self.journal.note(f"$ {' '.join(argv)}")
        last_line = ""

        def say(line: str) -> None:
            nonlocal last_line
            last_line = line.strip() or last_line
            self.journal.say(line)

        ended = process.stream(
            argv,
            cwd=self.checkout,
            env=self._environment,
            on_line=say,
            keep_open=self._keep_open,
            apart=True,
        )
        for line in ended.stdout.splitlines():
            self.journal.note(process.printable(line))
        self.journal.note(f"{verb} returned {ended.status}")
        return Envelope(verb, ended.status, self._parse(ended.stdout), self.journal.mask(last_line))

    def _settings(self) -> tuple[dict[str, str], dict[str, str]]:
        try:
            variables = envfile.read(self._layout.variables(self._branch))
            return variables, envfile.read(self._layout.secrets(self._branch))
        except envfile.EnvironmentFileError as error:
            hint = "Correct the file; then 'mlopsgen run' trains the commit again."
            raise StageFailed(2, {"code": "environment-file", "message": str(error), "hint": hint}) from error

    def _interpreter(self) -> Path:
        builder = Builder(
            self._layout,
            self._environ,
            say=self.journal.say,
            note=self.journal.note,
            keep_open=self._keep_open,
        )
        try:
            return builder.interpreter(self.checkout)
        except EnvironmentFailed as error:
            raise StageFailed(1, {"code": "environment", "message": error.message, "hint": error.hint}) from error

    def _training_environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        base = surroundings.for_training(self._environ, self._layout.root / "work")
        base |= {
            "MLFLOW_TRACKING_URI": self._layout.tracking_uri,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            **settings,
        }
        return base | {
            "PATH": f"{self._python.parent}{os.pathsep}{settings.get('PATH') or base['PATH']}",
            "PYTHONPATH": str(self.checkout / "src"),
            "PYTHONUNBUFFERED": "1",
            "PYTHONUTF8": "1",
            "PYTHONNOUSERSITE": "1",
            # The forge may lie inside some other repository; its commits are not ours.
            "GIT_CEILING_DIRECTORIES": str(self.checkout.parent),
        }

    def _parse(self, stdout: str) -> Mapping[str, Any]:
        """The envelope among what was printed; something in the repository may print lines of its own before it."""
        text = self.journal.mask(stdout)
        for start in (0, text.rfind("\n{") + 1):
            try:
                document = json.loads(text[start:])
            except ValueError:
                continue
            if isinstance(document, dict):
                return document
        return {}
