"""A film: what is seen when, with its captions; and how it becomes frames, a video and a file of captions."""

from __future__ import annotations

import bisect
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any, Generic, TypeVar

from tests.tutorial_screen import shown

from .browser import Browser, Page
from .captions import Cue, as_vtt, reading_time
from .places import COLUMNS, FRAMES_A_SECOND, HEIGHT, HERE, PLAYER, ROWS, WIDTH
from .transcript import Transcript

_T = TypeVar("_T")


@dataclass
class Track(Generic[_T]):
    """Values with the moment from which each holds."""

    times: list[float] = field(default_factory=list)
    values: list[_T] = field(default_factory=list)

    def put(self, moment: float, value: _T) -> None:
        """From this moment on, another value holds."""
        self.times.append(moment)
        self.values.append(value)

    def at(self, moment: float, otherwise: _T) -> _T:
        """The value that holds."""
        place = bisect.bisect_right(self.times, moment + 1e-6) - 1
        return self.values[place] if place >= 0 else otherwise


@dataclass(frozen=True)
class Shot:
    """What fills the picture from a moment on.

    Attributes:
        kind: ``terminal``, ``page`` or ``card``.
        where: What stands in the bar: a title, or the address of a page.
        began: The moment.
        cast_at: Where the recorded terminal stands at that moment.
        picture: The picture of a page, and from where to where it is scrolled in how many seconds.
        html: The text of a card.
    """

    kind: str
    where: str
    began: float
    cast_at: float = 0.0
    picture: str = ""
    scroll: tuple[float, float] = (0.0, 0.0)
    seconds: float = 1.0
    html: str = ""

    def drawn(self, moment: float) -> dict[str, Any]:
        """How the stage draws it."""
        part = min(max((moment - self.began) / self.seconds, 0.0), 1.0)
        part = part * part * (3 - 2 * part)
        scroll = round(self.scroll[0] + (self.scroll[1] - self.scroll[0]) * part)
        return {"kind": self.kind, "where": self.where, "picture": self.picture, "scroll": scroll, "html": self.html}


