"""Asks the generated repository's code about data sources: a line of questions in, a line of answers out, as JSON.

Runs in the environment of the generated repository; :func:`tests.servers.asking.ask` starts it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from helpers.data.checking import look
from helpers.data.places import place_of
from helpers.data.watching import compare
from helpers.errors import RepositoryError
from helpers.records import DataRecord
from helpers.sources import Source, fetch, load_source


def answer(question: dict[str, Any], root: Path) -> dict[str, Any]:
    """One answer: what was found, or the error with its exit code."""
    environ = question.get("environ", {})
    try:
        if question["do"] == "load":
            return {"value": load_source(root, question["name"]).address}
        source = Source.model_validate(question["source"]).named(question.get("name", "wine"))
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder, "data")
            if question["do"] == "fetch":
                fetched = fetch(source, root=root, to=target, environ=environ, timeout=question.get("timeout", 20))
                return {"value": {**asdict(fetched), "path": ""}, "table": table(target, source)}
            place = place_of(source, name=source.name, root=root, environ=environ, timeout=question.get("timeout", 20))
            if question["do"] == "end":
                return {"value": place.end(question["count"]).decode()}
            if question["do"] == "state":
                state = place.state()
                return {"value": {**asdict(state), "modified": str(state.modified), "newest": str(state.newest)}}
            if question["do"] == "sample":
                return {"value": place.sample(target, question["limit"]), "table": table(target, source)}
            before = DataRecord(name=source.name, address="", **question["before"])
            return {"value": compare(source, before, root=root, environ=environ).to_json()}
    except RepositoryError as error:
        return {
            "error": error.message, "hint": error.hint, "where": error.where, "exit_code": int(error.exit_code),
            "all": f"{error}{error.__cause__ or ''}",
        }  # fmt: skip


def table(path: Path, source: Source) -> dict[str, Any]:
    """What the steps would make of the file."""
    prepare = importlib.import_module("helpers.table").prepare  # pandas, which most questions do without
    made = prepare(path, source, name=source.name, address="x", fingerprint="x")
    return {
        "rows": len(made.frame),
        "columns": list(made.frame.columns),
        "kinds": made.kinds,
        "notes": made.record.notes,
    }


def put(asked: dict[str, Any]) -> None:
    """Writes objects to a store, and removes some."""
    botocore = importlib.import_module("botocore.session"), importlib.import_module("botocore.config")
    style = botocore[1].Config(request_checksum_calculation="when_required", s3={"addressing_style": "path"})
    client = botocore[0].Session().create_client(
        "s3", endpoint_url=asked["endpoint"], region_name="us-east-1", config=style,
        aws_access_key_id=asked["key"], aws_secret_access_key=asked["secret"],
    )  # fmt: skip
    for bucket in asked["buckets"]:
        client.create_bucket(Bucket=bucket)
    for name, content in asked["put"].items():
        bucket, _, key = name.partition("/")
        client.put_object(Bucket=bucket, Key=key, Body=bytes.fromhex(content))
    for name in asked["delete"]:
        bucket, _, key = name.partition("/")
        client.delete_object(Bucket=bucket, Key=key)


def main() -> None:
    """Answers the questions of each line of the standard input with a line of the standard output."""
    for line in sys.stdin:
        asked = json.loads(line)
        answers = [look_at(question, Path(asked["root"])) for question in asked["questions"]]
        sys.stdout.write(json.dumps(answers) + "\n")
        sys.stdout.flush()


def look_at(question: dict[str, Any], root: Path) -> Any:
    """An answer; of ``check``, the findings."""
    if question["do"] == "put":
        return put(question)
    if question["do"] != "check":
        return answer(question, root)
    os.environ.update(question.get("environ", {}))
    try:
        return look(root=str(root), source=question.get("name", "wine"))
    finally:
        for name in question.get("environ", {}):
            del os.environ[name]


if __name__ == "__main__":
    main()
