"""A request to the fake Kubeflow and its answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any, ClassVar
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit


@dataclass
class Call:
    """A request.

    Attributes:
        path: As it was sent, below the API's prefix.
        user: Who asks, once the login has said so.
        origin: Scheme and host as the client names them.
        template: The operation's path in Kubeflow's description; empty if there is none.
        parameters: What stands in the path at the places that the template names.
        upload: The uploaded file of a multipart request.
    """

    method: str
    path: str
    query_text: str
    headers: Mapping[str, str]
    body: bytes
    user: str = ""
    origin: str = ""
    template: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    upload: bytes | None = None

    @classmethod
    def of(cls, method: str, target: str, headers: Mapping[str, str], body: bytes, origin: str = "") -> Call:
        """The call that a request line and its headers make."""
        parts = urlsplit(target)
        lower = {key.lower(): value for key, value in headers.items()}
        return cls(method, parts.path, parts.query, lower, body, origin=origin)

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters, the last of each name."""
        return dict(parse_qsl(self.query_text, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form that was sent."""
        return {key: values[-1] for key, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}

    @property
    def json(self) -> Any:
        """The body; an empty mapping when there is none."""
        return json.loads(self.body) if self.body else {}

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that it carries."""
        return {name: item.value for name, item in SimpleCookie(self.headers.get("cookie", "")).items()}

    @property
    def bearer(self) -> str:
        """The token that it carries; empty if none."""
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if kind.lower() == "bearer" else ""

    def named(self, name: str) -> str:
        """A part of the path, decoded."""
        return unquote(self.parameters[name])


@dataclass
class Answer:
    """What is answered; ``body`` is anything that JSON can say, bytes or text as they are."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> bytes:
        """The body as it is sent."""
        if self.body is None:
            return b""
        if isinstance(self.body, str):
            return self.body.encode()
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Refused(Exception):
    """Ends a request as the API server does: code of gRPC, message, and the HTTP status that belongs to it."""

    HTTP: ClassVar = {3: 400, 5: 404, 6: 409, 7: 403, 9: 400, 13: 500, 16: 401}

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.answer = Answer(self.HTTP[code], {"error": message, "code": code, "message": message, "details": []})


def page(title: str, body: str, status: int = 200) -> Answer:
    """A page for people."""
    text = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body>{body}</body></html>\n"
    return Answer(status, text, {"Content-Type": "text/html; charset=utf-8"})


def redirect(location: str, status: int = 302, *cookies: str) -> Answer:
    """A redirect, with at most one cookie."""
    headers = {"Location": location, "Content-Type": "text/html; charset=utf-8"}
    if cookies:
        headers["Set-Cookie"] = cookies[0]
    return Answer(status, "", headers)
