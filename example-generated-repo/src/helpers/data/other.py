"""Data at any other address that fsspec has a driver for (gs://, abfs:// ...), with that driver's own login."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from helpers.data import network
from helpers.data.limits import refuse_size
from helpers.data.place import (
    CHEAP_BYTES,
    Fetched,
    Place,
    State,
    Task,
    cut_at_line,
    fingerprint_of,
    shown_address,
    write_chunks,
)
from helpers.errors import DataError, RepositoryError


class OtherPlace(Place):
    """One file of a store that fsspec knows."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.shown = shown_address(task.address)

    def state(self) -> State:
        """What the driver says of the file."""
        with self._translated():
            import fsspec

            system, path = fsspec.core.url_to_fs(self.task.address)
            return _state(system.info(path))

    def fetch(self, to: Path) -> Fetched:
        """Brings the whole file."""
        state = self.state()
        refuse_size(self.task.source, state.size, self.shown)
        with self._translated(), self._opened() as file:
            fingerprint, size = write_chunks(_chunks(file), to, self.shown)
        return Fetched(path=to, address=self.shown, fingerprint=fingerprint, size=size, revision=state.revision)

    def sample(self, to: Path, limit: int) -> bool:
        """Brings the beginning of the file."""
        with self._translated(), self._opened() as file:
            _, size = write_chunks(_chunks(file), to, self.shown, limit=limit)
        if size < limit:
            return True
        cut_at_line(to)
        return False

    def content(self) -> str:
        """Reads what is small."""
        size = self.state().size
        if size is None or size > CHEAP_BYTES:
            return ""
        with self._translated(), self._opened() as file:
            return fingerprint_of(_chunks(file))

    def _opened(self) -> Any:
        import fsspec

        return fsspec.open(self.task.address, "rb")

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except RepositoryError:
            raise
        except FileNotFoundError as error:
            raise DataError("There is no such file.", where=self.shown, hint="Correct the address.") from error
        except (ImportError, ValueError) as error:
            raise DataError(
                f"Nothing here can read this kind of address: {error}.",
                where=self.shown,
                hint="Install the driver that fsspec names (make add PKG=...), or use another kind of address.",
            ) from error
        except Exception as error:
            told = network.explain(error, where=self.shown, seconds=self.task.timeout)
            if told is None:
                told = DataError(
                    f"The driver cannot read it: {type(error).__name__}.",
                    where=self.shown,
                    hint="Look at the login that the driver uses, and at the address.",
                )
            raise told from error


def _chunks(file: Any) -> Iterator[bytes]:
    while chunk := file.read(1 << 20):
        yield chunk


def _state(info: dict[str, Any]) -> State:
    mark = next((f"{key}:{info[key]}" for key in ("etag", "ETag", "md5Hash", "generation") if info.get(key)), "")
    changed = next((info[key] for key in ("mtime", "updated", "LastModified", "last_modified") if info.get(key)), None)
    if isinstance(changed, int | float):
        changed = datetime.fromtimestamp(changed, UTC)
    modified = changed if isinstance(changed, datetime) else None
    size = info.get("size")
    if not mark and changed:
        mark = f"modified:{changed};{size}"
    return State(revision=mark, size=size if isinstance(size, int) else None, modified=modified)
