"""Kubeflow's own description of its API, asked about each request and each answer of the fake.

The description (``contract/kfp-api-v2beta1.swagger.json``, Apache-2.0, see ``contract/NOTICE``) is open: keys that it
does not know pass. So every key of a query and of a body must be declared as well. Where the real server was seen to
differ from it, :data:`DEVIATIONS` says so.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator, FormatChecker
from werkzeug.formparser import parse_form_data

from .web import Answer, Call

DESCRIPTION = Path(__file__).parent / "contract" / "kfp-api-v2beta1.swagger.json"

DEVIATIONS = {
    "GET /apis/v2beta1/healthz": "the server answers by hand: commit_sha and tag_name stand beside multi_user",
    "error": "errors carry their message a second time under 'error', as grpc-gateway writes them",
    "state ERROR": "seen on the real server, and not in the description's list of states",
    "predicates": "a filter may name its operation by number and its keys in camel case: kfp's own client does",
}
"""Where the real server and its description differ; each line was seen."""

EXTRA_KEYS = {"GET /apis/v2beta1/healthz": {"commit_sha", "tag_name"}}


class Contract:
    """The description; one for the whole process, because it never changes."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
        states = self.document["definitions"]["v2beta1RuntimeState"]["enum"]
        states.append("ERROR")
        patterns = sorted(self.document["paths"], key=lambda path: (path.count("{"), path))
        self._patterns = [(re.compile(_pattern(path)), path) for path in patterns]

    def locate(self, call: Call) -> bool:
        """Finds the operation of a call."""
        for pattern, template in self._patterns:
            found = pattern.fullmatch(call.path)
            if found and call.method.lower() in self.document["paths"][template]:
                names = re.findall(r"{(.+?)}", template)
                call.template, call.parameters = template, dict(zip(names, found.groups(), strict=True))
                return True
        return False

    def problems(self, call: Call) -> list[str]:
        """What is wrong with a request."""
        declared = {item["name"]: item for item in self._operation(call).get("parameters", [])}
        found = []
        for name, value in call.query.items():
            parameter = declared.get(name)
            if parameter is None or parameter["in"] != "query":
                found.append(f"query key {name!r} is not declared")
            elif parameter["type"] == "integer" and not re.fullmatch(r"-?\d+", value):
                found.append(f"query key {name!r} is no integer")
            elif "enum" in parameter and value not in parameter["enum"]:
                found.append(f"query key {name!r} is none of {parameter['enum']}")
        found += [
            f"{name!r} is missing"
            for name, item in declared.items()
            if item.get("required") and item["in"] == "query" and name not in call.query
        ]
        return found + self._body_problems(call, declared)

    def broken_answer(self, call: Call, answer: Answer) -> list[str]:
        """What is wrong with an answer of the fake itself."""
        responses = self._operation(call)["responses"]
        schema = responses.get(str(answer.status), responses["default"]).get("schema")
        if schema is None:
            return []
        extra = EXTRA_KEYS.get(f"{call.method} {call.template}", set())
        extra = extra | {"error"} if answer.status != 200 else extra
        return list(self._wrong(answer.body, schema, "answer", extra))

    def _body_problems(self, call: Call, declared: dict[str, Any]) -> list[str]:
        body = next((item for item in declared.values() if item["in"] == "body"), None)
        file = next((item for item in declared.values() if item["in"] == "formData"), None)
        if file is not None:
            return self._upload_problems(call, file["name"])
        if body is None:
            return ["the operation takes no body"] if call.body.strip() not in (b"", b"{}", b"null") else []
        if call.headers.get("content-type", "").partition(";")[0] != "application/json":
            return ["the body is not said to be JSON"]
        try:
            value = json.loads(call.body)
        except ValueError:
            return ["the body is no JSON"]
        return list(self._wrong(value, body["schema"], "body", set()))

    @staticmethod
    def _upload_problems(call: Call, name: str) -> list[str]:
        environ = {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": call.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(call.body)),
            "wsgi.input": io.BytesIO(call.body),
        }
        _, fields, files = parse_form_data(environ)
        if name not in files:
            return [f"the file {name!r} is missing"]
        with contextlib.closing(files[name]) as file:
            call.upload = file.read()
        return [f"form field {key!r} is not declared" for key in fields]

    def _operation(self, call: Call) -> Any:
        return self.document["paths"][call.template][call.method.lower()]

    def _wrong(self, value: Any, schema: dict[str, Any], place: str, extra: set[str]) -> Iterator[str]:
        whole = {**schema, "definitions": self.document["definitions"]}
        for error in Draft4Validator(whole, format_checker=FormatChecker()).iter_errors(value):
            where = ".".join([place, *(str(part) for part in error.absolute_path)])
            yield f"{where}: {error.message[:200]}"
        yield from self._undeclared(value, schema, place, extra)

    def _undeclared(self, value: Any, schema: dict[str, Any], place: str, extra: set[str]) -> Iterator[str]:
        while "$ref" in schema:
            schema = self.document["definitions"][schema["$ref"].rpartition("/")[2]]
        if isinstance(value, list) and "items" in schema:
            for number, item in enumerate(value):
                yield from self._undeclared(item, schema["items"], f"{place}[{number}]", set())
        if not isinstance(value, dict):
            return
        known, more = schema.get("properties"), schema.get("additionalProperties")
        if known is None and not more:
            return  # any object: a pipeline's text, say
        for key, item in value.items():
            if known and key in known:
                yield from self._undeclared(item, known[key], f"{place}.{key}", set())
            elif isinstance(more, dict):
                yield from self._undeclared(item, more, f"{place}.{key}", set())
            elif key not in extra and key != "@type":
                yield f"{place}.{key} is not declared"


@lru_cache(maxsize=1)
def contract() -> Contract:
    """The description."""
    return Contract()


def _pattern(template: str) -> str:
    """A path of the description as a pattern; a verb behind a colon belongs to no name."""
    parts = re.split(r"({.+?})", template)
    return "".join(r"([^/:]+)" if part.startswith("{") else re.escape(part) for part in parts)
