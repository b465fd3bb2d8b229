"""Python in the template is Python: it is linted, typed and tested where it lies, without the tool."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import template_environment
from tests.template_environment import TEMPLATE


def test_lint(tmp_path: Path) -> None:
    template_environment.run(TEMPLATE, tmp_path, "-m", "ruff", "check", "--no-cache", ".")
    template_environment.run(TEMPLATE, tmp_path, "-m", "ruff", "format", "--no-cache", "--check", ".")


def test_types(tmp_path: Path) -> None:
    template_environment.run(TEMPLATE, tmp_path, "-m", "mypy", "--cache-dir", template_environment.shared_types())


@pytest.mark.timeout(1200)
def test_tests(tmp_path: Path) -> None:
    # What test_repository.py looks at is rendered; the matrix runs it in rendered repositories.
    template_environment.run(
        TEMPLATE, tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--ignore", "tests/test_repository.py",
        timeout=1100,
    )  # fmt: skip


def test_the_environment_lacks_the_tool(tmp_path: Path) -> None:
    """Everything above would prove little if the template could lean on mlopsgen."""
    code = "import importlib.util, sys; sys.exit(importlib.util.find_spec('mlopsgen') is not None)"
    template_environment.run(tmp_path, tmp_path, "-c", code)
