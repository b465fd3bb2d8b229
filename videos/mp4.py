"""What an mp4 file says of itself, read without any program."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

INSIDE = {"moov", "trak", "mdia"}


@dataclass(frozen=True)
class Facts:
    """Seconds, and the size of the picture."""

    seconds: float
    width: int
    height: int


def facts(path: Path) -> Facts:
    """Read them.

    Raises:
        ValueError: This is no mp4 with a picture.
    """
    seconds, width, height = 0.0, 0, 0
    for kind, body in _boxes(path.read_bytes()):
        if kind == "mvhd" and body[0] == 0:
            scale, duration = struct.unpack_from(">II", body, 12)
            seconds = duration / scale
        elif kind == "tkhd":
            wide, high = struct.unpack_from(">II", body, len(body) - 8)
            width, height = max(width, wide >> 16), max(height, high >> 16)
    if not (seconds and width and height):
        raise ValueError(f"{path.name} is no mp4 with a picture")
    return Facts(seconds, width, height)


def _boxes(data: bytes) -> Iterator[tuple[str, bytes]]:
    place = 0
    while place + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        start = 8
        if size == 1:
            (size,), start = struct.unpack_from(">Q", data, place + 8), 16
        if size < start:
            return
        name, body = kind.decode("latin-1"), data[place + start : place + size]
        if name in INSIDE:
            yield from _boxes(body)
        else:
            yield name, body
        place += size
