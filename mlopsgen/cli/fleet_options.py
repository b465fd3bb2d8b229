"""The options that commands have which look at every repository of an organisation."""

from __future__ import annotations

from typing import Annotated

import typer

from mlopsgen.cli.headings import FLEET

FilterOption = Annotated[
    str,
    typer.Option(
        "--filter", metavar="GLOB", help="With --all: only the names that fit, as 'heart-*'.", rich_help_panel=FLEET
    ),
]
JobsOption = Annotated[
    int | None,
    typer.Option("--jobs", metavar="N", min=1, help="With --all: so many repositories at once.", rich_help_panel=FLEET),
]
