"""Words that the results of several operations share."""

from __future__ import annotations

import re

from mlopsgen.constants import CANONICAL_TEMPLATE


def counted(number: int, thing: str) -> str:
    """A number with its noun: one change, two changes."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def template_name(address: str) -> str:
    """A template in a table: owner and name, with the folder of the repository; empty for mlopsgen's own."""
    whole, mark, folder = address.partition("#")
    plain = whole.removesuffix("/").removesuffix(".git")
    if plain in ("", CANONICAL_TEMPLATE):
        return ""
    names = [name for name in re.split(r"[/:]", plain) if name]
    return "/".join(names[-2:]) + mark + folder
