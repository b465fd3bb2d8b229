"""An update as a person reads it in a terminal, before and after it is made."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

from mlopsgen.forge.values import Resource
from mlopsgen.remote.plan_text import printable
from mlopsgen.remote.words import called, telling, words
from mlopsgen.sync.pull_parts import made_by_push, secrets_of
from mlopsgen.sync.values import FileChange, FileNote, NewAnswer, Update, Why
from mlopsgen.sync.wording import (
    LEFT_ALONE,
    conflict_paths,
    counted,
    decided_words,
    files_counted,
    left_alone,
    question_words,
    value_words,
    why_words,
)

_NARROWEST = 40
_FILES, _NOTES, _CHANGELOG, _CHANGELOGS, _DIFF = 40, 20, 24, 40, 30
_GOES_ON = re.compile(r"(?<=\S)[ \t]*\n[ \t]+(?![-*+`~\s]|\d+[.)])")
"""Where a list's item goes on in the next line."""
_HEADING = re.compile(r"^#+\s+(.*?)\s*#*$")
_LINK = re.compile(r"\[([^\[\]]+)\]\([^()]*\)")
_SIGNS = {"added": "+", "changed": "~", "deleted": "-", "renamed": ">", "mode": "x"}
_DIFFED = " " * 6
"""What lines of a diff begin with; they are cut at the terminal's edge instead of folded."""
_HEADERS = ("diff --git ", "index ", "--- ", "+++ ")
_ORIGINS = {
    "default": "default",
    "given": "given",
    "asked": "answered",
    "edited": "edited by hand",
    "migrated": "made from the answers so far",
}


def summary_lines(update: Update, *, width: int = 100, name: str = "") -> list[str]:
    """What an update brings: the changelog, then the files, answers and settings.

    Args:
        update: The update.
        width: Columns that a line may take.
        name: What is updated, as people call it.

    Returns:
        Lines without colours and without anything that a terminal would act on.
    """
    width = max(width, _NARROWEST)
    sections = (
        [*_versions(update, name), *_changelog(update)],
        _warnings(update),
        _conflicts(update),
        _files(update),
        _edits(update),
        _alone(update),
        _rest(update),
        _answers(update),
        _settings(update),
    )
    lines: list[str] = []
    for section in sections:
        found = [piece for line in section for piece in fold(line, width)]
        if found:
            lines += ["", *found] if lines else found
    return lines


def fold(line: str, width: int) -> list[str]:
    """A line in the width; what follows is further in than its text."""
    if len(line) <= width:
        return [line]
    if line.startswith(_DIFFED):
        return [f"{line[: width - 1]}…"]
    sign = re.match(r" *[-+~>x!=*?] ", line)
    indent = " " * (sign.end() if sign else len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False) or [
        line
    ]


def _limited(lines: Sequence[str], most: int, *, where: str = "'--output json' lists all") -> list[str]:
    if len(lines) <= most + 1:
        return list(lines)
    return [*lines[:most], f"  … and {len(lines) - most} more ({where})"]


def _warnings(update: Update) -> Iterator[str]:
    for text in update.warnings:
        yield f"! {printable(text)}"


def _versions(update: Update, name: str) -> Iterator[str]:
    start, end = printable(update.start), printable(update.end)
    said = f"template {end}, answers changed" if start == end else f"template {start} -> {end}"
    yield f"{printable(name)}: {said}" if name else f"{said[0].upper()}{said[1:]}"


def _changelog(update: Update) -> Iterator[str]:
    if not any(text.strip() for _, text in update.changelog):
        return
    room = _CHANGELOGS
    for number, (version, text) in enumerate(update.changelog):
        if room <= 0:
            yield f"  … and {counted(len(update.changelog) - number, 'older version')}"
            return
        yield f"  {printable(version)}"
        lines = [_plain(line) for line in _GOES_ON.sub(" ", text.strip()).splitlines() if line.strip()]
        shown = _limited(lines, _CHANGELOG, where="the pull request has all") or ["    nothing is written about it"]
        room -= len(shown) + 1
        yield from shown


def _plain(line: str) -> str:
    """A line of a changelog without its marks for headings and links."""
    words = _LINK.sub(r"\1", _HEADING.sub(r"\1:", line.rstrip()))
    return f"    {printable(words)}"


def _conflicts(update: Update) -> Iterator[str]:
    paths = conflict_paths(update.conflicts)
    if not paths:
        return
    yield f"{counted(len(paths), 'conflict')} that git cannot merge alone"
    yield from _limited([f"  ! {printable(path)}: {said}" for path, said in paths.items()], _FILES)


