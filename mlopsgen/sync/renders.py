"""Renders as trees of git: each version with each set of answers is rendered once and kept in a store."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import mlopsgen
from mlopsgen.adapters.bare import bare_repository
from mlopsgen.adapters.compiled_template import CompiledTemplate, Made
from mlopsgen.adapters.cookiecutter_engine import CookiecutterEngine
from mlopsgen.adapters.git import GitRepository
from mlopsgen.adapters.objects import LooseObjects
from mlopsgen.adapters.questionnaire import Unsupported
from mlopsgen.adapters.stored_template import StoredTemplate
from mlopsgen.constants import ANSWERS_FILE
from mlopsgen.ports import TemplateEngine

# Bytes become objects as they were rendered, whatever the person's git converts or ignores.
_PLAIN = (
    "-c", "core.autocrlf=false", "-c", "core.safecrlf=false", "-c", "core.excludesFile=", "-c", "core.attributesFile=",
    "-c", "core.fileMode=true", "-c", "core.ignoreCase=false",
)  # fmt: skip


_NOW = r"%[-+]?[[:space:]]*now\b|\bnow[[:space:]]+['\"]"
"""cookiecutter's statement for the time, as ``git grep`` looks for it."""


class _Version(NamedTuple):
    """A version of the template in the store.

    Attributes:
        identity: The id of the tree that holds the template's document and files.
        address: The template's address.
        is_plain: Whether it is copier's and runs nothing of its own, so that it may be rendered here.
        moment: When it is rendered, where that can change what comes of it; else empty.
    """

    identity: str
    address: str
    is_plain: bool = True
    moment: str = ""


class _Sources(NamedTuple):
    """What a version is rendered from.

    Attributes:
        files: The mode and blob of each file.
        compiled: What renders it fast; ``None`` if only the engine can.
    """

    files: Mapping[str, tuple[str, str]]
    compiled: CompiledTemplate | None


