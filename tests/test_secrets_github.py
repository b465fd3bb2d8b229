"""`mlopsgen secrets` on GitHub: sealed for exactly one environment, opened there, and refused before half is done."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import hosted_toys
from tests.canaries import canary, found_in
from tests.github import FakeGitHub
from tests.hosted_toys import BRANCHES, NAME, Hosted
from tests.secret_toys import AWKWARD, dotenv

MAIL = {"SMTP_USERNAME": canary("user"), "SMTP_PASSWORD": canary("password")}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    answers = ["--set", "notify_how=email", "--set", "notify_emails=ada@example.org", "--set", "reviewers=bob"]
    return hosted_toys.make_model(tmp_path_factory.mktemp("model"), answers)


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as github:
        yield github


@pytest.fixture
def hosted(github: FakeGitHub, model: Path, tmp_path: Path) -> Hosted:
    """A repository with its environments, without any secret."""
    hosted = hosted_toys.set_up(github, model, tmp_path)
    for environment in (*BRANCHES, "production-watch"):
        github.world.make_environment(hosted.there, environment)
    return hosted


def secrets(hosted: Hosted, *arguments: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run `mlopsgen secrets ARGUMENTS`; nothing that it says may hold a secret."""
    argv = [sys.executable, "-m", "mlopsgen", "secrets", *arguments, "--host", hosted.github.url]
    environ = {**hosted.environ, "MLOPSGEN_GITHUB_TOKEN": hosted.token, **more}
    done = subprocess.run(argv, cwd=hosted.here, env=environ, input=stdin.encode(), capture_output=True, check=False)
    out, err = done.stdout.decode(), done.stderr.decode()
    assert not found_in(out + err)
    return subprocess.CompletedProcess(argv, done.returncode, out, err)


def given(hosted: Hosted, values: dict[str, str]) -> str:
    return str(dotenv(hosted.here.parent / "given.env", values))


def test_any_value_is_opened_there_to_the_last_byte(hosted: Hosted) -> None:
    values = {f"SHAPE_{shape.upper()}": value for shape, value in AWKWARD.items()}
    done = secrets(hosted, "set", *values, "--from-file", given(hosted, values), "--branch", "staging")
    assert done.returncode == 0, done.stderr
    assert dict(hosted.there.secrets_of("staging")) == values
    assert not hosted.there.secrets_of("production")
    assert not hosted.there.secrets


def test_many_go_where_they_are_needed_and_only_what_is_absent_is_written(hosted: Hosted) -> None:
    file = given(hosted, {**MAIL, "PRODUCTION_SMTP_PASSWORD": canary("of-production")})
    assert secrets(hosted, "set", "SMTP_PASSWORD", "--stdin", "-b", "staging", stdin=canary("first")).returncode == 0
    done = secrets(hosted, "set", "--from-file", file, "--output", "json")
    assert done.returncode == 0, done.stderr
    assert dict(hosted.there.secrets_of("development")) == MAIL
    assert dict(hosted.there.secrets_of("staging")) == {**MAIL, "SMTP_PASSWORD": canary("first")}
    assert dict(hosted.there.secrets_of("production")) == {**MAIL, "SMTP_PASSWORD": canary("of-production")}
    assert not hosted.there.secrets_of("production-watch")
    told = json.loads(done.stdout)
    assert len(told["data"]["written"]) == 5
    assert [(one["environment"], one["name"]) for one in told["data"]["kept"]] == [("staging", "SMTP_PASSWORD")]
    assert secrets(hosted, "check").returncode == 0
    hosted.github.calls.clear()
    assert secrets(hosted, "set", "--from-file", file).returncode == 0
    assert not [call for call in hosted.github.calls if call.method != "GET"]


def test_the_list_tells_when_each_was_written_and_what_is_there_besides(hosted: Hosted) -> None:
    secrets(hosted, "set", "--from-file", given(hosted, MAIL))
    secrets(hosted, "set", "MY_OWN", "--stdin", "--branch", "staging", stdin=canary("own"))
    told = json.loads(secrets(hosted, "list", "--output", "json").stdout)["data"]
    mail = [one for one in told["secrets"] if one["name"].startswith("SMTP")]
    assert len(mail) == 6
    assert all(one["present"] and one["updated"][:2] == "20" for one in mail)
    assert [(other["environment"], other["name"]) for other in told["others"]] == [("staging", "MY_OWN")]
    shown = secrets(hosted, "list").stdout
    assert f"set {mail[0]['updated'][:10]}" in shown
    assert "MY_OWN of staging" in shown


