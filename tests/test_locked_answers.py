"""status and push say where a repository has other answers than its organisation locked; and fail for none of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlopsgen.adapters.credentials import Credential, NoCredential
from mlopsgen.adapters.git import GitRepository
from mlopsgen.adapters.templates import open_template
from mlopsgen.answers import BUILT_IN
from mlopsgen.constants import ANSWERS_FILE, CANONICAL_TEMPLATE
from mlopsgen.events import Note, Warn
from mlopsgen.operations.locked_answers import SET_BACK, Decisions, Differing, decisions_about, tell_decisions
from mlopsgen.operations.project import Surroundings
from mlopsgen.operations.push import PushRequest, push
from mlopsgen.operations.push_github import push_github
from mlopsgen.operations.push_request import GitHubPushRequest
from mlopsgen.operations.status_template import locked_line, template_problems, template_status
from tests.github import FakeGitHub
from tests.organisation_toys import DECIDED, NEVER, files
from tests.template_toys import NAMES, Published


@pytest.fixture(scope="module")
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        fake.add_user("acme")
        yield fake


@pytest.fixture(scope="module")
def address(github: FakeGitHub, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Acme's template, which anybody may read; its second version locks an answer more."""
    published = Published(tmp_path_factory.mktemp("acme") / "mlops-config", files())
    published.release("v1.1.0", {"organisation.yaml": DECIDED.replace("locked:\n", "locked:\n  gpu: yes\n")}, "More")
    repository = github.add_repository("acme/mlops-config", visibility="public")
    published.git("push", "--quiet", str(repository.folder), "HEAD:refs/heads/main", "--tags")
    return f"{github.url}/acme/mlops-config"


@pytest.fixture
def online(environ: dict[str, str]) -> dict[str, str]:
    return {**{name: value for name, value in environ.items() if not name.lower().endswith("_proxy")}, **NAMES}


def repository(folder: Path, address: str, version: str = "v1.0.0", **given: object) -> Path:
    """A repository of the template, by its record."""
    answers = {**BUILT_IN.resolve({"slug": "wine"}), "visibility": "internal", "gpu": False, **given}
    folder.mkdir(exist_ok=True)
    record = {"_commit": version, "_src_path": address, **answers}
    (folder / ANSWERS_FILE).write_text(yaml.safe_dump(record), encoding="utf-8")
    return folder


def test_an_answer_that_is_not_the_locked_one_is_found_in_the_version_that_the_repository_has(
    tmp_path, online, address
):
    assert decisions_about(repository(tmp_path / "a", address), online) == Decisions(by="acme")
    changed = repository(tmp_path / "b", address, visibility="public", python_version="3.13")
    assert decisions_about(changed, online).differing == (
        Differing("visibility", "public", "internal", NEVER), Differing("python_version", "3.13", "3.12"),
    )  # fmt: skip
    newer = repository(tmp_path / "c", address, "v1.1.0", visibility=["what"])
    assert [(each.key, each.value, each.decided) for each in decisions_about(newer, online).differing] == [
        ("gpu", "no", "yes"), ("visibility", "['what']", "internal"),
    ]  # fmt: skip


def test_what_was_fetched_before_is_not_fetched_again(tmp_path, online):
    with FakeGitHub() as fake:
        fake.add_user("acme")
        published = Published(tmp_path / "acme", files())
        place = fake.add_repository("acme/mlops-config", visibility="public")
        published.git("push", "--quiet", str(place.folder), "HEAD:refs/heads/main", "--tags")
        root = repository(tmp_path / "a", f"{fake.url}/acme/mlops-config", visibility="private")
        assert [each.key for each in decisions_about(root, online).differing] == ["visibility"]
        published.release("v2.0.0", {}, "Later")
        published.git("push", "--quiet", str(place.folder), "--tags")
        assert [each.key for each in decisions_about(root, online).differing] == ["visibility"]
        assert open_template(f"{fake.url}/acme/mlops-config", online, fetch=False).versions() == ("v1.0.0",)
    assert [each.key for each in decisions_about(root, online).differing] == ["visibility"]


def test_what_cannot_be_looked_at_is_a_note_and_never_a_failure(tmp_path, online):
    away = repository(tmp_path / "away", "http://127.0.0.1:9/acme/mlops-config")
    found = decisions_about(away, online)
    assert found.note.startswith("Whether locked answers are kept cannot be told. The template http://127.0.0.1:9/")
    folder = repository(tmp_path / "folder", str(tmp_path))
    assert "is the folder" in decisions_about(folder, online).note
    told: list[Any] = []
    tell_decisions(away, online, told.append)
    assert told == [Note(message=found.note)]


@pytest.mark.parametrize(
    "text", ["", "a: [", f"_src_path: {CANONICAL_TEMPLATE}\n", "_src_path: http://127.0.0.1:9/a/b\nname: x\n"]
)
def test_where_nobody_decides_nothing_is_looked_for(tmp_path, online, text):
    (tmp_path / ANSWERS_FILE).write_text(text, encoding="utf-8")
    assert decisions_about(tmp_path, online) == Decisions()
    assert decisions_about(tmp_path / "nowhere", online) == Decisions()


def test_status_and_push_say_it_with_the_way_back(tmp_path, online, address):
    root = repository(tmp_path / "a", address, visibility="public")
    source = GitRepository(root, online)
    source.run("init", "--quiet")
    found = template_status(source, online)
    assert found["decided"] == {
        "by": "acme", "note": None,
        "differing": [{"key": "visibility", "value": "public", "decided": "internal", "why": NEVER}],
    }  # fmt: skip
    said = f"visibility is 'public' in {ANSWERS_FILE}; acme decided 'internal' (We never publish)"
    assert template_problems(found) == [{"message": said, "hint": SET_BACK}]
    assert locked_line(found) == "template of acme: 1 locked answer changed here"
    told: list[Any] = []
    tell_decisions(root, online, told.append)
    assert told == [Warn(message=f"{said}.", hint=SET_BACK)]
    kept = template_status(GitRepository(repository(root, address), online), online)
    assert (template_problems(kept), locked_line(kept)) == ([], "template of acme: its locked answers are kept")


@pytest.mark.parametrize("hosted", [False, True])
def test_each_push_says_it_before_anything_is_done(tmp_path, online, address, hosted):
    root = repository(tmp_path / "a", address, visibility="public")
    git = GitRepository(root, online)
    git.run("init", "--quiet", "--initial-branch=development")
    git.run("add", "--all")
    git.run("commit", "--quiet", "--message", "Begin")
    surroundings = Surroundings(folder=root, environ=online, python=Path(sys.executable))
    told: list[Any] = []

    def nobody(target: Any) -> Credential:
        raise NoCredential(f"There is no token for {target.host}.")

    if hosted:
        with pytest.raises(NoCredential):
            push_github(GitHubPushRequest(surroundings=surroundings, credential=nobody), told.append)
    else:
        push(PushRequest(surroundings=surroundings, dry_run=True), told.append)
    assert [event.hint for event in told if isinstance(event, Warn)][:1] == [SET_BACK]
