"""What others find in the workflows of every rendering: GitHub's language service, actionlint, shellcheck, zizmor."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from mlopsgen.answers import resolve
from tests import matrix, workflow_checks, workflow_files
from tests.test_rendering_matrix import render

# The only exceptions that a rendering makes, all of them zizmor's; .github/zizmor.yml says the reasons too.
SUPPRESSED = {
    "concurrency-limits": "no run of `test` may displace another one, and no event of follow-up may be dropped",
    "self-hosted-runner": "the answers ask for machines of their own; what a pull request brings never runs there",
    "secrets-outside-env": "the registry's would ask for a second approval, the update's would show deployments",
}


CONFIGURATION = (".github/zizmor.yml", ".github/actionlint.yaml")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Folders with the workflows that differ; those of one configuration of the checks lie beside each other."""
    base = tmp_path_factory.mktemp("renderings")
    seen: set[tuple[str, ...]] = set()
    made = []
    for rendering in workflow_files.renderings():
        config = tuple(rendering.files[name] for name in CONFIGURATION)
        new = {
            path: text
            for path, text in rendering.files.items()
            if path.startswith(workflow_files.FOLDER) and (path, text, *config) not in seen
        }
        seen |= {(path, text, *config) for path, text in new.items()}
        if new:
            made.append(base / rendering.name.replace(" ", "-"))
            for path, text in (new | dict(zip(CONFIGURATION, config, strict=True))).items():
                (made[-1] / path).parent.mkdir(parents=True, exist_ok=True)
                (made[-1] / path).write_text(text, encoding="utf-8")
    return made


def by_configuration(folders: list[Path]) -> dict[str, list[Path]]:
    """The folders by the text of their zizmor.yml."""
    found: dict[str, list[Path]] = {}
    for folder in folders:
        found.setdefault((folder / CONFIGURATION[0]).read_text(encoding="utf-8"), []).append(folder)
    return found


def workflows(folder: Path) -> list[Path]:
    return sorted((folder / workflow_files.FOLDER).iterdir())


def test_githubs_language_service_finds_nothing(folders: list[Path]) -> None:
    """It reads no configuration, so each text needs to be looked at once."""
    once = {(path.name, path.read_text(encoding="utf-8")): path for folder in folders for path in workflows(folder)}
    assert len(once) == len(workflow_files.unique())
    assert not workflow_checks.language_service(once.values())


def test_actionlint_finds_nothing(folders: list[Path]) -> None:
    for folder in folders:
        assert not workflow_checks.actionlint(folder, workflows(folder), shellcheck=False)


def test_shellcheck_finds_nothing_in_the_scripts(folders: list[Path]) -> None:
    """A step with the same script and variables needs to be looked at once."""
    seen: set[str] = set()
    for folder in folders:
        new = []
        for path in workflows(folder):
            document = workflow_files.load(path.read_text(encoding="utf-8"))
            scripts = {step["run"] for job in document["jobs"].values() for step in job["steps"] if "run" in step}
            if scripts - seen:
                new.append(path)
            seen |= scripts
        if new:
            assert not workflow_checks.actionlint(folder, new)
    assert len(seen) > 40


@pytest.mark.parametrize("persona", workflow_checks.PERSONAS)
def test_zizmor_finds_nothing(folders: list[Path], persona: str) -> None:
    for alike in by_configuration(folders).values():
        assert not workflow_checks.zizmor(alike, persona, config=alike[0] / CONFIGURATION[0])


def test_every_exception_has_its_reason() -> None:
    used: set[str] = set()
    for rendering in workflow_files.renderings():
        text = rendering.files[".github/zizmor.yml"]
        rules = yaml.safe_load(text)["rules"]
        used |= set(rules)
        for rule in rules:
            lines = text.split(f"  {rule}:\n")[1].splitlines()
            assert re.match(r" +# \S+ \S+", lines[1]), f"{rule} of {rendering.name} says no reason"
        for path, content in rendering.files.items():
            assert not re.search(r"zizmor: *ignore|shellcheck +disable|actionlint +ignore", content), path
    assert used == set(SUPPRESSED)


def test_no_exception_hides_anything_else(folders: list[Path]) -> None:
    """Without its configuration zizmor finds in each rendering just what the rules of that one are about."""
    for text, alike in by_configuration(folders).items():
        found = {line.split(":")[0] for line in workflow_checks.zizmor(alike, "auditor")}
        assert found == set(yaml.safe_load(text)["rules"])


@pytest.mark.parametrize("number", [0, 4])
def test_what_init_makes_is_what_is_looked_at_here(number: int, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    row = matrix.rows()[number]
    made = render(row, tmp_path, tmp_path / "home")
    for path, text in workflow_files.render(resolve(matrix.answers(row))).items():
        assert (made / path).read_text(encoding="utf-8") == text


PLANTED = """\
name: planted
on:
  push:
permissions: {}
jobs:
  test:
    name: test
    runs-on: ubuntu-24.04
    permissions:
      contents: read # code
    steps:
      - name: Say
        id: say
        run: echo ${{ github.event.head_commit.message }} $HOME/$1
      - name: Say again
        run: echo "${{ steps.sya.outputs.x }}"
"""


def test_a_planted_mistake_is_found_by_each(tmp_path: Path) -> None:
    path = tmp_path / workflow_files.FOLDER / "planted.yml"
    path.parent.mkdir(parents=True)
    path.write_text(PLANTED, encoding="utf-8")
    (tmp_path / ".github" / "actionlint.yaml").write_text("self-hosted-runner:\n  labels: []\n", encoding="utf-8")
    assert any("sya" in line for line in workflow_checks.language_service([path]))
    found = workflow_checks.actionlint(tmp_path, [path])
    assert any("untrusted" in line for line in found)
    assert any("SC2086" in line for line in found)
    assert any("template-injection" in line for line in workflow_checks.zizmor([tmp_path], "regular"))
