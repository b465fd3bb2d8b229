"""Pages that are drawn here, from what the stand-ins answered: their look, and pictures of them."""

from __future__ import annotations

import html
from pathlib import Path

from markdown_it import MarkdownIt

from .browser import Browser
from .places import BUILD, HERE

LOOK = (HERE / "pages" / "drawn.css").as_uri()
HEAD = f'<!doctype html><html lang="en"><meta charset="utf-8"><link rel="stylesheet" href="{LOOK}">'


def take(browser: Browser, name: str, body: str, target: Path, *, whole: bool = False) -> Path:
    """Draw a page and take its picture; the whole of it, also where it is longer than what is seen at once."""
    source = BUILD / f"{name}.html"
    source.write_text(HEAD + body, encoding="utf-8")
    browser.page(name, source.as_uri()).shot(target, whole=whole)
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
    return f"<div class='body'>{MarkdownIt('gfm-like', {'html': True, 'linkify': False}).render(text)}</div>"
