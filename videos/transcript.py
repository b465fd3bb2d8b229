"""What a film shows, as text: for whoever cannot watch it, and for the tests, which compare it with the product."""

from __future__ import annotations

from dataclasses import dataclass, field

HEAD = "What the video shows, as text. 'make videos' writes it with the video; tests compare it with today's product."
CHAPTER, PLACE, SAID = "===", "--- ", "  "


@dataclass(frozen=True)
class Part:
    """What one place showed.

    Attributes:
        chapter: Of the film.
        place: What stands above it: the terminal, an address, a file in the editor.
        text: What is read there.
    """

    chapter: str
    place: str
    text: str


@dataclass
class Transcript:
    """Collects the parts in the order in which they are seen."""

    parts: list[Part] = field(default_factory=list)

    def add(self, chapter: str, place: str, text: str) -> int:
        """Another part; its number."""
        self.parts.append(Part(chapter, place, text))
        return len(self.parts) - 1

    def more(self, number: int, text: str) -> None:
        """A part shows something else by now."""
        before = self.parts[number]
        self.parts[number] = Part(before.chapter, before.place, text)

    def __str__(self) -> str:
        lines, chapter = [HEAD], ""
        for part in self.parts:
            if part.chapter != chapter:
                chapter = part.chapter
                lines += ["", f"{CHAPTER} {chapter}".rstrip()]
            lines += ["", PLACE + part.place]
            lines += [f"{SAID}{line}".rstrip() for line in part.text.strip("\n").splitlines()]
        return "\n".join([*lines, ""])


def read(text: str) -> list[Part]:
    """The parts of a file that a :class:`Transcript` wrote."""
    found: list[Part] = []
    chapter = ""
    for line in text.splitlines()[1:]:
        if line.startswith(CHAPTER):
            chapter = line.removeprefix(CHAPTER).strip()
        elif line.startswith(PLACE):
            found.append(Part(chapter, line.removeprefix(PLACE), ""))
        elif found:
            last = found[-1]
            found[-1] = Part(last.chapter, last.place, f"{last.text}{line.removeprefix(SAID)}\n")
    return [Part(part.chapter, part.place, part.text.strip("\n")) for part in found]
