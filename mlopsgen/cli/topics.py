"""What a person sees of the answers: the table, and the list of what can be changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mlopsgen.answer_values import as_text
from mlopsgen.question_set import QuestionSet
from mlopsgen.questions import Question, Value

_LONGEST = 200


class Topic(NamedTuple):
    """A line in the list of what can be changed: a section, or one question where there are no sections.

    Attributes:
        key: Its name.
        words: What the list says.
        questions: What is asked about it, in order.
    """

    key: str
    words: str
    questions: tuple[Question, ...]


def has_sections(questions: QuestionSet) -> bool:
    """Whether the questions are shown by sections; those of a small template stand for themselves."""
    return len(questions.sections) > 1


def topics(questions: QuestionSet, answers: Mapping[str, Value]) -> list[Topic]:
    """What can be changed: without what the organisation has decided, and what that makes pointless."""
    if has_sections(questions):
        found = [Topic(key, words, questions.of_section(key)) for key, words in questions.sections.items()]
        return [topic for topic in found if any(_is_open(questions, each, answers) for each in topic.questions)]
    return [
        Topic(question.key, question.title, (question,))
        for question in questions.questions
        if question.asked(answers) and not questions.is_locked(question.key)
    ]


def _is_open(questions: QuestionSet, question: Question, answers: Mapping[str, Value]) -> bool:
    """Whether a person may come to answer it: now, or after another answer that is theirs to give."""
    if questions.is_locked(question.key):
        return False
    condition = question.when
    return question.asked(answers) or not (isinstance(condition, tuple) and questions.is_locked(condition[0]))


def rows(questions: QuestionSet, answers: Mapping[str, Value]) -> dict[str, str]:
    """The table of all answers: the sections with theirs, or each question with its own."""
    if not has_sections(questions):
        return {
            question.title: _cell(questions, question, answers)
            for question in questions.questions
            if question.asked(answers)
        }
    return {
        title.split(":")[0]: _line(questions, questions.of_section(section), answers)
        for section, title in questions.sections.items()
    }


def _line(questions: QuestionSet, asked: tuple[Question, ...], answers: Mapping[str, Value]) -> str:
    shown = ((each.title.lower(), _cell(questions, each, answers)) for each in asked if each.asked(answers))
    return " \N{MIDDLE DOT} ".join(f"{title} {cell}" for title, cell in shown if cell)


def _cell(questions: QuestionSet, question: Question, answers: Mapping[str, Value]) -> str:
    value = answers[question.key]
    text = shortened(as_text(question, value))
    if not text:
        return "(will be asked)" if question.required else ""
    mark = _mark(questions, question, answers)
    return f"{text} ({mark})" if mark else text


def _mark(questions: QuestionSet, question: Question, answers: Mapping[str, Value]) -> str:
    """Whose answer it is, where it is the organisation's."""
    name = questions.decided_by(question.key)
    if questions.is_locked(question.key):
        return f"decided by {name}"
    return name if name and answers[question.key] == questions.default_for(question, answers) else ""


def shortened(text: str) -> str:
    """The first line of a text, and of that not more than a table can bear."""
    first = text.strip().partition("\n")[0]
    return text if first == text and len(text) <= _LONGEST else f"{first[:_LONGEST]} ..."
