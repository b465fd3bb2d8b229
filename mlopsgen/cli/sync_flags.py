"""The flags of ``mlopsgen sync``, and which of them go together."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from mlopsgen.adapters.shell_words import quoted
from mlopsgen.constants import MAIN_BRANCH
from mlopsgen.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class SyncFlags:
    """What the command line says; each is a flag of ``mlopsgen sync``."""

    to: str = ""
    branch: str = MAIN_BRANCH
    dry_run: bool = False
    check: bool = False
    continue_: bool = False
    abort: bool = False
    yes: bool = False
    no_pull_request: bool = False
    settings: bool = False
    answers: Path | None = None
    assignments: tuple[str, ...] = ()
    keep_edits: bool = False
    rebase_from: str = ""
    template: str = ""
    trust: tuple[str, ...] = ()
    repository: str = ""
    all_: bool = False
    organisation: str = ""
    personal: bool = False
    pattern: str = ""
    limit: int | None = None
    jobs: int | None = None
    host: str = ""
    token_stdin: bool = False

    def given(self) -> list[str]:
        """The flags that were given, as they are written, in the order of the help."""
        return [
            _written(each.name)
            for each in fields(self)
            if getattr(self, each.name) not in ("", None, (), False)
            and not (each.name == "branch" and self.branch == MAIN_BRANCH)
        ]

    @property
    def again(self) -> str:
        """The command that asks for the same once more, without what only says how far to go."""
        words = ["mlopsgen", "sync", *(["--all"] if self.all_ else []), *(["--user"] if self.personal else [])]
        texts = (
            ("--org", self.organisation), ("--filter", self.pattern), ("--limit", self.limit or ""),
            ("--to", self.to), ("--branch", "" if self.branch == MAIN_BRANCH else self.branch),
            ("--repository", self.repository), ("--answers", self.answers or ""),
            *(("--set", assignment) for assignment in self.assignments), ("--rebase-from", self.rebase_from),
            ("--template", self.template), *(("--trust", address) for address in self.trust), ("--host", self.host),
        )  # fmt: skip
        for flag, text in texts:
            words += [flag, quoted(str(text))] if text else []
        switches = (("--keep-edits", self.keep_edits), ("--settings", self.settings))
        return " ".join([*words, *(flag for flag, given in switches if given)])

    @property
    def resume(self) -> str:
        """The command that finishes this update once its conflicts are resolved."""
        words = ["mlopsgen", "sync", "--continue"]
        for flag, text in (*(("--trust", address) for address in self.trust), ("--host", self.host)):
            words += [flag, quoted(text)] if text else []
        switches = (("--no-pull-request", self.no_pull_request), ("--settings", self.settings))
        return " ".join([*words, *(flag for flag, given in switches if given)])

    def refuse_unfit(self) -> None:
        """Stop where two flags contradict each other, or one means nothing without another.

        Raises:
            UsageError: They do.
        """
        given = self.given()
        scopes = [flag for flag in ("--continue", "--abort", "--repository", "--all") if flag in given]
        if len(scopes) > 1:
            raise UsageError(f"{scopes[0]} and {scopes[1]} exclude each other.", where=scopes[1], hint="Give one.")
        if "--check" in given and "--dry-run" in given:
            raise UsageError(
                "--check and --dry-run exclude each other.",
                where="--check",
                hint="--check only tells whether there is an update; --dry-run shows it.",
            )
        scope = scopes[0] if scopes else ""
        allowed = _ALLOWED.get(scope)
        for flag in given:
            if allowed is not None and flag not in (*allowed, scope):
                raise UsageError(f"{flag} means nothing together with {scope}.", where=flag, hint=f"Leave {flag} out.")
            if scope != "--all" and flag in _ONLY_FOR_ALL:
                raise UsageError(f"{flag} goes with --all.", where=flag, hint=f"Add --all, or leave {flag} out.")


def _written(name: str) -> str:
    return _SPECIAL.get(name, f"--{name.replace('_', '-')}")


_SPECIAL = {
    "continue_": "--continue",
    "all_": "--all",
    "assignments": "--set",
    "organisation": "--org",
    "personal": "--user",
    "pattern": "--filter",
}
_ONLY_FOR_ALL = ("--org", "--user", "--filter", "--limit", "--jobs")
_PUBLISHING = ("--yes", "--no-pull-request", "--settings", "--host", "--token-stdin")
_ALLOWED = {
    "--continue": (*_PUBLISHING, "--trust"),
    "--abort": (),
    "--repository": (
        *_PUBLISHING, "--to", "--branch", "--dry-run", "--check", "--set", "--answers", "--keep-edits",
        "--rebase-from", "--template", "--trust",
    ),
}  # fmt: skip
"""What goes with a flag that chooses what is done; ``--all`` judges for itself."""
