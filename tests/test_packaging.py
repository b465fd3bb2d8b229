"""The built packages: the wheel carries the template with its versions and needs no network to make a repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import mlopsgen
from mlopsgen.adapters.copier_engine import CopierEngine
from mlopsgen.adapters.template_store import TemplateStore, write_bundle
from mlopsgen.answers import resolve
from mlopsgen.constants import BRANCHES
from mlopsgen.errors import MlopsgenError

ROOT = Path(__file__).resolve().parents[1]
NEWEST = f"v{mlopsgen.__version__}"


def build(source: Path, out: Path, *arguments: str) -> Path:
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), *arguments, str(source)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this project as it lies here, with an earlier release that the history remembers."""
    top = tmp_path_factory.mktemp("checkout") / "project"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, top / name)
    environ = {"PATH": os.environ["PATH"], "HOME": str(top)} | {
        f"GIT_{role}_{part}": "ada@example.org" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")
    }

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=top, env=environ, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    old = {path: path.read_text() for path in (top / "copier.yml", top / "template" / "pyproject.toml")}
    (top / "template" / "pyproject.toml").write_text("# an earlier release\n")
    (top / "secret-history.txt").write_text("not for the package")
    git("add", "--all")
    git("commit", "-q", "-m", "earlier")
    git("tag", "v0.0.9")
    git("tag", "v0.0.10-rc1")
    git("tag", "vacation")
    for path, text in old.items():
        path.write_text(text)
    (top / "secret-history.txt").unlink()
    (top / "CHANGELOG.md").write_text(
        "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Something for `people` #1.\n\n"
        "## [0.0.9] - 2026-01-01\n\nEarlier.\n"
    )
    git("add", "--all")
    git("commit", "-q", "-m", "now")
    return top


