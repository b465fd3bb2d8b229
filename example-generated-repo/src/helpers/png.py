"""The pictures of :mod:`helpers.svg` as PNG, for mail programs: they show neither SVG nor pictures in addresses.

Matplotlib draws them; it comes with MLflow and brings its own font, so the pictures are the same on every machine.
Importing it takes part of a second, so only what makes a mail does.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARPNESS = 2
"""Pixels for each of the picture's own, for screens that have them."""

_NAMESPACE = "{http://www.w3.org/2000/svg}"
_ANCHORS = {"start": "left", "middle": "center", "end": "right"}


def png(svg: str, *, paper: str = "#ffffff") -> bytes:
    """A picture as PNG.

    Args:
        svg: What :meth:`helpers.svg.Drawing.svg` made.
        paper: What lies behind it: mail programs with dark pages would show dark text on a dark ground.

    Raises:
        ValueError: It is not one of these pictures.
    """
    try:
        root = ElementTree.fromstring(svg)  # noqa: S314 - of this repository's own report; expat limits entities
        width, height = float(root.attrib["width"]), float(root.attrib["height"])
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise ValueError(f"this is no picture of the report: {type(error).__name__}") from error
    with _quiet_matplotlib():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width / 72, height / 72), dpi=72 * SHARPNESS, facecolor=paper)
        canvas = FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        for order, mark in enumerate(root):
            _draw(axes, mark, order)
        stream = io.BytesIO()
        canvas.print_png(stream, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return stream.getvalue()


def words_of(svg: str) -> tuple[str, str]:
    """The title and the description of a picture."""
    try:
        root = ElementTree.fromstring(svg)  # noqa: S314
    except ElementTree.ParseError:
        return "", ""
    return root.findtext(f"{_NAMESPACE}title", ""), root.findtext(f"{_NAMESPACE}desc", "")


def _draw(axes: Any, mark: ElementTree.Element, order: int) -> None:
    """One mark; the sizes are pixels, which at 72 to the inch are matplotlib's points."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Circle, Polygon, Rectangle

    kind, given = mark.tag.removeprefix(_NAMESPACE), mark.attrib
    edge: dict[str, Any] = {"linewidth": float(given.get("stroke-width", 0)), "edgecolor": given.get("stroke", "none")}
    filled: dict[str, Any] = {"facecolor": given.get("fill", "none"), "zorder": order, **edge}
    if kind == "polyline":
        style: dict[str, Any] = {"linewidth": edge["linewidth"], "color": given["stroke"], "zorder": order}
        dashes = [float(part) for part in given.get("stroke-dasharray", "").split()]
        xs, ys = zip(*_points(given["points"]), strict=True)
        line = Line2D(xs, ys, solid_capstyle="round", solid_joinstyle="round", **style)
        if dashes:
            line.set_dashes([part / edge["linewidth"] for part in dashes])
        axes.add_line(line)
    elif kind == "circle":
        place = float(given["cx"]), float(given["cy"])
        share = float(given.get("fill-opacity", 1))
        axes.add_patch(Circle(place, float(given["r"]), alpha=share if share < 1 else None, **filled))
    elif kind == "polygon":
        axes.add_patch(Polygon(_points(given["points"]), closed=True, **filled))
    elif kind == "rect":
        place = float(given["x"]), float(given["y"])
        axes.add_patch(Rectangle(place, float(given["width"]), float(given["height"]), **filled))
    elif kind == "text":
        turn = re.match(r"rotate\((-?\d+)", given.get("transform", ""))
        axes.text(
            float(given["x"]),
            float(given["y"]),
            (mark.text or "").replace("$", r"\$"),
            color=given["fill"],
            fontsize=float(given["font-size"]) * 0.92,  # DejaVu is wider than what browsers take
            fontfamily=_fonts(),
            horizontalalignment=_ANCHORS[given.get("text-anchor", "start")],
            verticalalignment="baseline",
            rotation=-float(turn[1]) if turn else 0,
            rotation_mode="anchor",
            zorder=order,
        )


def _points(text: str) -> list[tuple[float, float]]:
    pairs = (pair.split(",") for pair in text.split())
    return [(float(x), float(y)) for x, y in pairs]


def _fonts() -> list[str]:
    """Matplotlib's own font, and what this machine has for scripts that it lacks."""
    from matplotlib import font_manager

    there = {font.name for font in font_manager.fontManager.ttflist}
    return [
        "DejaVu Sans",
        *sorted(name for name in there if name.startswith(("Noto Sans CJK", "Noto Sans Mono CJK")))[:1],
    ]


@contextmanager
def _quiet_matplotlib() -> Iterator[None]:
    """Matplotlib without a window, without a cache in a home that may not be writable, and without its warnings."""
    before = os.environ.get("MPLCONFIGDIR")
    with tempfile.TemporaryDirectory(prefix="matplotlib-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if before is None:
            os.environ["MPLCONFIGDIR"] = folder
        try:
            yield
        finally:
            if before is None:
                os.environ.pop("MPLCONFIGDIR", None)
