"""A toy project for the tests of the forge: real git and real processes, but its training is a few lines of Python."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlopsgen.forge.local import LocalForge
from mlopsgen.forge.values import Key, Kind, Resource
from mlopsgen.forge.worker import locks, queue
from mlopsgen.forge.worker.layout import Layout
from mlopsgen.forge.worker.records import Run, read_run

BRANCHES = ("development", "staging", "production")

# What `python -m pipelines.<branch>.main VERB --output json` does is told by toy.json of the commit:
# stop_at: a verb that waits until the file "go" appears in the given folder; fail_at: a verb that fails; print: a
# variable that is printed; metrics, exit: the result of the training.
TOY_MAIN = """
import argparse, json, os, pathlib, sys, time

parser = argparse.ArgumentParser()
parser.add_argument("verb")
for name in ("to", "trigger", "actor", "commit", "run-directory", "run-id", "output", "report", "failed", "reason"):
    parser.add_argument("--" + name)
parser.add_argument("--promote", action="store_true")
options = parser.parse_args()
toy = json.loads(pathlib.Path("toy.json").read_text())
branch = pathlib.Path(__file__).parent.name


def say(line):
    print(line, file=sys.stderr, flush=True)


def end(code, data=None, error=None):
    summary = error["message"] if error else options.verb + " is done"
    print(json.dumps({"version": 1, "command": options.verb, "ok": code == 0, "exit_code": code, "summary": summary,
                      "data": data or {}, "next_steps": [], "error": error}))
    raise SystemExit(code)


marks = pathlib.Path(toy["marks"])
with (marks / "calls").open("a") as file:
    file.write(" ".join((branch, options.verb, toy.get("name", ""), str(os.getpid()))) + "\\n")
if options.verb in ("run", "submit"):
    folder = pathlib.Path(options.run_directory)
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "begun").exists():
        end(2, error={"code": "usage", "message": "the directory holds another run"})
    (folder / "begun").touch()
if toy.get("stop_at") == options.verb:
    say("waiting at " + options.verb)
    while not (marks / "go").exists():
        time.sleep(0.02)
if "print" in toy:
    say("value: " + os.environ.get(toy["print"], "(not set)"))
if toy.get("fail_at") == options.verb:
    end(1, error={"code": "data", "message": "the column 'price' is missing", "hint": "Name the target.",
                  "where": "data/sources.yaml:7"})
if options.verb == "check":
    end(0, {"engine": toy.get("engine", "local")})
if options.verb == "watch":
    # The data's revision lies in the file "data"; the report of a training is compared with it by its commit alone.
    revision = (marks / "data").read_text() if (marks / "data").exists() else ""
    trained = (marks / "trained").read_text() if (marks / "trained").exists() else ""
    sources = [{"name": "main", "changed": revision != trained, "now": {"revision": revision}}]
    end(8 if revision != trained else 0, {"changed": revision != trained, "sources": sources,
                                          "report": options.report})
if options.verb == "act":
    with (marks / "acted").open("a") as file:
        file.write(json.dumps([options.report, options.failed, len(os.environ.get("SMTP_PASSWORD", ""))]) + "\\n")
    end(0, {"results": toy.get("results", [{"name": "mail"}])})
if options.verb in ("run", "submit"):
    if (marks / "data").exists():
        (marks / "trained").write_text((marks / "data").read_text())
    (folder / "log.txt").write_text("engine log " + os.environ.get(toy.get("print", ""), "") + "\\n")
    (folder / "environment.json").write_text(json.dumps(dict(os.environ)))
    report = {form: str(folder / ("report." + form)) for form in ("html", "md", "json")}
    for path in report.values():
        pathlib.Path(path).write_text("report of " + options.commit)
    if "decision" in toy:
        pathlib.Path(report["json"]).write_text(json.dumps({"version": 1, "decision": toy["decision"]}))
    say("step train-model: succeeded (0.0 s)")
    code = toy.get("exit", 0)
    end(code, {"run_id": "r1", "outcome": "rejected" if code == 6 else "first", "passed": code == 0,
               "promoted": options.promote and code == 0, "metrics": toy.get("metrics", {"rmse": 54.25}),
               "report": report, "seconds": 0.1, "trigger": options.trigger, "actor": options.actor,
               "reason": options.reason})
