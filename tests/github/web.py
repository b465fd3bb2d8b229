"""A request to the fake GitHub and its answer, and the refusals that end a request."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

DOCUMENTATION = "https://docs.github.com/rest"


@dataclass
class Call:
    """A request.

    Attributes:
        path: As it was sent, percent-encoding and all, below the API's root.
        template: The operation's path in GitHub's description; empty if there is none.
        parameters: What stands in the path at the places that the template names, decoded.
    """

    method: str
    path: str
    query_text: str
    headers: Mapping[str, str]
    body: bytes
    template: str = ""
    parameters: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Call:
        """The call that a request line and its headers make."""
        parts = urlsplit(target)
        return cls(method, parts.path, parts.query, {key.lower(): value for key, value in headers.items()}, body)

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters, the last of each name."""
        return dict(self.query_pairs)

    @property
    def query_pairs(self) -> list[tuple[str, str]]:
        """The query's parameters in order."""
        return parse_qsl(self.query_text, keep_blank_values=True)

    @property
    def json(self) -> Any:
        """The body; an empty mapping when there is none."""
        return json.loads(self.body) if self.body else {}

    def named(self, name: str) -> str:
        """A part of the path, decoded."""
        return unquote(self.parameters[name])


@dataclass
class Answer:
    """What is answered; ``body`` is anything that JSON can say, ``None`` for no content, bytes as they are."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> bytes:
        """The body as it is sent."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode("utf-8")


class Refused(Exception):
    """Ends a request with an answer that says why."""

    def __init__(self, status: int, message: str, *, errors: Sequence[Any] = (), headers: Mapping[str, str] = {}):
        super().__init__(message)
        body: dict[str, Any] = {"message": message, "documentation_url": DOCUMENTATION, "status": str(status)}
        if errors:
            body["errors"] = list(errors)
        self.answer = Answer(status, body, dict(headers))


def not_found() -> Refused:
    """GitHub's answer for what is not there and for what must not be seen."""
    return Refused(404, "Not Found")


def invalid(resource: str, field_name: str, code: str = "invalid", message: str = "") -> Refused:
    """GitHub's answer for a body that it cannot use (docs: "Validation failed", 422)."""
    error = {"resource": resource, "field": field_name, "code": code}
    return Refused(422, "Validation Failed", errors=[{**error, "message": message} if message else error])


def paged(call: Call, items: Sequence[Any], base: str, *, default: int = 30, most: int = 100) -> Answer:
    """A page of ``items`` with GitHub's ``Link`` header (docs: "Using pagination in the REST API")."""
    size = min(max(int(call.query.get("per_page", default)), 1), most)
    page = max(int(call.query.get("page", 1)), 1)
    last = max(-(-len(items) // size), 1)
    links: dict[str, int] = {}
    if page < last:
        links |= {"next": page + 1, "last": last}
    if page > 1:
        links |= {"prev": min(page - 1, last), "first": 1}
    headers = {}
    if links:
        others = [(key, value) for key, value in call.query_pairs if key not in {"page", "per_page"}]
        address = f"{base}{call.path}?{urlencode([*others, ('per_page', str(size))])}"
        headers["Link"] = ", ".join(f'<{address}&page={number}>; rel="{rel}"' for rel, number in links.items())
    return Answer(200, list(items[(page - 1) * size : page * size]), headers)


def paged_object(
    call: Call, name: str, items: Sequence[Any], base: str, *, default: int = 30, most: int = 100
) -> Answer:
    """The same for lists that GitHub wraps into ``{"total_count": ..., name: [...]}``."""
    answer = paged(call, items, base, default=default, most=most)
    answer.body = {"total_count": len(items), name: answer.body}
    return answer
