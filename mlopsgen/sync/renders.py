"""Renders as trees of git: each version with each set of answers is rendered once and kept in a store."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mlopsgen.adapters.git import GitRepository
from mlopsgen.ports import TemplateEngine

# Bytes become objects as they were rendered, whatever the person's git converts or ignores.
_PLAIN = (
    "-c",
    "core.autocrlf=false",
    "-c",
    "core.safecrlf=false",
    "-c",
    "core.excludesFile=",
    "-c",
    "core.fileMode=true",
)


class Renders:
    """A bare repository of renders.

    Args:
        folder: Where it lies or shall lie; two processes may use one at once.
        template: What is rendered.
        environ: The environment that git is started with.
    """

    def __init__(self, folder: Path, template: TemplateEngine, environ: Mapping[str, str]) -> None:
        self._template = template
        self._environ = environ
        self._known: dict[str, str] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self.repository = GitRepository(folder, environ)
        """The bare repository; its objects can be an alternate of other repositories."""
        if not (folder / "HEAD").is_file():
            self.repository.run("init", "--quiet", "--bare", "--template=", "--object-format=sha1")

    @property
    def objects(self) -> Path:
        """The folder of objects, as ``info/alternates`` of another repository names it."""
        return self.repository.path.absolute() / "objects"

    def tree(self, version: str, answers: Mapping[str, object]) -> str:
        """The id of the tree that ``version`` renders to with ``answers``; its objects lie in the store.

        Raises:
            mlopsgen.errors.MlopsgenError: There is no such version, or the template cannot be rendered.
        """
        key = hashlib.sha256(json.dumps([version, answers], sort_keys=True, default=str).encode()).hexdigest()
        if key not in self._known:
            self._known[key] = self._render(version, answers)
        return self._known[key]

    def _render(self, version: str, answers: Mapping[str, object]) -> str:
        with tempfile.TemporaryDirectory(prefix="mlopsgen-render-") as scratch:
            folder = Path(scratch) / "files"
            folder.mkdir()
            self._template.render(version, answers, folder)
            own = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
            git = (*_PLAIN, f"--git-dir={self.repository.path.absolute()}", f"--work-tree={folder}")
            here = GitRepository(folder, self._environ)
            here.run(*git, "add", "--all", "--force", ".", extra=own)
            return here.run(*git, "write-tree", extra=own).stdout.strip()
