"""``questions.md``: everything that ``mlopsgen init`` asks, from the one schema of all questions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mlopsgen.answer_values import as_text
from mlopsgen.answers import BUILT_IN
from mlopsgen.constants import BRANCHES
from mlopsgen.questions import Cases, Question, SlugOf, Value
from reference.markdown import GENERATED, code, joined, prose, table

HEAD = f"""# Questions

What `mlopsgen init` asks: each question with its key, its default, what is possible, and how to answer it without the
wizard. Every question has a default; `mlopsgen init --defaults` asks none.

{GENERATED}

An answers file (`mlopsgen init --answers answers.yaml`) holds some of these keys, and may say `version: 1`:

```yaml
version: 1
project_name: Wine quality
data_address: data/wine.csv
target: quality
task: regression
metrics: rmse lower threshold=0.8; r2 higher
```

Every question can be answered with `--set KEY=VALUE`; some have a flag of their own. A flag goes before `--set`, and
`--set` before the file. `mlopsgen schema answers` prints the JSON Schema, with which an editor checks the file.
"""

_EVERY_BRANCH = """`<branch>` stands for `development`, `staging` and `production`, which are asked the same:
`--set staging_engine=kubeflow`."""

_KINDS = {
    "text": "a text",
    "integer": "a whole number",
    "words": "a list; on the command line with commas between",
    "metrics": "rules; on the command line as `NAME higher|lower [threshold=N] [tolerance=N] [gain=N]`, `;` between",
    "switch": "yes or no",
    "data": "any value of YAML",
}


def page() -> str:
    """The page."""
    parts = [HEAD]
    for title, questions in _groups():
        rows = [(f"[{prose(shown(each))}](#{anchor(each)})", prose(each.title), default_of(each)) for each in questions]
        parts += [
            f"## {title}",
            _EVERY_BRANCH if questions[0].key.startswith("<branch>") else "",
            table(("key", "question", "default"), rows),
            *(_section(each) for each in questions),
        ]
    return joined(*parts)


def _groups() -> Iterator[tuple[str, list[Question]]]:
    """The sections with their questions; those of the branches are one, because they ask the same."""
    for section, title in BUILT_IN.sections.items():
        if section == BRANCHES[0]:
            yield "Each branch: engine, tracking, runner", [_of_every_branch(each) for each in _of(section)]
        elif section not in BRANCHES:
            yield title, list(_of(section))


def _of(section: str) -> tuple[Question, ...]:
    return BUILT_IN.of_section(section)


def _of_every_branch(question: Question) -> Question:
    """The question of one branch as that of all: its key and its words name none.

    Raises:
        ValueError: The branches do not ask the same, so that the page has to become another one.
    """
    first = BRANCHES[0]
    common = _without(question, first)
    for branch in BRANCHES[1:]:
        other = BUILT_IN.by_key[question.key.replace(first, branch, 1)]
        if _without(other, branch) != common:
            raise ValueError(f"{other.key} is another question than {question.key}")
    return common


def _without(question: Question, branch: str) -> Question:
    when = question.when
    return replace(
        question,
        key=question.key.replace(branch, "<branch>", 1),
        section="",
        help=question.help.replace(f"Where {branch} trains", "Where the branch trains"),
        when=(when[0].replace(branch, "<branch>", 1), when[1]) if isinstance(when, tuple) else when,
    )


def shown(question: Question) -> str:
    """The key as code."""
    return code(question.key)


def anchor(question: Question) -> str:
    """The anchor of the question's section on the page."""
    return question.key.replace("<", "").replace(">", "")


def _section(question: Question) -> str:
    empty = " It must not be empty." if question.required else ""
    pattern = f" It has to match {code(question.pattern)}." if question.pattern else ""
    points = [
        f"Answer: {_kind(question)}.{empty}{pattern}".removesuffix("."),
        f"Default: {default_of(question) or 'empty'}",
        f"Flag: {code(question.flag)}" if question.flag else "",
        f"Asked where {_when(question)}" if question.when else "",
    ]
    return joined(
        f"### {shown(question)}",
        f"**{prose(question.title)}.** {prose(question.help)}",
        "\n".join(f"- {point}" for point in points if point),
    )


def _kind(question: Question) -> str:
    choices = ", ".join(code(choice) for choice in question.choices)
    if question.kind == "choice":
        return f"one of {choices}"
    words = _KINDS[question.kind]
    if question.choices:
        words += f"; of {choices}"
    if question.bounds and question.kind == "integer":
        words += f", {question.bounds[0]} to {question.bounds[1]}"
    if question.bounds and question.kind == "words":
        words += f"; at most {question.bounds[1]}"
    return words


def default_of(question: Question) -> str:
    """The default of a question in words."""
    default: Any = question.default
    if isinstance(default, SlugOf):
        return f"the slug of {code(default.key)}"
    if isinstance(default, Cases):
        cases = [
            f"{_text(question, value) or 'empty'} where {_conditions(conditions)}"
            for conditions, value in default.cases
        ]
        return "; ".join([*cases, f"else {_text(question, default.otherwise) or 'empty'}"])
    return _text(question, default)


def _text(question: Question, value: Value) -> str:
    text = as_text(question, value)
    return code(text) if text else ""


def _conditions(conditions: Any) -> str:
    return " and ".join(f"{code(key)} is {code(value)}" for key, value in conditions.items())


def _when(question: Question) -> str:
    if isinstance(question.when, tuple):
        return f"{code(question.when[0])} is {code(question.when[1])}"
    return code(json.dumps(str(question.when))) if question.when else ""
