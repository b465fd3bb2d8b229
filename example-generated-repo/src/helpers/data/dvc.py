"""Data that DVC tracks: the pointer is read from git, the content from the remote that DVC's configuration names.

``dvc+https://host/org/repository.git@revision#data/wine.csv`` for another repository, ``dvc:data/wine.csv`` for this
one. Remotes in folders, on the web and in S3 are read directly, others through the library `dvc` where it is installed.
"""

from __future__ import annotations

import configparser
import contextlib
import hashlib
import json
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import yaml

from helpers.data.combine import combine
from helpers.data.git import GitPlace, parse_address
from helpers.data.limits import refuse_size
from helpers.data.listing import wanted
from helpers.data.local import FilePlace
from helpers.data.place import Fetched, Place, State, Task, cut_at_line, digest_of, file_chunks, shown_address
from helpers.errors import ConfigurationError, DataError

_PARALLEL = 16


@dataclass(frozen=True)
class Pointer:
    """What DVC knows of a file or folder.

    Attributes:
        md5: The digest of its content; of a folder, with ``.dir`` at the end.
        size: Its bytes, where they are written down.
        files: The number of its files.
        old: Whether it was written by a DVC before 3, whose remotes are laid out otherwise.
    """

    md5: str
    size: int | None
    files: int
    old: bool


