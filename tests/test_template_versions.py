"""Versions of templates of other people: tags, commits where there are none, and templates in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsgen.adapters.tagged_versions import order
from mlopsgen.adapters.template_address import parse
from mlopsgen.adapters.templates import open_template
from mlopsgen.errors import MlopsgenError, UsageError
from mlopsgen.ports import Template
from mlopsgen.sync.migrations import version_key
from tests.cookiecutter_toys import inside
from tests.github import FakeGitHub
from tests.init_stage import Desk
from tests.template_toys import FILES, NAMES, Published

TOP = "{{cookiecutter.name}}"
COOKIES = {"cookiecutter.json": '{"name": "made"}', f"{TOP}/README.md": "# {{ cookiecutter.name }}\n"}


def untagged(folder: Path, files: dict[str, str] = COOKIES) -> Published:
    """A template that has one commit and no tag."""
    made = Published(folder, files)
    made.git("tag", "--delete", "v1.0.0")
    return made


def commit(made: Published, name: str, text: str, message: str = "More") -> str:
    """One more commit; its id."""
    path = made.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message", message)
    return made.git("rev-parse", "HEAD")


def opened(made: Published, environ: dict[str, str]) -> Template:
    return open_template(str(made.path), environ, given=True)


@pytest.fixture
def desk(
    tmp_path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    with monkeypatch.context() as patch:
        yield Desk(tmp_path, {**environ, **NAMES}, capsys, patch)


def test_a_template_without_tags_has_its_commits_as_versions(environ: dict[str, str], tmp_path: Path) -> None:
    made = untagged(tmp_path / "template")
    first = made.git("rev-parse", "HEAD")
    second = commit(made, f"{TOP}/more.txt", "more\n", "One file more")
    made.git("tag", "nightly")
    template = opened(made, environ)
    names = (f"0.0.0-1-g{first[:12]}", f"0.0.0-2-g{second[:12]}")
    assert (template.versions(), template.newest) == (names, names[1])
    for name in (second, second[:7], f"v0.1-22-g{second[:8]}", names[1]):
        assert template.find(name) == names[1]
    assert [template.find(name) for name in ("0" * 40, "v1.0.0", "main", "nightly", "HEAD", "-x", "")] == [None] * 7
    assert template.changelog(*names) == ((names[1], "- One file more"),)
    (tmp_path / "out").mkdir()
    template.render(first, {}, tmp_path / "out")
    assert set(inside(tmp_path / "out")) == {".copier-answers.yml", "README.md"}
    with pytest.raises(UsageError, match=r"no template version 'v1\.0\.0'"):
        template.read("v1.0.0", "cookiecutter.json")


def test_copier_templates_without_tags_too(environ: dict[str, str], tmp_path: Path) -> None:
    made = untagged(tmp_path / "template", FILES)
    template = opened(made, environ)
    (tmp_path / "out").mkdir()
    template.render(template.newest, {}, tmp_path / "out")
    assert f"_commit: {template.newest}\n".encode() in inside(tmp_path / "out")[".copier-answers.yml"][1]


def test_a_commit_between_tags_is_a_version_too(environ: dict[str, str], tmp_path: Path) -> None:
    made = Published(tmp_path / "template", COOKIES)
    first = commit(made, f"{TOP}/a", "a", "After the tag")
    made.release("v1.1.0", {f"{TOP}/b": "b"}, "The second")
    made.git("tag", "v1.2.0-rc1")
    made.git("switch", "--quiet", "--create", "other")
    other = commit(made, f"{TOP}/c", "c", "On another branch")
    template = opened(made, environ)
    assert template.versions() == ("v1.0.0", "v1.1.0")
    named = f"v1.0.0-1-g{first[:12]}"
    assert (template.find(first), template.find("1.1.0"), template.find(made.git("rev-parse", "v1.1.0"))) == (
        named, "v1.1.0", "v1.1.0",
    )  # fmt: skip
    last = template.find(other)
    assert last == f"v1.1.0-1-g{other[:12]}"
    assert template.changelog(named, "v1.1.0") == (("v1.1.0", "- The second\n- After the tag"),)
    assert template.changelog("v1.1.0", last) == ((last, "- On another branch"),)
    assert template.changelog("v1.0.0", last)[-1][0] == "v1.1.0"
    assert order("v1.0.0-3-g0123456789ab") == version_key("v1.0-0-3-g0123456789ab") == (1, 0, 0, 3)
    for key in (order, version_key):
        found = ["v1.0.0", named, "v1.1.0", last, "v1.2.0"]
        assert sorted([*found[2:], *found[:2]], key=key) == found
        assert key(f"0.0.0-9-g{'9' * 12}") < key(f"0.0.0-10-g{'1' * 12}") < key("v0.0.1")


def test_an_empty_repository_is_no_template_and_neither_is_any_other(environ: dict[str, str], tmp_path: Path) -> None:
    empty = untagged(tmp_path / "empty")
    empty.git("checkout", "--quiet", "--orphan", "nothing")
    empty.git("branch", "--delete", "--force", "main")
    with pytest.raises(MlopsgenError, match="repository is empty"):
        opened(empty, environ)
    other = Published(tmp_path / "other", {"README.md": "x", "inner/cookiecutter.json": "{}"})
    with pytest.raises(UsageError, match=r"neither copier\.yml nor cookiecutter\.json") as caught:
        opened(other, environ)
    assert caught.value.hint.endswith(f"{other.path}#FOLDER.")


def test_without_network_the_commits_of_the_last_time_serve(environ: dict[str, str], tmp_path: Path) -> None:
    online = {name: value for name, value in environ.items() if not name.lower().endswith("_proxy")}
    made = untagged(tmp_path / "template")
    with FakeGitHub() as github:
        github.add_user("ada")
        repository = github.add_repository("ada/template", visibility="public")
        made.git("push", "--quiet", str(repository.folder), "HEAD:refs/heads/main")
        address = f"{github.url}/ada/template"
        newest = open_template(address, online).newest
    again = open_template(address, online)
    assert (again.newest, again.versions()) == (newest, (newest,))
    assert "those of the last time" in again.warning


@pytest.mark.parametrize("files", [COOKIES, FILES], ids=["cookiecutter", "copier"])
def test_a_template_in_a_folder_of_its_repository(
    files: dict[str, str], environ: dict[str, str], tmp_path: Path
) -> None:
    made = Published(tmp_path / "templates", {f"python/service/{name}": text for name, text in files.items()})
    made.release("v1.1.0", {"README.md": "# Templates\n", "other/copier.yml": "x: 1\n"}, "Nothing there")
    template = open_template(f"{made.path}#python/service/", environ, given=True)
    assert (template.address, template.newest) == (f"{made.path}#python/service", "v1.1.0")
    (tmp_path / "out").mkdir()
    template.render("v1.0.0", {}, tmp_path / "out")
    found = inside(tmp_path / "out")
    assert {"README.md", ".copier-answers.yml"} <= set(found)
    assert f"_src_path: {made.path}#python/service\n".encode() in found[".copier-answers.yml"][1]
    assert open_template(f"{made.path}#other", environ, given=True).newest == "v1.1.0"
    with pytest.raises(MlopsgenError, match="no folder 'nowhere' in"):
        open_template(f"{made.path}#nowhere", environ, given=True)


def test_folders_in_addresses(tmp_path: Path) -> None:
    found = parse("gh:acme/templates#a b/c-d", trusted=False)
    assert (found.text, found.folder) == ("https://github.com/acme/templates#a b/c-d", "a b/c-d")
    assert (found.repository, found.host) == ("https://github.com/acme/templates", "github.com")
    assert parse("git@example.org:a/b.git#x", trusted=False).repository == "git@example.org:a/b.git"
    named = tmp_path / "c#"
    named.mkdir()
    assert parse(str(named), trusted=True).folder == ""
    for folder in ("..", "a/../b", ".git/hooks", "a:b", "-x;y", "a//b", "%2e"):
        with pytest.raises(UsageError, match="no folder"):
            parse(f"gh:acme/t#{folder}", trusted=False)


def test_a_repository_of_an_untagged_template_is_updated_commit_by_commit(desk: Desk) -> None:
    made = untagged(desk.folder / "template")
    desk.init(made.path, "wine", "--set", "name=wine")
    start = desk.record("wine")["_commit"]
    assert start.startswith("0.0.0-1-g")
    here = desk.folder / "wine"
    (here / "README.md").write_text("# wine\n\nMine.\n")
    desk.git("wine", "commit", "--quiet", "--all", "--message", "Mine")
    for number in range(2):
        commit(made, f"{TOP}/{number}.txt", "new\n", f"File {number}")
    given = ("--template", str(made.path))
    assert desk.run("sync", "--check", *given, cwd=here).code == 8
    told = desk.run("sync", "--no-pull-request", *given, cwd=here)
    assert told.code == 0, told.envelope
    desk.git("wine", "merge", "--quiet", "mlopsgen/sync-development")
    assert (here / "1.txt").is_file()
    assert (here / "README.md").read_text() == "# wine\n\nMine.\n"
    assert desk.record("wine")["_commit"].startswith("0.0.0-3-g")
    made.release("v1.0.0", {f"{TOP}/tagged.txt": "x"}, "The first tag")
    assert desk.run("sync", "--no-pull-request", *given, cwd=here).code == 0
    desk.git("wine", "merge", "--quiet", "mlopsgen/sync-development")
    assert desk.record("wine")["_commit"] == "v1.0.0"
    back = desk.run("sync", "--no-pull-request", "--to", made.git("rev-parse", "HEAD~1"), *given, cwd=here)
    assert back.code == 0, back.envelope
    desk.git("wine", "merge", "--quiet", "mlopsgen/sync-development")
    assert desk.record("wine")["_commit"].startswith("0.0.0-3-g")


def test_the_record_is_committed_whatever_the_template_ignores(desk: Desk) -> None:
    made = Published(desk.folder / "template", {**COOKIES, f"{TOP}/.gitignore": ".*\n"})
    desk.init(made.path, "wine", "--set", "name=wine")
    assert desk.git("wine", "ls-files").split() == [".copier-answers.yml", "README.md"]
    made.release("v1.1.0", {f"{TOP}/README.md": "# New\n"}, "New")
    told = desk.run("sync", "--no-pull-request", "--template", str(made.path), cwd=desk.folder / "wine")
    assert told.code == 0, told.envelope
    assert desk.git("wine", "diff", "--name-only", "HEAD", "mlopsgen/sync-development").split() == [
        ".copier-answers.yml", "README.md",
    ]  # fmt: skip
