"""Calls to GitHub's REST API that survive what goes wrong on the way.

One policy for all verbs: an answer that says "later" is waited for; a broken connection and a trouble of GitHub's own
are tried again, except for a POST, of which nobody knows whether it was done (:class:`LostAnswer`).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from queue import Empty, LifoQueue
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from mlopsgen.errors import MlopsgenError
from mlopsgen.events import Note
from mlopsgen.forge.github.connection import (
    Broken,
    MovedError,
    Requester,
    is_certificate,
    make_requester,
    was_never_sent,
)
from mlopsgen.forge.github.errors import Answer, LostAnswer, Renamed, TokenRefused, Unreachable, error_from, words_of
from mlopsgen.forge.github.host import Host
from mlopsgen.forge.github.pace import PATIENCE, Pace, too_long
from mlopsgen.ports import EventSink
from mlopsgen.secret_value import SecretValue

BACKOFF = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between the tries of a call whose answer did not arrive or could not be used."""
FRESH = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Seconds between the tries of a call on something that was just made and may not be visible everywhere yet."""
_LIMIT_PAUSES = (60.0, 120.0, 240.0)
_PAUSES = 8
_TOKEN = re.compile(r"[!-~]+")
_WRITES = {"POST", "PUT", "PATCH", "DELETE"}
_TELLING = {"GET", "POST", "PATCH"}
"""Verbs whose success GitHub tells with a body (but for a new variable); without one, the rest of it was lost."""
_TROUBLE = {500, 502, 503, 504}


class Client:
    """Speaks to one GitHub with one token, from any number of threads.

    Args:
        host: Which GitHub.
        token: Whose rights the calls have.
        environ: The environment (proxies, certificates).
        events: Is told what is being waited for.
        sleep: Waits that many seconds.
        patience: Seconds that GitHub may be waited for at once.

    Raises:
        TokenRefused: The token cannot be one.
    """

    def __init__(
        self,
        host: Host,
        token: SecretValue,
        *,
        environ: Mapping[str, str],
        events: EventSink,
        sleep: Callable[[float], None] = time.sleep,
        patience: float = PATIENCE,
    ) -> None:
        if not _TOKEN.fullmatch(token.reveal()):
            hint = "Copy it again: it is one word without spaces or line breaks."
            raise TokenRefused("What was given as a token is none.", hint=hint)
        self.host = host
        self.token = token
        self.seen_headers: dict[str, str] = {}
        """Headers of the newest answers that tell about the token (scopes, expiry), in lower case."""
        self._environ = environ
        self._events = events
        self._sleep = sleep
        self.pace = Pace(events, sleep=sleep, clock=time.monotonic, patience=patience)
        """What all calls wait for."""
        # PyGithub's connection is for one thread at a time: whoever calls takes one and puts it back.
        self._idle: LifoQueue[Requester] = LifoQueue()

    def request(
        self,
        method: str,
        path: str,
        *,
        doing: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        accept: Collection[int] = (),
        fresh: bool = False,
        where: str = "",
    ) -> Answer:
        """Make a call and give back its answer.

        Args:
            method: The verb.
            path: The path below the API's address; parts that come from outside are quoted (:func:`quoted`).
            doing: What is being done, as the beginning of a sentence ("Reading the labels").
            body: What is sent as JSON.
            query: What is sent in the address.
            accept: Refusals that the caller wants to see instead of an error.
            fresh: Whether it is about something that this process has just made: a 404 is tried again.
            where: The repository, for errors.

        Raises:
            MlopsgenError: GitHub refuses, does not answer, or wants a pause that is too long.
        """
        waits, pauses, late = iter(BACKOFF), iter(_LIMIT_PAUSES), iter(FRESH if fresh else ())
        asked = 0
        while True:
            self.pace.turn(write=method in _WRITES)
            try:
                answer = self._call(method, path, body, query)
            except MovedError as moved:
                raise self._renamed(moved, where) from None
            except Broken as error:
                self._broken(error, method, next(waits, None), doing, where)
                continue
            pause = _asks_for_pause(answer, pauses)
            if pause is not None:
                asked += 1
                if asked > _PAUSES:
                    raise too_long(pause[0], "it asked for one pause after the other")
                self.pace.pause(*pause)
                continue
            if answer.status == 404 and (delay := next(late, None)) is not None:
                self._sleep(delay)
                continue
            if answer.status in _TROUBLE and answer.status not in accept:
                failure = error_from(self._clean(answer), doing=doing, server=self.host.server, where=where)
                self._again(failure, method, next(waits, None))
                continue
            if answer.status < 400 or answer.status in accept:
                return answer
            raise error_from(self._clean(answer), doing=doing, server=self.host.server, where=where)

    def pages(self, path: str, *, doing: str, key: str = "", size: int = 100, **options: Any) -> list[Any]:
        """Everything of a list that comes in pages; a refusal named by ``accept`` gives an empty list.

        Args:
            path: As for :meth:`request`.
            doing: As for :meth:`request`.
            key: Where the list is in the answer; empty if it is the answer.
            size: How many there are on a page.
            options: As for :meth:`request`.
        """
        found: list[Any] = []
        page, query = 1, dict(options.pop("query", None) or {})
        while True:
            more = {"page": page} if page > 1 else {}
            answer = self.request("GET", path, doing=doing, query={**query, "per_page": size, **more}, **options)
            if answer.status >= 400:
                return found
            found += (answer.data or {}).get(key, []) if key else answer.data or []
            following = next_page(answer.headers.get("link", ""))
            if following is None or following <= page:
                return found
            page = following

    def close(self) -> None:
        """Close all connections."""
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None, query: Mapping[str, Any] | None) -> Answer:
        headers = {"Accept": "application/vnd.github+json"}
        with self._connection() as connection:
            status, found, text = connection.requestJson(method, path, dict(query or {}), headers, body)
        self._note(found)
        if not text and status in {200, 201} and method in _TELLING and not path.endswith("/variables"):
            raise ValueError("there is nothing in the answer")
        try:
            data = json.loads(text) if text else None
        except ValueError:
            if status < 400:
                raise
            data = {"message": ""}  # a proxy's page
        return Answer(status, found, data)

    @contextmanager
    def _connection(self) -> Iterator[Requester]:
        try:
            connection = self._idle.get_nowait()
        except Empty:
            connection = make_requester(self.host, self.token, self._environ)
        try:
            yield connection
        except Exception:
            connection.close()
            raise
        self._idle.put(connection)

    def _note(self, headers: Mapping[str, str]) -> None:
        names = ("x-oauth-scopes", "github-authentication-token-expiration", "x-github-enterprise-version")
        self.seen_headers.update({name: headers[name] for name in names if name in headers})

    def _broken(self, error: Exception, method: str, wait: float | None, doing: str, where: str) -> None:
        """Wait for the next try after there was no usable answer, or raise."""
        if is_certificate(error):
            raise Unreachable(
                f"{self.host.server} could not prove who it is (its certificate is not trusted here).",
                hint="Name your organisation's certificates with SSL_CERT_FILE, or check the address.",
                where=where,
            ) from None
        failure = Unreachable(
            f"{doing} failed: {self.host.server} does not answer ({type(error).__name__}).",
            hint="Check the network and run it again; what is done stays done.",
            where=where,
        )
        self._again(failure, "GET" if was_never_sent(error) else method, wait)

    def _again(self, failure: MlopsgenError, method: str, wait: float | None) -> None:
        if method == "POST":
            raise LostAnswer(failure.message, hint=failure.hint, where=failure.where) from None
        if wait is None:
            raise failure from None
        if wait >= 2:
            self._events(Note(message=f"{failure.message} Trying again in {wait:.0f} s."))
        self._sleep(wait)

    def _renamed(self, moved: MovedError, where: str) -> MlopsgenError:
        """The error for what is at another address now; the address tells only a number, so that the name is read."""
        path = _path_below(self.host.api, moved.location)
        now = ""
        if path:
            try:
                answer = self._call("GET", re.sub(r"^(/repositories/\d+).*", r"\1", path), None, None)
            except (MovedError, *Broken):
                answer = Answer(404, {}, None)
            if answer.status < 400 and isinstance(answer.data, Mapping):
                now = str(answer.data.get("full_name") or "")
        there = f" It is '{now}' now." if now else ""
        owner, _, name = now.partition("/")
        hint = "Look where its page leads, and run 'git remote set-url origin' with the address there."
        if name:
            whose = "" if where.partition("/")[0].lower() == owner.lower() else f"--org {owner} "
            correction = f"git remote set-url origin {self.host.address(owner, name)}"
            hint = f"Run it again with {whose}--name {name}; where 'origin' still has the old address: '{correction}'."
        return Renamed(
            f"The repository {where or 'at this address'} was renamed or moved.{there}", hint=hint, where=where, now=now
        )

    def _clean(self, answer: Answer) -> Answer:
        """The answer without the token, should it ever be repeated there."""
        token = self.token.reveal()
        if not token or answer.data is None or token not in json.dumps(answer.data):
            return answer
        return answer._replace(data=json.loads(json.dumps(answer.data).replace(token, "***")))


def quoted(*parts: str) -> str:
    """A path of parts that come from outside: each one is quoted, slashes too."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def next_page(link: str) -> int | None:
    """The number of the next page as a ``Link`` header tells it.

    Only the number: the address itself may name a host that is none for people behind a proxy.
    """
    for part in link.split(","):
        address, _, relation = part.partition(";")
        if 'rel="next"' in relation:
            page = parse_qs(urlsplit(address.strip().strip("<>")).query).get("page", [""])[0]
            return int(page) if page.isdecimal() else None
    return None


