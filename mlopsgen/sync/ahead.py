"""The answers after an update: migrated, with those of new questions, and what is different in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlopsgen.adapters.upstream_history import STAMP
from mlopsgen.answer_values import accept, as_text
from mlopsgen.answers import BY_KEY
from mlopsgen.constants import ANSWERS_FILE, CANONICAL_TEMPLATE
from mlopsgen.errors import InvalidAnswer
from mlopsgen.ports import Template
from mlopsgen.question_set import QuestionSet
from mlopsgen.questions import Question, Value
from mlopsgen.sync.migrations import MIGRATIONS, Migration, migrate
from mlopsgen.sync.record import read_record, renewed_text
from mlopsgen.sync.start import Given, Start
from mlopsgen.sync.values import NewAnswer

Ask = Callable[[Sequence[Question], Mapping[str, Value], QuestionSet], Mapping[str, object]]
"""Asks a person new questions: which, every answer so far, all questions; to the answers that are not the default."""


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """The answers that the new version is rendered with.

    Attributes:
        version: The version.
        answers: What to render with; questions of other templates that are not answered are left to the engine.
        origins: Where an answer that was not recorded came from, by key.
        asked: The questions of the version.
        said: What migrations did and the organisation decided, in words.
        set_back: Locked answers that somebody had edited in the record.
    """

    version: str
    answers: Mapping[str, Any]
    origins: Mapping[str, str]
    asked: QuestionSet
    said: tuple[str, ...] = ()
    set_back: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Renewed:
    """The new record.

    Attributes:
        text: What the file holds.
        answers: Every answer from now on.
        new: What is different in the answers.
    """

    text: str
    answers: Mapping[str, Value]
    new: tuple[NewAnswer, ...]


def look_ahead(
    start: Start,
    version: str,
    template: Template,
    given: Given,
    ask: Ask | None = None,
    *,
    migrations: Sequence[Migration] = MIGRATIONS,
) -> Ahead:
    """The answers for a version.

    Args:
        start: What is updated.
        version: The version that it gets.
        template: The template.
        given: Answers that a person gives along with the update.
        ask: Asks for the answers of new questions; without it they have their defaults.
        migrations: What happened to the questions.

    Raises:
        InvalidAnswer: A given answer is not valid, or a recorded one is not valid any more.
        MissingAnswer: A question without a default has no answer.
    """
    asked = template.questions(version)
    origins = dict.fromkeys(_different(start.answers, start.today), "edited")
    recorded = dict(start.today)
    said: tuple[str, ...] = ()
    if asked.ours:
        begin, end = (upstream_version(template, each) for each in (start.version, version))
        recorded, said = migrate(recorded, begin, end, migrations)
        origins |= dict.fromkeys(_different(start.today, recorded), "migrated")
    new = _accepted(asked, given, version)
    origins |= dict.fromkeys(new, "given")
    if not asked.ours:
        # What is recorded was made by the template's engine, which knows more of its questions than is known here.
        answers: dict[str, Any] = {**recorded, **new}
        answers |= _Completing(asked, given.origin).ask_new(answers, ask, origins)
        return Ahead(version=version, answers=answers, origins=origins, asked=asked, said=said)
    origin = {**{key: start.record.where(key) for key in recorded}, **given.origin}
    answers = {key: value for key, value in {**recorded, **new}.items() if key in asked.by_key}
    completing = _Completing(asked, origin)
    set_back = completing.decide(answers, origins)
    answers |= completing.ask_new(answers, ask, origins)
    answers = completing.complete(answers, given.answers)
    completing.name_presets(answers, recorded, origins)
    set_back = tuple(key for key in set_back if key in start.today and answers.get(key) != start.today[key])
    edited = tuple(key for key in set_back if key in answers and start.answers.get(key) == answers[key])
    said = (*said, *(_back(asked, key, start.today[key], answers[key]) for key in edited))
    return Ahead(version=version, answers=answers, origins=origins, asked=asked, said=said, set_back=edited)


def _accepted(asked: QuestionSet, given: Given, version: str) -> dict[str, Any]:
    """The given answers, looked at; where no question could be read, the engine looks at them."""
    if not asked.questions:
        return dict(given.answers)
    found: dict[str, Any] = {}
    for key, value in given.answers.items():
        where = given.origin.get(key, key)
        if key not in asked.by_key:
            raise _no_question(key, version, asked, where)
        found[key] = accept(asked.by_key[key], value, where)
        asked.refuse_locked(key, found[key], where)
    return found


def _back(asked: QuestionSet, key: str, edited: Any, value: Any) -> str:
    question, found = asked.by_key[key], asked.organisation
    name, why = (found.name, found.locked[key].why) if found is not None else ("", "")
    reason = f" {why}" if why else ""
    try:
        before = as_text(question, accept(question, edited))
    except InvalidAnswer:
        before = str(edited)
    return (
        f"'{key}' was edited to '{before}'; it is decided by {name} and is '{as_text(question, value)}' again.{reason}"
    )


def upstream_version(template: Template, version: str) -> str:
    """Which of our versions a version of a template holds: an organisation counts the versions of its own one itself.

    Raises:
        MlopsgenError: There is no such version.
    """
    if template.address == CANONICAL_TEMPLATE:
        return version
    stamp = re.search(r"(?m)^v\d+(\.\d+)*$", template.read(version, STAMP) or "")
    return stamp[0] if stamp is not None else version


def _different(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [key for key in {**before, **after} if key not in before or key not in after or before[key] != after[key]]


def _no_question(key: str, version: str, asked: QuestionSet, where: str) -> InvalidAnswer:
    if key in asked.left or (asked.ours and key not in BY_KEY):
        return asked.unknown_key(key, where)
    hint = "Leave it out." if asked.ours else f"It asks: {', '.join(asked.by_key)}."
    return InvalidAnswer(f"The template {version} has no question '{key}'.", where=where, hint=hint)


@dataclass(frozen=True)
class _Completing:
    """Makes every answer of a version.

    Attributes:
        asked: Its questions.
        origin: Where answers stand, for errors.
    """

    asked: QuestionSet
    origin: Mapping[str, str]

    def decide(self, answers: dict[str, Any], origins: dict[str, str]) -> tuple[str, ...]:
        """Put what the organisation locked in place of what stands there; which answers that changed."""
        found = self.asked.organisation
        changed = []
        for key, locked in found.locked.items() if found is not None else ():
            value = accept(self.asked.by_key[key], locked.value)
            if answers.get(key) != value:
                changed.append(key)
                origins[key] = "organisation"
            answers[key] = value
        return tuple(changed)

    def ask_new(self, answers: Mapping[str, object], ask: Ask | None, origins: dict[str, str]) -> Mapping[str, object]:
        """What a person answers to the questions that have no answer yet; ``origins`` gets their keys."""
        if ask is None:
            return {}
        known = self._so_far(answers)
        new = [question for question in self.asked.questions if question.key not in answers and question.asked(known)]
        if not new:
            return {}
        said = ask(new, known, self.asked)
        origins |= dict.fromkeys((question.key for question in new), "asked")
        return {question.key: said[question.key] for question in new if question.key in said}

    def complete(self, answers: Mapping[str, Any], given: Collection[str]) -> dict[str, Any]:
        """Every answer; recorded ones that count no more, because of another answer, are left out.

        Of questions that are not ours the engine makes the defaults.
        """
        known = self._so_far(answers)
        questions = self.asked.questions
        counting = {
            question.key
            for question in questions
            if (question.key in given and not self.asked.is_locked(question.key)) or question.asked(known)
        }
        kept = {key: answers[key] for key in answers if key in counting}
        try:
            found = self.asked.resolve(kept, origin=self.origin)
        except InvalidAnswer as error:
            raise _answerable(error) from None
        return self.asked.for_engine(found, kept)

    def name_presets(self, answers: Mapping[str, Any], recorded: Mapping[str, Any], origins: dict[str, str]) -> None:
        """Say of new questions which have the organisation's answer."""
        found = self.asked.organisation
        for key in found.preset if found is not None else ():
            if key in answers and key not in recorded and key not in origins:
                origins[key] = "preset"

    def _so_far(self, answers: Mapping[str, object]) -> dict[str, Value]:
        """The answers, with gaps where there is neither an answer nor a default."""
        found: dict[str, Value] = {}
        for question in self.asked.questions:
            if not question.asked(found):
                found[question.key] = question.unasked(found)
            elif question.key in answers:
                try:
                    found[question.key] = accept(question, answers[question.key], self.origin.get(question.key, ""))
                except InvalidAnswer as error:
                    if self.asked.ours:
                        raise _answerable(error) from None
                    found[question.key] = question.default_for(found)  # the engine made it, and knows what it is
            else:
                found[question.key] = self.asked.default_for(question, found)
        return found


