"""Bare repositories: made by several programs at the same moment, and seeing the objects of others."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import MlopsgenError, from_os_error


def bare_repository(folder: Path, environ: Mapping[str, str]) -> GitRepository:
    """The bare repository in a folder; made there, whole or not at all, if the folder is missing or empty.

    Args:
        folder: Where it is, or shall be.
        environ: The environment that git is started with.

    Raises:
        MlopsgenError: It cannot be made.
    """
    repository = GitRepository(folder.absolute(), environ)
    if (folder / "HEAD").is_file():
        with suppress(OSError):
            os.utime(folder)  # what is not used for long goes
        return repository
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            fresh = GitRepository(made, environ)
            fresh.run("init", "--quiet", "--bare", "--template=", "--object-format=sha1")
            fresh.run("config", "gc.auto", "0")  # nothing may refer to what is kept here
            made.rename(folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        if not (folder / "HEAD").is_file():  # otherwise another program was faster
            hint = "Set XDG_CACHE_HOME to a folder that you may write to."
            known = from_os_error(error, doing=f"Making {folder}")
            raise known or MlopsgenError(
                f"{folder} cannot be made: {error.strerror}.", where=str(folder), hint=hint
            ) from error
    return repository


def alternate(objects: str) -> str:
    """A folder of objects as a line of ``info/alternates``, where git takes most names as they are."""
    return quoted(objects) if objects.startswith(('"', "#")) or "\n" in objects else objects


def quoted(text: str) -> str:
    """A text in quotation marks, as git reads it in its configuration and in lists of names."""
    inner = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{inner}"'
