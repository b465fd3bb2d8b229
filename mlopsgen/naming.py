"""The rules for names and addresses. Each check returns why a text is refused, or ``None`` where it is fine."""

from __future__ import annotations

import base64
import keyword
import re
import unicodedata
from urllib.parse import urlsplit

LONGEST_NAME = 60
LONGEST_SLUG = 40
LONGEST_LINE = 200
LONGEST_HOST_KEY = 1500
SLUG_PATTERN = r"^[a-z](?:-?[a-z0-9]+)*$"
FOLDER_KEYS = ("slug", "project_slug", "repo_name", "project_name")
"""Questions of templates whose answers name the folder, the surest first."""

NAMESPACE_PATTERN = r"^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$"
METRIC_PATTERN = r"^[a-z][a-z0-9_]*$"
SSH_PATTERN = (
    r"^[A-Za-z0-9_][A-Za-z0-9_.-]*@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[1-9][0-9]{0,4})?$"
)
SSH_HOST_KEY_PATTERN = (
    r"^(?:ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)|ssh-rsa) AAAA[A-Za-z0-9+/]+={0,2}(?: [^\r\n]*)?$"
)

_DEVICES = {"con", "prn", "aux", "nul", *(f"{device}{digit}" for device in ("com", "lpt") for digit in range(1, 10))}
_OWN_FOLDERS = {"data", "docs", "helpers", "models", "notebooks", "pipelines", "src", "steps", "tests"}
# An installed project of such a name would hide the library that its own pipeline imports.
_LIBRARIES = {
    "joblib", "kfp", "matplotlib", "mlflow", "mlopsgen", "numpy", "pandas", "pip", "pyarrow", "pydantic", "pytest",
    "requests", "scikit-learn", "scipy", "setuptools", "sklearn", "uv", "yaml",
}  # fmt: skip
_FILES = ("http", "https", "s3", "git+https", "dvc+https")
_DATABASES = ("postgresql", "mysql", "mariadb")
# An apostrophe before the '@' is a letter of people's names.
_EMAIL = re.compile(r"[^@\s,;<>\"()]+@[^@\s,;<>\"'()]+\.[^@\s,;<>\"'().]+")
_REVIEWER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:/[A-Za-z0-9_.-]+)?")
_HOST = r"(?:localhost|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+)(?::[0-9]{1,5})?"
_REGISTRY = re.compile(rf"(?:{_HOST}(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)+)?")
_RUNNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(?: *, *[A-Za-z0-9][A-Za-z0-9_.-]*)*")


def slug_of(name: str) -> str:
    """The short name made from a project's name: lower-case letters, digits and single dashes; may be empty.

    Accents are dropped ("Jöhn" is "john"); letters that have no ASCII form separate words.
    """
    plain = "".join(
        letter for letter in unicodedata.normalize("NFKD", name).casefold() if not unicodedata.combining(letter)
    )
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return slug.lstrip("-0123456789")[:LONGEST_SLUG].rstrip("-")


def check_line(text: str, longest: int = LONGEST_LINE) -> str | None:
    """A line of text that can stand in any file: short, printable, without line breaks."""
    if len(text) > longest:
        return f"it has {len(text)} characters; at most {longest} are possible"
    hidden = next((letter for letter in text if not letter.isprintable()), None)
    if hidden is not None:
        return f"it holds a character that cannot be seen (U+{ord(hidden):04X}); write it on one line, without tabs"
    return None


def check_project_name(name: str) -> str | None:
    """A name for people: letters of any language, digits, spaces and ``-_.``, beginning with a letter or digit."""
    refused = check_line(name, LONGEST_NAME)
    if refused:
        return refused
    if not name or name != name.strip():
        return "it begins or ends with a space" if name.strip() else "it is empty"
    if not name[0].isalnum():
        return f"it begins with '{name[0]}'; begin with a letter or a digit"
    # Combining marks belong to the letters of many languages.
    bad = next((c for c in name if not (c.isalnum() or c in " -_." or unicodedata.category(c) in ("Mn", "Mc"))), None)
    if bad is not None:
        return f"it holds {bad!r}; letters, digits, spaces, '-', '_' and '.' are possible"
    return None


def check_slug(slug: str) -> str | None:
    """The name of the folder, the repository, the experiments and models."""
    if len(slug) > LONGEST_SLUG:
        return f"it has {len(slug)} characters; at most {LONGEST_SLUG} are possible"
    if not re.fullmatch(SLUG_PATTERN, slug):
        return "only lower-case letters, digits and single dashes are possible, beginning with a letter"
    reserved = {
        slug in _DEVICES: "it is the name of a device on Windows, where such a folder cannot exist",
        keyword.iskeyword(slug): "it is a word of the Python language",
        slug in _OWN_FOLDERS: "it is the name of a folder of the repository",
        slug in _LIBRARIES: "it is the name of a library that the repository installs",
    }
    return reserved.get(True)