def _asks_for_pause(answer: Answer, pauses: Iterator[float]) -> tuple[float, str] | None:
    """For how long and why GitHub wants to be left alone; ``None`` if it does not."""
    if answer.status not in {403, 429}:
        return None
    said = words_of(answer.data).lower()
    after = answer.headers.get("retry-after", "")
    if after.isdecimal():
        return float(after), "a pause that it named"
    limited = answer.status == 429 or "rate limit" in said or "abuse" in said
    if limited and answer.headers.get("x-ratelimit-remaining") == "0":
        reset = answer.headers.get("x-ratelimit-reset", "")
        if reset.isdecimal():
            count = answer.headers.get("x-ratelimit-limit", "")
            reason = f"the {count} calls an hour are used up" if count else "the calls of this hour are used up"
            return max(1.0, float(reset) - _their_time(answer) + 1), reason
    if not limited:
        return None
    pause = next(pauses, None)
    return (pause, "its secondary limit") if pause is not None else (3600.0, "its secondary limit")


def _their_time(answer: Answer) -> float:
    """What time it is for GitHub; clocks here may be wrong."""
    try:
        return parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return datetime.now(tz=UTC).timestamp()


def _path_below(api: str, location: str) -> str:
    """The path of a redirect, if it stays with the same API; else nothing: the token goes nowhere else."""
    given, base = urlsplit(location), urlsplit(api)
    if location.startswith("/"):
        return given.path.removeprefix(base.path)
    if (given.scheme, given.netloc) != (base.scheme, base.netloc):
        return ""
    return given.path.removeprefix(base.path)
