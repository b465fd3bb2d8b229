"""Our new version in an organisation's template: git's merge of both, on a branch."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mlopsgen.adapters import upstream_history
from mlopsgen.errors import ExitCode, MlopsgenError, UsageError
from mlopsgen.operations.config_repository import NoConfigRepository, find_config_repository
from mlopsgen.operations.project import Surroundings
from tests.config_toys import FIRST, NEWEST, QUESTIONS, Acme, Upstream, environment

MAKEFILE = FIRST["template/Makefile"]
HEAD = QUESTIONS.partition("\n\n")[0]
MIDDLE = {
    "template/Makefile": MAKEFILE.replace("first", "first of ours"),
    "template/new.txt": "new\n",
    "copier.yml": QUESTIONS.replace(HEAD, f"{HEAD}\n\ntitle: {{type: str, default: x}}"),
}
LAST = {
    "template/Makefile": MAKEFILE.replace("first", "first of ours").replace("fifth", "fifth of ours"),
    "template/helpers.py": None,
    "template/support.py": '"""Helpers."""\n',
    "config-repository/.github/workflows/check.yml": "name: check\n",
}
OWN = {
    "template/Makefile": MAKEFILE.replace("third", "third of Acme"),
    "template/policy.md": "Ours.\n",
    "copier.yml": f"{QUESTIONS}cost_centre: {{type: str, default: ''}}\n",
    "organisation.yaml": "version: 1\nname: Acme\nrelease: 1.0.0 # raise me\nlocked: {name: beer}\n",
}


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Upstream:
    return Upstream(tmp_path_factory.mktemp("upstream"), {"v0.0.9": FIRST, "v0.1.0": MIDDLE}, LAST)


@pytest.fixture
def acme(upstream: Upstream, tmp_path: Path) -> Acme:
    made = Acme(tmp_path / "mlops-config", upstream, "v0.0.9")
    made.commit(OWN)
    return made


def conflicting(acme: Acme) -> None:
    acme.commit({"template/Makefile": MAKEFILE.replace("first", "first of Acme")})


def test_an_update_that_was_killed_in_its_merge_is_completed_and_keeps_what_was_resolved(acme) -> None:
    conflicting(acme)
    acme.git.run("tag", "v1.0.0")
    whole = acme.update()
    for name in ("organisation.yaml", "CHANGELOG.md"):  # as it is right after git's merge
        acme.git.run("checkout", "--quiet", "HEAD", "--", name)
    (acme.path / "template" / "Makefile").write_text("resolved\n", encoding="utf-8")
    acme.git.run("add", "template/Makefile")
    done = acme.update()
    assert (done.exit_code, done.data["release"]) == (ExitCode.PARTIAL, whole.data["release"])
    assert done.data["conflicts"] == []
    acme.git.run("commit", "--quiet", "--no-edit")
    assert "release: 1.1.0 # raise me" in acme.text("organisation.yaml")
    assert f"- mlopsgen's template {NEWEST} (before: v0.0.9)." in acme.text("CHANGELOG.md")
    assert acme.text("template/Makefile") == "resolved\n"


def test_what_is_not_in_git_is_named_before_anything_moves_even_where_git_ignores_it(acme) -> None:
    conflicting(acme)
    acme.commit({".gitignore": "/template/new.txt\n"})
    (acme.path / "template" / "new.txt").write_text("mine alone")
    with pytest.raises(MlopsgenError, match=r"template/new\.txt is not in git"):
        acme.update()
    assert acme.git.read("branch", "--show-current") == "main"
    assert (acme.path / "template" / "new.txt").read_text() == "mine alone"


def test_hooks_of_the_person_are_for_what_the_person_does(acme, tmp_path) -> None:
    conflicting(acme)
    for name in ("post-checkout", "pre-merge-commit", "post-merge"):
        hook = tmp_path / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
    acme.git.run("config", "core.hooksPath", str(tmp_path / "hooks"))
    assert acme.update().exit_code == ExitCode.PARTIAL


def test_a_branch_that_is_checked_out_in_another_folder_is_not_moved(acme, tmp_path) -> None:
    branch = acme.update().data["branch"]
    acme.git.run("worktree", "add", "--quiet", str(tmp_path / "other"), branch)
    acme.commit({"template/policy.md": "Stricter.\n"})
    with pytest.raises(MlopsgenError, match="is checked out in"):
        acme.update()


def test_the_organisations_own_files_keep_their_bytes(acme) -> None:
    acme.git.run("tag", "v1.0.0")
    own = b"# Versions\r\n\r\n## 0.9\r\n\r\n- Gr\xf6\xdfer.\r\n"
    (acme.path / "CHANGELOG.md").write_bytes(own)
    (acme.path / "organisation.yaml").write_bytes(OWN["organisation.yaml"].replace("\n", "\r\n").encode())
    acme.commit({})
    branch = acme.update().data["branch"]
    log, organisation = (
        acme.git.run_bytes("cat-file", "blob", f"{branch}:{name}") for name in ("CHANGELOG.md", "organisation.yaml")
    )
    head, _, tail = own.partition(b"## 0.9")
    assert log.startswith(head)
    assert log.endswith(b"## 0.9" + tail)
    assert log.count(b"\n") == log.count(b"\r\n")
    written = (acme.path / "organisation.yaml").read_bytes()
    assert organisation == written.replace(b"release: 1.0.0", b"release: 1.1.0")


def test_both_sides_come_together_on_a_branch_and_nothing_else_moves(acme) -> None:
    head = acme.git.read("rev-parse", "HEAD")
    (acme.path / "untracked.txt").write_text("mine")
    (acme.path / "README.md").write_text("being edited")
    done = acme.update()
    branch = f"mlopsgen/update-{NEWEST}"
    assert (done.exit_code, done.data["branch"], done.data["conflicts"]) == (ExitCode.OK, branch, [])
    assert (done.data["before"], done.data["after"]) == ("v0.0.9", NEWEST)
    assert acme.status() == "## main\n M README.md\n?? untracked.txt"
    assert acme.git.read("rev-parse", "HEAD") == head
    expected = MAKEFILE.replace("first", "first of ours").replace("third", "third of Acme")
    assert acme.text("template/Makefile", branch) == expected.replace("fifth", "fifth of ours")
    assert acme.text("template/policy.md", branch) == "Ours.\n"
    assert acme.text("template/new.txt", branch) == "new\n"
    assert acme.text(".github/workflows/check.yml", branch) == "name: check\n"
    assert acme.text("copier.yml", branch) == f"{MIDDLE['copier.yml']}cost_centre: {{type: str, default: ''}}\n"
    assert not acme.git.succeeds("cat-file", "-e", f"{branch}:template/helpers.py")
    assert acme.git.read("log", "-1", "--format=%P", branch).split()[0] == head
    assert upstream_history.stamp_of(acme.git, branch) == NEWEST


def test_every_version_between_is_in_the_history_and_in_the_changelog(acme) -> None:
    acme.update()
    branch = f"mlopsgen/update-{NEWEST}"
    subjects = acme.git.read("log", "--format=%s", "--author=mlopsgen", branch).splitlines()
    assert sorted(subjects) == [f"mlopsgen's template {each}" for each in ("v0.0.9", "v0.1.0", NEWEST)]
    log = acme.text("CHANGELOG.md", branch)
    assert f"- mlopsgen's template {NEWEST} (before: v0.0.9)." in log
    assert f"### mlopsgen {NEWEST}\n\n- Something of {NEWEST}." in log
    assert "### mlopsgen v0.1.0\n\n- The beginning." in log
    # 1.0.0 is not released yet, so that is what the update becomes a part of.
    assert log.index("## [1.0.0]") < log.index(f"- mlopsgen's template {NEWEST}")
    assert acme.text("organisation.yaml", branch) == OWN["organisation.yaml"]


def test_what_was_released_already_gets_the_next_number(acme) -> None:
    acme.git.run("tag", "v1.0.0")
    done = acme.update()
    branch = done.data["branch"]
    assert done.data["release"] == "1.1.0"
    assert acme.text("organisation.yaml", branch) == OWN["organisation.yaml"].replace("1.0.0", "1.1.0")
    log = acme.text("CHANGELOG.md", branch)
    assert log.index("## [1.1.0]") < log.index(f"- mlopsgen's template {NEWEST}") < log.index("## [1.0.0]")
    assert log.index("## [1.0.0]") < log.index("- The first version")


def test_run_again_it_makes_the_same_and_after_the_merge_there_is_nothing_to_do(acme) -> None:
    one = acme.update()
    two = acme.update()
    read = lambda commit: acme.git.read("log", "-1", "--format=%T %P", commit)  # noqa: E731
    assert read(one.data["commit"]) == read(two.data["commit"])
    acme.git.run("merge", "--quiet", "--no-ff", "-m", "Merge", one.data["branch"])
    three = acme.update()
    assert three.data["branch"] == ""
    assert "merged already" in three.summary
    # Also where the branch itself is checked out.
    acme.git.run("switch", "--quiet", one.data["branch"])
    assert acme.update().data["branch"] == ""


def test_the_organisation_goes_on_and_the_branch_is_made_anew(acme) -> None:
    acme.update()
    acme.commit({"template/more.txt": "more\n"})
    done = acme.update()
    assert acme.text("template/more.txt", done.data["branch"]) == "more\n"


def test_a_branch_with_somebodys_work_on_it_is_left_alone(acme) -> None:
    branch = acme.update().data["branch"]
    acme.git.run("switch", "--quiet", branch)
    mine = acme.commit({"template/more.txt": "more\n"})
    acme.git.run("switch", "--quiet", "main")
    with pytest.raises(MlopsgenError, match="somebody's work"):
        acme.update()
    assert acme.git.read("rev-parse", branch) == mine


def test_version_by_version_comes_to_the_same_files(acme, upstream, tmp_path) -> None:
    other = Acme(tmp_path / "other", upstream, "v0.0.9")
    other.commit(OWN)
    done = acme.update()
    step = other.update("v0.1.0")
    other.git.run("merge", "--quiet", "--ff-only", step.data["branch"])
    last = other.update(NEWEST[1:])
    files = ("template", "copier.yml", "sync.yaml", ".github", ".mlopsgen-template")
    trees = [
        each.git.read("ls-tree", "-r", result.data["branch"], "--", *files)
        for each, result in ((acme, done), (other, last))
    ]
    assert trees[0] == trees[1]


def test_conflicts_are_gits_and_wait_on_the_branch(acme) -> None:
    conflicting(acme)
    acme.git.run("tag", "v1.0.0")
    done = acme.update()
    assert done.exit_code == ExitCode.PARTIAL
    assert [each["path"] for each in done.data["conflicts"]] == ["template/Makefile"]
    assert any("template/Makefile" in each for each in acme.warnings())
    assert acme.git.read("branch", "--show-current") == done.data["branch"]
    text = (acme.path / "template" / "Makefile").read_text(encoding="utf-8")
    assert "<<<<<<<" in text
    with pytest.raises(MlopsgenError, match="A merge is going on"):
        acme.update()
    (acme.path / "template" / "Makefile").write_text("resolved\n", encoding="utf-8")
    acme.git.run("add", "--all")
    acme.git.run("commit", "--quiet", "--no-edit")
    assert "release: 1.1.0 # raise me" in acme.text("organisation.yaml")
    assert f"- mlopsgen's template {NEWEST} (before: v0.0.9)." in acme.text("CHANGELOG.md")
    assert upstream_history.stamp_of(acme.git, "HEAD") == NEWEST
    found = upstream_history.newest_upstream(acme.git, "HEAD")
    assert found is not None
    assert found.version == NEWEST
    assert acme.update().data["branch"] == ""


def test_an_update_with_conflicts_is_given_up_with_what_it_says(acme) -> None:
    conflicting(acme)
    head = acme.git.read("rev-parse", "HEAD")
    done = acme.update()
    way = done.next_steps[-1].partition(": ")[2]
    subprocess.run(["sh", "-c", way], cwd=acme.path, env=acme.environ, check=True, capture_output=True)
    assert acme.status() == "## main"
    assert acme.git.read("rev-parse", "HEAD") == head
    assert acme.git.read("branch", "--list", "mlopsgen/*") == ""
    assert acme.update().exit_code == ExitCode.PARTIAL


def test_uncommitted_work_is_never_in_a_merge_with_conflicts(acme) -> None:
    conflicting(acme)
    (acme.path / "README.md").write_text("being edited")
    with pytest.raises(MlopsgenError, match="not committed"):
        acme.update()
    assert (acme.path / "README.md").read_text() == "being edited"
    assert acme.git.read("branch", "--show-current") == "main"


@pytest.mark.parametrize("clean", [True, False])
def test_killed_between_branch_and_merge_it_goes_on(acme, clean) -> None:
    if not clean:
        conflicting(acme)
    branch = f"mlopsgen/update-{NEWEST}"
    acme.git.run("switch", "--quiet", "--create", branch)
    done = acme.update()
    assert done.data["branch"] == branch
    assert done.exit_code == (ExitCode.OK if clean else ExitCode.PARTIAL)
    assert acme.git.read("branch", "--show-current") == branch
    assert (acme.path / "template" / "new.txt").read_text() == "new\n"


def test_a_squashed_update_is_noticed_and_its_history_put_back(acme) -> None:
    step = acme.update("v0.1.0")
    acme.git.run("merge", "--quiet", "--squash", step.data["branch"])
    acme.git.run("commit", "--quiet", "-m", f"Update\n\n{acme.git.read('log', '-1', '--format=%B', 'HEAD')}")
    acme.git.run("branch", "-D", step.data["branch"])
    # What Acme does to lines that the squashed update brought would be a conflict without its history.
    text = acme.text("template/Makefile").replace("first of ours", "first of ours and Acme")
    acme.commit({"template/Makefile": text, "template/new.txt": "of Acme\n"})
    done = acme.update()
    assert done.exit_code == ExitCode.OK
    assert any("squashed or rebased" in each for each in acme.warnings())
    assert acme.text("template/new.txt", done.data["branch"]) == "of Acme\n"
    merged = acme.text("template/Makefile", done.data["branch"])
    assert "first of ours and Acme" in merged
    assert "fifth of ours" in merged


def test_a_squash_whose_message_tells_of_ours_is_not_taken_for_ours(acme) -> None:
    """GitHub puts the messages of all squashed commits into that of the new one, trailers included."""
    step = acme.update("v0.1.0")
    theirs = acme.git.read("log", "-1", "--format=%B", f"{step.data['branch']}^2")
    acme.git.run("merge", "--quiet", "--squash", step.data["branch"])
    acme.git.run("commit", "--quiet", "-m", f"Update (#1)\n\n{theirs}")
    found = upstream_history.newest_upstream(acme.git, "HEAD")
    assert found is not None
    assert found.version == "v0.0.9"


@pytest.mark.parametrize(("to", "said"), [("v7", "no template version"), ("v0.0.9", "merged already, and")])
def test_a_version_that_cannot_be_is_refused(acme, to, said) -> None:
    step = acme.update("v0.1.0")
    acme.git.run("merge", "--quiet", step.data["branch"])
    with pytest.raises(UsageError, match=said):
        acme.update(to)


def test_an_older_mlopsgen_says_that_it_is(acme) -> None:
    acme.commit({".mlopsgen-template": "v99.0.0\n"})
    with pytest.raises(UsageError, match="this mlopsgen is older") as caught:
        acme.update()
    assert "pip install --upgrade" in caught.value.hint


def test_a_shallow_clone_says_how_to_get_the_rest(acme, tmp_path) -> None:
    clone = tmp_path / "clone"
    acme.git.run("clone", "--quiet", "--depth=1", f"file://{acme.path}", str(clone))
    acme.path, acme.git = clone, acme.git.at(clone)
    with pytest.raises(MlopsgenError, match="shallow") as caught:
        acme.update()
    assert "git fetch --unshallow" in caught.value.hint


@pytest.mark.parametrize("state", ["detached", "nobody", "not ours"])
def test_states_in_which_nothing_can_be_merged(acme, state, tmp_path) -> None:
    if state == "detached":
        acme.git.run("switch", "--quiet", "--detach")
        with pytest.raises(MlopsgenError, match="No branch"):
            acme.update()
    elif state == "nobody":
        acme.environ = {key: value for key, value in environment(tmp_path).items() if not key.startswith("GIT_A")}
        with pytest.raises(MlopsgenError, match="neither your name nor your address"):
            acme.update()
    else:
        acme.git.run("rm", "--quiet", "organisation.yaml")
        with pytest.raises(NoConfigRepository, match=r"no organisation\.yaml"):
            find_config_repository(
                Surroundings(folder=acme.path / "template", environ=acme.environ, python=Path("python3"))
            )
