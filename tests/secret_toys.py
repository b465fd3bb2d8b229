"""Secrets of every awkward shape, and a toy project that needs some."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from mlopsgen.forge.worker import envfile
from tests import in_process
from tests.canaries import MARK, canary
from tests.command_toys import surroundings
from tests.forge_toys import BRANCHES, Toy

AWKWARD = {
    "plain": canary("plain"),
    "quotes": canary("""it's "quoted" `and` \\escaped\\n \\$ \\"""),
    "shell": canary("$HOME ${HOME} $(id) %PATH% !! # not a comment ; | & > <"),
    "lines": f"-----BEGIN X-----\n{MARK}\nline two\r\nline three\n\n-----END X-----",
    "trailing": canary("trailing newlines\n\n\n"),
    "blanks": f" \t {canary('blanks around')} \t ",
    "unicode": canary("pässwörd 密码 🔑 \u2028 \u0085 e\u0301"),
    "json": f'{{"type": "service_account", "key": "{MARK}\\n"}}\n',
    "equals": f"=a=b={MARK}==",
    "largest": (MARK * 4000)[: 48 * 1024 - 2] + "é",
}
"""Every one has to arrive as it is, to the last byte."""


def needs_mail(toy: Toy) -> None:
    """Let every branch of the toy need SMTP_USERNAME and SMTP_PASSWORD."""
    with (toy.folder / ".copier-answers.yml").open("a") as file:
        file.write("notify_how: email\nnotify_emails: [ada@example.org]\n")
    toy.commit("Answer")


def secrets(toy: Toy, *arguments: str, stdin: str | bytes = b"", **more: str) -> subprocess.CompletedProcess[str]:
    """Run `mlopsgen secrets ARGUMENTS` in the repository with this on standard input."""
    given = stdin if isinstance(stdin, bytes) else stdin.encode()
    environ = {**surroundings(toy), **more}
    return in_process.mlopsgen("secrets", *arguments, cwd=toy.folder, environ=environ, stdin=given)


def stored(toy: Toy, branch: str) -> dict[str, str]:
    """The secrets of a branch in the forge on this machine."""
    return envfile.read(toy.layout.secrets(branch))


def dotenv(path: Path, values: dict[str, str]) -> Path:
    """A file of a person's, which nobody else may read."""
    path.touch(mode=0o600)
    text = "".join(f"{envfile.format_setting(name, value)}\n" for name, value in values.items())
    path.write_bytes(text.encode())
    return path


def all_branches() -> Iterator[str]:
    """The flags that name every branch."""
    for branch in BRANCHES:
        yield from ("--branch", branch)