def _files(update: Update) -> Iterator[str]:
    said = files_counted(update.changes)
    yield f"{said[0].upper()}{said[1:]}"
    width = min(max((len(printable(change.path)) for change in update.changes), default=0), 50)
    yield from _limited([_file(change, width) for change in update.changes], _FILES)


def _file(change: FileChange, width: int) -> str:
    counts = "  ".join(f"{sign}{number}" for sign, number in (("+", change.added), ("-", change.removed)) if number)
    said = f"from {printable(change.before)}  {counts}" if change.before else counts
    if change.kind == "mode":
        said = f"executable bit  {counts}"
    sign = _SIGNS.get(change.kind, "~")
    return f"  {sign} {printable(change.path):<{width}}  {said}".rstrip()


def _edits(update: Update) -> Iterator[str]:
    notes = [note for note in update.notes if note.why is Why.EDITED]
    if not notes:
        return
    yield f"{counted(len(notes), 'file')} of the template had been edited here and will be the template's again:"
    for note in notes[:_NOTES]:
        yield f"  ~ {printable(note.path)}{f': {printable(note.detail)}' if note.detail else ''}"
        lines = [f"{_DIFFED}{printable(line)}" for line in note.diff.splitlines() if not line.startswith(_HEADERS)]
        yield from _limited(lines, _DIFF, where="the pull request has more")
    if len(notes) > _NOTES:
        yield f"  … and {len(notes) - _NOTES} more"
    yield "  '--keep-edits' merges such edits; a file named under 'owned' in .copier-answers.yml is left alone."


def _alone(update: Update) -> Iterator[str]:
    notes = left_alone(update.notes)
    if notes:
        yield f"{counted(len(notes), 'file')} that the template changed, too: yours, left alone"
        yield from _limited([_note("=", note) for note in notes], _NOTES)


def _rest(update: Update) -> Iterator[str]:
    notes = [note for note in update.notes if note.why not in (*LEFT_ALONE, Why.EDITED)]
    if notes:
        yield "Locks" if all(note.why is not Why.KEPT_EDIT for note in notes) else "Locks and kept edits"
        yield from _limited([_note("!" if note.why is Why.LOCK_KEPT else "=", note) for note in notes], _NOTES)


def _note(sign: str, note: FileNote) -> str:
    return f"  {sign} {printable(note.path)}: {printable(why_words(note))}"


def _answers(update: Update) -> Iterator[str]:
    if update.new_answers:
        is_free = any(answer.origin != "organisation" for answer in update.new_answers)
        yield "Answers (--set KEY=VALUE answers otherwise)" if is_free else "Answers"
        for answer in update.new_answers:
            yield _answer(answer)


def _answer(answer: NewAnswer) -> str:
    asked = question_words(answer)
    title = f" - {printable(asked)}" if asked else ""
    if answer.value is None:
        return f"  - {answer.key}: not asked any more{title}"
    value = printable(value_words(answer.value))
    if answer.before is not None:
        value = f"{printable(value_words(answer.before))} -> {value}"
    origin = printable(decided_words(answer)) or _ORIGINS.get(answer.origin, answer.origin)
    title = f"{title.rstrip('.')}. {printable(answer.why)}" if answer.why else title
    return f"  {'~' if answer.before is not None else '+'} {answer.key}: {value} ({origin}){title}"


def _settings(update: Update) -> Iterator[str]:
    secrets, made = secrets_of(update), made_by_push(update)
    if not update.settings:
        return
    yield "On GitHub, after the merge"
    added = {resource.key for resource in update.settings.added}
    for resource in secrets:
        purpose = f": {printable(resource.purpose)}" if resource.purpose else ""
        how = "optional" if resource.optional else "needed; 'mlopsgen secrets set' asks for it"
        yield f"  + {_thing(resource)}{purpose} ({how})"
    yield from _limited([_setting(resource, new=resource.key in added) for resource in made], _NOTES)
    for resource in update.settings.removed:
        yield f"  = {_thing(resource)}: not needed any more; nothing deletes it"
    if made:
        yield "  'mlopsgen push' makes them and asks before."


def _setting(resource: Resource, *, new: bool) -> str:
    value = printable(words(telling(resource.value)))
    return f"  {'+' if new else '~'} {_thing(resource)}{f': {value}' if value else ''}"


def _thing(resource: Resource) -> str:
    key = resource.key
    scope = f" of {printable(key.scope)}" if key.scope else ""
    return f"{key.kind.value} {printable(called(key.kind, key.name))}{scope}"
