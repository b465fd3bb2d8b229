"""The script that builds and pushes an image, run as GitHub runs it, with a docker that writes down what is asked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.canaries import canary
from tests.workflow_files import renderings

DOCKER = """#!/bin/sh
echo "$*" >> "$CALLS"
case "$1" in
  login) cat > "$CALLS.password" ;;
  build) test -n "$PYTHON_VERSION" ;;
  push) exit "${PUSH_FAILS:-0}" ;;
  image) echo "${5%:*}@sha256:0123" ;;
esac
"""
IMAGE = "registry.example.org:5000/team/model:0a1b2c"


def script() -> str:
    (rendering,) = [one for one in renderings() if one.name == "cluster"]
    steps = rendering.workflows["staging.yml"]["jobs"]["image"]["steps"]
    return str(next(step["run"] for step in steps if step.get("id") == "push"))


@pytest.fixture
def password() -> str:
    return canary("registry-password")


def push(folder: Path, password: str, **more: str) -> subprocess.CompletedProcess[str]:
    (folder / "bin").mkdir()
    docker = folder / "bin" / "docker"
    docker.write_text(DOCKER, encoding="utf-8")
    docker.chmod(0o755)
    environ = {
        "PATH": f"{docker.parent}:{os.environ['PATH']}",
        "CALLS": str(folder / "calls"),
        "GITHUB_OUTPUT": str(folder / "outputs"),
        "PYTHON_VERSION": "3.12",
        "IMAGE": IMAGE,
        "REGISTRY_USERNAME": "ada",
        "REGISTRY_PASSWORD": password,
    }
    shell = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script()]
    return subprocess.run(shell, cwd=folder, env=environ | more, capture_output=True, text=True, check=False)


def test_the_image_is_pushed_and_known_by_its_digest(tmp_path: Path, password: str) -> None:
    done = push(tmp_path, password)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "calls").read_text(encoding="utf-8").splitlines() == [
        "login registry.example.org:5000 --username ada --password-stdin",
        f"build --build-arg PYTHON_VERSION --tag {IMAGE} .",
        f"push {IMAGE}",
        f"image inspect --format {{{{index .RepoDigests 0}}}} {IMAGE}",
    ]
    assert (tmp_path / "calls.password").read_text(encoding="utf-8").strip() == password
    outputs = (tmp_path / "outputs").read_text(encoding="utf-8")
    assert outputs == "digest=sha256:0123\n"
    assert password not in done.stdout + done.stderr
    (tmp_path / "calls.password").unlink()


def test_what_cannot_be_pushed_is_not_trained_with(tmp_path: Path, password: str) -> None:
    done = push(tmp_path, password, PUSH_FAILS="1")
    assert done.returncode == 1
    assert not (tmp_path / "outputs").exists()
    (tmp_path / "calls.password").unlink()
