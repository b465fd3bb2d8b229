"""A private authority reaches every library through one file."""

from __future__ import annotations

import ssl
from pathlib import Path

import certifi
import pytest

from helpers.certificates import VARIABLES, trusting
from helpers.errors import ConfigurationError

# Any certificate does; the first of the public ones is one that everybody has.
SOME = Path(certifi.where()).read_text(encoding="utf-8")
PEM = SOME[SOME.index("-----BEGIN") : SOME.index("-----END CERTIFICATE-----") + len("-----END CERTIFICATE-----")]


def test_without_it_nothing_changes(tmp_path: Path) -> None:
    assert trusting({"A": "b", "CA_CERTIFICATE": ""}, tmp_path / "runs") == {"A": "b", "CA_CERTIFICATE": ""}
    assert not (tmp_path / "runs").exists()


def test_the_certificate_stands_beside_the_public_ones(tmp_path: Path) -> None:
    for text in (PEM, PEM.replace("\n", "\\n")):
        found = trusting({"CA_CERTIFICATE": text}, tmp_path / "runs")
        (file,) = {found[name] for name in VARIABLES}
        content = Path(file).read_text(encoding="utf-8")
        assert content.count("BEGIN CERTIFICATE") == SOME.count("BEGIN CERTIFICATE") + 1
        ssl.create_default_context(cafile=file)
    own = tmp_path / "own.pem"
    own.write_text(PEM, encoding="ascii")
    found = trusting({"CA_CERTIFICATE": str(own), "SSL_CERT_FILE": str(own)}, tmp_path / "runs")
    assert Path(found["AWS_CA_BUNDLE"]).read_text(encoding="utf-8").count("BEGIN CERTIFICATE") == 2


@pytest.mark.parametrize("text", ["hello", "-----BEGIN CERTIFICATE-----\nhello\n-----END CERTIFICATE-----"])
def test_what_is_none_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match="no certificate") as caught:
        trusting({"CA_CERTIFICATE": text}, tmp_path)
    assert "hello" not in str(caught.value)
