"""An update in few words: titles, the commit's message, one sentence, and what to do with conflicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mlopsgen.constants import ANSWERS_FILE, CANONICAL_TEMPLATE
from mlopsgen.questions import Value
from mlopsgen.remote.plan_text import printable
from mlopsgen.sync.migrations import version_key
from mlopsgen.sync.values import Conflict, FileChange, FileNote, NewAnswer, Update, Why

LABEL = "template-update"
"""The label of pull requests that bring an update."""

TRAILER = "Mlopsgen-Sync"
"""The last line of an update's commit: which versions it lies between."""

LEFT_ALONE = (Why.SEEDED, Why.OWNED, Why.DELETED)
"""Why a file stays as the owner has it although the template changed it."""

WHY = {
    Why.SEEDED: "yours since it was made",
    Why.OWNED: f"yours by 'owned' in {ANSWERS_FILE}",
    Why.DELETED: "you deleted it, and it stays deleted",
    Why.EDITED: "edited here, and the template's again",
    Why.KEPT_EDIT: "a file of the template that was edited here, and the edits stay",
    Why.LOCK_TAKEN: "nothing of yours was in it, so the template's is taken",
    Why.LOCK_MADE: "made again from the merged requirements",
    Why.LOCK_KEPT: "kept as it was",
}
"""What each note says."""

_CONFLICTS = {
    "content": "both changed the same lines",
    "contents": "both changed the same lines",
    "add/add": f"both added it, with different content; 'owned' in {ANSWERS_FILE} makes yours stay for good",
    "modify/delete": "one side deleted it, the other one changed it",
    "rename/delete": "one side renamed it, the other one deleted it",
    "rename/rename": "both renamed it, to different names",
    "file/directory": "a file on one side, a folder on the other one",
    "directory rename": "one side renamed the folder that the other one added it to",
    "binary": "both changed it, and it is not text",
    "submodule": "both moved the submodule",
    "distinct types": "both changed what kind of file it is",
}
_KINDS = ("added", "changed", "deleted", "renamed", "mode")
_KIND_WORDS = {"mode": "executable bit"}


def counted(number: int, thing: str) -> str:
    """A number with its noun."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def title(update: Update, *, marked: bool = False) -> str:
    """The first line of the commit and the title of the pull request.

    Args:
        update: The update.
        marked: Whether it is about a branch that holds conflict markers.
    """
    if update.start == update.end:
        text = f"Update from template {printable(update.end)}: changed answers"
    else:
        verb = "Go back" if goes_back(update) else "Update"
        text = f"{verb} from template {printable(update.start)} to {printable(update.end)}"
    return f"Conflicts: {text}" if marked else text


def goes_back(update: Update) -> bool:
    """Whether an update brings an older version than the repository has."""
    return version_key(update.end) < version_key(update.start)


def commit_message(update: Update) -> str:
    """The message of the commit: what it does, counted, and the versions in its last line.

    It names no files, people or issues: on GitHub a message can close issues and call people.
    """
    verb = "Go back" if goes_back(update) else "Update"
    whose = "mlopsgen template" if update.template == CANONICAL_TEMPLATE else "template"
    head = f"{verb} from the {whose} {update.start} to {update.end}"
    if update.start == update.end:
        head = f"Change the answers for the {whose} {update.end}"
    answers = [f"- {answer.key}: {_change(answer.before, answer.value)}" for answer in update.new_answers]
    said = overview(update)
    body = [f"{said[0].upper()}{said[1:]}.", *(["", "Answers:", *answers] if answers else [])]
    return "\n".join([printable(head), "", *body, "", f"{TRAILER}: {update.start}..{update.end}", ""])


def _change(before: Value | None, value: Value | None) -> str:
    if value is None:
        return "not asked any more"
    return "new" if before is None else "changed"


def decided_words(answer: NewAnswer) -> str:
    """Whose decision an answer is, where the organisation made it; else an empty text."""
    if not answer.decided_by:
        return ""
    return f"{'preset' if answer.origin == 'preset' else 'decided'} by {answer.decided_by}"


def decisions(update: Update) -> str:
    """The answers that the organisation decides in an update, in a line; empty where there are none."""
    decided = [answer for answer in update.new_answers if answer.origin == "organisation"]
    if not decided:
        return ""
    return f"decided by {decided[0].decided_by}: {', '.join(answer.key for answer in decided)}"


def overview(update: Update) -> str:
    """What an update does, counted, without a full stop."""
    parts = [files_counted(update.changes)]
    if update.conflicts:
        parts.append(counted(len(conflict_paths(update.conflicts)), "conflict"))
    if update.resolved:
        parts.append(f"conflicts in {counted(len(update.resolved), 'file')} resolved by hand")
    replaced = sum(1 for note in update.notes if note.why is Why.EDITED)
    if replaced:
        parts.append(f"{counted(replaced, 'edited file')} of the template replaced")
    left = len(left_alone(update.notes))
    if left:
        parts.append(f"{left} left alone")
    return ", ".join(parts)


def files_counted(changes: Sequence[FileChange]) -> str:
    """How many files change, and how."""
    if not changes:
        return "no file changes"
    kinds = Counter(change.kind for change in changes)
    parts = [f"{kinds[kind]} {_KIND_WORDS.get(kind, kind)}" for kind in _KINDS if kinds[kind]]
    said = f"{counted(len(changes), 'file')} {'changes' if len(changes) == 1 else 'change'}"
    return said if [*kinds] == ["changed"] else f"{said} ({', '.join(parts)})"


def left_alone(notes: Sequence[FileNote]) -> list[FileNote]:
    """The notes of files that stay as they are although the template changed them."""
    return [note for note in notes if note.why in LEFT_ALONE]


def conflict_paths(conflicts: Sequence[Conflict]) -> dict[str, str]:
    """The files with conflicts, each with what happened to it."""
    found: dict[str, list[str]] = {}
    for conflict in conflicts:
        said = found.setdefault(conflict.path, [])
        words = conflict_words(conflict)
        if words not in said:
            said.append(words)
    return {path: "; ".join(said) for path, said in found.items()}


def conflict_words(conflict: Conflict) -> str:
    """What happened to a file that git could not merge."""
    kind = conflict.kind.casefold()
    if kind == "modify/delete" and "deleted in" in conflict.message:
        template = "deleted in the template's" in conflict.message
        return "the template deleted it, you changed it" if template else "you deleted it, the template changed it"
    return _CONFLICTS.get(kind) or f"git calls it {printable(conflict.kind) or 'a conflict'}"


def value_words(value: Value | None) -> str:
    """An answer as the answers file would hold it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "[]"
    return str(value) or "''"


