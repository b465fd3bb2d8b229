"""Makes locks again with uv, each piece of work once: by content, for all repositories of a fleet."""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from mlopsgen.adapters import process, uv
from mlopsgen.errors import CommandFailed, MlopsgenError

KEPT_FOR = 7 * 24 * 3600.0
"""Seconds that a lock is remembered; later there may be newer versions of what nobody pins."""

_SETTINGS = ("uv.toml", "pyproject.toml")
# What is not asked of the index that this machine knows: folders, addresses; and uv fills in variables of the person.
_ELSEWHERE = re.compile(rb"(?m)^[ \t]*(\.{0,2}/|[^#\n]*(:/|@[ \t]|\$\{))")
_OPTION = re.compile(rb"(?m)^[ \t]*-.*$")
# Files of the repository, and hashes. Another option may say where packages lie, or that their code is run.
_HARMLESS = re.compile(
    rb"[ \t]*(--hash=\w+:[0-9a-fA-F]+[ \t]*\\?"
    rb"|(-r|--requirements?|-c|--constraints?)[ \t=]+(?!/)(?!(\S*/)?\.\.(/|[ \t]|$))[\w./-]+[ \t]*(#.*)?)"
)


class Kept(Exception):
    """A lock cannot be made again; ``reason`` says why, as the beginning of a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Work:
    """Everything that a group's locks depend on.

    Attributes:
        files: Requirements, what they include, and uv's settings, by path.
        sources: What each lock is made from, in order.
        preferences: The versions that each lock keeps to where it can.
        hashes: The locks that hold hashes.
        extract: The lock that ``helper`` takes from another one; empty if there is none.
        helper: The program that does, by path.
        trusted: The packages that the template's own locks name.
    """

    files: Mapping[str, bytes]
    sources: Mapping[str, str]
    preferences: Mapping[str, str]
    hashes: frozenset[str] = frozenset()
    extract: str = ""
    helper: Mapping[str, bytes] = field(default_factory=dict)
    trusted: frozenset[str] = frozenset()


class Locker:
    """Makes locks; several threads may ask at once.

    Args:
        environ: The environment of the person.
        root: Their clone, whose settings for uv hold and whose packages may be built. Without one the repository is
            somebody else's: nothing of it is run, and no setting of its own says where packages come from.
        cache: A folder in which locks are remembered.
    """

    def __init__(self, environ: Mapping[str, str], *, root: Path | None = None, cache: Path | None = None) -> None:
        self._environ = environ
        self._own = root is not None
        self._cache = cache
        self._program = uv.find(environ, root)
        self._guard = threading.Lock()
        self._busy: dict[str, threading.Lock] = {}
        self._done: dict[str, dict[str, bytes]] = {}
        self._failed: dict[str, Kept] = {}
        self._away: Kept | None = None
        self._version = ""
        self._built: frozenset[str] = frozenset()

    def make(self, work: Work) -> dict[str, bytes]:
        """The contents of the locks, by path.

        Raises:
            Kept: They cannot be made.
        """
        if self._program is None:
            raise Kept("uv is not installed here")
        self._look_at_settings(work)
        key = self._key(work, self._program)
        with self._guard:
            busy = self._busy.setdefault(key, threading.Lock())
        with busy:
            found = self._remembered(key)
            if found is None:
                found = self._made(key, work, self._program)
                self._remember(key, found)
            return found

    def _look_at_settings(self, work: Work) -> None:
        """Somebody else's repository does not say where packages are looked for: that takes the credentials there."""
        if self._own:
            return
        for name in _SETTINGS:
            if _uv_settings(name, work.files.get(name, b"")):
                raise Kept(f"its {name} has settings for uv of its own, which hold in a clone only")
        for path, content in work.files.items():
            text = content.replace(b"\r", b"\n")
            if path not in _SETTINGS and _ELSEWHERE.search(text):
                raise Kept("it says itself where packages lie, which is followed in a clone only")
            if path not in _SETTINGS and not all(_HARMLESS.fullmatch(line) for line in _OPTION.findall(text)):
                raise Kept(f"{path} has options for uv of its own, which hold in a clone only")

    def _made(self, key: str, work: Work, program: Path) -> dict[str, bytes]:
        known = self._away or self._failed.get(key)
        if known is not None:
            raise known
        try:
            with tempfile.TemporaryDirectory(prefix="mlopsgen-locks-") as folder:
                return self._run(Path(folder), work, program)
        except uv.IndexUnreachable as error:
            self._away = Kept(_lowered(uv.reason(error)))
            raise self._away from error
        except (MlopsgenError, OSError) as error:
            text = uv.reason(error) if isinstance(error, MlopsgenError) else str(error)
            self._failed[key] = Kept(f"uv cannot make it: {text.rstrip('.')}")
            raise self._failed[key] from error

    def _run(self, folder: Path, work: Work, program: Path) -> dict[str, bytes]:
        for path, content in work.files.items():
            if self._own or path not in _SETTINGS:
                _write(folder, path, content)
        overrides = ["--override", "overrides.txt"] if "overrides.txt" in work.files else []
        made = {}
        for path, source in work.sources.items():
            _write(folder, path, work.preferences[path].encode())
            hashes = ["--generate-hashes"] if path in work.hashes else []
            self._compile(program, work, folder, source, path, *uv.COMPILE, *hashes, *overrides)
            made[path] = (folder / path).read_bytes()
        if work.extract:
            made[work.extract] = self._extracted(folder, work, program)
        return made

    def _compile(self, program: Path, work: Work, folder: Path, *words: str) -> None:
        """Compile; of somebody else's requirements only what the template itself asks for is built to be looked at."""
        while True:
            build = self._own or self._built & work.trusted
            try:
                return uv.Uv(program, self._environ, build=build).compile(folder, *words)
            except CommandFailed as error:
                more = uv.without_wheels(error) & work.trusted - self._built
                if self._own or not more:
                    raise
                self._built |= more

    def _extracted(self, folder: Path, work: Work, program: Path) -> bytes:
        """The extract, by the rules of ``make lock``."""
        whole, named = "requirements.txt", "pylock.toml"
        self._compile(
            program, work, folder, whole, named, *uv.COMPILE[:3], "--no-deps", "--no-header", "--format", named
        )
        scratch = folder / ".extract"
        for path, content in work.helper.items():
            _write(scratch, path, content)
        argv = [sys.executable, "-m", "helpers.linux_lock", str(folder / named), "--to", str(folder / work.extract)]
        environ = {"PYTHONPATH": str(scratch / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        process.run(argv, cwd=scratch, env=environ, timeout=uv.LIMIT)
        return (folder / work.extract).read_bytes()

    def _key(self, work: Work, program: Path) -> str:
        if not self._version:
            try:
                self._version = uv.Uv(program, self._environ, build=self._own).version()
            except MlopsgenError as error:
                raise Kept(f"uv does not work here ({uv.reason(error)})") from error
        said = {
            "uv": [self._version, *uv.COMPILE, self._own, sys.version_info[:2]],
            "files": {path: hashlib.sha256(content).hexdigest() for path, content in work.files.items()},
            "helper": {path: hashlib.sha256(content).hexdigest() for path, content in work.helper.items()},
            "trusted": sorted(work.trusted),
            "locks": [work.sources, work.preferences, sorted(work.hashes), work.extract],
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def _remembered(self, key: str) -> dict[str, bytes] | None:
        if self._cache is None:
            return self._done.get(key)
        place = self._cache / f"{key}.json"
        with suppress(OSError, ValueError):
            if time.time() - place.stat().st_mtime < KEPT_FOR:
                return {path: str(text).encode() for path, text in json.loads(place.read_text("utf-8")).items()}
        return None

    def _remember(self, key: str, made: dict[str, bytes]) -> None:
        if self._cache is None:
            self._done[key] = made
            return
        text = json.dumps({path: content.decode("utf-8", "replace") for path, content in made.items()})
        with suppress(OSError):
            self._cache.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self._cache, delete=False, encoding="utf-8") as written:
                written.write(text)
            Path(written.name).replace(self._cache / f"{key}.json")


def _uv_settings(name: str, content: bytes) -> Mapping[str, object]:
    try:
        document = tomllib.loads(content.decode("utf-8", "replace"))
    except tomllib.TOMLDecodeError as error:
        raise Kept(f"{name} cannot be read") from error
    if name == "uv.toml":
        return document
    tool = document.get("tool", {})
    found = tool.get("uv", {}) if isinstance(tool, dict) else {}
    return found if isinstance(found, dict) else {}


def _write(folder: Path, path: str, content: bytes) -> None:
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts:
        raise Kept(f"{path} lies outside the repository")
    place = folder.joinpath(*parts.parts)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
