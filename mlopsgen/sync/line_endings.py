"""Files whose line endings the owner changed: the template's side takes them over, so that only real changes meet."""

from __future__ import annotations

_LF, _CRLF = b"\n", b"\r\n"


def ending(content: bytes) -> bytes | None:
    """How every line of a text ends; ``None`` for binary files, mixed endings and texts of one line without an end."""
    if b"\0" in content or _LF not in content:
        return None
    ends, returns = content.count(_LF), content.count(_CRLF)
    if returns == 0 and b"\r" not in content:
        return _LF
    return _CRLF if returns == ends and content.count(b"\r") == returns else None


def settle(base: bytes, ours: bytes, theirs: bytes) -> tuple[bytes, bytes]:
    """Both rendered sides with the owner's line endings, where those are not the ones that were rendered."""
    mine = ending(ours)
    start = ending(base) or ending(theirs)
    if mine is None or start is None or mine == start:
        return base, theirs
    return _with_ending(base, start, mine), _with_ending(theirs, start, mine)


def _with_ending(content: bytes, start: bytes, end: bytes) -> bytes:
    return content.replace(_CRLF, _LF).replace(_LF, end) if ending(content) == start else content
