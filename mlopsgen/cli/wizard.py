"""The conversation of ``mlopsgen init``: the defaults first, then only what a person wants to change, then a summary.

What it says and in which order; how it looks in a terminal is :mod:`mlopsgen.cli.prompts`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum, auto

from mlopsgen import naming
from mlopsgen.answer_values import accept, as_text, refusal
from mlopsgen.answers import BUILT_IN
from mlopsgen.cli.topics import shortened, topics
from mlopsgen.errors import Interrupted, MissingAnswer, MlopsgenError
from mlopsgen.ports import Back, Prompter
from mlopsgen.question_set import QuestionSet
from mlopsgen.questions import Question, Value

Refuse = Callable[[Mapping[str, Value]], "MlopsgenError | None"]
Draw = Callable[[Mapping[str, Value]], str]

BACK_CHOICE = ("", "(back)")
"""The last entry of a list; choosing it is going back."""

_EMPTY_CHOICE = "(empty)"


class _Next(Enum):
    WRITE = auto()
    CHANGE = auto()
    CANCEL = auto()


def ask(
    questions: QuestionSet, given: Mapping[str, object], prompter: Prompter, draw: Draw, refuse: Refuse
) -> dict[str, Value]:
    """Ask a person for the answers, starting from ``given``.

    Args:
        questions: The template's questions.
        given: Answers of the command line; they are shown like defaults and can be changed.
        prompter: Asks.
        draw: Makes the table of all answers.
        refuse: Why no repository can be made from answers that are fine by themselves (the folder is occupied).

    Returns:
        Every answer, as :meth:`mlopsgen.question_set.QuestionSet.resolve` returns them.

    Raises:
        Interrupted: The person wants no repository.
    """
    talk = _Conversation(questions, dict(given), prompter)
    prompter.tell(draw(talk.answers()))
    while True:
        chosen = talk.choose_topics()
        if not talk.ask_topics(chosen) or not talk.ask_missing():
            continue
        answers = questions.resolve(talk.given)
        refused = refuse(answers)
        if refused is not None:
            prompter.tell(f"{refused.message} {refused.hint}")
            talk.need(*naming.FOLDER_KEYS)
            continue
        if chosen or talk.changed:
            prompter.tell(draw(answers))
        decision = talk.decide()
        if decision is _Next.WRITE:
            return answers
        if decision is _Next.CANCEL:
            raise Interrupted


def ask_new(
    questions: Sequence[Question],
    answers: Mapping[str, Value],
    prompter: Prompter,
    asked: QuestionSet = BUILT_IN,
) -> dict[str, object]:
    """Ask a person the questions that a newer template asks for the first time.

    Args:
        questions: The new questions.
        answers: Every answer so far, the defaults of the new questions among them.
        prompter: Asks.
        asked: All questions of the newer template.

    Returns:
        The answers that are not the default.
    """
    new = {question.key for question in questions}
    known = {question.key: answers[question.key] for question in asked.questions if question.key in answers}
    counting = {key: value for key, value in known.items() if key not in new and asked.by_key[key].asked(known)}
    talk = _Conversation(asked, dict(counting), prompter)
    number = "a new question" if len(new) == 1 else f"{len(new)} new questions"
    prompter.tell(f"\nThe newer template asks {number}; enter keeps the default.")
    while not talk.ask(list(questions)):
        pass  # back from the first question leads to it again
    return {key: value for key, value in talk.given.items() if key in new}


class _Conversation:
    """The answers so far, and the questions about them."""

    def __init__(self, questions: QuestionSet, given: dict[str, object], prompter: Prompter) -> None:
        self.given = given
        self.changed = False
        self._questions = questions
        self._needed = ""
        self._decided: set[str] = set()
        self._prompter = prompter

    def answers(self) -> dict[str, Value]:
        """Every answer that there is; a question without a default that is still open is left out."""
        found: dict[str, Value] = {}
        for question in self._questions.questions:
            if not question.asked(found):
                found[question.key] = question.unasked(found)
            elif question.key in self.given:
                found[question.key] = accept(question, self.given[question.key])
            else:
                found[question.key] = self._questions.default_for(question, found)
        return found

    def need(self, *keys: str) -> None:
        """Mark the topic of the first of these questions, the next time that topics are chosen."""
        open_topics = topics(self._questions, self.answers())
        by_question = {question.key: topic.key for topic in open_topics for question in topic.questions}
        self._needed = next((by_question[key] for key in keys if key in by_question), "")

    def choose_topics(self) -> list[str]:
        """The topics that the person wants to change."""
        marked = [self._needed] if self._needed else []
        self._needed = ""
        choices = [(topic.key, topic.words) for topic in topics(self._questions, self.answers())]
        if not choices:
            return []
        try:
            return self._prompter.choose_some("Change anything?", choices, marked)
        except Back:
            return []

    def ask_topics(self, chosen: Collection[str]) -> bool:
        """Ask about the chosen topics, and what comes to count by that; false when the person went back at first."""
        answers = self.answers()
        wanted = {
            question.key
            for topic in topics(self._questions, answers)
            if topic.key in chosen
            for question in topic.questions
        }
        if not wanted:
            return True
        wanted |= {question.key for question in self._questions.questions if not question.asked(answers)}
        return self.ask([question for question in self._questions.questions if question.key in wanted])

    def ask_missing(self) -> bool:
        """Ask what cannot be guessed and was not answered; false when the person went back."""
        while True:
            try:
                self._questions.resolve(self.given)
            except MlopsgenError as wrong:
                if wrong.where in self.given and not isinstance(wrong, MissingAnswer):
                    # An earlier change has made this answer pointless or wrong: it falls back to its default.
                    self._prompter.tell(f"{wrong.message} The default stands again.")
                    del self.given[wrong.where]
                    continue
                question = self._questions.by_key.get(wrong.where)
                if question is None or self._questions.is_locked(wrong.where):
                    raise
                self._prompter.tell(wrong.message)
                if not self.ask([question]):
                    self.need(question.key)
                    return False
            else:
                return True

    def ask(self, questions: Sequence[Question]) -> bool:
        """Ask questions in order; false when the person went back before the first one."""
        position = 0
        visited: list[int] = []
        while position < len(questions):
            question = questions[position]
            if not question.asked(self.answers()):
                self.given.pop(question.key, None)
            elif self._questions.is_locked(question.key):
                self._tell_decided(question)
            else:
                try:
                    counts = self._answer(question)
                except Back:
                    if not visited:
                        return False
                    position = visited.pop()
                    continue
                if counts:
                    visited.append(position)
            position += 1
        return True

    def _tell_decided(self, question: Question) -> None:
        """Say once what the organisation has decided, where it would have been asked."""
        organisation = self._questions.organisation
        if organisation is None or question.key in self._decided:
            return
        self._decided.add(question.key)
        locked = organisation.locked[question.key]
        value = shortened(as_text(question, accept(question, locked.value))) or "empty"
        why = f" {locked.why}" if locked.why else ""
        self._prompter.tell(f"\n  {question.title}: {value}, decided by {organisation.name}.{why}")

    def _answer(self, question: Question) -> bool:
        """Ask one question; false if there is nothing that a line could answer."""
        answers = self.answers()
        current = as_text(question, answers[question.key])
        if question.kind in ("choice", "switch"):
            choices = question.choices or ("yes", "no")
            words = [(choice or _EMPTY_CHOICE, choice or _EMPTY_CHOICE) for choice in choices]
            said = self._prompter.choose(
                question.title, self._help(question), [*words, BACK_CHOICE], current or _EMPTY_CHOICE
            )
            said = "" if said == _EMPTY_CHOICE and _EMPTY_CHOICE not in choices else said
        elif "\n" in current:
            self._prompter.tell(
                f"\n  {question.title}: several lines, which stay. Others can be given with --answers FILE."
            )
            return False
        else:
            said = self._prompter.text(
                question.title, self._help(question), current, lambda text: refusal(question, text.strip())
            )
        value = accept(question, said)
        self.changed = self.changed or value != answers[question.key]
        without = {key: found for key, found in answers.items() if key != question.key}
        if value == self._questions.default_for(question, without):
            # A default is not pinned down: it goes on following the answers that it depends on.
            self.given.pop(question.key, None)
        else:
            self.given[question.key] = value
        return True

    def _help(self, question: Question) -> str:
        """The line of help, with the one who set the default."""
        name = self._questions.decided_by(question.key)
        return f"{question.help} (The default is {name}'s.)".strip() if name else question.help

    def decide(self) -> _Next:
        """Whether to write."""
        choices = [("write", "write the repository"), ("change", "change something"), ("cancel", "cancel")]
        try:
            said = self._prompter.choose("Write it?", "Nothing has been written so far.", choices, "write")
        except Back:
            said = "change"
        return {"write": _Next.WRITE, "change": _Next.CHANGE, "cancel": _Next.CANCEL}[said]
