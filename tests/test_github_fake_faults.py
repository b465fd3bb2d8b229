"""What the fake GitHub does wrong when told to, at the call that was meant, and the log that it keeps."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.github import FakeGitHub
from tests.github.caller import Caller

CUSTOM = {"deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True}}


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        fake.add_user("ada")
        fake.add_org("acme", plan="team", members=["ada"])
        fake.add_repository("acme/wine")
        yield fake


@pytest.fixture
def ada(github: FakeGitHub) -> Caller:
    return Caller(github, github.add_token("ada"))


def topics(github: FakeGitHub) -> list[str]:
    return github.repository("acme/wine").topics


@pytest.mark.parametrize(("fault", "acted"), [("reset-before", False), ("reset-after", True), ("half-answer", True)])
def test_a_connection_breaks_before_or_after_acting(github, ada, fault, acted):
    github.faults.add(fault, nth=2)
    assert ada.status("GET", "topics") == 200
    with pytest.raises(requests.RequestException):
        ada("PUT", "topics", {"names": ["x"]})
    assert topics(github) == (["x"] if acted else [])
    assert ada.status("PUT", "topics", {"names": ["x"]}) == 200
    assert [call.fault for call in github.calls] == ["", fault, ""]


@pytest.mark.parametrize(
    ("fault", "status", "acted"),
    [
        ("500", 500, False), ("502", 502, False), ("502-after", 502, True), ("503", 503, False), ("404", 404, False),
        ("403", 403, False), ("secondary", 403, False), ("secondary-retry-after", 403, False), ("429", 429, False),
        ("primary", 403, False),
    ],
)  # fmt: skip
def test_an_answer_is_replaced(github, ada, fault, status, acted):
    github.faults.add(fault, retry_after=7)
    answer = ada("PUT", "topics", {"names": ["x"]})
    assert answer.status_code == status
    assert topics(github) == (["x"] if acted else [])
    assert answer.headers.get("Retry-After") == ("7" if fault in {"secondary-retry-after", "429"} else None)
    assert (answer.headers.get("X-RateLimit-Remaining") == "0") == (fault == "primary")
    assert ada.status("PUT", "topics", {"names": ["x"]}) == 200


def test_a_token_is_revoked_from_a_call_on(github, ada):
    github.faults.add("401", nth=2)
    assert [ada.status("GET", "topics") for _ in range(4)] == [200, 401, 401, 401]


def test_faults_count_only_the_calls_that_they_match(github, ada):
    github.faults.add("502", nth=2, times=2, method="PUT", path="topics")
    github.faults.add("503", writes=True, only=lambda call: "labels" in call.path)
    statuses = [ada.status("PUT", "topics", {"names": []}) for _ in range(4)]
    assert statuses == [200, 502, 502, 200]
    assert ada.status("GET", "labels") == 200
    assert ada.status("POST", "labels", {"name": "x"}) == 503
    github.faults.add("500", times=0)
    assert [ada.status("GET", "topics") for _ in range(3)] == [500] * 3
    github.faults.clear()
    assert ada.status("GET", "topics") == 200


def test_something_is_done_at_a_call_before_and_after_it_acts(github, ada):
    seen: list[tuple[int, list[str]]] = []
    github.faults.before(2, lambda call: seen.append((call.number, topics(github))))
    github.faults.after(2, lambda call: seen.append((call.number, topics(github))))
    ada("GET", "topics")
    ada("PUT", "topics", {"names": ["x"]})
    ada("GET", "topics")
    assert seen == [(2, []), (2, ["x"])]


def test_a_stalled_call_ends_with_the_fake(github, ada):
    github.faults.add("stalled")
    arrived, failed = threading.Event(), threading.Event()
    github.faults.before(1, lambda _: arrived.set())

    def call() -> None:
        try:
            ada("GET", "topics")
        except requests.RequestException:
            failed.set()

    caller = threading.Thread(target=call)
    caller.start()
    assert arrived.wait(timeout=60)
    github.close()
    caller.join()
    assert failed.is_set()


def test_thirty_two_calls_are_served_at_once(github, ada):
    together = threading.Barrier(32)
    github.latency = lambda call: float(together.wait(timeout=60) < 0)
    with ThreadPoolExecutor(32) as pool:
        statuses = list(pool.map(lambda _: Caller(github, github.add_token("ada")).status("GET", ""), range(32)))
    assert statuses == [200] * 32
    assert github.calls.concurrency == 32
    assert all(call.login == "ada" and call.ended >= call.started and not call.writes for call in github.calls)


def test_too_many_writes_in_a_minute_are_refused(github, ada):
    github.limit_writes(3)
    statuses = [ada.status("PUT", "topics", {"names": []}) for _ in range(4)]
    assert statuses == [200, 200, 200, 403]
    refused = ada("PUT", "topics", {"names": []})
    assert "secondary rate limit" in refused.json()["message"]
    assert 0 < int(refused.headers["Retry-After"]) <= 61
    assert ada.status("GET", "topics") == 200


def test_the_hourly_limit_ends(github, ada):
    github.limit_calls(2)
    assert [ada("GET", "topics").headers["X-RateLimit-Remaining"] for _ in range(2)] == ["1", "0"]
    spent = ada("GET", "topics")
    assert (spent.status_code, spent.headers["X-RateLimit-Remaining"]) == (403, "0")


def test_what_is_new_is_seen_late_when_wanted(github, ada):
    github.delay_reads(2)
    assert ada.status("POST", "/orgs/acme/repos", {"name": "beer"}) == 201
    assert [ada.status("GET", "/repos/acme/beer") for _ in range(3)] == [404, 404, 200]
    assert ada.status("PUT", "environments/staging", CUSTOM) == 200
    path = "environments/staging/deployment-branch-policies"
    assert [ada.status("POST", path, {"name": "staging"}) for _ in range(3)] == [404, 404, 200]
    assert ada.status("PUT", "environments/staging", CUSTOM) == 200
    assert ada.status("GET", path) == 200  # only what is new
