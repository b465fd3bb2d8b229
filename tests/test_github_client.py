"""The calls to GitHub: what is tried again, what is waited for, what is said. Over real HTTP, with written answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mlopsgen.errors import AuthenticationFailed, MlopsgenError
from mlopsgen.events import Event
from mlopsgen.forge.github.client import Client, next_page, quoted
from mlopsgen.forge.github.errors import (
    Answer,
    LostAnswer,
    Missing,
    Refused,
    Renamed,
    RightsMissing,
    SignOnNeeded,
    TokenRefused,
    Unreachable,
)
from mlopsgen.forge.github.host import Host
from mlopsgen.forge.github.pace import Pace, RateLimited
from mlopsgen.secret_value import SecretValue
from tests.canaries import canary
from tests.scripted_http import Reply, Script, scripted_http

TOKEN = canary("client")
RESET = Reply(fault="reset")
HALF = Reply(body={"name": "half of this is lost"}, fault="half")


class Calls:
    """A client with what it was told and how long it slept."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.slept: list[float] = []
        self.events: list[Event] = []
        host = Host.parse(script.url, {})
        self.client = Client(host, SecretValue(TOKEN), environ={}, events=self.events.append, sleep=self.slept.append)

    def make(self, method: str = "GET", *replies: Reply, **options: object) -> Answer:
        self.script.will(*replies)
        self.script.requests.clear()
        self.slept.clear()
        return self.client.request(method, "/repos/o/n", doing="Reading it", where="o/n", **options)  # type: ignore[arg-type]


@pytest.fixture
def calls() -> Iterator[Calls]:
    with scripted_http() as script:
        made = Calls(script)
        yield made
        made.client.close()


def test_a_call_says_which_api_and_which_answer_it_wants(calls: Calls) -> None:
    calls.make("PATCH", body={"name": "x"})
    [request] = calls.script.requests
    assert request.path == "/api/v3/repos/o/n"
    assert request.headers["x-github-api-version"] == "2022-11-28"
    assert request.headers["accept"] == "application/vnd.github+json"
    assert request.headers["authorization"].endswith(TOKEN)
    assert request.headers["user-agent"].startswith("mlopsgen/")
    assert request.body == {"name": "x"}


@pytest.mark.parametrize("fault", [Reply(500), Reply(502), Reply(503, b"<html>busy</html>"), Reply(504), RESET, HALF])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_what_may_be_repeated_is_tried_again(calls: Calls, method: str, fault: Reply) -> None:
    answer = calls.make(method, fault, fault, Reply(body={"fine": True}))
    assert answer.data == {"fine": True}
    assert len(calls.script.requests) == 3
    assert calls.slept == [0.5, 1.0]


@pytest.mark.parametrize("fault", [Reply(500), Reply(502), RESET, HALF])
def test_of_a_post_whose_answer_is_lost_nobody_knows_whether_it_was_done(calls: Calls, fault: Reply) -> None:
    with pytest.raises(LostAnswer, match="Reading it failed"):
        calls.make("POST", fault, body={})
    assert len(calls.script.requests) == 1


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_an_answer_without_its_body_is_half_an_answer(calls: Calls, method: str) -> None:
    assert calls.make(method, Reply(200), Reply(body={"fine": True})).data == {"fine": True}
    assert calls.make("PUT", Reply(201)).data is None
    with pytest.raises(LostAnswer):
        calls.make("POST", Reply(201), body={})


def test_a_post_that_never_left_is_sent_again(calls: Calls) -> None:
    with scripted_http() as gone:
        host = Host.parse(gone.url, {})
    client = Client(host, SecretValue(TOKEN), environ={}, events=calls.events.append, sleep=calls.slept.append)
    with pytest.raises(Unreachable, match="does not answer") as caught:
        client.request("POST", "/user/repos", doing="Making it", body={})
    assert not isinstance(caught.value, LostAnswer)
    assert calls.slept == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert "Trying again in 4 s" in " ".join(event.message for event in calls.events)


def test_it_gives_up_after_a_while_and_says_so(calls: Calls) -> None:
    with pytest.raises(Unreachable, match="trouble of its own \\(502\\)") as caught:
        calls.make("GET", *[Reply(502)] * 9)
    assert len(calls.script.requests) == 6
    assert "what is done stays done" in caught.value.hint


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_a_named_pause_is_kept(calls: Calls, method: str) -> None:
    limit = Reply(403, {"message": "You have exceeded a secondary rate limit."}, {"Retry-After": "7"})
    assert calls.make(method, limit, Reply(body={})).status == 200
    assert [round(seconds) for seconds in calls.slept] == [7]
    assert [event.message for event in calls.events] == ["Waiting 7 s, as GitHub asks for (a pause that it named)."]


