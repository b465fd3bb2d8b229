"""Plain ``copier update`` in a generated repository, from a template repository at the address that is recorded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from mlopsgen.adapters.copier_engine import CopierEngine
from mlopsgen.adapters.git import GitRepository
from mlopsgen.adapters.template_store import TemplateStore
from mlopsgen.answers import resolve
from mlopsgen.constants import CANONICAL_TEMPLATE
from mlopsgen.operations.init import InitRequest, init


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
    init(request, CopierEngine(store), lambda _event: None)

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
