"""A repository that nobody's template made, laid beside what a template renders: what is new, and what stays. Pure.

Whatever the owner has stays. Where the template has another file of that name, the owner takes it over, so that later
updates leave it alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mlopsgen.constants import ANSWERS_FILE
from mlopsgen.sync.classes import Classes
from mlopsgen.sync.values import Entry, FileClass, Listing

_REGULAR = "100"
_LINE_ENDS = re.compile(rb"\r\n?")
_SPECIAL = re.compile(r"([\\*?\[])")
_UNSAID = re.compile(r"[\udc80-\udcff]|\s$")


class Kept(NamedTuple):
    """A file that stays as the owner has it although the template has another one.

    Attributes:
        path: The template's path.
        kind: The class of the file.
        theirs: What the template has.
        at: The owner's path that is in its way: the same one, or one of other case, or a folder or file above or below.
    """

    path: str
    kind: FileClass
    theirs: Entry
    at: str

    @property
    def is_same_name(self) -> bool:
        """Whether the owner has a file of that very name."""
        return self.path == self.at


@dataclass(frozen=True, kw_only=True)
class Laid:
    """A render beside the owner's files.

    Attributes:
        added: Files that the owner has not, and that nothing of the owner's stands in the way of.
        same: Files that both have alike.
        kept: Files that stay the owner's.
    """

    added: Mapping[str, Entry]
    same: tuple[str, ...]
    kept: tuple[Kept, ...]

    def owned(self) -> list[str]:
        """Patterns for the files that the owner takes over, without those that updates leave alone anyway."""
        taken = [one for one in self.kept if one.is_same_name and one.kind is not FileClass.SEEDED]
        return [pattern_of(one.path) for one in taken]


def lay_beside(
    ours: Listing,
    rendered: Listing,
    classes: Classes,
    read: Callable[[Sequence[str]], Mapping[str, bytes]],
) -> Laid:
    """Compare the owner's files with what a template renders.

    Args:
        ours: The owner's files.
        rendered: What the template renders; its record does not count.
        classes: How the template wants its files treated.
        read: Gives contents by id; large ones are left out.
    """
    wanted = {path: entry for path, entry in rendered.items() if path != ANSWERS_FILE}
    both = [path for path in wanted if path in ours]
    apart = [path for path in both if ours[path].blob != wanted[path].blob or _is_other_kind(ours[path], wanted[path])]
    contents = read([side[path].blob for path in apart for side in (ours, wanted)])
    alike = {path for path in apart if _only_line_ends(ours[path], wanted[path], contents)}
    kept = [Kept(path, _class_of(classes, path), wanted[path], path) for path in apart if path not in alike]
    blocked = _blocked(ours, [path for path in wanted if path not in ours])
    kept += [Kept(path, _class_of(classes, path), wanted[path], at) for path, at in blocked.items()]
    return Laid(
        added={path: entry for path, entry in wanted.items() if path not in ours and path not in blocked},
        same=tuple(path for path in both if path not in apart or path in alike),
        kept=tuple(sorted(kept)),
    )


def pattern_of(path: str) -> str:
    """The pattern that fits one path from the top; what YAML cannot say stands there as any character."""
    return "/" + _UNSAID.sub("?", _SPECIAL.sub(r"\\\1", path))


def _class_of(classes: Classes, path: str) -> FileClass:
    return classes.declared(path) or FileClass.MERGED


def _is_other_kind(one: Entry, other: Entry) -> bool:
    """Whether one is a link or a submodule and the other one a file; a mode alone is merged like a line."""
    return one.mode != other.mode and not (one.mode.startswith(_REGULAR) and other.mode.startswith(_REGULAR))


def _only_line_ends(one: Entry, other: Entry, contents: Mapping[str, bytes]) -> bool:
    """Whether two files differ in nothing but the ends of lines, which updates settle."""
    if _is_other_kind(one, other) or one.blob not in contents or other.blob not in contents:
        return False
    first, second = (_LINE_ENDS.sub(b"\n", contents[entry.blob]) for entry in (one, other))
    return b"\0" not in first and first == second


def _blocked(ours: Listing, wanted: Sequence[str]) -> dict[str, str]:
    """Paths that cannot be added, each with what stands there: a file for a folder, or one of the same letters.

    Two names that differ in case alone are one file where most people's machines are concerned.
    """
    files = {path.casefold(): path for path in ours}
    folders = {above.casefold(): f"{above}/" for path in ours for above in _above(path)}
    found: dict[str, str] = {}
    for path in wanted:
        places = (files.get(name.casefold(), "") for name in (path, *_above(path)))
        at = folders.get(path.casefold(), "") or next(filter(None, places), "")
        if at:
            found[path] = at
    return found


def _above(path: str) -> Iterator[str]:
    parts = path.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))