class Renders:
    """A bare repository of renders, which any number of threads and processes may use at once.

    Args:
        folder: Where it lies or shall lie.
        template: What is rendered.
        environ: The environment that git is started with.
    """

    def __init__(self, folder: Path, template: TemplateEngine, environ: Mapping[str, str]) -> None:
        self._template = template
        self._environ = environ
        self._known: dict[str, str] = {}
        self._versions: dict[str, _Version] = {}
        self._sources: dict[str, _Sources] = {}
        self._lock = threading.Lock()
        self.repository = bare_repository(folder, environ)
        """The bare repository; its objects can be an alternate of other repositories."""
        self._store = LooseObjects(self.objects)
        self._started = datetime.now(UTC).isoformat()

    @property
    def objects(self) -> Path:
        """The folder of objects, as ``info/alternates`` of another repository names it."""
        return self.repository.path / "objects"

    def tree(self, version: str, answers: Mapping[str, object]) -> str:
        """The id of the tree that ``version`` renders to with ``answers``; its objects lie in the store.

        Raises:
            mlopsgen.errors.MlopsgenError: There is no such version, or the template cannot be rendered.
        """
        laid = self._version(version)
        told = [version, answers, [laid.address, laid.identity, mlopsgen.__version__, laid.moment] if laid else None]
        key = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()
        known = self._known.get(key) or (self._recalled(key) if laid else "")
        if not known:
            known = self._render(laid, version, answers)
            if laid:
                self._remember(key, known)
        self._known[key] = known
        return known

    def _render(self, laid: _Version | None, version: str, answers: Mapping[str, object]) -> str:
        sources = self._sources_of(laid) if laid is not None and laid.is_plain else None
        if laid is not None and sources is not None and sources.compiled is not None:
            try:
                made = sources.compiled.render(answers, laid.address, version)
            except Unsupported:
                pass  # copier renders it, or says why it cannot
            else:
                return self._store.tree({path: self._entry(sources, file) for path, file in made.items()})
        with tempfile.TemporaryDirectory(prefix="mlopsgen-render-", ignore_cleanup_errors=True) as scratch:
            folder = Path(scratch) / "files"
            folder.mkdir()
            template = self._template
            if isinstance(template, StoredTemplate):
                template.render_again(version, answers, folder)
            else:
                template.render(version, answers, folder)
            # Hooks make files with passwords and list them in .gitignore, so that nobody has them but their maker.
            return self._add(folder, words=() if isinstance(template, CookiecutterEngine) else ("--force",))

    def _entry(self, sources: _Sources, file: Made) -> tuple[str, str]:
        mode, blob = sources.files[file.source]
        return mode, blob if file.content is None else self._store.blob(file.content)

    def _version(self, version: str) -> _Version | None:
        """A version of the template as it lies in the store; ``None`` for engines of another kind."""
        template = self._template
        if not isinstance(template, StoredTemplate):
            return None
        with self._lock:
            if version not in self._versions:
                # Asked here, so that what was rendered before is no way round it.
                runs_code = template.permit(version)
                found = self._read(template, version)
                if runs_code or isinstance(template, CookiecutterEngine):
                    found = found._replace(is_plain=False, moment=self._moment(found, is_needed=runs_code))
                self._versions[version] = found
            return self._versions[version]

    def _moment(self, found: _Version, *, is_needed: bool) -> str:
        """What tells the renders of one command from those of another, where "now" or code of its own is in them."""
        if is_needed or self.repository.succeeds("grep", "--quiet", "-E", _NOW, found.identity):
            return self._started
        return ""

    def _read(self, template: StoredTemplate, version: str) -> _Version:
        identity = template.store.identity(version)
        reference = f"refs/templates/{identity}"
        known = identity and self.repository.run("rev-parse", "--verify", "--quiet", reference, check=False).stdout
        tree = known.strip() if known else ""
        if not tree:
            with tempfile.TemporaryDirectory(prefix="mlopsgen-template-", ignore_cleanup_errors=True) as scratch:
                template.store.lay_out(version, Path(scratch))
                tree = self._add(Path(scratch))
            if identity:
                self.repository.run("update-ref", reference, tree)
        return _Version(tree, template.address)

    def _sources_of(self, laid: _Version) -> _Sources:
        """What a version is rendered from, read when something has to be rendered."""
        with self._lock:
            if laid.identity not in self._sources:
                files = self._listed(laid.identity)
                compiled = None
                if all(mode.startswith("100") for mode, _ in files.values()):
                    with suppress(Unsupported):
                        compiled = CompiledTemplate(sorted(files), lambda names: self._contents(files, names))
                self._sources[laid.identity] = _Sources(files, compiled)
            return self._sources[laid.identity]

    def _listed(self, tree: str) -> dict[str, tuple[str, str]]:
        listed = self.repository.run_bytes("ls-tree", "-r", "-z", tree).split(b"\0")
        pairs = (entry.split(b"\t", 1) for entry in listed if entry)
        split = ((head.decode().split(), os.fsdecode(name)) for head, name in pairs)
        return {name: (mode, blob) for (mode, _, blob), name in split}

    def _contents(self, files: Mapping[str, tuple[str, str]], names: Collection[str]) -> dict[str, bytes]:
        asked = "".join(f"{files[name][1]}\n" for name in names)
        answer = BytesIO(self.repository.run_bytes("cat-file", "--batch", stdin=asked.encode()))
        found: dict[str, bytes] = {}
        for name in names:
            found[name] = answer.read(int(answer.readline().split()[2]))
            answer.read(1)
        return found

    def _recalled(self, key: str) -> str:
        """The tree that was rendered before, if it is still there; else an empty text."""
        try:
            tree = self._note(key).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return ""
        if not re.fullmatch(r"[0-9a-f]{40}", tree):
            return ""
        return tree if self._store.has(tree) or self.repository.succeeds("cat-file", "-e", tree) else ""

    def _remember(self, key: str, tree: str) -> None:
        """Note a render; it is only ever missed, so a full disk or another process do no harm."""
        note = self._note(key)
        with suppress(OSError):
            note.parent.mkdir(parents=True, exist_ok=True)
            handle, written = tempfile.mkstemp(prefix="tmp-", dir=note.parent)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(f"{tree}\n")
            Path(written).replace(note)

    def _note(self, key: str) -> Path:
        return self.repository.path / "mlopsgen-renders" / key[:2] / key[2:]

    def _add(self, folder: Path, words: tuple[str, ...] = ("--force",)) -> str:
        """Put the files of a folder into the store, those that git ignores as well; the id of their tree."""
        with tempfile.TemporaryDirectory(prefix="mlopsgen-index-") as scratch:
            own = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
            git = (*_PLAIN, f"--git-dir={self.repository.path}", f"--work-tree={folder}")
            here = GitRepository(folder, self._environ)
            here.run(*git, "add", "--all", *words, ".", extra=own)
            if not words and (folder / ANSWERS_FILE).is_file():
                here.run(*git, "add", "--force", ANSWERS_FILE, extra=own)
            return here.run(*git, "write-tree", extra=own).stdout.strip()
