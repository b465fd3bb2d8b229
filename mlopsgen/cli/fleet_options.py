"""The options that commands have which look at every repository of an organisation."""

from __future__ import annotations

from typing import Annotated

import typer

FilterOption = Annotated[
    str, typer.Option("--filter", metavar="GLOB", help="With --all: only the names that fit, as 'heart-*'.")
]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", metavar="N", min=1, help="With --all: so many repositories at once.")
]
