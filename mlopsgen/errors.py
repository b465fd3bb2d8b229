"""The error tree: every failure a person can cause has a code, an exit code, a place and a next step.

Operations and adapters raise these; one boundary in ``mlopsgen.cli`` turns them into output. A third-party
exception never leaves its adapter: it is translated there, once.
"""

from __future__ import annotations

import errno
from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """What the process tells its caller. The generated repository uses the same numbers."""

    OK = 0
    """Done, or nothing to do."""
    FAILURE = 1
    """An expected failure: the message says what happened, where, and the next step."""
    USAGE = 2
    """The command line, an answer or a document is not valid."""
    BUG = 3
    """Our mistake: a redacted report file was written."""
    PERMISSION = 4
    """Authentication or permission is missing."""
    PARTIAL = 5
    """Some of the work is done; running the same command again continues."""
    REJECTED = 6
    """The model was trained, but the gate refused it."""
    PENDING = 8
    """Changes are pending: 'sync --check' found an update of the template."""
    INTERRUPTED = 130
    """Stopped by the person (Ctrl-C)."""


class MlopsgenError(Exception):
    """An expected failure.

    Args:
        message: What happened, in one sentence.
        hint: The next step that a person can take.
        where: The file, key, flag or address that it happened at.
    """

    code = "failure"
    exit_code = ExitCode.FAILURE
    is_passing = False
    """Whether it may be gone by itself the next time."""
    concerns_all = False
    """Whether everything else would fail for the same reason."""

    def __init__(self, message: str, *, hint: str = "", where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where
        self.data: dict[str, Any] = {}
        """What programs are told besides, as JSON values; never a secret."""


class UsageError(MlopsgenError):
    """A flag, an argument or a combination of them is not valid."""

    code = "usage"
    exit_code = ExitCode.USAGE


class InvalidAnswer(UsageError):
    """An answer is not valid; ``where`` names its key (and the file it came from)."""

    code = "invalid-answer"


class MissingAnswer(UsageError):
    """A run without a terminal lacks an answer; the message names the flag that gives it."""

    code = "missing-answer"


class InvalidDocument(UsageError):
    """A file that a person edits cannot be read; ``where`` is ``file:line``."""

    code = "invalid-document"


class PermissionDenied(MlopsgenError):
    """The file system or a remote refused."""

    code = "permission"
    exit_code = ExitCode.PERMISSION


class AuthenticationFailed(PermissionDenied):
    """Whoever we came as is not let in (any more): nothing else can succeed either."""

    code = "authentication"
    concerns_all = True


class PlanChanged(MlopsgenError):
    """What would be done is not what was agreed to; nothing was done."""

    code = "plan-changed"


class PartialResult(MlopsgenError):
    """Some of the work is done; running the same command again continues."""

    code = "partial"
    exit_code = ExitCode.PARTIAL


class Interrupted(MlopsgenError):
    """The person stopped the command (Ctrl-C or the end of the input)."""

    code = "interrupted"
    exit_code = ExitCode.INTERRUPTED

    def __init__(self, message: str = "Stopped; nothing was written.", *, hint: str = "") -> None:
        super().__init__(message, hint=hint)


class CommandFailed(MlopsgenError):
    """A program that we started ended with an error.

    Args:
        argv: The command as it was started; it never holds a secret.
        exit_status: What the program returned (negative: the signal that ended it).
        output: The end of what it printed, redacted.
    """

    code = "command-failed"

    def __init__(self, argv: list[str], exit_status: int, output: str, *, hint: str = "") -> None:
        last = output.strip().splitlines()[-1:] or ["it printed nothing"]
        super().__init__(f"'{' '.join(_plain(argv)[:3])}' failed ({exit_status}): {last[0]}", hint=hint)
        self.argv = argv
        self.exit_status = exit_status
        self.output = output


def _plain(argv: list[str]) -> list[str]:
    """Git without the settings that it is given for one command (``-c key=value``): they are not what a person ran."""
    words = list(argv)
    while words[:2] == ["git", "-c"] and len(words) > 3:
        del words[1:3]
    return words


class ProgramMissing(MlopsgenError):
    """A program that we need is not on this machine."""

    code = "program-missing"


_DISK_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_TOO_LONG = {206, 111}
"""What Windows calls a path that is too long (``winerror``)."""
_IN_USE = {32, 33}
"""What Windows says where another program has the file open."""
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}


def from_os_error(error: OSError, *, doing: str = "") -> MlopsgenError | None:
    """The expected failure behind an error of the operating system, or ``None`` where it is none that we know.

    Args:
        error: What the operating system said.
        doing: What was being done, as the beginning of a sentence ("Writing the repository").
    """
    where = str(error.filename or "")
    prefix = f"{doing} failed: " if doing else ""
    if error.errno in _DISK_FULL:
        return MlopsgenError(
            f"{prefix}there is no space left on the disk.", where=where, hint="Free some space and run it again."
        )
    windows = getattr(error, "winerror", None)
    if windows in _IN_USE:
        hint = "Close what has it open (an editor, a terminal in that folder, a virus scanner) and try again."
        return MlopsgenError(f"{prefix}another program uses the file.", where=where, hint=hint)
    if error.errno in _REFUSED:
        hint = "Choose another folder, or change its permissions."
        return PermissionDenied(f"{prefix}the file system refused ({error.strerror}).", where=where, hint=hint)
    if error.errno == errno.ENAMETOOLONG or windows in _TOO_LONG:
        hint = "Choose a shorter name or a folder nearer to the root."
        return UsageError(f"{prefix}the path is too long.", where=where, hint=hint)
    return None
