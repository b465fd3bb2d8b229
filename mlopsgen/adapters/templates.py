"""Opens a template by its address."""

from __future__ import annotations

from collections.abc import Mapping

from mlopsgen.adapters.cookiecutter_engine import CookiecutterEngine
from mlopsgen.adapters.copier_engine import CopierEngine
from mlopsgen.adapters.credentials import Credential
from mlopsgen.adapters.template_address import parse
from mlopsgen.adapters.template_mirror import TemplateMirror
from mlopsgen.adapters.template_store import TemplateStore
from mlopsgen.adapters.trust import NOBODY, Trust
from mlopsgen.constants import CANONICAL_TEMPLATE
from mlopsgen.errors import UsageError
from mlopsgen.ports import Template


def open_template(
    address: str | None,
    environ: Mapping[str, str],
    *,
    given: bool = False,
    trust: Trust = NOBODY,
    credential: Credential | None = None,
    fetch: bool = True,
) -> Template:
    """The template at an address, with the engine that it is made for.

    Args:
        address: As a repository records it or a person gives it; ``None`` is the built-in one.
        environ: The environment that git is started with; a private template's token is looked for in it.
        given: Whether the person who runs this named it; a repository's record may not name a folder.
        trust: The templates that may run code of their own.
        credential: The token that this command was given for a host.
        fetch: Whether what is new is fetched; otherwise the template is as it was the last time here.

    Raises:
        UsageError: It is no address of a template, or may not be read.
        MlopsgenError: It cannot be reached, or has no versions.
    """
    if address is None:
        return CopierEngine(TemplateStore(environ), environ)
    place = parse(address, trusted=given)
    if place.text.removesuffix(".git") in _CANONICAL:
        return CopierEngine(TemplateStore(environ), environ)
    mirror = TemplateMirror(place, environ, given=credential, fetch=fetch)
    found = [name for name in _DOCUMENTS if mirror.read(mirror.newest, name) is not None]
    if not found:
        raise UsageError(
            f"{place.text} is no template: {mirror.newest} has neither copier.yml nor cookiecutter.json at its top.",
            where=place.text,
            hint=f"If it lies in a folder of that repository, name the folder: {place.repository}#FOLDER.",
        )
    if found[0] == "cookiecutter.json":
        return CookiecutterEngine(mirror, environ, trust)
    return CopierEngine(mirror, environ, trust)


_DOCUMENTS = ("copier.yml", "copier.yaml", "cookiecutter.json")
_CANONICAL = {
    CANONICAL_TEMPLATE,
    CANONICAL_TEMPLATE.replace("https://github.com/", "git@github.com:"),
    CANONICAL_TEMPLATE.replace("https://", "ssh://git@"),
}
