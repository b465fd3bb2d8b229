"""Renders as trees in a store: right, kept, shared by processes, and made again when something of them is lost."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlopsgen.adapters.copier_engine import CopierEngine
from mlopsgen.adapters.git import GitRepository
from mlopsgen.adapters.objects import LooseObjects
from mlopsgen.adapters.template_store import TemplateStore
from mlopsgen.adapters.templates import open_template
from mlopsgen.adapters.trust import UnsafeTemplate
from mlopsgen.answers import resolve
from mlopsgen.errors import MlopsgenError, UsageError
from mlopsgen.sync.renders import Renders
from tests.template_toys import FILES, Published, contents

ANSWERS = {"name": "wine", "engine": "cluster"}
MIT = resolve({"slug": "wine", "license": "mit"})


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return Published(tmp_path / "template")


@pytest.fixture
def template(published: Published, environ: dict[str, str]) -> CopierEngine:
    return open_template(str(published.path), environ, given=True)


def check_out(renders: Renders, tree: str, folder: Path) -> dict[str, tuple[int, bytes]]:
    """The files of a tree, as git lays them out."""
    folder.mkdir()
    archive = folder.parent / f"{folder.name}.tar"
    renders.repository.run("archive", "--format=tar", f"--output={archive}", tree)
    subprocess.run(["tar", "-xf", str(archive), "-C", str(folder)], check=True)
    return contents(folder)


def test_a_tree_is_what_copier_writes(tmp_path: Path, environ: dict[str, str]) -> None:
    template = CopierEngine(TemplateStore(environ), environ)
    renders = Renders(tmp_path / "store", template, environ)
    tree = renders.tree(template.newest, MIT)
    (tmp_path / "out").mkdir()
    template.render(template.newest, MIT, tmp_path / "out")
    there, here = check_out(renders, tree, tmp_path / "tree"), contents(tmp_path / "out")
    assert {path: (bool(mode), text) for path, (mode, text) in there.items()} == {
        path: (bool(mode), text) for path, (mode, text) in here.items()
    }
    found = renders.repository.run("fsck", "--full", "--strict", "--no-dangling", check=False)
    assert (found.exit_status, found.stdout) == (0, "")


def test_other_answers_are_another_tree_and_the_same_are_the_same(
    tmp_path: Path, template: CopierEngine, environ: dict[str, str]
) -> None:
    renders = Renders(tmp_path / "store", template, environ)
    first = renders.tree("v1.0.0", ANSWERS)
    assert renders.tree("v1.0.0", dict(reversed(ANSWERS.items()))) == first
    assert renders.tree("v1.0.0", {**ANSWERS, "name": "beer"}) != first
    assert check_out(renders, first, tmp_path / "out")["wine/notes.txt"][1] == b"notes {{ untouched }}\n"


def test_executable_files_stay_so_rendered_ones_too(
    tmp_path: Path, published: Published, environ: dict[str, str]
) -> None:
    for name in ("template/run.sh", "template/go.sh.jinja"):
        (published.path / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (published.path / name).chmod(0o755)
    published.release("v1.1.0", {}, "Scripts")
    renders = Renders(tmp_path / "store", open_template(str(published.path), environ, given=True), environ)
    listed = renders.repository.read("ls-tree", "-r", renders.tree("v1.1.0", ANSWERS))
    modes = {line.split("\t")[1]: line.split()[0] for line in listed.splitlines()}
    assert (modes["run.sh"], modes["go.sh"], modes["README.md"]) == ("100755", "100755", "100644")


def test_a_template_that_cannot_be_rendered_fast_is_rendered_by_copier(
    tmp_path: Path, published: Published, environ: dict[str, str]
) -> None:
    published.release("v1.1.0", {"template/where.txt.jinja": "{{ _copier_conf.sep }}\n"}, "Only copier knows it")
    (published.path / "template" / "link").symlink_to("data.csv")
    published.release("v1.2.0", {"copier.yml": f"_preserve_symlinks: true\n{FILES['copier.yml']}"}, "A link")
    template = open_template(str(published.path), environ, given=True)
    renders = Renders(tmp_path / "store", template, environ)
    made = check_out(renders, renders.tree("v1.1.0", ANSWERS), tmp_path / "out")
    assert made["where.txt"][1] == b"/\n"
    assert b"_commit: v1.1.0\n" in made[".copier-answers.yml"][1]
    linked = renders.repository.read("ls-tree", renders.tree("v1.2.0", ANSWERS), "link")
    assert linked.startswith("120000 blob ")


def test_what_was_rendered_is_found_again_by_another_command(
    tmp_path: Path, template: CopierEngine, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = Renders(tmp_path / "store", template, environ).tree("v1.0.0", ANSWERS)
    again = Renders(tmp_path / "store", template, environ)
    monkeypatch.setattr(again, "_render", lambda *_: pytest.fail("rendered again"))
    assert again.tree("v1.0.0", ANSWERS) == tree


@pytest.mark.parametrize("damage", ["no objects", "empty note", "strange note", "no notes"])
def test_what_is_lost_of_the_store_is_made_again(
    tmp_path: Path, template: CopierEngine, environ: dict[str, str], damage: str
) -> None:
    store = tmp_path / "store"
    tree = Renders(store, template, environ).tree("v1.0.0", ANSWERS)
    notes = [path for path in (store / "mlopsgen-renders").rglob("*") if path.is_file()]
    assert len(notes) == 1
    if damage == "no objects":
        (store / "objects" / tree[:2] / tree[2:]).unlink()
    elif damage == "no notes":
        shutil.rmtree(store / "mlopsgen-renders")
    else:
        notes[0].write_text({"empty note": "", "strange note": "../../etc/passwd\n"}[damage], encoding="utf-8")
    again = Renders(store, template, environ)
    assert again.tree("v1.0.0", ANSWERS) == tree
    assert again.repository.succeeds("cat-file", "-e", tree)


def test_a_version_that_was_published_again_is_rendered_again(
    tmp_path: Path, published: Published, template: CopierEngine, environ: dict[str, str]
) -> None:
    first = Renders(tmp_path / "store", template, environ).tree("v1.0.0", ANSWERS)
    published.git("tag", "--delete", "v1.0.0")
    published.release("v1.0.0", {"template/data.csv": "moved\n"}, "The tag moves")
    moved = open_template(str(published.path), environ, given=True)
    renders = Renders(tmp_path / "store", moved, environ)
    assert renders.tree("v1.0.0", ANSWERS) != first
    assert check_out(renders, renders.tree("v1.0.0", ANSWERS), tmp_path / "out")["data.csv"][1] == b"moved\n"


def test_any_number_of_threads_and_processes_use_one_store(
    tmp_path: Path, published: Published, environ: dict[str, str]
) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from mlopsgen.adapters.templates import open_template\n"
        "from mlopsgen.sync.renders import Renders\n"
        "template = open_template(sys.argv[1], os.environ, given=True)\n"
        "renders = Renders(Path(sys.argv[2]), template, os.environ)\n"
        "with ThreadPoolExecutor(4) as pool:\n"
        "    trees = pool.map(lambda n: renders.tree('v1.0.0', {'name': f'n{n % 8}'}), range(32))\n"
        "    print(*trees)\n"
    )
    store = tmp_path / "store"
    arguments = [sys.executable, "-c", code, str(published.path), str(store)]
    with ThreadPoolExecutor(3) as pool:
        started = [
            pool.submit(subprocess.run, arguments, env=environ, capture_output=True, text=True) for _ in range(3)
        ]
    answers = [each.result() for each in started]
    assert [(each.returncode, each.stderr) for each in answers] == [(0, "")] * 3
    assert len({each.stdout for each in answers}) == 1
    trees = answers[0].stdout.split()
    assert trees[:8] * 4 == trees
    assert len(set(trees)) == 8
    found = GitRepository(store, environ).run("fsck", "--full", "--strict", "--no-dangling", check=False)
    assert (found.exit_status, found.stdout) == (0, "")


class Plain:
    """An engine of another kind."""

    def render(self, version: str, answers: Mapping[str, object], destination: Path) -> None:
        (destination / "a.txt").write_text(f"{version} {answers['name']}\n", encoding="utf-8")
        (destination / ".gitignore").write_text("*.txt\n", encoding="utf-8")

    def versions(self) -> tuple[str, ...]:
        return ("1",)


def test_an_engine_of_another_kind_is_asked_for_files(tmp_path: Path, environ: dict[str, str]) -> None:
    renders = Renders(tmp_path / "a store", Plain(), environ)
    tree = renders.tree("1", ANSWERS)
    assert sorted(check_out(renders, tree, tmp_path / "out")) == [".gitignore", "a.txt"]


def test_git_of_the_person_changes_nothing_in_a_render(tmp_path: Path, environ: dict[str, str]) -> None:
    Path(environ["HOME"], ".gitconfig").write_text(
        "[core]\n\tautocrlf = input\n\texcludesFile = ~/ignored\n[init]\n\tdefaultObjectFormat = sha256\n",
        encoding="utf-8",
    )
    Path(environ["HOME"], "ignored").write_text("*.csv\n", encoding="utf-8")
    published = Published(tmp_path / "template", {**FILES, "template/dos.txt": "a\r\n"})
    (published.path / "template" / "dos.txt").write_bytes(b"a\r\n")
    published.release("v1.1.0", {}, "Line ends")
    renders = Renders(tmp_path / "store", open_template(str(published.path), environ, given=True), environ)
    assert len(renders.tree("v1.1.0", ANSWERS)) == 40
    made = check_out(renders, renders.tree("v1.1.0", ANSWERS), tmp_path / "out")
    assert made["dos.txt"][1] == b"a\r\n"
    assert "data.csv" in made


def test_a_version_that_is_not_there_is_refused(
    tmp_path: Path, template: CopierEngine, environ: dict[str, str]
) -> None:
    with pytest.raises(UsageError, match=r"v7\.0\.0"):
        Renders(tmp_path / "store", template, environ).tree("v7.0.0", ANSWERS)


def test_answers_that_the_template_refuses_are_an_error_in_words(
    tmp_path: Path, template: CopierEngine, environ: dict[str, str]
) -> None:
    with pytest.raises(MlopsgenError, match="At least one"):
        Renders(tmp_path / "store", template, environ).tree("v1.0.0", {"replicas": 0})


def test_a_store_where_nothing_can_be_written_is_an_error_in_words(
    tmp_path: Path, template: CopierEngine, environ: dict[str, str]
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(MlopsgenError, match="cannot be made") as caught:
        Renders(tmp_path / "file" / "store", template, environ)
    assert "XDG_CACHE_HOME" in caught.value.hint


def test_objects_are_those_that_git_makes(tmp_path: Path, environ: dict[str, str]) -> None:
    repository = GitRepository(tmp_path, environ)
    repository.run("init", "--quiet", "--bare", "--object-format=sha1")
    objects = LooseObjects(tmp_path / "objects")
    blob = objects.blob(b"text\n")
    assert blob == repository.run("hash-object", "--stdin", stdin="text\n").stdout.strip()
    # git sorts "a-b", "a.b", "a/", "a0"; names need not be UTF-8.
    names = ["a/x", "a-b", "a.b", "a0", "ü/b\udcff", "z/y/x"]
    tree = objects.tree(dict.fromkeys(names, ("100644", blob)))
    listed = repository.run_bytes("ls-tree", "-r", "-z", "--name-only", tree).rstrip(b"\0").split(b"\0")
    assert sorted(listed) == sorted(name.encode("utf-8", "surrogateescape") for name in names)
    assert repository.succeeds("fsck", "--full", "--strict")
    (tmp_path / "objects" / tree[:2] / tree[2:]).unlink()
    assert not objects.has(tree)


BOMB = "b0: &b0 [1]\n" + "".join(f"b{number}: &b{number} [{f'*b{number - 1},' * 9}]\n" for number in range(1, 30))


@pytest.mark.parametrize("questions", [BOMB, "endless: &endless [*endless]\n"])
def test_questions_that_would_fill_the_memory_are_refused(
    tmp_path: Path, environ: dict[str, str], questions: str
) -> None:
    published = Published(tmp_path / "template", {**FILES, "copier.yml": FILES["copier.yml"] + questions})
    template = open_template(str(published.path), environ, given=True)
    with pytest.raises(UnsafeTemplate, match="without end"):
        Renders(tmp_path / "renders.git", template, environ).tree("v1.0.0", {})
