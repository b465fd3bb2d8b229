"""Sets of answers that try a template: the defaults, and rows in which every two choices meet at least once."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from mlopsgen.errors import MissingAnswer
from mlopsgen.operations.pairwise import Needs, Row, all_pairs
from mlopsgen.question_set import QuestionSet
from mlopsgen.questions import Question, Value

_HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43
# What stands in for answers that have no default; by the end of the question's key.
_SAMPLES: tuple[tuple[str, Value], ...] = (
    ("_endpoint", "https://kubeflow.example.org/pipeline"),
    ("_ssh", "tunnel@bastion.example.org"),
    ("_ssh_host_key", _HOST_KEY),
    ("target", "y"),
    ("notify_emails", ["ml@example.org"]),
)
# Answers besides the default that are worth a try; by the end of the question's key.
_OTHERS: tuple[tuple[str, Value], ...] = (
    ("data_address", "s3://bucket/data.parquet"),
    ("registry", "ghcr.io/acme/model"),
    ("reviewers", ["octocat"]),
    ("_tracking_uri", "https://mlflow.example.org"),
    ("_runner", "self-hosted, gpu"),
)
_DEFAULT, _OTHER = "the default", "another one"

Factors = tuple[tuple[str, tuple[object, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class AnswerRow:
    """A set of answers.

    Attributes:
        name: What is special about it, in words.
        given: The answers that are not the default.
        answers: Every answer.
    """

    name: str
    given: Mapping[str, Value]
    answers: Mapping[str, Value]


def answer_rows(questions: QuestionSet) -> Iterator[AnswerRow]:
    """The rows of a version's questions, always the same; what an organisation locked is the same in each.

    Raises:
        InvalidAnswer: A question refuses its own default, or what its organisation preset.
    """
    factors = tuple((question.key, _values(question)) for question in questions.questions)
    free = tuple((key, values) for key, values in factors if len(values) > 1 and not questions.is_locked(key))
    for row in ({}, *_pairs(free, _needs(questions, {key for key, _ in free}))):
        given = _given(questions, row)
        answers = questions.resolve(given)
        told = ", ".join(f"{key}={value}" for key, value in given.items())
        yield AnswerRow(name=told or "every default", given=given, answers=answers)


def to_answer(questions: QuestionSet) -> tuple[str, ...]:
    """What everybody has to answer: an update of a repository that has no such answer stops there."""
    try:
        return tuple(_given(questions, {}))
    except MissingAnswer as error:
        return (error.where,)


@functools.lru_cache(maxsize=4)
def _pairs(factors: Factors, needs: tuple[tuple[str, tuple[str, str]], ...]) -> tuple[Row, ...]:
    wanted: Needs = dict(needs)
    return tuple(all_pairs(dict(factors), wanted))


def _values(question: Question) -> tuple[object, ...]:
    if question.kind == "choice":
        return question.choices
    if question.kind == "switch":
        return (False, True)
    return (_DEFAULT,) if _of(_OTHERS, question.key) is None else (_DEFAULT, _OTHER)


def _needs(questions: QuestionSet, free: Collection[str]) -> tuple[tuple[str, tuple[str, str]], ...]:
    """The questions that are asked only where another one has one answer."""
    pairs = ((key, questions.by_key[key].when) for key in questions.by_key if key in free)
    return tuple((key, when) for key, when in pairs if isinstance(when, tuple) and when[0] in free)


def _given(questions: QuestionSet, row: Row) -> dict[str, Value]:
    """What somebody would have to answer for a row."""
    given: dict[str, Value] = {}
    answers: dict[str, Value] = {}
    for question in questions.questions:
        key = question.key
        if not question.asked(answers):
            answers[key] = question.unasked(answers)
            continue
        value = default = questions.default_for(question, answers)
        chosen = row.get(key, _DEFAULT)
        if chosen == _OTHER:
            value = _of(_OTHERS, key) or default
        elif chosen != _DEFAULT:
            value = bool(chosen) if question.kind == "switch" else str(chosen)
        if question.required and value in ("", []):
            value = _sample(question)
        if value != default:
            given[key] = value
        answers[key] = value
    return given


def _sample(question: Question) -> Value:
    sample = _of(_SAMPLES, question.key)
    if sample is None:
        sample = ["example"] if question.kind == "words" else "example"
    if question.check is not None and isinstance(sample, str) and question.check(sample):
        raise MissingAnswer(
            f"The question '{question.key}' has no default, and '{sample}' does not fit.",
            where=question.key,
            hint="Give it a default in copier.yml, or a preset in organisation.yaml, so that it can be tried.",
        )
    return sample


def _of(table: tuple[tuple[str, Value], ...], key: str) -> Value | None:
    return next((value for end, value in table if key == end or (end[0] == "_" and key.endswith(end))), None)
