"""What a database refused, in words: its codes are looked at where it gives them, its words where it does not."""

from __future__ import annotations

import re
from typing import Protocol

from helpers.data import network
from helpers.data.credentials import Credentials
from helpers.errors import AccessError, DataError, RepositoryError


class Asked(Protocol):
    """What was asked of the database."""

    shown: str
    what: str
    host: str
    port: int
    database: str


_LOGIN = "login"
_CODES = {
    code: cause
    for cause, codes in {
        # Those of five characters are PostgreSQL's, those of four MySQL's and MariaDB's.
        _LOGIN: ("28P01", "28000", "1045", "1698"),
        "permission": ("42501", "1044", "1142", "1143"),
        "database": ("3D000", "1049"),
        "table": ("42P01", "3F000", "1146"),
        "column": ("42703", "1054"),
        "syntax": ("42601", "1064"),
        "write": ("25006", "1792"),
        "time": ("57014", "1317", "1969", "3024"),
        "host": ("1130",),
    }.items()
    for code in codes
}
_WORDS = (
    (r"password authentication failed|no password supplied|role \".*\" does not exist|Access denied for user", _LOGIN),
    (r"no pg_hba\.conf entry|is not allowed to connect", "host"),
    (r"database \".*\" does not exist|Unknown database", "database"),
    (r"server does not support SSL|SSL connection is required|certificate verify failed", "tls"),
    (r"cryptography' package is required", "driver"),
    (r"statement timeout|timed out", "time"),
)


_CAUSES: dict[str, tuple[type[RepositoryError], bool, str, str]] = {
    "anonymous": (AccessError, False, "{server} wants a login.", "Set {login}."),
    "login": (
        AccessError,
        False,
        "{server} does not accept the user or the password.",
        "Look at {login}: wrong, expired, or for another server.",
    ),
    "host": (
        AccessError,
        False,
        "{server} lets nobody in from this machine with this login.",
        "Ask its administrator for access from here (pg_hba.conf, or the user's host).",
    ),
    "permission": (
        AccessError,
        True,
        "The login has no permission to read it.",
        "Ask for the right to SELECT for the user of {user}.",
    ),
    "database": (DataError, False, "There is no database '{database}'.", "Correct the end of 'address'."),
    "table": (
        DataError,
        True,
        "There is no such table.",
        "Correct 'table' (schema.name for one that is not in the usual schema), or the query.",
    ),
    "column": (DataError, True, "There is no such column: {said}.", "Correct 'changes_by', or the query."),
    "syntax": (DataError, True, "The database does not understand the query: {said}.", "Correct 'query'."),
    "write": (DataError, True, "The query writes; it may only read.", "Use a SELECT."),
    "time": (
        DataError,
        True,
        "The database did not answer in time.",
        "Name a column in 'changes_by' that an index knows, or make the query cheaper.",
    ),
    "tls": (
        DataError,
        False,
        "There is no TLS connection as the address asks for it.",
        "Look at sslmode and sslrootcert (PostgreSQL), ssl_ca (MySQL) in 'address'.",
    ),
    "driver": (DataError, False, "The driver needs 'cryptography' for this login.", "make add PKG=cryptography"),
}
"""The class, whether it is about the table rather than the server, what happened and the next step."""


def explain(error: BaseException, *, kind: str, place: Asked, credentials: Credentials) -> RepositoryError | None:
    """The error for people; None for one that is a mistake in this code.

    The statement and the login are never shown.
    """
    original = getattr(error, "orig", None) or error
    words = str(original)
    first = next((line.strip() for line in words.splitlines() if line.strip()), "")
    said = re.sub(r"^\(\d+,\s*['\"](.*)['\"]\)$", r"\1", first).rstrip(".")[:200]
    found = _cause(original, words)
    if found == "login" and credentials.login is None:
        found = "anonymous"
    if found:
        made, about_table, message, hint = _CAUSES[found]
        values = {
            "server": "PostgreSQL" if kind == "postgresql" else "The database server",
            "login": credentials.name("USERNAME", "PASSWORD"),
            "user": credentials.name("USERNAME"),
            "database": place.database,
            "said": said,
        }
        where = place.what if about_table else place.shown
        return made(message.format_map(values), where=where, hint=hint.format_map(values))
    told = network.explain(original, where=place.shown, host=f"{place.host}:{place.port}")
    if told is None and type(original).__module__.split(".")[0] in ("psycopg", "pymysql", "sqlalchemy"):
        return DataError(f"The database refused it: {said}.", where=place.what)
    return told


def _cause(original: BaseException, words: str) -> str:
    # PyMySQL has a code of its own besides the standard's, which tells less.
    for code in (*original.args[:1], getattr(original, "sqlstate", None)):
        if str(code) in _CODES:
            return _CODES[str(code)]
    return next((cause for pattern, cause in _WORDS if re.search(pattern, words)), "")