end(0)
"""


@dataclass
class Toy:
    """A repository with three branches, and the forge that it is pushed to."""

    folder: Path
    root: Path
    marks: Path
    environ: dict[str, str]
    settings: dict[str, object] = field(default_factory=dict)

    @property
    def layout(self) -> Layout:
        return Layout(self.root)

    @property
    def forge(self) -> LocalForge:
        return LocalForge(self.root, self.environ, python=Path(sys.executable).resolve())

    def git(self, *arguments: str, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**self.environ, **more},
            capture_output=True,
            text=True,
            check=False,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def commit(self, message: str = "Change", **settings: object) -> str:
        """Commit a toy.json with these settings; keys that are given as None are taken out."""
        self.settings = {k: v for k, v in {**self.settings, **settings}.items() if v is not None}
        (self.folder / "toy.json").write_text(json.dumps({"marks": str(self.marks), **self.settings}))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").stdout.strip()

    def found_forge(self) -> None:
        """Make the forge as `push --local` does, without pushing anything."""
        forge = self.forge
        forge.put(Resource(key=Key(Kind.REPOSITORY, "toy"), value={"project": "toy"}))
        for setting in forge.settings():
            forge.put(setting)
        for branch in BRANCHES:
            forge.put(Resource(key=Key(Kind.ENVIRONMENT, branch), value={}))
        self.git("remote", "add", "local", forge.address)

    def push(self, *arguments: str, check: bool = True, **more: str) -> str:
        """`git push local ...`, and everything that it says to the person."""
        return self.git("push", "local", *(arguments or ("development",)), check=check, **more).stderr

    def push_behind(self, *arguments: str) -> subprocess.Popen[str]:
        """`git push local ...` in a session of its own, still running."""
        return subprocess.Popen(
            ["git", "push", "local", *(arguments or ("development",))],
            cwd=self.folder,
            env=self.environ,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def go(self) -> None:
        """Let every training that waits go on."""
        (self.marks / "go").touch()

    def calls(self) -> list[list[str]]:
        """The verbs that ran: branch, verb, name of the commit, process id."""
        path = self.marks / "calls"
        return [line.split(" ") for line in path.read_text().splitlines()] if path.exists() else []

    def with_actions(self) -> None:
        """Let the repository bring what acts on results, as a template of this version does."""
        folder = self.folder / "src" / "helpers" / "actions"
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()

    def acted(self) -> list[list[str | int | None]]:
        """What each call of `act` was given: the report, what failed, and the password's length."""
        path = self.marks / "acted"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def wait_for_call(self, verb: str, count: int = 1) -> int:
        """The process id of the verb's call, as soon as there are so many of them."""
        until(lambda: len([call for call in self.calls() if call[1] == verb]) >= count)
        return int([call for call in self.calls() if call[1] == verb][count - 1][3])

    def run(self, number: int = 1, branch: str = "development") -> Run | None:
        return read_run(self.layout, branch, number)

    def wait_for_end(self, number: int = 1, branch: str = "development") -> Run:
        """The state of a training once it is over."""
        until(lambda: (run := self.run(number, branch)) is not None and run.is_final)
        run = self.run(number, branch)
        assert run is not None
        return run

    def wait_for_rest(self) -> None:
        """Wait until no worker is left."""
        until(
            lambda: (
                not any(queue.waiting(self.layout, b) or locks.is_held(self.layout.worker_lock(b)) for b in BRANCHES)
            )
        )

    def text(self, name: str, number: int = 1, branch: str = "development") -> str:
        return (self.layout.run(branch, number) / name).read_text(encoding="utf-8")


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something that other processes do; the limit is only there for a test that would never end."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def environment(home: Path) -> dict[str, str]:
    """The environment of a person with a git identity and nothing else."""
    home.mkdir(parents=True, exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
        "GIT_CONFIG_NOSYSTEM": "1",
        "LOGNAME": "ada",
    }


def make_toy(folder: Path, *, environ: Mapping[str, str] | None = None, marks: Path | None = None) -> Toy:
    """A toy repository in ``folder`` with its three branches at one commit; its forge is not made yet."""
    repository = folder / "toy project"
    toy = Toy(
        folder=repository,
        root=folder / "toy-forge",
        marks=marks or folder / "marks",
        environ=dict(environ or environment(folder / "home")),
    )
    for path in (repository, toy.marks):
        path.mkdir(parents=True, exist_ok=True)
    for branch in BRANCHES:
        place = repository / "src" / "pipelines" / branch
        place.mkdir(parents=True)
        (place / "main.py").write_text(TOY_MAIN)
        (place / "__init__.py").touch()
        (place / "config.yaml").write_text("version: 1\nengine: local\n")
    (repository / "src" / "pipelines" / "__init__.py").touch()
    (repository / "requirements.txt").write_text("# nothing\n")
    (repository / ".gitignore").write_text(".env\n")
    (repository / ".copier-answers.yml").write_text(
        "slug: toy\nproject_name: Toy\ndata_address: data/sample/diabetes.csv\n"
    )
    toy.git("init", "--quiet", "--initial-branch=development")
    toy.commit("Begin")
    for branch in BRANCHES[1:]:
        toy.git("branch", branch)
    return toy


def remove(folder: Path) -> None:
    """Remove a folder of a test that is done with it."""
    shutil.rmtree(folder, ignore_errors=True)
