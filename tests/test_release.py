"""What stands between a commit and its release: each check says what is wrong; the packages are what they should be."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import yaml

import mlopsgen
from mlopsgen.adapters.changelog import UNRELEASED, sections
from tests.once import once
from tools import release_check, released_interface

packages = release_check.release_packages
ROOT = Path(__file__).resolve().parents[1]
TODAY = date(2026, 11, 21)
CHANGELOG = """# Changelog

## [Unreleased]

## [0.2.0] - 2026-11-21

### Added

- Something.

## [0.1.0] - 2026-10-01

### Fixed

- Something else.
"""


class Project:
    """A project that could be released: version 0.2.0 after v0.1.0."""

    def __init__(self, root: Path) -> None:
        self.root = root
        identity = {
            f"GIT_{role}_{part}": "ada@example.org" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")
        }
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1", **identity}
        root.mkdir()
        self.git("init", "--quiet", "--initial-branch", "main")
        self.write("mlopsgen/__init__.py", '__version__ = "0.1.0"\n')
        self.write("CHANGELOG.md", CHANGELOG)
        self.git("tag", "v0.1.0")
        self.write("tests/released/v0.1.0/defaults.yml", "slug: wine\n")
        self.write("tests/released/v0.1.0/interface.json", "{}\n")
        self.write("mlopsgen/__init__.py", '__version__ = "0.2.0"\n')

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.root, env=self.environ, check=True, capture_output=True)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", name)

    def changelog(self, old: str, new: str) -> None:
        self.write("CHANGELOG.md", CHANGELOG.replace(old, new))

    def check(self, tag: str | None = "v0.2.0") -> list[str]:
        release = release_check.open_release(self.root, tag)
        return [
            release_check.check_version(release),
            release_check.check_changelog(release, TODAY),
            release_check.check_records(release),
        ]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def test_a_release_and_its_rehearsal(project: Project) -> None:
    assert project.check(tag=None) == ["0.2.0, after v0.1.0", "3 lines of 0.2.0", "1 released versions"]
    project.git("tag", "--annotate", "v0.2.0", "--message", "mlopsgen 0.2.0")
    assert project.check() == project.check(tag=None)


def test_a_rehearsal_takes_what_is_not_released_yet(project: Project) -> None:
    project.changelog("## [0.2.0] - 2026-11-21\n\n", "")
    assert "3 lines of unreleased" in project.check(tag=None)
    project.git("tag", "v0.2.0")
    with pytest.raises(release_check.NotReady, match=r"CHANGELOG.md says nothing of 0\.2\.0"):
        project.check()


MISTAKES: dict[str, tuple[Callable[[Project], None], str]] = {
    "no version": (
        lambda it: it.write("mlopsgen/__init__.py", '__version__ = "0.2"\n'),
        "no version of the form 1.2.3",
    ),
    "another version": (
        lambda it: it.write("mlopsgen/__init__.py", '__version__ = "0.3.0"\n'),
        r"The tag is v0\.2\.0, and mlopsgen/__init__.py says 0\.3\.0",
    ),
    "older than what is out": (lambda it: it.git("tag", "v1.0.0"), r"v1\.0\.0 is released already and newer"),
    "no tag": (lambda it: it.git("tag", "--delete", "v0.2.0"), r"There is no tag v0\.2\.0 in this clone"),
    "a tag that moved on": (lambda it: it.write("x", "x"), r"v0\.2\.0 is released already, at another commit"),
    "no records": (
        lambda it: (it.git("rm", "-rq", "tests/released"), it.write("x", "")),  # type: ignore[func-returns-value]
        r"tests/released/v0\.1\.0/defaults\.yml is missing: .*released_records\.py v0\.1\.0",
    ),
    "no interface": (
        lambda it: (it.git("rm", "-q", "tests/released/v0.1.0/interface.json"), it.write("x", "")),  # type: ignore[func-returns-value]
        r"interface\.json is missing: .*released_interface\.py v0\.1\.0",
    ),
    "no place for what comes": (lambda it: it.changelog("## [Unreleased]\n\n", ""), r"begins with no section"),
    "something left behind": (
        lambda it: it.changelog("## [Unreleased]\n", "## [Unreleased]\n\n### Added\n\n- Late.\n"),
        r"what stands under Unreleased belongs to 0\.2\.0",
    ),
    "no day": (lambda it: it.changelog(" - 2026-11-21", ""), r"'## \[0\.2\.0\]' needs a version and its day"),
    "a day to come": (lambda it: it.changelog("2026-11-21", "2026-11-22"), r"2026-11-22, has not come yet"),
    "days in disorder": (lambda it: it.changelog("2026-10-01", "2026-11-22"), "do not stand newest first"),
    "versions in disorder": (lambda it: it.changelog("[0.1.0]", "[0.2.1]"), "do not stand newest first"),
    "a kind of change that there is not": (lambda it: it.changelog("### Added", "### News"), "'### News' begins with"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_said(project: Project, name: str) -> None:
    make, says = MISTAKES[name]
    project.git("tag", "v0.2.0")
    make(project)
    if name not in {"no tag", "a tag that moved on"}:
        project.git("tag", "--force", "v0.2.0")
    with pytest.raises(release_check.NotReady, match=says):
        project.check()


def test_the_changelog_of_this_project_is_one() -> None:
    """As it lies here, committed or not."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = sections(text)
    assert found[UNRELEASED] or found[f"v{mlopsgen.__version__}"], "what changed stands in CHANGELOG.md"
    days = re.findall(r"^## \[\d+\.\d+\.\d+\] - (\d{4}-\d\d-\d\d)$", text, re.MULTILINE)
    assert len(days) == text.count("\n## [") - 1
    assert days == sorted(days, reverse=True)
    kinds = {heading.split()[0] for heading in re.findall(r"^### (.+)$", text, re.MULTILINE)}
    assert kinds <= set(release_check.KINDS)


