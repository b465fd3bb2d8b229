"""An organisation's template, twenty repositories of many kinds, our next version: it arrives, nobody loses a line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from mlopsgen.constants import ANSWERS_FILE, CANONICAL_TEMPLATE
from tests.fleet_stage import CHANGED, MERGED, NEW, OLD, Files, conflicting, work_of_owner
from tests.github import FakeGitHub
from tests.organisation_stage import CONFIG, OWN_LINE, POLICY, SERVICE, Organisation, changed_lines, text_of

NUMBERS = range(1, 18)
CONFLICT = NUMBERS[-1]
_EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The tree without anything."""
LINE = "# What an older version of the template said here."


@dataclass
class Story:
    """What happened.

    Attributes:
        organisation: Where it happened.
        before: The commit that each repository was at, by name.
        work: What its owner made of each: from which tree to which.
        rows: The rows of ``sync --all``, by name.
    """

    organisation: Organisation
    before: dict[str, str] = field(default_factory=dict)
    work: dict[str, tuple[str, str]] = field(default_factory=dict)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)


def edit(number: int, files: Files) -> None:
    (conflicting if number == CONFLICT else work_of_owner)(number, files)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with FakeGitHub() as github:
        yield tell(Story(Organisation.found(github, tmp_path_factory.mktemp("acme"))))


def tell(story: Story) -> Story:
    organisation = story.organisation
    organisation.found_config()
    fleet = organisation.make_fleet("v1.0.0")
    made = {there.name: there for there in fleet.add(NUMBERS, edit)}
    made |= {"plain": _plain(organisation), "wine_service": _service(organisation), "adopted": _adopted(story)}
    for name, there in made.items():
        story.before[name] = there.branches["development"]
        story.work[name] = (there.git("rev-parse", "development^"), story.before[name])
    # The adopted one was its owner's from its first line on.
    first = made["adopted"].git("rev-list", "--first-parent", "--max-parents=0", "development")
    story.work["adopted"] = (_EMPTY, first)
    organisation.update_config()
    organisation.update_service()
    done = fleet.run("sync", "--all", "--org", "acme", "--yes", "--output", "json")
    found = json.loads(done.stdout)["data"]["repositories"]
    story.rows = {row["repository"].removeprefix("acme/"): row for row in found}
    for name, row in story.rows.items():
        if row["state"] == "opened":
            organisation.merge(made[name], row["pull_request"]["number"])
    return story


def _plain(organisation: Organisation) -> Any:
    """A repository from our own template, that nobody moved to the organisation's."""
    organisation.run("init", "--defaults", "--template-version", OLD, "--name", "Plain", "--owner", "acme", "plain")
    folder = organisation.folder / "plain"
    readme = (folder / "README.md").read_text(encoding="utf-8")
    organisation.commit(folder, {"src/steps/mine.py": '"""Mine."""\n', "README.md": f"{readme}\nMine.\n"})
    return organisation.put(folder, "acme/plain")


def _service(organisation: Organisation) -> Any:
    """A repository from a cookiecutter template."""
    organisation.found_service()
    words = ("--template", organisation.address(SERVICE), "--defaults", "wine_service")
    organisation.run("init", *words)
    folder = organisation.folder / "wine_service"
    readme = (folder / "README.md").read_text(encoding="utf-8")
    organisation.commit(folder, {"README.md": readme.replace("Third.", "Third of mine."), "own.py": "OWN = 1\n"})
    return organisation.put(folder, "acme/wine_service")


def _adopted(story: Story) -> Any:
    """A repository that was there for years before it was brought under the organisation's template."""
    organisation = story.organisation
    folder = organisation.folder / "adopted"
    folder.mkdir()
    organisation.git(folder, "init", "--quiet", "--initial-branch=development")
    files = {
        "README.md": "# Ours for years\n",
        "Makefile": "all:\n\techo ours\n",
        "src/steps/train.py": "TRAIN = 'ours'\n",
        "legacy/model.R": "x <- 1\n",
    }
    organisation.commit(folder, files)
    words = ("--template", organisation.address(CONFIG), "--template-version", "v1.0.0", "--defaults")
    organisation.run("adopt", "adopted", *words)
    organisation.git(folder, "merge", "--quiet", "mlopsgen/adopt")
    return organisation.put(folder, "acme/adopted")


def test_everything_arrives_where_it_belongs(story: Story) -> None:
    github = story.organisation.github
    states = {name: row["state"] for name, row in story.rows.items()}
    assert states == dict.fromkeys(story.before, "opened") | {f"heart-rate-{CONFLICT:04}": "conflicts"}
    for name, row in story.rows.items():
        versions = {"plain": (OLD, NEW), "wine_service": ("v1.0.0", "v2.0.0")}.get(name, ("v1.0.0", "v1.1.0"))
        assert (row["start"], row["end"]) == versions
        there = github.repository(f"acme/{name}")
        if name == "wine_service":
            assert text_of(there, "README.md") == "# wine_service\n\nFirst of all.\n\nSecond.\n\nThird of mine.\n"
        elif row["state"] == "opened":
            old = [path for path in CHANGED if LINE in text_of(there, path)]
            assert old == [], name
        if name.startswith("heart") and row["state"] == "opened":
            assert OWN_LINE in text_of(there, MERGED)
            assert text_of(there, POLICY) == "Acme's policy.\n"
            record = yaml.safe_load(text_of(there, ANSWERS_FILE))
            assert (record["template_update"], record["data_watch"]) == ("monthly", "weekly")
            assert "decided by Acme" in row["reason"]


def test_nobody_loses_a_line(story: Story) -> None:
    for name, before in story.before.items():
        there = story.organisation.github.repository(f"acme/{name}")
        own, _ = changed_lines(there, *story.work[name])
        came, went = changed_lines(there, before, "development")
        assert own, name
        assert (went - came) & own == set(), name
        assert there.git("merge-base", "--is-ancestor", before, "development") == ""


