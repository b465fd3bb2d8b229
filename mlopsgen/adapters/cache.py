"""Where things are kept that can be made again: mirrors of templates, renders, small repositories of a fleet."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mlopsgen.adapters import cache_upkeep
from mlopsgen.errors import MlopsgenError, from_os_error


def cache_folder(environ: Mapping[str, str], *parts: str) -> Path:
    """The user's cache folder for this program, or a folder in it; made if it is not there.

    Args:
        environ: The environment; ``XDG_CACHE_HOME`` decides, as for other programs, else it is ``~/.cache``.
        parts: Names of folders in it.

    Raises:
        MlopsgenError: It cannot be made, or is somebody else's.
    """
    top = cache_place(environ)
    folder = top.joinpath(*parts)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        hint = "Set XDG_CACHE_HOME to a folder that you may write to."
        known = from_os_error(error, doing=f"Making the cache folder {folder}")
        raise known or MlopsgenError(
            f"The cache folder {folder} cannot be made: {error.strerror}.", where=str(folder), hint=hint
        ) from error
    cache_upkeep.use(top)
    return folder


def cache_place(environ: Mapping[str, str]) -> Path:
    """Where the cache folder is, or would be.

    Raises:
        MlopsgenError: It is somebody else's.
    """
    given, home = Path(environ.get("XDG_CACHE_HOME", "")), Path(environ.get("HOME", ""))
    if given.is_absolute():
        return given / "mlopsgen"
    return (home / ".cache" if home.is_absolute() else _without_home()) / "mlopsgen"


def _without_home() -> Path:
    """A folder among temporary ones; anybody may have made one of that name, and would choose what is rendered."""
    user = os.getuid() if hasattr(os, "getuid") else None
    top = Path(tempfile.gettempdir()) / f"cache-{'user' if user is None else user}"
    try:
        top.mkdir(mode=0o700, exist_ok=True)
        found = top.lstat()
    except OSError:
        return top  # whoever makes a folder in it says so
    if user is not None and (found.st_uid != user or found.st_mode & 0o022 or not stat.S_ISDIR(found.st_mode)):
        raise MlopsgenError(
            f"Others may write to the cache folder {top}.",
            where=str(top),
            hint="Set XDG_CACHE_HOME to one of your own.",
        )
    return top
