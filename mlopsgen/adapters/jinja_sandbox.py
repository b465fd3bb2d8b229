"""What templates' texts are rendered with: Jinja's sandbox, as copier sets it up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def sandbox(options: Mapping[str, Any], sources: Mapping[str, str] | None = None) -> Any:
    """The sandbox, with copier's filters.

    Args:
        options: The template's own delimiters and habits with whitespace.
        sources: Files that may be included, by name.
    """
    import jinja2  # noqa: PLC0415 - only what renders pays for it
    import jinja2.sandbox  # noqa: PLC0415

    return jinja2.sandbox.SandboxedEnvironment(
        loader=jinja2.DictLoader(sources or {}),
        extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
        **{"keep_trailing_newline": True, **options},
    )