@dataclass
class Film:
    """A film that is being made.

    Attributes:
        name: Of its files.
        clock: How long it is so far, in seconds.
        cast_clock: How long the recorded terminal is so far.
        events: What the terminal showed: moment of the terminal, text.
        poster: The moment that stands for the film.
        speeds: What was shown faster than it was: what, real seconds, shown seconds.
        transcript: All of it as text.
        data: What the tests need of it besides, by name.
    """

    name: str
    clock: float = 0.0
    cast_clock: float = 0.0
    events: list[tuple[float, str]] = field(default_factory=list)
    shots: Track[Shot] = field(default_factory=Track)
    captions: Track[str] = field(default_factory=Track)
    chapters: Track[str] = field(default_factory=Track)
    badges: Track[str] = field(default_factory=Track)
    poster: float = 0.0
    speeds: list[tuple[str, float, float]] = field(default_factory=list)
    transcript: Transcript = field(default_factory=Transcript)
    data: dict[str, Any] = field(default_factory=dict)
    _screen: str = ""
    _screen_part: int | None = None

    def say(self, text: str) -> None:
        """Another caption; the one before has stood long enough to be read."""
        if self.captions.values:
            left = reading_time(self.captions.values[-1]) - (self.clock - self.captions.times[-1])
            self.hold(max(left, 0.0))
        self.captions.put(self.clock, text)
        if text:
            self.note("Caption", text)

    def note(self, place: str, text: str) -> int:
        """What is read at a place, for the transcript."""
        return self.transcript.add(self.chapters.at(self.clock, ""), place, text)

    def chapter(self, text: str) -> None:
        """Another chapter."""
        self.chapters.put(self.clock, text)

    def badge(self, text: str) -> None:
        """What is said of the time; nothing when it is real."""
        self.badges.put(self.clock, text)

    def terminal(self, where: str) -> None:
        """The terminal is seen, where it stands."""
        self.shots.put(self.clock, Shot("terminal", where, self.clock, cast_at=self.cast_clock))

    def page(self, picture: Path, where: str, seconds: float, scroll: tuple[float, float] = (0.0, 0.0)) -> None:
        """A page is seen for some seconds, and scrolled meanwhile."""
        self.shots.put(
            self.clock, Shot("page", where, self.clock, picture=picture.as_uri(), scroll=scroll, seconds=seconds)
        )
        self.hold(seconds)

    def card(self, html: str, where: str, seconds: float) -> None:
        """A card with text is seen."""
        self.shots.put(self.clock, Shot("card", where, self.clock, html=html))
        self.note("Card", unescape(re.sub(r"<[^>]*>", "", html)))
        self.hold(seconds)

    def hold(self, seconds: float) -> None:
        """What is seen stays."""
        self.clock += seconds
        if self.shots.values and self.shots.values[-1].kind == "terminal":
            self.cast_clock += seconds

    def show(self, chunks: list[tuple[float, str]], seconds: float) -> None:
        """The terminal shows texts, each at a part (0 to 1) of so many seconds."""
        for part, text in chunks:
            self.events.append((self.cast_clock + part * seconds, text))
            self._screen += text
        if self._screen_part is not None:
            self.transcript.more(self._screen_part, shown(self._screen))
        self.hold(seconds)

    def types(self) -> None:
        """Somebody types into the terminal: from its last clearing on, it is a part of the transcript."""
        if self._screen_part is None:
            self._screen_part = self.note("Terminal", "")

    def clears(self) -> None:
        """The terminal is cleared."""
        self._screen, self._screen_part = "", None

    @property
    def waiting(self) -> str:
        """What is shown faster than it was, in words."""
        real = sum(took for _, took, _ in self.speeds)
        shown = sum(seconds for _, _, seconds in self.speeds)
        return f"{real:.0f} seconds are shown in {shown:.0f}" if self.speeds else "nothing was cut"

    @property
    def cast(self) -> str:
        """The recorded terminal in asciinema's format, which ``asciinema play`` shows as well."""
        head = {"version": 2, "width": COLUMNS, "height": ROWS, "env": {"TERM": "xterm-256color"}}
        last = [(self.cast_clock + 0.1, "")]
        lines = [json.dumps([round(at, 3), "o", text]) for at, text in self.events + last]
        return "\n".join([json.dumps(head), *lines, ""])

    @property
    def cues(self) -> list[Cue]:
        """The captions with their times."""
        ends = [*self.captions.times[1:], self.clock]
        found = zip(self.captions.times, ends, self.captions.values, strict=True)
        return [Cue(start, end, text) for start, end, text in found if text]

    def frames(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Every picture that differs from the one before, with its number."""
        shown: object = None
        moments = [at for at, _ in self.events]
        for number in range(round(self.clock * FRAMES_A_SECOND)):
            now = number / FRAMES_A_SECOND
            shot = self.shots.at(now, Shot("card", "", 0.0))
            frame = shot.drawn(now) | {
                "caption": self.captions.at(now, ""),
                "chapter": self.chapters.at(now, ""),
                "badge": self.badges.at(now, ""),
            }
            at = shot.cast_at + now - shot.began
            seen = {**frame, "events": bisect.bisect_right(moments, at + 1e-6) if shot.kind == "terminal" else 0}
            if seen != shown:
                shown = seen
                yield number, {**frame, "at": at}

    def make(self, browser: Browser, build: Path, target: Path) -> None:
        """Draw every frame, and write the video, its captions and its poster."""
        (build / f"{self.name}.cast").write_text(self.cast, encoding="utf-8")
        frames = build / f"{self.name}-frames"
        shutil.rmtree(frames, ignore_errors=True)
        frames.mkdir(parents=True)
        page = browser.page("stage", (HERE / "pages" / "stage.html").as_uri(), size=(WIDTH, HEIGHT), scheme="dark")
        page.script(path=str(PLAYER / "asciinema-player.css"))
        page.script(path=str(PLAYER / "asciinema-player.min.js"))
        page.run(script="load", value=self.cast)
        listed = self._draw(page, frames)
        page.close()
        made = frames / "made"  # whoever interrupts this keeps the film that was there
        made.mkdir()
        encode(frames, listed, made / f"{self.name}.mp4")
        poster(made / f"{self.name}.mp4", self.poster, made / f"{self.name}.png")
        (made / f"{self.name}.vtt").write_text(as_vtt(self.cues), encoding="utf-8")
        for each in made.iterdir():
            each.replace(target / each.name)
        (target / f"{self.name}.txt").write_text(str(self.transcript), encoding="utf-8")
        if self.data:
            (target / f"{self.name}.json").write_text(json.dumps(self.data, indent=1) + "\n", encoding="utf-8")

    def _draw(self, page: Page, frames: Path) -> list[tuple[Path, float]]:
        numbers: list[int] = []
        for number, frame in self.frames():
            page.run(script="show", value=frame)
            page.shot(frames / f"{number:05}.png")
            numbers.append(number)
        ends = [*numbers[1:], round(self.clock * FRAMES_A_SECOND)]
        return [
            (frames / f"{number:05}.png", (end - number) / FRAMES_A_SECOND)
            for number, end in zip(numbers, ends, strict=True)
        ]


def encode(folder: Path, pictures: list[tuple[Path, float]], target: Path) -> None:
    """Make a video of pictures that are each seen for some seconds."""
    lines = [f"file '{path}'\nduration {seconds:.6f}" for path, seconds in pictures]
    listed = folder / "list.txt"
    # The last picture's duration only counts when something follows it.
    listed.write_text("\n".join([*lines, f"file '{pictures[-1][0]}'", ""]), encoding="utf-8")
    target.parent.mkdir(parents=True, exist_ok=True)
    argv = [
        "ffmpeg", "-y", "-loglevel", "error", "-f", "concat", "-safe", "0", "-i", str(listed), "-an",
        "-vf", f"fps={FRAMES_A_SECOND},format=yuv420p", "-c:v", "libx264", "-preset", "slow", "-crf", "21",
        "-tune", "animation", "-threads", "1", "-map_metadata", "-1", "-fflags", "+bitexact",
        "-movflags", "+faststart", str(target),
    ]  # fmt: skip
    subprocess.run(argv, check=True, preexec_fn=lambda: os.nice(10), stdin=subprocess.DEVNULL)


def poster(video: Path, moment: float, target: Path) -> None:
    """A small picture of a moment of a video."""
    look = "scale=960:-1:flags=lanczos,split[a][b];[a]palettegen=max_colors=128[p];[b][p]paletteuse=dither=none"
    argv = ["ffmpeg", "-y", "-loglevel", "error", "-ss", f"{moment:.2f}", "-t", "0.1", "-i", str(video)]
    argv += ["-vf", look, "-frames:v", "1", "-map_metadata", "-1", "-fflags", "+bitexact", str(target)]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
