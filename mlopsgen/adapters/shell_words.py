"""Words of commands that people copy from what we print, as the shell of their system reads them."""

from __future__ import annotations

import os
import re
import shlex

_PLAIN_ON_WINDOWS = re.compile(r"[A-Za-z0-9_@+=:,./\\-]+")


def quoted(word: str, *, windows: bool = os.name == "nt") -> str:
    r"""A word that a person can paste.

    On Windows in double quotes, which cmd and PowerShell both know; elsewhere as POSIX shells want it.

    Args:
        word: What the program shall get.
        windows: Whether it is for Windows.
    """
    if not windows:
        return shlex.quote(word)
    if _PLAIN_ON_WINDOWS.fullmatch(word):
        return word
    return '"' + word.replace('"', '\\"') + '"'
