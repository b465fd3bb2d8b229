"""Where the token comes from, and that it never goes to a host that it is not for."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mlopsgen.adapters.credentials import NoCredential, find_credential, token_from_text
from mlopsgen.errors import ExitCode, UsageError
from mlopsgen.secret_value import SecretValue
from tests.canaries import canary, found_in

GH = """#!/bin/sh
# Answers as gh does: from its own store, unless a variable gives a token.
printf '%s\\n' "$@" > "{log}"
env > "{log}.env"
if [ -n "$GH_TOKEN$GITHUB_TOKEN$GH_ENTERPRISE_TOKEN$GITHUB_ENTERPRISE_TOKEN" ]; then echo of-a-variable; exit 0; fi
case "$4" in
  github.com) echo {github};;
  ghes.example.org) echo {ghes};;
  slow.example.org) exec sleep 600;;
  *) echo "no oauth token found for $4" >&2; exit 1;;
esac
"""


@pytest.fixture
def gh(tmp_path: Path) -> dict[str, str]:
    """An environment in which a program `gh` has two tokens in its store."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "gh"
    program.write_text(
        GH.format(log=tmp_path / "gh-called", github=canary("stored-for-github"), ghes=canary("stored-for-ghes"))
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(tmp_path)}


def find(host, environ, tmp_path, **more):
    return find_credential(host, environ, cwd=tmp_path, **more)


def said(host, environ, tmp_path, **more) -> str:
    """The token that is used; empty where there is none."""
    try:
        return find(host, environ, tmp_path, **more).token.reveal()
    except NoCredential:
        return ""


def test_the_order_is_stdin_own_variable_gh_token_github_token_gh_prompt(gh, tmp_path):
    tokens = {
        "MLOPSGEN_GITHUB_TOKEN": canary("own"),
        "GH_TOKEN": canary("gh-token"),
        "GITHUB_TOKEN": canary("github-token"),
    }
    environ = gh | tokens
    given = SecretValue(canary("piped"))
    assert said("github.com", environ, tmp_path, given=given) == canary("piped")
    for name, value in tokens.items():
        found = find("github.com", environ, tmp_path)
        assert found.token.reveal() == value
        assert name in found.source
        del environ[name]
    stored = find("github.com", environ, tmp_path, ask=lambda: SecretValue(canary("typed")))
    assert stored.token.reveal() == canary("stored-for-github")
    assert "gh auth token" in stored.source
    assert (tmp_path / "gh-called").read_text().split() == ["auth", "token", "--hostname", "github.com"]
    nothing = {"PATH": "/nowhere", "HOME": str(tmp_path)}
    typed = find("github.com", nothing, tmp_path, ask=lambda: SecretValue(canary("typed")))
    assert (typed.token.reveal(), typed.source) == (canary("typed"), "the prompt")


def test_without_any_token_the_error_says_what_to_do(tmp_path):
    with pytest.raises(NoCredential) as error:
        find("github.com", {"PATH": "/nowhere"}, tmp_path)
    assert error.value.exit_code is ExitCode.PERMISSION
    assert error.value.code == "no-credential"
    assert "gh auth login" in error.value.hint


EVERYTHING = {
    "MLOPSGEN_GITHUB_TOKEN": canary("own"),
    "GH_TOKEN": canary("gh-token"),
    "GITHUB_TOKEN": canary("github-token"),
    "GH_ENTERPRISE_TOKEN": canary("gh-enterprise"),
    "GITHUB_ENTERPRISE_TOKEN": canary("github-enterprise"),
}


@pytest.mark.parametrize(
    "host", ["evil.example.org", "github.com.evil.org", "notghe.com", "evil.org:443", "127.evil.org"]
)
def test_no_token_goes_to_a_host_that_only_a_file_names(host, tmp_path):
    assert said(host, EVERYTHING | {"PATH": "/nowhere"}, tmp_path) == ""
    with pytest.raises(NoCredential) as error:
        find(host, {"GH_TOKEN": canary("gh-token-value"), "PATH": "/nowhere"}, tmp_path)
    assert f"GH_HOST={host}" in error.value.message
    assert not found_in(error.value.message + error.value.hint)


@pytest.mark.parametrize("naming", ["GH_HOST", "GITHUB_SERVER_URL", "GITHUB_API_URL"])
def test_a_server_that_the_environment_names_gets_its_tokens(naming, tmp_path):
    named = {"GH_HOST": "ghes.example.org", "GITHUB_SERVER_URL": "https://ghes.example.org"}
    named["GITHUB_API_URL"] = "https://ghes.example.org/api/v3"
    environ = EVERYTHING | {naming: named[naming], "PATH": "/nowhere"}
    order = [
        canary("own"),
        canary("gh-enterprise"),
        canary("github-enterprise"),
        canary("gh-token"),
        canary("github-token"),
    ]
    for expected, name in zip(order, list(_names(order)), strict=True):
        assert said("ghes.example.org", environ, tmp_path) == expected
        del environ[name]
    assert said("other.example.org", EVERYTHING | {naming: named[naming], "PATH": "/nowhere"}, tmp_path) == ""