def test_one_number_stands_everywhere() -> None:
    assert release_check.VERSION.fullmatch(mlopsgen.__version__)
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == mlopsgen.__version__


@pytest.mark.parametrize("version", sorted(path.name for path in (ROOT / "tests" / "released").iterdir()))
def test_what_programs_rely_on_goes_away_only_with_a_word_in_the_changelog(version: str) -> None:
    released = json.loads((ROOT / "tests" / "released" / version / "interface.json").read_text(encoding="utf-8"))
    now, said = released_interface.interface(), told_as_gone(version)
    commands = {(name, word) for name, words in released["commands"].items() for word in ("", *words)}
    here = {(name, word) for name, words in now["commands"].items() for word in ("", *words)}
    gone = [word or name for name, word in commands - here]
    gone += [code for code, number in released["errors"].items() if now["errors"].get(code) != number]
    assert [word for word in gone if f"`{word}`" not in said] == [], "CHANGELOG.md says it under Changed or Removed"


def told_as_gone(version: str) -> str:
    """What the changelog says to be changed or removed after a version."""
    found = sections((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    later = [
        text
        for name, text in found.items()
        if name == UNRELEASED or release_check.order(name) > release_check.order(version)
    ]
    parts = re.findall(r"(?ms)^### (?:Changed|Removed).*?(?=^### |\Z)", "\n".join(later))
    return "".join(parts)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Both packages of the commit, built twice from clones."""

    def make(folder: Path) -> list[Path]:
        return release_check.build_twice(release_check.open_release(ROOT, None), folder)

    return once(tmp_path_factory, "release", make)


def test_the_packages_are_the_same_each_time_and_what_they_should_be(built: list[Path]) -> None:
    told = dict(packages.look_at(built, mlopsgen.__version__, []))
    assert set(told) == {"metadata", "content", "template"}


def test_what_differs_between_two_builds_is_named(tmp_path: Path) -> None:
    made = []
    for name in ("once", "again", "more"):
        (tmp_path / name).mkdir()
        made.append([tmp_path / name / "mlopsgen-0.2.0.tar.gz"])
        made[-1][0].write_text(name[0], encoding="utf-8")
    release_check.compare(made[0], made[0])
    with pytest.raises(release_check.NotReady, match=r"mlopsgen-0\.2\.0\.tar\.gz is another one each time"):
        release_check.compare(made[0], made[1])
    with pytest.raises(release_check.NotReady, match="gave different files"):
        release_check.compare(made[0], [])


def test_links_of_the_readme_are_whole_on_pypi(built: list[Path]) -> None:
    (wheel,) = [path for path in built if path.suffix == ".whl"]
    with zipfile.ZipFile(wheel) as archive:
        page = archive.read(f"mlopsgen-{mlopsgen.__version__}.dist-info/METADATA").decode()
    address = f"https://github.com/mlopsgen/mlopsgen/blob/v{mlopsgen.__version__}/"
    assert f"]({address}CONTRIBUTING.md)" in page or f"]({address}LICENSE)" in page


METADATA = """\
Metadata-Version: 2.4
Name: mlopsgen
Version: 0.2.0
Summary: Something.
License-Expression: Apache-2.0
Requires-Python: >=3.11
Project-URL: Repository, https://github.com/mlopsgen/mlopsgen
Description-Content-Type: text/markdown

# mlopsgen

[A page](https://example.org/docs) and [a place](#here).
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("Version: 0.2.0", "Version: 0.3.0", r"says version 0\.3\.0"),
        ("https://example.org/docs", "docs/index.md", r"'docs/index\.md' of README.md leads nowhere"),
        ("[A page]", '<img src="docs/picture.png">[A page]', r"'docs/picture\.png' of README.md leads nowhere"),
        ("text/markdown", "text/plain", "did not become the page"),
        ("Requires-Python: >=3.11\n", "", "no requires python"),
        ("Name: mlopsgen", "Name: ml ops", "name"),
    ],
)
def test_each_mistake_in_the_metadata_is_said(old: str, new: str, says: str) -> None:
    packages.check_metadata("it", METADATA.encode(), "0.2.0")
    with pytest.raises(packages.Wrong, match=says):
        packages.check_metadata("it", METADATA.replace(old, new).encode(), "0.2.0")


def test_what_does_not_belong_into_the_packages_is_said(tmp_path: Path, built: list[Path]) -> None:
    (good,) = [path for path in built if path.suffix == ".whl"]
    wheel = tmp_path / good.name
    wheel.write_bytes(good.read_bytes())
    with pytest.raises(packages.Wrong, match=r"bundle lacks v9\.9\.9"):
        packages.check_bundle(wheel, ["v9.9.9"])
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("tests/test_x.py", "")
    with pytest.raises(packages.Wrong, match=r"holds what is not the package: tests/test_x\.py"):
        packages.check_content(wheel)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("mlopsgen/__init__.py", "")
    with pytest.raises(packages.Wrong, match=r"lacks mlopsgen/template\.bundle.*LICENSE"):
        packages.check_content(wheel)
    with pytest.raises(packages.Wrong, match="one wheel and one sdist"):
        packages.look_at([wheel], mlopsgen.__version__, [])


def test_the_sdist_holds_what_a_build_needs_and_nothing_private(built: list[Path]) -> None:
    (sdist,) = [path for path in built if path.name.endswith(".tar.gz")]
    with tarfile.open(fileobj=io.BytesIO(sdist.read_bytes())) as archive:
        tops = {name.split("/")[1] for name in archive.getnames() if "/" in name}
        owners = {(member.uname, member.uid) for member in archive.getmembers()}
    assert owners == {("", 0)}
    assert not {"tests", ".git", "build", "videos", "demo"} & tops
    assert {"hatch_build.py", "mlopsgen", "template", "copier.yml", "LICENSE", "PKG-INFO"} <= tops
