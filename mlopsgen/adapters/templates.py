"""Opens a template by its address."""

from __future__ import annotations

from collections.abc import Mapping

from mlopsgen.adapters.copier_engine import CopierEngine
from mlopsgen.adapters.template_store import TemplateStore
from mlopsgen.constants import CANONICAL_TEMPLATE
from mlopsgen.errors import UsageError
from mlopsgen.ports import Template


def open_template(address: str | None, environ: Mapping[str, str]) -> Template:
    """The template at an address.

    Args:
        address: As a repository records it or a person gives it; ``None`` is the built-in one.
        environ: The environment that git is started with; a private template's token is looked for in it.

    Raises:
        UsageError: There is no template of that kind.
    """
    if address is None or address.rstrip("/").removesuffix(".git") == CANONICAL_TEMPLATE:
        return CopierEngine(TemplateStore(environ))
    raise UsageError(f"The template {address} cannot be opened.", where="--template")
