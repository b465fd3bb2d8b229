"""What the Dockerfile says, done without Docker: the copies, the environment, and the commands that a cluster runs.

Only the base image and the installation are not repeated; instead this environment has to hold what the lock names, and
the commands get nothing of it but its interpreter.
"""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import plain
import pytest
import yaml
from packaging.markers import Marker
from support import CONTEXT, TEMPLATE, World

COMMANDS = re.sub(r"\\\n", " ", (TEMPLATE / "Dockerfile").read_text(encoding="utf-8"))
IGNORE = (TEMPLATE / ".dockerignore").read_text(encoding="utf-8").split()


def arguments(name: str) -> list[str]:
    """What follows each command of a name in the Dockerfile."""
    return re.findall(rf"(?m)^{name} +(.*)$", COMMANDS)


@pytest.fixture
def app(tmp_path: Path, world: World) -> Path:
    """The folder of the image, made by the COPY commands alone, with a configuration that needs no network."""
    folder = tmp_path / "app"
    folder.mkdir()
    kept = [pattern.removeprefix("!") for pattern in IGNORE if pattern.startswith("!")]
    for command in arguments("COPY"):
        source, target = command.split()
        assert source in kept, f".dockerignore hides {source}"
        if (TEMPLATE / source).is_dir():
            shutil.copytree(TEMPLATE / source, folder / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(TEMPLATE / source, folder / target)
    plain.write(folder)
    for path in ("src/pipelines/development/config.yaml", "data/sources.yaml"):
        shutil.copy(world.root / path, folder / path)
    return folder


def environ(app: Path) -> dict[str, str]:
    """The environment of the image: what ENV says, and where programs are."""
    said = dict(pair.split("=", 1) for command in arguments("ENV") for pair in shlex.split(command))
    (home,) = arguments("WORKDIR")
    moved = {name: value.replace(home, str(app)) for name, value in said.items()}
    return {**moved, "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}


def run(app: Path, command: list[str], **more: str) -> str:
    done = subprocess.run(
        command, cwd=app, env={**environ(app), **more}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_this_environment_holds_what_the_image_installs() -> None:
    assert "python -m pip install --no-cache-dir --no-deps --require-hashes -r requirements.txt" in arguments("RUN")
    lock = (TEMPLATE / "requirements.txt").read_text(encoding="utf-8")
    pins = re.findall(r"(?m)^([\w.-]+)==(\S+)(?: ; (.*?))? \\$", lock)
    wanted = {name: number for name, number, marker in pins if not marker or Marker(marker).evaluate()}
    assert "kfp" in wanted
    assert wanted == {name: version(name) for name in wanted}


def test_the_image_runs_as_nobody_special_and_shows_its_help(app: Path) -> None:
    assert arguments("USER") == ["trainer"]
    (command,) = arguments("CMD")
    assert "check" in run(app, json.loads(command))


def test_the_compiled_package_trains_in_the_image(app: Path, tmp_path: Path) -> None:
    out = tmp_path / "package.yaml"
    run(app, ["python", "-m", "pipelines.development.main", "compile", "--to", str(out)])
    executors = yaml.safe_load(out.read_text(encoding="utf-8"))["deploymentSpec"]["executors"]

    def step(name: str, values: dict[str, Any], inputs: dict[str, Any], *outputs: str) -> dict[str, Any]:
        """The command of a step as the cluster fills it in; what it wrote about its outputs comes back."""
        folder = tmp_path / name
        container = executors[f"exec-{name}"]["container"]
        kind = {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}
        given = {
            "inputs": {
                "parameterValues": values,
                "artifacts": {key: {"artifacts": [item]} for key, item in inputs.items()},
            },
            "outputs": {
                "artifacts": {
                    output: {"artifacts": [{"name": output, "type": kind, "uri": str(folder / output), "metadata": {}}]}
                    for output in outputs
                },
                "outputFile": str(folder / "out.json"),
            },
        }
        command = [*container["command"], *container["args"]]
        run(app, [json.dumps(given) if part == "{{$}}" else part for part in command])
        found = json.loads((folder / "out.json").read_text(encoding="utf-8"))["artifacts"]
        return {output: {**found[output]["artifacts"][0], "type": kind} for output in outputs}

    context = CONTEXT.to_json()
    pulled = step("pull-data", {"source": "sample", "context": context}, {}, "data")
    valid = step("validate-data", {"context": context}, pulled, "valid")
    parts = step("split-data", {"test_size": 0.2, "seed": 1}, valid, "train", "test")
    values = {"algorithm": "linear", "hyperparameters": {}, "class_weight": "auto", "seed": 1, "context": context}
    model = step("train-model", values, {"train": parts["train"]}, "model")
    assert (Path(model["model"]["uri"]) / "MLmodel").exists()


def test_nothing_but_what_is_listed_reaches_the_image() -> None:
    assert IGNORE[0] == "*"
    hidden = [".env", ".mlflow", ".git", "runs", ".venv"]
    kept = [pattern.removeprefix("!") for pattern in IGNORE if pattern.startswith("!")]
    assert not [name for name in hidden if any(fnmatch.fnmatch(name, pattern) for pattern in kept)]
