"""Where the values of secrets come from: variables of the environment, a dotenv file, one given value, a person.

Never the command line: the list of processes shows it to everybody on the machine.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import InvalidDocument, MlopsgenError, UsageError, from_os_error
from mlopsgen.events import Warn
from mlopsgen.forge.worker import envfile
from mlopsgen.ports import EventSink
from mlopsgen.remote.needs import Need, repository_name
from mlopsgen.secret_value import SecretValue

VARIABLE_PREFIX = "MLOPSGEN_SECRET_"
"""``MLOPSGEN_SECRET_STAGING_NAME`` is the value for one environment, ``MLOPSGEN_SECRET_NAME`` for all of them."""

Ask = Callable[[str, str], SecretValue]
"""Asks a person: a title and a line that explains; nothing typed is empty."""

_LARGEST_FILE = 10_000_000


class SecretSource(Protocol):
    """A place that may hold values."""

    def find(self, need: Need) -> SecretValue | None:
        """The value of a secret, or ``None`` where there is none; an empty one counts as none."""


class Named:
    """Values under the names of the secrets, with or without the environment before it: ``STAGING_NAME``, ``NAME``.

    Args:
        values: The values by name; empty ones count as none.
        file: The file that they came from, if it was one.
    """

    def __init__(self, values: Mapping[str, SecretValue], *, file: str = "") -> None:
        self._values = {name.upper(): value for name, value in values.items() if value}
        self.file = file

    def find(self, need: Need) -> SecretValue | None:
        """The environment's own value, else the one for all."""
        return next((self._values[name] for name in _names(need) if name in self._values), None)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that is there."""
        return tuple(sorted(self._values))

    def unknown(self, needs: Iterable[Need]) -> tuple[str, ...]:
        """The names that none of the needs asks for."""
        return tuple(sorted(set(self._values) - {name for need in needs for name in _names(need)}))


def _names(need: Need) -> tuple[str, str]:
    return repository_name(need.environment, need.name).upper(), need.name.upper()


@dataclass(frozen=True)
class Single:
    """One value, whatever it is asked for."""

    value: SecretValue

    def find(self, need: Need) -> SecretValue | None:  # noqa: ARG002 - the protocol's signature
        """The value."""
        return self.value or None


@dataclass(frozen=True)
class Asked:
    """A person who is asked for each value."""

    ask: Ask

    def find(self, need: Need) -> SecretValue | None:
        """What the person types; nothing typed is none."""
        title = f"{need.name} for {need.environment or 'the repository'}"
        return self.ask(title, need.purpose[:1].upper() + need.purpose[1:] + ".") or None


@dataclass(frozen=True)
class FirstOf:
    """Several sources; the first that has a value counts."""

    sources: Sequence[SecretSource]

    def find(self, need: Need) -> SecretValue | None:
        """The first value."""
        return next((value for source in self.sources if (value := source.find(need)) is not None), None)


def from_variables(environ: Mapping[str, str]) -> Named:
    """The values in variables that begin with :data:`VARIABLE_PREFIX`."""
    start = len(VARIABLE_PREFIX)
    return Named({name[start:]: SecretValue(text) for name, text in environ.items() if _is_ours(name)})


def from_variable(name: str, environ: Mapping[str, str]) -> Single:
    """The value in one variable, exactly as it is there.

    Raises:
        UsageError: There is no such variable, or it is empty.
    """
    if not envfile.NAME.fullmatch(name):
        raise UsageError(
            "--from-env takes the name of a variable, and what was given is no name.",
            where="--from-env",
            hint="Put the value into a variable and give that variable's name.",
        )
    text = environ.get(name, "")
    if not text:
        # The name is not repeated: it may be a value that was put there by mistake.
        state = "is empty" if name in environ else "is not set"
        raise UsageError(
            f"The variable that --from-env names {state}.", where="--from-env", hint="Give a variable that holds it."
        )
    return Single(SecretValue(text))


def from_stream(data: bytes) -> Single:
    """The value that was piped in; one line end at its end belongs to the pipe (``echo``), not to the value.

    Raises:
        UsageError: There was nothing, or it is no text.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise _not_text("standard input") from None
    text = text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
    if not text:
        raise UsageError("Standard input is empty.", where="--stdin", hint="Pipe the value in.")
    return Single(SecretValue(text))


def from_file(path: Path, environ: Mapping[str, str], events: EventSink) -> Named:
    """The values of a dotenv file that git cannot take into a commit.

    Raises:
        UsageError: git would take it into a commit.
        InvalidDocument: It is not there or cannot be read; no message holds a value.
    """
    where = str(path)
    try:
        resolved = path.resolve(strict=True)
        if not resolved.is_file():
            raise InvalidDocument(f"{path} is not a file.", where=where, hint="Give a file of NAME=value lines.")
        _refuse_what_git_takes(resolved, environ)
        state = resolved.stat()
        if state.st_size > _LARGEST_FILE:
            raise InvalidDocument(f"{path} is too large for a file of secrets.", where=where)
        # Bytes, because reading as text would turn the line ends inside of values into others.
        text = resolved.read_bytes().decode("utf-8-sig")
        values = envfile.parse(text)
    except FileNotFoundError:
        raise InvalidDocument(f"There is no file {path}.", where=where, hint="Check the path.") from None
    except UnicodeDecodeError:
        raise _not_text(where) from None
    except envfile.EnvironmentFileError as error:
        raise InvalidDocument(
            f"The file of secrets cannot be read: line {error}.",
            where=f"{path}:{str(error).split(':', 1)[0]}",
            hint="Write NAME=value, with quotes around a value of several lines.",
        ) from None
    except OSError as error:
        raise from_os_error(error, doing=f"Reading {path}") or MlopsgenError(
            f"{path} cannot be read: {error.strerror}.", where=where
        ) from None
    if state.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        events(Warn(message=f"Others on this machine may read {path}.", hint=f"chmod 600 '{path}'"))
    start = len(VARIABLE_PREFIX)
    found = {name[start:] if _is_ours(name) else name: SecretValue(value) for name, value in values.items()}
    return Named(found, file=where)


def _is_ours(name: str) -> bool:
    return name.startswith(VARIABLE_PREFIX) and len(name) > len(VARIABLE_PREFIX)


def _refuse_what_git_takes(path: Path, environ: Mapping[str, str]) -> None:
    git = GitRepository(path.parent, environ)
    if git.run("rev-parse", "--is-inside-work-tree", check=False).stdout.strip() != "true":
        return
    if git.succeeds("check-ignore", "--quiet", "--", str(path)):
        return
    raise UsageError(
        f"{path} lies in a git repository that does not ignore it: the next 'git add' would put the secrets into the "
        "history, where they stay.",
        where=str(path),
        hint="Move it out of the repository, or name it in .gitignore (and 'git rm --cached' it if it was added).",
    )


def _not_text(where: str) -> UsageError:
    return UsageError(
        "The secret is not UTF-8 text.", where=where, hint="Encode it (base64) and decode it where it is used."
    )
