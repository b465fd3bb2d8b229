"""Adopting with an organisation's template: what it decided is neither guessed nor changed; what is wrong is said."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mlopsgen.answers import resolve
from mlopsgen.constants import ANSWERS_FILE, CANONICAL_TEMPLATE
from tests.fleet_stage import ROOT
from tests.init_stage import WHY, Desk, publish_derived
from tests.template_toys import NAMES

ADOPTED = "mlopsgen/adopt"
MIT = "Permission is hereby granted, free of charge, to any person\n"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_derived(tmp_path_factory.mktemp("template") / "mlops-config").path


@pytest.fixture
def desk(
    tmp_path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Desk:
    """Ada beside a repository of her own, which lies at ada/churn on GitHub."""
    made = Desk(tmp_path, {**environ, **NAMES}, capsys, monkeypatch)
    (tmp_path / "churn").mkdir()
    (tmp_path / "churn" / "LICENSE").write_text(MIT)
    for words in (
        ("init", "--quiet", "--initial-branch=main"),
        ("remote", "add", "origin", "git@github.com:ada/churn.git"),
        ("add", "--all"),
        ("commit", "--quiet", "-m", "Start"),
    ):
        made.git("churn", *words)
    return made


def test_what_the_organisation_decided_stands_and_is_not_guessed(desk, template):
    told = desk.run("adopt", "churn", "--template", str(template), "--set", "cost_centre=42")
    assert told.data["guessed"] == ["project_name"]
    record = yaml.safe_load(desk.git("churn", "show", f"{ADOPTED}:{ANSWERS_FILE}"))
    wanted = {"owner": "acme", "license": "proprietary", "visibility": "internal", "staging_engine": "kubeflow"}
    assert {key: record[key] for key in wanted} == wanted
    assert (record["_commit"], record["cost_centre"], record["project_name"]) == ("v1.1.0", "42", "churn")


def test_a_locked_answer_cannot_be_changed_and_says_why(desk, template):
    told = desk.run("adopt", "churn", "--template", str(template), "--set", "staging_engine=local")
    assert told.error["code"] == "locked-answer"
    assert WHY in told.error["message"]
    assert not desk.git("churn", "branch", "--list", ADOPTED)


def test_later_updates_come_from_the_organisation(desk, template):
    words = ("--template", str(template))
    desk.run("adopt", "churn", *words, "--template-version", "v1.0.0", "--set", "cost_centre=42")
    desk.git("churn", "merge", "--quiet", ADOPTED)
    told = desk.run("sync", *words, "--branch", "main", "--no-pull-request", cwd=desk.folder / "churn")
    assert [change["path"] for change in told.data["changes"]] == [ANSWERS_FILE, "HANDBOOK.md"]
    assert desk.git("churn", "show", "mlopsgen/sync-main:LICENSE") == MIT.strip()


@pytest.mark.parametrize(
    ("words", "code", "where"),
    [
        (("--set", "cost_centre=42", "--set", "task=guess"), "invalid-answer", "--set task"),
        (("--set", "colour=red"), "invalid-answer", "--set colour"),
        (("--set", "nothing"), "usage", "--set"),
        (("--template-version", "v9.9.9"), "usage", "--template-version"),
        (("--trust", "ftp://example.org/x"), "usage", "--trust"),
        (("--record", "absent.yml"), "usage", "--record"),
        (("--branch", "absent"), "usage", "--branch"),
        (("--answers", "absent.yml"), "invalid-document", "absent.yml"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(desk, template, words, code, where):
    told = desk.run("adopt", "churn", "--template", str(template), *words)
    assert (told.code, told.error["code"]) == (2, code)
    assert told.error["where"].endswith(where)
    assert not desk.git("churn", "branch", "--list", ADOPTED)


def test_a_question_without_a_default_is_asked_for(desk, template):
    told = desk.run("adopt", "churn", "--template", str(template))
    assert (told.error["code"], told.error["where"]) == ("missing-answer", "cost_centre")
    assert "--set cost_centre=" in told.error["hint"]


def test_a_folder_that_is_no_repository(desk):
    (desk.folder / "empty").mkdir()
    told = desk.run("adopt", "empty")
    assert told.error["message"] == "This is not a git repository."
    assert "git init" in told.error["hint"]


def test_a_repository_of_our_template_goes_over_to_the_organisation_s_at_the_version_that_it_has(desk, tmp_path):
    acme = publish_derived(tmp_path / "own-config")
    theirs = {name: (acme.path / name).read_text() for name in ("copier.yml", "organisation.yaml")}
    plain = {"copier.yml": (ROOT / "copier.yml").read_text(), "organisation.yaml": None}
    acme.release("x", plain, "Ours\n\nMlopsgen-Template: v0.1.0")
    ours = acme.git("rev-parse", "x")
    acme.git("tag", "--delete", "x")
    acme.release("v1.2.0", {**theirs, "template/GUIDE.md": "1\n"}, "A guide")
    answers = resolve({"project_name": "churn"})
    record = {"_commit": "v0.1.0", "_src_path": CANONICAL_TEMPLATE, **answers}
    (desk.folder / "churn" / ANSWERS_FILE).write_text(yaml.safe_dump(record))
    desk.git("churn", "add", "--all")
    desk.git("churn", "commit", "--quiet", "-m", "From mlopsgen")
    told = desk.run("adopt", "churn", "--template", str(acme.path))
    assert told.data["made_by"] == "copier"
    found = yaml.safe_load(desk.git("churn", "show", f"{ADOPTED}:{ANSWERS_FILE}"))
    assert found == {**record, "_src_path": str(acme.path), "_commit": told.data["version"]}
    assert told.data["version"].endswith(f"-g{ours[:12]}")
    assert told.envelope["next_steps"][-1].endswith("(the template is at v1.2.0 by now)")