def _names(values):
    return [next(name for name, value in EVERYTHING.items() if value == wanted) for wanted in values]


def test_a_host_that_a_person_named_gets_what_is_meant_for_us_and_never_githubs_own(tmp_path):
    environ = EVERYTHING | {"PATH": "/nowhere"}
    assert said("ghes.example.org", environ, tmp_path, chosen=True) == canary("own")
    del environ["MLOPSGEN_GITHUB_TOKEN"]
    assert said("ghes.example.org", environ, tmp_path, chosen=True) == canary("gh-enterprise")
    del environ["GH_ENTERPRISE_TOKEN"], environ["GITHUB_ENTERPRISE_TOKEN"]
    assert said("ghes.example.org", environ, tmp_path, chosen=True) == ""


@pytest.mark.parametrize(
    "host", ["octo.ghe.com", "127.0.0.1:8080", "localhost:80", "[::1]:80", "http://127.0.0.1:8080"]
)
def test_githubs_own_hosts_and_this_machine_get_the_usual_tokens(host, tmp_path):
    assert said(host, {"GH_TOKEN": canary("gh-token"), "PATH": "/nowhere"}, tmp_path) == canary("gh-token")


@pytest.mark.parametrize("host", ["github.com", "octo.ghe.com"])
def test_a_tokens_for_servers_of_ones_own_never_goes_to_github(host, tmp_path):
    environ = {"GH_ENTERPRISE_TOKEN": "one", "GITHUB_ENTERPRISE_TOKEN": "two", "PATH": "/nowhere"}
    assert said(host, environ, tmp_path) == ""


def test_a_workflows_token_goes_to_the_server_of_the_workflow_alone(tmp_path):
    environ = {
        "GITHUB_TOKEN": canary("of-the-server"),
        "GITHUB_SERVER_URL": "https://ghes.example.org",
        "PATH": "/nowhere",
    }
    assert said("ghes.example.org", environ, tmp_path) == canary("of-the-server")
    assert said("github.com", environ, tmp_path) == ""
    hosted = {"GITHUB_TOKEN": "t", "GITHUB_API_URL": "https://api.github.com", "PATH": "/nowhere"}
    assert said("github.com", hosted, tmp_path) == "t"
    assert said("octo.ghe.com", hosted, tmp_path) == ""


def test_gh_is_asked_for_this_host_and_without_the_variables_of_another(gh, tmp_path):
    environ = gh | {"GH_TOKEN": canary("for-github"), "GITHUB_TOKEN": canary("for-github"), "GH_HOST": "github.com"}
    assert said("ghes.example.org", environ, tmp_path) == canary("stored-for-ghes")
    passed = (tmp_path / "gh-called.env").read_text()
    assert not found_in(passed)
    assert "GH_HOST" not in passed
    assert "GH_PROMPT_DISABLED=1" in passed
    assert said("nobody.example.org", gh, tmp_path) == ""


def test_a_gh_that_does_not_answer_is_none(gh, tmp_path, monkeypatch):
    monkeypatch.setattr("mlopsgen.adapters.credentials._GH_SECONDS", 0.3)
    assert said("slow.example.org", gh, tmp_path) == ""


@pytest.mark.parametrize("text", ["", "qqq www", "qqq\nwww", "bell\a", "ümlaut", "qqq\rwww"])
def test_what_cannot_be_a_token_is_refused_without_being_repeated(text, tmp_path):
    with pytest.raises((UsageError, NoCredential)) as error:
        find("github.com", {"PATH": "/nowhere"}, tmp_path, given=SecretValue(text))
    for word in text.split():
        assert word not in error.value.message + error.value.hint + error.value.where


def test_blanks_around_a_typed_token_do_not_belong_to_it():
    assert token_from_text("  abc\n").reveal() == "abc"


@pytest.mark.parametrize(
    ("prefix", "kind"),
    [("ghp", "classic"), ("github_pat", "fine-grained"), ("gho", "OAuth"), ("ghu", "App"), ("ghs", "workflow")],
)
def test_the_kind_of_a_token_is_told_by_its_first_letters(prefix, kind, tmp_path):
    found = find("github.com", {"PATH": "/nowhere"}, tmp_path, given=SecretValue(f"{prefix}_abc"))
    assert kind in found.kind
    assert "abc" not in repr(found)
    assert "classic" in find("github.com", {}, tmp_path, given=SecretValue("0a" * 20)).kind
    assert "unknown" in find("github.com", {}, tmp_path, given=SecretValue("v1.abc")).kind
