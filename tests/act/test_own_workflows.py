"""The workflows of this project, executed over a toy whose Makefile has the verbs: what is handed on and published."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.github import FakeGitHub

from .hosted import GitHubActions, running

ROOT = Path(__file__).resolve().parents[2]
NAME = "acme/tool"
WHEEL, SDIST = b"a wheel", b"an sdist"
MAKEFILE = """\
release-check:
\ttest "$(TAG)" = v1.2.3
\tmkdir -p dist build
\tprintf 'a wheel' > dist/tool-1.2.3-py3-none-any.whl
\tprintf 'an sdist' > dist/tool-1.2.3.tar.gz
\techo 'What changed.' > build/release-notes.md
docs:
\tmkdir -p build/docs && echo page > build/docs/index.html
newest test test-kills test-whole explore:
\techo $@
test-matrix:
\ttest ! -e broken
"""
# GitHub's program, as far as the workflows use it: it writes down what it is asked, and answers from files.
GH = """\
#!/usr/bin/env python3
import json, os, pathlib, sys
place = pathlib.Path({place!r})
said = {{"arguments": sys.argv[1:], "repository": os.environ["GH_REPO"], "token": bool(os.environ["GH_TOKEN"])}}
said["notes"] = {{path: open(path).read() for path in sys.argv if path.endswith(".md")}}
with (place / "calls").open("a") as log:
    log.write(json.dumps(said) + "\\n")
answer = place / "-".join(sys.argv[1:3])
print(answer.read_text() if answer.exists() else "")
"""


class Calls:
    """What GitHub's program was asked, and what it answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def answers(self, verb: str, text: str) -> None:
        (self.folder / verb).write_text(text, encoding="utf-8")

    @property
    def made(self) -> list[list[str]]:
        log = self.folder / "calls"
        calls = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
        assert all(call["repository"] == NAME and call["token"] for call in calls)
        return [call["arguments"] for call in calls]

    def forget(self) -> None:
        (self.folder / "calls").unlink()


Opened = Callable[[str, Mapping[str, str]], AbstractContextManager[GitHubActions]]


@pytest.fixture
def calls(tmp_path: Path) -> Calls:
    return Calls(tmp_path / "gh")


@pytest.fixture
def opened(calls: Calls, tmp_path: Path) -> Opened:
    """A toy project on the fake GitHub with one of our workflows."""

    @contextmanager
    def open_it(workflow: str, more: Mapping[str, str]) -> Iterator[GitHubActions]:
        here = tmp_path / "toy"
        source = (ROOT / ".github" / "workflows" / workflow).read_text(encoding="utf-8")
        for name, text in {f".github/workflows/{workflow}": source, "Makefile": MAKEFILE, **more}.items():
            (here / name).parent.mkdir(parents=True, exist_ok=True)
            (here / name).write_text(text, encoding="utf-8")
        program = {"gh": GH.format(place=str(calls.folder))}
        with FakeGitHub() as github, running(github, NAME, tmp_path / "machine", programs=program) as actions:
            github.add_user("ada")
            github.add_org("acme", plan="team", members=["ada"])
            repository = github.add_repository(NAME)
            for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "A toy"], ["tag", "v1.2.3"]):
                git(here, *words)
            git(here, "push", "-q", "--tags", str(repository.folder), "HEAD:refs/heads/main")
            repository.git("symbolic-ref", "HEAD", "refs/heads/main")
            repository.default_branch = "main"
            for environment in ("pypi", "github-pages"):
                github.world.make_environment(repository, environment)
            yield actions

    return open_it


def git(folder: Path, *words: str) -> None:
    identity = {
        f"GIT_{role}_{part}": "ada@example.org" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")
    }
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", **identity}
    subprocess.run(["git", *words], cwd=folder, env=environ, check=True, capture_output=True)


