"""Templates as the rest sees them: versions from a store, rendered by copier through its public functions.

Nothing else imports copier.
"""

from __future__ import annotations

import functools
import importlib
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import mlopsgen
from mlopsgen.adapters.copier_code import code_in
from mlopsgen.adapters.copier_questions import read_questions
from mlopsgen.adapters.template_child import TRUSTED_SECONDS, run_child, take_over
from mlopsgen.adapters.trust import NOBODY, Trust, UnsafeTemplate
from mlopsgen.answers import BUILT_IN
from mlopsgen.constants import ANSWERS_FILE, CANONICAL_TEMPLATE
from mlopsgen.errors import InvalidAnswer, MlopsgenError
from mlopsgen.question_set import QuestionSet

_NAMES = ("copier.yml", "copier.yaml")
# What a mistake in a template's expressions raises.
_OF_TEMPLATES = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError)
_OWN_VERSION = f"v{mlopsgen.__version__}"
_SUFFIX = ".jinja"
_MARKS = ("[[", "[%", "[#")
_INCLUDES = "_includes"


class VersionStore(Protocol):
    """Where the versions of a template lie."""

    @property
    def address(self) -> str:
        """The template's public address."""

    @property
    def newest(self) -> str:
        """The newest version."""

    def versions(self) -> tuple[str, ...]:
        """Every version, oldest first."""

    def find(self, name: str) -> str | None:
        """The version that a name means."""

    def identity(self, version: str) -> str | None:
        """What names the content of a version: the same for the same content; ``None`` if it may change."""

    def lay_out(self, version: str, destination: Path) -> None:
        """Write a version's ``copier.yml`` and what it renders from into the empty folder ``destination``."""

    def read(self, version: str, name: str) -> str | None:
        """The text of a file beside ``copier.yml``."""

    def changelog(self, start: str, end: str) -> tuple[tuple[str, str], ...]:
        """What changed after ``start`` up to ``end``, newest first."""


class CopierEngine:
    """Renders the versions of a store. A :class:`mlopsgen.ports.Template`.

    Args:
        store: Where the versions lie.
        has_static_files: Whether it is laid out as the built-in template is, so that most files need no rendering.
        environ: The environment of this command, of which a template's own code gets little.
        trust: The templates that may run code of their own.
    """

    def __init__(
        self,
        store: VersionStore,
        *,
        has_static_files: bool = True,
        environ: Mapping[str, str] | None = None,
        trust: Trust = NOBODY,
    ) -> None:
        self._store = store
        self._has_static_files = has_static_files
        self._environ = environ or {}
        self._trust = trust

    @property
    def store(self) -> VersionStore:
        """Where the versions lie."""
        return self._store

    @property
    def warning(self) -> str:
        """A sentence if the versions are those of the last time, because the network is away; else empty."""
        return str(getattr(self._store, "warning", ""))

    @property
    def address(self) -> str:
        """The template's public address, as repositories record it."""
        return self._store.address

    @property
    def newest(self) -> str:
        """The newest version."""
        return self._store.newest

    def versions(self) -> tuple[str, ...]:
        """The versions that can be rendered, oldest first."""
        return self._store.versions()

    def find(self, name: str) -> str | None:
        """The version that a name means."""
        return self._store.find(name)

    def folder_name(self, version: str, answers: Mapping[str, object]) -> str:  # noqa: ARG002 - the same for each
        """Nothing: no copier template names the folder."""
        return ""

    def permit(self, version: str) -> bool:
        """Whether a version runs code of its own, which its template was trusted with.

        Raises:
            UnsafeTemplate: It would, and nobody said that it may.
        """
        code = tuple(part for name in _NAMES for part in code_in(self._store.read(version, name) or "", self.address))
        self._trust.require(self.address, version, code)
        return bool(code)

    def read(self, version: str, name: str) -> str | None:
        """The text of a file at the top of a version's repository, ``None`` if there is none."""
        return self._store.read(version, name)

    def questions(self, version: str) -> QuestionSet:
        """What a version asks, with what the organisation that it belongs to has decided.

        Raises:
            MlopsgenError: There is no such version, or its ``organisation.yaml`` is not valid.
        """
        if version == _OWN_VERSION and self.address == CANONICAL_TEMPLATE:
            return BUILT_IN  # its copier.yml is made from them
        return read_questions(functools.partial(self._store.read, version))

    def changelog(self, start: str, end: str) -> tuple[tuple[str, str], ...]:
        """What changed after ``start`` up to ``end``, newest first: pairs of a version and Markdown."""
        return self._store.changelog(start, end)

    def render(self, version: str, answers: Mapping[str, object], destination: Path) -> None:
        """Write the rendered files of ``version`` into the empty folder ``destination``.

        Raises:
            MlopsgenError: There is no such version, or the template cannot be rendered.
        """
        self._render(version, answers, destination, again=False)

    def render_again(self, version: str, answers: Mapping[str, object], destination: Path) -> None:
        """The same, to be compared with another render: what its own code draws at random is the same in both.

        Raises:
            MlopsgenError: There is no such version, or the template cannot be rendered.
        """
        self._render(version, answers, destination, again=True)

    def _render(self, version: str, answers: Mapping[str, object], destination: Path, *, again: bool) -> None:
        with tempfile.TemporaryDirectory(prefix="mlopsgen-template-", ignore_cleanup_errors=True) as scratch:
            # git lays the version out while this thread imports copier, which takes longer.
            with ThreadPoolExecutor(max_workers=1) as pool:
                laid_out = pool.submit(self._lay_out, version, Path(scratch), destination)
                importlib.import_module("copier")
                laid_out.result()
            if self.permit(version) or self._trust.names(self.address):
                self._render_elsewhere(Path(scratch), version, answers, destination, again=again)
            else:
                run_copier(Path(scratch), self.address, version, answers, destination)

    def _render_elsewhere(
        self, template: Path, version: str, answers: Mapping[str, object], destination: Path, *, again: bool
    ) -> None:
        """Let a trusted template run its code, in a process and a folder for it alone."""
        with tempfile.TemporaryDirectory(prefix="mlopsgen-trusted-", ignore_cleanup_errors=True) as folder:
            scratch = Path(folder)
            made = scratch / "made"
            made.mkdir()
            request = {
                "template": str(template), "output": str(made), "address": self.address, "version": version,
                "answers": dict(answers), "trusted": True, "again": again,
            }  # fmt: skip
            run_child(
                "copier_child", request, scratch=scratch, environ=self._environ, seconds=TRUSTED_SECONDS,
                address=self.address,
            )  # fmt: skip
            take_over(made, destination)

    def _lay_out(self, version: str, scratch: Path, destination: Path) -> None:
        self._store.lay_out(version, scratch)
        if self._has_static_files:
            _move_static(scratch / "template", destination)


