"""GitHub's REST API for one repository, with the token of a workflow. Standard library only.

The token goes to the API's own host and nowhere else: an artifact lies in a store that is reached by a redirect. It is
never part of a message. What fails for a moment is tried again where that cannot do anything twice.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from functools import cache
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import quote, urlencode, urljoin, urlsplit

from helpers.certificates import context
from helpers.errors import ExitCode, RepositoryError

VERSION = "2022-11-28"
TIMEOUT = 30.0
LARGEST_ANSWER = 30_000_000
ATTEMPTS = 4
PATIENCE = 90.0
"""Seconds that one call waits for a limit to end."""
SAFE = frozenset({"GET", "PATCH", "PUT", "DELETE"})
"""What may be sent again when nobody knows whether it arrived."""


class ApiError(RepositoryError):
    """GitHub refused a call or could not be reached; ``status`` is 0 when there was no answer."""

    code = "github"

    def __init__(self, message: str, *, status: int, hint: str = "", where: str = "", said: str = "") -> None:
        super().__init__(message, hint=hint, where=where)
        self.status = status
        self.said = said
        if status in (401, 403):
            self.exit_code = ExitCode.PERMISSION


class RateLimitError(ApiError):
    """The token may not call for a while."""

    code = "rate-limit"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body; None when there is none or it is no JSON."""
        try:
            return json.loads(self.body) if self.body else None
        except (ValueError, RecursionError):
            return None


