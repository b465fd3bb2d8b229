"""``init`` from other templates than ours: an organisation's, and copier's of other people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from mlopsgen.constants import BRANCHES
from tests import cookiecutter_toys
from tests.init_stage import WHY, Desk, derived_files, publish_derived
from tests.template_toys import FILES, NAMES, Published


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_derived(tmp_path_factory.mktemp("acme") / "mlops-config").path


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Published(tmp_path_factory.mktemp("foreign") / "wine-template").path


@pytest.fixture
def desk(
    tmp_path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    with monkeypatch.context() as patch:
        yield Desk(tmp_path, {**environ, **NAMES}, capsys, patch)


def test_a_repository_of_an_organisation_has_its_presets_and_what_it_decided(desk: Desk, acme: Path) -> None:
    told = desk.init(acme, "wine", "--set", "cost_centre=C1", "--owner", "octo")
    record = desk.record("wine")
    assert (record["_commit"], record["_src_path"]) == ("v1.1.0", str(acme))
    assert (record["owner"], record["license"], record["development_runner"]) == ("octo", "proprietary", "acme-small")
    assert (record["visibility"], record["staging_engine"]) == ("internal", "kubeflow")
    assert record["staging_endpoint"] == "https://kubeflow.acme.example/pipeline"
    assert (record["cost_centre"], record["gpu"]) == ("C1", False)
    assert "gpu_type" not in record, "a question that makes no sense is not answered"
    assert (desk.folder / "wine" / "README.md").read_text(encoding="utf-8") == "# wine of C1: False\n"
    assert len({desk.git("wine", "rev-parse", branch) for branch in BRANCHES}) == 1
    assert desk.git("wine", "log", "--format=%s") == "Start wine from the mlops-config template v1.1.0"
    assert told.data["template"] == str(acme)
    assert told.data["answers"]["visibility"] == "internal"
    assert any("push --local" in step for step in told.envelope["next_steps"])


def test_an_older_version_is_taken_by_its_number_and_has_what_it_had(desk: Desk, acme: Path) -> None:
    desk.init(acme, "wine", "--set", "cost_centre=C1", "--set", "gpu=yes", "--template-version", "1.0.0")
    assert (desk.record("wine")["_commit"], desk.record("wine")["gpu_type"]) == ("v1.0.0", "t4")
    assert not (desk.folder / "wine" / "HANDBOOK.md").exists()
    told = desk.init(acme, "beer", "--set", "cost_centre=C1", "--template-version", "v7")
    assert "v7" in told.error["message"]
    assert "v1.0.0, v1.1.0" in told.error["hint"]


@pytest.mark.parametrize("way", ["flag", "set", "file"])
def test_what_the_organisation_decided_is_refused_with_its_reason(desk: Desk, acme: Path, way: str) -> None:
    (desk.folder / "answers.yml").write_text("owner: octo\ncost_centre: C1\nstaging_engine: local\n", encoding="utf-8")
    given = {
        "flag": ("--visibility", "public"), "set": ("--set", "staging_engine=local"),
        "file": ("--answers", "answers.yml"),
    }[way]  # fmt: skip
    told = desk.init(acme, "wine", "--set", "cost_centre=C1", *given)
    assert (told.code, told.error["code"]) == (2, "locked-answer")
    assert "decided by acme" in told.error["message"]
    assert told.error["where"].endswith(
        {"flag": "--visibility", "set": "--set staging_engine", "file": "answers.yml:3"}[way]
    )
    assert (WHY in told.error["message"]) is (way != "flag")
    assert not (desk.folder / "wine").exists()
    # The same answer as the organisation's is none of another.
    assert desk.init(acme, "wine", "--set", "cost_centre=C1", "--visibility", "internal").code == 0


def test_a_question_of_its_own_without_a_default_has_to_be_answered(desk: Desk, acme: Path) -> None:
    told = desk.init(acme, "wine")
    assert (told.error["code"], told.error["where"]) == ("missing-answer", "cost_centre")
    assert told.error["hint"] == "Add --set cost_centre=VALUE."


def test_a_mistake_in_what_the_organisation_decides_is_shown_with_its_line(desk: Desk, tmp_path: Path) -> None:
    files = derived_files()
    files["organisation.yaml"] += "  python_version: '2.7'\n"
    told = desk.init(Published(tmp_path / "config", files).path, "wine")
    assert (told.error["code"], told.error["where"]) == ("invalid-document", f"organisation.yaml:{_lines(files)}")


def _lines(files: dict[str, str]) -> int:
    return files["organisation.yaml"].count("\n")


def test_a_template_of_other_people(desk: Desk, foreign: Path) -> None:
    told = desk.init(foreign, "merlot", "--set", "name=merlot", "--set", "tags=[x, y]", "--set", "public=yes")
    record = desk.record("merlot")
    assert {key: record[key] for key in ("name", "title", "public", "tags", "replicas")} == {
        "name": "merlot", "title": "The MERLOT", "public": True, "tags": ["x", "y"], "replicas": 2,
    }  # fmt: skip
    assert (told.data["slug"], told.data["branch"]) == ("merlot", "development")
    assert desk.git("merlot", "log", "--format=%s") == "Start merlot from the wine-template template v1.0.0"
    assert not any("trains" in step for step in told.envelope["next_steps"]), "nothing of ours trains there"
    assert any("folder" in text and "--template" in text for text in told.warnings)


def test_an_occupied_folder_is_said_before_a_template_is_fetched(desk: Desk) -> None:
    (desk.folder / "wine").write_text("mine", encoding="utf-8")
    told = desk.init("http://127.0.0.1:9/acme/config", "wine")
    assert (told.code, told.error["where"]) == (2, str(desk.folder / "wine"))
    assert told.events == []


def test_whose_folder_nobody_names_is_asked_for(desk: Desk, foreign: Path) -> None:
    told = desk.init(foreign)
    assert (told.error["code"], told.error["hint"]) == ("missing-answer", "Name it: mlopsgen init FOLDER.")
    named = {**FILES, "copier.yml": f"project_slug: our-wine\n{FILES['copier.yml']}"}
    Published(desk.folder / "named", named)
    assert desk.init("named").data["path"] == str(desk.folder / "our-wine")
    assert desk.init("named").error["where"] == str(desk.folder / "our-wine")


@pytest.mark.parametrize(
    ("given", "said"),
    [(["--name", "Wine"], "project_name"), (["--data", "w.csv"], "data_address"), (["--set", "nmae=x"], "'name'"),
     (["--set", "engine=moon"], "not one of the choices"), (["--set", "public=perhaps"], "yes or no"),
     (["--set", "replicas=many"], "whole number"), (["--set", "tags=[a"], "YAML")],
)  # fmt: skip
def test_answers_that_the_template_does_not_know_or_take(
    desk: Desk, foreign: Path, given: list[str], said: str
) -> None:
    told = desk.init(foreign, "wine", *given)
    assert (told.code, told.error["code"]) == (2, "invalid-answer")
    assert said in told.error["message"] + told.error["hint"]
    assert given[0] in told.error["where"]
    assert not (desk.folder / "wine").exists()


def test_an_answers_file_may_answer_a_question_called_version(desk: Desk, foreign: Path) -> None:
    Published(desk.folder / "versioned", {**FILES, "copier.yml": f"version: 0.1.0\n{FILES['copier.yml']}"})
    (desk.folder / "a.yml").write_text("version: 0.2.0\nname: beer\n", encoding="utf-8")
    assert desk.init("versioned", "beer", "--answers", "a.yml").code == 0
    assert desk.record("beer")["version"] == "0.2.0"
    told = desk.init(foreign, "wine", "--answers", "a.yml")
    assert "version '0.2.0' is not known" in told.error["message"]


def test_a_default_that_only_the_engine_knows_is_left_to_it(desk: Desk) -> None:
    own = "home: {type: str, default: '{{ _copier_conf.answers_file }}'}"
    Published(desk.folder / "knowing", {**FILES, "copier.yml": f"{own}\n{FILES['copier.yml']}"})
    assert desk.init("knowing", "wine").code == 0
    assert desk.record("wine")["home"] == ".copier-answers.yml"
    assert desk.init("knowing", "beer", "--set", "home=here").code == 0
    assert desk.record("beer")["home"] == "here"


def test_a_record_has_one_name_whatever_a_template_calls_it(desk: Desk) -> None:
    files = {**FILES, "copier.yml": f"_answers_file: .acme-answers.yml\n{FILES['copier.yml']}"}
    published = Published(desk.folder / "other", files)
    assert desk.init(published.path, "wine").warnings[0].startswith("The repository records")
    assert desk.record("wine")["name"] == "wine"
    assert not (desk.folder / "wine" / ".acme-answers.yml").exists()
    published.release("v1.1.0", {"template/data.csv": "a,b\n3,4\n"}, "Newer data")
    told = desk.run("sync", "--template", str(published.path), cwd=desk.folder / "wine")
    assert told.code == 0, told.text
    assert desk.git("wine", "show", "mlopsgen/sync-development:data.csv") == "a,b\n3,4"


def test_a_template_that_writes_no_record_is_told_of(desk: Desk) -> None:
    Published(desk.folder / "plain", {"copier.yml": "name: wine\n", "README.md.jinja": "# {{ name }}\n"})
    told = desk.init("plain", "wine")
    assert any(".copier-answers.yml" in text and "sync" in text for text in told.warnings)


@pytest.mark.parametrize("name", [".git", ".GIT", "sub/.git"])
def test_a_template_that_writes_what_git_would_run_is_refused(desk: Desk, name: str) -> None:
    hidden = name.replace(".", "{{ dot }}").replace("git", "{{ 'git' }}").replace("GIT", "{{ 'GIT' }}")
    Published(
        desk.folder / "evil",
        {"copier.yml": "_exclude: [copier.yml]\ndot: .\n", f"{hidden}/hooks/x.jinja": "touch /tmp/x\n"},
    )
    told = desk.init("evil", "wine")
    assert "which git would take for its own" in told.error["message"]
    assert not (desk.folder / "wine").exists()
    assert not [path for path in desk.folder.iterdir() if path.name.startswith(".mlopsgen")]


def test_the_schema_of_the_answers_of_any_template(desk: Desk, acme: Path, foreign: Path) -> None:
    schema = desk.run("schema", "answers", "--template", str(acme)).data["schema"]
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate({"version": 1, "cost_centre": "C1", "gpu": True, "visibility": "internal"}, schema)
    for wrong in ({"visibility": "public"}, {"gpu": "maybe"}, {"gpu_type": "h100"}, {"colour": "red"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
    assert schema["properties"]["owner"]["default"] == "acme"
    assert WHY in schema["properties"]["staging_engine"]["description"]
    assert schema["title"].endswith("v1.1.0")
    other = desk.run("schema", "answers", "--template", str(foreign)).data["schema"]
    jsonschema.validate({"name": "beer", "replicas": 3, "public": False, "tags": {"any": [1]}, "share": 0.1}, other)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"replicas": "three"}, other)
    told = desk.run("schema", "plan", "--template", str(foreign))
    assert (told.code, told.error["where"]) == (2, "--template")


def test_a_cookiecutter_template_names_the_folder_and_its_record_tells_the_engine(desk: Desk) -> None:
    cookiecutter_toys.published(desk.folder / "their-template")
    told = desk.init("their-template", "--set", "project_name=Red Wine", "--set", "use_docker=no")
    assert told.data["path"] == str(desk.folder / "red_wine")
    record = desk.record("red_wine")
    assert (record["_engine"], record["_commit"], record["project_slug"]) == ("cookiecutter", "v1.0.0", "red_wine")
    assert not (desk.folder / "red_wine" / "Dockerfile").exists()
    assert desk.git("red_wine", "log", "--format=%s") == "Start red_wine from the their-template template v1.0.0"
    again = desk.init("their-template", "--set", "project_name=Red Wine")
    assert (again.code, again.error["where"]) == (2, str(desk.folder / "red_wine"))
    named = desk.init("their-template", "cellar", "--set", "project_slug=port")
    assert named.data["path"] == str(desk.folder / "cellar")
    assert desk.record("cellar")["project_slug"] == "port"


def test_code_of_a_template_is_refused_before_anybody_is_asked_and_runs_where_it_is_named(desk: Desk) -> None:
    files = {**cookiecutter_toys.FILES, **cookiecutter_toys.HOOKS}
    address = str(cookiecutter_toys.published(desk.folder / "hooked", files).path)
    told = desk.run("init", "--template", address)  # nobody said --defaults: it would ask
    assert (told.code, told.error["code"]) == (4, "unsafe-template")
    assert "hooks/post_gen_project.py" in told.error["message"]
    assert told.error["hint"].endswith(f"--trust {address}")
    other = desk.init(address, "--trust", "gh:acme/other")
    assert other.error["code"] == "unsafe-template"
    assert desk.run("schema", "answers", "--template", address).code == 0, "reading the questions runs nothing"
    assert desk.init(address, "--trust", address, "--set", "use_docker=no").code == 0
    assert not (desk.folder / "wine_quality" / "compose").exists(), "the hook did not run"
