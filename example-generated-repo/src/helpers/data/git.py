"""Data in a git repository: ``git+https://host/org/repository.git@revision#path``, a file or a folder of it."""

from __future__ import annotations

import base64
import contextlib
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from helpers import processes
from helpers.data.local import FilePlace, FolderPlace
from helpers.data.network import CA_HINT
from helpers.data.place import Fetched, Place, State, Task, shown_address
from helpers.errors import AccessError, ConfigurationError, DataError, RepositoryError

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True)
class GitAddress:
    """The parts of an address.

    Attributes:
        url: What git is told to fetch from.
        revision: A branch, a tag or a full commit; ``HEAD`` when none is named.
        path: The file or folder.
    """

    url: str
    revision: str
    path: str


def parse_address(address: str) -> GitAddress:
    """Takes an address apart.

    Raises:
        ConfigurationError: It names no path, or a part of a commit's name.
    """
    parts = urlsplit(address)
    scheme = parts.scheme.partition("+")[2]
    path, _, revision = parts.path.rpartition("@") if "@" in parts.path else (parts.path, "", "")
    inside = unquote(parts.fragment).strip("/")
    if not inside or ".." in inside.split("/"):
        raise ConfigurationError(
            "The address does not say which file of the repository.",
            where=shown_address(address),
            hint="Write git+https://host/org/repository.git@revision#path/of/file.csv.",
        )
    return GitAddress(urlunsplit((scheme, parts.netloc, unquote(path), "", "")), revision or "HEAD", inside)


class GitPlace(Place):
    """A file or a folder of another repository."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.shown = shown_address(task.address)
        self.address = parse_address(task.address)
        self.credentials = task.credentials()

    def state(self) -> State:
        """The commit, and git's own digest of the file or folder in it."""
        with self.checkout(()) as folder:
            return self._state(folder)

    def fetch(self, to: Path) -> Fetched:
        """Fetches that file or folder alone."""
        with self.checkout((self.address.path,)) as folder:
            state = self._state(folder)
            fetched = self._inside(folder).fetch(to)
        return Fetched(
            path=to, address=self.shown, fingerprint=fetched.fingerprint, size=fetched.size, revision=state.revision
        )

    def sample(self, to: Path, limit: int) -> bool:
        """Fetches it, and copies its beginning."""
        with self.checkout((self.address.path,)) as folder:
            return self._inside(folder).sample(to, limit)

    @contextlib.contextmanager
    def checkout(self, paths: tuple[str, ...], *, optional: bool = False) -> Iterator[Path]:
        """A folder with some paths of the revision, and what git knows of all of it; it is removed afterwards."""
        with tempfile.TemporaryDirectory(prefix="git-") as temporary:
            folder = Path(temporary)
            self._git(folder, "init", "--quiet", ".")
            self._git(folder, "remote", "add", "origin", "--", self.address.url)
            for key, value in (("promisor", "true"), ("partialclonefilter", "blob:none")):
                self._git(folder, "config", f"remote.origin.{key}", value)
            fetch = ("fetch", "--quiet", "--depth", "1", "--no-tags", "--filter=blob:none", "origin")
            self._git(folder, *fetch, self.address.revision)
            for path in paths:
                answer = self._run(folder, "checkout", "--quiet", "FETCH_HEAD", "--", path)
                if answer.code != 0 and not optional:
                    raise self._explain(answer.text)
            yield folder

    def _state(self, folder: Path) -> State:
        commit = self._git(folder, "rev-parse", "FETCH_HEAD").strip()
        found = self._git(folder, "ls-tree", "FETCH_HEAD", "--", self.address.path).split()
        if len(found) < 3:
            raise self._missing()
        pinned = (
            "The address names a commit: the data never changes." if _COMMIT.fullmatch(self.address.revision) else ""
        )
        return State(revision=f"git:{commit}:{found[2]}", note=pinned)

    def _inside(self, folder: Path) -> FilePlace | FolderPlace:
        path = folder / self.address.path
        if path.is_dir():
            return FolderPlace(self.task, path)
        if not path.is_file():
            raise self._missing()
        return FilePlace(self.task, path, self.shown)

    def _missing(self) -> DataError:
        return DataError(
            f"There is no '{self.address.path}' in the repository at '{self.address.revision}'.",
            where=self.shown,
            hint="Correct what stands behind '#' in 'address'.",
        )

    def _git(self, folder: Path, *arguments: str) -> str:
        answer = self._run(folder, *arguments)
        if answer.code != 0:
            raise self._explain(answer.text)
        return answer.text

    def _run(self, folder: Path, *arguments: str) -> processes.Answer:
        return processes.capture(
            ["git", "-c", "core.autocrlf=false", *arguments],
            cwd=folder,
            environ=self._environ(),
            timeout=self.task.timeout,
            together=True,
        )

    def _environ(self) -> dict[str, str]:
        """The login travels in the environment, for this server alone: a redirect to another one does not get it."""
        environ = {name: value for name, value in self.task.environ.items() if not name.startswith("GIT_")}
        kept = ("GIT_SSL_CAINFO", "GIT_SSH_COMMAND", "GIT_SSH", "GIT_EXEC_PATH")
        environ |= {name: self.task.environ[name] for name in kept if name in self.task.environ}
        bundle = environ.get("REQUESTS_CA_BUNDLE") or environ.get("SSL_CERT_FILE")
        if bundle:
            environ.setdefault("GIT_SSL_CAINFO", bundle)
        environ |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        environ.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o ConnectTimeout=10")
        seconds = str(int(self.task.timeout))
        settings = [("http.lowSpeedLimit", "1"), ("http.lowSpeedTime", seconds)]
        if header := self._header():
            parts = urlsplit(self.address.url)
            settings += [(f"http.{parts.scheme}://{parts.netloc}/.extraHeader", header), ("credential.helper", "")]
        environ["GIT_CONFIG_COUNT"] = str(len(settings))
        for number, (key, value) in enumerate(settings):
            environ[f"GIT_CONFIG_KEY_{number}"], environ[f"GIT_CONFIG_VALUE_{number}"] = key, value
        return environ

    def _header(self) -> str:
        user, password = self.credentials.login or ("", "")
        if token := self.credentials.token:
            user, password = user or "x-access-token", token
        if not password or not self.address.url.startswith(("http://", "https://")):
            return ""
        return f"Authorization: Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"

    def _explain(self, text: str) -> RepositoryError:
        """Git tells in words alone; they are looked at, and never shown where they could hold the login."""
        used = (
            self.credentials.name("TOKEN") if self.credentials.token else self.credentials.name("USERNAME", "PASSWORD")
        )
        for pattern, kind, message, hint in _WORDS:
            if re.search(pattern, text):
                if kind is AccessError and self._header():
                    hint = f"Look at {used}: wrong, expired, or without the right to read this repository."
                elif kind is AccessError and not hint:
                    hint = f"Set {self.credentials.name('TOKEN')} to a token that may read it."
                filled = message.format(revision=self.address.revision, path=self.address.path, host=self._host())
                return kind(filled, where=self.shown, hint=hint)
        last = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no reason was told")
        reason = re.sub(r"//[^/@\s]*@", "//", last.removeprefix("fatal: "))[:200].rstrip(".")
        return DataError(f"git cannot read it: {reason}.", where=self.shown, hint="Look at 'address'.")

    def _host(self) -> str:
        return urlsplit(self.address.url).netloc.rpartition("@")[2]


