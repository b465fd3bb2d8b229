"""What stands in a package for a cluster, and what never may."""

from __future__ import annotations

import base64
import bz2
import io
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import plain
import pytest
import yaml
from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes
from repositories import Repository
from support import World

from helpers import bootstrap
from helpers.code_archive import pack, slim

IMAGE = "registry.example/demo@sha256:" + "1" * 64


def documents(package: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    spec, *more = yaml.safe_load_all(package.read_text(encoding="utf-8"))
    return spec, more[0]["platforms"]["kubernetes"]["deploymentSpec"]["executors"] if more else {}


def commands(package: Path) -> dict[str, list[str]]:
    executors = documents(package)[0]["deploymentSpec"]["executors"]
    return {name.removeprefix("exec-"): executor["container"]["command"] for name, executor in executors.items()}


def unpacked_end(package: Path) -> dict[str, bytes]:
    """The files that the last step gets."""
    return files_of(base64.b64decode(commands(package)["finish-run"][4]))


def files_of(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(bz2.decompress(data))) as archive:
        members = {member.name: archive.extractfile(member) for member in archive.getmembers()}
    return {name: file.read() for name, file in members.items() if file is not None}


def unpacked(package: Path) -> dict[str, bytes]:
    """The files that the steps get."""
    found = commands(package)
    pieces = [name for name in sorted(found) if name.startswith("bring-code-")]
    data = b"".join(base64.b64decode(found[name][3]) for name in pieces)
    return files_of(data)


@pytest.fixture
def repository(world: World) -> Repository:
    return Repository(world)


def commit(root: Path) -> None:
    (root / ".gitignore").write_text("data/own.csv\n.env\nruns\n", encoding="utf-8")
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for arguments in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "all"]):
        subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


def test_the_same_files_give_the_same_bytes_wherever_they_lie(repository: Repository, tmp_path: Path) -> None:
    first = repository.package(PYTHONHASHSEED="1").read_bytes()
    copy = tmp_path / "elsewhere"
    shutil.copytree(repository.root, copy)
    for path in (copy / "src").rglob("*.py"):
        path.touch(mode=0o755)
    (copy / "src" / "steps" / "__pycache__").mkdir(exist_ok=True)
    (copy / "src" / "steps" / "__pycache__" / "x.pyc").write_bytes(b"x")
    repository.root = copy
    assert repository.package(PYTHONHASHSEED="2").read_bytes() == first


def test_what_git_ignores_stays_and_what_a_source_names_travels(repository: Repository) -> None:
    (repository.root / ".env").write_text("NOTHING=1\n", encoding="utf-8")
    (repository.root / "data" / "own.csv").write_text("a\n1\n", encoding="utf-8")
    (repository.root / "data" / "other.csv").write_text("a\n1\n", encoding="utf-8")
    repository.world.source("own", address="data/own.csv", target="a", task="regression")
    sources = repository.root / "data" / "sources.yaml"
    declared = yaml.safe_load(sources.read_text(encoding="utf-8"))
    declared["sources"]["sample"] = {"address": "data/sample/", "target": "progression", "task": "regression"}
    sources.write_text(yaml.safe_dump(declared), encoding="utf-8")
    commit(repository.root)
    files = unpacked(repository.package())
    assert {name for name in files if name.startswith("data/")} == {"data/sources.yaml", "data/sample/diabetes.csv"}
    assert "requirements-linux.txt" in files
    assert "src/steps/plain.py" in files
    assert "src/helpers/models.py" in files
    needless = ("command_line", "local_engine", "graph", "kubeflow_client", "report_html", "actions/mail")
    assert not [name for name in needless if f"src/helpers/{name}.py" in files]
    assert not [name for name in files if name.endswith((".pyc", ".jinja")) or "/." in name]


IMPORT = """
import importlib, pathlib, sys
root = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(root))
for path in sorted((root / "helpers").rglob("*.py")):
    importlib.import_module(".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"))
    assert all(str(root) in str(module.__file__) for name, module in sys.modules.items() if name.startswith("helpers."))
"""


