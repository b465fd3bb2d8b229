"""A generated repository on the fake GitHub, and jobs of its workflows that call ``python -m helpers.ci TASK``."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

from tests import template_environment
from tests.github import FakeGitHub
from tests.github.actions_state import Run
from tests.github.repositories import Repository
from tests.hosted_toys import make_model

NAME = "acme/heart-rate"
RIGHTS = {
    "actions": "write",
    "contents": "read",
    "issues": "write",
    "pull_requests": "write",
    "statuses": "write",
    "metadata": "read",
}
RULE = {"higher_is_better": False, "threshold": 80.0, "tolerance": 0.0, "minimum_gain": 0.0}
_NUMBERS = count(1)


@dataclass(frozen=True)
class Done:
    """What a task did."""

    code: int
    text: str
    outputs: dict[str, str]
    summary: str

    @property
    def annotations(self) -> list[str]:
        """The commands of the log that make annotations, as the runner would read them."""
        return [line for line in self.text.splitlines() if re.match(r"::(error|warning|notice)[ :]", line)]


@dataclass
class Stage:
    """What a test acts on.

    Attributes:
        github: The fake GitHub.
        folder: Ada's clone.
        environ: Her environment.
    """

    github: FakeGitHub
    folder: Path
    environ: dict[str, str]
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def there(self) -> Repository:
        """The repository on GitHub."""
        return self.github.repository(NAME)

    def git(self, *arguments: str) -> str:
        """Run git in the clone."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=self.environ, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, branch: str = "development", *, push: bool = True, **files: str | None) -> str:
        """Change files of a branch (``None`` removes one), and push the commit."""
        self.git("checkout", "--quiet", branch)
        for name, text in files.items():
            path = self.folder / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", "A change")
        if push:
            self.push(branch)
        return self.git("rev-parse", "HEAD")

    def push(self, *references: str) -> None:
        """Push to GitHub, past its rules: what a push may do is tested elsewhere."""
        self.git("push", "--quiet", "--force", str(self.there.folder), *references)

    def token(self, **rights: str) -> str:
        """A workflow's own token."""
        return self.github.add_token("ada", kind="app", permissions={**RIGHTS, **rights}, owner="acme")

    def training(
        self, branch: str, commit: str = "", *, files: Mapping[str, str | bytes] | None = None, **changes: Any
    ) -> Run:
        """A training of a branch with its report."""
        sha = commit or self.there.branches[branch]
        run = self.github.add_run(NAME, workflow=f"{branch}.yml", branch=branch, commit=sha)
        held = {"report.json": json.dumps(report(branch, sha, **changes))} if files is None else files
        self.github.add_artifact(NAME, run.id, f"report-{branch}", packed(held))
        return run

    def task(
        self, *arguments: str, event: str = "push", payload: Mapping[str, Any] | None = None, token: str | None = None,
        branch: str = "development", cwd: Path | None = None, **more: str,
    ) -> Done:  # fmt: skip
        """Run ``python -m helpers.ci ARGUMENTS`` as a step of a job does."""
        number = next(self.numbers)
        folder = self.folder.parent / f"job-{number}"
        folder.mkdir()
        where = cwd or self.folder
        (folder / "event.json").write_text(json.dumps(payload or {}), encoding="utf-8")
        sha = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=where, env=self.environ, capture_output=True, text=True, check=True
        )
        known = {
            "GITHUB_ACTIONS": "true", "GITHUB_API_URL": self.github.api, "GITHUB_SERVER_URL": self.github.url,
            "GITHUB_REPOSITORY": NAME, "GITHUB_RUN_ID": str(4000 + number), "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_EVENT_NAME": event, "GITHUB_EVENT_PATH": str(folder / "event.json"), "GITHUB_ACTOR": "ada",
            "GITHUB_SHA": sha.stdout.strip(), "GITHUB_REF_NAME": branch, "GITHUB_RETENTION_DAYS": "90",
            "GITHUB_OUTPUT": str(folder / "outputs"), "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            "GITHUB_TOKEN": self.token() if token is None else token, "PYTHONPATH": str(self.folder / "src"),
            "TMPDIR": str(folder),
        }  # fmt: skip
        done = subprocess.run(
            [str(template_environment.python()), "-m", "helpers.ci", *arguments],
            cwd=where, env=template_environment.environ(folder, **{**known, **more}), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, encoding="utf-8", timeout=300, check=False,
        )  # fmt: skip
        text = done.stdout + done.stderr
        assert "Traceback" not in text, text
        return Done(done.returncode, text, _outputs(folder / "outputs"), _read(folder / "summary"))

    def calls(self, method: str = "") -> list[str]:
        """The calls of GitHub's API so far, below the repository."""
        start = f"/repos/{NAME}/"
        return [
            f"{one.method} {one.path.removeprefix(start)}"
            for one in self.github.calls.rest
            if not method or one.method == method
        ]


