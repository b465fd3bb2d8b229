"""The code that travels inside a package: which files steps need, and the same bytes for the same files everywhere.

A file of the repository belongs to it when git knows it or would (what ``.gitignore`` hides stays here), and when it is

- below ``src``, without the helpers that only this machine needs: kept are those that a step, or another kept helper,
  imports;
- ``data/sources.yaml`` or a file of the repository that a source names;
- the extract of the lock.

bzip2 and not gzip: its output depends on nothing but its input, whatever version of the library packs it.
"""

from __future__ import annotations

import ast
import bz2
import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from helpers import linux_lock
from helpers.documents import read_document
from helpers.errors import ConfigurationError
from helpers.processes import capture

ALWAYS = ("helpers.system_steps", "helpers.cluster_step", "helpers.sweep")
"""The helpers that every package needs."""

HELPERS = "src/helpers/"
SOURCES = "data/sources.yaml"


@dataclass(frozen=True)
class Archive:
    """Packed files.

    Attributes:
        data: The packed bytes.
        files: The content of each file, by its path.
    """

    data: bytes
    files: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        """What it is recognised by."""
        return f"sha256:{hashlib.sha256(self.data).hexdigest()}"

    def largest(self, count: int = 3) -> str:
        """The files that need most room, for a message."""
        packed = {name: len(bz2.compress(content)) for name, content in self.files.items()}
        chosen = sorted(packed, key=lambda name: packed[name], reverse=True)[:count]
        return ", ".join(f"{name} ({packed[name]:,} bytes)" for name in chosen)


def pack_repository(root: Path, environ: Mapping[str, str]) -> Archive:
    """The code of a repository as it is now.

    Raises:
        ConfigurationError: The extract of the lock does not fit, or a file cannot be read.
    """
    candidates = _candidates(root, environ)
    data = set(_data_files(root, candidates))
    code = [name for name in candidates if name.startswith("src/") and not _is_rubbish(name)]
    kept = _kept_helpers(root, code)
    files = {
        name: _read(root, name)
        for name in code
        if not name.startswith(HELPERS) or name in kept or name.endswith(".html")
    }
    files |= {name: _read(root, name) for name in sorted(data)}
    files[linux_lock.NAME] = linux_lock.read_linux_lock(root)
    return Archive(pack(files), files)


def pack(files: Mapping[str, bytes]) -> bytes:
    """Files as an archive; nothing of the machine or the hour is in it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(files[name]), 0o644
            archive.addfile(entry, io.BytesIO(files[name]))
    return bz2.compress(buffer.getvalue(), 9)


def _candidates(root: Path, environ: Mapping[str, str]) -> list[str]:
    """The files that could travel, by their paths."""
    clean = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
    clean["GIT_CEILING_DIRECTORIES"] = str(root.parent)
    listing = [
        "git",
        "-C",
        str(root),
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "--",
        "src",
        "data",
    ]
    answer = capture(listing, cwd=root, environ=clean)
    if answer.code == 0 and (root / ".git").exists():
        found = set(filter(None, answer.text.split("\0")))
    else:
        folders = (root / "src", root / "data")
        found = {path.relative_to(root).as_posix() for folder in folders for path in folder.rglob("*")}
    return sorted(name for name in found if (root / name).is_file())


def _is_rubbish(name: str) -> bool:
    parts = name.split("/")
    return name.endswith((".pyc", ".jinja")) or any(part.startswith(".") or part == "__pycache__" for part in parts)


def _data_files(root: Path, candidates: Iterable[str]) -> Iterator[str]:
    """The files of the repository that sources name."""
    if not (root / SOURCES).is_file():
        return
    yield SOURCES
    declared = read_document(root / SOURCES, root=root).value
    sources = declared.get("sources") if isinstance(declared, dict) else None
    for source in (sources or {}).values():
        address = str(source.get("address", "")) if isinstance(source, dict) else ""
        place = address.removeprefix("./").rstrip("/")
        if place and "://" not in place:
            yield from (name for name in candidates if name == place or name.startswith(f"{place}/"))


def _kept_helpers(root: Path, code: Iterable[str]) -> set[str]:
    """The helpers that steps need, found by following imports."""
    known = {_module(name): name for name in code if name.startswith(HELPERS) and name.endswith(".py")}
    own = [name for name in code if not name.startswith(HELPERS) and name.endswith(".py") and not _is_entry(name)]
    waiting = [module for name in own for module in _imports(root, name)] + list(ALWAYS)
    kept: set[str] = set()
    while waiting:
        module = waiting.pop()
        package = ".".join(module.split(".")[:2])
        # Modules of a package may be chosen by name at run time, so it is kept whole.
        for candidate in {"helpers", module, *(name for name in known if name.startswith(f"{package}."))}:
            if candidate in known and known[candidate] not in kept:
                kept.add(known[candidate])
                waiting += _imports(root, known[candidate])
    return kept


def _is_entry(name: str) -> bool:
    """A branch's ``main.py``, which is a command line and no part of a step."""
    return name.startswith("src/pipelines/") and name.endswith("/main.py")


def _module(name: str) -> str:
    return name.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imports(root: Path, name: str) -> list[str]:
    """The helpers that a file imports, anywhere in it."""
    try:
        tree = ast.parse(_read(root, name))
    except SyntaxError:  # a file that nothing imports; one that a step imports is told by the step
        return []
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [module for module in found if module.split(".")[0] == "helpers"]


def _read(root: Path, name: str) -> bytes:
    try:
        return (root / name).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"The file cannot be read: {error.strerror}.", where=name) from error