def why_words(note: FileNote) -> str:
    """What a note says, without the file's name."""
    colon = "; " if note.why in LEFT_ALONE else ": "
    return f"{WHY[note.why]}{colon}{note.detail.rstrip('.')}" if note.detail else WHY[note.why]


def question_words(answer: NewAnswer) -> str:
    """What an answer is about; some templates have no titles."""
    return answer.title if answer.title != answer.key else answer.help


def guide_lines(conflicts: Sequence[Conflict], *, sync_branch: str, resume: str) -> list[str]:
    """What to do with conflicts in a clone where git's cherry-pick waits on the sync branch.

    Args:
        conflicts: They.
        sync_branch: The branch.
        resume: The command that finishes the update.
    """
    paths = conflict_paths(conflicts)
    binary = any(conflict.kind == "binary" for conflict in conflicts)
    width = min(max(map(len, map(printable, paths)), default=0), 40)
    return [
        f"{counted(len(paths), 'file')} that git could not merge; you are on the branch {printable(sync_branch)}:",
        *(f"  ! {printable(path):<{width}}  {words}" for path, words in paths.items()),
        "1. Open each one. Between <<<<<<< and ======= is yours, between ======= and >>>>>>> the template's:",
        "   leave what shall be there, and delete the marks. Editors and 'git mergetool' know this state.",
        *(
            ["   What one side deleted is there as the other one has it: keep it or delete it."]
            if is_about_deletion(conflicts)
            else []
        ),
        *(
            ["   What is not text is as you had it: 'git checkout --theirs FILE' takes the template's."]
            if binary
            else []
        ),
        "2. git add FILE for each one (git rm FILE if it shall be gone)",
        f"3. {resume}",
        "Or 'mlopsgen sync --abort': everything is as before.",
    ]


def leaves_marks(conflict: Conflict) -> bool:
    """Whether the file holds git's marks of both sides."""
    return conflict.kind != "binary" and "delete" not in conflict.kind


def is_about_deletion(conflicts: Sequence[Conflict]) -> bool:
    """Whether one of them is about a file that one side deleted; it holds no markers."""
    return any("delete" in conflict.kind for conflict in conflicts)
