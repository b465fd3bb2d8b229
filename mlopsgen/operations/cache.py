"""``mlopsgen cache``: what is kept on this machine and can be made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlopsgen.adapters import cache_upkeep
from mlopsgen.adapters.cache import cache_place
from mlopsgen.errors import MlopsgenError, from_os_error
from mlopsgen.result import OperationResult


@dataclass(frozen=True, kw_only=True)
class CacheRequest:
    """What to do.

    Attributes:
        environ: The environment, which says where the cache lies.
        clear: Whether to remove it.
    """

    environ: Mapping[str, str]
    clear: bool = False


def cache(request: CacheRequest) -> OperationResult:
    """Show what the cache holds, or clear it.

    Raises:
        MlopsgenError: Another command uses it, or it cannot be removed.
    """
    folder = cache_place(request.environ)
    found = cache_upkeep.kept(folder)
    size = sum(each.size for each in found)
    parts = [
        {
            "name": name,
            "holds": holds,
            "number": sum(1 for each in found if each.part == name and each.path.suffix != ".lock"),
            "bytes": sum(each.size for each in found if each.part == name),
        }
        for name, holds in cache_upkeep.PARTS.items()
    ]
    data = {
        "folder": str(folder),
        "bytes": size,
        "parts": parts,
        "cleared": request.clear,
        "most_days": cache_upkeep.MOST_DAYS,
        "most_bytes": cache_upkeep.MOST_BYTES,
    }
    if not request.clear or not found:
        told = f"The cache takes {as_size(size)} in {folder}." if found else f"The cache in {folder} is empty."
        steps = ("mlopsgen cache --clear   (removes it; what is needed is made again)",) if found else ()
        return OperationResult(summary=told, data=data, next_steps=steps)
    _clear(folder)
    return OperationResult(summary=f"{as_size(size)} removed from {folder}.", data=data)


def _clear(folder: Path) -> None:
    try:
        with cache_upkeep.alone(folder) as is_alone:
            if not is_alone:
                raise MlopsgenError(
                    "Another mlopsgen uses the cache just now; nothing was removed.",
                    where=str(folder),
                    hint="Run it again when that one has ended.",
                )
            cache_upkeep.clear(folder)
    except OSError as error:
        known = from_os_error(error, doing=f"Clearing {folder}")
        raise known or MlopsgenError(
            f"The cache cannot be cleared: {error.strerror}.", where=str(folder), hint="Remove the folder yourself."
        ) from error


def as_size(number: int) -> str:
    """Bytes in words."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number} bytes"
