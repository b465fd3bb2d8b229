"""Repositories that cruft made: what it writes becomes the record, and updates go on from the commit that it named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlopsgen.adapters.trust import Trust, UnsafeTemplate
from mlopsgen.errors import InvalidDocument, UsageError
from mlopsgen.operations.adopt_found import CRUFT_FILE
from mlopsgen.sync.start import Given
from tests.adopt_toys import ADOPTED, RECORD, Owner
from tests.sync_toys import environment
from tests.template_toys import Published

VARIABLES = {
    "project": "My Model",
    "slug": "{{ cookiecutter.project|lower|replace(' ', '-') }}",
    "license": ["MIT", "none"],
    "ci": {"github": {"on": True}},
    "use_docs": False,
    "_copy_without_render": ["*.j2"],
}
TOP = "{{cookiecutter.slug}}"
MODULE = "a = 1\nb = 2\nc = 3\nd = 4\n"
FILES = {
    "cookiecutter.json": json.dumps(VARIABLES),
    f"{TOP}/README.md": "# {{cookiecutter.project}}\n\n{{cookiecutter.license}}\n",
    f"{TOP}/src/model.py": MODULE,
    f"{TOP}/page.j2": "{{ as it is }}\n",
    f"{TOP}/data/sample.csv": "a\n1\n",
}
RENDERED = {
    "README.md": "# Red Wine\n\nMIT\n",
    "src/model.py": MODULE,
    "page.j2": "{{ as it is }}\n",
    "data/sample.csv": "a\n1\n",
}


def written(template: Published, commit: str = "", **more: Any) -> str:
    """``.cruft.json`` as cruft 2.16 writes it, which the first test holds."""
    commit = commit or template.git("rev-parse", "HEAD")
    answers = {
        "project": "Red Wine", "slug": "red-wine", "license": "MIT", "use_docs": False,
        "_copy_without_render": ["*.j2"], "ci": {"github": {"on": True}},
        "_template": str(template.path), "_commit": commit,
    }  # fmt: skip
    document = {
        "template": str(template.path), "commit": commit, "checkout": None, "context": {"cookiecutter": answers},
        "directory": None,
    }  # fmt: skip
    return json.dumps({**document, **more}, indent=2) + "\n"


def made(top: Path, files: dict[str, str] = FILES, *, tagged: bool = True, **more: Any) -> Owner:
    """Ada with a repository as cruft made it."""
    template = Published(top / "template", files)
    if not tagged:
        template.git("tag", "--delete", "v1.0.0")
    owner = Owner(top / "red-wine", environment(top / "home"), template)
    owner.folder.mkdir()
    owner.git("init", "--quiet", "--initial-branch=main")
    owner.commit({**RENDERED, CRUFT_FILE: written(template, **more)}, "From cruft")
    return owner


def merged(owner: Owner, **more: Any) -> None:
    owner.adopt(**more)
    owner.git("merge", "--quiet", ADOPTED)


def test_what_the_other_tests_are_tried_with_is_what_cruft_makes(tmp_path):
    owner = made(tmp_path, skip=["data"])
    words = [sys.executable, "-m", "cruft", "create", str(owner.template.path), "--no-input", "--output-dir", "real"]
    words += ["--extra-context", '{"project": "Red Wine"}', "--skip", "data"]
    subprocess.run(words, cwd=tmp_path, env=owner.environ, check=True, capture_output=True)
    real = tmp_path / "real" / "red-wine"
    found = {path.relative_to(real).as_posix(): path.read_text() for path in real.rglob("*") if path.is_file()}
    assert json.loads(found.pop(CRUFT_FILE)) == json.loads((owner.folder / CRUFT_FILE).read_text())
    assert found == RENDERED


def test_cruft_finds_nothing_to_do_in_what_an_update_made_of_its_repository(tmp_path):
    """What mlopsgen renders at a version is what cruft renders at it: cruft itself says so."""
    owner = made(tmp_path)
    cruft = owner.at("main")[CRUFT_FILE]
    merged(owner)
    owner.template.release("v1.1.0", {f"{TOP}/src/model.py": f"{MODULE}e = 5\n"}, "Newer")
    owner.sync()
    owner.git("merge", "--quiet", "mlopsgen/sync-main")
    owner.commit(
        {
            CRUFT_FILE: cruft.replace(
                owner.template.git("rev-parse", "v1.0.0"), owner.template.git("rev-parse", "v1.1.0")
            )
        }
    )
    done = subprocess.run(
        [sys.executable, "-m", "cruft", "diff", "--exit-code"],
        cwd=owner.folder,
        env=owner.environ,
        check=False,
        capture_output=True,
    )
    assert (done.returncode, done.stdout) == (0, b""), done.stdout + done.stderr


def test_its_file_becomes_the_record_and_nothing_else_changes(tmp_path):
    owner = made(tmp_path, skip=["data", "./notes"])
    owner.commit({"pyproject.toml": '[tool.cruft]\nskip = ["docs/*.md"]\n', "src/model.py": f"{MODULE}mine\n"})
    before = owner.state()
    result = owner.adopt()
    assert owner.state() == before
    was, now = owner.at("main"), owner.at(ADOPTED)
    assert {name for name in {*was, *now} if was.get(name) != now.get(name)} == {CRUFT_FILE, RECORD}
    record = yaml.safe_load(now[RECORD])
    assert {key: value for key, value in record.items() if key not in ("_digest", "_src_path")} == {
        "_commit": "v1.0.0",
        "_engine": "cookiecutter",
        "project": "Red Wine",
        "slug": "red-wine",
        "license": "MIT",
        "use_docs": False,
        "ci": {"github": {"on": True}},
        "owned": ["/data", "/notes", "/docs/*.md"],
    }
    assert set(result.data["answers"]) == {"project", "slug", "license", "use_docs", "ci"}
    assert (result.data["made_by"], result.data["removed"]) == ("cruft", [CRUFT_FILE])
    assert (result.data["same"], result.data["apart"]) == (3, 1)


def test_updates_go_on_from_the_commit_and_merge_with_what_the_owner_wrote(tmp_path):
    owner = made(tmp_path, skip=["data"])
    owner.commit({"src/model.py": f"{MODULE}mine\n", "src/own.py": "own\n"})
    merged(owner)
    assert owner.sync().data["state"] == "current"
    newer = {
        f"{TOP}/src/model.py": MODULE.replace("a = 1", "a = 10"),
        f"{TOP}/data/sample.csv": "a\n2\n",
        f"{TOP}/added.md": "{{cookiecutter.slug}}\n",
    }
    owner.template.release("v1.1.0", newer, "Newer")
    owner.sync()
    files = owner.at("mlopsgen/sync-main")
    assert files["src/model.py"] == f"{MODULE}mine".replace("a = 1", "a = 10")
    assert (files["added.md"], files["data/sample.csv"], files["src/own.py"]) == ("red-wine", "a\n1", "own")
    assert yaml.safe_load(files[RECORD])["_commit"] == "v1.1.0"


def test_a_commit_between_two_versions_is_kept_and_no_update_goes_back_from_it(tmp_path):
    owner = made(tmp_path)
    owner.template.release("x", {f"{TOP}/src/model.py": f"{MODULE}e = 5\n"}, "After the version")
    owner.commit({CRUFT_FILE: written(owner.template), "src/model.py": f"{MODULE}e = 5\n"})
    merged(owner)
    version = yaml.safe_load(owner.at("main")[RECORD])["_commit"]
    assert version.startswith("v1.0.0-1-g")
    assert owner.sync().data["state"] == "current"
    owner.template.release("v1.1.0", {f"{TOP}/added.md": "new\n"}, "Newer")
    owner.sync()
    files = owner.at("mlopsgen/sync-main")
    assert (files["added.md"], files["src/model.py"]) == ("new", f"{MODULE}e = 5")


def test_a_template_without_any_version(tmp_path):
    owner = made(tmp_path, tagged=False)
    merged(owner)
    assert owner.sync().data["state"] == "current"
    owner.template.release("x", {f"{TOP}/added.md": "new\n"}, "Newer")
    owner.template.git("tag", "--delete", "x")
    owner.sync()
    assert owner.at("mlopsgen/sync-main")["added.md"] == "new"


def test_a_template_in_a_folder_of_its_repository(tmp_path):
    inside = {f"models/{name}": text for name, text in FILES.items()}
    owner = made(tmp_path, inside, directory="models")
    merged(owner)
    assert yaml.safe_load(owner.at("main")[RECORD])["_src_path"] == f"{owner.template.path}#models"


def test_what_still_calls_cruft_is_named(tmp_path):
    owner = made(tmp_path)
    owner.commit({".github/workflows/update.yml": "run: cruft update\n", "Makefile": "cruftless:\n", "a.md": "cruft\n"})
    (told,) = owner.adopt().data["warnings"]
    assert ".cruft.json goes, and .github/workflows/update.yml still" in told


def test_a_template_that_runs_code_needs_trust(tmp_path):
    owner = made(tmp_path, {**FILES, "hooks/post_gen_project.py": "print('hook')\n"})
    with pytest.raises(UnsafeTemplate, match=r"hooks/post_gen_project\.py"):
        owner.adopt(shelf=None)
    assert not owner.git("branch", "--list", ADOPTED)
    trust = Trust.of([str(owner.template.path)])
    result = owner.adopt(shelf=None, trust=trust)
    assert result.next_steps[-1].startswith(f"mlopsgen sync --branch main --trust {owner.template.path} ")


def test_a_commit_that_the_template_does_not_have(tmp_path):
    owner = made(tmp_path, commit="0123456789abcdef0123456789abcdef01234567")
    with pytest.raises(InvalidDocument, match=r"\.cruft\.json names 0123456789abc.*does not have") as caught:
        owner.adopt()
    assert "--template-version VERSION. Versions here: v1.0.0." in caught.value.hint


def test_a_folder_of_somebody_s_machine_is_not_opened_unless_it_is_named(tmp_path):
    owner = made(tmp_path)
    with pytest.raises(UsageError, match=r"its template is the folder"):
        owner.adopt(template="")
    assert "git branch development && git branch staging && git branch production   (if" in owner.adopt().next_steps[-2]


@pytest.mark.parametrize(
    ("text", "words", "where"),
    [
        ('{"template": "a",\n"commit": }', "is not valid JSON", f"{CRUFT_FILE}:2"),
        ("[1]", "names no template", f"{CRUFT_FILE}:1"),
        ('{"template": "a",\n "commit": ""}', "names no commit", f"{CRUFT_FILE}:2"),
        ('{"template": "a", "commit": "b",\n "context": {}}', "holds no 'context'", f"{CRUFT_FILE}:2"),
        ("[" * 99_999, "is not valid JSON", f"{CRUFT_FILE}:1"),
    ],
)
def test_a_spoilt_file_says_its_line(tmp_path, text, words, where):
    owner = made(tmp_path)
    owner.commit({CRUFT_FILE: text})
    with pytest.raises(InvalidDocument, match=words) as caught:
        owner.adopt()
    assert caught.value.where == where
    assert "--anew" in caught.value.hint


def test_several_projects_in_one_repository_are_refused(tmp_path):
    owner = made(tmp_path)
    owner.commit({f"second/{CRUFT_FILE}": written(owner.template)})
    with pytest.raises(UsageError, match=r"second is a folder of a repository"):
        owner.adopt(folder=owner.folder / "second")


def test_what_means_nothing_for_it_is_refused(tmp_path):
    owner = made(tmp_path)
    with pytest.raises(UsageError, match=r"others cannot be given now") as caught:
        owner.adopt(given=Given(answers={"project": "x"}, origin={"project": "--set project"}))
    assert (caught.value.where, "sync --set" in caught.value.hint) == ("--set project", True)
    with pytest.raises(UsageError, match=r"there is nothing that could conflict"):
        owner.adopt(conflicts=True)


def test_anew_leaves_its_file_and_says_so(tmp_path):
    owner = made(tmp_path)
    result = owner.adopt(anew=True)
    assert any(text.startswith(f"{CRUFT_FILE} stays") for text in result.data["warnings"])
    assert CRUFT_FILE in owner.at(ADOPTED)
