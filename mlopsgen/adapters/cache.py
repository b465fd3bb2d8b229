"""Where things are kept that can be made again: mirrors of templates, renders, small repositories of a fleet."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mlopsgen.errors import MlopsgenError, from_os_error


def cache_folder(environ: Mapping[str, str], *parts: str) -> Path:
    """The user's cache folder for this program, or a folder in it; made if it is not there.

    Args:
        environ: The environment; ``XDG_CACHE_HOME`` decides, as for other programs, else it is ``~/.cache``.
        parts: Names of folders in it.

    Raises:
        MlopsgenError: It cannot be made.
    """
    given, home = Path(environ.get("XDG_CACHE_HOME", "")), Path(environ.get("HOME", ""))
    if given.is_absolute():
        top = given
    elif home.is_absolute():
        top = home / ".cache"
    else:
        top = Path(tempfile.gettempdir()) / f"cache-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
    folder = top.joinpath("mlopsgen", *parts)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        hint = "Set XDG_CACHE_HOME to a folder that you may write to."
        known = from_os_error(error, doing=f"Making the cache folder {folder}")
        raise known or MlopsgenError(
            f"The cache folder {folder} cannot be made: {error.strerror}.", where=str(folder), hint=hint
        ) from error
    return folder
