"""What was rendered, made to meet the owner's file: the same line endings, no older pins, the same additions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from mlopsgen.sync import action_pins, appended_lines, line_endings
from mlopsgen.sync.patterns import Patterns
from mlopsgen.sync.sides import Rules, Trees
from mlopsgen.sync.values import Entry, FileClass

_WORKFLOWS = Patterns(["/.github/workflows/*.yml", "/.github/workflows/*.yaml"])
_REGULAR = "100"


def adapt(
    trees: Trees,
    paths: Collection[str],
    rules: Rules,
    *,
    read: Callable[[Iterable[str]], Mapping[str, bytes]],
    store: Callable[[Sequence[bytes]], list[str]],
    moves: Callable[[], Mapping[str, str]],
) -> Trees:
    """The trees of an update with contents that meet the owner's.

    Args:
        trees: What there is.
        paths: The files that the owner has otherwise than the template ever had them.
        rules: How each file is treated.
        read: Gives contents by id; large ones are left out.
        store: Makes files of contents.
        moves: Tells the new names of files that the template renamed; asked only where it matters.
    """
    regular = [path for path in paths if _is_regular(trees.ours.get(path))]
    sides = (trees.base, trees.theirs)
    entries = [side[path] for side in (*sides, trees.ours) for path in regular if _is_regular(side.get(path))]
    contents = read({entry.blob for entry in entries})
    changed: list[tuple[int, str, bytes]] = []
    for path in regular:
        ours = contents.get(trees.ours[path].blob)
        was = [contents.get(side[path].blob, b"") if _is_regular(side.get(path)) else b"" for side in sides]
        if ours is None:
            continue
        made = line_endings.settle(was[0], ours, was[1])
        is_merged = rules.of(path, trees.theirs) is FileClass.MERGED
        if is_merged and path in _WORKFLOWS and len({ours, *made}) == 3 and all(made):
            made = action_pins.settle(made[0], ours, made[1])
        changed += [(number, path, made[number]) for number in (0, 1) if made[number] != was[number]]
        if path not in trees.theirs and made[0] != was[0] and (new := moves().get(path)) is not None:
            changed += _renamed(new, ours, trees, read)
    return _with(trees, changed, store)


def append(
    trees: Trees,
    paths: Collection[str],
    rules: Rules,
    *,
    read: Callable[[Iterable[str]], Mapping[str, bytes]],
    store: Callable[[Sequence[bytes]], list[str]],
) -> Trees:
    """The trees with what the owner added at the end of a list where the template added there, too.

    Only the merge gets these: whether a lock has to be made again is a matter of what was rendered.

    Args:
        trees: What :func:`adapt` made.
        paths: The files that the owner has otherwise than the template ever had them.
        rules: How each file is treated.
        read: Gives contents by id; large ones are left out.
        store: Makes files of contents.
    """
    sides = (trees.base, trees.ours, trees.theirs)
    lists = [
        path
        for path in paths
        if path in appended_lines.LISTS
        and all(_is_regular(side.get(path)) for side in sides)
        and rules.of(path, trees.theirs) is FileClass.MERGED
    ]
    contents = read({side[path].blob for side in sides for path in lists})
    changed: list[tuple[int, str, bytes]] = []
    for path in lists:
        base, ours, theirs = (contents.get(side[path].blob, b"") for side in sides)
        made = appended_lines.settle(base, ours, theirs)
        changed += [(number, path, made[number]) for number, was in ((0, base), (1, theirs)) if made[number] != was]
    return _with(trees, changed, store)


def _with(
    trees: Trees, changed: Sequence[tuple[int, str, bytes]], store: Callable[[Sequence[bytes]], list[str]]
) -> Trees:
    """The trees with other contents on the template's sides: of the base (0) or of theirs (1)."""
    result: list[dict[str, Entry]] = [dict(trees.base), dict(trees.theirs)]
    for (number, path, _), blob in zip(changed, store([text for *_, text in changed]), strict=True):
        result[number][path] = Entry(result[number][path].mode, blob)
    return Trees(base=result[0], ours=trees.ours, theirs=result[1])


def _renamed(
    path: str, ours: bytes, trees: Trees, read: Callable[[Iterable[str]], Mapping[str, bytes]]
) -> Iterator[tuple[int, str, bytes]]:
    """The template's new file, with the line endings that the owner gave the one that it was."""
    text = read([trees.theirs[path].blob]).get(trees.theirs[path].blob, b"")
    made = line_endings.settle(b"", ours, text)[1]
    if made != text:
        yield 1, path, made


def _is_regular(entry: Entry | None) -> bool:
    return entry is not None and entry.mode.startswith(_REGULAR)
