"""The versions of an organisation's template: tags, made once, never moved."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mlopsgen.adapters.template_store import TemplateStore
from mlopsgen.errors import ExitCode, MlopsgenError, PermissionDenied, UsageError
from mlopsgen.operations import config_release
from mlopsgen.result import OperationResult
from tests.canaries import canary
from tests.config_toys import DECIDED, Acme, environment, lean, write
from tests.github import FakeGitHub


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lean(tmp_path_factory.mktemp("config") / "mlops-config").path


@pytest.fixture
def acme(made: Path, tmp_path: Path) -> Acme:
    shutil.copytree(made, tmp_path / "mlops-config", symlinks=True)
    return Acme.of(tmp_path / "mlops-config", environment(tmp_path))


def release(acme: Acme, *, push: bool = False) -> OperationResult:
    request = config_release.ReleaseRequest(surroundings=acme.surroundings, push=push)
    return config_release.release(request, acme.events.append)


def tags(acme: Acme) -> dict[str, str]:
    lines = acme.git.read("for-each-ref", "--format=%(refname:strip=2) %(objectname)", "refs/tags").splitlines()
    return dict(line.split(" ") for line in lines)


def test_a_version_is_tagged_once_and_what_comes_later_waits_for_the_next(acme) -> None:
    head = acme.git.read("rev-parse", "HEAD")
    done = release(acme)
    assert (done.data["version"], done.data["commit"], done.data["created"]) == ("v1.0.0", head, True)
    assert tags(acme) == {"v1.0.0": head}
    again = release(acme)
    assert (again.data["created"], again.exit_code, again.summary) == (
        False,
        ExitCode.OK,
        "v1.0.0 is released already.",
    )
    acme.commit({"template/own.txt": "own\n"})
    later = release(acme)
    assert (later.data["created"], later.exit_code) == (False, ExitCode.OK)
    assert "waits for the next version" in later.summary
    assert tags(acme) == {"v1.0.0": head}


def test_what_is_not_sound_is_not_released(acme) -> None:
    acme.commit({"organisation.yaml": DECIDED.replace("private", "hidden")})
    done = release(acme)
    assert done.exit_code == ExitCode.FAILURE
    assert done.summary.startswith("v1.0.0 is not released: ")
    assert not tags(acme)


def test_only_what_is_committed_and_newer_is_released(acme) -> None:
    write(acme.path, {"template/own.txt": "own\n"})
    with pytest.raises(MlopsgenError, match="not committed"):
        release(acme)
    (acme.path / "template" / "own.txt").unlink()
    acme.git.run("tag", "v1.2.0")
    with pytest.raises(UsageError, match=r"v1\.0\.0 would be older than v1\.2\.0") as caught:
        release(acme)
    assert "above 1.2.0" in caught.value.hint
    acme.commit({"organisation.yaml": DECIDED.replace("release: 1.0.0\n", "")})
    with pytest.raises(UsageError, match="names no version"):
        release(acme)


def released(acme: Acme) -> str:
    """As a release leaves it, whose check is tried elsewhere."""
    head = acme.git.read("rev-parse", "HEAD")
    acme.git.run("tag", "v1.0.0")
    return head


def test_a_tag_goes_to_origin_and_is_never_moved_there(acme, tmp_path) -> None:
    origin = acme.git.at(tmp_path / "origin.git")
    origin.path.mkdir()
    origin.run("init", "--quiet", "--bare", "--template=")
    head = released(acme)
    with pytest.raises(MlopsgenError, match="no remote 'origin'"):
        release(acme, push=True)
    acme.git.run("remote", "add", "origin", str(origin.path))
    for _ in range(2):
        assert release(acme, push=True).data["pushed"]
        assert origin.commit_of("refs/tags/v1.0.0") == head
    acme.commit({"template/own.txt": "own\n"})
    acme.git.run("tag", "--force", "v1.0.0")
    with pytest.raises(MlopsgenError, match="for another commit") as caught:
        release(acme, push=True)
    assert "git tag -d v1.0.0" in caught.value.hint
    assert origin.commit_of("refs/tags/v1.0.0") == head


def test_on_github_the_token_of_the_environment_pushes_and_one_without_rights_is_told(acme) -> None:
    with FakeGitHub() as github:
        github.add_user("ada")
        github.add_org("acme", plan="enterprise", members={"ada": "admin"})
        with github.world.lock:
            repository = github.world.make_repository(github.world.account("acme"), "mlops-config", "private")
        acme.git.run("remote", "add", "origin", f"{github.url}/acme/mlops-config.git")
        head = released(acme)
        acme.environ["MLOPSGEN_GITHUB_TOKEN"] = canary("config-release-token")
        with pytest.raises(PermissionDenied) as caught:
            release(acme, push=True)
        assert "MLOPSGEN_GITHUB_TOKEN" in caught.value.hint
        assert canary("config-release-token") not in f"{caught.value.message}{caught.value.hint}"
        acme.environ["MLOPSGEN_GITHUB_TOKEN"] = github.add_token("ada", kind="classic", scopes=["repo"])
        with pytest.raises(PermissionDenied, match="workflow"):
            release(acme, push=True)
        acme.environ["MLOPSGEN_GITHUB_TOKEN"] = github.add_token("ada", kind="classic", scopes=["repo", "workflow"])
        assert release(acme, push=True).data["pushed"]
        assert repository.git("rev-parse", "refs/tags/v1.0.0") == head


def test_the_command_line_releases_and_init_makes_repositories_of_it(acme, mlopsgen, tmp_path) -> None:
    done = mlopsgen("config-repo", "release", str(acme.path), "--output", "json")
    assert json.loads(done.stdout)["data"]["created"], done.stdout + done.stderr
    acme.commit({"template/POLICY.md": "Ours.\n"})
    made = mlopsgen("init", "--template", str(acme.path), "--defaults", "--name", "Wine", "wine")
    assert made.returncode == ExitCode.OK, made.stderr
    assert not (tmp_path / "wine" / "POLICY.md").exists()  # of no version yet
    refused = mlopsgen("init", "--template", str(acme.path), "--defaults", "--set", "license=mit", "other")
    assert refused.returncode == ExitCode.USAGE
    assert "decided by Acme" in refused.stderr
    record = (tmp_path / "wine" / ".copier-answers.yml").read_text(encoding="utf-8")
    assert "_commit: v1.0.0\n" in record
    assert "owner: Acme\n" in record


def test_the_template_store_that_a_package_lacks_is_said(tmp_path) -> None:
    store = TemplateStore(environment(tmp_path), package=tmp_path / "nowhere")
    with pytest.raises(MlopsgenError, match="no history of its template"):
        store.bundle(tmp_path)
