"""Pull requests and lists of repositories on GitHub: opened once, brought up to date, never twice."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest

from mlopsgen.forge.github.account import Account
from mlopsgen.forge.github.errors import Missing, Refused, RightsMissing
from mlopsgen.forge.github.host import Host
from mlopsgen.forge.github.members import find_member, list_members
from mlopsgen.forge.github.place import Place
from mlopsgen.forge.github.pulls import (
    PullAct,
    PullState,
    WantedPull,
    is_as_wanted,
    list_pulls,
    open_pull,
    put_pull,
)
from mlopsgen.secret_value import SecretValue
from tests.github import FakeGitHub
from tests.github.caller import Caller

WANTED = WantedPull(head="mlopsgen/sync-main", base="main", title="Update from v1 to v2", body="What changes\n")


def account_of(github: FakeGitHub, token: str) -> Account:
    said: list[object] = []
    host = Host.parse(github.url, {})
    return Account(host, SecretValue(token), environ={}, events=said.append, sleep=lambda seconds: None)


def fill(github: FakeGitHub, name: str = "acme/wine") -> None:
    """Two commits: one on main, one more on the branch of the update."""
    it = github.repository(name)
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    blob = it.git("hash-object", "-w", "--stdin", text="one\n")
    tree = it.git("mktree", text=f"100644 blob {blob}\tfile\n")
    first = it.git(*identity, "commit-tree", tree, "-m", "one")
    second = it.git(*identity, "commit-tree", tree, "-p", first, "-m", "two")
    it.git("update-ref", "refs/heads/main", first)
    it.git("update-ref", "refs/heads/mlopsgen/sync-main", second)


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        fake.add_user("ada")
        fake.add_user("bob")
        fake.add_org("acme", plan="team", members=["ada", "bob"])
        fake.add_repository("acme/wine")
        fill(fake)
        yield fake


@pytest.fixture
def account(github: FakeGitHub) -> Iterator[Account]:
    made = account_of(github, github.add_token("ada"))
    yield made
    made.client.close()


@pytest.fixture
def place(account: Account) -> Place:
    return Place(account, "acme", "wine", organisation=True)


def writes(github: FakeGitHub) -> list[str]:
    return [f"{one.method} {one.path}" for one in github.calls if one.method != "GET"]


def test_it_is_opened_once_and_labelled(github, place):
    act, pull = put_pull(place, WANTED)
    assert (act, pull.state, pull.labels) == (PullAct.OPENED, PullState.OPEN, ("template-update",))
    assert pull.page == f"{github.url}/acme/wine/pull/{pull.number}"
    before = len(writes(github))
    again, same = put_pull(place, WANTED)
    assert (again, same) == (PullAct.KEPT, pull)
    assert len(writes(github)) == before
    assert is_as_wanted(same, WANTED)
    assert not is_as_wanted(None, WANTED)


def test_text_and_title_follow_in_one_call(github, place):
    put_pull(place, WANTED)
    before = len(writes(github))
    act, pull = put_pull(place, replace(WANTED, title="Conflicts: look", body="Other words"))
    assert (act, pull.title, pull.body) == (PullAct.UPDATED, "Conflicts: look", "Other words")
    assert [call.split(" ")[0] for call in writes(github)[before:]] == ["PATCH"]


def test_what_people_wrote_around_our_text_stays(github, place):
    put_pull(place, WANTED)
    github.repository("acme/wine").pulls[0]["body"] = "Please wait!\n\nWhat changes\n"
    act, pull = put_pull(place, WANTED, renewed=lambda found, text: found if text in (found or "") else text)
    assert (act, pull.body) == (PullAct.KEPT, "Please wait!\n\nWhat changes\n")


def test_carriage_returns_are_no_difference(github, place):
    put_pull(place, WANTED)
    github.repository("acme/wine").pulls[0]["body"] = "What changes\r\n"
    assert put_pull(place, WANTED).act is PullAct.KEPT


@pytest.mark.parametrize("fault", ["reset-before", "reset-after", "502", "502-after", "half-answer"])
def test_a_lost_answer_opens_no_second_one(github, place, fault):
    github.faults.add(fault, method="POST", path="/pulls")
    act, pull = put_pull(place, WANTED, sleep=lambda seconds: None)
    assert act is PullAct.OPENED
    assert [one["number"] for one in github.repository("acme/wine").pulls] == [pull.number]
    assert pull.labels == ("template-update",)


@pytest.mark.parametrize("fault", ["reset-after", "502-after", "503"])
@pytest.mark.parametrize("part", ["PATCH", "labels"])
def test_lost_answers_of_changes_are_made_good(github, place, fault, part):
    put_pull(place, replace(WANTED, labels=()))
    if part == "PATCH":
        github.faults.add(fault, method="PATCH", path="/pulls/")
    else:
        github.faults.add(fault, method="POST", path="/labels")
    pull = put_pull(place, replace(WANTED, body="new"), sleep=lambda seconds: None).pull
    shown = github.repository("acme/wine").pulls[0]
    assert (shown["body"], [label["name"] for label in shown["labels"]]) == ("new", ["template-update"])
    assert pull.labels == ("template-update",)


def test_somebody_else_opening_it_at_the_same_moment_is_no_failure(github, place):
    body = {"title": "Mine", "head": WANTED.head, "base": "main"}
    ada = Caller(github, github.add_token("ada"))
    github.faults.before(1, lambda _: ada("POST", "pulls", body), method="POST", path="/pulls")
    act, pull = put_pull(place, WANTED)
    assert (act, pull.title) == (PullAct.UPDATED, WANTED.title)
    assert len(github.repository("acme/wine").pulls) == 1


def test_drafts_where_there_are_none_become_ordinary_ones(github, place):
    assert put_pull(place, replace(WANTED, draft=True)).pull.draft
    github.repository("acme/wine").pulls.clear()
    github.repository("acme/wine").owner.plan = "free"
    pull = put_pull(place, replace(WANTED, draft=True)).pull
    assert (pull.draft, pull.state) == (False, PullState.OPEN)


def test_what_a_person_closed_is_not_opened_again(github, place):
    first = put_pull(place, WANTED).pull
    github.repository("acme/wine").collaborators["bob"] = "write"
    Caller(github, github.add_token("bob"))("PATCH", f"pulls/{first.number}", {"state": "closed"})
    act, pull = put_pull(place, WANTED)
    assert (act, pull.number, pull.state) == (PullAct.DECLINED, first.number, PullState.CLOSED)
    assert put_pull(place, replace(WANTED, title="Update from v1 to v3")).act is PullAct.OPENED
    second = open_pull(list_pulls(place, WANTED.head, "main"))
    assert second is not None
    Caller(github, github.add_token("ada"))("PATCH", f"pulls/{second.number}", {"state": "closed"})
    assert put_pull(place, WANTED, again=True).act is PullAct.OPENED


def test_a_merged_one_is_over(github, place):
    first = put_pull(place, WANTED).pull
    done = Caller(github, github.add_token("ada"))("PUT", f"pulls/{first.number}/merge", {"merge_method": "squash"})
    assert done.status_code == 200
    (known,) = list_pulls(place, WANTED.head, "main")
    assert (known.state, known.commit) == (PullState.MERGED, github.repository("acme/wine").branches[WANTED.head])
    assert put_pull(place, WANTED).act is PullAct.OPENED


def test_a_branch_that_brings_nothing_is_said(github, place):
    it = github.repository("acme/wine")
    it.git("update-ref", "refs/heads/main", it.branches[WANTED.head])
    with pytest.raises(Refused, match="brings nothing"):
        put_pull(place, WANTED)


def test_without_the_right_to_label_it_is_open_nevertheless(github):
    token = github.add_token(
        "ada", kind="fine-grained", owner="acme", permissions={"pull_requests": "write", "metadata": "read"}
    )
    account = account_of(github, token)
    place = Place(account, "acme", "wine", organisation=True)
    github.faults.add("403", method="POST", path="/labels") if "403" in dir(github.faults) else None
    assert put_pull(place, WANTED).act is PullAct.OPENED
    account.client.close()


def test_a_token_that_may_only_read_opens_nothing(github):
    token = github.add_token("ada", kind="fine-grained", owner="acme", permissions={"pull_requests": "read"})
    account = account_of(github, token)
    with pytest.raises(RightsMissing, match="Pull requests \\(write\\)"):
        put_pull(Place(account, "acme", "wine", organisation=True), WANTED)
    account.client.close()


def test_the_list_has_every_page_in_order_and_only_the_topic(github, account):
    for number in range(120):
        it = github.add_repository(f"acme/model-{number:03}")
        it.topics = ["mlopsgen"] if number % 2 else []
    github.repository("acme/model-003").archived = True
    github.repository("acme/model-005").disabled = True
    found = list_members(account, "acme", organisation=True, topic="mlopsgen")
    assert [member.name for member in found] == [f"model-{number:03}" for number in range(1, 120, 2)]
    assert [member.name for member in found if member.archived] == ["model-003"]
    assert [member.name for member in found if member.disabled] == ["model-005"]
    assert all(member.can_push and member.full_name == f"acme/{member.name}" for member in found)
    pages = [one for one in github.calls if "/orgs/acme/repos" in one.path]
    assert len(pages) == 2


def test_one_that_moves_to_the_next_page_is_listed_once(github, account):
    for number in range(100):
        github.add_repository(f"acme/m{number:03}").topics = ["mlopsgen"]
    github.faults.after(1, lambda _: github.add_repository("acme/a-new"), path="/orgs/acme/repos")
    names = [member.name for member in list_members(account, "acme", organisation=True)]
    assert len(names) == len(set(names))
    assert {f"m{number:03}" for number in range(100)} <= set(names)


def test_a_person_sees_the_private_ones_of_their_own(github, account):
    github.add_repository("ada/secret").topics = ["mlopsgen"]
    github.add_repository("bob/other").topics = ["mlopsgen"]
    assert [member.full_name for member in list_members(account, "ada", topic="mlopsgen")] == ["ada/secret"]
    assert list_members(account, "bob", topic="mlopsgen") == ()


def test_what_one_may_not_write_is_told(github):
    account = account_of(github, github.add_token("bob"))
    assert [member.can_push for member in list_members(account, "acme", organisation=True)] == [False]
    account.client.close()


def test_an_owner_that_is_not_there_is_said(account):
    with pytest.raises(Missing, match="no person or organisation 'nobody'"):
        list_members(account, "nobody")
    with pytest.raises(Missing):
        list_members(account, "nobody", organisation=True)


def test_one_repository_is_found_by_its_name(github, account):
    member = find_member(account, "acme", "wine")
    assert (member.full_name, member.can_push, member.archived) == ("acme/wine", True, False)
    github.rename("acme/wine", "vine")
    with pytest.raises(Exception, match="acme/vine") as caught:
        find_member(account, "acme", "wine")
    assert caught.type.__name__ == "Renamed"


def test_merging_needs_what_the_rules_want(github):
    ada, it = Caller(github, github.add_token("ada")), github.repository("acme/wine")
    number = ada("POST", "pulls", {"title": "t", "head": WANTED.head, "base": "main", "draft": True}).json()["number"]
    assert ada.status("PUT", f"pulls/{number}/merge", {}) == 405
    it.pulls[0]["draft"] = False
    rule = {"type": "required_status_checks", "parameters": {
        "strict_required_status_checks_policy": False, "required_status_checks": [{"context": "test"}]}}  # fmt: skip
    names = {"ref_name": {"include": ["refs/heads/main"], "exclude": []}}
    ada("POST", "rulesets", {"name": "r", "enforcement": "active", "conditions": names, "rules": [rule]})
    assert "is expected" in ada("PUT", f"pulls/{number}/merge", {}).json()["message"]
    it.checks[it.branches[WANTED.head]] = {"test"}
    assert ada.status("PUT", f"pulls/{number}/merge", {"sha": "0" * 40}) == 409
    it.settings.allow_squash_merge = False
    assert ada.status("PUT", f"pulls/{number}/merge", {"merge_method": "squash"}) == 405
    done = ada("PUT", f"pulls/{number}/merge", {})
    assert done.json()["sha"] == it.branches["main"]
    parents = it.git("rev-list", "-1", "--parents", "main").split()[1:]
    assert parents[1] == it.branches[WANTED.head]
    assert ada.status("PUT", f"pulls/{number}/merge", {}) == 405
    assert ada.status("PATCH", f"pulls/{number}", {"state": "open"}) == 422


def test_pushed_commits_merge_and_a_deleted_branch_closes(github, place):
    it = github.repository("acme/wine")
    put_pull(place, WANTED)
    it.git("update-ref", "refs/heads/main", it.branches[WANTED.head])
    assert list_pulls(place, WANTED.head, "main")[0].state is PullState.MERGED
    subprocess.run(["git", "-C", str(it.folder), "update-ref", "refs/heads/main", "main~1"], check=True)
    put_pull(place, WANTED)
    it.git("update-ref", "-d", f"refs/heads/{WANTED.head}")
    assert list_pulls(place, WANTED.head, "main")[0].state is PullState.CLOSED
