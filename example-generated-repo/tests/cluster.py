"""A cluster of one machine: follows a compiled package as Kubeflow does, and runs the bare commands of its steps.

It knows nothing of helpers: what a step gets is its container's command and variables, the Secrets that its platform
settings name, an empty working directory, and a Python.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

KINDS = {"NUMBER_INTEGER": int, "NUMBER_DOUBLE": float}


class FailedError(Exception):
    """A task failed."""


@dataclass
class Outputs:
    """What a task gave."""

    parameters: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, Any] = field(default_factory=dict)


@dataclass
class Cluster:
    """Runs one package.

    Attributes:
        package: The package.
        folder: Where its artifacts lie.
        environ: Variables that every image has.
        secrets: The Secrets of the cluster.
        broken: Steps that end without a word, as when their node is taken away.
    """

    package: Path
    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    run_id: str = "11111111-2222-3333-4444-555555555555"
    logs: dict[str, str] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        spec, *more = yaml.safe_load_all(self.package.read_text(encoding="utf-8"))
        self.spec: dict[str, Any] = spec
        platforms = more[0]["platforms"]["kubernetes"]["deploymentSpec"]["executors"] if more else {}
        self.platforms: dict[str, Any] = platforms

    def run(self, **parameters: Any) -> bool:
        """Runs it with values for its parameters; whether it succeeded."""
        declared = self.spec["root"].get("inputDefinitions", {}).get("parameters", {})
        assert set(parameters) <= set(declared), f"unknown parameters: {set(parameters) - set(declared)}"
        values = {name: parameters.get(name, about.get("defaultValue")) for name, about in declared.items()}
        try:
            self._dag(self.spec["root"], Outputs(values), "")
        except FailedError:
            return False
        return True

    def _dag(self, component: Mapping[str, Any], inputs: Outputs, path: str) -> Outputs:
        tasks = dict(component["dag"]["tasks"])
        given: dict[str, Outputs] = {}
        states: dict[str, str] = {}
        while len(states) < len(tasks):
            name = next(
                name
                for name, task in sorted(tasks.items())
                if name not in states and all(other in states for other in task.get("dependentTasks", []))
            )
            task = tasks[name]
            always = task.get("triggerPolicy", {}).get("strategy") == "ALL_UPSTREAM_TASKS_COMPLETED"
            before = {states[other] for other in task.get("dependentTasks", [])}
            if before & {"FAILED", "OMITTED"} and not always:
                states[name] = "OMITTED"
                continue
            taken = self._inputs(task, inputs, given, states)
            if not self._wanted(task, taken):
                states[name] = "SKIPPED"
                continue
            try:
                given[name] = self._task(name, task, taken, path)
                states[name] = "SUCCEEDED"
            except FailedError:
                states[name] = "FAILED"
        if "FAILED" in states.values():
            raise FailedError(path)
        return self._dag_outputs(component, given)

    @staticmethod
    def _dag_outputs(component: Mapping[str, Any], given: Mapping[str, Outputs]) -> Outputs:
        said = component["dag"].get("outputs", {}).get("parameters", {})
        selected = {name: about["valueFromParameter"] for name, about in said.items()}
        return Outputs(
            {
                name: given[one["producerSubtask"]].parameters[one["outputParameterKey"]]
                for name, one in selected.items()
            }
        )

    @staticmethod
    def _wanted(task: Mapping[str, Any], taken: Outputs) -> bool:
        condition = task.get("triggerPolicy", {}).get("condition", "")
        if not condition:
            return True
        match = re.fullmatch(r"inputs\.parameter_values\['(.+)'\] == true", condition)
        assert match, condition
        return taken.parameters[match[1]] is True

    def _inputs(
        self, task: Mapping[str, Any], inputs: Outputs, given: Mapping[str, Outputs], states: Mapping[str, str]
    ) -> Outputs:
        taken = Outputs()
        for name, about in task.get("inputs", {}).get("parameters", {}).items():
            if "runtimeValue" in about:
                value = about["runtimeValue"]["constant"]
                taken.parameters[name] = self.run_id if value == "{{$.pipeline_job_uuid}}" else value
            elif "componentInputParameter" in about:
                taken.parameters[name] = inputs.parameters[about["componentInputParameter"]]
            elif "taskFinalStatus" in about:
                state = states[about["taskFinalStatus"]["producerTask"]]
                taken.parameters[name] = {"state": state, "pipelineTaskName": "exit-handler-1", "error": {}}
            else:
                made = about["taskOutputParameter"]
                taken.parameters[name] = given[made["producerTask"]].parameters[made["outputParameterKey"]]
        for name, about in task.get("inputs", {}).get("artifacts", {}).items():
            if "componentInputArtifact" in about:
                taken.artifacts[name] = inputs.artifacts[about["componentInputArtifact"]]
            else:
                made = about["taskOutputArtifact"]
                taken.artifacts[name] = given[made["producerTask"]].artifacts[made["outputArtifactKey"]]
        return taken

    def _task(self, name: str, task: Mapping[str, Any], taken: Outputs, path: str) -> Outputs:
        component = self.spec["components"][task["componentRef"]["name"]]
        iterator = task.get("parameterIterator")
        if iterator is None:
            return self._component(component, taken, f"{path}/{name}")
        items = iterator["items"]
        values = json.loads(items["raw"]) if "raw" in items else taken.parameters[items["inputParameter"]]
        made = []
        for number, value in enumerate(values):
            one = Outputs({**taken.parameters, iterator["itemInput"]: value}, taken.artifacts)
            made.append(self._component(component, one, f"{path}/{name}-{number}"))
        names = made[0].parameters
        return Outputs({key: [one.parameters[key] for one in made] for key in names})

    def _component(self, component: Mapping[str, Any], taken: Outputs, path: str) -> Outputs:
        if "dag" in component:
            return self._dag(component, taken, path)
        declared = component.get("inputDefinitions", {}).get("parameters", {})
        defaults = {name: about["defaultValue"] for name, about in declared.items() if "defaultValue" in about}
        values = {**defaults, **taken.parameters}
        for name, about in declared.items():
            if name in values and about["parameterType"] in KINDS:
                values[name] = KINDS[about["parameterType"]](values[name])
        return self._execute(component["executorLabel"], component, Outputs(values, taken.artifacts), path.strip("/"))

    def _execute(self, label: str, component: Mapping[str, Any], taken: Outputs, path: str) -> Outputs:
        folder = self.folder / path
        folder.mkdir(parents=True)
        outputs = component.get("outputDefinitions", {})
        artifacts = {
            name: {"name": name, "type": about["artifactType"], "uri": str(folder / name), "metadata": {}}
            for name, about in outputs.get("artifacts", {}).items()
        }
        given = {
            "inputs": {
                "parameterValues": taken.parameters,
                "artifacts": {name: {"artifacts": [artifact]} for name, artifact in taken.artifacts.items()},
            },
            "outputs": {
                "artifacts": {name: {"artifacts": [artifact]} for name, artifact in artifacts.items()},
                "parameters": {name: {"outputFile": str(folder / name)} for name in outputs.get("parameters", {})},
                "outputFile": str(folder / "executor_output.json"),
            },
        }
        self.done.append(path)
        if path.rpartition("/")[2] in self.broken:
            raise FailedError(path)
        container = self.spec["deploymentSpec"]["executors"][label]["container"]
        command = [*container["command"], *container.get("args", [])]
        command = [json.dumps(given) if part == "{{$}}" else part for part in command]
        home = folder / "home"
        home.mkdir()
        ended = subprocess.run(
            command, env=self._environ(label, container, home), cwd=home, capture_output=True, text=True, check=False
        )
        self.logs[path] = ended.stdout + ended.stderr
        if ended.returncode:
            raise FailedError(path)
        told = folder / "executor_output.json"
        said = json.loads(told.read_text(encoding="utf-8")) if told.exists() else {}
        for name, listed in said.get("artifacts", {}).items():
            artifacts[name] = {**artifacts.get(name, {}), **listed["artifacts"][0]}
        return Outputs(said.get("parameterValues", {}), artifacts)

    def _environ(self, label: str, container: Mapping[str, Any], home: Path) -> dict[str, str]:
        environ = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(home), **self.environ}
        environ |= {item["name"]: item["value"] for item in container.get("env", [])}
        for secret in self.platforms.get(label, {}).get("secretAsEnv", []):
            for pair in secret["keyToEnv"]:
                environ[pair["envVar"]] = self.secrets[secret["secretName"]][pair["secretKey"]]
        return environ