def test_a_login_that_no_workflow_hands_over_is_told(hosted: Hosted) -> None:
    values = {**MAIL, "DATA_WINE_TOKEN": canary("token")}
    sources = hosted.here / "data" / "sources.yaml"
    wine = "  wine: {address: 'https://wine.example.org/wine.csv', target: quality, task: regression}\n"
    sources.write_text(sources.read_text(encoding="utf-8") + wine, encoding="utf-8")
    argv = ["set", *values, "--from-file", given(hosted, values), "--branch", "staging"]
    assert "No workflow of this repository reads DATA_WINE_TOKEN." in secrets(hosted, *argv).stderr
    with (hosted.here / ".github" / "workflows" / "staging.yml").open("a", encoding="utf-8") as workflow:
        workflow.write("# DATA_WINE_TOKEN: ${{ secrets.DATA_WINE_TOKEN }}\n")
    assert "No workflow" not in secrets(hosted, *argv).stderr


def test_a_rotated_secret_is_sealed_again(hosted: Hosted) -> None:
    secrets(hosted, "set", "--from-file", given(hosted, MAIL))
    done = secrets(hosted, "rotate", "SMTP_PASSWORD", "--stdin", "-b", "staging", stdin=canary("second"))
    assert done.returncode == 0, done.stderr
    assert hosted.there.secrets_of("staging")["SMTP_PASSWORD"] == canary("second")
    assert hosted.there.secrets_of("production")["SMTP_PASSWORD"] == MAIL["SMTP_PASSWORD"]


def test_a_key_that_is_changed_between_reading_and_writing_is_read_again(hosted: Hosted) -> None:
    github = hosted.github
    github.faults.before(1, lambda record: github.rotate_key(NAME, "staging"), method="PUT", path="/secrets/")
    done = secrets(hosted, "set", "SMTP_PASSWORD", "--stdin", "-b", "staging", stdin=canary("sealed twice"))
    assert done.returncode == 0, done.stderr
    assert hosted.there.secrets_of("staging")["SMTP_PASSWORD"] == canary("sealed twice")


def test_nothing_is_said_of_secrets_that_the_token_may_not_see(hosted: Hosted) -> None:
    secrets(hosted, "set", "--from-file", given(hosted, MAIL))
    hosted.token = hosted.github.add_token("bob", kind="classic", scopes=["repo"])
    before = dict(hosted.there.secrets_of("staging"))
    for verb in (("list",), ("check",), ("set", "SMTP_PASSWORD", "--stdin", "-b", "staging")):
        done = secrets(hosted, *verb, stdin=canary("not to be written"))
        assert done.returncode == 4, done.stdout + done.stderr
        assert "MISSING" not in done.stdout
        assert "missing" not in done.stdout
        assert "next:" in done.stderr
    assert dict(hosted.there.secrets_of("staging")) == before


@pytest.mark.parametrize(
    ("login", "scopes", "words"),
    [("ada", [], "lacks"), ("ada", ["public_repo"], "lacks"), ("eve", ["repo"], "may not see")],
)
def test_a_repository_that_the_token_may_not_see_is_not_called_missing(
    hosted: Hosted, login: str, scopes: list[str], words: str
) -> None:
    hosted.github.add_user("eve")
    hosted.token = hosted.github.add_token(login, kind="classic", scopes=scopes)
    for verb in (("list",), ("check",), ("set", "SMTP_PASSWORD", "--stdin", "-b", "staging")):
        done = secrets(hosted, *verb, stdin=canary("x"))
        assert done.returncode == 4
        assert words in done.stderr
        assert "next:" in done.stderr


def test_a_token_that_may_do_nothing_but_secrets_is_enough(hosted: Hosted) -> None:
    permissions = {"metadata": "read", "actions": "read", "environments": "write", "secrets": "write"}
    hosted.token = hosted.github.add_token("ada", kind="fine-grained", permissions=permissions, owner="acme")
    done = secrets(hosted, "set", "--from-file", given(hosted, MAIL))
    assert done.returncode == 0, done.stderr
    assert secrets(hosted, "check").returncode == 0
    assert dict(hosted.there.secrets_of("production")) == MAIL


