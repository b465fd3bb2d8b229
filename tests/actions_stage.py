"""A branch with rules, and a training that they are about; ``act`` runs in the generated repository's environment."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests import template_environment
from tests.canaries import found_in

TEMPLATE = template_environment.TEMPLATE

_DRIVER = """
import contextlib, io, json, os, sys
from pathlib import Path
from helpers.actions import check, cluster
from helpers.command_line import main
from helpers.errors import RepositoryError
def finished(asked):
    root = Path(asked["main"]).parents[3]
    folder = root / "runs" / "development" / "latest" / "report"
    try:
        return 0, "\\n".join(cluster.finished(root, "development", folder, asked["environ"])), ""
    except RepositoryError as error:
        return 1, "", str(error)
def looked_at(asked):
    os.environ.clear()
    os.environ.update(asked["environ"])
    return 0, json.dumps(check.look(root=str(Path(asked["main"]).parents[3]), branch="development")), ""
PARTS = {"finished": finished, "check": looked_at}
for line in sys.stdin:
    asked = json.loads(line)
    if asked["arguments"][0] in PARTS:
        print(json.dumps(PARTS[asked["arguments"][0]](asked)), flush=True)
        continue
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(Path(asked["main"]), argv=asked["arguments"], environ=asked["environ"])
    print(json.dumps([code, out.getvalue(), err.getvalue()]), flush=True)
"""

_REPORTS = """
import sys
from pathlib import Path
from test_report import CASES
from helpers.report import write_report
for name, (report, evaluation) in CASES.items():
    write_report(report, evaluation, Path(sys.argv[1], name))
"""


@dataclass(frozen=True)
class Done:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """All of it."""
        return self.out + self.err


@dataclass(frozen=True, kw_only=True)
class Acting:
    """A process that has the generated repository's helpers ready, and the reports that its commands are about."""

    process: subprocess.Popen[str]
    reports: Path

    def call(self, main: Path, *arguments: str, environ: Mapping[str, str]) -> Done:
        """Runs ``python -m pipelines.development.main ARGUMENTS``; no secret of the tests may be in what it says."""
        assert self.process.stdin
        assert self.process.stdout
        asked = {"main": str(main), "arguments": arguments, "environ": dict(environ)}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the process ended: {self.process.wait(10)}"
        done = Done(*json.loads(line))
        assert not found_in(done.said), "a secret was told"
        assert "Traceback" not in done.said
        return done


@contextmanager
def acting(folder: Path) -> Iterator[Acting]:
    """The process, with reports of each kind in ``folder``."""
    (folder / "reports").mkdir()
    (folder / "driver.py").write_text(_DRIVER)
    (folder / "reports.py").write_text(_REPORTS)
    tests = TEMPLATE / "tests"
    paths = {"PYTHONPATH": f"{TEMPLATE / 'src'}:{tests}:{tests / 'managed'}", "NO_PROXY": "*"}
    template_environment.run(folder, folder, "reports.py", str(folder / "reports"), **paths)
    with subprocess.Popen(
        [str(template_environment.python()), "driver.py"],
        cwd=folder, env=template_environment.environ(folder, **paths),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sys.stderr, text=True,
    ) as process:  # fmt: skip
        try:
            yield Acting(process=process, reports=folder / "reports")
        finally:
            assert process.stdin
            process.stdin.close()
            process.wait(30)


@dataclass
class Branch:
    """The branch ``development`` of a repository, with rules."""

    acting: Acting
    root: Path
    environ: dict[str, str] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        folder = self.root / "src" / "pipelines" / "development"
        folder.mkdir(parents=True)
        (folder / "main.py").write_text("")
        self.main = folder / "main.py"
        self.report("improved")

    def report(self, case: str) -> Path:
        """Takes the report of a case as that of the last run."""
        folder = self.root / "runs" / "development" / "latest" / "report"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.acting.reports / case, folder)
        self.folder = folder
        return folder

    def change_report(self, **changes: Any) -> None:
        """Changes keys of the report."""
        path = self.folder / "report.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    def act(self, *rules: Mapping[str, Any], arguments: tuple[str, ...] = (), **more: str) -> Done:
        """Runs ``act`` with these rules; a rule gives up early unless it says otherwise."""
        self._write(rules)
        return self.acting.call(self.main, "act", *arguments, environ={**self.environ, **more})

    def _write(self, rules: Iterable[Mapping[str, Any]]) -> None:
        hurried = [{"when": "always", "attempts": 1, "timeout": 5, **rule} for rule in rules]
        document = {"version": 1, "engine": "local", **self.config, "actions": hurried}
        text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
        (self.main.parent / "config.yaml").write_text(text, encoding="utf-8")

    def finished(self, *rules: Mapping[str, Any], **more: str) -> Done:
        """Does what the last step of the pipeline on a cluster does, with these rules."""
        self._write(rules)
        return self.acting.call(self.main, "finished", environ={**self.environ, **more})

    def looked_at(self, *rules: Mapping[str, Any], **more: str) -> list[dict[str, Any]]:
        """What ``check`` finds of these rules."""
        self._write(rules)
        found: list[dict[str, Any]] = json.loads(
            self.acting.call(self.main, "check", environ={**self.environ, **more}).out
        )
        return found

    def results(self, *rules: Mapping[str, Any], arguments: tuple[str, ...] = (), **more: str) -> list[dict[str, Any]]:
        """What came of each rule, as the JSON document tells it."""
        done = self.act(*rules, arguments=(*arguments, "--output", "json"), **more)
        document = json.loads(done.out)
        assert document["exit_code"] == done.code
        found: list[dict[str, Any]] = document["data"]["results"]
        return found

    @property
    def ledger(self) -> dict[str, Any]:
        """``actions.json``."""
        found: dict[str, Any] = json.loads((self.folder / "actions.json").read_text())
        return found
