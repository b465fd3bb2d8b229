"""What a configuration repository's workflows say, and what an organisation's own steps become in its repositories."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from mlopsgen.answers import resolve
from tests import workflow_checks, workflow_files
from tools import generate

FOLDER = workflow_files.ROOT / "config-repository"
OWN = workflow_files.ROOT / "template" / "_includes" / "organisation"
PLACES = ("before-tests", "after-tests", "before-training", "after-training")


def own_workflows() -> list[Path]:
    return sorted((FOLDER / workflow_files.FOLDER).iterdir())


def test_others_find_nothing_in_them(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "made")
    folder = tmp_path / "made"
    (folder / ".github" / "actionlint.yaml").write_text("self-hosted-runner:\n  labels: []\n", encoding="utf-8")
    files = sorted((folder / workflow_files.FOLDER).iterdir())
    assert not workflow_checks.language_service(files)
    assert not workflow_checks.actionlint(folder, files)
    assert not workflow_checks.zizmor([folder], "auditor")


def test_they_use_the_actions_at_the_commits_that_all_others_use() -> None:
    table = workflow_files.action_table()
    for path in own_workflows():
        text = path.read_text(encoding="utf-8")
        found = re.findall(r"uses: (\S+)@(\S+) # (\S+)", text)
        assert found
        for action, commit, tag in found:
            assert (commit, tag) == (table[action]["commit"], table[action]["tag"])
            assert action.startswith("actions/")
        assert generate.pinned(text.replace(found[0][1], "0" * 40)) == text


def test_only_the_tag_is_written_and_only_on_main() -> None:
    check, release = (workflow_files.load(path.read_text(encoding="utf-8")) for path in own_workflows())
    assert check["jobs"]["check"]["name"] == "check"  # the ruleset asks for it by this name
    assert set(check["on"]) >= {"pull_request", "push"}
    assert release["on"]["push"] == {"branches": ["main"]}
    rights = [job["permissions"] for each in (check, release) for job in each["jobs"].values()]
    assert rights == [{"contents": "read"}, {"contents": "read"}, {"contents": "write"}]
    assert release["jobs"]["release"]["if"] == "github.ref_name == 'main'"
    # What a pull request brings runs in `check` alone, which has no right but to read and no token in its environment.
    assert check["jobs"]["check"] == release["jobs"]["check"]
    assert "github.token" not in str(check)


def test_the_places_for_own_steps_are_there_and_empty() -> None:
    """Empty, so that a workflow without own steps is what it is without the places."""
    assert {path.name for path in OWN.glob("*.jinja")} == {f"{place}.yml.jinja" for place in PLACES}
    assert all(path.read_bytes() == b"" for path in OWN.glob("*.jinja"))
    told = (OWN / "README.md").read_text(encoding="utf-8")
    assert all(f"`{place}.yml.jinja`" in told for place in PLACES)


@pytest.mark.parametrize("engine", ["local", "kubeflow"])
def test_own_steps_stand_where_they_are_promised(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(workflow_files.ROOT / "template" / "_includes", tmp_path / "template" / "_includes")
    shutil.copytree(workflow_files.ROOT / "template" / ".github", tmp_path / "template" / ".github")
    shutil.copy(workflow_files.ROOT / "copier.yml", tmp_path)
    for place in PLACES:
        step = f"      - name: {place} [[ branch | default('of a pull request') ]]\n        run: make own\n"
        (tmp_path / OWN.relative_to(workflow_files.ROOT) / f"{place}.yml.jinja").write_text(step, encoding="utf-8")
    answers = {**resolve({}), "development_engine": engine, "development_login": "token"}
    monkeypatch.setattr(workflow_files, "ROOT", tmp_path)
    workflow_files.environment.cache_clear()
    try:
        made = workflow_files.render(answers)
    finally:
        workflow_files.environment.cache_clear()
    for path, text in made.items():
        (tmp_path / "made" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "made" / path).write_text(text, encoding="utf-8")
    (tmp_path / "made" / ".git").mkdir()
    branch, pulls = (
        workflow_files.load(made[f".github/workflows/{name}.yml"]) for name in ("development", "pull-request")
    )
    test, train, pull = (
        [step.get("name", step.get("uses", "")) for step in job["steps"]]
        for job in (branch["jobs"]["test"], branch["jobs"]["train"], pulls["jobs"]["test"])
    )
    install, lint, tests = "Install what requirements-dev.txt locks", "Check style and types", "Run the tests"
    assert test[3:8] == [install, "before-tests development", lint, tests, "after-tests development"]
    assert pull[3:8] == [install, "before-tests of a pull request", lint, tests, "after-tests of a pull request"]
    assert train[2:4] == [install, "before-training development"]
    assert train.index("before-training development") < train.index("Check data, champion and platform")
    assert train[-1] == "after-training development"
    files = sorted((tmp_path / "made" / workflow_files.FOLDER).iterdir())
    assert not workflow_checks.actionlint(tmp_path / "made", files, shellcheck=False)
