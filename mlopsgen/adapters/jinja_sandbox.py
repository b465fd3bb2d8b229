"""What templates' texts are rendered with: Jinja's sandbox, as copier sets it up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MISTAKES = (
    ValueError, TypeError, LookupError, ArithmeticError, AttributeError, AssertionError, RecursionError, re.error,
)  # fmt: skip
"""What a mistake in a template raises, besides Jinja's own errors."""


def sandbox(options: Mapping[str, Any], sources: Mapping[str, str] | None = None) -> Any:
    """The sandbox, with copier's filters.

    Args:
        options: The template's own delimiters and habits with whitespace.
        sources: Files that may be included, by name.

    Raises:
        ValueError: The delimiters are none.
    """
    import jinja2  # noqa: PLC0415 - only what renders pays for it
    import jinja2.sandbox  # noqa: PLC0415

    try:
        made = jinja2.sandbox.SandboxedEnvironment(
            loader=jinja2.DictLoader(sources or {}),
            extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
            **{"keep_trailing_newline": True, **options},
        )
        made.lexer  # noqa: B018 - only made when it is asked for, and what is wrong is found then
    except (TypeError, AssertionError) as error:
        raise ValueError(f"delimiters of Jinja: {error}") from error
    return made
