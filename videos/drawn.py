"""Pages that are drawn here, from what the stand-ins answered: their look, and pictures of them."""

from __future__ import annotations

import html
from pathlib import Path

from markdown_it import MarkdownIt

from .browser import Browser
from .places import BUILD

STYLE = """<!doctype html><html lang="en"><meta charset="utf-8"><style>
* { box-sizing: border-box } body { margin: 0; padding: 20px 36px; font: 17px/1.45 "DejaVu Sans", sans-serif; color: #1f2733; background: #fff }
h1 { font-size: 25px; margin: 0 } h2 { font-size: 18px; margin: 0 0 8px } .quiet { color: #5d6b7c }
.note { color: #8a5000; background: #fff4dc; border-radius: 6px; padding: 3px 12px; font-size: 15px }
header { display: flex; gap: 18px; align-items: center; margin-bottom: 14px; flex-wrap: wrap }
section { border: 1px solid #d5dbe4; border-radius: 9px; padding: 12px 18px }
td { padding: 3px 16px 3px 0; vertical-align: top } td:first-child { white-space: nowrap; font-weight: bold }
code, pre { font-family: "DejaVu Sans Mono", monospace; font-size: 15px }
.two { display: grid; grid-template-columns: 1fr 1fr; gap: 18px 26px }
.body table { border-collapse: collapse; margin: 8px 0 } .body td, .body th { border: 1px solid #d5dbe4; padding: 4px 14px; font-weight: normal; text-align: left }
.body h1, .body h2, .body h3 { font-size: 20px; margin: 8px 0 } .body p { margin: 6px 0 } .body ul { margin: 4px 0 }
</style>"""


def take(browser: Browser, name: str, body: str, target: Path) -> Path:
    """Draw a page and take its picture."""
    source = BUILD / f"{name}.html"
    source.write_text(STYLE + body, encoding="utf-8")
    browser.page(name, source.as_uri()).shot(target)
    return target


def head(title: str, note: str, *more: str) -> str:
    """The head of a page: its title, whose page it is, and more."""
    rest = "".join(f"<span class='quiet'>{html.escape(text)}</span>" for text in more)
    return f"<header><h1>{html.escape(title)}</h1>{rest}<span class='note'>{html.escape(note)}</span></header>"


def table(title: str, rows: list[tuple[str, str]]) -> str:
    """A box with a table."""
    lines = "".join(
        f"<tr><td>{html.escape(name)}</td><td class='quiet'>{html.escape(text)}</td></tr>" for name, text in rows
    )
    return f"<section><h2>{html.escape(title)}</h2><table>{lines}</table></section>"


def from_markdown(text: str) -> str:
    """Markdown as GitHub shows it."""
    return f"<div class='body'>{MarkdownIt('gfm-like', {'html': False, 'linkify': False}).render(text)}</div>"
