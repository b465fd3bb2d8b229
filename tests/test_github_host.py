"""Which GitHub an address names."""

from __future__ import annotations

import pytest

from mlopsgen.errors import UsageError
from mlopsgen.forge.github.host import Host, Remote, parse_remote

ACTIONS = {"GITHUB_SERVER_URL": "https://git.example.com", "GITHUB_API_URL": "https://git.example.com/rest"}


@pytest.mark.parametrize(
    ("text", "name", "server", "api"),
    [
        ("", "github.com", "https://github.com", "https://api.github.com"),
        ("github.com", "github.com", "https://github.com", "https://api.github.com"),
        ("https://GitHub.com/", "github.com", "https://github.com", "https://api.github.com"),
        ("api.github.com", "github.com", "https://github.com", "https://api.github.com"),
        ("acme.ghe.com", "acme.ghe.com", "https://acme.ghe.com", "https://api.acme.ghe.com"),
        ("api.acme.ghe.com", "acme.ghe.com", "https://acme.ghe.com", "https://api.acme.ghe.com"),
        ("git.example.com", "git.example.com", "https://git.example.com", "https://git.example.com/api/v3"),
        ("https://g.example:8443", "g.example:8443", "https://g.example:8443", "https://g.example:8443/api/v3"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v3"),
        ("http://[::1]:80", "[::1]:80", "http://[::1]:80", "http://[::1]:80/api/v3"),
    ],
)
def test_a_host_has_three_addresses(text: str, name: str, server: str, api: str) -> None:
    assert Host.parse(text, {}) == Host(name=name, server=server, api=api)


def test_github_actions_says_where_it_runs() -> None:
    assert Host.parse("", ACTIONS).api == "https://git.example.com/rest"
    assert Host.parse("git.example.com", ACTIONS).api == "https://git.example.com/rest"
    assert Host.parse("github.com", ACTIONS).api == "https://api.github.com"
    assert (
        Host.parse("http://127.0.0.1:5", {"GITHUB_API_URL": "http://127.0.0.1:5/rest"}).api == "http://127.0.0.1:5/rest"
    )
    assert Host.parse("http://127.0.0.1:5", {"GITHUB_API_URL": "http://127.0.0.1:6"}).api.endswith("5/api/v3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("http://git.example.com", "not encrypted"),
        ("https://me:secret@github.com", "holds credentials"),
        ("https://github.com/o/r", "more than the address"),
        ("ftp://github.com", "not the address"),
        ("two words", "not the address"),
        ("https://", "not the address"),
        ("http://127.0.0.1:99999", "not the address"),
    ],
)
def test_what_is_no_host_is_said_without_repeating_a_password(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Host.parse(text, {})
    assert "secret" not in f"{caught.value} {caught.value.hint}"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://github.com/o/n.git", Remote("github.com", "o", "n")),
        ("https://me:token@GitHub.com/o/n", Remote("github.com", "o", "n")),
        ("git@github.com:o/n.git", Remote("github.com", "o", "n")),
        ("ssh://git@ssh.github.com:443/o/n.git", Remote("github.com", "o", "n")),
        ("http://127.0.0.1:99/o/n.git", Remote("127.0.0.1:99", "o", "n")),
        ("https://github.com/o", None),
        ("/somewhere/o/n", None),
        ("../o/n", None),
        ("file:///o/n", None),
        ("https://[broken/o/n", None),
    ],
)
def test_the_address_of_a_remote_names_a_repository(address: str, found: Remote | None) -> None:
    assert parse_remote(address) == found


def test_the_addresses_of_a_repository_lead_back_to_it() -> None:
    host = Host.parse("github.com", {})
    for protocol in ("https", "ssh"):
        remote = parse_remote(host.address("o", "n", protocol))
        assert remote == Remote("github.com", "o", "n")
        assert host.names(remote)
    assert not Host.parse("acme.ghe.com", {}).names(Remote("github.com", "o", "n"))
    assert host.page("o", "n") == "https://github.com/o/n"
