"""A served model keeps the output contract. Runs against any address, or against a server that it starts itself.

``MODEL_URL=http://host:port`` names a deployed model; ``MODEL_TOKEN`` is sent as a bearer token. ``MODEL_URI`` is the
same model in MLflow, for example ``models:/diabetes-training@champion-production``, or a folder: it tells which columns
to send. Without ``MODEL_URL`` a real ``mlflow models serve`` is started: of ``MODEL_URI``, or of a model that is
trained here on the sample.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
import requests
import yaml
from support import SAMPLE

from helpers import models
from helpers.sources import Source
from helpers.table import prepare

START_SECONDS = 120


@dataclass
class Served:
    """A model that answers over HTTP, and what is known about it."""

    url: str
    description: dict[str, Any]
    example: dict[str, Any]

    @property
    def labels(self) -> list[str]:
        return list(self.description["metadata"]["labels"])

    @property
    def rows(self) -> list[list[Any]]:
        return list(self.example["dataframe_split"]["data"])

    @property
    def columns(self) -> list[str]:
        return list(self.example["dataframe_split"]["columns"])

    def post(self, columns: list[str], rows: list[list[Any]]) -> requests.Response:
        token = os.environ.get("MODEL_TOKEN", "")
        return requests.post(
            f"{self.url}/invocations",
            json={"dataframe_split": {"columns": columns, "data": rows}},
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=60,
        )

    def predict(self, columns: list[str], rows: list[list[Any]]) -> pd.DataFrame:
        answer = self.post(columns, rows)
        assert answer.status_code == 200, answer.text
        return pd.DataFrame(answer.json()["predictions"])


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model as files: what MODEL_URI names, or one that is trained on the sample."""
    folder = tmp_path_factory.mktemp("served")
    uri = os.environ.get("MODEL_URI", "")
    if uri:
        return Path(uri) if Path(uri).is_dir() else Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(folder)))
    assert "MODEL_URL" not in os.environ, "Set MODEL_URI too: it tells which columns the model at MODEL_URL takes."
    source = Source(address=str(SAMPLE), target="progression", task="regression", columns={"sex": "categorical"})
    table = prepare(SAMPLE, source, name="sample", address=str(SAMPLE), fingerprint="sha256:0")
    features = table.frame[list(table.kinds)]
    trained = models.train(features, table.frame[table.target], table.kinds, table.task, algorithm="linear")
    models.save(
        folder / "model",
        trained,
        example=models.example_rows(features),
        kinds=table.kinds,
        task=table.task,
        target=table.target,
        labels=table.labels,
        metadata={},
    )
    return folder / "model"


@pytest.fixture(scope="module")
def served(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    description = yaml.safe_load((model_folder / "MLmodel").read_text(encoding="utf-8"))
    example = json.loads((model_folder / "serving_input_example.json").read_text(encoding="utf-8"))
    url = os.environ.get("MODEL_URL", "").rstrip("/")
    if url:
        yield Served(url, description, example)
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("log") / "server.txt"
    command = ["-m", "mlflow", "models", "serve", "--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, *command, "--model-uri", str(model_folder)],
            stdout=output,
            stderr=output,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"},
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(server, url, log)
        yield Served(url, description, example)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def wait_until_ready(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text(encoding="utf-8", errors="replace")
        try:
            if requests.get(f"{url}/ping", timeout=5).status_code == 200:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError(f"The server did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")


def test_the_example_gets_a_prediction_for_each_row_with_scores_behind_labels(served: Served) -> None:
    answer = served.predict(served.columns, served.rows)
    assert served.description["metadata"]["contract"] == models.CONTRACT_VERSION
    assert list(answer.columns) == ["prediction", *(f"score_{label}" for label in served.labels)]
    assert len(answer) == len(served.rows)
    if served.labels:
        scores = answer.drop(columns="prediction")
        assert ((scores >= 0) & (scores <= 1)).all(axis=None)
        assert scores.sum(axis=1).to_list() == pytest.approx([1.0] * len(scores))
        best = [served.labels[index] for index in scores.to_numpy().argmax(axis=1)]
        assert [str(value).lower() for value in answer["prediction"]] == [label.lower() for label in best]
    else:
        assert pd.api.types.is_numeric_dtype(answer["prediction"])


def test_a_row_alone_gets_the_same_prediction_and_columns_come_in_any_order(served: Served) -> None:
    together = served.predict(served.columns, served.rows)
    for index, row in enumerate(served.rows):
        alone = served.predict(served.columns[::-1], [row[::-1]])
        assert alone.iloc[0].to_dict() == pytest.approx(together.iloc[index].to_dict())


def test_missing_values_and_unknown_categories_are_no_error(served: Served) -> None:
    kinds = {column["name"]: column["type"] for column in json.loads(served.description["signature"]["inputs"])}
    row = dict(zip(served.columns, served.rows[0], strict=True))
    empty = {name: value if kinds[name] == "boolean" else None for name, value in row.items()}
    strange = {name: "never seen" if kinds[name] == "string" else value for name, value in row.items()}
    answer = served.predict(served.columns, [list(empty.values()), list(strange.values())])
    assert len(answer) == 2
    assert answer.notna().all(axis=None)


def test_a_missing_column_is_the_clients_mistake_and_named(served: Served) -> None:
    answer = served.post(served.columns[1:], [row[1:] for row in served.rows])
    assert answer.status_code == 400
    assert served.columns[0] in answer.text
