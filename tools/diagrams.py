"""Draw ``docs/diagrams/*.dot`` as SVG files beside them: ``make diagrams``; ``--check`` only says what is stale.

The files hold no colours: a style in the drawing gives them, for light and for dark pages. Each SVG names the text that
it was drawn from, so that a stale one is found without graphviz.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "diagrams"
LOOKS = {
    "graph": {"bgcolor": "white", "pad": "0.25", "nodesep": "0.3", "ranksep": "0.45", "fontname": "Arial"},
    "node": {"shape": "box", "style": "rounded,filled", "fontname": "Arial", "fontsize": "12", "margin": "0.16,0.09"},
    "edge": {"fontname": "Arial", "fontsize": "10.5", "arrowsize": "0.7"},
}


def mark(source: str) -> str:
    """What a drawing says of the text that it was made from, and of the looks."""
    return hashlib.sha256((source + repr(LOOKS) + style()).encode()).hexdigest()[:16]


def style() -> str:
    """The colours of every drawing."""
    return (FOLDER / "style.css").read_text(encoding="utf-8")


def drawn(path: Path) -> str:
    """The drawing of a ``.dot`` file."""
    source = path.read_text(encoding="utf-8")
    options = [f"-{kind[0].upper()}{key}={value}" for kind, looks in LOOKS.items() for key, value in looks.items()]
    done = subprocess.run(
        ["dot", "-Tsvg", *options], input=source, capture_output=True, text=True, encoding="utf-8", check=True
    )
    svg = done.stdout[done.stdout.index("<svg") :]
    svg = re.sub(r"(?s)<!--.*?-->\n?", "", svg)
    svg = re.sub(r"<title>[^<]*</title>\n?", "", svg)  # a tip at the mouse that says nothing
    svg = re.sub(r'(<g) id="[^"]*"', r"\1", svg)  # two drawings on a page would have the same ones
    svg = re.sub(r'(<svg) width="(\d+)pt" height="(\d+)pt"', _size, svg, count=1)
    svg = svg.replace(">", f">\n<!-- {path.name} {mark(source)} -->\n<style>\n{style()}</style>", 1)
    return re.sub(r'( font-family="[^"]*")', "", svg)


def _size(found: re.Match[str]) -> str:
    """Points as browsers count them."""
    width, height = (round(int(found[number]) * 4 / 3) for number in (2, 3))
    return f'<svg class="diagram" width="{width}" height="{height}"'


def stale() -> list[Path]:
    """The ``.dot`` files whose drawing is missing or of another text."""
    found = []
    for path in sorted(FOLDER.glob("*.dot")):
        drawing = path.with_suffix(".svg")
        told = f"<!-- {path.name} {mark(path.read_text(encoding='utf-8'))} -->"
        if not drawing.is_file() or told not in drawing.read_text(encoding="utf-8"):
            found.append(path)
    return found


def main() -> int:
    """Draw what is stale, or name it."""
    for path in stale():
        if "--check" in sys.argv[1:]:
            print(f"{path.relative_to(ROOT)} was changed; run 'make diagrams'.", file=sys.stderr)
        else:
            path.with_suffix(".svg").write_text(drawn(path), encoding="utf-8")
            print(f"{path.with_suffix('.svg').relative_to(ROOT)} drawn")
    return 1 if stale() else 0


if __name__ == "__main__":
    raise SystemExit(main())