def _move_static(template: Path, destination: Path) -> None:
    """Move the files that rendering would only copy to where they belong.

    Most files of the template are such, and copier starts a git process for each file that it writes. A test compares
    the outcome with what copier alone makes of the same template.
    """
    for path in sorted(template.rglob("*")):
        relative = path.relative_to(template)
        rendered = path.suffix == _SUFFIX or any(mark in str(relative) for mark in _MARKS)
        if (
            relative.parts[0] == _INCLUDES
            or rendered
            or path.is_symlink()
            or not path.is_file()
            or path.with_name(path.name + _SUFFIX).exists()
        ):
            continue
        (destination / relative).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, destination / relative)


def run_copier(
    template: Path,
    address: str,
    version: str,
    answers: Mapping[str, object],
    destination: Path,
    *,
    trusted: bool = False,
) -> None:
    """Render with copier, and write the origin into the record.

    Args:
        template: The version, laid out.
        address: Where it lies.
        version: What it is called.
        answers: The answers.
        destination: Where the files go.
        trusted: Whether the template may run code of its own.

    Raises:
        MlopsgenError: It cannot be rendered.
    """
    import copier  # noqa: PLC0415 - half a second: only what renders pays for it
    import copier.errors  # noqa: PLC0415
    import jinja2  # noqa: PLC0415
    import yaml  # noqa: PLC0415

    # What the repository records: the public address and the version, never the folder that this render read.
    recorded = {"_src_path": address, "_commit": version}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            copier.run_copy(
                str(template),
                destination,
                data={**answers, "recorded": recorded},
                answers_file=ANSWERS_FILE,  # one name for every record, whatever a template calls it
                settings=copier.Settings(),  # the person's own copier settings are for copier
                defaults=True,
                overwrite=True,
                quiet=True,
                unsafe=trusted,
            )
    except copier.errors.UnsafeTemplateError as error:
        raise UnsafeTemplate(
            f"The template {address} {version} would run code of its own on this machine.",
            where=address,
            hint=f"Read it there. If you trust whoever makes it: --trust {address}",
        ) from error
    except (copier.errors.CopierError, jinja2.TemplateError, yaml.YAMLError, *_OF_TEMPLATES) as error:
        raise _unrenderable(
            str(error), str(getattr(error, "filename", "") or ""), template, address, version
        ) from error
    _write_origin(destination / ANSWERS_FILE, address, version)


def _unrenderable(words: str, filename: str, template: Path, address: str, version: str) -> MlopsgenError:
    """What to do about a version that copier cannot render, and where it stopped: a file of the template."""
    found = re.fullmatch(r'Question "(\w+)" is required', words)
    if found:
        return MlopsgenError(
            f"The template {version} asks for '{found[1]}', and it has no default.",
            hint=f"Answer it: --set {found[1]}=VALUE.",
        )
    found = re.match(r"Validation error for question '(\w+)': (.*)", words, re.DOTALL)
    if found:
        return InvalidAnswer(
            f"'{found[1]}' cannot be what was answered: {' '.join(found[2].split()).rstrip('.')}.",
            where=found[1],
            hint=f"Give another answer: --set {found[1]}=VALUE.",
        )
    if address == CANONICAL_TEMPLATE:
        hint = "This is a mistake in mlopsgen; please report it."
    else:
        hint = f"Whoever makes the template {address} has to mend it; another version may do until then."
    top = f"{template}{os.sep}"
    what = f"{words.removeprefix(top)} cannot be read" if words.startswith(top) else words
    return MlopsgenError(
        f"The template {version} cannot be rendered: {what.rstrip('.')}.", where=filename.removeprefix(top), hint=hint
    )


def _write_origin(record: Path, address: str, version: str) -> None:
    """Make a record that names the folder of this render name the template instead."""
    if not record.is_file():
        return
    text = record.read_text(encoding="utf-8")
    if f"_src_path: {address}\n" in text:
        return
    kept = [line for line in text.splitlines(keepends=True) if not line.startswith(("_src_path:", "_commit:"))]
    comments = next((number for number, line in enumerate(kept) if not line.startswith(("#", "---"))), len(kept))
    origin = [f"_commit: {version}\n", f"_src_path: {address}\n"]
    record.write_text("".join([*kept[:comments], *origin, *kept[comments:]]), encoding="utf-8")
