"""The text of the pull request that brings an update: first what to do, then why; never longer than GitHub takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from mlopsgen.constants import ANSWERS_FILE, MAIN_BRANCH
from mlopsgen.sync import pull_parts
from mlopsgen.sync.markdown import code, folded, plain
from mlopsgen.sync.pull_parts import Room
from mlopsgen.sync.values import Update, Why
from mlopsgen.sync.wording import conflict_paths, counted, files_counted, goes_back

LONGEST = 65_536
"""Characters that GitHub takes; bytes are counted here, which are never fewer."""

BEGIN, END = "<!-- mlopsgen sync: written by the tool from here -->", "<!-- mlopsgen sync: to here -->"
"""What stands between these is written again by each run; what people write around them stays."""

_ROOMS = (
    Room(files=300, notes=100, changelog=20_000, diffs=30, diff_lines=200),
    Room(files=200, notes=60, changelog=12_000, diffs=10, diff_lines=80),
    Room(files=60, notes=40, changelog=6_000, diffs=5, diff_lines=40),
    Room(files=20, notes=20, changelog=3_000, diffs=2, diff_lines=20, width=400),
    Room(files=0, notes=10, changelog=1_500, diffs=0, diff_lines=0, width=120),
)
_UNASKED = ("default", "preset")
_PEOPLE = 6_000
"""What is left for people who add to the text."""


class Checked(Protocol):
    """The outcome of a quick check of the result."""

    @property
    def name(self) -> str:
        """What was looked at."""

    @property
    def ok(self) -> bool:
        """Whether it is in order."""

    @property
    def ran(self) -> bool:
        """Whether it could be looked at."""

    @property
    def detail(self) -> str:
        """What was found, or why it did not run."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Where an update is proposed.

    Attributes:
        branch: The branch that it shall be merged into.
        sync_branch: The branch that holds it.
        repository: ``OWNER/NAME``; empty where there is no forge with pull requests.
        marked: Whether files with conflict markers are committed in the branch.
        travelling: Commits of the branch that the remote does not have yet and that travel along.
        checks: What the quick checks of the result found.
    """

    branch: str = MAIN_BRANCH
    sync_branch: str = f"mlopsgen/sync-{MAIN_BRANCH}"
    repository: str = ""
    marked: bool = False
    travelling: int = 0
    checks: Sequence[Checked] = ()


def pull_text(update: Update, setting: Setting) -> str:
    """The pull request's text.

    Args:
        update: The update.
        setting: Where it is proposed.

    Returns:
        Markdown that says the same for the same update, and never calls people or issues.
    """
    for room in _ROOMS:
        text = "\n\n".join([BEGIN, *_sections(update, setting, room), END])
        if _size(text) <= LONGEST - _PEOPLE:
            return text
    return _cut(text, LONGEST - _PEOPLE)


def renewed(found: str | None, text: str) -> str:
    """The text of a pull request that is there, with our part of it as it is now.

    Args:
        found: The text that it has; ``None`` if there is none.
        text: What :func:`pull_text` says now.

    Returns:
        ``found`` itself if our part is the same already: then nothing has to be sent.
    """
    before = (found or "").replace("\r\n", "\n")
    start, end = before.find(BEGIN), before.rfind(END)
    if start < 0 or end < start:
        head, tail = "", f"\n\n{before}" if before.strip() else ""
    else:
        head, tail = before[:start], before[end + len(END) :]
    new = f"{head}{_cut(text, LONGEST - _size(head) - _size(tail))}{tail}"
    return found if found is not None and new == before else new


def _sections(update: Update, setting: Setting, room: Room) -> Iterator[str]:
    yield _lead(update, setting)
    yield "### What to do\n\n" + "\n".join(
        f"{number}. {step}" for number, step in enumerate(_steps(update, setting), 1)
    )
    if update.conflicts:
        yield pull_parts.conflicts(update, setting.sync_branch, room, marked=setting.marked)
    yield from pull_parts.warnings(update, room)
    yield from pull_parts.changelog(update, room)
    yield from pull_parts.replaced(update, room)
    yield from pull_parts.other_notes(update, room)
    yield from pull_parts.settings(update, setting.branch, room)
    yield from pull_parts.answers(update, room)
    yield from _checks(setting, room)
    yield from pull_parts.files(update, room)
    yield _foot(setting)


def _lead(update: Update, setting: Setting) -> str:
    branch = code(setting.branch)
    if update.start == update.end:
        text = f"This changes answers of the template {code(update.end)} in {branch}: "
    elif goes_back(update):
        text = f"This takes {branch} **back** from the template {code(update.start)} to {code(update.end)}: "
    else:
        text = f"The template of this repository went from {code(update.start)} to {code(update.end)}. "
        text += f"This brings it into {branch}: "
    text += files_counted(update.changes)
    if update.resolved:
        names = ", ".join(map(code, update.resolved[:5])) + (" …" if len(update.resolved) > 5 else "")
        return f"{text}. Git merged it, and the conflicts in {names} were resolved by hand."
    if not update.conflicts:
        return f"{text}, merged by git without conflicts."
    number = counted(len(conflict_paths(update.conflicts)), "file")
    return f"{text}. **Git could not merge {number}**, and somebody has to."


def _steps(update: Update, setting: Setting) -> Iterator[str]:
    conflicts = len(conflict_paths(update.conflicts))
    if conflicts:
        yield f"Resolve the conflicts in {counted(conflicts, 'file')} (below)."
    failed = [check for check in setting.checks if check.ran and not check.ok]
    if failed:
        yield f"Mend what the quick checks found: {', '.join(plain(check.name) for check in failed)} (below)."
    edited = [note for note in update.notes if note.why is Why.EDITED]
    if edited:
        yield (
            f"Look at {counted(len(edited), 'replaced file')} (below): somebody had edited "
            f"what belongs to the template."
        )
    locks = [note.path for note in update.notes if note.why is Why.LOCK_KEPT]
    if locks:
        names = ", ".join(map(code, locks[:5])) + (" …" if len(locks) > 5 else "")
        yield f"Make {names} again (below): it could not be done for you."
    defaults = sum(1 for answer in update.new_answers if answer.origin in _UNASKED and answer.before is None)
    if defaults:
        yield f"Read {counted(defaults, 'new answer')} (below): nobody was asked, so the default was taken."
    if setting.travelling:
        yield (
            f"Know that {counted(setting.travelling, 'commit')} of {code(setting.branch)} that had not been pushed "
            f"{'comes' if setting.travelling == 1 else 'come'} along."
        )
    yield "Take the pull request out of draft and merge it." if setting.marked else _merging(setting)
    if pull_parts.secrets_of(update) or pull_parts.made_by_push(update):
        yield (
            "Then bring GitHub to it, with the commands under *On GitHub* below."
            if setting.repository
            else ("When the repository is on GitHub: run the commands under *On GitHub* below.")
        )


def _merging(setting: Setting) -> str:
    if setting.repository:
        return "When the checks are green, merge."
    return f"Merge: {code(f'git switch {setting.branch}')}, {code(f'git merge {setting.sync_branch}')}."


def _checks(setting: Setting, room: Room) -> Iterator[str]:
    if not setting.checks:
        return
    shown = pull_parts.listed(setting.checks, lambda check: _check(check, room), room.notes)
    if all(check.ok or not check.ran for check in setting.checks):
        ran = sum(1 for check in setting.checks if check.ran)
        yield folded(f"Quick checks before this was proposed: {ran} ran, all in order", shown)
    else:
        yield f"### Quick checks\n\n{shown}"


def _check(check: Checked, room: Room) -> str:
    said = ("ok" if check.ok else "**failed**") if check.ran else "not run"
    detail = f" ({plain(room.short(check.detail))})" if check.detail else ""
    return f"{plain(check.name)}: {said}{detail}"


def _foot(setting: Setting) -> str:
    return (
        "---\n"
        f"Written by {code('mlopsgen sync')}. Running it again updates this text and the branch "
        f"{code(setting.sync_branch)}; once somebody else has committed to that branch, it is left alone. What you "
        "write above or below this text stays. To keep a file as it is for good, name it under "
        f"{code('owned:')} in {code(ANSWERS_FILE)}."
    )


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _cut(text: str, longest: int) -> str:
    """The text, or as much of it as fits, with a sentence that says so."""
    if _size(text) <= longest:
        return text
    said = f"\n\n*The rest did not fit here; {code('mlopsgen sync --dry-run')} shows all of it.*\n\n{END}"
    room = max(longest - _size(said) - 200, 0)
    kept = text.encode("utf-8", "replace")[:room].decode("utf-8", "ignore")
    # Only whole sections: half of one may be an open block of code or a fold.
    return kept[: max(kept.rfind("\n\n### "), kept.rfind("\n\n<details>"), 0)] + said if kept else said.strip()
