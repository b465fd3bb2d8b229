"""Python in the template is Python: it is linted, typed and tested where it lies, without the tool."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import template_environment
from tests.template_environment import TEMPLATE

NOT_RENDERED = [
    f"tests/managed/test_{name}.py" for name in ("documentation", "dockerfile", "makefile", "pipeline_text")
]
"""The tests that look at files which a rendering fills in or renames."""


def test_style_and_types(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    template_environment.lint(TEMPLATE, tmp_path, tmp_path_factory)


def test_tests_are_found_where_they_lie_and_those_of_what_is_not_rendered_yet_pass(tmp_path: Path) -> None:
    """All of them run on the same files in a rendered repository: tests/test_rendering_matrix.py, its first row."""
    # What test_repository.py looks at is rendered; the matrix runs it in rendered repositories.
    pytest_here = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
    run, aside = template_environment.run, ("--ignore", "tests/test_repository.py")
    run(TEMPLATE, tmp_path, *pytest_here, *aside, "--collect-only")
    run(TEMPLATE, tmp_path, *pytest_here, *NOT_RENDERED)


def test_the_environment_lacks_the_tool(tmp_path: Path) -> None:
    """Everything above would prove little if the template could lean on mlopsgen."""
    code = "import importlib.util, sys; sys.exit(importlib.util.find_spec('mlopsgen') is not None)"
    template_environment.run(tmp_path, tmp_path, "-c", code)
