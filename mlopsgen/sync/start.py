"""Where an update starts: the version and the answers that the repository was rendered with, as far as can be known."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlopsgen.adapters.answers_digest import digest_of
from mlopsgen.adapters.git import GitRepository
from mlopsgen.answers import BUILT_IN, BY_KEY, is_ours
from mlopsgen.constants import ANSWERS_FILE
from mlopsgen.errors import InvalidDocument, MlopsgenError, UsageError
from mlopsgen.near_words import nearest
from mlopsgen.ports import Template
from mlopsgen.sync.fits import Fits
from mlopsgen.sync.migrations import version_key
from mlopsgen.sync.moved import as_there
from mlopsgen.sync.record import Record, read_record

_OLDEST_LOOKED_AT = 50
"""So many commits that changed the record are looked at, newest first."""

_NAMED = 10
"""So many versions are named in a message, the newest ones."""


class HistoryNeeded(InvalidDocument):
    """The record was edited, and the commits that would tell what it was are not in this shallow clone."""

    code = "history-needed"


@dataclass(frozen=True, kw_only=True)
class Given:
    """Answers that a person gives along with an update.

    Attributes:
        answers: By key, as text or as values of YAML or JSON.
        origin: Where each one came from, for errors (``answers.yml:3``, ``--set``).
    """

    answers: Mapping[str, object] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Start:
    """What is updated.

    Attributes:
        record: The record as it stands in the repository.
        version: The version that the base is rendered from.
        answers: The answers that the base is rendered with.
        today: The answers as they stand in the record; others than ``answers`` if somebody edited them.
        warnings: What a person should know about it.
    """

    record: Record
    version: str
    answers: Mapping[str, Any]
    today: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


def find_start(
    repository: GitRepository,
    ours: str,
    template: Template,
    *,
    rebase_from: str | None = None,
    given: Given | None = None,
    fits: Fits | None = None,
) -> Start:
    """Where the update of a commit starts.

    Args:
        repository: Where the commit lies.
        ours: The commit that is updated.
        template: The template that it was made from.
        rebase_from: The version that it shall count as rendered from, with today's answers, whatever the record says.
        given: Answers that a person gives; they stand for a record that is not there any more.
        fits: Compares the commit's files with renders; without it a record that lies is believed.

    Raises:
        HistoryNeeded: The answers were edited by hand, and the clone is too shallow to know what they were.
        InvalidDocument: The record is missing, cannot be read or cannot be believed; the hint names the way back.
        UsageError: There is no version ``rebase_from``.
    """
    text = _blob(repository, ours)
    if text is None and rebase_from:
        return _without_record(template, known_version(template, rebase_from), given or Given())
    if text is None:
        raise _missing(repository, ours, template, fits)
    written = _readable(text)
    if rebase_from:
        return _rebased(written, known_version(template, rebase_from))
    record = as_there(written, template)
    _check_version(record, template, fits)
    answers = _rendered_with(repository, ours, record, fits, written=written.version)
    warnings: tuple[str, ...] = ()
    if record.version != written.version:
        place = f"its version {written.version} is {record.version} there"
        warnings = (f"The repository comes from mlopsgen's own template to {template.address}: {place}.",)
    names = sorted(key for key in {*answers, *record.answers} if answers.get(key) != record.answers.get(key))
    if names:
        warnings += (
            f"Answers in {ANSWERS_FILE} were edited by hand ({', '.join(names)}): they are applied as new answers.",
        )
    _check_truth(record, answers, template, fits)
    return Start(record=record, version=record.version, answers=answers, today=record.answers, warnings=warnings)


def _blob(repository: GitRepository, commit: str) -> str | None:
    done = repository.run("cat-file", "blob", f"{commit}:{ANSWERS_FILE}", check=False)
    return done.stdout if done.exit_status == 0 else None


def _readable(text: str) -> Record:
    conflict = re.search(r"^<{7} ", text, re.MULTILINE)
    if conflict:
        line = text[: conflict.start()].count("\n") + 1
        raise InvalidDocument(
            f"{ANSWERS_FILE} holds the markers of a conflict.",
            where=f"{ANSWERS_FILE}:{line}",
            hint="Take the side with the version that the other files are of, whole, and commit it.",
        )
    return read_record(text)


def _rebased(record: Record, version: str) -> Start:
    warnings: tuple[str, ...] = ()
    if record.version != version:
        named = f"the record names {record.version}" if record.version else "the record names no version"
        warnings = (f"The files are taken as rendered from {version} with today's answers; {named}.",)
    return Start(record=record, version=version, answers=record.answers, today=record.answers, warnings=warnings)


def known_version(template: Template, wanted: str, where: str = "--rebase-from") -> str:
    """A version as its template calls it, asked for with or without the ``v`` before it.

    Raises:
        UsageError: There is none.
    """
    versions = template.versions()
    found = template.find(wanted)
    if found is None:
        raise UsageError(f"There is no template version '{wanted}'.", where=where, hint=_versions_here(versions))
    return found


def _versions_here(versions: Sequence[str]) -> str:
    newest = versions[-_NAMED:]
    return f"Versions here: {'..., ' if len(versions) > len(newest) else ''}{', '.join(newest) or 'none'}."


def _without_record(template: Template, version: str, given: Given) -> Start:
    if not given.answers:
        raise InvalidDocument(
            f"There is no {ANSWERS_FILE}, and so no answers that {version} was rendered with.",
            where=ANSWERS_FILE,
            hint="Add them: --answers FILE or --set KEY=VALUE; a key that is left out keeps its default.",
        )
    answers: dict[str, Any] = dict(given.answers)
    asked = template.questions(version)
    if asked.ours:
        # The files may have been made with other answers than the organisation has decided by now.
        complete = asked.unlocked().resolve(given.answers, origin=given.origin)
        told = asked.for_engine(complete, given.answers)
        answers = {key: value for key, value in told.items() if asked.by_key[key].asked(complete)}
    record = Record(template=template.address, version="", answers=answers)
    said = f"There is no {ANSWERS_FILE}: the files are taken as rendered from {version} with the given answers."
    return Start(record=record, version=version, answers=answers, today=answers, warnings=(said,))


def _missing(repository: GitRepository, ours: str, template: Template, fits: Fits | None) -> InvalidDocument:
    way = f"mlopsgen sync --rebase-from VERSION --answers FILE   ({_versions_here(template.versions())})"
    guess = fits.best(template.versions(), {}) if fits is not None else None
    if guess is not None:
        way = f"mlopsgen sync --rebase-from {guess[0]} --answers FILE   (the files fit {guess[0]} best)"
    removed = repository.run(
        "log", "-1", "--format=%h", "--diff-filter=D", ours, "--", ANSWERS_FILE, check=False
    ).stdout.strip()
    if removed:
        way = f"git checkout {removed}~1 -- {ANSWERS_FILE}, and commit it. Or: {way}"
    gone = f"was deleted in commit {removed}" if removed else "is not there"
    return InvalidDocument(
        f"{ANSWERS_FILE} {gone}: nothing tells which template this repository was made from.",
        where=ANSWERS_FILE,
        hint=way,
    )


def _check_version(record: Record, template: Template, fits: Fits | None) -> None:
    """Refuse a version that is not there."""
    versions = template.versions()
    found = template.find(record.version)
    if (found is not None and found.removeprefix("v") != record.version.removeprefix("v")) or found == record.version:
        return
    guess = _guess(record, template, fits)
    way = f"mlopsgen sync --rebase-from {guess or 'VERSION'}"
    known = f"The files fit {guess} best" if guess else _versions_here(versions).removesuffix(".")
    if not record.version:
        raise InvalidDocument(f"{ANSWERS_FILE} names no template version.", where=ANSWERS_FILE, hint=f"{known}: {way}")
    where = record.where("_commit")
    if re.fullmatch(r"v?\d+(\.\d+)*", record.version) and version_key(record.version) > version_key(template.newest):
        raise InvalidDocument(
            f"This repository was made from the template {record.version}; "
            f"the newest one that is known here is {template.newest}.",
            where=where,
            hint=f"Update mlopsgen first. If {ANSWERS_FILE} is wrong: {way}",
        )
    raise InvalidDocument(
        f"There is no template version '{record.version}', which {ANSWERS_FILE} names.",
        where=where,
        hint=f"{known}: {way}",
    )


def _guess(record: Record, template: Template, fits: Fits | None) -> str | None:
    """The version that was probably meant: the one that the files fit, else the one with the nearest name."""
    best = fits.best(template.versions(), record.answers) if fits is not None else None
    if best is not None:
        return best[0]
    return nearest(record.version.split("-")[0], template.versions(), like=0.8) or None


def _check_truth(record: Record, answers: Mapping[str, Any], template: Template, fits: Fits | None) -> None:
    """Refuse a version that cannot be true."""
    found = fits.contradiction(record.version, template.versions(), answers) if fits is not None else None
    if found is not None:
        raise InvalidDocument(
            f"{ANSWERS_FILE} says that this repository is at {record.version}, but its files are those of {found}.",
            where=record.where("_commit"),
            hint=f"If they are: mlopsgen sync --rebase-from {found}. "
            f"If you meant to keep {record.version}: mlopsgen sync --rebase-from {record.version}",
        )


def _rendered_with(
    repository: GitRepository, ours: str, record: Record, fits: Fits | None, *, written: str
) -> Mapping[str, Any]:
    """The answers that the files are rendered with: those of the record, unless somebody edited them.

    Raises:
        InvalidDocument: Somebody did, and no commit holds what they were.
    """
    if not record.is_edited and (record.digest or fits is None):
        return record.answers
    earlier, is_broken = _earlier(repository, ours)
    same = [found for found in earlier if found.version == written]
    if record.digest:
        intact = next((found for found in same if found.digest and not found.is_edited), None)
        if intact is None:
            raise _unknown_answers(record, is_shallow=is_broken or _is_shallow(repository))
        return intact.answers
    if fits is None:
        return record.answers
    # Records of v0.1.0 have no digest: the files tell which of the answers that were ever there they are made of.
    answers = list({digest_of(found.answers): found.answers for found in (record, *same)}.values())
    if (is_broken or _is_shallow(repository)) and _looks_edited(record, fits):
        raise _unknown_answers(record, is_shallow=True)
    best = fits.rendered_with(record.version, answers) if len(answers) > 1 else None
    return record.answers if best is None else best


def _looks_edited(record: Record, fits: Fits) -> bool:
    """Whether more files are as they would be with the default of a question that was answered otherwise."""
    if not is_ours(record.answers) or not fits.of(record.version, record.answers).apart:
        return False
    try:
        complete = BUILT_IN.resolve({key: value for key, value in record.answers.items() if key in BY_KEY})
    except MlopsgenError:
        return False  # what is wrong with them is said when they are needed
    others = {
        question.key: question.default_for(complete)
        for question in BUILT_IN.questions
        if question.section != "project" and question.key in record.answers
    }
    candidates = [{**record.answers, key: value} for key, value in others.items() if record.answers[key] != value]
    best = fits.rendered_with(record.version, [record.answers, *candidates])
    return best is not None and best is not record.answers


def _earlier(repository: GitRepository, ours: str) -> tuple[list[Record], bool]:
    """The records that there were, newest first, and whether git stumbled over commits that are not there.

    It does where a shallow clone is seen through another repository.
    """
    limit = f"--max-count={_OLDEST_LOOKED_AT}"
    listed = repository.run("log", limit, "--format=%H", ours, "--", ANSWERS_FILE, check=False)
    found = []
    for commit in listed.stdout.split():
        text = _blob(repository, commit)
        with contextlib.suppress(MlopsgenError):
            found += [] if text is None else [read_record(text)]
    return found, listed.exit_status != 0


def _is_shallow(repository: GitRepository) -> bool:
    return repository.run("rev-parse", "--is-shallow-repository", check=False).stdout.strip() == "true"


def _unknown_answers(record: Record, *, is_shallow: bool) -> InvalidDocument:
    kind = HistoryNeeded if is_shallow else InvalidDocument
    here = "this clone is shallow" if is_shallow else "no commit of this branch holds them"
    deepen = "Fetch the history (git fetch --unshallow) and run it again. Or put" if is_shallow else "Put"
    return kind(
        f"The answers in {ANSWERS_FILE} were edited by hand, and what they were before is not known: {here}.",
        where=ANSWERS_FILE,
        hint=f"{deepen} the old answers back and give the new ones with --set KEY=VALUE. Or, if the files are rendered "
        f"with the answers as they are now: mlopsgen sync --rebase-from {record.version}",
    )
