"""`mlopsgen runner`: registration by API, the refusals, what is listed and what is removed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlopsgen.errors import Interrupted, MissingAnswer, MlopsgenError, UsageError
from mlopsgen.operations import runner_script
from mlopsgen.operations.runner import AddRequest, RemoveRequest, RunnerRequest, add, list_runners, remove
from mlopsgen.remote import runners
from tests.github import FakeGitHub
from tests.github.repositories import Runner
from tests.hosted_toys import NAME, Hosted, make_model, set_up, silent
from tests.runner_toys import archive, run, told

PROGRAM = {
    "os": "linux",
    "architecture": "x64",
    "download_url": "https://github.example/actions-runner-linux-x64-2.999.0.tar.gz",
    "filename": "actions-runner-linux-x64-2.999.0.tar.gz",
    "sha256_checksum": "0" * 64,
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model"), ["--set", "production_runner=self-hosted,gpu"])


@pytest.fixture
def hosted(model: Path, tmp_path: Path) -> Iterator[Hosted]:
    with FakeGitHub() as github:
        github.world.downloads.append(dict(PROGRAM))
        yield set_up(github, model, tmp_path)
    # No secret outlives a test.
    for path in tmp_path.rglob(runner_script.TOKEN):
        path.unlink()


def request(hosted: Hosted, **more: object) -> AddRequest:
    base = AddRequest(
        surroundings=hosted.surroundings, credential=hosted.credential, branch="production", system="linux-x64"
    )
    return replace(base, **more)  # type: ignore[arg-type]


def test_it_writes_what_the_machine_needs_outside_the_repository(hosted: Hosted) -> None:
    result = add(request(hosted, ephemeral=True), silent)
    folder = Path(result.data["folder"])
    assert folder == hosted.here.parent / "heart-rate-runners" / "heart-rate-production"
    script = (folder / "start.sh").read_text(encoding="utf-8")
    assert f"repository_address={hosted.github.url}/{NAME}\n" in script
    assert "runner_labels=self-hosted,gpu\n" in script
    assert "ephemeral=yes\n" in script
    assert f"archive_sha256={'0' * 64}\n" in script
    token = (folder / runner_script.TOKEN).read_text(encoding="utf-8").strip()
    assert token
    assert token not in script + json.dumps(result.data) + result.summary + "".join(result.next_steps)
    assert (folder / runner_script.TOKEN).stat().st_mode & 0o777 == 0o600
    assert datetime.fromisoformat(result.data["token_expires"]) > datetime.now(UTC)
    assert hosted.git("status", "--porcelain") == ""


def test_from_the_command_to_a_runner_that_runs(hosted: Hosted) -> None:
    """The script that was written, started for real, with the program that GitHub names."""
    hosted.github.world.downloads.clear()
    hosted.github.add_download(PROGRAM["filename"], archive())
    done = hosted.run("runner", "add", "-b", "production", "--system", "linux-x64", "--output", "json")
    assert done.returncode == 0, done.stderr
    script = Path(json.loads(done.stdout)["data"]["script"])
    token = (script.parent / runner_script.TOKEN).read_text(encoding="utf-8").strip()
    started = run(script)
    assert started.returncode == 0, started.stderr
    said = told(script.parent)
    assert f"token {token}" in said
    assert f"argument {hosted.github.url}/{NAME}" in said
    assert said[-1] == "runs with token []"
    assert token not in (script.parent / "processes").read_text(encoding="utf-8")
    # What it was told on purpose, and whatever else ran on this machine meanwhile.
    for name in ("told", "processes"):
        (script.parent / name).unlink()


def test_run_again_it_brings_a_new_token(hosted: Hosted) -> None:
    folder = Path(add(request(hosted), silent).data["folder"])
    (folder / runner_script.TOKEN).unlink()
    add(request(hosted), silent)
    assert (folder / runner_script.TOKEN).is_file()


def test_one_that_is_registered_already_is_left_alone(hosted: Hosted) -> None:
    folder = Path(add(request(hosted), silent).data["folder"])
    (folder / runner_script.TOKEN).unlink()
    (folder / "runner").mkdir()
    (folder / "runner" / ".runner").touch()
    hosted.there.runners[7] = Runner(id=7, name="heart-rate-production", online=False)
    result = add(request(hosted), silent)
    assert "registered already and offline" in result.summary
    assert not (folder / runner_script.TOKEN).exists()
    # Somebody removed it on GitHub: what the folder remembers is worth nothing.
    hosted.there.runners.clear()
    add(request(hosted), silent)
    assert (folder / runner_script.TOKEN).is_file()


def test_a_name_that_is_at_work_elsewhere_is_not_taken(hosted: Hosted) -> None:
    hosted.there.runners[7] = Runner(id=7, name="heart-rate-production", online=True)
    with pytest.raises(MlopsgenError, match="is online already"):
        add(request(hosted), silent)


def test_a_public_repository_is_refused_unless_the_risk_is_accepted_by_name(hosted: Hosted) -> None:
    hosted.there.visibility = "public"
    for accepted in ("", "yes", "heart", "acme"):
        with pytest.raises(MlopsgenError, match="is public: anybody who opens a pull request") as refused:
            add(request(hosted, accepted_risk=accepted), silent)
        assert f"--accept-risk {NAME}" in refused.value.hint
    assert not (hosted.here.parent / "heart-rate-runners").exists()
    add(request(hosted, accepted_risk=NAME), silent)


def test_labels_of_githubs_own_machines_are_refused(hosted: Hosted) -> None:
    with pytest.raises(UsageError, match="a machine of GitHub's own") as refused:
        add(request(hosted, branch="development"), silent)
    assert "src/pipelines/development/config.yaml" in refused.value.hint
    result = add(request(hosted, branch="development", labels="self-hosted, cluster"), silent)
    assert result.data["runner"]["labels"] == ["self-hosted", "cluster"]


def test_the_configuration_says_the_labels(hosted: Hosted) -> None:
    path = hosted.here / "src" / "pipelines" / "development" / "config.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('runner: "ubuntu-24.04"', "runner: [self-hosted, big]"), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != text
    result = add(request(hosted, branch="development"), silent)
    assert result.data["runner"]["labels"] == ["self-hosted", "big"]


def test_a_folder_that_git_would_commit_is_refused(hosted: Hosted) -> None:
    with pytest.raises(UsageError, match="could be committed"):
        add(request(hosted, folder=hosted.here / "runner"), silent)
    (hosted.here / ".git" / "info" / "exclude").write_text("/runner/\n")
    add(request(hosted, folder=hosted.here / "runner"), silent)
    assert hosted.git("status", "--porcelain") == ""


@pytest.mark.parametrize("wrong", ["-x", "a b", "a/b", "x" * 65, "a;b"])
def test_names_that_github_does_not_know(hosted: Hosted, wrong: str) -> None:
    with pytest.raises(UsageError, match="cannot be a runner's name"):
        add(request(hosted, name=wrong), silent)


def test_a_system_without_a_program_or_a_program_without_a_checksum(hosted: Hosted) -> None:
    with pytest.raises(UsageError, match="no runner for 'plan9-mips'") as refused:
        add(request(hosted, system="plan9-mips"), silent)
    assert "linux-x64" in refused.value.hint
    del hosted.github.world.downloads[0]["sha256_checksum"]
    with pytest.raises(MlopsgenError, match="names no checksum"):
        add(request(hosted), silent)


def test_a_repository_that_is_not_there(hosted: Hosted) -> None:
    hosted.github.world.repositories.clear()
    plain = RunnerRequest(surroundings=hosted.surroundings, credential=hosted.credential)
    gone = RemoveRequest(surroundings=hosted.surroundings, credential=hosted.credential, runner="big")
    verbs = (lambda: add(request(hosted), silent), lambda: list_runners(plain, silent), lambda: remove(gone, silent))
    for verb in verbs:
        with pytest.raises(MlopsgenError, match="is not on") as refused:
            verb()
        assert "mlopsgen push" in refused.value.hint


def test_the_list_says_which_branches_have_nobody(hosted: Hosted) -> None:
    plain = RunnerRequest(surroundings=hosted.surroundings, credential=hosted.credential)
    result = list_runners(plain, silent)
    assert result.data["wanted"] == {"production": ["self-hosted", "gpu"]}
    assert result.data["without_runner"] == {"production": ["self-hosted", "gpu"]}
    hosted.there.runners = {
        7: Runner(id=7, name="small", labels=("self-hosted", "Linux", "X64")),
        8: Runner(id=8, name="asleep", labels=("self-hosted", "gpu"), online=False),
    }
    assert list_runners(plain, silent).data["without_runner"]
    hosted.there.runners[9] = Runner(id=9, name="big", labels=("self-hosted", "GPU", "Linux"), busy=True)
    result = list_runners(plain, silent)
    assert result.data["without_runner"] == {}
    assert [(found["name"], found["online"], found["busy"]) for found in result.data["runners"]] == [
        ("asleep", False, False),
        ("big", True, True),
        ("small", True, False),
    ]


def test_labels_of_workflow_files_count_as_well(hosted: Hosted) -> None:
    folder = hosted.here / ".github" / "workflows"
    for path in folder.iterdir():
        path.unlink()
    jobs = {
        "a": "ubuntu-24.04",
        "b": "[self-hosted, gpu]",
        "c": "{group: big, labels: [arm-farm]}",
        "d": "${{ inputs.runner }}",
    }
    text = "".join(f"  {name}:\n    runs-on: {labels}\n" for name, labels in jobs.items())
    (folder / "nightly.yml").write_text(f"on: push\njobs:\n{text}", encoding="utf-8")
    (folder / "broken.yml").write_text("jobs: [", encoding="utf-8")
    result = list_runners(RunnerRequest(surroundings=hosted.surroundings, credential=hosted.credential), silent)
    assert result.data["wanted"] == {"production": ["self-hosted", "gpu"], "nightly.yml: c": ["arm-farm"]}
    assert any(step.startswith("mlopsgen runner add --labels arm-farm  (") for step in result.next_steps)


def test_more_runners_than_one_page_holds(hosted: Hosted) -> None:
    hosted.there.runners = {number: Runner(id=number, name=f"r{number:03}") for number in range(1, 251)}
    found = list_runners(RunnerRequest(surroundings=hosted.surroundings, credential=hosted.credential), silent)
    assert len(found.data["runners"]) == 250


def removal(hosted: Hosted, which: str, **more: object) -> RemoveRequest:
    base = RemoveRequest(surroundings=hosted.surroundings, credential=hosted.credential, runner=which)
    return replace(base, **more)  # type: ignore[arg-type]


def test_removal_asks_and_removes_by_name_or_number(hosted: Hosted) -> None:
    hosted.there.runners = {
        7: Runner(id=7, name="8", labels=("a",)),
        8: Runner(id=8, name="gpu"),
        9: Runner(9, "busy", busy=True),
    }
    with pytest.raises(MissingAnswer):
        remove(removal(hosted, "gpu"), silent)
    with pytest.raises(Interrupted):
        remove(removal(hosted, "gpu", agree=lambda words: False), silent)
    with pytest.raises(MlopsgenError, match="at work"):
        remove(removal(hosted, "busy", agreed=True), silent)
    with pytest.raises(MlopsgenError, match="has no runner 'nobody'") as missing:
        remove(removal(hosted, "nobody", agreed=True), silent)
    assert "8, busy, gpu" in missing.value.hint
    assert set(hosted.there.runners) == {7, 8, 9}
    remove(removal(hosted, "8", agreed=True), silent)
    assert set(hosted.there.runners) == {8, 9}
    remove(removal(hosted, "8", agree=lambda words: "gpu" in words), silent)
    assert set(hosted.there.runners) == {9}


def test_the_command_line(hosted: Hosted) -> None:
    folder = hosted.here.parent / "machine"
    done = hosted.run("runner", "add", "-b", "production", "--folder", "../machine", "--system", "linux-x64")
    assert done.returncode == 0, done.stderr
    token = (folder / runner_script.TOKEN).read_text(encoding="utf-8").strip()
    assert token not in done.stdout + done.stderr
    assert hosted.token not in done.stdout + done.stderr
    listed = hosted.run("runner", "list")
    assert "production asks for self-hosted, gpu: no runner is online" in listed.stdout
    envelope = json.loads(hosted.run("runner", "remove", "nobody", "--output", "json").stdout)
    assert envelope["command"] == "runner remove"
    assert envelope["exit_code"] == 1


@pytest.mark.parametrize(
    ("labels", "hosted_by_github"),
    [
        (("ubuntu-24.04",), True),
        (("ubuntu-latest",), True),
        (("ubuntu-24.04-arm",), True),
        (("macos-15-xlarge",), True),
        (("windows-2025",), True),
        (("self-hosted",), False),
        (("ubuntu-24.04", "gpu"), False),
        (("ubuntu",), False),
        ((), False),
    ],
)
def test_which_labels_are_githubs_own(labels: tuple[str, ...], hosted_by_github: bool) -> None:
    assert runners.is_hosted(labels) is hosted_by_github