class StayHere(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: what a request carries is meant for one host."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        """The answer with the redirect is the answer."""


@dataclass(frozen=True)
class GitHub:
    """The API for one repository.

    Attributes:
        api: Its address, for example ``https://api.github.com``.
        token: The job's token; never shown.
        repository: ``owner/name``.
        tell: Told when a call has to wait.
        pause: How to wait.
    """

    api: str
    token: str = field(repr=False)
    repository: str
    tell: Callable[[str], None] = print
    pause: Callable[[float], None] = time.sleep

    def get(self, path: str, **query: object) -> Any:
        """What lies at a path below the repository.

        Raises:
            ApiError: GitHub refused, or could not be reached.
        """
        return self.call("GET", path, query=query).json

    def pages(self, path: str, key: str = "", *, most: int = 5, **query: object) -> Iterator[dict[str, Any]]:
        """The items of a list, page by page; ``key`` names the list in an answer that wraps it."""
        for page in range(1, most + 1):
            answer = self.call("GET", path, query={**query, "per_page": 100, "page": page})
            found = answer.json
            items = found.get(key, []) if key and isinstance(found, dict) else found
            if not isinstance(items, list):
                raise ApiError("GitHub's answer is not what was expected.", status=answer.status, where=path)
            yield from (item for item in items if isinstance(item, dict))
            if len(items) < 100:
                return

    def call(self, method: str, path: str, body: object = None, *, query: Mapping[str, object] | None = None) -> Answer:
        """Calls the API; a path without a slash in front lies below the repository.

        Raises:
            ApiError: GitHub refused, or could not be reached.
        """
        place = path if path.startswith("/") else f"/repos/{self.repository}/{path}".rstrip("/")
        address = self.api.rstrip("/") + place + (f"?{urlencode(query)}" if query else "")
        answer = self._patient(method, address, place, body)
        for _ in range(3):
            if answer.status not in (301, 302, 307, 308):
                break
            address = urljoin(address, answer.headers.get("location", ""))
            if not self._is_ours(address):
                raise ApiError("GitHub's answer leads to another host.", status=answer.status, where=place)
            answer = self._patient(method, address, place, body)  # the repository was renamed
        if answer.status >= 300:
            raise _refused(answer, f"{method} {place}")
        return answer

    def download(self, path: str, to: Path, *, largest: int) -> str:
        """Saves a file that a redirect leads to, and gives its SHA-256; the store behind it gets no token.

        Raises:
            ApiError: GitHub or the store refused, or the file is larger than allowed.
        """
        place = f"/repos/{self.repository}/{path}"
        answer = self._patient("GET", self.api.rstrip("/") + place, place, None)
        if answer.status not in (301, 302, 303, 307, 308):
            raise _refused(answer, f"GET {place}")
        address = urljoin(self.api, answer.headers.get("location", ""))
        failure: ApiError | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                self.pause(0.5 * 2**attempt)
            try:
                return self._save(address, to, largest, place)
            except ApiError as error:
                failure = error
                if 0 < error.status < 500:
                    break
        assert failure is not None  # noqa: S101 - the loop ran
        raise failure

    def _save(self, address: str, to: Path, largest: int, place: str) -> str:
        headers = {"Authorization": f"Bearer {self.token}"} if self._is_ours(address) else {}
        digest, size = hashlib.sha256(), 0
        try:
            with self._open("GET", address, headers, None) as stream, to.open("wb") as file:
                while part := stream.read(1 << 20):
                    size += len(part)
                    if size > largest:
                        raise ApiError(f"The file has more than {largest:,} bytes.", status=413, where=place)
                    digest.update(part)
                    file.write(part)
                expected = stream.headers.get("Content-Length")
        except urllib.error.HTTPError as error:
            status = error.code
            error.close()
            raise ApiError(f"The store of artifacts answered {status}.", status=status, where=place) from None
        except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
            raise ApiError(f"The artifact cannot be fetched: {_reason(error)}.", status=0, where=place) from None
        if expected and expected.isdigit() and int(expected) != size:
            raise ApiError("The artifact did not arrive whole.", status=0, where=place)
        return digest.hexdigest()

    def _patient(self, method: str, address: str, place: str, body: object) -> Answer:
        """One call; what fails for a moment is tried again."""
        waited, attempt = 0.0, 0
        while True:
            attempt += 1
            try:
                answer = self._once(method, address, body)
            except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
                if attempt < ATTEMPTS and (method in SAFE or _never_sent(error)):
                    self.pause(0.25 * 2**attempt)
                    continue
                hint = "Look at https://www.githubstatus.com, and at the runner's network."
                raise ApiError(
                    f"GitHub cannot be reached: {_reason(error)}.", status=0, where=f"{method} {place}", hint=hint
                ) from None
            if answer.status >= 500 and attempt < ATTEMPTS and method in SAFE:
                self.pause(0.25 * 2**attempt)
                continue
            limit = _limit(answer)
            if limit is None:
                return answer
            if waited + limit > PATIENCE or attempt > ATTEMPTS:
                raise _limited(limit, place)
            self.tell(f"GitHub's limit of calls is reached; waiting {limit:.0f} s")
            waited += limit
            self.pause(limit)

    def _once(self, method: str, address: str, body: object) -> Answer:
        headers = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": VERSION,
            "Authorization": f"Bearer {self.token}",
        }
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        try:
            with self._open(method, address, headers, data) as stream:
                return Answer(stream.status, _lower(stream.headers), _read(stream, stream.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _lower(error.headers), _read(error, error.headers))

    def _open(
        self, method: str, address: str, headers: Mapping[str, str], data: bytes | None
    ) -> http.client.HTTPResponse:
        if urlsplit(address).scheme not in ("http", "https"):
            raise ApiError("This is no address of a server.", status=0, where="GITHUB_API_URL")
        request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
            address, data=data, headers={"User-Agent": "helpers.ci", **headers}, method=method
        )
        return cast("http.client.HTTPResponse", opener().open(request, timeout=TIMEOUT))

    def _is_ours(self, address: str) -> bool:
        mine, other = urlsplit(self.api), urlsplit(address)
        return (mine.scheme, mine.netloc) == (other.scheme, other.netloc)


def segment(text: str) -> str:
    """A name as one part of a path."""
    return quote(text, safe="")


@cache
def opener() -> urllib.request.OpenerDirector:
    """Opens addresses, follows no redirect, and trusts what the environment names."""
    return urllib.request.build_opener(StayHere, urllib.request.HTTPSHandler(context=context(os.environ)))


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _read(stream: IO[bytes] | http.client.HTTPResponse, headers: Message) -> bytes:
    body = stream.read(LARGEST_ANSWER + 1)
    if len(body) > LARGEST_ANSWER:
        raise ApiError("GitHub's answer is too large.", status=0)
    expected = headers.get("Content-Length", "")
    if expected.isdigit() and len(body) < min(int(expected), LARGEST_ANSWER):
        raise http.client.IncompleteRead(body)
    return body


def _never_sent(error: Exception) -> bool:
    reason = getattr(error, "reason", error)
    return isinstance(reason, ConnectionRefusedError)


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", "") or reason or type(reason).__name__)[:200]


def _limit(answer: Answer) -> float | None:
    """How long GitHub wants to be left alone; None when it does not."""
    if answer.status not in (403, 429):
        return None
    after = answer.headers.get("retry-after", "")
    if after.isdigit():
        return float(after)
    if answer.headers.get("x-ratelimit-remaining") == "0":
        reset = answer.headers.get("x-ratelimit-reset", "")
        return max(float(reset) - time.time(), 0.0) + 1.0 if reset.isdigit() else PATIENCE + 1
    return 60.0 if answer.status == 429 or "secondary rate limit" in _said(answer).lower() else None


def _limited(seconds: float, place: str) -> RateLimitError:
    at = time.strftime("%H:%M UTC", time.gmtime(time.time() + seconds))
    return RateLimitError(
        f"The token has used up the calls that GitHub allows; it may call again at {at}.",
        status=403,
        where=place,
        hint="Run the job again then. A workflow's own token has 1,000 calls an hour.",
    )


def _said(answer: Answer) -> str:
    found = answer.json
    if not isinstance(found, dict):
        return ""
    more = [one.get("message", "") for one in found.get("errors") or () if isinstance(one, dict)]
    return " ".join(str(part) for part in (found.get("message", ""), *more) if part)[:500]


def _refused(answer: Answer, where: str) -> ApiError:
    said = _said(answer)
    hints = {
        401: "The token is not valid any more; run the job again.",
        404: "It is not there, or the token may not see it: look at 'permissions' of the job.",
    }
    hint = hints.get(answer.status, "")
    if answer.status == 403:
        needed = answer.headers.get("x-accepted-github-permissions", "")
        hint = f"The job needs 'permissions': {needed}." if needed else "Look at 'permissions' of the job."
    return ApiError(f"GitHub answered {answer.status}: {said}", status=answer.status, where=where, hint=hint, said=said)
