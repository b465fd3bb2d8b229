"""A plain client for the fake's own tests: sends exactly what it is told, follows and repeats nothing."""

from __future__ import annotations

import base64
from typing import Any

import requests
from nacl.public import PublicKey, SealedBox

from .fake import FakeGitHub


class Caller:
    """Calls the REST API with one token (none: nobody)."""

    def __init__(self, github: FakeGitHub, token: str = "", *, repository: str = "acme/wine") -> None:
        self._github, self._repository = github, repository
        self._session = requests.Session()
        self._session.trust_env = False
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def __call__(self, method: str, path: str, body: Any = None) -> requests.Response:
        """Call ``path``; without a slash in front it lies below the repository."""
        if not path.startswith("/"):
            path = f"/repos/{self._repository}/{path}".rstrip("/")
        address = self._github.api + path
        return self._session.request(method, address, json=body, allow_redirects=False, timeout=30)

    def status(self, method: str, path: str, body: Any = None) -> int:
        """The answer's status alone."""
        return self(method, path, body).status_code

    def seal(self, value: str, path: str = "actions") -> dict[str, str]:
        """The body that puts a secret, sealed with the key that lies at ``path``."""
        key = self("GET", f"{path}/secrets/public-key").json()
        box = SealedBox(PublicKey(base64.b64decode(key["key"])))
        return {"encrypted_value": base64.b64encode(box.encrypt(value.encode())).decode(), "key_id": key["key_id"]}
