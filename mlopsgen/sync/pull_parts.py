"""The sections of a pull request's text, each in as much room as there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from mlopsgen.constants import ANSWERS_FILE, CANONICAL_TEMPLATE
from mlopsgen.forge.values import Kind, Resource
from mlopsgen.remote.words import called, telling, words
from mlopsgen.sync.markdown import block, code, folded, foreign, html_code, plain
from mlopsgen.sync.values import FileChange, FileNote, NewAnswer, Update, Why
from mlopsgen.sync.wording import (
    LEFT_ALONE,
    conflict_paths,
    counted,
    decided_words,
    files_counted,
    is_about_deletion,
    leaves_marks,
    left_alone,
    question_words,
    value_words,
    why_words,
)

T = TypeVar("T")

_ORIGINS = {
    "default": "the default",
    "given": "given to the command",
    "asked": "answered at the terminal",
    "edited": f"edited in {ANSWERS_FILE}",
    "migrated": "made from the answers so far",
    "dropped": "not asked any more",
}


class Room(NamedTuple):
    """How much of an update is told.

    Attributes:
        files: Changed files that are listed.
        notes: Entries of every other list.
        changelog: Characters of the changelog.
        diffs: Diffs of replaced files.
        diff_lines: Lines of each.
        width: Characters of a sentence that others wrote.
    """

    files: int
    notes: int
    changelog: int
    diffs: int
    diff_lines: int
    width: int = 1_000

    def short(self, text: str) -> str:
        """A sentence that others wrote, not longer than there is room."""
        return text if len(text) <= self.width else f"{text[: self.width - 1]}…"


def listed(things: Sequence[T], line: Callable[[T], str], most: int) -> str:
    """A list: a line for each of the first things, and how many there are beyond."""
    lines = [f"- {line(thing)}" for thing in things[:most]]
    return "\n".join([*lines, f"- … and {len(things) - most} more"] if len(things) > most else lines)


def conflicts(update: Update, sync_branch: str, room: Room, *, marked: bool) -> str:
    """The files that git could not merge, and how to resolve them."""
    paths = conflict_paths(update.conflicts)
    lines = listed([*paths.items()], lambda item: f"{code(room.short(item[0]))}: {plain(item[1])}", room.notes)
    if not marked:
        return f"### Conflicts\n\n{lines}"
    how = " ".join([*_ways(update), "Do it here, with the pencil in *Files changed*, or on your machine:"])
    commands = block(
        f"git fetch origin\ngit switch {sync_branch}\n# resolve, then\n"
        'git commit --all -m "Resolve the conflicts with the template"\ngit push',
        "console",
    )
    until = "Do not merge it before; no check keeps you from it."
    if update.template == CANONICAL_TEMPLATE and any(map(leaves_marks, update.conflicts)):
        # Red, or missing where the marks stand in the workflow itself.
        until = "Until then the check `test` does not turn green."
    return f"### Conflicts\n\n{lines}\n\n{how}\n\n{commands}\n\n{until}"


def _ways(update: Update) -> Iterator[str]:
    """How to resolve the kinds of conflicts that there are."""
    kinds = {conflict.kind for conflict in update.conflicts}
    if any(map(leaves_marks, update.conflicts)):
        yield (
            "From `<<<<<<<` to `=======` is yours, from `=======` to `>>>>>>>` is the template's: leave what shall be "
            "there, and delete the marks."
        )
    if is_about_deletion(update.conflicts):
        yield "A file that one side deleted is there as the other one has it, without marks: keep it or delete it."
    if "binary" in kinds:
        yield "What is not text is as yours was, without marks: leave it, or put the template's in its place."


def warnings(update: Update, room: Room) -> Iterator[str]:
    """What the record or the template gave reason to say."""
    if update.warnings:
        yield "### Mind\n\n" + listed(update.warnings, lambda text: plain(room.short(text)), room.notes)


def changelog(update: Update, room: Room) -> Iterator[str]:
    """What the template says of its versions: the newest one open, the others folded."""
    left = room.changelog
    shown: list[str] = []
    silent: list[str] = []
    for version, text in update.changelog:
        if left <= 0:
            silent.append(version)
            continue
        part = foreign(_until(text, left)) if text.strip() else "Nothing is written about it."
        left -= len(part)
        shown.append(folded(html_code(version), part) if shown else f"**{plain(version)}**\n\n{part}")
    if silent:
        shown.append(f"And {', '.join(map(code, silent[:10]))}{' …' if len(silent) > 10 else ''}.")
    if shown:
        yield "\n\n".join(["### What is new in the template", *shown])


def _until(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    cut = text[:longest]
    return f"{cut[: max(cut.rfind(chr(10)), 0)] or cut}\n\n…"


def replaced(update: Update, room: Room) -> Iterator[str]:
    """Files of the template that somebody had edited: what they had changed is shown."""
    notes = [note for note in update.notes if note.why is Why.EDITED]
    if not notes:
        return
    how = (
        "These files belong to the template, and somebody had edited them here. This pull request makes them the "
        "template's again; each fold shows the edit that goes. To keep an edit: `mlopsgen sync --keep-edits` merges "
        f"it, or name the file under `owned:` in `{ANSWERS_FILE}`."
    )
    parts = [_edit(note, room, shown=number < room.diffs) for number, note in enumerate(notes[: room.notes])]
    if len(notes) > room.notes:
        parts.append(f"… and {len(notes) - room.notes} more.")
    yield "\n\n".join(["### Edits that are replaced", how, *parts])


def _edit(note: FileNote, room: Room, *, shown: bool) -> str:
    lines = note.diff.splitlines()
    said = plain(room.short(note.detail))
    if not lines or not shown:
        return f"- {code(note.path)}{said and f': {said}'}"
    text = "\n".join(line if len(line) <= 500 else f"{line[:500]}…" for line in lines[: room.diff_lines])
    rest = f"\n\n… and {counted(len(lines) - room.diff_lines, 'more line')}." if len(lines) > room.diff_lines else ""
    return folded(html_code(note.path), (said and f"{said}:\n\n") + block(text, "diff") + rest)


def other_notes(update: Update, room: Room) -> Iterator[str]:
    """Files that stay as they are, and locks."""
    alone = left_alone(update.notes)
    if alone:
        heading = f"{counted(len(alone), 'file')} of yours that the template changed, too: left alone"
        yield folded(heading, listed(alone, lambda note: _note(note, room), room.notes))
    rest = [note for note in update.notes if note.why not in (*LEFT_ALONE, Why.EDITED)]
    if rest:
        heading = "Locks" if all(note.why is not Why.KEPT_EDIT for note in rest) else "Locks and kept edits"
        yield f"### {heading}\n\n" + listed(rest, lambda note: _note(note, room), room.notes)


def _note(note: FileNote, room: Room) -> str:
    return f"{code(note.path)}: {plain(room.short(why_words(note)))}"


def secrets_of(update: Update) -> list[Resource]:
    """The secrets that the update asks for, those first that something cannot work without."""
    found = [resource for resource in update.settings.added if resource.key.kind is Kind.SECRET]
    return sorted(found, key=lambda resource: (resource.optional, resource.key.name, resource.key.scope))


def made_by_push(update: Update) -> list[Resource]:
    """What ``mlopsgen push`` makes or changes on GitHub for it."""
    changes = update.settings
    return [resource for resource in (*changes.added, *changes.changed) if resource.key.kind is not Kind.SECRET]


def settings(update: Update, branch: str, room: Room) -> Iterator[str]:
    """What GitHub needs besides the files."""
    secrets, made = secrets_of(update), made_by_push(update)
    parts = []
    if secrets:
        parts += ["Secrets:", listed(secrets, lambda resource: _secret_line(resource, room), room.notes)]
    if made:
        added = {resource.key for resource in update.settings.added}
        lines = listed(made, lambda one: _setting_line(one, room, new=one.key in added), room.notes)
        parts += [f"What {code('mlopsgen push')} makes (it asks before):", lines]
    if update.settings.removed:
        parts += ["Not needed any more; nothing deletes it:", listed(update.settings.removed, _thing, room.notes)]
    if not parts:
        return
    if commands := _commands(secrets, branch, needs_push=bool(made), most=room.notes):
        parts += ["After merging, in a clone:", block("\n".join(commands), "console")]
    yield "\n\n".join(["### On GitHub", *parts])


def _commands(secrets: Sequence[Resource], branch: str, *, needs_push: bool, most: int) -> list[str]:
    scopes: dict[str, list[str]] = {}
    for resource in secrets:
        if not resource.optional:
            scopes.setdefault(resource.key.name, []).append(resource.key.scope)
    sets = [
        " ".join([f"mlopsgen secrets set {name}", *(f"--branch {scope}" for scope in found if scope)])
        for name, found in scopes.items()
    ]
    if len(sets) > most:
        sets = ["mlopsgen secrets set   # asks for each one that is missing"]
    commands = [*(["mlopsgen push"] if needs_push else []), *sets]
    return [f"git switch {branch}", "git pull", *commands] if commands else []


def _thing(resource: Resource) -> str:
    key = resource.key
    scope = f" of {code(key.scope)}" if key.scope else ""
    return f"{key.kind.value} {code(called(key.kind, key.name))}{scope}"


def _secret_line(resource: Resource, room: Room) -> str:
    where = f" of {code(resource.key.scope)}" if resource.key.scope else ""
    purpose = f": {plain(room.short(resource.purpose))}" if resource.purpose else ""
    return f"{code(resource.key.name)}{where}{purpose}{' (optional)' if resource.optional else ''}"


def _setting_line(resource: Resource, room: Room, *, new: bool) -> str:
    value = room.short(words(telling(resource.value)))
    return f"{'new' if new else 'changed'}: {_thing(resource)}{f' ({plain(value)})' if value else ''}"


def answers(update: Update, room: Room) -> Iterator[str]:
    """What is different in the answers."""
    if update.new_answers:
        lines = listed(update.new_answers, lambda answer: _answer(answer, room), room.notes)
        is_free = any(answer.origin != "organisation" for answer in update.new_answers)
        how = f"\n\nTo answer otherwise: {code('mlopsgen sync --set KEY=VALUE')}." if is_free else ""
        yield f"### Answers\n\n{lines}{how}"


def _answer(answer: NewAnswer, room: Room) -> str:
    asked = question_words(answer)
    title = f" — {plain(room.short(asked))}" if asked else ""
    if answer.value is None:
        before = f" (it was {code(room.short(value_words(answer.before)))})" if answer.before is not None else ""
        return f"{code(answer.key)} is not asked any more{before}{title}"
    value = code(room.short(value_words(answer.value)))
    origin = plain(decided_words(answer) or _ORIGINS.get(answer.origin, answer.origin))
    title = f"{title.rstrip('.')}. {plain(room.short(answer.why))}" if answer.why else title
    before = f", before {code(room.short(value_words(answer.before)))}" if answer.before is not None else ", new"
    return f"{code(answer.key)}: {value} ({origin}{before}){title}"


def files(update: Update, room: Room) -> Iterator[str]:
    """The changed files, folded: the forge shows them better."""
    if not update.changes or not room.files:
        return
    yield folded(files_counted(update.changes), listed(update.changes, _file, room.files))


def _file(change: FileChange) -> str:
    before = f" from {code(change.before)}" if change.before else ""
    counts = " ".join(f"{sign}{number}" for sign, number in (("+", change.added), ("-", change.removed)) if number)
    word = "executable bit" if change.kind == "mode" else change.kind
    return f"{code(change.path)}: {word}{before}{f', {counts}' if counts else ''}"
