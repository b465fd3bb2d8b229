"""Templates for cookiecutter: versions from a mirror, rendered in a process of their own."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlopsgen.adapters.answers_digest import digest_of
from mlopsgen.adapters.cookiecutter_jinja import foreign_extensions
from mlopsgen.adapters.cookiecutter_questions import DOCUMENT, cookiecutter_questions
from mlopsgen.adapters.stored_template import StoredTemplate
from mlopsgen.adapters.template_child import SECONDS, TRUSTED_SECONDS, drop_history, run_child, take_over
from mlopsgen.adapters.template_mirror import TemplateMirror
from mlopsgen.adapters.trust import NOBODY, Trust
from mlopsgen.constants import ANSWERS_FILE, OWNED
from mlopsgen.errors import MlopsgenError, UsageError
from mlopsgen.question_set import QuestionSet

_HOOKS = ("pre_prompt", "pre_gen_project", "post_gen_project")
_NESTED = ("templates", "template")
_HEAD = """\
# Which template this repository was made from, with which answers. 'mlopsgen sync' reads and writes it.
# Change an answer with 'mlopsgen sync --set KEY=VALUE'. Files that updates shall leave alone: a list 'owned'.
"""


class CookiecutterEngine(StoredTemplate):
    """Renders the versions of a mirror. A :class:`mlopsgen.ports.Template`.

    Args:
        store: Where the versions lie.
        environ: The environment of this command, of which a render gets little.
        trust: The templates that may run code of their own.
        seconds: So long may a render take that runs nobody's code.
    """

    def __init__(
        self, store: TemplateMirror, environ: Mapping[str, str], trust: Trust = NOBODY, *, seconds: float = SECONDS
    ) -> None:
        super().__init__(store, environ, trust)
        self._mirror = store
        self._seconds = seconds
        self._names: dict[str, str] = {}
        self.moment = datetime.now(UTC)
        """What "now" is in everything that one command renders."""

    def questions(self, version: str) -> QuestionSet:
        """The variables in a version's ``cookiecutter.json``.

        Raises:
            MlopsgenError: There is no such version, or its document cannot be read.
        """
        text = self._document(version)
        self._refuse_nested(text)
        return cookiecutter_questions(text)

    def folder_name(self, version: str, answers: Mapping[str, object]) -> str:
        """What the folder is called that the template makes.

        Raises:
            MlopsgenError: There is no such version, or the answers do not fit.
        """
        key = json.dumps([version, answers], sort_keys=True, default=str)
        if key not in self._names:
            with tempfile.TemporaryDirectory(prefix="mlopsgen-render-", ignore_cleanup_errors=True) as scratch:
                self._names[key] = self._run(version, answers, Path(scratch), only_name=True)["folder"]
        return self._names[key]

    def _render(self, version: str, answers: Mapping[str, object], destination: Path, *, again: bool) -> None:
        with tempfile.TemporaryDirectory(prefix="mlopsgen-render-", ignore_cleanup_errors=True) as folder:
            scratch = Path(folder)
            made = self._run(version, answers, scratch, again=again)
            files = scratch / "made" / made["folder"]
            drop_history(files)
            take_over(files, destination)
        (destination / ANSWERS_FILE).write_text(self._record(version, made["answers"]), encoding="utf-8")

    def _run(
        self,
        version: str,
        answers: Mapping[str, object],
        scratch: Path,
        *,
        only_name: bool = False,
        again: bool = False,
    ) -> dict[str, Any]:
        """Let the process of its own render into ``scratch``; what it answers."""
        self._refuse_nested(self._document(version))
        runs_code = self.permit(version)
        template, made = scratch / _last_part(self.address), scratch / "made"
        template.mkdir()
        made.mkdir()
        self._store.lay_out(version, template)
        request = {
            "template": str(template), "output": str(made), "address": self.address, "version": version,
            "answers": {key: value for key, value in answers.items() if not key.startswith("_")},
            "moment": self.moment.isoformat(), "trusted": runs_code, "only_name": only_name,
            "again": again,
        }  # fmt: skip
        return run_child(
            "cookiecutter_child",
            request,
            scratch=scratch,
            environ=self._environ,
            seconds=TRUSTED_SECONDS if runs_code else self._seconds,
            address=self.address,
        )

    def _document(self, version: str) -> str:
        text = self._store.read(version, DOCUMENT)
        if text is None:
            raise MlopsgenError(
                f"The template {version} has no {DOCUMENT}: it is none for cookiecutter.",
                where=self.address,
                hint="Take another version of it.",
            )
        return text

    def _refuse_nested(self, text: str) -> None:
        """Refuse a document that only chooses among other templates."""
        variables = _loaded(text)
        nested = next((variables[key] for key in _NESTED if key in variables), None)
        if nested is None:
            return
        if isinstance(nested, dict):
            folders = [str(one.get("path", "")) for one in nested.values() if isinstance(one, dict)]
        else:
            found = [re.search(r"\((.+)\)", str(one)) for one in (nested if isinstance(nested, list) else [])]
            folders = [match[1] for match in found if match]
        place = self.address.partition("#")
        inside = [
            "/".join(part for part in [place[2], *folder.split("/")] if part not in {"", "."}) for folder in folders
        ]
        named = ", ".join(f"{place[0]}#{folder}" for folder in inside) or "none that can be read"
        raise UsageError(
            f"{self.address} holds several templates.", where=self.address, hint=f"Name one of them: {named}."
        )

    def _code(self, version: str) -> Iterator[str]:
        for name in self._mirror.entries(version, "hooks"):
            if Path(name).stem in _HOOKS and not name.endswith("~"):
                yield f"the hook hooks/{name}"
        extensions = _loaded(self._document(version)).get("_extensions", [])
        for name in foreign_extensions(extensions if isinstance(extensions, list) else [extensions]):
            yield f"the extension of Jinja {name}"

    def _record(self, version: str, answers: Mapping[str, Any]) -> str:
        """The record, as a template of ours renders it: what ``sync`` needs is in one place for every engine."""
        import yaml  # noqa: PLC0415 - only what renders pays for it

        origin = {"_commit": version, "_src_path": self.address, "_engine": "cookiecutter"}
        # A default that is null is what an empty text stands for: an answer is never null.
        kept = {key: "" if value is None else value for key, value in answers.items() if key != OWNED}
        record = {**origin, "_digest": digest_of(kept), **kept}
        return _HEAD + yaml.safe_dump(record, sort_keys=False, allow_unicode=True, width=10_000)


def _last_part(address: str) -> str:
    """The last part of an address, as cookiecutter would call the folder that it clones to."""
    name = re.split(r"[/#:]", address.removesuffix(".git").rstrip("/"))[-1]
    return name if name not in {"", ".", "..", "made", "home"} else "template"


def _loaded(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}  # said by whoever reads the questions
    return found if isinstance(found, dict) else {}
