"""The questions of one version of a template, and what the answers to them are. Standard library only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from mlopsgen.answer_values import accept, as_text, problem
from mlopsgen.errors import InvalidAnswer, MissingAnswer
from mlopsgen.near_words import nearest
from mlopsgen.organisation import Organisation
from mlopsgen.questions import Answers, Condition, Question, SlugOf, Value


class LockedAnswer(InvalidAnswer):
    """The organisation has decided it, and another answer was given."""

    code = "locked-answer"


@dataclass(frozen=True, kw_only=True)
class QuestionSet:
    """The questions of a version.

    Attributes:
        questions: In the order in which answers may depend on each other.
        sections: The sections of the wizard, in order, each with its line in the list.
        ours: Whether they are those of :mod:`mlopsgen.answers`, with more or fewer of them.
        organisation: Whose template it is, with the answers that are preset and locked; ``None`` for nobody's.
        left: Questions that only the template's engine understands, each with the reason: it takes their defaults.
    """

    questions: tuple[Question, ...]
    sections: Mapping[str, str] = field(default_factory=dict)
    ours: bool = False
    organisation: Organisation | None = None
    left: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def by_key(self) -> Mapping[str, Question]:
        """Each question by its key."""
        return {question.key: question for question in self.questions}

    def of_section(self, section: str) -> tuple[Question, ...]:
        """The questions of a section, in order."""
        return tuple(question for question in self.questions if question.section == section)

    def is_locked(self, key: str) -> bool:
        """Whether the organisation has decided an answer."""
        return self.organisation is not None and key in self.organisation.locked

    def decided_by(self, key: str) -> str:
        """The organisation that a default or a locked answer comes from; empty where the template says it."""
        found = self.organisation
        return found.name if found is not None and (key in found.preset or key in found.locked) else ""

    def default_for(self, question: Question, answers: Answers) -> Value:
        """The answer that stands when nobody gives one: the organisation's, else the template's."""
        found = self.organisation
        if found is not None and question.key in found.locked:
            return accept(question, found.locked[question.key].value, f"locked by {found.name}")
        if found is not None and question.key in found.preset:
            return accept(question, found.preset[question.key], f"preset by {found.name}")
        return question.default_for(answers)

    def unlocked(self) -> QuestionSet:
        """The same questions with what is locked as defaults: what was answered before it was locked counts."""
        found = self.organisation
        if found is None:
            return self
        decided = {key: locked.value for key, locked in found.locked.items()}
        return replace(self, organisation=replace(found, preset={**found.preset, **decided}, locked={}))

    def for_engine(self, answers: Answers, given: Collection[str] = ()) -> dict[str, Value]:
        """What a render is asked with: of other people's questions the engine itself makes the defaults.

        Args:
            answers: Every answer.
            given: The keys that somebody answered.
        """
        return {
            key: value
            for key, value in answers.items()
            if (question := self.by_key.get(key)) is None
            or not question.keeps_default
            or (question.asked(answers) and (key in given or value != question.default_for(answers)))
        }

    def unknown_key(self, key: str, where: str = "") -> InvalidAnswer:
        """The error for a key that no question has, with the nearest one."""
        if key in self.left:
            return InvalidAnswer(
                f"'{key}' cannot be answered here: {self.left[key]}.",
                where=where or key,
                hint="Leave it out; the template's default stands.",
            )
        near = nearest(key, self.by_key)
        if near:
            hint = f"Did you mean '{near}'?"
        elif self.ours:
            hint = "'mlopsgen schema answers' lists every key."
        else:
            hint = f"The template asks: {', '.join(self.by_key) or 'nothing'}."
        return InvalidAnswer(f"There is no answer '{key}'.", where=where or key, hint=hint)

    def resolve(self, given: Mapping[str, object], *, origin: Mapping[str, str] | None = None) -> dict[str, Value]:
        """All answers: those given, checked, and defaults for the others.

        Args:
            given: Answers by key, as text or as the values of a YAML or JSON document.
            origin: Where each one came from, for errors (``answers.yml:3``); a key itself where it is not named.

        Raises:
            LockedAnswer: The organisation decided otherwise.
            InvalidAnswer: An answer is not valid, or belongs to no question.
            MissingAnswer: A question that has no default was not answered.
        """
        origin = origin or {}
        for key in given:
            if key not in self.by_key:
                raise self.unknown_key(key, origin.get(key, ""))
        answers: dict[str, Value] = {}
        for question in self.questions:
            where = origin.get(question.key, question.key)
            if not question.asked(answers):
                _refuse_pointless(question, given, where)
                answers[question.key] = question.unasked(answers)
            elif question.key in given:
                value = accept(question, given[question.key], where)
                self.refuse_locked(question.key, value, where)
                answers[question.key] = value
            else:
                answers[question.key] = self._default(question, answers)
        return answers

    def refuse_locked(self, key: str, value: Value, where: str) -> None:
        """Refuse another value than the organisation's for an answer that it locked.

        Raises:
            LockedAnswer: It is another one.
        """
        found = self.organisation
        if found is None or key not in found.locked:
            return
        locked = found.locked[key]
        question = self.by_key[key]
        decided = accept(question, locked.value)
        if value == decided:
            return
        reason = f" {locked.why}" if locked.why else ""
        is_now, refused = as_text(question, decided), as_text(question, value)
        raise LockedAnswer(
            f"'{key}' is decided by {found.name}: it is '{is_now}' and cannot be '{refused}'.{reason}",
            where=where,
            hint="Leave it out; whoever keeps the organisation's template can change it for everybody.",
        )

    def _default(self, question: Question, answers: Answers) -> Value:
        value = self.default_for(question, answers)
        if isinstance(question.default, SlugOf):
            refused = problem(question, value)
            if refused:
                raise MissingAnswer(
                    f"No slug can be made from '{answers[question.default.key]}': {refused}.",
                    where=question.key,
                    hint=f"Give a short name for folders and models with {question.option}: "
                    "lower-case letters, digits, dashes.",
                )
        if question.required and value in ("", []):
            when = question.when
            reason = f"It is needed because {when[0]} is '{when[1]}'." if isinstance(when, tuple) else question.help
            raise MissingAnswer(
                f"There is no answer for '{question.key}'. {reason}".rstrip(),
                where=question.key,
                hint=f"Add {question.option}.",
            )
        return value


def _refuse_pointless(question: Question, given: Mapping[str, object], where: str) -> None:
    if given.get(question.key) in (None, "", [], 0, question.default, question.empty) or question.when is None:
        return
    if isinstance(question.when, Condition):
        return  # the template says when it counts; what it does with the answer then is its own matter
    key, wanted = question.when
    raise InvalidAnswer(
        f"'{question.key}' is given, but it counts only when {key} is '{wanted}'.",
        where=where,
        hint=f"Set {key} to '{wanted}', or leave {question.key} out.",
    )
