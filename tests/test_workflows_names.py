"""What workflows read and what people are told to set are the same names: neither knows one that the other does not."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlopsgen.remote import needs
from tests import workflow_files
from tests.workflow_files import expressions

_READ = re.compile(r"\b(secrets|vars)\.(\w+)")
_OWN = "GITHUB_TOKEN"


def read_by(workflow: Mapping[str, object]) -> dict[tuple[str, str], set[str]]:
    """The names that each job reads, by environment and by ``secrets`` or ``vars``."""
    found: dict[tuple[str, str], set[str]] = {}
    for body in workflow["jobs"].values():
        environment = body.get("environment", needs.REPOSITORY)
        for expression in expressions(body):
            for kind, name in _READ.findall(expression):
                of, plain = needs.environment_of(name)
                assert of in ("", environment), (environment, name)
                if plain != _OWN:
                    found.setdefault((environment, kind), set()).add(plain)
    return found


def test_workflows_read_what_is_asked_for_and_nothing_that_nobody_was_told_of() -> None:
    known: set[str] = set()
    read_anywhere: set[str] = set()
    for rendering in workflow_files.renderings():
        answers = rendering.answers
        wanted: dict[tuple[str, str], set[str]] = {}
        for need in needs.needed_secrets(answers, needs.sources_of_answers(answers)):
            wanted.setdefault((need.environment, "secrets"), set()).add(need.name)
        for need in needs.needed_variables(answers):
            wanted.setdefault((need.environment, "vars"), set()).add(need.name)
        read: dict[tuple[str, str], set[str]] = {}
        for workflow in rendering.workflows.values():
            for place, names in read_by(workflow).items():
                read.setdefault(place, set()).update(names)
        for place, names in wanted.items():
            assert names <= read.get(place, set()), (rendering.name, place, names - read.get(place, set()))
            known |= names
        for names in read.values():
            read_anywhere |= names
    assert read_anywhere <= known | set(needs.FURTHER_VARIABLES)
    assert set(needs.FURTHER_VARIABLES) <= read_anywhere
    assert known <= read_anywhere


def test_the_name_at_the_repository_is_that_of_the_environment() -> None:
    for rendering in workflow_files.renderings():
        for name in ("development.yml", "staging.yml", "production.yml", "watch.yml"):
            text = rendering.files[f"{workflow_files.FOLDER}/{name}"]
            for kind, first, second in re.findall(r"\$\{\{ (secrets|vars)\.(\w+) \|\| (?:\1)\.(\w+) \}\}", text):
                environment, plain = needs.environment_of(second)
                assert plain == first, (name, kind, second)
                assert needs.repository_name(environment, plain) == second