def digests(word: str) -> set[str]:
    names = {"tool-1.2.3-py3-none-any.whl": WHEEL, "tool-1.2.3.tar.gz": SDIST}
    return {f"{word} {hashlib.sha256(content).hexdigest()}  dist/{name}" for name, content in names.items()}


def test_a_tag_is_published_just_as_it_was_built(opened: Opened, calls: Calls) -> None:
    calls.answers("run-list", "1")
    with opened("publish.yml", {}) as actions:
        (run,) = actions.tagged("v1.2.3")
    assert run.results == dict.fromkeys(("tested", "build", "pypi", "release"), "success"), run.said()
    pypi = set(run.jobs["pypi"].log.splitlines())
    assert digests("attested") <= pypi
    assert digests("published") <= pypi
    asked, shown = calls.made
    assert asked[:2] == ["run", "list"]
    assert ["--branch", "main", "--commit", run.commit] == asked[4:8]
    files = ["dist/tool-1.2.3-py3-none-any.whl", "dist/tool-1.2.3.tar.gz"]
    assert shown[:5] == ["release", "create", "v1.2.3", *files]
    assert shown[5:] == ["--verify-tag", "--title", "mlopsgen 1.2.3", "--notes-file", "notes/release-notes.md"]


def test_a_tag_whose_tests_have_not_passed_is_not_published(opened: Opened, calls: Calls) -> None:
    calls.answers("run-list", "0")
    with opened("publish.yml", {}) as actions:
        (run,) = actions.tagged("v1.2.3")
    assert run.results == {"tested": "failure", "build": "success", "pypi": "skipped", "release": "skipped"}, run.said()
    (kind, text) = run.jobs["tested"].annotations[0]
    assert kind == "error"
    assert text == f"The tests of {run.commit} have not passed on main. Wait for them, then run this job again."


def test_a_tag_that_does_not_fit_is_not_published(opened: Opened, calls: Calls) -> None:
    calls.answers("run-list", "1")
    with opened("publish.yml", {}) as actions:
        actions.repository.git("tag", "v1.2.4", "v1.2.3")
        (run,) = actions.tagged("v1.2.4")
        assert actions.tagged("v1.2.4")[0].workflow == "publish.yml"
        actions.repository.git("tag", "vacation", "v1.2.3")
        assert actions.tagged("vacation") == []
    assert run.results == {"tested": "success", "build": "failure", "pypi": "skipped", "release": "skipped"}, run.said()


def test_the_site_goes_online_from_main(opened: Opened) -> None:
    with opened("docs.yml", {}) as actions:
        (run,) = actions.pushed("main", "")
    assert run.results == {"build": "success", "pages": "success"}, run.said()
    assert "site ./index.html" in run.jobs["build"].log


def test_red_nights_are_one_issue_that_a_green_one_closes(opened: Opened, calls: Calls) -> None:
    with opened("nightly.yml", {"broken": "yes\n"}) as actions:
        red = actions.scheduled("nightly.yml")
        assert red.results["newest"] == "failure", red.said()
        assert red.results["tell"] == "success", red.said()
        looked, made = calls.made
        assert looked[:2] == ["issue", "list"]
        assert made[:4] == ["issue", "create", "--title", "The nightly tests fail"]
        assert made[5].endswith(f"/{NAME}/actions/runs/{red.id}")

        calls.forget()
        calls.answers("issue-list", "7")
        again = actions.scheduled("nightly.yml")
        assert calls.made[1][:3] == ["issue", "comment", "7"], again.said()


def test_a_green_night_says_nothing_or_closes_the_issue(opened: Opened, calls: Calls) -> None:
    with opened("nightly.yml", {}) as actions:
        green = actions.scheduled("nightly.yml")
        assert set(green.results.values()) == {"success"}, green.said()
        assert len(calls.made) == 1, "it looked for an issue and did no more"

        calls.forget()
        calls.answers("issue-list", "7")
        actions.scheduled("nightly.yml")
        assert calls.made[1][:3] == ["issue", "close", "7"]
