"""The quick checks of an update's result: what they find, what they leave alone, and what they run."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mlopsgen.adapters.git import GitRepository
from mlopsgen.constants import ANSWERS_FILE
from mlopsgen.operations.sync_checks import Check, check_result
from mlopsgen.sync import trees
from mlopsgen.sync.values import Entry
from tests import template_environment
from tests.act.stage import make_repository
from tests.canaries import canary, found_in

RECORD = b"_src_path: https://github.com/mlopsgen/mlopsgen\n_commit: v0.2.0\nproject_name: demo\nslug: demo\n"
MARKS = b"a: 1\n" + b"<" * 7 + b" yours\nb: 2\n=======\nb: 3\n" + b">" * 7 + b" template v0.2.0\n"
Look = Callable[..., dict[str, Check]]


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path / "shop.git")], check=True)
    return GitRepository(tmp_path / "shop.git", {"PATH": os.environ["PATH"]})


def tree(repository: GitRepository, files: Mapping[str, bytes], mode: str = "100644") -> str:
    """A tree with the record and these files."""
    everything = {ANSWERS_FILE: RECORD, **files}
    made = trees.store_blobs(repository, list(everything.values()))
    return trees.tree_of(repository, {path: Entry(mode, blob) for path, blob in zip(everything, made, strict=True)})


def look(repository: GitRepository, files: Mapping[str, bytes], **more: object) -> dict[str, Check]:
    environ = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "GH_TOKEN": canary("OfTheChecks")}
    found = check_result(repository, tree(repository, files), environ=environ, **more)  # type: ignore[arg-type]
    return {check.name: check for check in found}


def failing(found: Mapping[str, Check]) -> dict[str, str]:
    return {name: check.detail for name, check in found.items() if not check.ok}


@pytest.mark.parametrize(
    ("path", "data", "name", "detail"),
    [
        ("notes.md", MARKS, "no marks of conflicts", "notes.md:2"),
        ("a.yaml", b"a: [1\nb: 2\n", "configuration can be read", "a.yaml: line 2"),
        ("pyproject.toml", b"[a\n", "configuration can be read", "pyproject.toml: "),
        ("b.yml", b"a: \xff\n", "configuration can be read", "b.yml: "),
        ("src/x.py", b"def f(:\n", "Python compiles", "src/x.py:1: "),
        ("src/y.py", b"a = 1\0\n", "Python compiles", "src/y.py"),
        ("src/z.py", b"a = " + b"-" * 100_000 + b"1\n", "Python compiles", "src/z.py: it is nested too deeply"),
        ("c.toml", b"a = " + b"[" * 100_000, "configuration can be read", "c.toml: it is nested too deeply"),
        (ANSWERS_FILE, RECORD + b"visibility: hidden\n", f"{ANSWERS_FILE} is valid", "visibility"),
        (ANSWERS_FILE, b"- a\n", f"{ANSWERS_FILE} is valid", ANSWERS_FILE),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    path: str, data: bytes, name: str, detail: str, repository: GitRepository
) -> None:
    found = failing(look(repository, {path: data}))
    assert detail in found.pop(name)
    assert not found


def test_what_is_right_is_left_alone(repository: GitRepository) -> None:
    files = {
        "a.yaml": b"on: !custom {a: 1}\n---\nb: 2\n",
        "heading.md": b"A\n=======\n\n    " + b"<" * 7 + b" how it begins\n",
        "data.bin": bytes(range(256)),
        "src/ok.py": b"# -*- coding: latin-1 -*-\nname = '\xe9'\n",
    }
    found = look(repository, files)
    assert not failing(found)
    assert all(check.ran for check in found.values())
    assert len(found) == 4, "nothing of a repository is run without a clone"


def test_only_what_the_update_changed_is_read(repository: GitRepository) -> None:
    files = {"broken.yaml": b"a: [\n", "src/broken.py": b"def\n"}
    before = tree(repository, files)
    assert len(failing(look(repository, files))) == 2
    assert not failing(look(repository, files | {"new.yaml": b"a: 1\n"}, before=before))


def test_files_in_conflict_are_told_once_and_not_as_findings(repository: GitRepository) -> None:
    files = {"a.yaml": MARKS, "src/b.py": MARKS, "src/c.py": b"def\n"}
    found = look(repository, files, conflicts=["a.yaml", "src/b.py"])
    assert failing(found) == {"Python compiles": "src/c.py:1: invalid syntax"}
    assert found["no marks of conflicts"].detail == "without the files in conflict"


def test_many_findings_are_counted(repository: GitRepository) -> None:
    detail = failing(look(repository, {f"{number}.py": b"(" for number in range(9)}))["Python compiles"]
    assert detail.endswith("; and 4 more")


def test_the_record_of_another_template_has_its_own_answers(repository: GitRepository) -> None:
    other = b"_src_path: https://example.org/t.git\n_commit: 1.0\nvisibility: hidden\n"
    assert not failing(look(repository, {ANSWERS_FILE: other}))


def programs(root: Path, **texts: str) -> Path:
    for name, text in texts.items():
        place = root / ".venv" / "bin" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"#!/bin/sh\n{text}\n")
        place.chmod(0o755)
    return root


def test_in_a_clone_its_environment_compiles_a_copy(repository: GitRepository, tmp_path: Path) -> None:
    root = programs(
        tmp_path / "clone",
        python=f"env > {tmp_path}/told; pwd >> {tmp_path}/told; ls -A >> {tmp_path}/told; echo $* >> {tmp_path}/told",
        ruff='echo "$PWD/src/x.py:1:1: F401 unused"; exit 1',
    )
    entry = {"src/pipelines/staging/main.py": b"", "src/x.py": b"import os\n"}
    found = look(repository, entry, root=root, branch="staging")
    assert found["pipelines compile"] == Check(name="pipelines compile")
    assert found["style"] == Check(name="style", ok=False, detail="src/x.py:1:1: F401 unused")
    told = (tmp_path / "told").read_text()
    assert "-m pipelines.staging.main compile" in told
    assert "\nsrc\n" in told
    assert str(root) not in told
    assert not found_in(told)
    assert sorted(path.name for path in root.iterdir()) == [".venv"]


def test_what_could_not_be_run_is_said(repository: GitRepository, tmp_path: Path) -> None:
    (tmp_path / "clone").mkdir()
    found = look(repository, {}, root=tmp_path / "clone")
    assert found["style"] == Check(name="style", ran=False, detail="there is no .venv: make setup")
    found = look(repository, {}, root=programs(tmp_path / "clone", python="exit 0"))
    assert not found["pipelines compile"].ran
    assert found["style"].detail == "there is no ruff in .venv"
    found = look(repository, {"x.py": b"("}, root=tmp_path / "clone")
    assert found["style"].detail == "the checks before come first"


def test_a_file_that_the_clone_lacks_stops_nothing(repository: GitRepository, tmp_path: Path) -> None:
    files = {"src/pipelines/development/main.py": b"there = 1\n"}
    made = tree(repository, files)
    blob = trees.listing(repository, made)["src/pipelines/development/main.py"].blob
    (repository.path / "objects" / blob[:2] / blob[2:]).unlink()
    root = programs(tmp_path / "clone", python="exit 0")
    environ = {"PATH": os.environ["PATH"]}
    found = {check.name: check for check in check_result(repository, made, environ=environ, root=root)}
    assert found["pipelines compile"].detail == "this clone does not hold all files"
    assert not failing(found)


def test_the_templates_own_code_compiles_for_real(repository: GitRepository, tmp_path: Path) -> None:
    """With the environment that a generated repository has."""
    made = make_repository(tmp_path)
    venv = template_environment.python().parents[1].resolve()
    (made / ".venv").symlink_to(venv)
    source = GitRepository(made, {"PATH": os.environ["PATH"]})
    before = source.read("status", "--porcelain")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    found = {check.name: check for check in check_result(source, "HEAD", environ=environ, root=made)}
    assert not failing(found), failing(found)
    assert all(check.ran for check in found.values()), found
    assert source.read("status", "--porcelain") == before
    shutil.rmtree(made)