def _answerable(error: InvalidAnswer) -> InvalidAnswer:
    """The error, with what to do about an answer that was recorded."""
    if error.where.startswith(f"{ANSWERS_FILE}:"):
        error.hint = f"{error.hint} Give another answer: --set KEY=VALUE."
    return error


def renew(
    start: Start, ahead: Ahead, template: Template, rendered: str | None, *, address: str | None = None
) -> Renewed:
    """The new record.

    Args:
        start: What is updated.
        ahead: The answers that the new version was rendered with.
        template: The template.
        rendered: The record as the new version renders it; ``None`` if it renders none.
        address: The template's address from now on, if it is not the template's own.
    """
    recorded = dict(ahead.answers) if rendered is None else None
    text = renewed_text(start.record, rendered, address or template.address, ahead.version, recorded)
    answers = dict(read_record(text).answers)
    return Renewed(text=text, answers=answers, new=tuple(_changes(start, ahead, answers)))


def _changes(start: Start, ahead: Ahead, answers: Mapping[str, Any]) -> Iterable[NewAnswer]:
    asked = ahead.asked
    for key in _different(start.answers, answers):
        value, before = answers.get(key), start.answers.get(key)
        origin = "dropped" if key not in answers else ahead.origins.get(key, "default")
        # What an older version asked is known here, too, where it is one of ours.
        question = asked.by_key.get(key) or (BY_KEY.get(key) if asked.ours else None)
        found = asked.organisation
        by = found.name if found is not None and origin in ("organisation", "preset") else ""
        why = found.locked[key].why if found is not None and origin == "organisation" else ""
        yield NewAnswer(
            key=key,
            title=question.title if question is not None else key,
            value=value,
            before=before,
            origin=origin,
            help=question.help if question is not None else "",
            decided_by=by,
            why=why,
        )