@pytest.mark.parametrize(
    "limit", [Reply(429, {"message": "Too many"}), Reply(403, {"message": "You have exceeded a secondary rate limit."})]
)
def test_a_pause_without_a_length_is_a_minute_and_grows(calls: Calls, limit: Reply) -> None:
    calls.make("POST", limit, limit, Reply(body={}))
    assert [round(seconds, -1) for seconds in calls.slept] == [60, 120]
    with pytest.raises(RateLimited, match="secondary limit"):
        calls.make("POST", *[limit] * 9)


def test_pauses_without_end_are_not_waited_for(calls: Calls) -> None:
    with pytest.raises(RateLimited, match="one pause after the other"):
        calls.make("GET", *[Reply(429, {}, {"Retry-After": "1"})] * 20)


@pytest.mark.parametrize(("seconds", "waits"), [(90, True), (3000, False)])
def test_used_up_calls_are_waited_for_if_that_is_soon(calls: Calls, seconds: int, *, waits: bool) -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "5000"}
    headers["X-RateLimit-Reset"] = str(int(time.time()) + seconds)
    limit = Reply(403, {"message": "API rate limit exceeded for user ID 1."}, headers)
    if waits:
        calls.make("GET", limit)
        assert abs(calls.slept[0] - seconds) < 5
        return
    with pytest.raises(RateLimited, match=r"until .* UTC .*5000 calls an hour"):
        calls.make("GET", limit)
    assert calls.slept == []


def test_what_was_just_made_may_not_be_visible_yet(calls: Calls) -> None:
    late = Reply(404, {"message": "Not Found"})
    assert calls.make("PUT", late, late, Reply(204), fresh=True).status == 204
    assert len(calls.script.requests) == 3
    with pytest.raises(Missing):
        calls.make("PUT", late)
    assert len(calls.script.requests) == 1


@pytest.mark.parametrize("status", [301, 307, 308])
@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT"])
def test_a_renamed_repository_is_told_and_never_written_to(calls: Calls, status: int, method: str) -> None:
    moved = Reply(status, {"message": "Moved"}, {"Location": f"{calls.client.host.api}/repositories/5/labels"})
    with pytest.raises(Renamed, match="It is 'p/new' now") as caught:
        calls.make(method, moved, Reply(body={"full_name": "p/new"}))
    assert caught.value.now == "p/new"
    assert "git remote set-url" in caught.value.hint
    assert [(r.method, r.path) for r in calls.script.requests[1:]] == [("GET", "/api/v3/repositories/5")]


def test_the_token_is_not_taken_to_another_host(calls: Calls) -> None:
    with scripted_http() as other:
        with pytest.raises(Renamed):
            calls.make("GET", Reply(301, {}, {"Location": f"{other.url}/api/v3/repositories/5"}))
        assert other.requests == []


REFUSALS = [
    (Reply(401, {"message": "Bad credentials"}), TokenRefused, "expired or was revoked", "settings/tokens"),
    (
        Reply(403, {"message": "No"}, {"X-OAuth-Scopes": "gist", "X-Accepted-OAuth-Scopes": "repo"}),
        RightsMissing,
        "it has: gist; one of these is needed: repo",
        "gh auth refresh --scopes repo",
    ),
    (
        Reply(404, {"message": "Not Found"}, {"X-OAuth-Scopes": "", "X-Accepted-OAuth-Scopes": "repo"}),
        RightsMissing,
        "it has: none",
        "settings/tokens",
    ),
    (
        Reply(403, {"message": "Not by this"}, {"X-Accepted-GitHub-Permissions": "secrets=write,environments=read"}),
        RightsMissing,
        r"Secrets \(write\) and Environments \(read\)",
        "personal-access-tokens",
    ),
    (
        Reply(403, {"message": "SAML"}, {"X-GitHub-SSO": "required; url=https://github.com/orgs/a/sso?request=1"}),
        SignOnNeeded,
        "single sign-on",
        "https://github.com/orgs/a/sso",
    ),
    (Reply(403, {"message": "Repository was archived"}), RightsMissing, "was archived", "Unarchive"),
    (Reply(404, {"message": "Not Found"}), Missing, "404", "doctor"),
    (Reply(409, {"message": "Conflict here"}), Refused, "409 \\(Conflict here\\)", "run it again"),
    (
        Reply(422, {"message": "Validation Failed", "errors": [{"field": "name", "code": "invalid"}]}),
        Refused,
        "Validation Failed: name is invalid",
        "run it again",
    ),
    (
        Reply(422, {"message": "Failed", "errors": "Please ensure the billing plan supports it."}),
        Refused,
        "billing plan",
        "pricing",
    ),
]


