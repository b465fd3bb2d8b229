"""What the worker passes on of the environment that it was started from: the machine's, never the pusher's."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

_LITTLE = 300_000_000
"""Bytes of free space below which what failed most likely failed for want of it."""
_MACHINE = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "USER", "LOGNAME")
_NETWORK = re.compile(r"(https?|all|no)_proxy|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE", re.IGNORECASE)
# Where packages come from is set for the machine by variables like these; others (PIP_TARGET, PIP_USER, ...) would
# put the packages somewhere else.
_PACKAGES = re.compile(
    r"PIP_(INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|CONFIG_FILE|CACHE_DIR|CERT|CLIENT_CERT|PROXY|TRUSTED_HOST"
    r"|DEFAULT_TIMEOUT|RETRIES|DISABLE_PIP_VERSION_CHECK)"
    r"|UV_(INDEX|DEFAULT_INDEX|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|OFFLINE|CACHE_DIR|CONFIG_FILE"
    r"|HTTP_TIMEOUT|NATIVE_TLS|SYSTEM_CERTS|INSECURE_HOST)"
    r"|XDG_(CACHE|CONFIG)_HOME"
)


def for_worker(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """The environment of the detached worker: the machine's settings and where packages come from."""
    kept = {name: value for name, value in environ.items() if _NETWORK.fullmatch(name) or _PACKAGES.fullmatch(name)}
    return _machine(environ, home) | kept


def for_training(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """The environment of a training before its branch's variables: no package index, no proxy password."""
    network = {name: value for name, value in environ.items() if _NETWORK.fullmatch(name) and "@" not in value}
    return _machine(environ, home) | network


def search_path(environ: Mapping[str, str]) -> str:
    """``PATH`` without the folders of an activated virtual environment."""
    strangers = [Path(environ[name]) for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if environ.get(name)]
    entries = environ.get("PATH", os.defpath).split(os.pathsep)
    kept = [
        entry for entry in entries if entry and not any(Path(entry).is_relative_to(stranger) for stranger in strangers)
    ]
    return os.pathsep.join(kept) or os.defpath


def user_name(environ: Mapping[str, str]) -> str:
    """Who started this, as the operating system says it."""
    named = environ.get("LOGNAME") or environ.get("USER") or environ.get("USERNAME")
    if named:
        return named
    try:
        import pwd  # noqa: PLC0415 - not on Windows, which sets USERNAME
    except ImportError:
        return "unknown"
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run under a number that nobody has
        return f"uid-{os.getuid()}"


def full_disk(folder: Path) -> str:
    """A hint where the disk of a folder is about full; else nothing."""
    free = shutil.disk_usage(folder).free
    return f"Only {free / 1e6:.0f} MB are free in {folder}: free some space. " if free < _LITTLE else ""


def command(program: Path, *arguments: str) -> list[str]:
    """The command that starts the worker program: isolated from ``PYTHON*``, the current folder and the locale."""
    return [sys.executable, "-I", "-X", "utf8", str(program), *arguments]


def _machine(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    kept = {name: environ[name] for name in _MACHINE if environ.get(name)}
    # Tools that keep a cache fail in strange ways without a home.
    return {"HOME": str(home), **kept, "PATH": search_path(environ)}
