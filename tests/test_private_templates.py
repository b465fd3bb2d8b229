"""A private template with a token that is missing, wrong, without rights, for something else; and without network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsgen.adapters.cache import cache_folder
from mlopsgen.adapters.credentials import Credential
from mlopsgen.adapters.template_address import parse
from mlopsgen.adapters.template_refusals import TemplateRefused, is_refusal, refused
from mlopsgen.adapters.templates import open_template
from mlopsgen.errors import UsageError
from mlopsgen.secret_value import SecretValue
from tests.canaries import canary, found_in, hunt
from tests.github import FakeGitHub
from tests.init_stage import Desk, Told, publish_derived
from tests.template_toys import NAMES

VARIABLE = "MLOPSGEN_GITHUB_TOKEN"
ANSWER = ("--set", "cost_centre=C1")


@pytest.fixture(scope="module")
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        fake.add_user("ada")
        fake.add_user("bob")
        yield fake


@pytest.fixture(scope="module")
def address(github: FakeGitHub, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Ada's private configuration repository."""
    published = publish_derived(tmp_path_factory.mktemp("acme") / "mlops-config")
    repository = github.add_repository("ada/mlops-config", visibility="private")
    published.git("push", "--quiet", str(repository.folder), "HEAD:refs/heads/main", "--tags")
    return f"{github.url}/ada/mlops-config"


