"""Where Kubeflow is and how it is reached: address, namespace, proxy, and whose certificates are trusted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from requests.utils import select_proxy, should_bypass_proxies

from helpers import certificates
from helpers.errors import ConfigurationError
from helpers.kubeflow_answers import KubeflowError
from helpers.kubeflow_config import Kubeflow

TUNNEL = "MLOPSGEN_TUNNEL"
"""The variable with the address of the proxy that leads into the ssh tunnel; for a verb's own processes."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A Kubeflow.

    Attributes:
        endpoint: Its address, without a slash at the end.
        namespace: The namespace of the runs; empty where nobody named one.
        ui: The address of its pages, where it is another one.
        certificates: File with the certificates that are trusted.
        proxy: Address of the proxy that leads there; empty for none.
    """

    endpoint: str
    namespace: str
    ui: str
    certificates: Path
    proxy: str = ""

    @property
    def origin(self) -> str:
        """The address without its path."""
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{parts.netloc}"


def find_place(settings: Kubeflow, environ: Mapping[str, str], *, root: Path, folder: Path, where: str) -> Place:
    """The Kubeflow that the configuration and the environment name.

    Args:
        settings: The section ``kubeflow`` of the branch.
        environ: The environment.
        root: The repository; a relative file of certificates lies in it.
        folder: Where certificates out of the environment are written.
        where: The configuration file, for messages.

    Raises:
        ConfigurationError: No address is named, or it is none; a certificate cannot be read.
    """
    named = settings.endpoint.strip() or environ.get("KUBEFLOW_ENDPOINT", "").strip()
    origin = f"{where}: kubeflow.endpoint" if settings.endpoint.strip() else "KUBEFLOW_ENDPOINT"
    if not named:
        raise ConfigurationError(
            "No address of Kubeflow is named.",
            where=f"{where}: kubeflow.endpoint",
            hint="Set kubeflow.endpoint, or the variable KUBEFLOW_ENDPOINT.",
        )
    endpoint = _address(named, origin)
    ui = settings.ui.strip() or environ.get("KF_PIPELINES_UI_ENDPOINT", "").strip()
    return Place(
        endpoint=endpoint,
        namespace=settings.namespace.strip() or environ.get("KUBEFLOW_NAMESPACE", "").strip(),
        ui=_address(ui, "kubeflow.ui") if ui else "",
        certificates=_certificates(settings, environ, root, folder, where),
        proxy=_tunnel(environ, where) if settings.access.ssh else _proxy(endpoint, environ),
    )


def _address(text: str, where: str) -> str:
    """An address without what follows the API's own: people copy it from a browser."""
    address = text if "://" in text else f"https://{text}"
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"'{parts.scheme}://...' is no address of Kubeflow.", where=where)
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(
            "The address holds a user or a password.",
            where=where,
            hint="Take it out, and give KUBEFLOW_USERNAME and KUBEFLOW_PASSWORD as secrets.",
        )
    path = re.sub(r"/apis(/.*)?$", "", parts.path.rstrip("/"))
    path = path.removesuffix("/_/pipeline") + "/pipeline" if path.endswith("/_/pipeline") else path
    return f"{parts.scheme}://{parts.netloc}{path}"


def _certificates(settings: Kubeflow, environ: Mapping[str, str], root: Path, folder: Path, where: str) -> Path:
    """The public authorities, or what the machine was told to trust, and the private one if there is one."""
    if settings.ca.strip():
        file, origin = root / settings.ca.strip(), f"{where}: kubeflow.ca"
        try:
            private = certificates.checked(file.read_text(encoding="ascii"), where=origin)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"The certificate cannot be read: {type(error).__name__}.", where=origin
            ) from error
    else:
        private = certificates.private_authority(environ)
    public = certificates.public_authorities(environ)
    return certificates.bundle(private, public, folder) if private else public


def _tunnel(environ: Mapping[str, str], where: str) -> str:
    """The proxy that leads into the ssh tunnel, which somebody has to have opened: nothing goes another way."""
    if not environ.get(TUNNEL):
        raise KubeflowError("The ssh tunnel to Kubeflow is not open.", where=f"{where}: kubeflow.access")
    return environ[TUNNEL]


def _proxy(endpoint: str, environ: Mapping[str, str]) -> str:
    """The proxy that the environment names for an address."""
    names = {name.lower(): value for name, value in sorted(environ.items()) if name.lower().endswith("_proxy")}
    if should_bypass_proxies(endpoint, no_proxy=names.get("no_proxy", "")):
        return ""
    found = {kind: names[f"{kind}_proxy"] for kind in ("http", "https", "all") if names.get(f"{kind}_proxy")}
    return str(select_proxy(endpoint, found) or "")
