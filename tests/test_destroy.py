"""`mlopsgen destroy` takes back what push made, and nothing that anybody else did."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pexpect
import pytest

from mlopsgen.errors import Interrupted, MissingAnswer, MlopsgenError, PermissionDenied, UsageError
from mlopsgen.operations.destroy import DestroyRequest, destroy
from tests.github import FakeGitHub
from tests.github.repositories import Runner
from tests.hosted_toys import BRANCHES, NAME, Hosted, make_model, set_up, silent


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def hosted(model: Path, tmp_path: Path) -> Iterator[Hosted]:
    with FakeGitHub() as github:
        yield set_up(github, model, tmp_path)


def request(hosted: Hosted, **more: object) -> DestroyRequest:
    base = DestroyRequest(
        surroundings=hosted.surroundings, credential=hosted.credential, wanted=hosted.wanted, confirmed=NAME
    )
    return replace(base, **more)  # type: ignore[arg-type]


def commits(hosted: Hosted) -> str:
    return hosted.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags")


def exists(hosted: Hosted) -> bool:
    return hosted.github.world.find(NAME) is not None


def test_it_deletes_what_is_ours_and_forgets_the_remote(hosted: Hosted) -> None:
    before = commits(hosted)
    shown: list[str] = []
    result = destroy(request(hosted, show=shown.extend), silent)
    assert not exists(hosted)
    assert hosted.git("remote") == ""
    assert "branch." not in hosted.git("config", "--local", "--list")
    assert hosted.git("for-each-ref", "refs/remotes", "refs/mlopsgen") == ""
    assert commits(hosted) == before
    assert hosted.git("status", "--porcelain") == ""
    assert "Nothing on this machine was deleted" in result.summary
    assert result.next_steps[-1].startswith(f"mlopsgen push --org acme --host {hosted.github.url}  ")
    assert any("development, production, staging" in line for line in shown)
    again = destroy(request(hosted), silent)
    assert "nothing to do" in again.summary


def test_a_half_made_set_up_is_removed(hosted: Hosted) -> None:
    """Killed right after the repository was made: it has no branch and no topic, and its description is ours."""
    for branch in BRANCHES:
        hosted.there.git("update-ref", "-d", f"refs/heads/{branch}")
    hosted.there.topics = []
    hosted.there.description = "What the document says"
    path = hosted.here / ".github" / "remote.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("A model that is trained by git push.", "What the document says"), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != text
    hosted.git("remote", "remove", "origin")
    destroy(request(hosted), silent)
    assert not exists(hosted)


def test_an_empty_repository_of_somebody_else_is_kept(hosted: Hosted) -> None:
    for branch in BRANCHES:
        hosted.there.git("update-ref", "-d", f"refs/heads/{branch}")
    hosted.there.topics = []
    hosted.there.description = "Mine"
    with pytest.raises(MlopsgenError, match="nothing in it says that mlopsgen made it"):
        destroy(request(hosted), silent)
    assert exists(hosted)


def without_topic(hosted: Hosted) -> None:
    hosted.there.topics = ["machine-learning"]


def unrelated(hosted: Hosted) -> None:
    tree = hosted.there.git("rev-parse", "development^{tree}")
    identity = ["-c", "user.name=Bob", "-c", "user.email=bob@example.org"]
    made = hosted.there.git(*identity, "commit-tree", tree, "-m", "Another beginning")
    for branch in BRANCHES:
        hosted.there.git("update-ref", f"refs/heads/{branch}", made)


def tagged(hosted: Hosted) -> None:
    made = hosted.commit_there()
    hosted.there.git("update-ref", "refs/heads/development", f"{made}~")
    hosted.there.git("update-ref", "refs/tags/v1", made)


def issue(hosted: Hosted) -> None:
    hosted.github.add_issue(NAME, "bob", state="closed")


def pull(hosted: Hosted) -> None:
    hosted.github.add_pull(NAME, "bob")


def fork(hosted: Hosted) -> None:
    hosted.github.add_fork(NAME, "bob")


REASONS = {
    without_topic: "does not bear the topic 'mlopsgen'",
    unrelated: "its history has nothing to do with this repository's",
    Hosted.commit_there: "it holds 1 commit that no branch or tag here has (development)",
    tagged: "it holds 1 commit that no branch or tag here has (tags/v1)",
    issue: "it holds 1 issue of others",
    pull: "it holds 1 pull request of others",
    fork: "others have forked it (bob/heart-rate)",
}


@pytest.mark.parametrize("change", REASONS, ids=lambda change: change.__name__)
def test_what_others_did_is_never_deleted(hosted: Hosted, change: Callable[[Hosted], object]) -> None:
    change(hosted)
    with pytest.raises(MlopsgenError) as refused:
        destroy(request(hosted), silent)
    assert REASONS[change] in refused.value.message
    assert "--archive" in refused.value.hint
    assert exists(hosted)
    assert hosted.git("remote") == "origin"
    assert hosted.git("for-each-ref", "refs/mlopsgen") == ""

    result = destroy(request(hosted, archive=True), silent)
    assert hosted.there.archived
    assert hosted.git("remote") == "origin"
    assert "archived" in result.summary
    assert "archived" in destroy(request(hosted, archive=True), silent).summary


def test_what_oneself_and_bots_did_does_not_count(hosted: Hosted) -> None:
    for login in ("ada", "bob"):
        hosted.github.add_issue(NAME, login)
        hosted.github.add_pull(NAME, login)
    for item in (*hosted.there.issues, *hosted.there.pulls):
        if item["user"]["login"] == "bob":
            item["user"]["type"] = "Bot"
    hosted.commit_there()
    hosted.git("pull", "--quiet", str(hosted.there.folder), "development")
    shown: list[str] = []
    destroy(request(hosted, show=shown.extend), silent)
    assert "  commits      1 by Bob; all of them are here as well" in shown
    assert not exists(hosted)


def test_a_commit_that_only_the_remote_tracking_branch_holds_is_kept(hosted: Hosted) -> None:
    made = hosted.commit_there()
    hosted.git("fetch", "--quiet", str(hosted.there.folder), "development:refs/remotes/origin/development")
    assert hosted.git("rev-parse", "origin/development") == made
    with pytest.raises(MlopsgenError, match="1 commit that no branch or tag here has"):
        destroy(request(hosted), silent)


def test_the_name_has_to_be_typed(hosted: Hosted) -> None:
    with pytest.raises(MissingAnswer, match="there is nobody to ask") as missing:
        destroy(request(hosted, confirmed=""), silent)
    assert f"--confirm {NAME}" in missing.value.hint
    with pytest.raises(UsageError, match="not the repository's full name"):
        destroy(request(hosted, confirmed="heart-rate"), silent)
    for typed in ("", "y", "yes", "heart-rate"):
        with pytest.raises(Interrupted):
            destroy(request(hosted, confirmed="", ask=lambda name, typed=typed: typed), silent)
    assert exists(hosted)
    destroy(request(hosted, confirmed="", ask=lambda name: f" {name.title()}\n"), silent)
    assert not exists(hosted)


@pytest.mark.parametrize("typed", ["y", NAME])
def test_in_a_terminal(hosted: Hosted, typed: str) -> None:
    environ = {**hosted.environ, "MLOPSGEN_GITHUB_TOKEN": hosted.token, "TERM": "dumb"}
    argv = ["-m", "mlopsgen", "destroy"]
    child = pexpect.spawn(sys.executable, argv, cwd=str(hosted.here), env=environ, encoding="utf-8", timeout=60)
    child.expect("deleted +acme/heart-rate")
    child.expect("stays +every commit")
    child.expect(f"Type {NAME} to do this")
    child.sendline(typed)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == (0 if typed == NAME else 130)
    assert exists(hosted) is (typed != NAME)
    assert hosted.token not in (child.before or "")


def test_archiving_needs_no_look_at_what_others_did(hosted: Hosted) -> None:
    permissions = {"administration": "write", "contents": "read"}
    token = hosted.github.add_token("ada", kind="fine-grained", owner="acme", permissions=permissions)
    with pytest.raises(PermissionDenied, match="Issues"):
        destroy(request(hosted, credential=hosted.with_token(token)), silent)
    destroy(request(hosted, credential=hosted.with_token(token), archive=True), silent)
    assert hosted.there.archived


def test_where_nothing_leads_to_github_there_is_nothing_to_do(hosted: Hosted) -> None:
    hosted.git("remote", "remove", "origin")
    path = hosted.here / ".copier-answers.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("owner: acme", "owner: ''"), encoding="utf-8")
    result = destroy(request(hosted, credential=lambda target: 1 / 0), silent)
    assert "nothing to do" in result.summary
    assert exists(hosted)


def test_a_repository_that_the_token_may_not_see_is_not_taken_for_gone(hosted: Hosted) -> None:
    token = hosted.github.add_token("ada", kind="classic", scopes=["workflow", "delete_repo"])
    with pytest.raises(PermissionDenied, match="lacks"):
        destroy(request(hosted, credential=hosted.with_token(token)), silent)
    assert hosted.git("remote") == "origin"


def test_a_dry_run_says_what_would_go(hosted: Hosted) -> None:
    hosted.there.runners[7] = Runner(id=7, name="gpu-1", labels=("self-hosted",))
    done = hosted.run("destroy", "--dry-run", "--output", "json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)["data"]
    assert sorted(data["branches"]) == sorted(BRANCHES)
    assert data["runners"] == ["gpu-1"]
    assert any("for good" in line for line in data["would"])
    assert not any("may not delete" in line for line in data["would"])
    weak = hosted.github.add_token("ada", kind="classic", scopes=["repo"])
    done = hosted.run("destroy", "--dry-run", MLOPSGEN_GITHUB_TOKEN=weak)
    assert done.returncode == 0, done.stderr
    assert "The token may not delete repositories: it lacks the scope 'delete_repo'" in done.stdout
    assert exists(hosted)


@pytest.mark.parametrize("kind", ["scope", "rights"])
def test_missing_rights_are_said_before_anything_is_asked(hosted: Hosted, kind: str) -> None:
    who = "ada" if kind == "scope" else "bob"
    hosted.there.collaborators["bob"] = "write"
    token = hosted.github.add_token(who, kind="classic", scopes=["repo", *(["delete_repo"] if who == "bob" else [])])

    def ask(name: str) -> str:
        raise AssertionError("nobody is asked")

    with pytest.raises(PermissionDenied, match="delete_repo" if kind == "scope" else "Only an administrator"):
        destroy(request(hosted, credential=hosted.with_token(token), confirmed="", ask=ask), silent)
    assert exists(hosted)


def test_a_push_while_the_name_is_typed_stops_it(hosted: Hosted) -> None:
    def ask(name: str) -> str:
        hosted.commit_there("staging")
        return name

    with pytest.raises(MlopsgenError, match="changed while you looked at it"):
        destroy(request(hosted, confirmed="", ask=ask), silent)
    assert exists(hosted)


def test_gone_already_only_the_remote_is_forgotten(hosted: Hosted) -> None:
    del hosted.github.world.repositories[NAME]
    result = destroy(request(hosted), silent)
    assert "was gone already; the remote 'origin' is forgotten" in result.summary
    assert hosted.git("remote") == ""


def test_a_renamed_repository_is_not_deleted_by_its_old_name(hosted: Hosted) -> None:
    world = hosted.github.world
    world.repositories["acme/pulse"] = world.repositories.pop(NAME)
    hosted.there.name = "pulse"
    world.moved[NAME] = "acme/pulse"
    with pytest.raises(MlopsgenError) as refused:
        destroy(request(hosted), silent)
    assert "acme/pulse" in refused.value.message + refused.value.hint
    assert world.find("acme/pulse") is not None


def test_an_origin_of_another_repository_stays(hosted: Hosted) -> None:
    hosted.git("remote", "set-url", "origin", f"{hosted.github.url}/acme/other.git")
    wanted = replace(hosted.wanted, organisation="acme", name="heart-rate")
    destroy(request(hosted, wanted=wanted), silent)
    assert not exists(hosted)
    assert hosted.git("remote") == "origin"