@pytest.mark.parametrize(("reply", "kind", "message", "hint"), REFUSALS)
def test_a_refusal_says_what_and_what_next(
    calls: Calls, reply: Reply, kind: type[MlopsgenError], message: str, hint: str
) -> None:
    with pytest.raises(kind, match=message) as caught:
        calls.make("PUT", reply)
    assert hint in caught.value.hint
    assert caught.value.where == "o/n"
    assert len(calls.script.requests) == 1


def test_nothing_else_can_succeed_with_a_token_that_is_refused(calls: Calls) -> None:
    with pytest.raises(AuthenticationFailed):
        calls.make("GET", Reply(401, {"message": "Bad credentials"}))


def test_the_token_is_in_no_error(calls: Calls) -> None:
    with pytest.raises(Refused) as caught:
        calls.make("PUT", Reply(422, {"message": f"what is {TOKEN}?", "errors": [{"message": f"{TOKEN}!"}]}))
    assert TOKEN not in f"{caught.value} {caught.value.hint} {calls.client.token}"
    assert "what is ***?" in caught.value.message


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "ümlaut"])
def test_what_cannot_be_a_token_is_not_sent(calls: Calls, token: str) -> None:
    with pytest.raises(TokenRefused):
        Client(calls.client.host, SecretValue(token), environ={}, events=calls.events.append)


@pytest.mark.parametrize(
    ("no_proxy", "direct"),
    [
        ("", False),
        ("example.org, 127.0.0.1", True),
        ("127.0.0.0/8", True),
        ("*", True),
        ("127.0.0.1:80", True),
        ("7.0.0.1", False),
    ],
)
def test_the_way_out_of_the_network_is_that_of_the_given_environment(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, no_proxy: str, *, direct: bool
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with scripted_http() as proxy:
        environ = {"HTTP_PROXY": proxy.url, "NO_PROXY": no_proxy}
        client = Client(calls.client.host, SecretValue(TOKEN), environ=environ, events=calls.events.append)
        client.request("GET", "/user", doing="Asking")
        client.close()
        assert [r.path for r in proxy.requests] == ([] if direct else [f"{calls.client.host.api}/user"])
        assert len(calls.script.requests) == (1 if direct else 0)


def test_pages_are_followed_by_their_number(calls: Calls) -> None:
    link = '<https://elsewhere.example/x?page=2>; rel="next", <https://elsewhere.example/x?page=9>; rel="last"'
    calls.script.will(Reply(body={"labels": [1, 2]}, headers={"Link": link}), Reply(body={"labels": [3]}))
    assert calls.client.pages("/labels", doing="Reading", key="labels") == [1, 2, 3]
    assert [r.path for r in calls.script.requests] == [
        "/api/v3/labels?per_page=100",
        "/api/v3/labels?page=2&per_page=100",
    ]


def test_pages_that_lead_back_end() -> None:
    assert next_page('<https://x/y?page=3>; rel="next"') == 3
    assert next_page('<https://x/y?page=3>; rel="prev"') is None
    assert next_page('<https://x/y?cursor=abc>; rel="next"') is None


def test_parts_of_a_path_are_quoted() -> None:
    assert quoted("environments", "a/b ü?") == "/environments/a%2Fb%20%C3%BC%3F"


def test_threads_do_not_share_a_connection(calls: Calls) -> None:
    numbers = range(40)

    def ask(number: int) -> int:
        return int(calls.client.request("GET", f"/n/{number}", doing="Asking").data["n"])

    class Echo(list[Reply]):
        def pop(self, index: object = 0) -> Reply:
            return Reply(body={"n": 1})

    calls.script.replies = Echo([Reply()])
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, numbers)) == [1] * 40
    assert sorted(r.path for r in calls.script.requests) == sorted(f"/api/v3/n/{number}" for number in numbers)


def test_no_more_than_eighty_changes_a_minute() -> None:
    slept: list[float] = []
    events: list[Event] = []
    pace = Pace(events.append, sleep=slept.append, clock=lambda: 100.0)
    for _ in range(80):
        pace.turn(write=True)
    pace.turn(write=False)
    assert slept == []
    for _ in range(10):
        pace.turn(write=True)
    assert slept == [60.0] * 10
    assert [event.message for event in events] == [
        "Waiting 60 s, as GitHub asks for (no more than 80 changes in a minute)."
    ]


def test_no_more_than_five_hundred_changes_an_hour() -> None:
    now = [0.0]
    pace = Pace(lambda event: None, sleep=lambda seconds: now.__setitem__(0, now[0] + seconds), clock=lambda: now[0])
    for _ in range(500):
        pace.turn(write=True)
    with pytest.raises(RateLimited, match="500 changes in an hour"):
        pace.turn(write=True)
