"""The compiled package: made without running a step, the same bytes every time, and runnable as a cluster would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from toy import PIPELINE, STEPS, TEMPLATE, Toy

CODE = """
from pathlib import Path

from kfp import dsl

from helpers.command_line import main


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def double(number: int) -> int:
    return 2 * number


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def save(number: int, page: dsl.Output[dsl.Artifact]) -> None:
    with open(page.path, "w") as file:
        file.write(str(number))


@dsl.pipeline(name="in-code")
def in_code(number: int = 4) -> None:
    task = double(number=number)
    with dsl.If(task.output > 5):
        save(number=task.output)


if __name__ == "__main__":
    raise SystemExit(main(Path(__file__), pipelines=[in_code]))
"""


def compile_with(toy: Toy, *arguments: str, **environ: str) -> Path:
    done = toy.main("compile", "--to", "package.yaml", *arguments, environ=environ)
    assert done.returncode == 0, done.stderr
    return toy.root / "package.yaml"


def test_a_package_is_the_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    toy = Toy(tmp_path)
    made = {compile_with(toy, PYTHONHASHSEED=seed).read_bytes() for seed in ("0", "1", "2")}
    assert len(made) == 1


def test_compiling_imports_no_step(tmp_path: Path) -> None:
    toy = Toy(tmp_path, steps=STEPS + '\nraise RuntimeError("a step was imported")\n')
    (tmp_path / "src" / "steps" / "__init__.py").write_text("raise RuntimeError\n", encoding="utf-8")
    assert compile_with(toy).is_file()


def test_compiling_leaves_the_client_for_clusters_out_and_it_can_still_be_imported() -> None:
    program = (
        "import sys, helpers.graph, kfp\n"
        "assert not {'kubernetes', 'kfp.client', 'mlflow', 'sklearn'} & set(sys.modules), sorted(sys.modules)\n"
        "from kfp.client import Client\n"
        "assert Client.__module__.startswith('kfp.client')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(TEMPLATE / "src")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_package_holds_two_lines_of_each_step_and_installs_nothing(tmp_path: Path) -> None:
    package = yaml.safe_load(compile_with(Toy(tmp_path)).read_text(encoding="utf-8"))
    executors = package["deploymentSpec"]["executors"]
    assert set(executors) == {"exec-pull-data", "exec-clean-data", "exec-decide", "exec-publish"}
    for executor in executors.values():
        container = executor["container"]
        assert "pip" not in " ".join(container["command"])
        body = container["command"][3].split("def ")[1].strip().splitlines()[1:]
        assert len(body) == 2
        assert container["image"] == "python:3.11"
    conditions = [
        task["triggerPolicy"]["condition"]
        for task in package["root"]["dag"]["tasks"].values()
        if "triggerPolicy" in task
    ]
    assert conditions == ["inputs.parameter_values['pipelinechannel--decide-Output'] == true"]


def test_the_texts_settings_are_in_the_package(tmp_path: Path) -> None:
    pipeline = PIPELINE.replace(
        '"steps.toy:pull"', '"steps.toy:pull", cache: true, retry: 2, resources: {cpu: 1, memory: 2G, gpu: 1}'
    )
    toy = Toy(
        tmp_path, pipeline=pipeline, config="version: 1\nimage: registry.example/toy@sha256:1\nparameters: {rows: 9}\n"
    )
    package = yaml.safe_load(compile_with(toy).read_text(encoding="utf-8"))
    tasks = package["root"]["dag"]["tasks"]
    assert tasks["pull-data"]["cachingOptions"] == {"enableCache": True}
    assert tasks["clean-data"]["cachingOptions"] == {}
    assert tasks["pull-data"]["retryPolicy"]["maxRetryCount"] == 2
    container = package["deploymentSpec"]["executors"]["exec-pull-data"]["container"]
    assert container["image"] == "registry.example/toy@sha256:1"
    assert container["resources"]["resourceMemoryLimit"] == "2G"
    parameters = package["root"]["inputDefinitions"]["parameters"]
    assert parameters["rows"]["defaultValue"] == 9
    assert parameters["context"] == {"parameterType": "STRING"}


def test_one_of_several_pipelines_is_compiled_by_name(tmp_path: Path) -> None:
    second = '  nightly:\n    parameters: {rows: 1}\n    steps: [{id: pull-data, uses: "steps.toy:pull"}]\n'
    toy = Toy(tmp_path, pipeline=PIPELINE + second)
    refused = toy.main("compile")
    assert refused.returncode == 2
    assert "--pipeline NAME" in refused.stderr
    package = yaml.safe_load(compile_with(toy, "--pipeline", "nightly").read_text(encoding="utf-8"))
    assert package["pipelineInfo"]["name"] == "toy-nightly"


def test_a_branch_may_define_its_pipeline_in_code(tmp_path: Path) -> None:
    toy = Toy(tmp_path)
    (tmp_path / "src" / "pipelines" / "production" / "main.py").write_text(CODE, encoding="utf-8")
    done = toy.main("compile", "--to", "p.yaml", "--output", "json", branch="production")
    assert json.loads(done.stdout)["data"]["pipeline"] == "in-code"
    assert yaml.safe_load((tmp_path / "p.yaml").read_text(encoding="utf-8"))["pipelineInfo"]["name"] == "in-code"


@pytest.mark.parametrize(
    "use",
    ["with dsl.If(task.outputs['more'] > 5):", "with dsl.ParallelFor(task.outputs['more']):"],
)
def test_a_condition_or_loop_that_kfp_would_skip_in_silence_is_refused(tmp_path: Path, use: str) -> None:
    toy = Toy(tmp_path)
    kind = "int" if "If" in use else "list"
    code = (
        CODE.replace("def double(number: int)", f"def double(number: int, more: dsl.OutputPath({kind}))")
        .replace("with dsl.If(task.output > 5):", use)
        .replace("task.output)", "task.outputs['Output'])")
    )
    (tmp_path / "src" / "pipelines" / "production" / "main.py").write_text(code, encoding="utf-8")
    done = toy.main("compile", branch="production")
    assert done.returncode == 2, done.stderr
    assert "reads the output 'more' of 'double'" in done.stderr


def test_the_package_runs_as_a_cluster_would_run_it(tmp_path: Path) -> None:
    """The container's command with nothing but what the image has: a Python, and PYTHONPATH set to the sources."""
    toy = Toy(tmp_path / "with space")
    package = yaml.safe_load(compile_with(toy).read_text(encoding="utf-8"))
    environ = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": f"{toy.root / 'src'}:{TEMPLATE / 'src'}",
    }

    def run(task: str, inputs: dict[str, Any], outputs: dict[str, Any]) -> dict[str, Any]:
        container = package["deploymentSpec"]["executors"][f"exec-{task}"]["container"]
        given = {"inputs": inputs, "outputs": {**outputs, "outputFile": str(tmp_path / task / "out.json")}}
        command = [*container["command"], *container["args"]]
        command = [json.dumps(given) if part == "{{$}}" else part for part in command]
        subprocess.run(command, env=environ, cwd=tmp_path, check=True, capture_output=True, timeout=60)
        result: dict[str, Any] = json.loads((tmp_path / task / "out.json").read_text(encoding="utf-8"))
        return result

    def files(**paths: Path) -> dict[str, Any]:
        kind = {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}
        return {
            name: {"artifacts": [{"name": name, "type": kind, "uri": str(path), "metadata": {}}]}
            for name, path in paths.items()
        }

    data, valid = tmp_path / "data", tmp_path / "valid"
    pulled = run("pull-data", {"parameterValues": {"rows": 4, "context": "{}"}}, {"artifacts": files(data=data)})
    assert pulled["artifacts"]["data"]["artifacts"][0]["metadata"] == {"rows": 4}
    run("clean-data", {"artifacts": files(data=data)}, {"artifacts": files(valid=valid)})
    assert valid.read_text(encoding="utf-8") == "XXXX"
    output = {"parameters": {"Output": {"outputFile": str(tmp_path / "decision")}}}
    assert run("decide", {"artifacts": files(valid=valid)}, output)["parameterValues"] == {"Output": True}
