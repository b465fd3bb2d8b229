"""The login through oauth2-proxy and Dex, as Kubeflow is deployed: a browser's way, done by a program.

The proxy sends to Dex, Dex shows a form, the form's answer leads back to the proxy, which gives a cookie. What differs
between installations: where the way begins, whether several ways to log in are offered, whether Dex asks for approval.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit, urlunsplit

import requests

from helpers.kubeflow_answers import Away, KubeflowAccessError, told_instead, unreachable

STARTS = ("/oauth2/start?rd=/", "/")
"""Where the way to the login form begins: at oauth2-proxy's own address, else wherever the entrance leads to."""

TIMEOUT = (10, 30)


@dataclass
class Form:
    """A form of a page: its address, what it holds already, the names of its fields."""

    action: str = ""
    values: dict[str, str] = field(default_factory=dict)
    fields: list[str] = field(default_factory=list)


class _Page(HTMLParser):
    """The forms and links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(found.get("action", "")))
        elif tag == "a" and found.get("href"):
            self.links.append(found["href"])
        elif tag in ("input", "button") and self.forms and found.get("name"):
            self.forms[-1].fields.append(found["name"])
            if found.get("type") == "hidden":
                self.forms[-1].values[found["name"]] = found.get("value", "")


class DexLogin:
    """One login of a user.

    Args:
        session: Keeps the cookies; it asks nobody else's settings (``trust_env`` is off).
        origin: Scheme and host of Kubeflow.
        endpoint: Its address; old installations begin there.
    """

    def __init__(self, session: requests.Session, origin: str, endpoint: str) -> None:
        self.session, self.origin, self.endpoint = session, origin, endpoint

    def log_in(self, username: str, password: str) -> None:
        """Goes the way to its end; afterwards the session holds the cookie.

        Raises:
            KubeflowAccessError: The password is wrong, or the way is another one than Dex's.
            Away: A server on the way does not answer.
        """
        page = self._form_page()
        form = _login_form(page)
        if form is None:
            raise KubeflowAccessError(
                f"The login page has no field for a password (HTTP {page.status_code}).",
                where=_shown(page.url),
                hint="login: dex needs Dex's own password form; use a token or a cookie where another service logs in.",
            )
        target = urljoin(page.url, form.action)
        self._refuse_plain_text(target)
        answer = self._ask("POST", target, {**form.values, "login": username, "password": password})
        if _is_dex(answer.url) and (answer.status_code == 401 or _login_form(answer) is not None):
            raise KubeflowAccessError(
                "Dex does not accept the user or the password.",
                where=_shown(target),
                hint="Correct the secrets KUBEFLOW_USERNAME and KUBEFLOW_PASSWORD; the user is an e-mail address.",
            )
        if urlsplit(answer.url).path.rstrip("/").endswith("/approval"):
            answer = self._approve(answer)
        self._check_end(answer)

    def _form_page(self) -> requests.Response:
        """The page with the form."""
        page = self._ask("GET", self.origin + STARTS[0])
        if page.status_code == 404 and not _is_dex(page.url):
            page = self._ask("GET", self.endpoint + "/")
        path = urlsplit(page.url).path.rstrip("/")
        if path.endswith("/auth") and _login_form(page) is None:
            page = self._ask("GET", _local_connector(page))
        tunnel = told_instead(page.text, page.status_code, _shown(page.url))
        if tunnel is not None:
            raise tunnel
        if page.status_code >= 500:
            raise Away(f"The login page does not work (HTTP {page.status_code}).", where=_shown(page.url))
        return page

    def _approve(self, page: requests.Response) -> requests.Response:
        """Agrees that Kubeflow may know who logs in."""
        form = next((form for form in _Page(page.text).forms if "approval" in form.fields), Form())
        target = urljoin(page.url, form.action) if form.action else page.url
        self._refuse_plain_text(target)
        return self._ask("POST", target, {**form.values, "approval": "approve"})

    def _check_end(self, answer: requests.Response) -> None:
        """Whether the way led back, and to a cookie; what the page behind it says does not matter here."""
        if answer.status_code >= 400 and "/oauth2/callback" in answer.url:
            raise KubeflowAccessError(
                f"Dex accepted the password, and the proxy refuses the login (HTTP {answer.status_code}).",
                where=_shown(answer.url),
                hint="Is the user admitted by oauth2-proxy (its e-mail domains and groups)?",
            )
        if _is_dex(answer.url) or not list(self.session.cookies):
            raise KubeflowAccessError(
                f"The login ends at a page that nobody knows (HTTP {answer.status_code}), and gives no cookie.",
                where=_shown(answer.url),
                hint="Log in with a browser once, and look at what it shows there.",
            )

    def _refuse_plain_text(self, target: str) -> None:
        if self.origin.startswith("https:") and not target.startswith("https:"):
            raise KubeflowAccessError(
                "The login form would send the password without encryption.",
                where=_shown(target),
                hint="Let Dex's issuer begin with https://.",
            )

    def _ask(self, method: str, address: str, data: dict[str, str] | None = None) -> requests.Response:
        try:
            return self.session.request(method, address, data=data, timeout=TIMEOUT)
        except requests.TooManyRedirects as error:
            raise KubeflowAccessError(
                "The login goes in circles.", where=_shown(address), hint="Is kubeflow.endpoint the public address?"
            ) from error
        except requests.RequestException as error:
            raise unreachable(error, _shown(address)) from error


def _login_form(page: requests.Response) -> Form | None:
    if "html" not in page.headers.get("content-type", "") and not page.text.lstrip().startswith("<"):
        return None
    return next((form for form in _Page(page.text).forms if {"login", "password"} <= set(form.fields)), None)


def _local_connector(page: requests.Response) -> str:
    """The address of the passwords' way to log in, where several are offered."""
    parts = urlsplit(page.url)
    links = [urljoin(page.url, link) for link in _Page(page.text).links]
    local = next((link for link in links if urlsplit(link).path.rstrip("/").endswith("/local")), "")
    return local or urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/local"))


def _is_dex(address: str) -> bool:
    path = urlsplit(address).path
    return "/dex/" in path or path.rstrip("/").endswith(("/auth", "/approval", "/login"))


def _shown(address: str) -> str:
    """An address without its query, which holds the state of the login."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
