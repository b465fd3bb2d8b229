"""What a question is: the types behind :mod:`mlopsgen.answers`. Standard library only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mlopsgen import naming

Kind = Literal["text", "choice", "integer", "words", "metrics", "switch", "data"]
"""``switch`` is yes or no, ``data`` any value of YAML; only questions of other people's templates are of these."""
Value = str | int | float | list[str] | list[dict[str, Any]] | dict[str, Any]
Answers = Mapping[str, Value]
Check = Callable[[Any], "str | None"]

_EMPTY: dict[Kind, Value] = {
    "text": "", "choice": "", "integer": 0, "words": [], "metrics": [], "switch": False, "data": "",
}  # fmt: skip


class Derived(ABC):
    """A default that earlier answers decide."""

    @abstractmethod
    def value(self, answers: Answers) -> Value:
        """The default that fits the answers so far."""


class Condition(ABC):
    """Whether a question is worth asking, where that is more than one earlier answer."""

    @abstractmethod
    def holds(self, answers: Answers) -> bool:
        """Whether it is, with the answers so far."""


@dataclass(frozen=True)
class Cases(Derived):
    """A default that depends on earlier answers: the first case whose conditions all hold, else ``otherwise``."""

    cases: tuple[tuple[Mapping[str, str], Value], ...]
    otherwise: Value

    def value(self, answers: Answers) -> Value:
        """The default that fits the answers so far."""
        for conditions, value in self.cases:
            if all(answers.get(key) == wanted for key, wanted in conditions.items()):
                return value
        return self.otherwise


@dataclass(frozen=True)
class SlugOf(Derived):
    """A default that is the slug of another answer."""

    key: str

    def value(self, answers: Answers) -> Value:
        """The slug of the other answer."""
        return naming.slug_of(str(answers.get(self.key, "")))


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question.

    Attributes:
        key: Its name in every document.
        section: The section of the wizard.
        kind: What its answer is.
        title: A few words, for tables and prompts.
        help: One line that says what it is for.
        default: The answer that stands when nobody gives one.
        choices: The possible answers (of each word, for a list of words); empty: any.
        check: Why an answer (or one word of a list) is refused.
        pattern: The regular expression behind ``check``, for the JSON Schema.
        bounds: The smallest and the greatest number.
        when: What makes this one worth asking: the answer of an earlier question, or another condition.
        keeps_default: Whether the default stands where the question is not worth asking; otherwise nothing does.
        required: Whether an empty answer is refused when it is asked.
        flag: Its own flag; every question can also be answered with ``--set key=value``.
    """

    key: str
    section: str
    kind: Kind = "text"
    title: str
    help: str
    default: Value | Derived = ""
    choices: tuple[str, ...] = ()
    check: Check | None = None
    pattern: str = ""
    bounds: tuple[int, int] | None = None
    when: tuple[str, str] | Condition | None = None
    keeps_default: bool = False
    required: bool = False
    flag: str = ""

    def default_for(self, answers: Answers) -> Value:
        """The default, given the answers to the questions before."""
        if isinstance(self.default, Derived):
            return self.default.value(answers)
        return self.default

    def asked(self, answers: Answers) -> bool:
        """Whether the question makes sense with the answers so far."""
        if isinstance(self.when, Condition):
            return self.when.holds(answers)
        return self.when is None or answers.get(self.when[0]) == self.when[1]

    def unasked(self, answers: Answers) -> Value:
        """What stands where the question makes no sense with the answers so far."""
        return self.default_for(answers) if self.keeps_default else self.empty

    @property
    def empty(self) -> Value:
        """The value that stands where the question makes no sense."""
        return self.choices[0] if self.kind == "choice" else _EMPTY[self.kind]

    @property
    def option(self) -> str:
        """How the command line answers it."""
        return self.flag or f"--set {self.key}=VALUE"


def metric(
    name: str,
    *,
    higher: bool,
    threshold: float | None = None,
    tolerance: float = 0.0,
    minimum_gain: float = 0.0,
) -> dict[str, Any]:
    """The rule of one metric, as the answer ``metrics`` lists it."""
    return {
        "name": name, "higher_is_better": higher, "threshold": threshold, "tolerance": tolerance,
        "minimum_gain": minimum_gain,
    }  # fmt: skip
