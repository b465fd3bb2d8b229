"""Templates for copier: versions from a store, rendered here where that is the same, else by copier in its process."""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import mlopsgen
from mlopsgen.adapters.compiled_template import CompiledTemplate
from mlopsgen.adapters.copier_code import code_in
from mlopsgen.adapters.copier_questions import read_questions
from mlopsgen.adapters.questionnaire import Unsupported
from mlopsgen.adapters.stored_template import StoredTemplate
from mlopsgen.adapters.template_child import SECONDS, TRUSTED_SECONDS, drop_history, run_child, take_over
from mlopsgen.answers import BUILT_IN
from mlopsgen.constants import CANONICAL_TEMPLATE
from mlopsgen.question_set import QuestionSet

_NAMES = ("copier.yml", "copier.yaml")
_OWN_VERSION = f"v{mlopsgen.__version__}"


class CopierEngine(StoredTemplate):
    """Renders the versions of a store. A :class:`mlopsgen.ports.Template`."""

    def folder_name(self, version: str, answers: Mapping[str, object]) -> str:  # noqa: ARG002 - the same for each
        """Nothing: no copier template names the folder."""
        return ""

    def questions(self, version: str) -> QuestionSet:
        """What a version asks, with what the organisation that it belongs to has decided.

        Raises:
            MlopsgenError: There is no such version, or its ``organisation.yaml`` is not valid.
        """
        if version == _OWN_VERSION and self.address == CANONICAL_TEMPLATE:
            return BUILT_IN  # its copier.yml is made from them
        return read_questions(functools.partial(self._store.read, version))

    def _code(self, version: str) -> tuple[str, ...]:
        return tuple(part for name in _NAMES for part in code_in(self._store.read(version, name) or "", self.address))

    def _render(self, version: str, answers: Mapping[str, object], destination: Path, *, again: bool) -> None:
        # What a trusted template would run may stand in a file that its copier.yml includes.
        trusted = self.permit(version) or self._trust.names(self.address)
        with tempfile.TemporaryDirectory(prefix="mlopsgen-template-", ignore_cleanup_errors=True) as scratch:
            template = Path(scratch)
            self._store.lay_out(version, template)
            if not trusted:
                try:
                    _render_here(template, self.address, version, answers, destination)
                except Unsupported:
                    pass  # copier renders it, or says why it cannot
                else:
                    return
            self._render_elsewhere(template, version, answers, destination, trusted=trusted, again=again)

    def _render_elsewhere(
        self,
        template: Path,
        version: str,
        answers: Mapping[str, object],
        destination: Path,
        *,
        trusted: bool,
        again: bool,
    ) -> None:
        """Let copier render, in a process and a folder for it alone."""
        with tempfile.TemporaryDirectory(prefix="mlopsgen-render-", ignore_cleanup_errors=True) as folder:
            scratch = Path(folder)
            made = scratch / "made"
            made.mkdir()
            request = {
                "template": str(template), "output": str(made), "address": self.address, "version": version,
                "answers": dict(answers), "trusted": trusted, "again": again and trusted,
            }  # fmt: skip
            run_child(
                "copier_child", request, scratch=scratch, environ=self._environ,
                seconds=TRUSTED_SECONDS if trusted else SECONDS, address=self.address,
            )  # fmt: skip
            if trusted:
                drop_history(made)
            take_over(made, destination)


def _render_here(template: Path, address: str, version: str, answers: Mapping[str, object], destination: Path) -> None:
    """Render a laid-out version in this process, in milliseconds; its own files may be moved.

    Raises:
        Unsupported: Only copier can render it; the destination is as it was.
    """
    paths = [path for path in template.rglob("*") if path.is_symlink() or not path.is_dir()]
    if any(path.is_symlink() for path in paths):
        raise Unsupported("links")
    names = sorted(path.relative_to(template).as_posix() for path in paths)
    compiled = CompiledTemplate(names, lambda wanted: {name: (template / name).read_bytes() for name in wanted})
    for path, file in compiled.render(answers, address, version).items():
        source, target = template / file.source, destination / path
        if file.content is not None:
            source.write_bytes(file.content)  # which keeps its mode
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source, target)
