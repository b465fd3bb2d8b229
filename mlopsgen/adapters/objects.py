"""Writes objects of git into a repository without starting git, which matters where there are thousands."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from mlopsgen.errors import MlopsgenError, from_os_error

FOLDER_MODE = "40000"


class LooseObjects:
    """The objects of a repository with SHA-1 names; any number of processes may write at once.

    Args:
        folder: Its ``objects`` folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, name: str) -> bool:
        """Whether an object lies here by itself; one in a pack is not looked for."""
        return self._place(name).exists()

    def blob(self, content: bytes) -> str:
        """Store a file's content; its id."""
        return self._write(b"blob", content)

    def tree(self, files: Mapping[str, tuple[str, str]]) -> str:
        """Store the tree of ``files``, each path with its mode and blob; its id."""
        direct: dict[str, tuple[str, str]] = {}
        folders: dict[str, dict[str, tuple[str, str]]] = {}
        for path, entry in files.items():
            head, separator, rest = path.partition("/")
            if separator:
                folders.setdefault(head, {})[rest] = entry
            else:
                direct[head] = entry
        direct |= {name: (FOLDER_MODE, self.tree(inside)) for name, inside in folders.items()}
        # git sorts a folder as if its name ended with a slash.
        order = sorted(direct, key=lambda name: os.fsencode(f"{name}/" if direct[name][0] == FOLDER_MODE else name))
        return self._write(
            b"tree",
            b"".join(
                direct[name][0].encode() + b" " + os.fsencode(name) + b"\0" + bytes.fromhex(direct[name][1])
                for name in order
            ),
        )

    def _write(self, kind: bytes, content: bytes) -> str:
        whole = kind + b" " + str(len(content)).encode() + b"\0" + content
        name = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
        place = self._place(name)
        if place.exists():
            return name
        try:
            place.parent.mkdir(exist_ok=True)
            handle, written = tempfile.mkstemp(prefix="tmp_obj_", dir=place.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(zlib.compress(whole, 1))
                Path(written).chmod(0o444)
                Path(written).replace(place)
            except BaseException:
                Path(written).unlink(missing_ok=True)
                raise
        except OSError as error:
            known = from_os_error(error, doing="Storing a render")
            raise known or MlopsgenError(
                f"A render cannot be stored: {error.strerror}.", where=str(self._folder)
            ) from error
        return name

    def _place(self, name: str) -> Path:
        return self._folder / name[:2] / name[2:]
