"""A tunnel of the generated repository, held open in a process of its environment between the questions of a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.kubeflow.sdk import InsideError, Sdk
from tests.servers.sshd import SshServer

OPEN = """
import builtins, os
from helpers import ssh_access
from helpers.config import BranchConfig

class Held:
    told = []

held = builtins.held = Held()
held.told = []
config = BranchConfig.model_validate({"version": 1, "engine": "kubeflow", "kubeflow": given["kubeflow"]})
held.opened = ssh_access.through(config, given["environ"], given["uri"], tell=held.told.append)
held.environ = held.opened.__enter__()
result = dict(held.environ)
"""
GET = """
import builtins, requests
from helpers.kubeflow_answers import unreachable
address = given["address"]
proxy = builtins.held.environ["MLOPSGEN_TUNNEL"]
session = builtins.held.session = getattr(builtins.held, "session", None) or requests.Session()  # keeps connections
session.trust_env = False
session.proxies = {"http": proxy, "https": proxy}
session.verify = given["ca"] or True
try:
    answer = session.request(given["method"], address, data=b"x" * given["size"] or None, timeout=(20, 20))
    result = [answer.status_code, answer.text]
except requests.RequestException as error:
    raise unreachable(error, address) from error
"""
CLOSE = """
import builtins
held = builtins.held
held.opened.__exit__(None, None, None)
result = held.told
"""


class Tunnels:
    """Opens tunnels to one server.

    Args:
        sdk: The process.
        server: The ssh server.
    """

    def __init__(self, sdk: Sdk, server: SshServer) -> None:
        self.sdk, self.server = sdk, server
        self.is_open = False

    def open(
        self, key: str, *, uri: str = "", minutes: float = 1, environ: Mapping[str, str] | None = None, **ssh: Any
    ) -> dict[str, str]:
        """Opens one, and gives the environment in which it is used."""
        access = {"to": self.server.to, "host_key": self.server.host_key, **ssh}
        kubeflow = {"access": {"ssh": access}, "patience_minutes": minutes}
        given = {"PATH": "/usr/bin:/bin", "SSH_KEY": key, **(environ or {})}
        found: dict[str, str] = self.sdk(OPEN, kubeflow=kubeflow, environ=given, uri=uri)
        self.is_open = True
        return found

    def refused(self, key: str, **options: Any) -> InsideError:
        """Why one cannot be opened."""
        with pytest.raises(InsideError) as caught:
            self.open(key, **options)
        return caught.value

    def get(self, address: str, *, ca: str = "", method: str = "GET", size: int = 0) -> tuple[int, str]:
        """Asks a server on the far side."""
        status, text = self.sdk(GET, address=address, ca=ca, method=method, size=size)
        return status, text

    def lost(self, address: str, **options: Any) -> InsideError:
        """Why a server on the far side cannot be asked."""
        with pytest.raises(InsideError) as caught:
            self.get(address, **options)
        return caught.value

    @property
    def told(self) -> list[str]:
        """What was told meanwhile."""
        told: list[str] = self.sdk("import builtins; result = builtins.held.told")
        return told

    def close(self) -> list[str]:
        """Closes it, and gives what was told."""
        self.is_open = False
        told: list[str] = self.sdk(CLOSE)
        return told
