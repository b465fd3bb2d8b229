"""Captions in WebVTT, written and read."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TIMES = re.compile(r"(\d+):(\d\d):(\d\d\.\d{3}) --> (\d+):(\d\d):(\d\d\.\d{3})")


@dataclass(frozen=True)
class Cue:
    """A caption; its times are seconds."""

    start: float
    end: float
    text: str

    @property
    def letters_a_second(self) -> float:
        """How fast a person must read."""
        return len(self.text) / (self.end - self.start)


def reading_time(text: str) -> float:
    """How many seconds a text takes a person who also looks at the picture."""
    return max(2.0, 0.6 + len(text) / 18) if text else 0.0


def as_vtt(cues: list[Cue]) -> str:
    """The file's text."""
    blocks = [f"{_clock(cue.start)} --> {_clock(cue.end)}\n{cue.text}" for cue in cues]
    return "\n\n".join(["WEBVTT", *blocks, ""])


def read_vtt(text: str) -> list[Cue]:
    """The captions of a file that :func:`as_vtt` wrote."""
    head, *blocks = text.strip().split("\n\n")
    if head != "WEBVTT":
        raise ValueError("this is no WebVTT")
    found = []
    for block in blocks:
        times, _, said = block.partition("\n")
        match = _TIMES.fullmatch(times)
        if match is None:
            raise ValueError(f"'{times}' are no times of a caption")
        parts = [float(part) for part in match.groups()]
        start, end = (3600 * hours + 60 * minutes + seconds for hours, minutes, seconds in (parts[:3], parts[3:]))
        found.append(Cue(start, end, said))
    return found


def _clock(seconds: float) -> str:
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"
