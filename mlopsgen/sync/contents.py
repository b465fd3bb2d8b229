"""What was rendered, made to meet the owner's file: the same line endings, and no older pins of actions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from mlopsgen.sync import action_pins, line_endings
from mlopsgen.sync.patterns import Patterns
from mlopsgen.sync.sides import Rules, Trees
from mlopsgen.sync.values import Entry, FileClass

_WORKFLOWS = Patterns(["/.github/workflows/*.yml", "/.github/workflows/*.yaml"])
_REGULAR = "100"


def adapt(
    trees: Trees,
    paths: Collection[str],
    rules: Rules,
    read: Callable[[Iterable[str]], Mapping[str, bytes]],
    store: Callable[[Sequence[bytes]], list[str]],
) -> Trees:
    """The trees of an update with contents that meet the owner's.

    Args:
        trees: What there is.
        paths: The files that the owner has otherwise than the template ever had them.
        rules: How each file is treated.
        read: Gives contents by id; large ones are left out.
        store: Makes files of contents.
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
    new: list[dict[str, Entry]] = [dict(side) for side in sides]
    for (number, path, _), blob in zip(changed, store([text for *_, text in changed]), strict=True):
        new[number][path] = Entry(new[number][path].mode, blob)
    return Trees(base=new[0], ours=trees.ours, theirs=new[1])


def _is_regular(entry: Entry | None) -> bool:
    return entry is not None and entry.mode.startswith(_REGULAR)
