"""An organisation's own template repository: how it is made."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

from mlopsgen.adapters import upstream_history
from mlopsgen.adapters.git import GitRepository
from mlopsgen.adapters.organisation_file import read_organisation, read_release
from mlopsgen.answers import BUILT_IN
from mlopsgen.errors import InvalidAnswer, MlopsgenError, UsageError
from mlopsgen.operations import config_files, config_repository
from mlopsgen.sync.classes import read_classes
from mlopsgen.sync.values import FileClass
from tests.config_toys import FIRST, NEWEST, Acme, Upstream, environment

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Upstream:
    versions = {"v0.0.9": {**FIRST, "secret-history.txt": "not for the package"}, "v0.1.0": {"template/new.txt": "1\n"}}
    return Upstream(
        tmp_path_factory.mktemp("upstream"),
        versions,
        {"template/new.txt": "2\n", "config-repository/.github/workflows/check.yml": "name: check\n"},
    )


def commits(git: GitRepository) -> list[tuple[str, str]]:
    lines = git.read("log", "--topo-order", "--format=%an|%s").splitlines()
    return [(line.split("|")[0], line.split("|")[1]) for line in lines]


def test_each_version_of_ours_is_a_commit_and_the_organisations_files_lie_on_them(upstream, tmp_path) -> None:
    acme = Acme(tmp_path / "mlops-config", upstream, "")
    assert acme.created.data["template_version"] == NEWEST
    assert acme.created.data["created"]
    assert commits(acme.git) == [
        ("Ada", f"Start the template of Acme from mlopsgen {NEWEST}"),
        ("mlopsgen", f"mlopsgen's template {NEWEST}"),
        ("mlopsgen", "mlopsgen's template v0.1.0"),
        ("mlopsgen", "mlopsgen's template v0.0.9"),
    ]
    assert acme.status() == "## main"
    assert acme.git.read("tag") == ""
    names = acme.git.read("ls-files").splitlines()
    assert names == [
        ".github/workflows/check.yml", ".mlopsgen-template", "CHANGELOG.md", "README.md", "copier.yml",
        "organisation.yaml", "sync.yaml", "template/Makefile", "template/helpers.py", "template/new.txt",
        "template/run.sh",
    ]  # fmt: skip
    assert acme.text("template/new.txt", "HEAD~2") == "1\n"
    message = acme.git.read("log", "-1", "--format=%B", "HEAD~1")
    assert f"- Something of {NEWEST}." in message
    assert message.endswith(f"Mlopsgen-Tree: {acme.git.read('rev-parse', 'HEAD~1^{tree}')}")


def test_the_same_versions_are_the_same_commits_everywhere(upstream, tmp_path) -> None:
    one, two = (Acme(tmp_path / name, upstream, "") for name in ("one", "two"))
    assert one.git.read("rev-parse", "HEAD~1") == two.git.read("rev-parse", "HEAD~1")


def test_it_may_begin_with_an_older_version_and_a_wrong_one_makes_nothing(upstream, tmp_path) -> None:
    acme = Acme(tmp_path / "mlops-config", upstream, "0.1.0")
    assert upstream_history.stamp_of(acme.git, "HEAD") == "v0.1.0"
    with pytest.raises(UsageError, match=r"no template version 'v7'") as caught:
        Acme(tmp_path / "other", upstream, "v7")
    assert NEWEST in caught.value.hint
    assert not (tmp_path / "other").exists()


def test_run_again_in_its_own_result_it_changes_nothing_and_says_so(upstream, tmp_path) -> None:
    acme = Acme(tmp_path / "mlops-config", upstream, "v0.1.0")
    before = acme.commit({"template/own.txt": "ours\n"})
    again = acme.create()
    assert "nothing was changed" in again.summary
    assert again.data | {"name": ""} == {
        "path": str(acme.path), "name": "", "release": "1.0.0", "template_version": "v0.1.0", "commit": before,
        "branch": "main", "created": False,
    }  # fmt: skip
    assert acme.status() == "## main"


def test_a_folder_that_holds_something_else_is_left_alone(upstream, tmp_path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        Acme(tmp_path / "mine", upstream, "")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["", "  ", "a" * 61, "two\nlines"])
def test_a_name_that_cannot_stand_in_files_is_refused(name, tmp_path) -> None:
    request = config_repository.CreateRequest(
        destination=tmp_path / "x", name=name, environ=environment(tmp_path), upstream=None
    )
    with pytest.raises(InvalidAnswer):
        config_repository.create(request, lambda _: None)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", ["Acme", 'Größe & Söhne: "GmbH" #1', "null", "007", "$HOME {x} [[ y ]]", "日本 🚀"])
def test_what_it_begins_with_can_be_read_whatever_the_organisation_is_called(name) -> None:
    made = config_files.first_files(name=name, slug="acme", folder="mlops-config", version="v0.1.0")
    found = read_organisation(made["organisation.yaml"], BUILT_IN)
    assert found.name == name
    assert found.preset == {"owner": name}
    assert not found.locked
    assert read_release(made["organisation.yaml"]) == "1.0.0"
    assert made["README.md"].startswith(f"# {name}'s template")
    assert "gh:acme/mlops-config" in made["README.md"]
    assert config_files.has_section(made["CHANGELOG.md"], "1.0.0")


def test_what_is_commented_out_in_organisation_yaml_is_valid_once_it_is_not() -> None:
    """Each example that a configurator finds there works."""
    text = config_files.first_files(name="Acme", slug="acme", folder="x", version="v1")["organisation.yaml"]
    lines = [line.replace("  # ", "  ", 1) if line.startswith("  # ") else line for line in text.splitlines()]
    found = read_organisation("\n".join(lines), BUILT_IN)
    assert set(found.preset) == {"owner", "license", "development_tracking_uri", "reviewers"}
    assert set(found.locked) == {"visibility", "production_engine"}
    assert found.locked["production_engine"].why


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# Log\n\n## [1.0.0]\n\n- Own.\n", "# Log\n\n## [1.1.0]\n\n- New.\n\n## [1.0.0]\n\n- Own.\n"),
        ("# Log\n\n## v1.1.0 - today\n\n- Own.\n", "# Log\n\n## v1.1.0 - today\n\n- Own.\n\n- New.\n"),
        (
            "# Log\n\n## 1.1.0\n- Own.\n\n\n## 1.0.0\n- Old.\n",
            "# Log\n\n## 1.1.0\n- Own.\n\n- New.\n\n## 1.0.0\n- Old.\n",
        ),
        ("# Log\n\n## 1.1.01\n", "# Log\n\n## [1.1.0]\n\n- New.\n\n## 1.1.01\n"),
        ("# Log\n", "# Log\n\n## [1.1.0]\n\n- New.\n"),
        ("", "## [1.1.0]\n\n- New.\n"),
    ],
)
def test_an_update_writes_into_the_changelog_below_what_is_there(before: str, after: str) -> None:
    assert config_files.with_changes(before, "1.1.0", "- New.\n") == after


def test_git_without_a_name_is_told_and_bears_ours(upstream, tmp_path) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    acme = Acme(tmp_path / "first", upstream, "")
    request = config_repository.CreateRequest(
        destination=tmp_path / "x", name="Acme", environ=environ, upstream=acme.store
    )
    events: list[object] = []
    config_repository.create(request, events.append)
    assert GitRepository(tmp_path / "x", environ).read("log", "-1", "--format=%an") == "mlopsgen"
    assert any("neither your name" in str(event) for event in events)


def test_a_full_disk_is_said_and_nothing_stays(upstream, tmp_path) -> None:
    acme = Acme(tmp_path / "first", upstream, "")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "git").write_text(
        '#!/bin/sh\ncase "$*" in *commit-tree*) echo "fatal: No space left on device" >&2; exit 128;; esac\n'
        f'exec {shutil.which("git")} "$@"\n'
    )
    (programs / "git").chmod(0o755)
    environ = environment(tmp_path)
    environ["PATH"] = f"{programs}:{environ['PATH']}"
    request = config_repository.CreateRequest(
        destination=tmp_path / "here" / "x", name="Acme", environ=environ, upstream=acme.store
    )
    with pytest.raises(MlopsgenError, match="no space left on the disk") as caught:
        config_repository.create(request, lambda _: None)
    assert caught.value.hint == "Free some space and run it again."
    assert not (tmp_path / "here").exists()


def test_the_command_line_makes_one_of_the_built_in_template(mlopsgen, tmp_path) -> None:
    done = mlopsgen("config-repo", "create", "--name", "Acme", "--output", "json")
    found = json.loads(done.stdout)
    assert (found["command"], found["ok"]) == ("config-repo create", True), done.stdout + done.stderr
    made = Path(found["data"]["path"])
    assert made == tmp_path / "mlops-config"
    assert {"copier.yml", "sync.yaml", "template", "organisation.yaml", ".github"} <= {p.name for p in made.iterdir()}
    assert {path.name for path in (made / ".github" / "workflows").iterdir()} == {"check.yml", "release.yml"}
    assert not (made / "config-repository").exists()
    for name in ("copier.yml", "sync.yaml"):
        assert (made / name).read_bytes() == (ROOT / name).read_bytes()
    for words in (("status",), ("sync", "--check"), ("adopt", "--defaults")):
        verb = mlopsgen(*words, cwd=made)
        assert verb.returncode == 1, words
        assert "'mlopsgen config-repo check'" in verb.stderr, words
    without = mlopsgen("config-repo", "create", "other")
    assert without.returncode == 2
    assert "--name" in without.stderr


def test_own_questions_and_classes_stand_below_marks_that_nothing_else_looks_like() -> None:
    """A merge keeps both sides apart as long as several unchanged lines, each found once, stand between them."""
    for name in ("copier.yml", "sync.yaml"):
        lines = (ROOT / name).read_text(encoding="utf-8").rstrip("\n").splitlines()
        mark = lines[-5:]
        assert all(line.startswith("# ") for line in mark), name
        assert all(lines.count(line) == 1 for line in mark), name
        assert lines[-6] == ""


def test_an_organisations_classes_add_to_ours_and_have_the_last_word() -> None:
    ours = (ROOT / "sync.yaml").read_text(encoding="utf-8")
    own = yaml.safe_dump({"organisation": {"seeded": ["/own.txt"], "managed": ["/policy/", "!/docs/own.md"]}})
    found = read_classes(ours + own)
    assert found.declared("own.txt") is FileClass.SEEDED
    assert found.declared("policy/rules.md") is FileClass.MANAGED
    assert found.declared("docs/own.md") is None
    assert found.declared("docs/updates.md") is FileClass.MANAGED
    assert found.declared("README.md") is FileClass.SEEDED
    more = read_classes(ours + "organisation: {locks: [{lock: [/a.txt], from: [/a.in]}]}\n")
    assert more.declared("a.txt") is FileClass.LOCK
    assert more.declared("requirements.txt") is FileClass.LOCK
