"""Whose certificates are trusted: public authorities, the machine's own, and a private one out of CA_CERTIFICATE."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

import certifi

from helpers.errors import ConfigurationError

PRIVATE = "CA_CERTIFICATE"
"""The secret with the certificate (PEM text) of a private authority."""

HINT = (
    f"If the server's certificate is of a private authority, put that authority's certificate (PEM) into {PRIVATE}: "
    "a secret in CI, a line in .env here."
)


def context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """What a connection with TLS is checked against.

    Raises:
        ConfigurationError: CA_CERTIFICATE or a file that SSL_CERT_FILE names holds no certificate.
    """
    made = ssl.create_default_context(cafile=certifi.where())
    made.load_default_certs()
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        file = environ.get(name, "").strip()
        try:
            if file:
                made.load_verify_locations(cafile=file)
        except OSError as error:  # also what OpenSSL does not understand
            raise ConfigurationError(f"The certificates cannot be read: {type(error).__name__}.", where=name) from error
    private = environ.get(PRIVATE, "").strip()
    if private:
        try:
            made.load_verify_locations(cadata=_text(private))
        except (ssl.SSLError, ValueError, OSError) as error:
            raise ConfigurationError(
                "This is no certificate.",
                where=PRIVATE,
                hint="It has to be PEM text that starts with -----BEGIN CERTIFICATE-----, or the path of such a file.",
            ) from error
    return made


def _text(value: str) -> str:
    if "-----BEGIN" not in value:
        return Path(value).read_text(encoding="ascii")
    return value.replace("\\n", "\n")  # one line of a dotenv file