class DvcPlace(Place):
    """A file or folder that DVC tracks."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.shown = shown_address(task.address)
        if "://" in task.address:
            plain = replace(
                task, source=task.source.model_copy(update={"address": task.address.replace("dvc+", "git+", 1)})
            )
            self.git: GitPlace | None = GitPlace(plain)
            self.git.shown = self.shown
            self.path = parse_address(task.address).path
        else:
            self.git, self.path = None, task.address.removeprefix("dvc:").strip("/")
        if not self.path:
            raise ConfigurationError("The address does not say which file.", where=self.shown, hint="Write dvc:path.")

    def state(self) -> State:
        """The digest that the pointer holds; the content is not asked for."""
        with self._repository() as folder:
            pointer = self._pointer(folder)
        return State(revision=f"dvc:{pointer.md5}", size=pointer.size, files=pointer.files)

    def fetch(self, to: Path) -> Fetched:
        """Reads the content from the remote."""
        with self._repository() as folder:
            pointer = self._pointer(folder)
            refuse_size(self.task.source, pointer.size, self.shown)
            fingerprint = self._bring(pointer, _Remote(self, folder), to)
        size = to.stat().st_size
        return Fetched(path=to, address=self.shown, fingerprint=fingerprint, size=size, revision=f"dvc:{pointer.md5}")

    def sample(self, to: Path, limit: int) -> bool:
        """Reads the content, of a folder the first files."""
        with self._repository() as folder:
            pointer, remote = self._pointer(folder), _Remote(self, folder)
            if not pointer.md5.endswith(".dir"):
                return remote.place(pointer.md5, old=pointer.old).sample(to, limit)
            self._bring(pointer, remote, to, most=20)
            return pointer.files <= 20

    def _bring(self, pointer: Pointer, remote: _Remote, to: Path, most: int | None = None) -> str:
        if not pointer.md5.endswith(".dir"):
            fetched = remote.fetch(pointer.md5, to, old=pointer.old)
            return fetched.fingerprint
        with tempfile.TemporaryDirectory(prefix="dvc-") as temporary:
            index = Path(temporary, "index")
            remote.fetch(pointer.md5, index, old=pointer.old)
            entries = [entry for entry in json.loads(index.read_text(encoding="utf-8")) if wanted(entry["relpath"], "")]
            entries = sorted(entries, key=lambda entry: str(entry["relpath"]))[:most]
            if not entries:
                raise DataError("The folder holds no files of data.", where=self.shown)

            def bring(number: int) -> str:
                target = Path(temporary, f"{number:07}")
                return remote.fetch(entries[number]["md5"], target, old=pointer.old).fingerprint

            with ThreadPoolExecutor(_PARALLEL) as pool:
                digests = list(pool.map(bring, range(len(entries))))
            named = [(str(entry["relpath"]), Path(temporary, f"{n:07}")) for n, entry in enumerate(entries)]
            combine(named, self.task.source, to, self.shown)
        lines = zip(entries, digests, strict=True)
        return digest_of(f"{entry['relpath']}\0{digest.removeprefix('sha256:')}" for entry, digest in lines)

    @contextlib.contextmanager
    def _repository(self) -> Iterator[Path]:
        if self.git is None:
            yield self.task.root
            return
        wanted_paths = [".dvc/config", f"{self.path}.dvc", "dvc.lock"]
        with self.git.checkout(tuple(wanted_paths), optional=True) as folder:
            yield folder

    def _pointer(self, folder: Path) -> Pointer:
        """From ``<path>.dvc``, or from what a stage of ``dvc.yaml`` made."""
        own = folder / f"{self.path}.dvc"
        if own.is_file():
            outs = _yaml(own, self.shown).get("outs") or []
            found = next((out for out in outs if isinstance(out, dict)), None)
        else:
            found = self._locked(folder)
        if not found or not isinstance(found.get("md5"), str):
            raise DataError(
                f"There is no pointer of DVC for '{self.path}' ({self.path}.dvc, or an output in dvc.lock).",
                where=self.shown,
                hint="Correct the path; name what was given to 'dvc add'.",
            )
        size = found.get("size")
        return Pointer(
            md5=found["md5"],
            size=size if isinstance(size, int) else None,
            files=int(found.get("nfiles") or 1),
            old=found.get("hash") != "md5",
        )

    def _locked(self, folder: Path) -> dict[str, Any] | None:
        lock = folder / "dvc.lock"
        if not lock.is_file():
            return None
        stages = _yaml(lock, self.shown).get("stages") or {}
        outs = [out for stage in stages.values() for out in (stage.get("outs") or [])]
        return next((out for out in outs if out.get("path") == self.path), None)


class _Remote:
    """Where the contents lie."""

    def __init__(self, dvc: DvcPlace, folder: Path) -> None:
        self.dvc = dvc
        self.folder = folder
        config = configparser.ConfigParser(interpolation=None)
        for name in ("config", "config.local"):
            config.read(folder / ".dvc" / name, encoding="utf-8")
        self.name = config.get("core", "remote", fallback="").strip().strip('"')
        sections = (f"'remote \"{self.name}\"'", f'remote "{self.name}"')
        section = next((section for section in sections if config.has_section(section)), "")
        self.settings = dict(config.items(section)) if section else {}
        self.url = self.settings.get("url", "")

    def fetch(self, md5: str, to: Path, *, old: bool) -> Fetched:
        """Brings one content, and makes sure that it is the right one."""
        fetched = self.place(md5, old=old).fetch(to)
        digest = hashlib.md5(usedforsecurity=False)
        for chunk in file_chunks(to):
            digest.update(chunk)
        if digest.hexdigest() != md5.removesuffix(".dir"):
            raise DataError("The content in DVC's remote is damaged: it has another digest.", where=self.dvc.shown)
        return fetched

    def place(self, md5: str, *, old: bool) -> Place:
        """The place of one content."""
        inside = f"{md5[:2]}/{md5[2:]}" if old else f"files/md5/{md5[:2]}/{md5[2:]}"
        task = self.dvc.task
        if not self.url:
            raise DataError(
                "DVC's configuration names no remote to read the content from.",
                where=self.dvc.shown,
                hint="Run: dvc remote add --default NAME ADDRESS, and commit .dvc/config.",
            )
        scheme = urlsplit(self.url).scheme if "://" in self.url else ""
        changed = {"address": f"{self.url.rstrip('/')}/{inside}", "changes_by": "", "maximum_size": None}
        if scheme in ("http", "https"):
            from helpers.data.web import WebPlace

            return WebPlace(self._for_other_host(replace(task, source=task.source.model_copy(update=changed))))
        if scheme == "s3":
            from helpers.data.s3 import s3_place

            endpoint = self.settings.get("endpointurl", "") or task.source.endpoint
            changed |= {"endpoint": endpoint, "region": self.settings.get("region", "") or task.source.region}
            return s3_place(replace(task, source=task.source.model_copy(update=changed)))
        if scheme in ("", "file"):
            return FilePlace(task, self._folder() / PurePosixPath(inside), self.dvc.shown)
        return _LibraryPlace(self.dvc, scheme)

    def _folder(self) -> Path:
        if self.url.startswith("file://"):
            return Path(urlsplit(self.url).path)
        path = Path(self.url).expanduser()
        if not path.is_absolute() and self.dvc.git is not None:
            raise DataError(
                "DVC's remote is a folder beside a copy of the repository.",
                where=self.dvc.shown,
                hint="Give the repository a remote in a store.",
            )
        return self.folder / ".dvc" / path

    def _for_other_host(self, task: Task) -> Task:
        """The login of the git server is not sent to another one; a remote has a name of its own for it."""
        git = self.dvc.git
        if git is None or urlsplit(git.address.url).netloc == urlsplit(task.address).netloc:
            return task
        return replace(task, name=f"{task.name} remote")


class _LibraryPlace(Place):
    """A remote of a kind that only the library `dvc` reads."""

    def __init__(self, dvc: DvcPlace, scheme: str) -> None:
        self.dvc = dvc
        self.scheme = scheme

    def state(self) -> State:
        """The pointer's."""
        return self.dvc.state()

    def fetch(self, to: Path) -> Fetched:
        """Lets the library read it."""
        from helpers.data.place import write_chunks

        try:
            from dvc import api
        except ImportError as error:
            raise DataError(
                f"DVC's remote is of the kind '{self.scheme}', which only the library dvc reads.",
                where=self.dvc.shown,
                hint=f"make add PKG='dvc[{self.scheme}]'",
            ) from error
        git = self.dvc.git
        repository, revision = (git.address.url, git.address.revision) if git else (str(self.dvc.task.root), None)
        try:
            with api.open(self.dvc.path, repo=repository, rev=revision, mode="rb") as file:
                fingerprint, size = write_chunks(iter(lambda: file.read(1 << 20), b""), to, self.dvc.shown)
        except Exception as error:  # the library's remotes raise whatever their drivers do
            reason = type(error).__name__
            raise DataError(f"The library dvc cannot read it: {reason}.", where=self.dvc.shown) from error
        return Fetched(path=to, address=self.dvc.shown, fingerprint=fingerprint, size=size)

    def sample(self, to: Path, limit: int) -> bool:
        """Reads all of it, and keeps the beginning."""
        size = self.fetch(to).size
        if size <= limit:
            return True
        with to.open("r+b") as file:
            file.truncate(limit)
        cut_at_line(to)
        return False


def _yaml(path: Path, shown: str) -> dict[str, Any]:
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"DVC's file {path.name} is not valid YAML.", where=shown) from error
    return value if isinstance(value, dict) else {}
