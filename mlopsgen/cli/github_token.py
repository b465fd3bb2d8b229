"""How a verb gets the token for GitHub: the options, and where the operation finds it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from mlopsgen.cli.headings import GITHUB
from mlopsgen.cli.session import Session

if TYPE_CHECKING:
    from mlopsgen.adapters.credentials import Credential
    from mlopsgen.operations.hosting import Target
    from mlopsgen.secret_value import SecretValue

TokenOption = Annotated[
    bool,
    typer.Option("--token-stdin", help="Read the token for GitHub from standard input.", rich_help_panel=GITHUB),
]
HostOption = Annotated[
    str,
    typer.Option("--host", metavar="HOST", help="The GitHub server, if not github.com.", rich_help_panel=GITHUB),
]
OrganisationOption = Annotated[
    str,
    typer.Option("--org", metavar="ORG", help="The organisation that it belongs to.", rich_help_panel=GITHUB),
]
PersonalOption = Annotated[bool, typer.Option("--user", help="It belongs to your own account.", rich_help_panel=GITHUB)]
NameOption = Annotated[
    str, typer.Option("--name", metavar="NAME", help="The repository's name on GitHub.", rich_help_panel=GITHUB)
]


def credential_finder(
    session: Session, *, token_stdin: bool, host: str = "", ask: bool = True
) -> Callable[[Target], Credential]:
    """Where an operation gets its token from.

    Args:
        session: The command's surroundings.
        token_stdin: ``--token-stdin``; it is read now, whatever happens later.
        host: ``--host``; a host that a person named may get the token that is meant for this program.
        ask: Whether a person may be asked.
    """
    from mlopsgen.adapters.credentials import find_credential, token_from_text

    given: SecretValue | None = token_from_text(sys.stdin.read()) if token_stdin else None
    # Who pipes a token in cannot type one.
    asked = ask and session.interactive and not token_stdin

    def find(target: Target) -> Credential:
        from mlopsgen.operations.hosting import bare_host

        name = bare_host(target.host)

        def prompt() -> SecretValue:
            from mlopsgen.cli.console import settle
            from mlopsgen.cli.prompts import TerminalPrompter

            settle(session.events)
            help_line = f"A token for {name}; it is used for this command alone and stored nowhere."
            return TerminalPrompter(colour=session.colour).secret("Token", help_line)

        return find_credential(
            name,
            session.environ,
            cwd=session.cwd,
            given=given,
            ask=prompt if asked else None,
            chosen=bool(host) and bare_host(host) == name,
        )

    return find
