"""The conversation of ``mlopsgen init``: the defaults first, then only what a person wants to change, then a summary.

What it says and in which order; how it looks in a terminal is :mod:`mlopsgen.cli.prompts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto

from mlopsgen.answer_values import accept, as_text, refusal
from mlopsgen.answers import BY_KEY, QUESTIONS, SECTIONS, of_section, resolve
from mlopsgen.errors import Interrupted, MissingAnswer, MlopsgenError
from mlopsgen.ports import Back, Prompter
from mlopsgen.questions import Question, Value

Refuse = Callable[[Mapping[str, Value]], "MlopsgenError | None"]
Draw = Callable[[Mapping[str, Value]], str]


BACK_CHOICE = ("", "(back)")
"""The last entry of a list; choosing it is going back."""


class _Next(Enum):
    WRITE = auto()
    CHANGE = auto()
    CANCEL = auto()


def ask(given: Mapping[str, object], prompter: Prompter, draw: Draw, refuse: Refuse) -> dict[str, Value]:
    """Ask a person for the answers, starting from ``given``.

    Args:
        given: Answers of the command line; they are shown like defaults and can be changed.
        prompter: Asks.
        draw: Makes the table of all answers.
        refuse: Why no repository can be made from answers that are fine by themselves (the folder is occupied).

    Returns:
        Every answer, as :func:`mlopsgen.answers.resolve` returns them.

    Raises:
        Interrupted: The person wants no repository.
    """
    talk = _Conversation(dict(given), prompter)
    prompter.tell(draw(talk.answers()))
    while True:
        chosen = talk.choose_sections()
        if not talk.ask_sections(chosen) or not talk.ask_missing():
            continue
        answers = resolve(talk.given)
        refused = refuse(answers)
        if refused is not None:
            prompter.tell(f"{refused.message} {refused.hint}")
            talk.needed = "project"
            continue
        if chosen or talk.changed:
            prompter.tell(draw(answers))
        decision = talk.decide()
        if decision is _Next.WRITE:
            return answers
        if decision is _Next.CANCEL:
            raise Interrupted


def ask_new(questions: Sequence[Question], answers: Mapping[str, Value], prompter: Prompter) -> dict[str, object]:
    """Ask a person the questions that a newer template asks for the first time.

    Args:
        questions: The new questions.
        answers: Every answer so far, the defaults of the new questions among them.
        prompter: Asks.

    Returns:
        The answers that are not the default.
    """
    new = {question.key for question in questions}
    known = {question.key: answers[question.key] for question in QUESTIONS if question.key in answers}
    counting = {key: value for key, value in known.items() if key not in new and BY_KEY[key].asked(known)}
    talk = _Conversation(dict(counting), prompter)
    number = "a new question" if len(new) == 1 else f"{len(new)} new questions"
    prompter.tell(f"\nThe newer template asks {number}; enter keeps the default.")
    while not talk.ask(list(questions)):
        pass  # back from the first question leads to it again
    return {key: value for key, value in talk.given.items() if key in new}


class _Conversation:
    """The answers so far, and the questions about them."""

    def __init__(self, given: dict[str, object], prompter: Prompter) -> None:
        self.given = given
        self.changed = False
        self.needed = ""
        self._prompter = prompter

    def answers(self) -> dict[str, Value]:
        """Every answer that there is; a question without a default that is still open is left out."""
        found: dict[str, Value] = {}
        for question in QUESTIONS:
            if not question.asked(found):
                found[question.key] = question.empty
            elif question.key in self.given:
                found[question.key] = accept(question, self.given[question.key])
            else:
                found[question.key] = question.default_for(found)
        return found

    def choose_sections(self) -> list[str]:
        """The sections that the person wants to change."""
        marked = [self.needed] if self.needed else []
        self.needed = ""
        try:
            return self._prompter.choose_some("Change anything?", list(SECTIONS.items()), marked)
        except Back:
            return []

    def ask_sections(self, chosen: list[str]) -> bool:
        """Ask the questions of the chosen sections; false when the person went back before the first one."""
        return self.ask([question for section in SECTIONS if section in chosen for question in of_section(section)])

    def ask_missing(self) -> bool:
        """Ask what cannot be guessed and was not answered; false when the person went back."""
        while True:
            try:
                resolve(self.given)
            except MissingAnswer as missing:
                self._prompter.tell(missing.message)
                if not self.ask([BY_KEY[missing.where]]):
                    self.needed = BY_KEY[missing.where].section
                    return False
            except MlopsgenError as wrong:
                # An earlier change has made this answer pointless or wrong: it falls back to its default.
                key = wrong.where
                if key not in self.given:
                    key = "slug"
                    self._prompter.tell(wrong.message)
                    if not self.ask([BY_KEY[key]]):
                        return False
                else:
                    self._prompter.tell(f"{wrong.message} The default stands again.")
                    del self.given[key]
            else:
                return True

    def ask(self, questions: list[Question]) -> bool:
        """Ask questions in order; false when the person went back before the first one."""
        position = 0
        visited: list[int] = []
        while position < len(questions):
            question = questions[position]
            if question.asked(self.answers()):
                try:
                    self._answer(question)
                except Back:
                    if not visited:
                        return False
                    position = visited.pop()
                    continue
                visited.append(position)
            elif question.key in self.given:
                del self.given[question.key]
            position += 1
        return True

    def _answer(self, question: Question) -> None:
        answers = self.answers()
        current = as_text(question, answers[question.key])
        if question.kind == "choice":
            words = [(choice, choice) for choice in question.choices]
            said = self._prompter.choose(question.title, question.help, [*words, BACK_CHOICE], current)
        else:
            said = self._prompter.text(
                question.title, question.help, current, lambda text: refusal(question, text.strip())
            )
        value = accept(question, said)
        self.changed = self.changed or value != answers[question.key]
        without = {key: found for key, found in answers.items() if key != question.key}
        if value == question.default_for(without):
            # A default is not pinned down: it goes on following the answers that it depends on.
            self.given.pop(question.key, None)
        else:
            self.given[question.key] = value

    def decide(self) -> _Next:
        """Whether to write."""
        choices = [("write", "write the repository"), ("change", "change something"), ("cancel", "cancel")]
        try:
            said = self._prompter.choose("Write it?", "Nothing has been written so far.", choices, "write")
        except Back:
            said = "change"
        return {"write": _Next.WRITE, "change": _Next.CHANGE, "cancel": _Next.CANCEL}[said]
