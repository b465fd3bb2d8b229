"""``mlopsgen secrets``."""

from __future__ import annotations

import typer

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


@app.callback()
def secrets() -> None:
    """Show, set, rotate and check the secrets of each environment; values never come from the command line."""
