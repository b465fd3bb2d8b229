"""The quick checks of what an update came to, before anybody is asked to review it.

What can be read is read: configuration, Python, answers. In a person's own clone, with the environment that is there,
the pipelines are compiled and the style is looked at as well, on a copy: nothing of the working tree is touched.
"""

from __future__ import annotations

import ast
import os
import re
import tempfile
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlopsgen.adapters import process
from mlopsgen.adapters.git import GitRepository
from mlopsgen.answers import resolve
from mlopsgen.constants import ANSWERS_FILE, BRANCHES, CANONICAL_TEMPLATE, MAIN_BRANCH
from mlopsgen.errors import MlopsgenError
from mlopsgen.secret_value import redact
from mlopsgen.sync import trees
from mlopsgen.sync.record import read_record
from mlopsgen.sync.values import Listing

LIMIT = 180.0
"""Seconds that a program of the repository may take."""

_MOST = 5
_TOO_DEEP = ": it is nested too deeply"
_MARKS = [re.compile(rb"(?m)^" + mark * 7 + rb"(?: |\r?$)") for mark in (b"<", b">")]
# Enough for Python and for what it loads; whoever tests a repository hands it no token.
HANDED_ON = ("PATH", "HOME", "USER", "LANG", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "XDG_CACHE_HOME")


@dataclass(frozen=True, kw_only=True)
class Check:
    """A check.

    Attributes:
        name: What is looked at.
        ok: Whether all is well; also where it was not run.
        ran: Whether it was run.
        detail: What was found, or why it was not run.
    """

    name: str
    ok: bool = True
    ran: bool = True
    detail: str = ""


def check_result(
    repository: GitRepository,
    tree: str,
    *,
    environ: Mapping[str, str],
    root: Path | None = None,
    before: str | None = None,
    branch: str = MAIN_BRANCH,
    conflicts: Collection[str] = (),
) -> tuple[Check, ...]:
    """Check the files of an update's result.

    Args:
        repository: Where the tree lies.
        tree: The result.
        environ: The environment of the person.
        root: Their clone, whose environment compiles and lints; without one nothing of the repository is run.
        before: The tree or commit before the update: only what differs is read. Without it everything is.
        branch: The branch that is updated; its pipelines are compiled.
        conflicts: Files that somebody has to resolve first: what is wrong with them is known, and told elsewhere.
    """
    files = trees.listing(repository, tree)
    known = trees.listing(repository, before) if before else {}
    changed = {
        path: entry for path, entry in files.items() if known.get(path) != entry and trees.shown(path) not in conflicts
    }
    contents = _contents(repository, changed)
    aside = "without the files in conflict" if conflicts else ""
    checks = [
        _of_files("no marks of conflicts", contents, _marks, aside),
        _of_files("configuration can be read", contents, _document, aside),
        _of_files("Python compiles", contents, _python, aside),
        _answers(_contents(repository, {path: files[path] for path in files if path == ANSWERS_FILE})),
    ]
    python = _python_of(root)
    if python is not None and all(check.ok for check in checks):
        checks += _run(repository, files, python, environ, branch if branch in BRANCHES else MAIN_BRANCH)
    elif root is not None:
        why = "there is no .venv: make setup" if python is None else "the checks before come first"
        checks += [Check(name=name, ran=False, detail=why) for name in ("pipelines compile", "style")]
    return tuple(checks)


def _contents(repository: GitRepository, files: Listing) -> dict[str, bytes]:
    plain = {path: entry.blob for path, entry in files.items() if entry.mode[:3] == "100"}
    found = trees.blobs(repository, plain.values())
    return {path: found[blob] for path, blob in plain.items() if blob in found}


def _of_files(name: str, contents: Mapping[str, bytes], look: Callable[[str, bytes], str], aside: str) -> Check:
    """Look at each file; ``look`` says what is wrong with one, or nothing. ``aside`` is told where all is well."""
    problems = [f"{trees.shown(path)}{said}" for path, data in sorted(contents.items()) if (said := look(path, data))]
    return Check(name=name, ok=not problems, detail=_listed(problems) or aside)


def _listed(problems: Sequence[str]) -> str:
    more = f"; and {len(problems) - _MOST} more" if len(problems) > _MOST else ""
    return "; ".join(problems[:_MOST]) + more


def _marks(_path: str, data: bytes) -> str:
    first, last = (mark.search(data) for mark in _MARKS)
    if first is None or last is None:
        return ""
    line = data[: first.start()].count(b"\n") + 1
    return f":{line}"


