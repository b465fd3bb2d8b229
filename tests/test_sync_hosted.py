"""The update of one repository on GitHub without a clone: real git over HTTP, one pull request, nobody's work lost."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsgen.errors import MlopsgenError
from mlopsgen.operations.fleet_rows import State
from mlopsgen.sync.record import digest_of
from tests.github import FakeGitHub
from tests.hosted_members import BRANCH, LINES, NEW, NEWEST, OLD, SYNC, Hub, pull_of, text_of, toy


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with FakeGitHub() as github:
        made = Hub(github, tmp_path)
        yield made
        made.account.client.close()


def test_an_update_becomes_one_pull_request(hub):
    there = hub.add()
    ours = hub.work(there, steps__train_py="TRAIN = 'mine'\n", Makefile=LINES.replace("line 12\n", "mine\n"))
    row = hub.sync()
    assert (row.state, row.start, row.end, row.behind) == (State.OPENED, "v1.0.0", "v2.0.0", 1)
    pull = pull_of(there)
    assert (pull["title"], pull["draft"]) == ("Update from template v1.0.0 to v2.0.0", False)
    assert row.pull_request is not None
    assert row.pull_request.page == pull["html_url"]
    assert [label["name"] for label in pull["labels"]] == ["template-update"]
    assert there.git("rev-list", "--parents", "-1", SYNC).split()[1:] == [ours]
    assert text_of(there, "Makefile") == LINES.replace("line 2\n", "line two\n").replace("line 12\n", "mine\n")
    assert text_of(there, "steps/train.py") == "TRAIN = 'mine'\n"
    assert text_of(there, "helpers/tool.py") == "TOOL = 2\n"
    assert "_commit: v2.0.0" in text_of(there, ".copier-answers.yml")


def test_doing_it_again_changes_nothing(hub):
    there = hub.add()
    first = hub.sync()
    tip, writes = there.branches[SYNC], hub.writes()
    calls = len(hub.calls())
    again = hub.sync(may_publish=lambda: pytest.fail("there is nothing to publish"))
    assert (again.state, again.pull_request) == (State.OPEN, first.pull_request)
    assert (there.branches[SYNC], hub.writes()) == (tip, writes)
    assert len(hub.calls()) - calls <= 5  # the member, three of git, the pull request
    # Another machine knows nothing of it, and finds it.
    assert hub.sync(folder=hub.folder / "elsewhere").state is State.OPEN
    assert hub.writes() == writes


def test_one_that_is_up_to_date_costs_a_fetch(hub):
    hub.add(version="v2.0.0")
    member = hub.member()
    before = len(hub.calls())
    row = hub.sync()
    assert (row.state, row.end, row.pull_request) == (State.CURRENT, "v2.0.0", None)
    assert member.full_name == row.repository
    git = [call for call in hub.calls()[before + 1 :] if "git-upload-pack" in call]
    assert len(hub.calls()) - before - 1 == len(git)


def test_only_what_the_owner_wrote_is_fetched(hub):
    there = hub.add()
    # What cannot be compressed: its size shows wherever it lies.
    hub.commit(there, {"big.bin": random.Random(6).randbytes(3_000_000)})
    hub.work(there, notes_md="mine\n", Makefile=LINES.replace("line 12\n", "mine\n"))
    assert hub.sync().state is State.OPENED
    (folder,) = (hub.folder / "fleet").rglob("wine.git")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert size < 60_000
    assert "mine\n" in text_of(there, "Makefile")
    assert there.git("cat-file", "-s", f"{SYNC}:big.bin") == "3000000"


def test_when_the_branch_moves_the_update_follows(hub):
    there = hub.add()
    hub.sync()
    ours = hub.work(there, steps__more_py="MORE = 1\n")
    row = hub.sync()
    assert row.state is State.UPDATED
    assert there.git("rev-list", "--parents", "-1", SYNC).split()[1:] == [ours]
    assert len(there.pulls) == 1


def test_a_newer_version_takes_the_place_of_the_older_update(hub):
    there = hub.add()
    first = hub.sync()
    hub.template = toy(OLD, NEW, NEWEST)
    hub.renders = type(hub.renders)(hub.folder / "renders", hub.template, hub.environ)
    row = hub.sync()
    assert (row.state, row.end, row.behind, row.pull_request) == (State.UPDATED, "v3.0.0", 2, first.pull_request)
    assert pull_of(there)["title"] == "Update from template v1.0.0 to v3.0.0"
    assert "line eighteen" in text_of(there, "Makefile")


def test_conflicts_make_a_draft_with_markers(hub):
    there = hub.add()
    hub.work(there, config_yaml="a: 1\nb: 7\nc: 3\n", steps__train_py="TRAIN = 'mine'\n")
    row = hub.sync()
    assert (row.state, row.conflicts) == (State.CONFLICTS, ("config.yaml",))
    pull = pull_of(there)
    assert (pull["draft"], pull["title"]) == (True, "Conflicts: Update from template v1.0.0 to v2.0.0")
    assert "config.yaml" in pull["body"]
    marked = text_of(there, "config.yaml")
    assert "<<<<<<< " in marked
    assert "b: 7" in marked
    assert "b: 20" in marked
    assert "_commit: v2.0.0" in text_of(there, ".copier-answers.yml")
    assert text_of(there, "helpers/tool.py") == "TOOL = 2\n"
    writes = hub.writes()
    assert hub.sync().state is State.CONFLICTS
    assert hub.writes() == writes


def test_what_a_person_resolved_is_never_overwritten(hub):
    there = hub.add()
    hub.work(there, config_yaml="a: 1\nb: 7\nc: 3\n")
    hub.sync()
    resolved = hub.work(there, SYNC, config_yaml="a: 1\nb: 27\nc: 3\n")
    for _ in range(2):
        row = hub.sync()
        assert (row.state, row.pull_request is not None) == (State.WORKED_ON, True)
        assert there.branches[SYNC] == resolved
    there.pulls[0]["draft"] = False
    hub.merge(there)
    assert hub.sync().state is State.CURRENT
    assert text_of(there, "config.yaml", BRANCH) == "a: 1\nb: 27\nc: 3\n"


def amended(there, message: str | None = None) -> str:
    """Our commit with another tree, as an editor on the page or ``git commit --amend`` makes it."""
    tip = there.branches[SYNC]
    raw = there.git("cat-file", "commit", tip)
    blob = there.git("hash-object", "-w", "--stdin", text="somebody's\n")
    index = there.git("ls-tree", tip) + f"\n100644 blob {blob}\tsomebody.txt\n"
    tree = there.git("mktree", text=index)
    head, _, said = raw.partition("\n\n")
    lines = [f"tree {tree}" if line.startswith("tree ") else line for line in head.splitlines()]
    made = there.git(
        "hash-object", "-t", "commit", "-w", "--stdin", text="\n".join(lines) + "\n\n" + (message or said) + "\n"
    )
    there.git("update-ref", f"refs/heads/{SYNC}", made)
    return made


def test_an_amended_commit_is_somebodys_work(hub):
    there = hub.add()
    hub.sync()
    tip = amended(there)
    hub.work(there, steps__more_py="MORE = 1\n")
    assert hub.sync().state is State.WORKED_ON
    assert there.branches[SYNC] == tip


def test_a_branch_of_that_name_that_is_not_ours_is_left_alone(hub):
    there = hub.add()
    tip = hub.commit(there, {"mine.txt": "mine\n"}, branch=SYNC)
    row = hub.sync()
    assert (row.state, there.branches[SYNC], there.pulls) == (State.WORKED_ON, tip, [])
    assert "Somebody else committed on mlopsgen/sync-development" in row.reason


def test_a_squash_merged_update_is_over_and_the_next_one_takes_its_branch(hub):
    there = hub.add()
    hub.work(there, steps__train_py="TRAIN = 'mine'\n")
    hub.sync()
    hub.merge(there, "squash")
    assert hub.sync().state is State.CURRENT
    hub.template = toy(OLD, NEW, NEWEST)
    hub.renders = type(hub.renders)(hub.folder / "renders", hub.template, hub.environ)
    row = hub.sync()
    assert (row.state, row.start, row.end) == (State.OPENED, "v2.0.0", "v3.0.0")
    assert len(there.pulls) == 2
    assert text_of(there, "steps/train.py") == "TRAIN = 'mine'\n"


def test_a_resolution_that_was_squash_merged_leaves_the_branch_free(hub):
    there = hub.add()
    hub.work(there, config_yaml="a: 1\nb: 7\nc: 3\n")
    hub.sync()
    hub.work(there, SYNC, config_yaml="a: 1\nb: 27\nc: 3\n")
    there.pulls[0]["draft"] = False
    hub.merge(there, "squash")
    hub.template = toy(OLD, NEW, NEWEST)
    hub.renders = type(hub.renders)(hub.folder / "renders", hub.template, hub.environ)
    row = hub.sync()
    assert (row.state, row.start, row.end) == (State.OPENED, "v2.0.0", "v3.0.0")
    assert text_of(there, "config.yaml") == "a: 1\nb: 27\nc: 3\n"


def test_a_force_pushed_branch_is_updated_as_it_is_now(hub):
    there = hub.add()
    hub.work(there, steps__train_py="TRAIN = 'first'\n")
    hub.sync()
    there.git("update-ref", f"refs/heads/{BRANCH}", f"{BRANCH}~1")
    ours = hub.work(there, steps__train_py="TRAIN = 'second'\n")
    row = hub.sync()
    assert row.state is State.UPDATED
    assert there.git("rev-list", "--parents", "-1", SYNC).split()[1:] == [ours]
    assert text_of(there, "steps/train.py") == "TRAIN = 'second'\n"


def test_a_branch_that_moves_at_the_last_moment_is_not_overwritten(hub):
    there = hub.add()
    hub.sync()
    hub.work(there, steps__more_py="MORE = 1\n")
    made: list[str] = []

    def somebody(_: object) -> None:
        made.append(hub.work(there, SYNC, notes_md="quick\n"))

    hub.github.faults.before(1, somebody, method="GET", path="/info/refs?service=git-receive-pack")
    with pytest.raises(MlopsgenError, match="changed on GitHub just now"):
        hub.sync()
    assert there.branches[SYNC] == made[0]
    assert hub.sync().state is State.WORKED_ON


def test_a_closed_pull_request_stays_closed(hub):
    there = hub.add()
    hub.sync()
    there.pulls[0]["state"] = "closed"
    tip = there.branches[SYNC]
    hub.work(there, steps__more_py="MORE = 1\n")
    assert hub.sync().state is State.DECLINED
    assert there.branches[SYNC] == tip


@pytest.mark.parametrize("conflicts", [False, True])
def test_looking_changes_nothing(hub, conflicts):
    there = hub.add()
    if conflicts:
        hub.work(there, config_yaml="a: 1\nb: 7\nc: 3\n")
    row = hub.sync(publish=False)
    assert row.state is (State.CONFLICTS if conflicts else State.BEHIND)
    assert (row.changes > 0, row.pull_request) == (True, None)
    assert hub.writes() == []
    assert hub.sync(may_publish=lambda: False).state is row.state
    assert hub.writes() == []
    hub.sync()
    assert hub.sync(publish=False).pull_request is not None


def test_only_the_branch_where_no_pull_request_is_wanted(hub):
    there = hub.add()
    assert hub.sync(pull_request=False).state is State.PUSHED
    assert (SYNC in there.branches, there.pulls) == (True, [])
    assert hub.sync(pull_request=False).state is State.OPEN


def test_what_cannot_be_updated_is_listed(hub):
    for name in ("archived", "disabled", "empty", "foreign", "other-branch", "closed-to-bob"):
        there = hub.github.add_repository(f"acme/{name}") if name in ("empty", "foreign") else hub.add(name)
        there.topics = ["mlopsgen"]
    hub.github.repository("acme/archived").archived = True
    hub.github.repository("acme/disabled").disabled = True
    hub.commit(hub.github.repository("acme/foreign"), {"README.md": "not ours\n"})
    other = hub.github.repository("acme/other-branch")
    other.git("branch", "-m", BRANCH, "trunk")
    states = {name: hub.sync(name).state for name in ("archived", "disabled", "empty", "foreign")}
    assert list(states.values()) == [State.ARCHIVED, State.DISABLED, State.EMPTY, State.NOT_GENERATED]
    with pytest.raises(MlopsgenError, match="no branch 'development'"):
        hub.sync("other-branch")
    assert hub.sync("other-branch", branch="trunk").state is State.OPENED
    assert "mlopsgen/sync-trunk" in other.branches
    hub.account = hub.account_with(hub.github.add_token("bob"))
    assert hub.sync("closed-to-bob").state is State.READ_ONLY


def test_a_token_without_the_right_to_workflows_is_told(hub):
    hub.template = toy(OLD, {**NEW, ".github/workflows/test.yml": "on: push\n"})
    hub.renders = type(hub.renders)(hub.folder / "renders", hub.template, hub.environ)
    there = hub.add()
    hub.account = hub.account_with(hub.github.add_token("ada", scopes=["repo"]))
    with pytest.raises(MlopsgenError, match=r"may not change files in \.github/workflows"):
        hub.sync()
    assert (SYNC in there.branches, there.pulls) == (False, [])


def test_killed_in_the_middle_it_is_done_by_the_next_one(hub):
    there = hub.add()
    hub.github.faults.add("503", times=0, method="POST", path="/pulls")
    with pytest.raises(MlopsgenError):
        hub.sync()
    assert (SYNC in there.branches, there.pulls) == (True, [])
    hub.github.faults.clear()
    tip = there.branches[SYNC]
    assert hub.sync().state is State.OPENED
    assert there.branches[SYNC] == tip


def test_what_a_killed_git_left_locked_does_not_stand_in_the_way(hub):
    hub.add()
    hub.sync()
    (folder,) = (hub.folder / "fleet").rglob("wine.git")
    (folder / "shallow.lock").touch()
    hub.work(hub.github.repository("acme/wine"), steps__more_py="MORE = 1\n")
    assert hub.sync().state is State.UPDATED


def test_no_token_lies_anywhere_and_no_hook_runs(hub, tmp_path):
    there = hub.add()
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-push", "reference-transaction", "post-commit"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
        (hooks / name).chmod(0o755)
    config = Path(hub.environ["HOME"]) / ".gitconfig"
    config.write_text(f"[core]\n\thooksPath = {hooks}\n[push]\n\tgpgSign = true\n[commit]\n\tgpgSign = true\n")
    assert hub.sync().state is State.OPENED
    assert not (tmp_path / "ran").exists()
    for path in (hub.folder / "fleet").rglob("*"):
        assert not path.is_file() or hub.token.encode() not in path.read_bytes()
    assert "gpgsig" not in there.git("cat-file", "commit", SYNC)


def test_where_answers_were_edited_the_history_tells_what_they_were(hub):
    there = hub.add()
    record = text_of(there, ".copier-answers.yml", BRANCH) + f"_digest: {digest_of({'name': 'wine'})}\n"
    for text in (record, record.replace("name: wine", "name: beer")):
        hub.commit(there, {".copier-answers.yml": text})
    hub.work(there, steps__more_py="MORE = 1\n")
    seen = hub.look()
    assert seen.row.state is State.OPENED
    assert seen.update is not None
    assert [(one.key, one.before, one.value, one.origin) for one in seen.update.new_answers] == [
        ("name", "wine", "beer", "edited")
    ]
    assert hub.sync().state is State.OPEN
