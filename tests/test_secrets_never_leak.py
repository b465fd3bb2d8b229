"""No secret is found anywhere: printed text, process lists, files, git objects, compiled pipelines, crash reports."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import push_stage, template_environment
from tests.canaries import FORMS, MARK, canary, found_in, hunt, may_hold
from tests.github import FakeGitHub
from tests.leak_stage import BUG, Watched
from tests.push_stage import NAME, SECRETS
from tests.secret_toys import AWKWARD, dotenv


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return push_stage.make_repository(tmp_path_factory.mktemp("model"))


@pytest.fixture
def watched(model: Path, tmp_path: Path) -> Iterator[Watched]:
    """Commands under watch; in the end nothing may have been given away, by them or on the fake's own disk."""
    with FakeGitHub() as github:
        watched = Watched(push_stage.set_up(github, model, tmp_path))
        yield watched
        assert watched.seen, "nothing was watched"
        assert not watched.leaks()
        assert not hunt(github.world.folder), "pushed to GitHub"
    assert not hunt(tmp_path, may_hold)


def test_a_push_with_secrets_gives_nothing_away(watched: Watched) -> None:
    stage = watched.stage
    trace = {f"GIT_TRACE{part}": f"{stage.environ['HOME']}/trace{part}" for part in ("", "_CURL", "_SETUP", "2_EVENT")}
    dry = watched.run("push", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    first = watched.run("push", "--yes", "--output", "json", **trace)
    assert first.returncode == 0, first.stdout + first.stderr
    assert all(Path(path).stat().st_size for path in trace.values()), "git has written what it did"
    there = stage.github.repository(NAME)
    assert there.secrets_of("production")["KUBEFLOW_PASSWORD"] == SECRETS["PRODUCTION_KUBEFLOW_PASSWORD"]
    for arguments in (("push", "--yes"), ("status",), ("doctor",), ("secrets", "list"), ("secrets", "check")):
        place = arguments[0] not in ("status", "doctor")
        done = watched.run(*arguments, "--output", "json", github=place)
        assert json.loads(done.stdout)["version"] == 1
        watched.run(*arguments, github=place)
    # What git keeps of the remote, and what a person sees of it.
    assert not found_in(stage.git("config", "--list", "--show-origin"))
    assert not found_in(stage.git("log", "--all", "--format=fuller"))


def test_secrets_of_every_shape_and_from_everywhere_give_nothing_away(watched: Watched, tmp_path: Path) -> None:
    assert watched.run("push", "--yes").returncode == 0
    there = watched.stage.github.repository(NAME)
    for shape, value in AWKWARD.items():
        name = f"SHAPE_{shape.upper()}"
        done = watched.run("secrets", "set", name, "--stdin", "-b", "staging", "--output", "json", stdin=f"{value}\n")
        assert done.returncode == 0, done.stderr
        assert there.secrets_of("staging")[name] == value
    values = {f"SHAPE_{shape.upper()}": value for shape, value in AWKWARD.items()}
    given = dotenv(tmp_path / "given.env", values)
    file = watched.run("secrets", "rotate", *values, "--from-file", str(given), "-b", "staging")
    assert file.returncode == 0, file.stderr
    variable = ("secrets", "rotate", "SHAPE_LINES", "--from-env", "MINE", "-b", "staging")
    assert watched.run(*variable, MINE=AWKWARD["largest"]).returncode == 0
    assert there.secrets_of("staging")["SHAPE_LINES"] == AWKWARD["largest"]


FAULTS = ["half-answer", "500", "401", "403", "secondary"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_push_that_fails_gives_nothing_away(watched: Watched, fault: str) -> None:
    watched.stage.github.faults.add(fault, method="PUT", path="/secrets/", times=0)
    done = watched.stage.run("push", "--yes", "--output", "json")
    watched.said.append((f"push with {fault}", done.out + done.said))
    assert done.code != 0
    done = watched.run("push", "--yes", MLOPSGEN_GITHUB_TOKEN=canary("wrong", prefix="ghp_"))
    assert done.returncode == 4, done.stdout + done.stderr


def test_git_that_fails_gives_nothing_away(watched: Watched) -> None:
    watched.stage.github.faults.add("403", kind="git", times=0)
    done = watched.run("push", "--yes", GIT_TRACE="1", GIT_TRACE_CURL="1", GIT_CURL_VERBOSE="1")
    assert done.returncode != 0
    bare = watched.run("push", "--yes", "--output", "json")
    assert bare.returncode != 0


@pytest.mark.parametrize("output", [(), ("--output", "json")])
def test_a_mistake_of_ours_in_the_middle_gives_nothing_away(watched: Watched, output: tuple[str, ...]) -> None:
    done = watched.run("push", "--yes", *output, code=BUG)
    assert watched.run("push", "--yes").returncode == 0
    again = ("secrets", "rotate", "KUBEFLOW_PASSWORD", "-b", "production", "--stdin")
    rotated = watched.run(*again, *output, code=BUG, stdin=f"{AWKWARD['quotes']}\n")
    assert (done.returncode, rotated.returncode) == (3, 3), done.stdout + done.stderr + rotated.stderr
    reports = list(Path(watched.stage.environ["HOME"]).rglob("bug-*.txt"))
    assert reports
    texts = [report.read_text() for report in reports]
    assert any("***" in text and "RuntimeError" in text for text in texts)
    assert not any(found_in(text) for text in texts)


def test_what_stands_on_the_command_line_by_mistake_is_not_repeated(watched: Watched) -> None:
    before = watched.run("secrets", "set", f"KUBEFLOW_PASSWORD={MARK}", "-b", "production")
    assert before.returncode == 2
    shown = [text for _, text in watched.said if found_in(text)]
    assert not shown
    # The process list has shown it, which is why it is refused.
    assert any(found_in(line) for line in watched.command_lines)
    watched.command_lines = {line for line in watched.command_lines if not found_in(line)}


def test_a_compiled_pipeline_holds_nothing_of_the_environment(model: Path, tmp_path: Path) -> None:
    package = tmp_path / "package.yaml"
    secrets = {f"MLOPSGEN_SECRET_{name}": value for name, value in SECRETS.items()} | SECRETS
    arguments = ("-m", "pipelines.development.main", "compile", "--to", str(package))
    template_environment.run(model, tmp_path, *arguments, PYTHONPATH=str(model / "src"), **secrets)
    assert package.read_text()
    assert not hunt(tmp_path)


def test_the_hunt_finds_what_there_is_to_find(tmp_path: Path) -> None:
    folder = tmp_path / "somewhere"
    folder.mkdir()
    places = {
        "plain": MARK,
        "basic": base64.b64encode(f"x-access-token:{MARK}".encode()).decode(),
        "shifted": base64.b64encode(f"ab{canary('x')}".encode()).decode(),
    }
    for name, text in places.items():
        (folder / name).write_text(f"before {text} after")
    (folder / f"name-{MARK}").touch()
    assert len(hunt(folder)) == 4

    def git(*arguments: str, text: str = "") -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
        return subprocess.run(
            command, cwd=folder, input=text, capture_output=True, text=True, check=True
        ).stdout.strip()

    for path in list(folder.iterdir()):
        path.unlink()
    git("init", "--quiet")
    lost = git("hash-object", "-w", "--stdin", text=MARK)
    assert [lost in hit for hit in hunt(folder)] == [True], "an object that nothing refers to"
    (folder / "file").write_text("harmless")
    git("add", ".")
    git("commit", "--quiet", "-m", f"a message with {MARK}")
    git("repack", "-a", "-d", "--quiet")
    assert any("object" in hit for hit in hunt(folder))
    assert all(len(form) >= 8 for form in FORMS)
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