def _document(path: str, data: bytes) -> str:
    suffix = PurePosixPath(path).suffix
    try:
        if suffix == ".toml":
            tomllib.loads(data.decode())
        elif suffix in (".yml", ".yaml"):
            _read_yaml(data)
    except UnicodeDecodeError:
        return ": it is not UTF-8"
    except ValueError as error:
        return f": {_line(str(error))}"
    except RecursionError:
        return _TOO_DEEP
    return ""


def _read_yaml(data: bytes) -> None:
    """Read it.

    Raises:
        ValueError: It is not possible.
    """
    import yaml  # noqa: PLC0415 - only sync needs it here

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for _ in yaml.parse(data, Loader=loader):
            pass
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        raise ValueError(f"{where}{getattr(error, 'problem', None) or error}") from error


def _python(path: str, data: bytes) -> str:
    if not path.endswith(".py"):
        return ""
    try:
        ast.parse(data)
    except SyntaxError as error:
        return f":{error.lineno}: {error.msg}"
    except ValueError as error:
        return f": {error}"
    except (RecursionError, MemoryError):  # what Python's own parser raises
        return _TOO_DEEP
    return ""


def _answers(contents: Mapping[str, bytes]) -> Check:
    name = f"{ANSWERS_FILE} is valid"
    if ANSWERS_FILE not in contents:
        return Check(name=name, ok=False, detail="it is not there")
    try:
        record = read_record(contents[ANSWERS_FILE].decode("utf-8", "replace"))
        if record.template == CANONICAL_TEMPLATE:
            resolve(record.answers)
    except MlopsgenError as error:
        return Check(name=name, ok=False, detail=f"{error.where}: {error.message}" if error.where else error.message)
    return Check(name=name)


def _python_of(root: Path | None) -> Path | None:
    """The interpreter of a clone's environment."""
    places = [root / ".venv" / "bin" / "python", root / ".venv" / "Scripts" / "python.exe"] if root else []
    return next((place for place in places if place.exists()), None)


def _run(
    repository: GitRepository, files: Listing, python: Path, environ: Mapping[str, str], branch: str
) -> Iterator[Check]:
    """What the repository's own environment says about a copy of the result."""
    entry = f"src/pipelines/{branch}/main.py"
    with tempfile.TemporaryDirectory(prefix="mlopsgen-checks-") as made:
        folder = Path(made)
        complete = _export(repository, files, folder)
        given = {name: environ[name] for name in HANDED_ON if name in environ}
        given |= {"PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
        if entry in files and complete:
            words = ["-m", f"pipelines.{branch}.main", "compile", "--to", "runs/package.yaml"]
            yield _program("pipelines compile", [str(python), *words], folder, given)
        else:
            why = "this clone does not hold all files" if entry in files else f"there is no {entry}"
            yield Check(name="pipelines compile", ran=False, detail=why)
        ruff = python.with_name("ruff")
        if ruff.exists():
            words = ["check", "--no-cache", "--quiet", "--output-format", "concise", "."]
            yield _program("style", [str(ruff), *words], folder, given)
        else:
            yield Check(name="style", ran=False, detail="there is no ruff in .venv")


def _export(repository: GitRepository, files: Listing, folder: Path) -> bool:
    """Write the files that the repository's programs read; whether all of them are there."""
    paths = [path for path in files if _is_plain(path)]
    contents = _contents(repository, {path: files[path] for path in paths})
    for path, data in contents.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    code: Collection[str] = [path for path in paths if path.startswith("src/") and files[path].mode[:3] == "100"]
    return all(path in contents for path in code)


def _is_plain(path: str) -> bool:
    """Whether a path can be written below a folder, on every system."""
    parts = PurePosixPath(path).parts
    return not {"..", "/"} & set(parts) and not any("\udc80" <= char <= "\udcff" or char in '\\:"' for char in path)


def _program(name: str, argv: list[str], folder: Path, environ: Mapping[str, str]) -> Check:
    try:
        done = process.run(argv, cwd=folder, env=environ, check=False, timeout=LIMIT)
    except MlopsgenError as error:
        return Check(name=name, ran=False, detail=error.message)
    lines = [line.strip() for line in redact(f"{done.stdout}\n{done.stderr}").splitlines() if line.strip()]
    told = [line.replace(f"{folder}{os.sep}", "") for line in lines]
    return Check(name=name, ok=done.exit_status == 0, detail="" if done.exit_status == 0 else _listed(told))


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