def report(
    branch: str, commit: str, *, rmse: float = 54.5, baseline: float | None = None, outcome: str = "improved",
    passed: bool = True, promoted: bool = True, data: str = "sha256:1", **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """``report.json`` of a training."""
    gain = None if baseline is None else baseline - rmse
    champion = {"kind": "champion", "version": "3", "run_id": "r3", "commit": "f" * 40, "scored": "test-split"}
    judged = {"name": "rmse", "value": rmse, "baseline": baseline, "gain": gain, "rule": RULE, "passed": passed,
              "reason": f"rmse is {rmse}."}  # fmt: skip
    return {
        "version": 1, "project": "heart-rate", "pipeline": "training", "branch": branch, "commit": commit,
        "actor": "ada", "trigger": "push",
        "run": {"id": f"run-{next(_NUMBERS)}", "name": "n", "engine": "local", "status": "succeeded", "seconds": 3.0,
                "started": "2026-11-21T10:00:00+00:00", "ended": "2026-11-21T10:00:03+00:00"},
        "decision": {"version": 1, "outcome": outcome, "passed": passed, "reasons": [f"rmse is {rmse}."],
                     "metrics": [judged], "baseline": {"kind": "none"} if baseline is None else champion},
        "promoted": promoted,
        "model": {"name": "heart-rate-training", "version": "4", "address": "model://heart-rate-training/4"},
        "data": [{"name": "sample", "address": "data/sample/x.csv", "fingerprint": data, "rows": 9, "columns": {}}],
        **more,
    }  # fmt: skip


def packed(files: Mapping[str, str | bytes]) -> bytes:
    """A zip file."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return memory.getvalue()


@lru_cache(maxsize=1)
def model() -> Path:
    """The repository as ``init`` makes it, once for all tests of a process."""
    return make_model(Path(tempfile.mkdtemp(prefix="ci-model-")))


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """A stage in a folder: ``development`` and ``staging`` start at the same commit."""
    here, home = folder / "heart-rate", folder / "home"
    shutil.copytree(model(), here, symlinks=True)
    home.mkdir()
    who = {f"GIT_{one}_{what}": f"ada@{what}" for one in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "LANG": "C.UTF-8", **who}
    with FakeGitHub() as github:
        github.add_user("ada")
        github.add_user("eve")
        github.add_org("acme", plan="team", members=["ada"])
        there = github.add_repository(NAME)
        # GitHub has the objects of the first commit already, so the push of each test carries nothing.
        (there.folder / "objects" / "info" / "alternates").write_text(f"{model() / '.git' / 'objects'}\n")
        stage = Stage(github, here, environ)
        stage.push("development", "staging", "production")
        there.default_branch = "development"
        there.approve_pull_requests = True
        yield stage


def _outputs(path: Path) -> dict[str, str]:
    """The outputs of a step, read as the runner does."""
    found, lines = {}, iter(_read(path).splitlines())
    for line in lines:
        name, sign, end = line.partition("<<")
        assert sign, line
        text = []
        for part in lines:
            if part == end:
                break
            text.append(part)
        found[name] = "\n".join(text)
    return found


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
