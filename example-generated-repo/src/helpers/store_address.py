"""The address of the MLflow server as steps on a cluster get it; standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit


def cluster_address(setting: str, environ: Mapping[str, str]) -> str:
    """The address that a package may name: an http(s) address without credentials; else empty.

    A file of this machine means nothing on a cluster, and credentials come from the cluster's own Secrets.
    """
    address = setting.strip() or environ.get("MLFLOW_TRACKING_URI", "").strip()
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return ""
    return address
