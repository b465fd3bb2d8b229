"""Calls of the Kubeflow Pipelines API with kfp's own client, made safe.

kfp's generated client (``kfp_server_api``) makes the requests and reads the answers; ``kfp.Client`` on top of it waits
without an end for a server that hangs, takes a login page for an empty result, and brings the whole Kubernetes client
along. Here every call has a time limit, every answer is judged before it is read, and a login that has run out is made
again once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import kfp_server_api as api
import requests
import urllib3
from kfp_server_api.exceptions import ApiException

from helpers.kubeflow_answers import Answer, Away, KubeflowError, LoginWanted, Missing, PageShown, problem, unreachable
from helpers.kubeflow_login import Login, new_session
from helpers.kubeflow_trust import Place

TIMEOUT = (10.0, 30.0)
"""Seconds until a connection, and between two pieces of an answer."""

PREFIXES = ("", "/pipeline")
"""Where the API lies below the address: people name the entrance or the pipelines' own page."""


class Kubeflow:
    """A Kubeflow that is spoken to.

    Args:
        place: Where it is.
        login: Who speaks.
        timeout: Seconds until a connection, and between two pieces of an answer.
    """

    def __init__(self, place: Place, login: Login, *, timeout: tuple[float, float] = TIMEOUT) -> None:
        self.place, self.login, self.timeout = place, login, timeout
        self.base = ""
        self.multi_user = False
        self.version = ""
        self._session = new_session(place)
        self._kept: Any = None
        self._accepted = False

    @property
    def pages(self) -> str:
        """The address of the pages for people: of an installation for many users, below the dashboard's own."""
        below = "/pipeline" if self.multi_user and not self.base.endswith("/pipeline") else ""
        return self.place.ui or f"{self.base}{below}"

    def run_link(self, run_id: str) -> str:
        """The page of a run."""
        return f"{self.pages}/#/runs/details/{run_id}"

    @property
    def namespace(self) -> str | None:
        """The namespace as a call has to name it: an installation for one user knows none."""
        return self.place.namespace if self.multi_user else None

    def connect(self) -> None:
        """Asks for the server's health; no other call is made before that has answered in JSON.

        Raises:
            KubeflowError: It does not answer, wants a login that there is none for, or is no Kubeflow.
        """
        missing: KubeflowError | None = None
        for prefix in PREFIXES:
            if prefix and self.place.endpoint.endswith(prefix):
                continue
            try:
                health = self._health(self.place.endpoint + prefix)
            except Missing as error:
                missing = missing or error
                continue
            self.base = self.place.endpoint + prefix
            self.multi_user = bool(health.get("multi_user"))
            self.version = str(health.get("tag_name") or "")
            return
        raise KubeflowError(
            "There is no Kubeflow Pipelines API at this address.",
            where=self.place.endpoint,
            hint="Set kubeflow.endpoint to the address of Kubeflow, for example https://kubeflow.example.com/pipeline",
        ) from missing

    def call(self, doing: str, service: str, operation: str, *values: Any, **options: Any) -> Any:
        """Makes one call of the generated client.

        Args:
            doing: What for, as a verb: ``create the run``.
            service: ``Run``, ``Experiment``, ``Pipeline`` or ``PipelineUpload``.
            operation: The method of that service's client.
            values: Its arguments.
            options: Its named arguments.

        Raises:
            KubeflowError: It did not work; the kind says whether it may later.
        """
        return self._again(lambda: self._call(doing, service, operation, *values, **options))

    def text(self, path: str, doing: str) -> str:
        """The text at an address of the server that the client does not know (the log of a step)."""
        return self._read(f"{self.base}{path}", doing, plain=True).text

    def _health(self, base: str) -> dict[str, Any]:
        return self._read(f"{base}/apis/v2beta1/healthz", "say how it is").json()

    def _read(self, address: str, doing: str, *, plain: bool = False) -> Answer:
        def read() -> Answer:
            answer = self._get(address)
            wrong = self._judge(answer, doing)
            if wrong is not None and not (plain and answer.status == 200 and not answer.is_page):
                raise wrong
            return answer

        found: Answer = self._again(read)
        return found

    def _again(self, ask: Callable[[], Any]) -> Any:
        """Asks; when a login is wanted, logs in again and asks once more.

        A page without a form for a password, or one that comes although the login was made anew, is not about the
        login: something in front of the server is away.
        """
        try:
            return ask()
        except LoginWanted as wanted:
            if isinstance(wanted, PageShown) and self._accepted and not wanted.form:
                raise _page_in_front(wanted) from wanted
            try:
                self.login.renew()
            except KubeflowError as error:
                error.where = error.where or wanted.where
                raise error from wanted
        try:
            return ask()
        except PageShown as page:
            raise (_page_in_front(page) if self._accepted else page) from page

    def _get(self, address: str) -> Answer:
        headers = {"Accept": "application/json", **self.login.headers()}
        try:
            # A redirect is not followed: it leads to a login.
            got = self._session.get(address, headers=headers, timeout=self.timeout, allow_redirects=False)
            return Answer.of(got.status_code, dict(got.headers), got.text)
        except requests.RequestException as error:
            raise unreachable(error, self.place.endpoint) from error

    def _call(self, doing: str, service: str, operation: str, *values: Any, **options: Any) -> Any:
        client = self._client()
        method = getattr(getattr(api, f"{service}ServiceApi")(client), operation)
        try:
            found = method(*values, _request_timeout=self.timeout, **options)
        except ApiException as error:
            if error.status == 0:
                raise unreachable(error, self.place.endpoint) from error
            refused = Answer.of(error.status, dict(error.headers or {}), str(error.body or ""))
            raise self._judge(refused, doing) or KubeflowError(f"Kubeflow cannot {doing}.", where=self.base) from error
        except urllib3.exceptions.HTTPError as error:
            raise unreachable(error, self.place.endpoint) from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # The client took something for its object that is none: a page, say.
            wrong = self._judge(_last_answer(client), doing)
            if wrong is None:
                raise
            raise wrong from error
        wrong = self._judge(_last_answer(client), doing)
        if wrong is not None:
            raise wrong
        return found

    def _judge(self, answer: Answer | None, doing: str) -> KubeflowError | None:
        if answer is None:
            return None
        found = problem(answer, where=self.base or self.place.endpoint, doing=doing)
        self._accepted = self._accepted or found is None
        return found

    def _client(self) -> Any:
        """The client with the login's headers; one for all calls, so that its connection is kept."""
        if self._kept is None:
            settings = api.Configuration()
            settings.host = self.base
            settings.ssl_ca_cert = str(self.place.certificates)
            settings.proxy = self.place.proxy or None
            settings.proxy_headers = _proxy_login(self.place.proxy)
            settings.retries = urllib3.Retry(total=0, redirect=0, raise_on_redirect=False)
            self._kept = api.ApiClient(settings)
        self._kept.last_response = None
        for name, value in self.login.headers().items():
            self._kept.set_default_header(name, value)
        return self._kept


