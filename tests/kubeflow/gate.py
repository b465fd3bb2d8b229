"""Who asks: the fake's API server alone, or oauth2-proxy with Dex in front of it, as they were measured to answer."""

from __future__ import annotations

import base64
import html
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from .web import Answer, Call, page, redirect

COOKIE = "oauth2_proxy_kubeflow"
TARGETS = ("/apis/", "/pipeline/apis/")


@dataclass
class Gate:
    """What stands in front of the API server.

    Attributes:
        proxy: Whether oauth2-proxy and Dex are there; without them the API server itself looks at bearer tokens.
        older: Whether the proxy is an old one without routes for APIs: it sends everybody to the login page.
        passwords: Dex's users.
        tokens: Bearer tokens that are accepted, and whose they are.
        bearer: Whether the proxy lets bearer tokens in.
        approval: Whether Dex asks for approval.
        connectors: The ways to log in that Dex offers.
        lasting: Tokens that do not run out with the others.
        refused: Users that Dex knows and the proxy does not admit.
        logins: How often somebody logged in.
        asked: Requests to Dex, by path.
    """

    proxy: bool = False
    older: bool = False
    passwords: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    bearer: bool = True
    approval: bool = False
    connectors: tuple[str, ...] = ("local",)
    lasting: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    logins: int = 0
    asked: list[str] = field(default_factory=list)
    sessions: dict[str, str] = field(default_factory=dict)
    _states: dict[str, str] = field(default_factory=dict)
    _codes: dict[str, str] = field(default_factory=dict)

    def answer(self, call: Call, api: Callable[[Call], Answer]) -> Answer:
        """Lets a call through to the API server, or answers in its place."""
        if not self.proxy:
            call.user = self.tokens.get(call.bearer, "")
            if call.bearer and not call.user:
                return _unauthenticated()
            return api(call)
        if call.path.startswith("/oauth2/"):
            return self._proxy(call)
        if call.path.startswith("/dex/"):
            self.asked.append(f"{call.method} {call.path}")
            return self._dex(call)
        call.user = self._identity(call)
        if call.user:
            return api(call)
        return self._stranger(call)

    def session(self, user: str) -> str:
        """A new session of a user, as the cookie's value."""
        value = base64.urlsafe_b64encode(secrets.token_bytes(1500)).decode().rstrip("=")
        self.sessions[value] = user
        return value

    def expire(self) -> None:
        """Everything that was given out has run out."""
        self.sessions.clear()
        self.tokens = {token: user for token, user in self.tokens.items() if token in self.lasting}

    def _identity(self, call: Call) -> str:
        if self.bearer and call.bearer in self.tokens:
            return self.tokens[call.bearer]
        return self.sessions.get(call.cookies.get(COOKIE, ""), "")

    def _stranger(self, call: Call) -> Answer:
        wants_json = "application/json" in call.headers.get("accept", "")
        if self.older:
            if wants_json and call.path.startswith(TARGETS):
                return Answer(401, "{}", {"Content-Type": "application/json"})
            return redirect(self._authorize(call.path))
        if call.path.startswith(TARGETS):
            return Answer(401, "{}", {"Content-Type": "application/json"})
        button = '<form action="/oauth2/start"><input type="hidden" name="rd" value="/"><button>Sign in</button></form>'
        return page("Sign In", button, 403)

    # oauth2-proxy

    def _proxy(self, call: Call) -> Answer:
        if call.path == "/oauth2/start" and not self.older:
            return redirect(self._authorize(call.query.get("rd", "/")))
        if call.path == "/oauth2/callback":
            user = self._codes.pop(call.query.get("code", ""), "")
            if not user or user in self.refused:
                return page("Forbidden", "Invalid account", 403)
            self.logins += 1
            target = call.query.get("state", ":/").partition(":")[2]
            return redirect(target, 302, f"{COOKIE}={self.session(user)}; Path=/; HttpOnly")
        return page("Not Found", "404", 404)

    def _authorize(self, target: str) -> str:
        state = f"{secrets.token_hex(8)}:{target}"
        query = {"client_id": "kubeflow-oidc-authservice", "state": state, "scope": "openid email"}
        return f"/dex/auth?{urlencode(query)}"

    # Dex

    def _dex(self, call: Call) -> Answer:
        if call.path == "/dex/auth":
            if len(self.connectors) == 1:
                return redirect(f"/dex/auth/{self.connectors[0]}?{call.query_text}")
            links = "".join(
                f'<a href="/dex/auth/{name}?{html.escape(call.query_text)}">Log in with {name}</a>'
                for name in self.connectors
            )
            return page("dex", links)
        if call.path == "/dex/auth/local":
            key = secrets.token_urlsafe(12)
            self._states[key] = call.query.get("state", "")
            return redirect(f"/dex/auth/local/login?{urlencode({'back': '', 'state': key})}")
        if call.path == "/dex/auth/local/login":
            return self._password(call)
        if call.path == "/dex/approval":
            return self._approval(call)
        return page("dex", "Not Found", 404)

    def _password(self, call: Call) -> Answer:
        key = call.query.get("state", "")
        if key not in self._states:
            return page("dex", "User session error.", 400)
        if call.method == "GET":
            return self._form(key)
        user = call.form.get("login", "")
        if not user or self.passwords.get(user) != call.form.get("password"):
            # The same form again, and it still takes the right password.
            return self._form(key, 401, "<p>Invalid Email Address and password.</p>")
        if self.approval:
            request = secrets.token_urlsafe(12)
            self._codes[f"approval:{request}"] = user
            return redirect(f"/dex/approval?{urlencode({'req': request, 'state': self._states.pop(key)})}", 303)
        return self._back(user, self._states.pop(key))

    def _approval(self, call: Call) -> Answer:
        request = call.query.get("req", "")
        if call.method == "GET":
            hidden = f'<input type="hidden" name="req" value="{request}"><input type="hidden" name="approval" value='
            forms = [
                f'<form method="post">{hidden}"{word}"><button>OK</button></form>' for word in ("approve", "rejected")
            ]
            return page("dex", "".join(forms))
        user = self._codes.pop(f"approval:{request}", "")
        if not user or call.form.get("approval") != "approve":
            return page("dex", "Approval rejected.", 500)
        return self._back(user, call.query.get("state", ""))

    def _back(self, user: str, state: str) -> Answer:
        code = secrets.token_urlsafe(16)
        self._codes[code] = user
        return redirect(f"/oauth2/callback?{urlencode({'code': code, 'state': state})}", 303)

    @staticmethod
    def _form(key: str, status: int = 200, note: str = "") -> Answer:
        action = html.escape(f"/dex/auth/local/login?{urlencode({'back': '', 'state': key})}")
        fields = '<input name="login" type="text"><input name="password" type="password"><button>Login</button>'
        return page("dex", f'{note}<form method="post" action="{action}">{fields}</form>', status)


def _unauthenticated() -> Answer:
    message = "Unauthenticated: Failed to authenticate token review: the token is not accepted"
    return Answer(401, {"error": message, "code": 16, "message": message, "details": []})


def id_token(user: str) -> str:
    """A token like those that Dex gives out; the fake accepts those that it was told of."""
    parts = [{"alg": "RS256"}, {"iss": "dex", "email": user, "jti": secrets.token_hex(8)}]
    text = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*text, secrets.token_urlsafe(32)])