_LOGIN = "could not read Username|Authentication failed|terminal prompts disabled|error: 401"
_NOWHERE = "not found|does not appear to be a git repository|does not exist|error: 404"
_WORDS: tuple[tuple[str, type[RepositoryError], str, str], ...] = (
    (
        "Could not resolve host",
        DataError,
        "The name of '{host}' is not known (DNS).",
        "Correct the address, or look at the network.",
    ),
    ("certificate", DataError, "The certificate of '{host}' is not trusted.", CA_HINT),
    (
        "Failed to connect|Connection refused",
        DataError,
        "'{host}' refuses connections.",
        "Is the address right, and is the server running?",
    ),
    (
        "timed out|timeout|Operation too slow|ended after",
        DataError,
        "The server '{host}' did not answer in time.",
        "Look at the network, and try again.",
    ),
    (_LOGIN, AccessError, "The server wants a login that may read the repository.", ""),
    ("error: 403|Permission denied|access denied", AccessError, "There is no permission to read the repository.", ""),
    (
        "couldn't find remote ref|not our ref|unadvertised object|invalid refspec",
        DataError,
        "The repository has no revision '{revision}'.",
        "Name a branch, a tag or the full name of a commit behind '@'.",
    ),
    (
        "pathspec",
        DataError,
        "There is no '{path}' in the repository at '{revision}'.",
        "Correct what stands behind '#' in 'address'.",
    ),
    (
        _NOWHERE,
        DataError,
        "There is no such repository.",
        "Correct the address; some servers answer so when a login is missing.",
    ),
    (
        "No such file or directory: 'git'|command not found",
        DataError,
        "There is no git here.",
        "Install git; for an image, see the Dockerfile.",
    ),
)
"""What git says, and what it means."""
