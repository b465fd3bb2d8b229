"""A private authority for every library: ``CA_CERTIFICATE`` holds its certificate as text, libraries want a file."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path

from helpers.errors import ConfigurationError

PRIVATE = "CA_CERTIFICATE"
VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "AWS_CA_BUNDLE", "GIT_SSL_CAINFO")
"""What requests (and MLflow), OpenSSL, botocore and git read."""


def trusting(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment, in which libraries find the public authorities and the private one in one file.

    Args:
        environ: The environment; without the variable it stays as it is.
        folder: Where the file is written.

    Raises:
        ConfigurationError: The variable holds no certificate.
    """
    text = environ.get(PRIVATE, "").strip().replace("\\n", "\n")  # as one line of a dotenv file has it
    if not text:
        return dict(environ)
    try:
        private = text if "-----BEGIN" in text else Path(text).read_text(encoding="ascii")
        ssl.create_default_context().load_verify_locations(cadata=private)
    except (OSError, ValueError) as error:  # what OpenSSL does not understand is an OSError too
        raise ConfigurationError(
            "This is no certificate.",
            where=PRIVATE,
            hint="It has to be PEM text that begins with -----BEGIN CERTIFICATE-----, or the path of such a file.",
        ) from error
    import certifi

    given = next((environ[name] for name in VARIABLES if environ.get(name)), certifi.where())
    path = folder / "certificates.pem"
    try:
        public = Path(given).read_text(encoding="utf-8")
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".certificates-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{public}\n{private}\n")
        Path(temporary).replace(path)  # several commands may do this at once
    except OSError as error:
        raise ConfigurationError(
            f"The certificates cannot be read or written: {error.strerror}.", where=given
        ) from error
    return {**environ, **dict.fromkeys(VARIABLES, str(path))}
