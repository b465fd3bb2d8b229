"""Texts of others inside a pull request: nothing in them becomes markup, calls a person or touches an issue."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from mlopsgen.sync.markdown import block, code, folded, foreign, html_code, plain

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
"""A reader of Markdown that is not ours; GitHub's own is CommonMark with tables."""

REFERENCE = re.compile(
    r"(?<![A-Za-z0-9])@[A-Za-z0-9]|#\d|(?<![A-Za-z0-9])GH-\d|https?://(?!redirect\.)[^\s:]*/(?:issues|pull|discussions|commit)/\w",
    re.IGNORECASE | re.ASCII,
)
"""What GitHub would make a link and a notification of."""

END = "The end of it."

DANGEROUS = (
    "@ada",
    " @",
    "#12",
    "GH-3",
    "gh-4",
    "fixes ",
    "acme/wine#7",
    "https://github.com/a/b/issues/1",
    "&#64;ada",
    "&commat;ada",
    "https://git.example.com/a/b/pull/3",
    "<!--",
    "-->",
    "<details>",
    "</details>",
    "<img src=x>",
    "<a href='@ada'>",
    "<pre>",
    "`",
    "``",
    "```",
    "~~~",
    "```python",
    " ",
    " ",
    "\n",
    "\n\n",
    "- ",
    "* ",
    "1. ",
    "> ",
    "# ",
    "## ",
    "===",
    "---",
    "| a | b |",
    "|---|---|",
    "|",
    "[",
    "]",
    "(",
    ")",
    "![",
    "[x]: https://x ",
    "[^1]: ",
    "- [ ] ",
    "\\",
    "*",
    "_",
    "**",
    "a",
    "word",
    "é",
    "\u202e",
    "\r\n",
    "\t",
    "<https://x.example/y>",
    "\x00",
    "\x1b[31m",
)
texts = st.lists(st.sampled_from(DANGEROUS) | st.text(max_size=3), max_size=14).map("".join)


def tokens(markdown: str) -> list[Token]:
    found = []
    for token in READER.parse(markdown):
        found += [token, *(token.children or [])]
    return found


def harmless(markdown: str, *, allowed: tuple[str, ...] = ()) -> None:
    """No markup but Markdown's own, nobody called, and what follows stands for itself."""
    found = tokens(f"{markdown}\n\n{END}")
    refused = {"html_block", "html_inline", "image"} - {*allowed}
    assert not [token for token in found if token.type in refused]
    for token in found:
        if token.type == "text":
            assert not REFERENCE.search(token.content), token.content
        if token.type == "link_open":
            assert not REFERENCE.search(str(token.attrGet("href"))), token.attrGet("href")
    paragraphs = [token for token in found if token.type == "inline" and token.content == END]
    assert [token.level for token in paragraphs] == [1], "what follows is inside of something"


@given(texts)
def test_a_changelog_of_others_stays_in_its_place(text):
    harmless(foreign(text))
    assert not [token for token in tokens(foreign(text)) if token.type == "heading_open" and not token.level]


@given(texts)
def test_a_sentence_of_others_shows_as_it_is(text):
    line = plain(text)
    harmless(f"- before {line}")
    harmless(f"- {line}")
    shown = [token for token in tokens(f"x {line}") if token.type == "inline"]
    assert len(shown) == 1
    assert {token.type for token in shown[0].children or []} <= {"text", "text_special"}
    assert "".join(line.split("\u200b")).count("\n") == 0


@given(st.text(alphabet=st.sampled_from("`' ab@#1|\\\n\u202e<é"), max_size=12))
def test_a_file_name_is_one_piece_of_code(name):
    found = [token for token in tokens(f"- {code(name)}: x") if token.type == "code_inline"]
    assert len(found) == 1
    assert "\n" not in code(name)
    if name.strip(" ") and name.isprintable():
        assert found[0].content == name


@given(texts)
def test_a_diff_is_one_block_of_code(text):
    found = [token for token in tokens(f"{block(text, 'diff')}\n\n{END}") if token.type in ("fence", "inline")]
    assert [token.type for token in found] == ["fence", "inline"]
    assert "\x1b" not in block(text)


def test_a_fold_ends_where_it_ends():
    shown = folded(html_code("</summary>@ada<!--"), foreign("</details> <!-- ```"))
    assert shown.count("</details>") == 1
    assert shown.count("</summary>") == 1
    assert "<!--" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("- `copier@9` and foo@1.2 stay", "- `copier@9` and foo@1.2 stay"),
        ("### Added\n\n- **more** [here](https://x.example/a)", "**Added**\n\n- **more** [here](https://x.example/a)"),
        ("Thanks @ada, fixes #12", "Thanks @\u200bada, fixes #\u200b12"),
        ("&commat;ada", "&\u200bcommat;ada"),
        ("see https://github.com/a/b/pull/3", "see https://redirect.github.com/a/b/pull/3"),
        ("[this](https://git.x/a/b/pull/3)", "this (https\u200b://git.x/a/b/pull/3)"),
        ("```sh\nmail @ada #12\n```", "```sh\nmail @ada #12\n```"),
        ("- [x] done", "- done"),
        ("text\n- [ ] ", "text"),
        ("[~~~](x)\n[#](x) y", "\\~~~\n\\# y"),
        ("[a page](docs/a.md), [b](#b)", "a page, b"),
        ("Title\n=====\ntext", "Title\n\ntext"),
        ("`open", "\\`open"),
        ("- a:\n  ```\n  x = 1\n  ```\n- b", "- a:\n  ```\n  x = 1\n  ```\n- b"),
    ],
)
def test_what_stays_of_a_changelog(text, shown):
    assert foreign(text) == shown
