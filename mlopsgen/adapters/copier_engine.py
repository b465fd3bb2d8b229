"""The template engine: copier, called in this process through its public functions. Nothing else imports copier."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path

from mlopsgen.adapters.template_store import TemplateStore
from mlopsgen.constants import CANONICAL_TEMPLATE
from mlopsgen.errors import MlopsgenError


class CopierEngine:
    """Renders the versions of a :class:`TemplateStore`. A :class:`mlopsgen.ports.TemplateEngine`."""

    def __init__(self, store: TemplateStore) -> None:
        self._store = store

    @property
    def newest(self) -> str:
        """The newest version."""
        return self._store.newest

    def versions(self) -> tuple[str, ...]:
        """The versions that can be rendered, oldest first."""
        return self._store.versions()

    def render(self, version: str, answers: Mapping[str, object], destination: Path) -> None:
        """Write the rendered files of ``version`` into the empty folder ``destination``.

        Raises:
            MlopsgenError: There is no such version, or the template cannot be rendered.
        """
        with tempfile.TemporaryDirectory(prefix="mlopsgen-template-", ignore_cleanup_errors=True) as scratch:
            self._store.lay_out(version, Path(scratch))
            _run_copier(Path(scratch), version, answers, destination)


def _run_copier(template: Path, version: str, answers: Mapping[str, object], destination: Path) -> None:
    import copier  # noqa: PLC0415 - half a second; only commands that render pay for it
    import copier.errors  # noqa: PLC0415
    import jinja2  # noqa: PLC0415
    import yaml  # noqa: PLC0415

    # What the repository records: the public address and the version, never the folder that this render read.
    recorded = {"_src_path": CANONICAL_TEMPLATE, "_commit": version}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            copier.run_copy(
                str(template),
                destination,
                data={**answers, "recorded": recorded},
                settings=copier.Settings(),  # the person's own copier settings are for copier
                defaults=True,
                overwrite=True,
                quiet=True,
                unsafe=False,
            )
    except (copier.errors.CopierError, jinja2.TemplateError, yaml.YAMLError, ValueError) as error:
        raise MlopsgenError(
            f"The template {version} cannot be rendered: {error}",
            where=str(getattr(error, "filename", "") or ""),
            hint="If it is the built-in template, this is a mistake in mlopsgen; please report it.",
        ) from error