def test_where_there_are_no_environments_the_repository_keeps_them_under_longer_names(
    github: FakeGitHub, model: Path, tmp_path: Path
) -> None:
    hosted = hosted_toys.set_up(github, model, tmp_path)
    github.world.account("acme").plan = "free"
    (hosted.here / ".github" / "remote.yaml").write_text("version: 1\ngithub: {plan: free}\n")
    done = secrets(hosted, "set", "--from-file", given(hosted, MAIL))
    assert done.returncode == 0, done.stderr
    assert dict(hosted.there.secrets) == {
        f"{branch.upper()}_{name}": value for branch in BRANCHES for name, value in MAIL.items()
    }
    assert "There are no environments" in done.stderr
    assert "every branch can read them" in done.stderr
    assert secrets(hosted, "check").returncode == 0
    listed = secrets(hosted, "list")
    assert "STAGING_SMTP_PASSWORD" in listed.stdout
    rotated = secrets(hosted, "rotate", "SMTP_PASSWORD", "--stdin", "-b", "staging", stdin=canary("other"))
    assert rotated.returncode == 0, rotated.stderr
    assert hosted.there.secrets["STAGING_SMTP_PASSWORD"] == canary("other")
    # Also where nobody tells the plan: they are where an earlier set-up has put them.
    (hosted.here / ".github" / "remote.yaml").write_text("version: 1\n")
    hosted.token = github.add_token("bob", kind="classic", scopes=["repo"])
    hosted.there.collaborators["bob"] = "admin"
    assert secrets(hosted, "check").returncode == 0


def test_environments_that_are_not_made_yet_are_said_before_anything_is_written(
    github: FakeGitHub, model: Path, tmp_path: Path
) -> None:
    hosted = hosted_toys.set_up(github, model, tmp_path)
    done = secrets(hosted, "set", "--from-file", given(hosted, MAIL))
    assert done.returncode == 2
    assert "no environment 'staging' yet" in done.stderr
    assert "mlopsgen push" in done.stderr
    assert not [call for call in github.calls if call.method not in ("GET", "HEAD")]


@pytest.mark.whole
def test_more_than_there_is_room_for_is_refused_before_anything_is_written(hosted: Hosted) -> None:
    many = {f"FILLER_{number}": canary(str(number)) for number in range(99)}
    filled = secrets(hosted, "set", *many, "--from-file", given(hosted, many), "-b", "staging")
    assert filled.returncode == 0, filled.stderr
    hosted.github.calls.clear()
    done = secrets(hosted, "set", "--from-file", given(hosted, MAIL))
    assert done.returncode == 2
    assert "'staging' would hold 101 secrets, and 100 are possible" in done.stderr
    assert not [call for call in hosted.github.calls if call.method != "GET"]


def test_one_that_fails_does_not_stop_the_others_and_running_again_ends_it(hosted: Hosted) -> None:
    hosted.github.faults.add("403", method="PUT", path="environments/staging/secrets/SMTP_USERNAME")
    done = secrets(hosted, "set", "--from-file", given(hosted, MAIL), "--output", "json")
    assert done.returncode == 5, done.stdout
    error = json.loads(done.stdout)["error"]
    assert "5 of 6 secrets written" in error["message"]
    assert "SMTP_USERNAME of staging" in error["message"]
    assert "run the same command again" in error["hint"]
    again = secrets(hosted, "set", "--from-file", given(hosted, MAIL))
    assert again.returncode == 0
    assert "1 secret set: SMTP_USERNAME of staging." in again.stdout


@pytest.mark.parametrize("fault", ["reset-after", "half-answer", "502", "503", "secondary-retry-after"])
def test_a_network_that_fails_is_no_reason_to_lose_a_secret(hosted: Hosted, fault: str) -> None:
    hosted.github.faults.add(fault, method="PUT", path="/secrets/", nth=2, retry_after=1)
    done = secrets(hosted, "set", "--from-file", given(hosted, MAIL))
    assert done.returncode == 0, done.stderr
    assert dict(hosted.there.secrets_of("staging")) == MAIL


def test_a_token_that_is_taken_back_in_the_middle_is_said(hosted: Hosted) -> None:
    hosted.github.faults.add("401", method="PUT", path="/secrets/", nth=3)
    done = secrets(hosted, "set", "--from-file", given(hosted, MAIL))
    assert done.returncode in (4, 5)
    assert "token" in done.stderr


def test_without_a_token_or_with_a_wrong_one_the_next_step_is_said(hosted: Hosted) -> None:
    none = secrets(hosted, "list", MLOPSGEN_GITHUB_TOKEN="")
    assert none.returncode == 4
    assert "gh auth login" in none.stderr
    wrong = secrets(hosted, "list", MLOPSGEN_GITHUB_TOKEN=canary("wrong", prefix="ghp_"))
    assert wrong.returncode == 4
    piped = secrets(hosted, "list", "--token-stdin", stdin=f"{hosted.token}\n", MLOPSGEN_GITHUB_TOKEN="")
    assert piped.returncode == 0, piped.stderr