@pytest.fixture
def desk(
    tmp_path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    online = {name: value for name, value in environ.items() if not name.lower().endswith("_proxy")}
    with monkeypatch.context() as patch:
        yield Desk(tmp_path, {**online, **NAMES}, capsys, patch)


@pytest.fixture
def made(desk: Desk, github: FakeGitHub, address: str) -> Path:
    """A repository from the older version."""
    told = desk.init(address, "wine", *ANSWER, "--template-version", "v1.0.0", **{VARIABLE: github.add_token("ada")})
    return Path(told.data["path"])


def tokens(github: FakeGitHub) -> dict[str, str]:
    """Every kind of token that does not help, by what is wrong with it."""
    return {
        "missing": "",
        "wrong": canary("wrong-token", prefix="ghp_"),
        "of somebody else": github.add_token("bob"),
        "for another repository": github.add_token(
            "ada", kind="fine-grained", permissions={"contents": "read"}, repositories=["ada/other"]
        ),
        "without the right": github.add_token(
            "ada", kind="fine-grained", permissions={"metadata": "read"}, repositories=["ada/mlops-config"]
        ),
    }


SAID = {
    "missing": "no token was shown",
    "wrong": "does not accept it",
    "of somebody else": "no such repository, or the token may not know",
    "for another repository": "no such repository, or the token may not know",
    "without the right": "may not read that repository",
}


def assert_refused(told: Told, kind: str, token: str) -> None:
    assert (told.code, told.error["code"]) == (4, "template-refused")
    assert SAID[kind] in told.error["message"]
    assert VARIABLE in told.error["hint"]
    assert ("variable " + VARIABLE in told.error["message"]) is (kind != "missing")
    assert not found_in(told.text)
    assert not token or token not in told.text


@pytest.mark.parametrize("kind", SAID)
def test_init_says_what_is_wrong_with_the_token(desk: Desk, github: FakeGitHub, address: str, kind: str) -> None:
    token = tokens(github)[kind]
    told = desk.init(address, "wine", *ANSWER, **{VARIABLE: token})
    assert_refused(told, kind, token)
    assert not (desk.folder / "wine").exists()
    assert hunt(desk.folder) == hunt(cache_folder(desk.environ)) == []


@pytest.mark.parametrize("kind", SAID)
def test_sync_says_what_is_wrong_with_the_token(
    desk: Desk, github: FakeGitHub, address: str, made: Path, kind: str
) -> None:
    token = tokens(github)[kind]
    assert address in (made / ".copier-answers.yml").read_text(encoding="utf-8")
    told = desk.run("sync", cwd=made, **{VARIABLE: token})
    assert_refused(told, kind, token)
    assert desk.git("wine", "status", "--porcelain") == ""
    assert desk.git("wine", "branch", "--list", "mlopsgen/*") == ""


def test_with_the_right_to_read_that_repository_alone_it_works_and_stays_up_to_date(
    desk: Desk, github: FakeGitHub, address: str
) -> None:
    token = github.add_token(
        "ada", kind="fine-grained", permissions={"contents": "read"}, repositories=["ada/mlops-config"]
    )
    desk.init(address, "wine", *ANSWER, "--template-version", "v1.0.0", **{VARIABLE: token})
    assert desk.record("wine")["_src_path"] == address
    told = desk.run("sync", cwd=desk.folder / "wine", **{VARIABLE: token})
    assert told.code == 0, told.text
    assert desk.git("wine", "show", "mlopsgen/sync-development:HANDBOOK.md") == "How we work."
    assert hunt(desk.folder) == hunt(cache_folder(desk.environ)) == []
    for path in [*desk.folder.rglob("*"), *cache_folder(desk.environ).rglob("*")]:
        assert not (path.is_file() and token.encode() in path.read_bytes()), path


def test_without_network_the_versions_of_the_last_time_serve(
    desk: Desk, github: FakeGitHub, address: str, made: Path
) -> None:
    github.faults.add("reset-before", nth=1, kind="git", times=0)
    try:
        told = desk.init(address, "beer", *ANSWER)
        synced = desk.run("sync", cwd=made)
    finally:
        github.faults.clear()
    assert desk.record("beer")["_commit"] == "v1.1.0"
    assert any("those of the last time" in text for text in told.warnings)
    assert synced.code == 0, synced.text


def test_a_template_that_was_never_read_cannot_be_read_without_network(desk: Desk, github: FakeGitHub) -> None:
    told = desk.init("http://127.0.0.1:9/acme/config", "wine")
    assert (told.code, told.error["code"]) == (1, "failure")
    assert "network" in told.error["hint"]


def test_a_repository_that_was_renamed_is_no_matter_of_rights(desk: Desk, github: FakeGitHub) -> None:
    github.add_repository("ada/former", visibility="private")
    github.rename("ada/former", "mlops-templates")
    told = desk.init(f"{github.url}/ada/former", "wine", **{VARIABLE: github.add_token("ada")})
    assert (told.code, told.error["code"]) == (2, "usage")
    assert "another address" in told.error["message"]


SSH = "git@git.example.org:acme/config.git"


@pytest.mark.parametrize(
    ("given", "said", "code"),
    [
        (SSH, "git@git.example.org: Permission denied (publickey).", "template-refused"),
        (SSH, "Host key verification failed.", "template-refused"),
        (SSH, "fatal: 'acme' does not appear to be a git repository", "usage"),
        ("https://github.com/acme/config", "remote: Repository not found.", "template-refused"),
        (
            "https://git.example.org/a/b",
            "fatal: could not read Username: terminal prompts disabled",
            "template-refused",
        ),
        ("https://github.com/acme/config", "unable to update url base from redirection", "usage"),
    ],
)
def test_what_git_says_of_other_places(given: str, said: str, code: str) -> None:
    error = refused(parse(given, trusted=True), said, said, None)
    assert is_refusal(said)
    assert (error.code, bool(error.hint)) == (code, True)


def test_what_git_says_of_a_network_that_is_away_is_no_refusal() -> None:
    assert not is_refusal("fatal: unable to access 'https://x/': Could not resolve host: x")
    assert not is_refusal("fatal: unable to access 'https://x/': CONNECT tunnel failed, response 403")
    assert isinstance(refused(parse("/srv/template", trusted=True), "fatal", "dubious ownership", None), UsageError)


def test_a_token_that_was_not_sent_is_named() -> None:
    unused = "GH_TOKEN may be for another host and is not sent there."
    error = refused(parse("https://git.acme.example/a/b", trusted=True), "returned error: 401", "401", None, unused)
    assert error.message.endswith(unused)
    assert "GH_HOST=git.acme.example" in error.hint
    near = refused(parse("gh:acme/config", trusted=True), "returned error: 401", "401", None)
    assert "GH_HOST" not in near.hint


def test_single_sign_on_is_told_from_a_wrong_token() -> None:
    said = "remote: The organization has enforced SAML SSO. ... The requested URL returned error: 403"
    credential = Credential(token=SecretValue(canary("sso")), source="the variable GH_TOKEN", host="github.com")
    error = refused(parse("gh:acme/config", trusted=True), said, said, credential)
    assert "single sign-on" in error.message
    assert "github.com" in error.hint


def test_what_a_server_says_moves_no_cursor(tmp_path: Path, environ: dict[str, str]) -> None:
    script = tmp_path / "ssh"
    script.write_text("#!/bin/sh\nprintf '\\033[2JPermission denied (publickey).\\n' >&2\nexit 255\n", encoding="utf-8")
    script.chmod(0o755)
    with pytest.raises(TemplateRefused, match="Permission denied") as caught:
        open_template(SSH, {**environ, "GIT_SSH_COMMAND": str(script)})
    assert caught.value.message.isprintable()
    assert f"git ls-remote {SSH}" in caught.value.hint
