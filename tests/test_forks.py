"""What docs/adr/0021 says to a team that insists on forks: a fork of a project is kept up to date as any other one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from mlopsgen.adapters.answers_digest import digest_of
from mlopsgen.adapters.git import GitRepository
from tests.config_toys import environment, write
from tests.init_stage import Desk, publish_derived


@pytest.fixture
def desk(
    environ: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Desk:
    return Desk(tmp_path, {**environ, **environment(tmp_path)}, capsys, monkeypatch)


def test_a_fork_merges_from_its_parent_and_from_the_template(desk: Desk, tmp_path: Path) -> None:
    template = str(publish_derived(tmp_path / "template").path)
    answers = ["--set", "cost_centre=7", "--set", "slug=wine", "--name", "Wine"]
    made = desk.init(template, "--template-version", "v1.0.0", *answers, "parent")
    assert made.code == 0, made.envelope
    environ = environment(tmp_path)
    parent = GitRepository(tmp_path / "parent", environ)

    # A fork: the same commits, a name of its own, and the parent as the remote `upstream`.
    GitRepository(tmp_path, environ).run("clone", "--quiet", "--origin", "upstream", "parent", "fork")
    fork = GitRepository(tmp_path / "fork", environ)
    update(desk, fork, template, "v1.0.0", "--set", "project_name=Beer", "--set", "slug=beer")
    assert text(fork, "README.md").startswith("# Wine")  # seeded: it is the owner's from the first day
    assert yaml.safe_load(text(fork, ".copier-answers.yml"))["slug"] == "beer"

    # What the parent's team makes reaches the fork by a merge.
    work(parent, {"src/shared.py": "SHARED = 1\n"})
    work(fork, {"src/own.py": "OWN = 1\n"})
    merge_upstream(fork)
    assert text(fork, "src/shared.py") == "SHARED = 1\n"

    # The template's new version reaches each by its own sync. A merge from the parent that brings it as well meets the
    # record alone: each repository's is its own.
    update(desk, parent, template, "v1.1.0")
    work(parent, {"src/shared.py": "SHARED = 2\n"})
    update(desk, fork, template, "v1.1.0")
    merge_upstream(fork, conflicts=[".copier-answers.yml"])
    assert text(fork, "src/shared.py") == "SHARED = 2\n"
    assert text(fork, "HANDBOOK.md") == "How we work.\n"
    record = yaml.safe_load(text(fork, ".copier-answers.yml"))
    assert (record["_commit"], record["slug"]) == ("v1.1.0", "beer")
    kept = {key: value for key, value in record.items() if not key.startswith("_") and key != "owned"}
    assert record["_digest"] == digest_of(kept)
    assert text(fork, "src/own.py") == "OWN = 1\n"


def update(desk: Desk, repository: GitRepository, template: str, version: str, *more: str) -> None:
    """``sync`` in a clone, and the merge of what it made."""
    words = ("sync", "--template", template, "--to", version, "--no-pull-request", *more)
    done = desk.run(*words, cwd=repository.path)
    assert done.code == 0, done.envelope
    repository.run("switch", "--quiet", "development")
    repository.run("merge", "--quiet", "--ff-only", "mlopsgen/sync-development")


def work(repository: GitRepository, files: dict[str, str]) -> None:
    write(repository.path, files)
    repository.run("add", "--all")
    repository.run("commit", "--quiet", "-m", "Work")


def merge_upstream(fork: GitRepository, conflicts: Sequence[str] = ()) -> None:
    fork.run("fetch", "--quiet", "upstream")
    fork.run("merge", "--quiet", "--no-edit", "upstream/development", check=not conflicts)
    assert fork.read("diff", "--name-only", "--diff-filter=U").splitlines() == list(conflicts)
    if conflicts:
        fork.run("checkout", "--ours", "--", *conflicts)
        fork.run("add", "--", *conflicts)
        fork.run("commit", "--quiet", "--no-edit")


def text(repository: GitRepository, name: str) -> str:
    return (repository.path / name).read_text(encoding="utf-8")
