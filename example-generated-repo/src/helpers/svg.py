"""Small charts as SVG text, in a light and a dark dress.

Why not a plotting library: importing one costs most of a second in every run and builds a font cache in a fresh home,
where a report needs four kinds of marks. SVG text is crisp at every size, takes the reader's own font, and is the same
bytes on every machine.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from helpers.report_words import MINUS, clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"


@dataclass(frozen=True)
class Theme:
    """The colours of one dress."""

    ink: str
    muted: str
    rule: str
    paper: str
    mark: str
    warm: str

    def tint(self, share: float) -> str:
        """A colour between the paper and the mark, for the cells of a matrix."""
        pairs = zip(_rgb(self.paper), _rgb(self.mark), strict=True)
        return "#" + "".join(f"{round(low + (high - low) * share):02x}" for low, high in pairs)

    def on(self, fill: str) -> str:
        """The text colour, ink or paper, that can be read best on a filled cell."""
        return max(self.ink, self.paper, key=lambda colour: contrast(colour, fill))


def _luminance(colour: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in _rgb(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    """How well two colours can be told apart (WCAG): 1 the same, 21 black on white; text needs 4.5."""
    dark, light = sorted((_luminance(first), _luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


LIGHT = Theme(ink="#1c2024", muted="#5f6871", rule="#e4e7ea", paper="#ffffff", mark="#2f5d9e", warm="#b4540a")
DARK = Theme(ink="#eceef0", muted="#a0a8b0", rule="#33393f", paper="#16191d", mark="#8ab4f0", warm="#f0a860")


def fixed(value: float) -> str:
    """A coordinate without needless digits."""
    return f"{value:.1f}".removesuffix(".0")


@dataclass
class Drawing:
    """A picture that grows mark by mark; coordinates are pixels."""

    width: int
    height: int
    theme: Theme
    parts: list[str] = field(default_factory=list)

    def line(self, points: Iterable[tuple[float, float]], colour: str, *, width: float = 1, dash: str = "") -> None:
        """A line through points."""
        path = " ".join(f"{fixed(x)},{fixed(y)}" for x, y in points)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}" '
            f'stroke-linejoin="round" stroke-linecap="round"{dashes}/>'
        )

    def dot(self, x: float, y: float, size: float, fill: str, *, stroke: str = "", opacity: float = 1) -> None:
        """A round mark."""
        edge = f' stroke="{stroke}" stroke-width="1.5"' if stroke else ""
        faint = f' fill-opacity="{opacity}"' if opacity < 1 else ""
        self.parts.append(f'<circle cx="{fixed(x)}" cy="{fixed(y)}" r="{size}" fill="{fill}"{edge}{faint}/>')

    def diamond(self, x: float, y: float, size: float, fill: str) -> None:
        """The mark of a champion: another shape, not only another colour."""
        corners = ((x, y - size), (x + size, y), (x, y + size), (x - size, y))
        path = " ".join(f"{fixed(a)},{fixed(b)}" for a, b in corners)
        self.parts.append(f'<polygon points="{path}" fill="{fill}" stroke="{self.theme.paper}" stroke-width="1"/>')

    def cell(self, x: float, y: float, width: float, height: float, fill: str) -> None:
        """A filled rectangle."""
        self.parts.append(
            f'<rect x="{fixed(x)}" y="{fixed(y)}" width="{fixed(width)}" height="{fixed(height)}" fill="{fill}"/>'
        )

    def text(
        self, x: float, y: float, text: str, *, colour: str = "", size: float = 12, anchor: str = "start", turn: int = 0
    ) -> None:
        """A line of text; ``turn`` rotates it around its anchor point."""
        turned = f' transform="rotate({turn} {fixed(x)} {fixed(y)})"' if turn else ""
        self.parts.append(
            f'<text x="{fixed(x)}" y="{fixed(y)}" fill="{colour or self.theme.muted}" font-size="{size}" '
            f'text-anchor="{anchor}"{turned}>{escape(clean(text, 80))}</text>'
        )

    def svg(self) -> str:
        """The picture as a document."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
            f'viewBox="0 0 {self.width} {self.height}" font-family="{FONT}">{"".join(self.parts)}</svg>'
        )

    def address(self) -> str:
        """The picture as an address that an image element takes."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg().encode()).decode()


def ticks(low: float, high: float, count: int) -> list[float]:
    """Round values from below ``low`` to above ``high``, about ``count`` of them."""
    span = high - low
    if span <= max(abs(low), abs(high), 1e-290) * 1e-9:  # nothing that could be told apart
        span = abs(high) if abs(high) > 1e-290 else 1.0
    raw = span / max(1, count)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if first == last:
        first, last = first - 1, last + 1
    return [index * step for index in range(first, last + 1)]


def tick_text(value: float, step: float) -> str:
    """A tick's label with as many decimals as the step needs."""
    if value != 0 and (abs(value) >= 1e7 or step < 1e-5):
        text = f"{abs(value):.3g}"
    else:
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        if decimals and not math.isclose(round(step, decimals), step):
            decimals += 1
        text = f"{abs(value):,.{decimals}f}"
    return f"{MINUS}{text}" if value < 0 else text


@dataclass(frozen=True)
class Frame:
    """The area of a chart inside its axes, with the scales of both."""

    left: float
    top: float
    right: float
    bottom: float
    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The place of a pair of values."""
        (x0, x1), (y0, y1) = self.x, self.y
        return (
            self.left + (x - x0) / (x1 - x0) * (self.right - self.left),
            self.bottom - (y - y0) / (y1 - y0) * (self.bottom - self.top),
        )

    def path(self, points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        """The places of many pairs."""
        return [self.at(x, y) for x, y in points]


def frame(drawing: Drawing, *, x: Sequence[float], y: Sequence[float], x_name: str = "", y_name: str = "") -> Frame:
    """Axes on ticks: faint horizontal rules, labels, names; returns the area to draw in.

    An empty ``x_name`` leaves the labels of the horizontal axis to the caller.
    """
    theme = drawing.theme
    y_labels = [tick_text(value, y[1] - y[0]) for value in y]
    left = 10 + max(len(label) for label in y_labels) * 6.6
    area = Frame(
        left,
        30.0 if y_name else 24.0,
        drawing.width - 12.0,
        drawing.height - (42.0 if x_name else 28.0),
        (x[0], x[-1]),
        (y[0], y[-1]),
    )
    for value, label in zip(y, y_labels, strict=True):
        _, level = area.at(x[0], value)
        drawing.line([(area.left, level), (area.right, level)], theme.rule)
        drawing.text(area.left - 7, level + 4, label, size=11, anchor="end")
    if y_name:
        drawing.text(2, 12, y_name, size=12)
    if x_name:
        for value in x:
            place, _ = area.at(value, y[0])
            drawing.text(place, area.bottom + 17, tick_text(value, x[1] - x[0]), size=11, anchor="middle")
        drawing.text(area.right, drawing.height - 6, x_name, size=12, anchor="end")
    return area
