"""What steps ask of the machine: what is refused when it is read, and what one machine says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from toy import PIPELINE, Toy

from helpers.config import BranchConfig
from helpers.step_keys import Resources, Toleration, seconds_of, secret_variables
from helpers.targets import ignored_here, local_target, missing_here, package_target, platform_settings, timeouts_of


@pytest.mark.parametrize(("text", "seconds"), [(90, 90), ("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86400)])
def test_times_are_written_as_people_say_them(text: Any, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", [0, -1, True, 1.5, "", "soon", "0s", "2 weeks"])
def test_what_is_no_time_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="such as 90s, 15m, 2h or 1d"):
        seconds_of(text)


def test_secrets_are_named_in_two_ways_and_never_hold_values() -> None:
    assert secret_variables({"s3": ["KEY"], "db": {"password": "DB_PASSWORD"}}) == {
        "s3": {"KEY": "KEY"},
        "db": {"password": "DB_PASSWORD"},
    }
    with pytest.raises(ValueError, match="has to name an environment variable") as caught:
        secret_variables({"db": {"password": "p@ss w0rd"}})
    assert "p@ss" not in str(caught.value)
    with pytest.raises(ValueError, match="comes from 'a' and from 'b'"):
        secret_variables({"a": ["KEY"], "b": ["KEY"]})
    refused: list[Any] = [{"My_Secret": ["KEY"]}, {"a": []}, {"a": "KEY"}, ["KEY"], {"a": {"a key": "KEY"}}]
    for wrong in refused:
        with pytest.raises(ValueError, match=r"Secret|needs its keys"):
            secret_variables(wrong)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Resources, {"gpu": 1, "accelerator": {"count": 1}}),
        (Resources, {"cpu": "many"}),
        (Toleration, {"operator": "Exists", "key": "a", "value": "b"}),
        (Toleration, {}),
        (BranchConfig, {"version": 1, "ca_secret": "Not A Name"}),
        (BranchConfig, {"version": 1, "spot": "somewhere"}),
    ],
)
def test_what_contradicts_itself_is_refused(model: type[BaseModel], said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(said)


ASKS = (
    '"steps.toy:pull", cache: true, spot: true, timeout: 2h, retry: {count: 1, wait: 5s}, resources: {gpu: 1},'
    " node_selector: {a: b}, env_from_secret: {s3: [S3_KEY, S3_SECRET]}"
)


def test_one_machine_says_once_what_it_does_not_obey_and_what_is_not_set(tmp_path: Path) -> None:
    plan = Toy(tmp_path / "1", pipeline=PIPELINE.replace('"steps.toy:pull"', ASKS)).plan()
    said = ignored_here(plan)
    assert said.startswith("only a cluster obeys these, this machine does not: resources of pull-data; ")
    for key in ("node_selector", "spot", "cache", "the wait of retry"):
        assert f"{key} of pull-data" in said
    assert "timeout" not in said
    assert timeouts_of(plan)["pull-data"] == 7200
    assert missing_here(plan, {"S3_KEY": "x"}).endswith("(put them into .env): S3_SECRET (pull-data)")
    assert missing_here(plan, {"S3_KEY": "x", "S3_SECRET": "y"}) == ""
    plain = Toy(tmp_path / "2").plan()
    assert (ignored_here(plain), timeouts_of(plain), missing_here(plain, {})) == ("", {}, "")


def test_a_run_tells_it_before_the_first_step(tmp_path: Path) -> None:
    toy = Toy(tmp_path, pipeline=PIPELINE.replace('"steps.toy:pull"', ASKS))
    done = toy.main("run")
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert sum("only a cluster obeys these" in line for line in lines) == 1
    assert sum("put them into .env" in line for line in lines) == 1


def test_only_an_address_without_credentials_is_written_into_a_package(tmp_path: Path) -> None:
    from helpers.branch import load_branch

    branch = load_branch(Toy(tmp_path).root, "development")
    for address, expected in [
        ("https://mlflow.example/x", "https://mlflow.example/x"),
        ("https://ada:word@mlflow.example", None),
        ("sqlite:////tmp/a.db", None),
        ("", None),
    ]:
        made = package_target(branch, image="x", environ={"MLFLOW_TRACKING_URI": address})
        assert made.variables.get("MLFLOW_TRACKING_URI") == expected
    assert platform_settings(None, local_target(branch)) == {}


def test_the_same_variable_from_two_secrets_is_refused(tmp_path: Path) -> None:
    config = "version: 1\ncluster_secrets: {other: {key: S3_KEY}}\n"
    toy = Toy(tmp_path, pipeline=PIPELINE.replace('"steps.toy:pull"', ASKS.replace("spot: true, ", "")), config=config)
    done = toy.main("compile")
    assert done.returncode == 2
    assert "The variable 'S3_KEY' of the step 'pull-data' comes from the Secrets 'other' and 's3'" in done.stderr
