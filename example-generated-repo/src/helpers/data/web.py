"""Data at an http(s) address, with a bearer token, a user and a password, or nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from helpers.data import network
from helpers.data.place import (
    CHEAP_BYTES,
    Fetched,
    Place,
    State,
    Task,
    cut_at_line,
    fingerprint_of,
    shown_address,
    write_chunks,
)

_CHUNK = 1 << 20


class _Bearer(AuthBase):
    """As an object, so that a line for the host in a person's .netrc does not replace it."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class WebPlace(Place):
    """One file of a web server."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.shown = shown_address(task.address)
        self.credentials = task.credentials()

    def state(self) -> State:
        """The ETag, else when it was changed and how large it is."""
        with self._opened() as response:
            return _state(response)

    def fetch(self, to: Path) -> Fetched:
        """Brings the whole file."""
        from helpers.data.limits import refuse_size

        with self._opened() as response:
            state = _state(response)
            refuse_size(self.task.source, state.size, self.shown)
            fingerprint, size = write_chunks(
                self._chunks(response),
                to,
                self.shown,
                check=lambda size: refuse_size(self.task.source, size, self.shown),
            )
        return Fetched(path=to, address=self.shown, fingerprint=fingerprint, size=size, revision=state.revision)

    def sample(self, to: Path, limit: int) -> bool:
        """Brings the beginning of the file."""
        with self._opened() as response:
            total = _state(response).size
            _, size = write_chunks(self._chunks(response), to, self.shown, limit=limit)
        if size < limit or size == total:
            return True
        cut_at_line(to)
        return False

    def end(self, count: int) -> bytes:
        """Its last bytes, where the server gives a part."""
        with self._opened({"Range": f"bytes=-{count}"}) as response:
            return response.content if response.status_code == requests.codes.partial_content else b""

    def content(self) -> str:
        """Reads what is small; whether a larger file is another one is not worth its transfer."""
        with self._opened() as response:
            size = _state(response).size
            if size is None or size > CHEAP_BYTES:
                return ""
            return fingerprint_of(self._chunks(response))

    @contextlib.contextmanager
    def _opened(self, more: Mapping[str, str] | None = None) -> Iterator[requests.Response]:
        """The answer with its body still to be read.

        One GET says all: servers answer HEAD otherwise, or not at all.
        """
        auth: AuthBase | None = None
        used = ""
        if self.credentials.token:
            auth, used = _Bearer(self.credentials.token), self.credentials.name("TOKEN")
        elif self.credentials.login is not None:
            user, password = self.credentials.login
            auth = HTTPBasicAuth(user.encode(), password.encode())
            used = self.credentials.name("USERNAME", "PASSWORD")
        with (
            self._translated(),
            requests.Session() as session,
            session.get(
                self.task.address,
                auth=auth,
                stream=True,
                timeout=(self.task.connect_timeout, self.task.timeout),
                headers={"Accept-Encoding": "identity", "Accept": "*/*", **(more or {})},
                **self._verify(),
            ) as response,
        ):
            if response.status_code >= 300:
                wanted = f"{self.credentials.name('TOKEN')}, or {self.credentials.name('USERNAME', 'PASSWORD')}"
                raise network.refused(
                    response.status_code,
                    response.reason or "",
                    where=self.shown,
                    used=used,
                    wanted=wanted,
                )
            yield response

    def _verify(self) -> dict[str, Any]:
        bundle = self.task.environ.get("REQUESTS_CA_BUNDLE") or self.task.environ.get("SSL_CERT_FILE")
        return {"verify": bundle} if bundle else {}

    def _chunks(self, response: requests.Response) -> Iterator[bytes]:
        yield from response.iter_content(_CHUNK)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (requests.RequestException, OSError, ValueError) as error:
            raise _for_people(error, self.shown, self.task.timeout) or error from error


def _for_people(error: Exception, shown: str, seconds: float) -> Exception | None:
    from helpers.errors import DataError

    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema | UnicodeError):
        return DataError("This is not an address of the web.", where=shown, hint="Correct 'address'.")
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return DataError(
            "The server sends from one address to the next without end.",
            where=shown,
            hint="It may want a login that it does not ask for in words.",
        )
    return network.explain(error, where=shown, seconds=seconds)


def _state(response: requests.Response) -> State:
    headers = response.headers
    length = headers.get("Content-Length", "")
    size = int(length) if length.isdigit() and not headers.get("Content-Encoding") else None
    etag, changed = headers.get("ETag", ""), headers.get("Last-Modified", "")
    if etag:
        revision = f"etag:{etag}"
    elif changed:
        revision = f"modified:{changed};{'' if size is None else size}"
    else:
        revision = ""
    return State(
        revision=revision,
        size=size,
        modified=_date(changed),
        note="" if revision else "The server tells neither an ETag nor when the file was changed.",
    )


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
