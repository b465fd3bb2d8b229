"""Text from anywhere inside Markdown on GitHub: nothing in it becomes markup, calls a person or links an issue.

File names, answers, changelogs and commit subjects are written by others. On GitHub ``@name`` sends a notification,
``#12`` and an issue's address leave a note in that issue, ``fixes #12`` closes it, and a stray ``<!--`` hides the rest
of the page. A character without width behind the sign that starts such a reference takes its effect away and leaves
what is read, in running text and in code alike.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_NOTHING = "\u200b"
_JOINERS = "\u200c\u200d"
"""They join the parts of an emoji, and letters of some scripts."""
_MENTION = re.compile(r"(?<![A-Za-z0-9])@(?=[A-Za-z0-9])")
_ISSUE = re.compile(r"#(?=\d)|(?<![A-Za-z0-9])GH-(?=\d)", re.IGNORECASE)
_ENTITY = re.compile(r"&(?=#?\w+;)")
_GITHUB = re.compile(r"https?://(?:www\.)?github\.com/", re.IGNORECASE)
_ISSUES_ELSEWHERE = r"(?!redirect\.github\.com/)[^\s/()<>]+/[\w.-]+/[\w.-]+/(?:issues|pull|discussions|commit)/\w"
_ELSEWHERE = re.compile(rf"(https?)(?=://{_ISSUES_ELSEWHERE})", re.IGNORECASE)
_LINK_HERE = re.compile(r"\[([^\[\]]+)\]\((?!\s*<?(?:https?|mailto):)[^()]*\)", re.IGNORECASE)
_LINK_ELSEWHERE = re.compile(rf"\[([^\[\]]*)\]\(\s*(https?://{_ISSUES_ELSEWHERE}[^\s()<>]*)[^()]*\)", re.IGNORECASE)
_LINK = re.compile(r"<(https?://[^\s<>`]+)>(?=(\w?))", re.IGNORECASE)
_PUNCTUATION = re.compile(r"([\\`*_{}\[\]<>#|~!&])")
_LINE_START = re.compile(r"^(\d*)([-+=.)])")
_FENCE = re.compile(r"^( *)(`{3,}(?=[^`]*$)|~{3,})")
_HEADING = re.compile(r"^ {0,3}#{1,6}(?:[ \t]+(.*?))?[ \t#]*$")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-+)[ \t]*$")
_TASK = re.compile(r"^(\s*(?:[-*+]|\d+[.)])\s+)\[[ xX]\]\s+")
_TICKS = re.compile(r"`+")


def visible(text: str, *, keep: str = "") -> str:
    """The text with what cannot be seen (controls, marks of direction) spelled out, except the characters ``keep``."""
    return "".join(
        character if character.isprintable() or character in keep else repr(character)[1:-1] for character in text
    )


def plain(text: str) -> str:
    """A text on one line that shows as it is."""
    line = _PUNCTUATION.sub(r"\\\1", visible(" ".join(text.split()), keep=_JOINERS))
    return _quiet(_LINE_START.sub(r"\1\\\2", line))


def code(text: str) -> str:
    """A text on one line as code; in code GitHub calls nobody."""
    line = visible(text)
    if not line.strip(" "):
        return f"`'{line}'`"
    fence = "`" * (max(map(len, _TICKS.findall(line)), default=0) + 1)
    space = " " if line.startswith(("`", " ")) or line.endswith(("`", " ")) else ""
    return f"{fence}{space}{line}{space}{fence}"


def block(text: str, language: str = "") -> str:
    """Lines as a block of code; what cannot be seen is spelled out."""
    shown = visible(text.replace("\r\n", "\n"), keep="\n\t").rstrip("\n")
    fence = "`" * max(3, max(map(len, _TICKS.findall(shown)), default=0) + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def folded(summary: str, content: str) -> str:
    """Markdown that shows after a click.

    Args:
        summary: The line to click at, as HTML (:func:`html_code`).
        content: Markdown.
    """
    return f"<details><summary>{summary}</summary>\n\n{content}\n\n</details>"


def html_code(text: str) -> str:
    """A text as code inside HTML."""
    return f"<code>{html.escape(visible(text))}</code>"


def foreign(text: str) -> str:
    """Somebody else's Markdown as a part of a page: it keeps its lists, links and code, and ends where it ends.

    Headings become bold lines, HTML and pictures become text, and a block of code that is never closed is closed.
    """
    return "\n".join(_lines(visible(text.replace("\r\n", "\n").expandtabs(4), keep=f"\n{_JOINERS}").split("\n"))).strip(
        "\n"
    )


def _lines(lines: list[str]) -> Iterator[str]:
    fence, indent = "", 0
    before = ""
    for line in lines:
        if fence:
            depth = len(line) - len(line.lstrip(" "))
            closing = line.strip(" ")
            if line.strip() and depth < indent:
                # The list that the block of code stands in has ended, and so has the block.
                yield f"{' ' * indent}{fence}"
                fence = ""
            elif closing.startswith(fence) and not closing.strip(fence[0]):
                yield f"{' ' * indent}{closing}"
                fence = ""
                continue
            else:
                yield _quiet(line) if indent else line
                continue
        if opened := _FENCE.match(line):
            indent, fence = len(opened[1]), opened[2]
            yield f"{opened[0]}{_language(line[opened.end() :])}"
            before = ""
            continue
        yield _foreign_line(line, before)
        before = line
    if fence:
        yield f"{' ' * indent}{fence}"


def _language(info: str) -> str:
    word = info.strip().split(" ")[0]
    return word if re.fullmatch(r"[\w+-]*", word, re.ASCII) else ""


def _foreign_line(line: str, before: str) -> str:
    if heading := _HEADING.match(line):
        words = heading[1] or ""
        return f"**{_running(words)}**" if words.strip("* ") else ""
    shown = _running(_TASK.sub(r"\1", line))
    if before.strip() and _UNDERLINE.match(shown):
        return ""
    # A line may begin with such signs only now that something before them is gone.
    return re.sub(r"^( *)(?=#|~~~)", r"\1\\", shown)


def _running(line: str) -> str:
    """Running text; pieces of code in it stay as they are."""
    pieces, start, position = [], 0, 0
    while position < len(line):
        if line[position] == "\\":
            position += 2
            continue
        run = _TICKS.match(line, position)
        if run is None:
            position += 1
            continue
        end = re.compile(rf"(?<!`){run[0]}(?!`)").search(line, run.end())
        pieces.append(_quiet_text(line[start:position]))
        if end is None:
            pieces.append("\\`" * len(run[0]))
            start = position = run.end()
        else:
            inside = line[position : end.end()]
            # In a table, '|' ends a piece of code.
            pieces.append(_quiet(inside) if "|" in inside else inside)
            start = position = end.end()
    return "".join([*pieces, _quiet_text(line[start:])])


def _quiet_text(text: str) -> str:
    text = _LINK.sub(
        lambda found: f"{found[1]} " if found[2] else found[1], _GITHUB.sub("https://redirect.github.com/", text)
    )
    # An address inside the template's repository leads nowhere in another one.
    text = _LINK_HERE.sub(r"\1", _LINK_ELSEWHERE.sub(r"\1 (\2)", text))
    return _quiet(text.replace("![", f"!{_NOTHING}["))


def _quiet(text: str) -> str:
    text = _GITHUB.sub("https://redirect.github.com/", text)
    text = _ELSEWHERE.sub(rf"\1{_NOTHING}", text)
    text = re.sub(r"<(?=\S)", f"<{_NOTHING}", text)
    for pattern in (_MENTION, _ISSUE, _ENTITY):
        text = pattern.sub(rf"\g<0>{_NOTHING}", text)
    return text
