"""The option ``--trust``: whose template may run code of its own in this one command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mlopsgen.cli.headings import TEMPLATE

if TYPE_CHECKING:
    from mlopsgen.adapters.trust import Trust

TrustOption = Annotated[
    list[str] | None,
    typer.Option(
        "--trust",
        metavar="ADDRESS",
        help="Let this template run its own code (hooks, tasks), this once; can be repeated.",
        show_default=False,
        rich_help_panel=TEMPLATE,
    ),
]


def trust_of(addresses: Sequence[str] | None) -> Trust:
    """The templates that a person trusts.

    Raises:
        UsageError: One is no address of a template.
    """
    from mlopsgen.adapters.trust import Trust

    return Trust.of(list(addresses or ()))
