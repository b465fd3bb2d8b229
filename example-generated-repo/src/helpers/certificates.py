"""Whose certificates are trusted: public authorities, the machine's own, and a private one out of CA_CERTIFICATE.

Python's own connections take a context. Libraries want a file, which the usual variables name for them. Nothing but the
standard library has to be there: some tasks of workflows run before ``make setup``.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path

from helpers.errors import ConfigurationError

PRIVATE = "CA_CERTIFICATE"
"""The secret with the certificate of a private authority: PEM text, or the path of such a file."""

HINT = (
    f"If the server's certificate is of a private authority, put that authority's certificate (PEM) into {PRIVATE}: "
    "a secret in CI, a line in .env here."
)
VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "AWS_CA_BUNDLE", "GIT_SSL_CAINFO")
"""What requests (and MLflow), OpenSSL, botocore and git read."""


def context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """What a connection with TLS is checked against.

    Raises:
        ConfigurationError: CA_CERTIFICATE, or a file that another variable names, holds no certificate.
    """
    made = ssl.create_default_context()
    with contextlib.suppress(ImportError):
        import certifi

        made.load_verify_locations(cafile=certifi.where())
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
        file = environ.get(name, "").strip()
        try:
            if file:
                made.load_verify_locations(cafile=file)
        except OSError as error:  # also what OpenSSL does not understand
            raise ConfigurationError(f"The certificates cannot be read: {type(error).__name__}.", where=name) from error
    private = private_authority(environ)
    if private:
        made.load_verify_locations(cadata=private)
    return made


def private_authority(environ: Mapping[str, str]) -> str:
    """The certificate of the private authority, as PEM text; empty when there is none.

    Raises:
        ConfigurationError: The variable holds no certificate.
    """
    text = environ.get(PRIVATE, "").strip()
    if not text:
        return ""
    try:
        return checked(text if "-----BEGIN" in text else Path(text).read_text(encoding="ascii"), where=PRIVATE)
    except (OSError, ValueError) as error:
        raise _no_certificate(PRIVATE) from error


def checked(text: str, *, where: str) -> str:
    """A certificate as PEM text, also one that a dotenv file holds in one line.

    Raises:
        ConfigurationError: It is none.
    """
    pem = text.replace("\\n", "\n")
    try:
        ssl.create_default_context().load_verify_locations(cadata=pem)
    except (OSError, ValueError) as error:  # what OpenSSL does not understand is an OSError too
        raise _no_certificate(where) from error
    return pem


def trusting(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment, in which libraries find the public authorities and the private one in one file.

    Args:
        environ: The environment; without the variable it stays as it is.
        folder: Where the file is written.

    Raises:
        ConfigurationError: The variable holds no certificate.
    """
    private = private_authority(environ)
    if not private:
        return dict(environ)
    return {**environ, **dict.fromkeys(VARIABLES, str(bundle(private, public_authorities(environ), folder)))}


def public_authorities(environ: Mapping[str, str]) -> Path:
    """The file of authorities that the machine was told to trust, else that of the public ones."""
    import certifi

    return Path(next((environ[name] for name in VARIABLES if environ.get(name)), certifi.where()))


def bundle(private: str, public: Path, folder: Path) -> Path:
    """Writes public authorities and a private one into one file, whole or not at all.

    Raises:
        ConfigurationError: The public ones cannot be read, or the file cannot be written.
    """
    path = folder / "certificates.pem"
    try:
        text = f"{public.read_text(encoding='utf-8')}\n{private}\n"
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".certificates-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)  # several commands may do this at once
    except OSError as error:
        raise ConfigurationError(
            f"The certificates cannot be read or written: {error.strerror}.", where=str(public)
        ) from error
    return path


def _no_certificate(where: str) -> ConfigurationError:
    return ConfigurationError(
        "This is no certificate.",
        where=where,
        hint="It has to be PEM text that begins with -----BEGIN CERTIFICATE-----, or the path of such a file.",
    )
