"""Git, through its command line: real repositories, a scrubbed environment, never a prompt."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlopsgen.adapters import process
from mlopsgen.constants import MINIMUM_GIT
from mlopsgen.errors import MlopsgenError, ProgramMissing

_INSTALL_HINT = "Install git (for example 'apt install git' or 'brew install git') and run the command again."
# Inherited from a hook or an outer git command, these would point our git at another repository.
_REPOSITORY_VARIABLES = re.compile(
    r"^GIT_(DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|COMMON_DIR|NAMESPACE|PREFIX|QUARANTINE_PATH|CONFIG.*)$"
)


# What was given to us is not for hooks, and a trace shall not list variables.
_UNTOLD_VARIABLES = re.compile(r"^(MLOPSGEN_GITHUB_TOKEN|MLOPSGEN_SECRET_.*|GIT_TRACE2_(ENV_VARS|CONFIG_PARAMS))$")


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for a git command: nothing that names another repository, no secret, no prompt, English words."""
    unwanted = (_REPOSITORY_VARIABLES, _UNTOLD_VARIABLES)
    kept = {name: value for name, value in environ.items() if not any(each.match(name) for each in unwanted)}
    return kept | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}


class GitRepository:
    """A git repository (or a folder that will be one) at ``path``."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self.path = path
        self._environ = clean_environment(environ)

    def at(self, path: Path) -> GitRepository:
        """Another repository, worked on in the same environment."""
        return GitRepository(path, self._environ)

    def run(
        self,
        *arguments: str,
        check: bool = True,
        stdin: str | None = None,
        extra: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> process.Completed:
        """Run ``git ARGUMENTS`` in the repository.

        Args:
            arguments: What git shall do; never a secret.
            check: Raise when it fails.
            stdin: Text for its standard input.
            extra: More environment for this command alone, which is also the way of a credential.
            timeout: Seconds until it is ended.

        Raises:
            ProgramMissing: git is not installed.
            CommandFailed: git failed and ``check`` was set.
        """
        try:
            environ = {**self._environ, **(extra or {})}
            argv = ["git", *arguments]
            return process.run(argv, cwd=self.path, env=environ, stdin=stdin, check=check, timeout=timeout)
        except ProgramMissing as error:
            error.hint = _INSTALL_HINT
            raise

    def run_bytes(
        self,
        *arguments: str,
        stdin: bytes = b"",
        accepted: Sequence[int] = (0,),
        extra: Mapping[str, str] | None = None,
    ) -> bytes:
        """What ``git ARGUMENTS`` prints, as it is: contents of files, and names in any encoding.

        Args:
            arguments: What git shall do; never a secret.
            stdin: What it reads.
            accepted: The exit statuses that are no failure.
            extra: More environment for this command alone.

        Raises:
            ProgramMissing: git is not installed.
            CommandFailed: git failed.
        """
        try:
            environ = {**self._environ, **(extra or {})}
            return process.run_bytes(["git", *arguments], cwd=self.path, env=environ, stdin=stdin, accepted=accepted)
        except ProgramMissing as error:
            error.hint = _INSTALL_HINT
            raise

    def read(self, *arguments: str) -> str:
        """What a git command prints, without the final newline."""
        return self.run(*arguments).stdout.rstrip("\n")

    def succeeds(self, *arguments: str) -> bool:
        """Whether a git command ends well (for questions that git answers by its exit status)."""
        return self.run(*arguments, check=False).exit_status == 0

    def identity(self) -> tuple[str, str] | None:
        """Name and address that commits will bear, or ``None`` where git knows none."""
        name = self.run("config", "--get", "user.name", check=False).stdout.strip()
        email = self.run("config", "--get", "user.email", check=False).stdout.strip()
        name = self._environ.get("GIT_AUTHOR_NAME", name)
        email = self._environ.get("GIT_AUTHOR_EMAIL", email)
        return (name, email) if name and email else None

    def commit_of(self, reference: str) -> str | None:
        """The full commit name that a reference points to, or ``None`` if there is no such reference."""
        done = self.run("rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}", check=False)
        return done.stdout.strip() if done.exit_status == 0 else None

    def remotes(self) -> dict[str, str]:
        """The remotes by name, each with its fetch address."""
        lines = self.run("config", "--get-regexp", r"^remote\..*\.url$", check=False).stdout.splitlines()
        pairs = (line.split(" ", 1) for line in lines)
        return {key.removeprefix("remote.").removesuffix(".url"): address for key, address in pairs}


def without_credentials(address: str) -> str:
    """A remote's address for people and for comparing: nobody's token or password in it, and for http no name."""
    if address.startswith("http"):
        return re.sub(r"(?<=://)[^/\s]*@", "", address)
    return re.sub(r"(://[^/@:\s]*):[^/\s]*@", r"\1@", address)


def version(environ: Mapping[str, str], cwd: Path) -> tuple[int, ...]:
    """The version of the installed git, for example ``(2, 39, 5)``.

    Raises:
        ProgramMissing: git is not installed.
    """
    text = GitRepository(cwd, environ).read("--version")
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in found.groups(default="0")) if found else (0,)


def require(environ: Mapping[str, str], cwd: Path) -> None:
    """Make sure that git is there and new enough.

    Raises:
        ProgramMissing: git is not installed or older than :data:`mlopsgen.constants.MINIMUM_GIT`.
    """
    found = version(environ, cwd)
    if found < MINIMUM_GIT:
        raise ProgramMissing(
            f"git {'.'.join(map(str, found))} is too old; {'.'.join(map(str, MINIMUM_GIT))} or newer is needed.",
            hint=_INSTALL_HINT,
        )


def ensure_plain_reference(name: str, known: Sequence[str]) -> str:
    """A branch name that the caller may pass to git: one of ``known``.

    Raises:
        MlopsgenError: It is not one of them.
    """
    if name not in known:
        raise MlopsgenError(f"There is no branch '{name}'.", hint=f"The branches are {', '.join(known)}.")
    return name
