"""Plain ``copier update`` in a generated repository, from a template repository at the address that is recorded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from mlopsgen.adapters.copier_engine import CopierEngine
from mlopsgen.adapters.git import GitRepository
from mlopsgen.adapters.template_store import TemplateStore
from mlopsgen.answers import resolve
from mlopsgen.constants import CANONICAL_TEMPLATE
from mlopsgen.operations.init import InitRequest, init
from mlopsgen.sync.record import read_record
from tests.fleet_stage import NEW, OLD, environment, make_site, make_template
from tests.fleet_stage import git as run_git


def commit_all(repository: GitRepository, message: str) -> None:
    repository.run("add", "--all", ".")
    repository.run("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "--quiet", "-m", message)


def test_copier_alone_merges_a_newer_version_into_the_owners_work(tmp_path, environ):
    store = TemplateStore(environ)
    published = GitRepository(tmp_path / "published.git", environ)
    published.path.mkdir()
    store.lay_out(store.newest, published.path)
    published.run("init", "--quiet")
    commit_all(published, "one")
    published.run("tag", store.newest)
    repository = GitRepository(tmp_path / "wine", environ)
    request = InitRequest(
        destination=repository.path,
        answers=resolve({"slug": "wine", "license": "mit"}),
        template_version=store.newest,
        environ=environ,
    )
    init(request, CopierEngine(store, environ), lambda _event: None)

    gate = Path("docs") / "gate.md"
    with (published.path / "template" / gate).open("a", encoding="utf-8") as page:
        page.write("\nA sentence of the newer version.\n")
    commit_all(published, "two")
    published.run("tag", "v999.0.0")
    readme = repository.path / "README.md"
    mine = readme.read_text(encoding="utf-8") + "\nA sentence of the owner.\n"
    readme.write_text(mine, encoding="utf-8")
    (repository.path / "docs" / "reviewer.md").unlink()
    commit_all(repository, "The owner's work")

    instead = tmp_path / "gitconfig"
    # copier asks for the address with and without ".git" at its end.
    instead.write_text(
        f'[user]\n\tname = Ada\n\temail = ada@example.org\n[url "{tmp_path / "published"}"]\n'
        f"\tinsteadOf = {CANONICAL_TEMPLATE}\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "copier", "update", "--defaults", "--quiet"],
        cwd=repository.path,
        env={**os.environ, **environ, "GIT_CONFIG_GLOBAL": str(instead)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    changed = repository.read("status", "--porcelain").splitlines()
    assert sorted(changed) == [" M .copier-answers.yml", f" M {gate}"]
    record = (repository.path / ".copier-answers.yml").read_text(encoding="utf-8")
    assert "_commit: v999.0.0" in record
    assert f"_src_path: {CANONICAL_TEMPLATE}\n" in record
    assert (repository.path / gate).read_text(encoding="utf-8").endswith("A sentence of the newer version.\n")
    assert readme.read_text(encoding="utf-8") == mine


class Stage(NamedTuple):
    """The tool as a package with two versions of the template, and the template as it is published."""

    site: Path
    published: Path


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    folder = tmp_path_factory.mktemp("stage")
    environ = environment(folder / "home")
    project = make_template(folder, environ)
    run_git(folder, environ, "clone", "--quiet", "--bare", str(project), "published.git")
    return Stage(make_site(folder, project, environ), folder / "published.git")


class Person:
    """Somebody with a repository of the older version, who uses both programs."""

    def __init__(self, folder: Path, site: Path, published: Path) -> None:
        self.root = folder / "wine"
        self._environ = environment(folder / "home", site)
        # copier asks for the address with and without ".git" at its end.
        config = f'[url "{published.with_suffix("")}"]\n\tinsteadOf = {CANONICAL_TEMPLATE}\n'
        (folder / "home" / ".gitconfig").write_text(config, encoding="utf-8")
        self.run("mlopsgen", "init", "wine", "--defaults", "--template-version", OLD, cwd=folder)
        for name in ("README.md", "Makefile"):
            (self.root / name).write_text(f"{self.read(name)}\n# The owner's\n", encoding="utf-8")
        self.git("commit", "--quiet", "--all", "--message", "The owner's work")

    def run(self, program: str, *arguments: str, cwd: Path | None = None, status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", program, *arguments],
            cwd=cwd or self.root,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def git(self, *arguments: str) -> str:
        return run_git(self.root, self._environ, *arguments)

    def read(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")


def test_copier_alone_updates_a_repository_that_was_updated_with_sync(tmp_path: Path, stage: Stage) -> None:
    published = tmp_path / "published.git"
    environ = environment(tmp_path / "home")
    run_git(tmp_path, environ, "clone", "--quiet", str(stage.published), str(published))
    for name in ("README.md.jinja", "docs/gate.md", "src/steps/train_model.py"):
        with (published / "template" / name).open("a", encoding="utf-8") as file:
            file.write("\n# A sentence of a future version.\n")
    run_git(published, environ, "commit", "--quiet", "--all", "--message", "Future")
    run_git(published, environ, "tag", "v999.0.0")
    person = Person(tmp_path, stage.site, published)
    person.run("mlopsgen", "sync")
    person.git("merge", "--quiet", "--ff-only", "mlopsgen/sync-development")
    assert f"_commit: {NEW}\n" in person.read(".copier-answers.yml")

    person.run("copier", "update", "--defaults", "--quiet")
    changed = person.git("status", "--porcelain").splitlines()
    assert sorted(line.strip() for line in changed) == ["M .copier-answers.yml", "M docs/gate.md"]
    record = read_record(person.read(".copier-answers.yml"))
    assert (record.version, record.template, record.is_edited) == ("v999.0.0", CANONICAL_TEMPLATE, False)
    assert person.read("docs/gate.md").endswith("# A sentence of a future version.\n")
    assert "# The owner's" in person.read("README.md")


def test_sync_finds_nothing_to_do_after_copier_alone(tmp_path: Path, stage: Stage) -> None:
    person = Person(tmp_path, stage.site, stage.published)
    person.run("mlopsgen", "sync", "--check", status=8)
    person.run("copier", "update", "--defaults", "--quiet")
    person.git("add", "--all")
    person.git("commit", "--quiet", "--message", "copier update")
    record = read_record(person.read(".copier-answers.yml"))
    assert (record.version, record.is_edited) == (NEW, False)
    person.run("mlopsgen", "sync", "--check")
