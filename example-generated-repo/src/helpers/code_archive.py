"""The code that travels inside a package: which files steps need, and the same bytes for the same files everywhere.

A file of the repository belongs to it when git knows it or would (what ``.gitignore`` hides stays here), and when it is

- below ``src``; of the helpers only those that a step, or another kept helper, imports, and without their comments;
- ``data/sources.yaml`` or a file of the repository that a source names;
- the extract of the lock.

bzip2 and not gzip: its output depends on nothing but its input, whatever version of the library packs it.
"""

from __future__ import annotations

import ast
import bz2
import functools
import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers import linux_lock
from helpers.documents import read_document
from helpers.errors import ConfigurationError
from helpers.processes import capture

FOR_STEPS = ("helpers.begin_run", "helpers.cluster_step", "helpers.sweep")
FOR_THE_END = ("helpers.finish_run",)
"""The helpers that every package needs: those around the steps, and those of its end."""

NOT_AT_THE_END = ("helpers.models",)
"""What loads models and reads data; the end of a run only reads what was logged."""

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

    def parts(self, size: int) -> list[bytes]:
        """The packed bytes in pieces."""
        return [self.data[start : start + size] for start in range(0, len(self.data), size)]

    def largest(self, count: int = 3) -> str:
        """The files that need most room, for a message."""
        packed = {name: len(bz2.compress(content)) for name, content in self.files.items()}
        chosen = sorted(packed, key=lambda name: packed[name], reverse=True)[:count]
        return ", ".join(f"{name} ({packed[name]:,} bytes)" for name in chosen)


@dataclass(frozen=True)
class Code:
    """The code of a repository, as a package carries it.

    Attributes:
        steps: What the steps need.
        end: What the last step needs, which gets nothing from others because it runs whatever happens.
    """

    steps: Archive
    end: Archive


def pack_repository(root: Path, environ: Mapping[str, str]) -> Code:
    """The code of a repository as it is now.

    Raises:
        ConfigurationError: The extract of the lock does not fit, or a file cannot be read.
    """
    candidates = _candidates(root, environ)
    code = [name for name in candidates if name.startswith("src/") and not _is_rubbish(name)]
    own = [name for name in code if not name.startswith(HELPERS)]
    texts = [name for name in own if name.endswith(".yaml")]
    pages = [name for name in code if name.startswith(HELPERS) and name.endswith(".html")]
    modules = [name for name in own if name.endswith(".py") and not _is_entry(name)]
    imported = [module for name in modules for module in _imports(root, name)]
    lock = {linux_lock.NAME: linux_lock.read_linux_lock(root)}
    helpers = [name for name in code if name.startswith(HELPERS) and name.endswith(".py")]
    for_steps = _followed(root, helpers, [*imported, *FOR_STEPS])
    for_the_end = _followed(root, helpers, FOR_THE_END, without=NOT_AT_THE_END)
    data = sorted(set(_data_files(root, candidates)))
    return Code(
        steps=_archive(root, [*own, *data], for_steps, lock), end=_archive(root, [*texts, *pages], for_the_end, lock)
    )


def _archive(root: Path, whole: Iterable[str], helpers: Iterable[str], lock: Mapping[str, bytes]) -> Archive:
    files = {name: _read(root, name) for name in whole} | {name: slim(_read(root, name)) for name in helpers}
    files |= lock
    return Archive(pack(files), files)


def slim(source: bytes) -> bytes:
    """A module without docstrings and lines of comments, a third of its room; every line keeps its number."""
    lines = source.decode("utf-8").splitlines(keepends=True)
    texts: set[int] = set()
    for node in _nodes(source):
        if isinstance(node, ast.Constant | ast.JoinedStr) and node.end_lineno != node.lineno:
            texts.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    for number, line in enumerate(lines, 1):
        if number not in texts and line.lstrip().startswith("#"):
            lines[number - 1] = "\n"
    for node in _nodes(source):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for statement in node.body:
            text = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                height = (statement.end_lineno or statement.lineno) - statement.lineno + 1
                lines[statement.lineno - 1 : statement.end_lineno] = ["\n"] * height
                if len(node.body) == 1:
                    lines[statement.lineno - 1] = " " * statement.col_offset + "...\n"
    return "".join(lines).encode("utf-8")


@functools.cache
def _nodes(source: bytes) -> tuple[ast.AST, ...]:
    """Everything in a module's syntax tree; walking it is what costs, so it is done once for each file."""
    return tuple(ast.walk(ast.parse(source)))


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


def _followed(root: Path, helpers: Iterable[str], modules: Iterable[str], *, without: Sequence[str] = ()) -> list[str]:
    """The files of helpers that are reached from modules by following imports, wherever these stand in a file."""
    known = {_module(name): name for name in helpers}
    waiting, kept = list(modules), set()
    while waiting:
        module = waiting.pop()
        for candidate in _with_packages(module):
            if candidate in without:
                break
            if candidate in known and known[candidate] not in kept:
                kept.add(known[candidate])
                waiting += _imports(root, known[candidate])
    return sorted(kept)


def _with_packages(module: str) -> list[str]:
    """A module and the packages around it."""
    parts = module.split(".")
    return [".".join(parts[: count + 1]) for count in range(len(parts))]


def _is_entry(name: str) -> bool:
    """A branch's ``main.py``, which is a command line and no part of a step."""
    return name.startswith("src/pipelines/") and name.endswith("/main.py")


def _module(name: str) -> str:
    return name.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imports(root: Path, name: str) -> list[str]:
    """The helpers that a file imports, anywhere in it."""
    try:
        nodes = _nodes(_read(root, name))
    except SyntaxError:  # a file that nothing imports; one that a step imports is told by the step
        return []
    found: list[str] = []
    for node in nodes:
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
