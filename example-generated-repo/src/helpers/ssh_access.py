"""The way to a branch's Kubeflow and MLflow server where they lie behind an ssh server, for the length of a verb."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from requests.utils import should_bypass_proxies

from helpers import ssh_client, ssh_keys
from helpers.config import BranchConfig
from helpers.kubeflow_trust import TUNNEL
from helpers.ssh_client import TunnelError
from helpers.ssh_config import host_keys
from helpers.ssh_tunnel import Tunnel

LONGEST_PATH = 90
"""Letters of a socket's path, of which systems take about a hundred; what ssh reads in a special way is none."""

Insist = Callable[[Callable[[], Any]], Any]


def leads_to_mlflow(config: BranchConfig, uri: str) -> bool:
    """Whether the MLflow server is reached through it."""
    server = config.kubeflow.access.ssh
    return server is not None and server.mlflow and uri.startswith(("http://", "https://"))


@contextlib.contextmanager
def through(
    config: BranchConfig,
    environ: Mapping[str, str],
    uri: str,
    *,
    tell: Callable[[str], None],
    insist: Insist = lambda ask: ask(),
) -> Iterator[dict[str, str]]:
    """The environment in which Kubeflow and MLflow are reached, as long as the block lasts.

    Args:
        config: The branch's configuration.
        environ: The environment.
        uri: The MLflow store.
        tell: Told a line when the tunnel breaks.
        insist: Calls what opens the tunnel, again where the server does not answer.

    Raises:
        ConfigurationError: The private key is missing or cannot be used.
        KubeflowError: There is no tunnel.
    """
    server = config.kubeflow.access.ssh
    if server is None or environ.get(TUNNEL):
        yield dict(environ)
        return
    text = ssh_keys.private_key(environ)
    if not hasattr(socket, "AF_UNIX") or os.name == "nt":
        raise TunnelError("There are no ssh tunnels on Windows.", where=server.to, hint="Use Linux, macOS or WSL.")
    with _folder() as folder, ssh_keys.key_file(text, folder) as key:
        own = ssh_keys.key_fingerprint(key, ssh_client.quiet(environ))
        tunnel = Tunnel(
            server.to,
            host_keys(server),
            key=key,
            own=own,
            folder=folder,
            environ=environ,
            patience=config.kubeflow.patience_minutes * 60,
            tell=tell,
        )
        try:
            insist(tunnel.open)
            assert tunnel.proxy is not None  # noqa: S101 - it is open
            yield tunnelled(environ, tunnel.proxy.address, uri if leads_to_mlflow(config, uri) else "")
        finally:
            tunnel.close()


def tunnelled(environ: Mapping[str, str], proxy: str, uri: str) -> dict[str, str]:
    """The environment with the proxy: as a variable of ours for Kubeflow, and as one that MLflow's client reads.

    ``requests`` reads ``NAME_proxy`` with ``scheme://host`` as a name, too: the proxy of that server alone. What else
    the processes speak with goes its usual way. The private key is for nobody but ssh.
    """
    found = {**{name: value for name, value in environ.items() if name != ssh_keys.VARIABLE}, TUNNEL: proxy}
    if not uri:
        return found
    parts = urlsplit(uri)
    found[f"{parts.scheme}://{parts.hostname}_proxy"] = proxy
    for name in ("NO_PROXY", "no_proxy"):
        entries = [entry.strip() for entry in environ.get(name, "").split(",") if entry.strip()]
        if entries:
            found[name] = ",".join(entry for entry in entries if not should_bypass_proxies(uri, no_proxy=entry))
    return found


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A folder that nobody else may read, with a name short enough for sockets."""
    usual = tempfile.gettempdir()
    fits = len(usual) < LONGEST_PATH - 20 and re.fullmatch(r"[\w/.+-]+", usual)
    with tempfile.TemporaryDirectory(prefix="ssh-", dir=usual if fits else "/tmp") as name:  # noqa: S108
        yield Path(name)