def check_endpoint(address: str) -> str | None:
    """The address of a service: http or https, a host, no credentials."""
    return _check_address(address, ("http", "https"))


def check_tracking(address: str) -> str | None:
    """An MLflow store: empty, http(s), or a database file."""
    if not address:
        return None
    if address.startswith("sqlite:///"):
        return check_line(address)
    return _check_address(address, ("http", "https", "sqlite"))


def check_data_address(address: str) -> str | None:
    """A data source: a path, or an address without credentials; of a database with the table behind a ``#``."""
    if not address.strip():
        return "it is empty; give a path in the repository, an absolute path or an http address"
    if "://" not in address:
        return check_line(address, 500)
    refused = _check_address(address, (*_FILES, *_DATABASES))
    if not refused and address.startswith(_DATABASES) and not urlsplit(address).fragment:
        return "it names no table; write it behind a '#', as in postgresql://db.example.org/sales#orders"
    return refused


def _check_address(address: str, schemes: tuple[str, ...]) -> str | None:
    *first, last = (f"{scheme}://" for scheme in schemes)
    possible = f"{', '.join(first)} or {last}"
    refused = check_line(address, 500)
    if refused or " " in address:
        return refused or "it holds a space"
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        return f"it is not an address: {error}"
    if parts.scheme not in schemes or not parts.hostname or port == 0:
        return f"it has to begin with {possible} and name a host"
    if parts.username is not None or parts.password is not None:
        return "it holds credentials; leave them out, they are asked for apart and never stored in the repository"
    return None


def check_namespace(name: str) -> str | None:
    """A Kubernetes namespace: a DNS label."""
    if len(name) > 63 or not re.fullmatch(NAMESPACE_PATTERN, name):
        return "a Kubernetes namespace has at most 63 lower-case letters, digits and dashes, no dash at either end"
    return None


def check_ssh(address: str) -> str | None:
    """A login of an ssh server: ``user@host`` or ``user@host:port``."""
    refused = check_line(address)
    if refused:
        return refused
    if not re.fullmatch(SSH_PATTERN, address):
        return "write it as user@host or user@host:port, without ssh:// and without a password"
    port = address.rpartition(":")[2]
    return "a port is at most 65535" if port.isdigit() and int(port) > 65535 else None


def check_ssh_host_key(line: str) -> str | None:
    """An ssh server's public key in one line: its type, the key in base64, perhaps a comment."""
    refused = check_line(line, LONGEST_HOST_KEY)
    if refused:
        return refused
    if not re.fullmatch(SSH_HOST_KEY_PATTERN, line):
        return (
            "it is no public host key: one line that begins with ssh-ed25519, ecdsa-sha2-... or ssh-rsa, without the "
            "host's name (ssh-keyscan HOST shows it; compare it with what the server's keeper tells you)"
        )
    kind, blob = line.split(" ")[:2]
    parts = _ssh_fields(blob)
    if len(parts) < 2 or parts[0] != kind.encode() or (kind == "ssh-ed25519" and len(parts[1]) != 32):
        return f"it is no key of the type {kind}: something of it is missing or was changed"
    return None


def _ssh_fields(blob: str) -> list[bytes]:
    """The fields of a public key, each with its length before it; none where they do not end with the key."""
    try:
        data = base64.b64decode(blob, validate=True)
    except ValueError:
        return []
    found = []
    while data:
        length = int.from_bytes(data[:4], "big")
        if len(data) < 4 + length:
            return []
        found.append(data[4 : 4 + length])
        data = data[4 + length :]
    return found


def check_runner(labels: str) -> str | None:
    """The labels of a runner, separated by commas."""
    if len(labels) > LONGEST_LINE or not _RUNNER.fullmatch(labels):
        return "give a runner's label such as 'ubuntu-24.04', or several separated by commas"
    return None


def check_registry(name: str) -> str | None:
    """An image's name without its tag: the registry's host, a path; may be empty."""
    if len(name) <= LONGEST_LINE and _REGISTRY.fullmatch(name):
        return None
    if "://" in name:
        return "it is no web address; leave the scheme out, as in ghcr.io/acme/model"
    return "give the registry's host and a path in lower-case letters, without a tag, as in ghcr.io/acme/model"


def check_email(address: str) -> str | None:
    """An e-mail address, as far as its form tells."""
    return None if len(address) <= 254 and _EMAIL.fullmatch(address) else f"'{address}' is not an e-mail address"


def check_reviewer(name: str) -> str | None:
    """A GitHub user (``name``) or team (``organisation/team``)."""
    if len(name) <= 100 and _REVIEWER.fullmatch(name):
        return None
    return f"'{name}' is neither a GitHub user ('name') nor a team ('organisation/team')"


def check_metric_name(name: str) -> str | None:
    """The name under which a metric is logged."""
    if len(name) <= LONGEST_SLUG and re.fullmatch(METRIC_PATTERN, name):
        return None
    return f"'{name}' is not a metric's name: lower-case letters, digits and '_', beginning with a letter"
