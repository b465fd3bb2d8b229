"""What an answer of Kubeflow means: a result, a login that is wanted, a refusal, or a server that is not there.

In front of the API server stands a proxy that logs people in. It answers with pages, redirects and its own codes, and
the SDK takes a page with code 200 for an empty result. So every answer is judged here before anybody reads it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from helpers.data import network
from helpers.errors import ExitCode, RepositoryError

LONGEST_MESSAGE = 300
TUNNEL = "ssh:"
"""Begins what the proxy of our own ssh tunnel says; its codes are none that libraries ask again for."""

TUNNEL_UNREACHABLE, TUNNEL_OPENING, TUNNEL_GONE = 523, 503, 410
TUNNEL_ENDED = "The ssh tunnel was given up"
TUNNEL_HINT = "Is it the address on the far side of the ssh server, and does that server let it be reached?"


class KubeflowError(RepositoryError):
    """Kubeflow cannot do what was asked."""

    code = "kubeflow"


class KubeflowAccessError(KubeflowError):
    """Kubeflow wants a login, or the login may not do this."""

    code = "permission"
    exit_code = ExitCode.PERMISSION


class LoginWanted(KubeflowAccessError):
    """The answer is a login page, or says that the login has run out."""


class PageShown(LoginWanted):
    """A page came where an answer was wanted: a login's, or that of something in front that is away for a while.

    Attributes:
        form: Whether it asks for a password.
    """

    form = False


class Forbidden(KubeflowAccessError):
    """The login is accepted, and may not do this."""


class Away(KubeflowError):
    """The server does not answer, or cannot at the moment; the same call may work in a while."""

    code = "kubeflow-away"


class Missing(KubeflowError):
    """What was asked for does not exist."""


class Conflict(KubeflowError):
    """Something of that name exists already."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer.

    Attributes:
        status: Its code.
        kind: Its content type.
        text: Its body.
    """

    status: int
    kind: str = ""
    text: str = ""

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str] | None, text: str) -> Answer:
        """The answer with its headers, whatever the case of their names."""
        lower = {str(name).lower(): str(value) for name, value in (headers or {}).items()}
        return cls(status, lower.get("content-type", ""), text)

    @property
    def is_json(self) -> bool:
        """Whether it is a JSON object, whatever it calls itself."""
        try:
            return isinstance(json.loads(self.text), dict)
        except ValueError:
            return False

    @property
    def is_page(self) -> bool:
        """Whether it is a page for people."""
        return "html" in self.kind.lower() or self.text.lstrip()[:1] == "<"

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; an empty one when it is none."""
        return json.loads(self.text) if self.is_json else {}

    def message(self) -> str:
        """What the server says, without the stack that some of its errors carry behind the first line."""
        body = self.json()
        said = next((str(body[key]) for key in ("message", "error", "error_message") if body.get(key)), "")
        if not said and not self.is_page:
            said = self.text
        first = next((line.strip() for line in said.splitlines() if line.strip()), "")
        return first if len(first) <= LONGEST_MESSAGE else f"{first[:LONGEST_MESSAGE]} ..."


def problem(answer: Answer, *, where: str, doing: str) -> KubeflowError | None:
    """What is wrong with an answer; None when it is the result that was asked for.

    Args:
        answer: The answer.
        where: The address that was asked.
        doing: What was asked for, as a verb: ``create the run``.
    """
    status = answer.status
    tunnel = told_instead(answer.text, status, where)
    if tunnel is not None:
        return tunnel
    if 300 <= status < 400 or status == 401 or answer.is_page:
        return _page_or_login(answer, where, doing)
    if 200 <= status < 300:
        if answer.is_json:
            return None
        return KubeflowError(
            f"Kubeflow answered with something else than JSON when it was to {doing}.",
            where=where,
            hint="Is kubeflow.endpoint the address of Kubeflow Pipelines?",
        )
    said = answer.message()
    words = f" It says: {said}" if said else ""
    if status in (408, 425, 429) or status >= 500:
        return Away(f"Kubeflow cannot {doing} at the moment (HTTP {status}).{words}", where=where)
    if status == 403:
        return Forbidden(
            f"Kubeflow does not let this login {doing}.{words}",
            where=where,
            hint="Ask for the right to submit in the namespace (role kubeflow-edit), or correct kubeflow.namespace.",
        )
    if status == 404:
        return Missing(f"Kubeflow does not find what is needed to {doing}.{words}", where=where)
    if status == 409:
        return Conflict(f"Kubeflow has something of that name already: it cannot {doing}.{words}", where=where)
    return KubeflowError(f"Kubeflow refuses to {doing} (HTTP {status}).{words}", where=where)


def _page_or_login(answer: Answer, where: str, doing: str) -> KubeflowError:
    status = answer.status
    if status >= 500 or status == 429:
        return Away(f"Kubeflow cannot {doing} at the moment (HTTP {status}).", where=where)
    if status == 404:
        return Missing(f"There is no Kubeflow Pipelines API at this address (HTTP {status}).", where=where)
    if status == 401:
        said = answer.message() if answer.is_json else ""
        words = f" It says: {said}" if said else ""
        return LoginWanted(f"Kubeflow does not accept the login (HTTP 401).{words}", where=where)
    hint = "Is kubeflow.endpoint the address of Kubeflow, and kubeflow.login the way to log in there?"
    if 300 <= status < 400:
        return LoginWanted("Kubeflow redirects to a login.", where=where, hint=hint)
    shown = PageShown(
        f"Kubeflow shows a page instead of an answer (HTTP {status}): it wants a login.", where=where, hint=hint
    )
    shown.form = 'type="password"' in answer.text or 'name="password"' in answer.text
    return shown


def said_by_tunnel(error: BaseException, where: str) -> KubeflowError | None:
    """What the proxy of our own ssh tunnel says, as libraries hand it on; None where it was not that."""
    before = r"Tunnel connection failed: (?P<tls>\d+) |failed with error code (?P<plain>\d+) != 200\. Response body: '"
    found = re.search(rf"(?:{before}){TUNNEL} (.*?)(?:\\n)?['\")]*\s*$", str(error))
    return _of_tunnel(int(found["tls"] or found["plain"]), found[3], where) if found else None


def told_instead(text: str, status: int, where: str) -> KubeflowError | None:
    """The same for an answer without TLS, which that proxy gives in the server's place."""
    return _of_tunnel(status, text.removeprefix(TUNNEL).strip(), where) if text.startswith(TUNNEL) else None


def _of_tunnel(status: int, words: str, where: str) -> KubeflowError:
    if status == TUNNEL_GONE:
        return KubeflowError(words, where=where)
    return Away(words, where=where, hint=TUNNEL_HINT if status == TUNNEL_UNREACHABLE else "")


def unreachable(error: Exception, where: str) -> KubeflowError:
    """Why a server gave no answer: one whose certificate nobody trusts will not give one later either."""
    tunnel = said_by_tunnel(error, where)
    if tunnel is not None:
        return tunnel
    told = network.explain(error, where=where)
    host = urlsplit(where).netloc
    if told is None or "cannot be read" in told.message:
        secure = "" if where.startswith("https:") else " Does it want https?"
        hint = f"Is the address right, and reachable from this machine (VPN, proxy, a runner inside)?{secure}"
        return Away(f"'{host}' ended the connection without an answer.", where=where, hint=hint)
    if "is not trusted" in told.message:
        hint = "Give the private authority's certificate: kubeflow.ca (a file) or the secret CA_CERTIFICATE (PEM text)."
        return KubeflowError(told.message, where=where, hint=hint)
    return Away(told.message, where=where, hint=told.hint)
