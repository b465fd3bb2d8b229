"""Opens a template by its address."""

from __future__ import annotations

from collections.abc import Mapping

from mlopsgen.adapters.copier_engine import CopierEngine
from mlopsgen.adapters.template_address import parse
from mlopsgen.adapters.template_mirror import TemplateMirror
from mlopsgen.adapters.template_store import TemplateStore
from mlopsgen.constants import CANONICAL_TEMPLATE


def open_template(address: str | None, environ: Mapping[str, str], *, given: bool = False) -> CopierEngine:
    """The template at an address.

    Args:
        address: As a repository records it or a person gives it; ``None`` is the built-in one.
        environ: The environment that git is started with; a private template's token is looked for in it.
        given: Whether the person who runs this named it; a repository's record may not name a folder.

    Raises:
        UsageError: It is no address of a template, or may not be read.
        MlopsgenError: It cannot be reached, or has no versions.
    """
    if address is None:
        return CopierEngine(TemplateStore(environ))
    place = parse(address, trusted=given)
    if place.text.removesuffix(".git") in _CANONICAL:
        return CopierEngine(TemplateStore(environ))
    return CopierEngine(TemplateMirror(place, environ), has_static_files=False)


_CANONICAL = {
    CANONICAL_TEMPLATE,
    CANONICAL_TEMPLATE.replace("https://github.com/", "git@github.com:"),
    CANONICAL_TEMPLATE.replace("https://", "ssh://git@"),
}