def test_what_travels_needs_nothing_that_stays(repository: Repository, tmp_path: Path) -> None:
    package = repository.package()
    for name, files in (("steps", unpacked(package)), ("end", unpacked_end(package))):
        for file, content in files.items():
            target = tmp_path / name / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        program = [sys.executable, "-c", IMPORT, str(tmp_path / name / "src")]
        environ = {"PATH": "/usr/bin", "_KFP_RUNTIME": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
        done = subprocess.run(program, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
    assert not [name for name in unpacked_end(package) if name.startswith(("data/", "src/steps/"))]


def test_a_module_without_its_comments_is_the_same_program(repository: Repository) -> None:
    source = b'"""Words."""\n\n\nclass A:\n    """Words."""\n\n\ndef f(x: int) -> str:\n    """Words\n\n    more."""\n'
    source += b"    # why\n    return '# no comment'  # but this\n"
    shorter = slim(source)
    assert shorter.count(b"\n") == source.count(b"\n")
    assert b"Words" not in shorter
    assert b"why" not in shorter
    found: dict[str, Any] = {}
    exec(compile(shorter, "x", "exec"), found)
    assert found["f"](1) == "# no comment"
    assert found["f"].__code__.co_firstlineno == 8


def test_nothing_of_the_hour_or_the_machine_is_in_an_archive() -> None:
    assert pack({"b": b"2", "a": b"1"}) == pack({"a": b"1", "b": b"2"})
    with tarfile.open(fileobj=io.BytesIO(bz2.decompress(pack({"a": b"1"})))) as archive:
        (member,) = archive.getmembers()
    assert (member.mtime, member.uid, member.uname, member.mode) == (0, 0, "", 0o644)


def test_a_secret_of_the_environment_never_gets_in(repository: Repository) -> None:
    secret = "c2VjcmV0-of-the-test"
    (repository.root / "src" / "steps" / "leak.py").write_text(f"KEY = '{secret}'\n", encoding="utf-8")
    done = repository.compile(MLFLOW_TRACKING_PASSWORD=secret)
    assert done.returncode == 2
    assert "src/steps/leak.py: The value of the variable MLFLOW_TRACKING_PASSWORD stands in it" in done.stderr
    assert secret not in done.stderr + done.stdout
    assert not (repository.root / "package.yaml").exists()
    address = f"https://ada:{secret}@mlflow.example"
    (repository.root / "src" / "steps" / "leak.py").unlink()
    assert secret not in repository.package(MLFLOW_TRACKING_URI=address).read_text(encoding="utf-8")


def test_what_is_too_large_is_named_with_what_to_do(repository: Repository) -> None:
    noise = "".join(f"{value:08x}\n" for value in _numbers(200_000))
    repository.world.data(noise, name="data/large.csv", target="a", task="regression")
    done = repository.compile()
    assert done.returncode == 2
    assert "a cluster takes 1,000,000. The largest files in it, packed: data/large.csv" in done.stderr
    assert "set registry: in config.yaml" in done.stderr
    assert not (repository.root / "package.yaml").exists()


def _numbers(count: int) -> list[int]:
    """Numbers that cannot be packed, the same each time."""
    made, value = [], 1
    for _ in range(count):
        value = (value * 1664525 + 1013904223) % 2**32
        made.append(value)
    return made


def test_no_step_is_larger_than_one_argument_may_be(repository: Repository) -> None:
    noise = "".join(f"{value:08x}\n" for value in _numbers(25_000))
    repository.world.data(noise, name="data/more.csv", target="a", task="regression")
    package = repository.package()
    executors = documents(package)[0]["deploymentSpec"]["executors"]
    assert sum(name.startswith("exec-bring-code-") for name in executors) >= 2
    assert max(len(json.dumps(executor)) for executor in executors.values()) <= bootstrap.LARGEST_STEP
    assert unpacked(package)["data/more.csv"].decode() == noise


def test_a_step_whose_earlier_result_may_count_gets_nothing_that_differs_from_run_to_run(
    repository: Repository,
) -> None:
    repository.pipeline(plain.uses("split_data"), plain.uses("split_data", ", cache: true"))
    tasks = documents(repository.package())[0]["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    assert tasks["split-data"]["cachingOptions"] == tasks["bring-code-1"]["cachingOptions"] == {"enableCache": True}
    inputs = tasks["split-data"]["inputs"]
    assert set(inputs["parameters"]) == {"seed", "test_size"}
    assert {name.rstrip("0123456789") for name in inputs["artifacts"]} == {"valid", "mlopsgen_code_"}
    assert "begin-run" in tasks["split-data"]["dependentTasks"]
    assert tasks["train-model"]["cachingOptions"] == {}
    assert "mlopsgen_context" in tasks["train-model"]["inputs"]["parameters"]


def test_the_image_stands_for_the_code_where_there_is_one(repository: Repository) -> None:
    spec, _ = documents(repository.package("--image", IMAGE))
    executors = spec["deploymentSpec"]["executors"]
    assert {executor["container"]["image"] for executor in executors.values()} == {IMAGE}
    assert not [name for name in executors if "bring-code" in name]
    assert len((repository.root / "package.yaml").read_bytes()) < 60_000
    repository.configure(registry="registry.example/demo")
    done = repository.compile()
    assert "no --image was given" in done.stdout
    tagged = repository.compile("--image", "registry.example/demo:latest")
    assert "without a digest" in tagged.stdout
    (repository.root / "package.yaml").unlink()
    lost = repository.compile("--image", "registry.example/demo@")
    assert (lost.returncode, (repository.root / "package.yaml").exists()) == (2, False)
    assert "names no digest after its @" in lost.stderr


SETTINGS = """, resources: {cpu: 2, memory: 4Gi, accelerator: {type: nvidia.com/gpu, count: 2}},
  node_selector: {disk: ssd},
  tolerations: [{key: gpu, operator: Exists, effect: NoSchedule}, {key: x, value: y, effect: NoExecute, seconds: 60}],
  spot: true, retry: {count: 3, wait: 30s, factor: 3, longest: 10m}, timeout: 2h, cache: true,
  env_from_secret: {feature-store: [STORE_TOKEN], mlflow: {extra: EXTRA}}"""


def test_everything_that_a_step_asks_for_is_in_the_package(repository: Repository) -> None:
    repository.configure(spot="gke", image_pull_secret="pull", ca_secret="authority/bundle.pem")
    repository.pipeline(plain.uses("pull_data"), plain.uses("pull_data", SETTINGS))
    spec, settings = documents(repository.package("--image", IMAGE))
    task = spec["components"]["comp-exit-handler-1"]["dag"]["tasks"]["pull-data"]
    assert task["cachingOptions"] == {"enableCache": True}
    assert task["retryPolicy"] == {
        "maxRetryCount": 3,
        "backoffDuration": "30s",
        "backoffFactor": 3.0,
        "backoffMaxDuration": "600s",
    }
    container = spec["deploymentSpec"]["executors"]["exec-pull-data"]["container"]
    assert container["resources"]["resourceCpuLimit"] == container["resources"]["resourceCpuRequest"] == "2"
    assert container["resources"]["resourceMemoryLimit"] == "4Gi"
    assert container["resources"]["accelerator"]["resourceType"] == "nvidia.com/gpu"
    assert container["resources"]["accelerator"]["resourceCount"] == "2"
    variables = {item["name"]: item["value"] for item in container["env"]}
    assert variables["REQUESTS_CA_BUNDLE"] == variables["SSL_CERT_FILE"] == "/etc/mlopsgen/certificates/bundle.pem"
    found = settings["exec-pull-data"]
    assert found["nodeSelector"] == {"labels": {"cloud.google.com/gke-spot": "true", "disk": "ssd"}}
    assert [item["key"] for item in found["tolerations"]] == ["cloud.google.com/gke-spot", "gpu", "x"]
    assert found["activeDeadlineSeconds"] == "7200"
    keys = {
        item["secretName"]: {pair["secretKey"]: pair["envVar"] for pair in item["keyToEnv"]}
        for item in found["secretAsEnv"]
    }
    assert keys == {
        "mlflow": {"address": "MLFLOW_TRACKING_URI", "password": "MLFLOW_TRACKING_PASSWORD", "extra": "EXTRA"},
        "feature-store": {"STORE_TOKEN": "STORE_TOKEN"},
    }
    for name in ("exec-begin-run", "exec-finish-run", "exec-train-model"):
        assert settings[name]["imagePullSecret"] == [{"secretName": "pull"}]
        assert settings[name]["secretAsVolume"] == [
            {"secretName": "authority", "mountPath": "/etc/mlopsgen/certificates"}
        ]
        assert [item["secretName"] for item in settings[name]["secretAsEnv"]] == ["mlflow"]
        assert "nodeSelector" not in settings[name]


def test_the_pods_of_all_steps_say_what_they_train(repository: Repository) -> None:
    commit(repository.root)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=repository.root, check=True, capture_output=True, text=True
    ).stdout.strip()
    _, settings = documents(repository.package("--image", IMAGE))
    found = {name: one["podMetadata"]["labels"] for name, one in settings.items()}
    assert {"exec-begin-run", "exec-train-model", "exec-finish-run"} <= set(found)
    for labels in found.values():
        assert labels == {"mlopsgen/project": "demo", "mlopsgen/branch": "development", "mlopsgen/commit": head}


def test_the_platform_settings_are_in_words_that_old_and_new_backends_know(repository: Repository) -> None:
    repository.configure(spot="aks", image_pull_secret="pull", ca_secret="authority")
    repository.pipeline(plain.uses("pull_data"), plain.uses("pull_data", SETTINGS))
    settings = documents(repository.package("--image", IMAGE))[1]
    for found in settings.values():
        json_format.ParseDict(found, kubernetes.KubernetesExecutorConfig())  # strict: an unknown key is an error
    text = json.dumps(settings)
    assert "optional" not in text
    assert "Parameter" not in text


def test_spot_nodes_that_nobody_described_are_asked_for(repository: Repository) -> None:
    repository.pipeline(plain.uses("pull_data"), plain.uses("pull_data", ", spot: true"))
    done = repository.compile()
    assert done.returncode == 2
    assert "wants spot nodes, and nothing says how this cluster marks them" in done.stderr


@pytest.mark.parametrize(("caching", "expected"), [(True, {"enableCache": True}), (False, {})])
def test_the_branch_may_decide_caching_for_all_steps(
    repository: Repository, caching: bool, expected: dict[str, bool]
) -> None:
    repository.configure(kubeflow={"caching": caching})
    spec = documents(repository.package("--image", IMAGE))[0]
    tasks = spec["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    assert tasks["train-model"]["cachingOptions"] == expected
    assert tasks["begin-run"]["cachingOptions"] == {}
    assert spec["root"]["dag"]["tasks"]["finish-run"]["cachingOptions"] == {}