@pytest.fixture(scope="module")
def packages(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist of the checkout, and the wheel that was built from the sdist."""
    return build(checkout, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def installed(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content in a folder of its own, as a clean environment has it, with the entry point's code."""
    site = tmp_path_factory.mktemp("site packages")
    with zipfile.ZipFile(next(packages.glob("*.whl"))) as wheel:
        wheel.extractall(site)
    return site


def run_installed(site: Path, environ: dict[str, str], *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the installed package; sockets are refused in its process, whatever would open one."""
    refuse = (
        "import socket, sys\n"
        "def no(*a, **k): raise RuntimeError('the network was used')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = no\n"
        "import mlopsgen; assert 'site packages' in mlopsgen.__file__, mlopsgen.__file__\n"
        "from mlopsgen.cli.main import main\n"
        "raise SystemExit(main())"
    )
    # In a network namespace of its own where the machine allows that: then git has no network either.
    alone = ["unshare", "--net", "--map-root-user"]
    allowed = (
        shutil.which("unshare") and subprocess.run([*alone, "true"], capture_output=True, check=False).returncode == 0
    )
    return subprocess.run(
        [*(alone if allowed else []), sys.executable, "-c", refuse, *arguments],
        cwd=cwd, env={**environ, "PYTHONPATH": str(site)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_wheel_holds_the_package_and_nothing_of_the_project_besides(packages):
    with zipfile.ZipFile(next(packages.glob("*.whl"))) as wheel:
        names = wheel.namelist()
    assert {name.split("/")[0] for name in names} == {"mlopsgen", f"mlopsgen-{mlopsgen.__version__}.dist-info"}
    assert {"mlopsgen/template.bundle", "mlopsgen/py.typed", "mlopsgen/schemas/report.json"} <= set(names)
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_the_source_package_builds_the_same_wheel_without_git(packages, tmp_path):
    with tarfile.open(next(packages.glob("*.tar.gz"))) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.2 has none yet
        archive.extractall(tmp_path)
    source = next(path for path in tmp_path.iterdir() if path.is_dir())
    assert not (source / ".git").exists()
    assert (source / "copier.yml").is_file()
    assert (source / "mlopsgen" / "template.bundle").is_file()
    wheel = next(build(source, tmp_path / "dist", "--wheel").glob("*.whl"))
    with zipfile.ZipFile(wheel) as again, zipfile.ZipFile(next(packages.glob("*.whl"))) as first:
        assert again.read("mlopsgen/template.bundle") == first.read("mlopsgen/template.bundle")
        assert sorted(again.namelist()) == sorted(first.namelist())


def test_the_installed_package_makes_a_repository_without_network(installed, environ, tmp_path, git):
    done = run_installed(installed, environ, "init", "wine", "--defaults", "--output", "json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["data"]["template_version"] == NEWEST
    assert len({git("rev-parse", branch, cwd=tmp_path / "wine") for branch in BRANCHES}) == 1
    here = tmp_path / "here"
    subprocess.run(
        [sys.executable, "-m", "mlopsgen", "init", str(here), "--name", "wine", "--defaults"],
        cwd=tmp_path, env=environ, check=True, capture_output=True,
    )  # fmt: skip
    trees = [git("rev-parse", "HEAD^{tree}", cwd=folder) for folder in (here, tmp_path / "wine")]
    assert trees[0] == trees[1], "the package renders something else than the checkout"


def test_the_installed_package_makes_a_configuration_repository_with_its_history(installed, environ, tmp_path, git):
    done = run_installed(installed, environ, "config-repo", "create", "acme", "--name", "Acme", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    made = tmp_path / "acme"
    subjects = git("log", "--format=%s", cwd=made).splitlines()
    assert subjects[1:] == [f"mlopsgen's template {version}" for version in (NEWEST, "v0.0.9")]
    assert (made / ".github" / "workflows" / "check.yml").is_file()
    assert (made / "template" / "pyproject.toml").read_bytes() == (ROOT / "template" / "pyproject.toml").read_bytes()
    assert "secret-history" not in git("rev-list", "--all", "--objects", cwd=made)


def test_an_earlier_release_can_still_be_rendered(installed, environ, tmp_path):
    done = run_installed(
        installed, environ, "init", "old", "--defaults", "--template-version", "0.0.9", cwd=tmp_path
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "old" / "pyproject.toml").read_text() == "# an earlier release\n"
    assert "_commit: v0.0.9" in (tmp_path / "old" / ".copier-answers.yml").read_text()


def test_the_installed_package_updates_a_repository_of_an_earlier_release_without_network(
    installed, environ, tmp_path, git
):
    done = run_installed(
        installed, environ, "init", "old", "--defaults", "--template-version", "0.0.9", cwd=tmp_path
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    old = tmp_path / "old"
    for name, text in (("README.md", "Ours now.\n"), ("notes.txt", "not committed\n")):
        (old / name).write_text(text)
    git("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qam", "Ours", cwd=old)
    looked = run_installed(installed, environ, "sync", "--check", cwd=old)
    assert looked.returncode == 8, looked.stderr
    assert git("branch", "--format=%(refname:short)", cwd=old).split() == sorted(BRANCHES)
    done = run_installed(installed, environ, "sync", "--output", "json", cwd=old)
    assert done.returncode == 0, done.stdout + done.stderr
    data = json.loads(done.stdout)["data"]
    assert (data["from"], data["to"]) == ("v0.0.9", NEWEST)
    git("merge", "-q", "--ff-only", "mlopsgen/sync-development", cwd=old)
    assert (old / "pyproject.toml").read_bytes() == (ROOT / "template" / "pyproject.toml").read_bytes()
    assert (old / "README.md").read_text() == "Ours now.\n"
    assert (old / "notes.txt").read_text() == "not committed\n"
    assert f"_commit: {NEWEST}\n" in (old / ".copier-answers.yml").read_text()
    again = run_installed(installed, environ, "sync", "--check", cwd=old)
    assert again.returncode == 0, again.stderr


def test_an_unknown_release_is_refused_with_those_that_there_are(installed, environ, tmp_path):
    done = run_installed(
        installed, environ, "init", "x", "--defaults", "--template-version", "v7", cwd=tmp_path
    )  # fmt: skip
    assert done.returncode == 2
    assert f"v0.0.9, {NEWEST}" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_bundle_holds_releases_only_and_is_the_same_each_time(checkout, environ, tmp_path, git):
    bundles = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        bundles.append(write_bundle(checkout, tmp_path / name, environ))
    assert bundles[0].read_bytes() == bundles[1].read_bytes()
    git("clone", "-q", "--bare", str(bundles[0]), "clone.git")
    bare = tmp_path / "clone.git"
    assert git("tag", cwd=bare).split() == ["v0.0.9", NEWEST]
    assert git("rev-list", "--count", NEWEST, cwd=bare) == "2"
    parts = {"config-repository", "copier.yml", "sync.yaml", "template"}
    assert set(git("ls-tree", "--name-only", "v0.0.9", cwd=bare).split()) == parts
    assert "secret-history" not in git("rev-list", "--all", "--objects", cwd=bare)
    told = git("log", "-1", "--format=%B", NEWEST, cwd=bare).strip()
    assert told == f"mlopsgen template {NEWEST}\n\n### Added\n\n- Something for `people` #1."
    assert git("log", "-1", "--format=%B", "v0.0.9", cwd=bare).strip() == "mlopsgen template v0.0.9\n\nEarlier."
    package = tmp_path / "package"
    package.mkdir()
    shutil.copy(bundles[0], package)
    template = CopierEngine(TemplateStore(environ, package), environ)
    assert template.versions() == ("v0.0.9", NEWEST)
    assert template.changelog("v0.0.9", NEWEST) == ((NEWEST, "### Added\n\n- Something for `people` #1."),)
    assert template.changelog("v0.0.1", "v0.0.9") == (("v0.0.9", "Earlier."),)
    assert template.read("v0.0.9", "sync.yaml") == (ROOT / "sync.yaml").read_text()
    assert template.read(NEWEST, "secret-history.txt") is None


def test_copier_itself_updates_a_repository_from_one_release_to_the_next(checkout, environ, tmp_path, git):
    """What plain copier users get: our record, our questions, the public template repository (here: a clone)."""
    (tmp_path / "scratch").mkdir()
    bundle = write_bundle(checkout, tmp_path / "scratch", environ)
    git("clone", "-q", str(bundle), "public", "--branch", NEWEST)
    public = f"git+file://{tmp_path / 'public'}"
    package = tmp_path / "package"
    package.mkdir()
    shutil.copy(bundle, package)
    repository = tmp_path / "repository"
    repository.mkdir()
    CopierEngine(TemplateStore(environ, package), environ).render("v0.0.9", resolve({"slug": "wine"}), repository)
    record = repository / ".copier-answers.yml"
    record.write_text(record.read_text().replace("https://github.com/mlopsgen/mlopsgen", public))
    for arguments in (
        ("init", "-q"),
        ("add", "--all"),
        ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"),
    ):
        git(*arguments, cwd=repository)
    done = subprocess.run(
        [sys.executable, "-m", "copier", "update", "--defaults", "--quiet"],
        cwd=repository, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"_commit: {NEWEST}" in record.read_text()
    assert "slug: wine" in record.read_text()
    assert (repository / "pyproject.toml").read_bytes() == (ROOT / "template" / "pyproject.toml").read_bytes()


def test_a_source_without_git_and_bundle_is_refused(tmp_path, environ):
    with pytest.raises(MlopsgenError, match="no git checkout") as caught:
        write_bundle(tmp_path, tmp_path / "x", environ)
    assert caught.value.hint


def test_the_entry_point_is_the_command_line(packages):
    with zipfile.ZipFile(next(packages.glob("*.whl"))) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
        assert "mlopsgen = mlopsgen.__main__:main" in wheel.read(name).decode()