def insist(
    ask: Callable[[], Any], *, patience: float, pause: float, tell: Callable[[str], None], stop: threading.Event
) -> Any:
    """Asks again while the server is away, with growing pauses, until the patience is at its end.

    Args:
        ask: What is asked.
        patience: Seconds.
        pause: The first pause; it doubles up to a minute.
        tell: Told once that the server is away, and once that it is back.
        stop: Ends the waiting.

    Raises:
        Away: It was away for longer than the patience.
    """
    began: float | None = None
    while True:
        try:
            found = ask()
        except Away as error:
            now = time.monotonic()
            if began is None:
                began = now
                tell(f"{error.message} Trying again ...")
            if now - began + pause > patience or stop.wait(pause):
                raise
            pause = min(pause * 2, 60.0)
            continue
        if began is not None:
            tell("Kubeflow answers again.")
        return found


def _last_answer(client: Any) -> Answer | None:
    """The answer that the client read last; it tells nobody else its code and kind."""
    last = getattr(client, "last_response", None)
    if last is None:
        return None
    text = last.data if isinstance(last.data, str) else last.data.decode("utf-8", "replace")
    return Answer(last.status, str(last.getheader("content-type") or ""), text)


def _proxy_login(proxy: str) -> Any:
    """The header for a proxy whose address holds a user and a password, which urllib3 does not read there."""
    parts = urlsplit(proxy)
    if not parts.username:
        return None
    return urllib3.make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")


def _page_in_front(page: PageShown) -> Away:
    return Away("Kubeflow shows a page instead of an answer.", where=page.where, hint=page.hint)
