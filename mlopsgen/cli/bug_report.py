"""A mistake of ours: a report file that a person can send without giving away names or secrets, and its path."""

from __future__ import annotations

import platform
import re
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from mlopsgen import __version__
from mlopsgen.constants import BRANCHES, CANONICAL_TEMPLATE
from mlopsgen.errors import ExitCode, MlopsgenError
from mlopsgen.secret_value import STARS, SecretValue
from mlopsgen.secret_value import redact as without_secrets
from mlopsgen.settings import state_folder

_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|COOKIE|_KEY$|_PAT$|AUTH", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"(?P<scheme>\w+://)[^/\s@]+@|\b(?:gh[opsur]_|github_pat_|glpat-|xox[abp]-|AKIA)[\w-]{8,}|\beyJ[\w-]{10,}\.[\w.-]+"
)

_WORDS = {"secrets", "list", "set", "rotate", "check", "manifest", "json", "text", *BRANCHES}


class Bug(MlopsgenError):
    """Our mistake; ``where`` is the report file."""

    code = "bug"
    exit_code = ExitCode.BUG


def redact(text: str, environ: Mapping[str, str]) -> str:
    """The text without the environment's secrets, credentials in addresses, tokens, and the name of the home folder."""
    named = [SecretValue(value) for name, value in environ.items() if _SECRET_NAME.search(name)]
    text = without_secrets(text)
    del named
    text = _SECRET_TEXT.sub(lambda found: f"{found['scheme'] or ''}{STARS}{'@' if found['scheme'] else ''}", text)
    home = environ.get("HOME") or environ.get("USERPROFILE") or ""
    return text.replace(home, "~") if len(home) > 1 else text


def write(error: BaseException, environ: Mapping[str, str], arguments: Sequence[str]) -> Bug:
    """Write the report and return the error that names it.

    Args:
        error: What was raised.
        environ: The environment; its secrets are left out of the report.
        arguments: The command line.
    """
    parts = [
        f"mlopsgen {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"command: mlopsgen {' '.join(_shown(arguments))}",
        "",
        "".join(traceback.format_exception(error)),
    ]
    text = redact("\n".join(parts), environ)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = _store(f"bug-{stamp}.txt", text, environ)
    message = redact(f"This is a mistake in mlopsgen: {type(error).__name__}: {error}", environ)
    if path is None:
        sys.stderr.write(text)
        return Bug(message, hint=f"Please report it at {CANONICAL_TEMPLATE}/issues with the text above.")
    hint = f"Please report it at {CANONICAL_TEMPLATE}/issues with the file {path}; look at it before you send it."
    return Bug(message, hint=hint, where=str(path))


def _shown(arguments: Sequence[str]) -> list[str]:
    """The command line; of 'secrets' only what cannot be a value that somebody put there by mistake."""
    if "secrets" not in arguments[:3]:
        return list(arguments)
    return [word if word in _WORDS or re.fullmatch(r"--?[a-z-]{1,12}", word) else STARS for word in arguments]


def _store(name: str, text: str, environ: Mapping[str, str]) -> Path | None:
    state = state_folder(environ)
    folders = [state] if state else []
    for folder in [*folders, Path(tempfile.gettempdir()) / "mlopsgen"]:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        except OSError:
            continue
        return folder / name
    return None
