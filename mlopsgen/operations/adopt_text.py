"""An adoption in words: for a terminal, for a commit, and as JSON values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from mlopsgen.constants import ANSWERS_FILE, CANONICAL_TEMPLATE
from mlopsgen.operations.adopt_found import MadeBy
from mlopsgen.operations.adopt_request import Adoption, KeptFile
from mlopsgen.remote.plan_text import printable
from mlopsgen.sync.summary import fold
from mlopsgen.sync.trees import shown
from mlopsgen.sync.values import FileClass
from mlopsgen.sync.wording import counted, value_words

TRAILER = "Mlopsgen-Adopt"
"""The last line of an adoption's commit: the template's version."""

_FILES, _DIFFS, _DIFF, _NARROWEST = 20, 12, 16, 40
_HEADERS = ("diff --git ", "index ", "--- ", "+++ ")


def commit_message(adoption: Adoption) -> str:
    """The message of the commit; it names no files and calls nobody."""
    whose = "mlopsgen template" if adoption.template == CANONICAL_TEMPLATE else "template"
    head = f"Adopt the {whose} {adoption.version}"
    lines = [printable(head), "", f"{sentence(adoption)}.", "", f"{TRAILER}: {adoption.version}", ""]
    return "\n".join(lines)


def sentence(adoption: Adoption) -> str:
    """What comes and what stays, counted, without a full stop."""
    if adoption.made_by is not MadeBy.HAND:
        gone = f", {', '.join(map(printable, adoption.removed))} goes" if adoption.removed else ""
        return f"Only {ANSWERS_FILE} is written{gone}; no other file changes"
    said = f"{counted(len(adoption.added), 'file')} {'comes' if len(adoption.added) == 1 else 'come'}"
    if not adoption.kept:
        return f"{said}, and nothing that is there changes"
    # One file of theirs can stand where the template has a folder of many.
    kept = len({one.at for one in adoption.kept if one.path not in adoption.clashes})
    stay = f", {kept} of yours {'stays' if kept == 1 else 'stay'} where the template has another one" if kept else ""
    both = f", {len(adoption.clashes)} that both have {'is' if len(adoption.clashes) == 1 else 'are'} merged"
    return f"{said}{stay}{both if adoption.clashes else ''}"


def lines(adoption: Adoption, *, name: str, width: int = 100) -> list[str]:
    """What an adoption brings, as lines without colours and without anything that a terminal would act on.

    Args:
        adoption: What was worked out.
        name: What the repository is called.
        width: Columns that a line may take.
    """
    both = [one for one in adoption.kept if one.path in adoption.clashes]
    alone = [one for one in adoption.kept if one.path not in adoption.clashes]
    sections = (
        [f"{printable(name)}: {_origin(adoption)}"],
        [f"! {printable(text)}" for text in adoption.warnings],
        _added(adoption.added),
        _kept("Yours, and the template has another one", "they stay as they are", alone),
        _kept("Both have one", "git merges them, and marks what it cannot", both),
        _answers(adoption),
    )
    found: list[str] = []
    for section in sections:
        pieces = [piece for line in section for piece in fold(line, max(width, _NARROWEST))]
        found += ["", *pieces] if found and pieces else pieces
    return found


def _origin(adoption: Adoption) -> str:
    template = "the built-in template" if adoption.template == CANONICAL_TEMPLATE else printable(adoption.template)
    if adoption.made_by is MadeBy.HAND:
        return f"{template} {printable(adoption.version)} is merged into it"
    how = {0: "every file of it is as rendered"}.get(
        adoption.apart, f"{adoption.same} files are as rendered, {adoption.apart} are yours by now"
    )
    return f"made by {adoption.made_by.value} from {template} {printable(adoption.version)}; {how}"


def _added(paths: Sequence[str]) -> Iterator[str]:
    if not paths:
        return
    yield f"New files ({len(paths)})"
    if len(paths) <= _FILES:
        yield from (f"  + {printable(shown(path))}" for path in paths)
        return
    folders = Counter(path.partition("/")[0] for path in paths if "/" in path)
    for folder, number in folders.items():
        yield f"  + {printable(shown(folder))}/  ({counted(number, 'file')})"
    yield from (f"  + {printable(shown(path))}" for path in paths if "/" not in path)
    yield "  ('--output json' lists all)"


def _kept(what: str, then: str, kept: Sequence[KeptFile]) -> Iterator[str]:
    if not kept:
        return
    yield f"{what} ({len(kept)}): {then}"
    merged = what.startswith("Both")
    for number, one in enumerate(kept):
        yield f"  ! {printable(shown(one.path))}" if merged else f"  = {printable(shown(one.path))}  {why(one)}"
        diff = [line.expandtabs() for line in one.diff.splitlines() if not line.startswith(_HEADERS)]
        if len(diff) > _DIFF or number >= _DIFFS:
            added, removed = (sum(1 for line in diff if line.startswith(sign)) for sign in "+-")
            yield f"      {counted(added, 'line')} of the template's, {removed} of yours"
        else:
            yield from (f"      {printable(line)}" for line in diff)


def why(one: KeptFile) -> str:
    """Why a file stays the owner's, and what updates do with it."""
    if one.path != one.at:
        return f"cannot come: {printable(shown(one.at))} is in its place"
    if one.kind is FileClass.SEEDED:
        return "updates leave it alone"
    return f"updates leave it alone, as 'owned' in {ANSWERS_FILE} says"


def _answers(adoption: Adoption) -> Iterator[str]:
    if adoption.guessed:
        yield "Answers that the repository gave (--set KEY=VALUE changes one)"
    for key in adoption.guessed:
        yield f"  * {printable(key)}: {printable(value_words(adoption.answers[key]))}"


def adoption_data(adoption: Adoption) -> dict[str, Any]:
    """An adoption as JSON values; names that are no UTF-8 are spelt out."""
    return {
        "made_by": adoption.made_by.value,
        "template": adoption.template,
        "version": adoption.version,
        "newest": adoption.newest,
        "commit_adopted": adoption.ours,
        "added": [shown(path) for path in adoption.added],
        "kept": [
            {"path": shown(one.path), "class": one.kind.value, "at": shown(one.at), "diff": one.diff}
            for one in adoption.kept
        ],
        "same": adoption.same,
        "apart": adoption.apart,
        "removed": [shown(path) for path in adoption.removed],
        "answers": dict(adoption.answers),
        "guessed": list(adoption.guessed),
        "owned": list(adoption.owned),
        "warnings": list(adoption.warnings),
    }