def test_whoever_changed_the_same_line_decides(story: Story) -> None:
    there = story.organisation.github.repository(f"acme/heart-rate-{CONFLICT:04}")
    assert there.branches["development"] == story.before[there.name]
    (pull,) = there.pulls
    assert (pull["draft"], pull["state"]) == (True, "open")
    marked = text_of(there, MERGED, "mlopsgen/sync-development")
    assert f"# The owner's line {CONFLICT}." in marked
    assert "<<<<<<<" in marked


def test_the_templates_of_the_rows_are_their_own(story: Story) -> None:
    assert {row["template"].partition("/acme/")[2] or row["template"] for row in story.rows.values()} == {
        "mlops-config", "cookiecutter-service", CANONICAL_TEMPLATE,
    }  # fmt: skip


def test_once_more_there_is_nothing_left_but_the_conflict(story: Story) -> None:
    fleet = story.organisation.fleet
    assert fleet is not None
    shown = fleet.run("status", "--all", "--org", "acme", COLUMNS="160").stdout
    assert "20 repositories of acme: 1 with conflicts, 19 up to date." in shown
    lines = {words[0]: words[1:] for line in shown.splitlines() if (words := line.split())}
    assert lines["acme/heart-rate-0001"] == [CONFIG, "v1.1.0", "up", "to", "date"]
    assert lines[f"acme/heart-rate-{CONFLICT:04}"][:4] == [CONFIG, "v1.0.0", "->", "v1.1.0"]
    assert lines["acme/wine_service"] == [SERVICE, "v2.0.0", "up", "to", "date"]
    assert lines["acme/plain"] == [NEW, "up", "to", "date"]
    assert CONFIG not in lines


def test_a_token_that_may_not_read_the_template_fails_its_own_repositories_alone(story: Story) -> None:
    organisation = story.organisation
    assert organisation.fleet is not None
    names = [f"acme/{name}" for name in ("plain", "heart-rate-0001", "wine_service", "adopted")]
    token = organisation.github.add_token(
        "ada",
        kind="fine-grained",
        owner="acme",
        repositories=[*names, SERVICE],
        permissions={"contents": "write", "pull_requests": "write", "metadata": "read", "workflows": "write"},
    )
    organisation.github.calls.clear()
    cache = {"XDG_CACHE_HOME": str(organisation.folder / "another-cache")}
    words = ("status", "--all", "--org", "acme", "--output", "json")
    done = organisation.fleet.run(*words, MLOPSGEN_GITHUB_TOKEN=token, **cache)
    rows = {row["repository"]: row for row in json.loads(done.stdout)["data"]["repositories"]}
    assert {name: row["state"] for name, row in rows.items()} == {
        "acme/plain": "current", "acme/wine_service": "current",
        "acme/adopted": "failed", "acme/heart-rate-0001": "failed",
    }  # fmt: skip
    assert "mlops-config" in rows["acme/adopted"]["reason"]
    assert "MLOPSGEN_GITHUB_TOKEN" in rows["acme/adopted"]["hint"]
    assert token not in done.stdout + done.stderr
    knocks = [call for call in organisation.github.calls if call.path.startswith(f"/{CONFIG}")]
    assert len(knocks) == 2  # with the token and without it, once for both


def test_the_token_of_the_fleet_opens_its_private_template(story: Story) -> None:
    organisation = story.organisation
    environ = {**organisation.environ, "XDG_CACHE_HOME": str(organisation.folder / "cache-of-stdin")}
    token = environ.pop("MLOPSGEN_GITHUB_TOKEN")
    words = ["status", "--all", "--org", "acme", "--filter", "adopted", "--token-stdin", "--output", "json"]
    argv = [sys.executable, "-m", "mlopsgen", *words, "--host", organisation.github.url]
    done = subprocess.run(
        argv, env=environ, cwd=organisation.folder, input=token, capture_output=True, text=True, check=False
    )
    (row,) = json.loads(done.stdout)["data"]["repositories"]
    assert row["state"] == "current", row


def test_a_repository_of_ours_comes_to_the_organisations_template(story: Story) -> None:
    organisation = story.organisation
    folder = organisation.folder / "plain"
    there = organisation.github.repository("acme/plain")
    organisation.git(folder, "pull", "--quiet", str(there.folder), "development")
    words = ("sync", "--template", organisation.address(CONFIG), "--no-pull-request", "--yes")
    answer = organisation.run(*words, cwd=folder)
    assert answer["data"]["conflicts"] == []
    branch = "mlopsgen/sync-development"
    assert organisation.git(folder, "show", f"{branch}:{POLICY}") == "Acme's policy."
    assert OWN_LINE in organisation.git(folder, "show", f"{branch}:{MERGED}") + "\n"
    assert organisation.git(folder, "show", f"{branch}:README.md").endswith("Mine.")
    record = yaml.safe_load(organisation.git(folder, "show", f"{branch}:{ANSWERS_FILE}"))
    assert (record["_src_path"], record["_commit"]) == (organisation.address(CONFIG), "v1.1.0")
    assert record["template_update"] == "monthly"


def test_a_template_of_another_kind_is_no_place_that_a_template_moved_to(story: Story) -> None:
    fleet = story.organisation.fleet
    assert fleet is not None
    words = ("--template", story.organisation.address(CONFIG), "--filter", "wine*", "--dry-run", "--output", "json")
    done = fleet.run("sync", "--all", "--org", "acme", *words)
    (row,) = json.loads(done.stdout)["data"]["repositories"]
    assert row["state"] == "failed"
    assert "another kind of template" in row["reason"]
