"""GitHub's own description of its API, asked about each request and each answer of the fake.

The description comes from https://github.com/github/rest-api-description (MIT licence, ``contract/LICENSE``) through
the npm package ``@octokit/openapi``; ``make github-contract`` fetches and trims it again. It is open: keys that it does
not know pass. So a second, strict layer refuses every key of a body and of a query that the operation does not declare,
and takes the branch of a ``oneOf`` that the value's ``type`` names (rules of a ruleset).
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

from .web import Answer, Call

DESCRIPTION = Path(__file__).parent / "contract" / "api.github.com.json"
HOST = "http://github.invalid"
# Not repeated at every operation of the description: docs.github.com "Troubleshooting the REST API", "Rate limits".
EVERYWHERE = {301, 307, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503}


@dataclass
class _Request:
    """A call as openapi-core wants to see it."""

    call: Call
    host_url: str = HOST
    parameters: RequestParameters = field(default_factory=RequestParameters)

    def __post_init__(self) -> None:
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(self.call.query_pairs), header=Headers(list(self.call.headers.items()))
        )
        self.method = self.call.method.lower()
        self.path = self._single_segments()
        self.body = self.call.body or None
        # GitHub reads every body as JSON, whatever the client calls it.
        self.content_type = "application/json"

    def _single_segments(self) -> str:
        """The path with each parameter in one segment, as openapi-core looks for it (a reference holds slashes)."""
        path = self.call.template
        for name, value in self.call.parameters.items():
            path = path.replace("{" + name + "}", value.replace("/", "%2F"))
        return path


@dataclass
class _Response:
    answer: Answer

    def __post_init__(self) -> None:
        self.status_code = self.answer.status
        self.content_type = "application/json"
        self.headers = Headers(list(self.answer.headers.items()))
        self.data = self.answer.data or None


class Contract:
    """GitHub's description; one for the whole process, because it never changes."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
        self.document["servers"] = [{"url": HOST}]
        unchecked: Any = None  # the description itself is GitHub's
        self._api = OpenAPI.from_dict(self.document, config=Config(spec_validator_cls=unchecked))
        self._lock = threading.RLock()
        self._known: dict[tuple[str, str, str], list[str]] = {}
        templates = sorted(self.document["paths"], key=lambda path: path.count("{"))
        self._patterns = [(re.compile(_pattern(path)), path) for path in templates]

    def locate(self, call: Call) -> bool:
        """Find the operation of a call; the path is matched as it was sent, so that ``a%2Fb`` is one name."""
        for pattern, template in self._patterns:
            found = pattern.fullmatch(call.path)
            if found and call.method.lower() in self.document["paths"][template]:
                names = re.findall(r"{(.+?)}", template)
                call.template, call.parameters = template, dict(zip(names, found.groups(), strict=True))
                return True
        return False

    def problems(self, call: Call) -> list[str]:
        """What is wrong with a request; of those without a body each is looked at once."""
        key = (call.method, call.path, call.query_text)
        if call.body or key not in self._known:
            found = self._problems(call)
            if call.body or len(self._known) > 10_000:
                return found
            self._known[key] = found
        return self._known[key]

    def _problems(self, call: Call) -> list[str]:
        operation = self.document["paths"][call.template][call.method.lower()]
        shared = self.document["paths"][call.template].get("parameters", [])
        declared = {self._resolved(item)["name"] for item in [*operation.get("parameters", []), *shared]}
        found = [f"query key {key!r} is not declared" for key, _ in call.query_pairs if key not in declared]
        schema = self._body_schema(operation)
        if call.body and schema is None:
            if call.body.strip() not in {b"{}", b"null"}:
                found.append("the operation takes no body")
            return found
        try:
            body = call.json
        except ValueError:
            return [*found, "the body is no JSON"]
        with self._lock:
            found += list(_told(self._api.iter_request_errors(_Request(call))))
        if call.body and schema is not None:
            found += list(self._undeclared(body, schema, "body"))
        return found

    def broken_answer(self, call: Call, answer: Answer) -> list[str]:
        """What is wrong with an answer of the fake itself."""
        responses = self.document["paths"][call.template][call.method.lower()]["responses"]
        if str(answer.status) not in responses:
            if answer.status in EVERYWHERE:
                return []
            return [f"status {answer.status} is not declared"]
        with self._lock:
            return list(_told(self._api.iter_response_errors(_Request(call), _Response(answer))))

    def _body_schema(self, operation: dict[str, Any]) -> dict[str, Any] | None:
        body = self._resolved(operation.get("requestBody", {}))
        schema: dict[str, Any] | None = body.get("content", {}).get("application/json", {}).get("schema")
        return schema

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            _, _, section, name = schema["$ref"].split("/")
            schema = self.document["components"][section][name]
        return schema

    def _undeclared(self, value: Any, schema: dict[str, Any], place: str) -> Iterator[str]:
        """The keys of ``value`` that no branch of ``schema`` knows."""
        branches = [branch for branch in self._branches(schema) if _fits(value, branch)]
        if isinstance(value, list):
            items = [branch["items"] for branch in branches if "items" in branch]
            for number, item in enumerate(value if items else ()):
                yield from self._undeclared(item, items[0], f"{place}[{number}]")
        if not isinstance(value, dict) or any(branch.get("additionalProperties") for branch in branches):
            return
        known: dict[str, Any] = {}
        for branch in branches:
            known |= branch.get("properties", {})
        if not known:
            return
        for key, item in value.items():
            if key not in known:
                yield f"{place}.{key} is not declared"
            else:
                yield from self._undeclared(item, known[key], f"{place}.{key}")

    def _branches(self, schema: dict[str, Any]) -> list[dict[str, Any]]:
        schema = self._resolved(schema)
        inner = [part for word in ("oneOf", "anyOf", "allOf") for part in schema.get(word, ())]
        return [schema, *(branch for part in inner for branch in self._branches(part))]


def _fits(value: Any, branch: dict[str, Any]) -> bool:
    """Whether a ``type`` that names the branch (of a rule, say) is this value's."""
    kinds = branch.get("properties", {}).get("type", {}).get("enum")
    return not (isinstance(value, dict) and kinds and "type" in value and value["type"] not in kinds)


def _told(errors: Any) -> Iterator[str]:
    for error in errors:
        causes = getattr(error.__cause__, "schema_errors", None) or [error.__cause__ or error]
        for cause in causes:
            where = "/".join(str(part) for part in getattr(cause, "absolute_path", ()))
            yield f"{type(error).__name__} {where}: {getattr(cause, 'message', cause)}"


def _pattern(template: str) -> str:
    # A git reference (and a file's path) holds slashes; every other name is one segment.
    parts = re.split(r"({.+?})", template)
    return "".join(
        ("(.+)" if part in {"{ref}", "{path}", "{basehead}"} else "([^/]+)")
        if part.startswith("{")
        else re.escape(part)
        for part in parts
    )


@lru_cache(maxsize=1)
def contract() -> Contract:
    """GitHub's description."""
    return Contract()
