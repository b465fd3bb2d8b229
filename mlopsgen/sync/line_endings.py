"""Files whose line endings the owner changed: the template's side takes them over, so that only real changes meet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from mlopsgen.sync.sides import Trees
from mlopsgen.sync.values import Entry

_LF, _CRLF = b"\n", b"\r\n"
_REGULAR = "100"


def ending(content: bytes) -> bytes | None:
    """How every line of a text ends; ``None`` for binary files, mixed endings and texts of one line without an end."""
    if b"\0" in content or _LF not in content:
        return None
    ends, returns = content.count(_LF), content.count(_CRLF)
    if returns == 0 and b"\r" not in content:
        return _LF
    return _CRLF if returns == ends and content.count(b"\r") == returns else None


def with_ending(content: bytes, end: bytes) -> bytes:
    """The same text with other line endings."""
    return content.replace(_CRLF, _LF).replace(_LF, end)


def adapt(
    trees: Trees,
    paths: Collection[str],
    read: Callable[[Iterable[str]], Mapping[str, bytes]],
    store: Callable[[Sequence[bytes]], list[str]],
) -> Trees:
    """The same trees, with the owner's line endings in what the template rendered.

    Args:
        trees: What there is.
        paths: The files to look at.
        read: Gives contents by id.
        store: Makes files of contents.
    """
    regular = [path for path in paths if _is_regular(trees.ours.get(path))]
    sides = (trees.base, trees.theirs)
    entries = [side[path] for side in (*sides, trees.ours) for path in regular if _is_regular(side.get(path))]
    contents = read({entry.blob for entry in entries})
    changed: list[tuple[int, str, bytes]] = []
    for path in regular:
        mine = ending(contents.get(trees.ours[path].blob, b""))
        was = [contents.get(side[path].blob, b"") if _is_regular(side.get(path)) else b"" for side in sides]
        start = next((found for found in map(ending, was) if found is not None), None)
        if mine is None or start is None or mine == start:
            continue
        changed += [(number, path, with_ending(text, mine)) for number, text in enumerate(was) if ending(text) == start]
    made: list[dict[str, Entry]] = [dict(side) for side in sides]
    for (number, path, _), blob in zip(changed, store([text for *_, text in changed]), strict=True):
        made[number][path] = Entry(made[number][path].mode, blob)
    return Trees(base=made[0], ours=trees.ours, theirs=made[1])


def _is_regular(entry: Entry | None) -> bool:
    return entry is not None and entry.mode.startswith(_REGULAR)
