"""How tutorials are read and compared: a page that says something else than the terminal is found."""

from __future__ import annotations

import re

import pytest

from tests.tutorial_compare import difference
from tests.tutorial_pages import PAGES, Command, Edit, Elsewhere, changed, parse, steps_of
from tests.tutorial_reader import Mismatch, reader
from tests.tutorial_screen import shown

PAGE = """\
# A page

<!-- types: Sure? [y/N]: | y, enter -->
<!-- ends: 1 -->
```console
$ cd wine
$ mlopsgen push \\
    --local
The plan:
...
Sure? [y/N]: y
```

<!-- file: data/sources.yaml -->
```yaml
version: 1
```

<!-- file: Makefile -->
```diff
-old
+new
```

<!-- stage: merge acme/wine 1 -->

```text
$ for reading
```
"""


def test_a_page_is_read_in_its_order() -> None:
    first, second, written, edited, merged = parse(PAGE)
    assert first == Command(6, "cd wine", "")
    assert isinstance(second, Command)
    assert second.text == "mlopsgen push \\\n    --local"
    assert second.shown == "The plan:\n...\nSure? [y/N]: y"
    assert (second.answers, second.ends) == ((("Sure? [y/N]:", "y, enter"),), 1)
    assert isinstance(written, Edit)
    assert (written.path, written.text, written.is_change) == ("data/sources.yaml", "version: 1\n", False)
    assert isinstance(edited, Edit)
    assert edited.is_change
    assert merged == Elsewhere(25, "merge", ("acme/wine", "1"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("<!-- typo: 1 -->\n", "nobody knows"),
        ("<!-- ends: 1 -->\n", "before no block"),
        ("<!-- ends: 1 -->\n```yaml\na: 1\n```\n", "only 'file:'"),
        ("```console\nno command\n```\n", "begins with no command"),
        ("<!-- types: enter -->\n```console\n$ a\n```\n", "lacks ' | '"),
    ],
)
def test_a_mistake_in_a_page_is_told(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(text)


@pytest.mark.parametrize(
    ("page", "terminal", "same"),
    [
        ("rmse 54.48", "rmse 54.48", True),
        ("rmse 54.48", "rmse 54.49", False),
        ("development 952e784 (#1)", "development dfb3bc0 (#1)", True),
        ("development 952e784 (#1)", "development dfb3bc0 (#2)", False),
        ("done (0.4 s)", "done (12 s)  ", True),
        ("a\n...\nz", "a\nb\nc\nz", True),
        ("a\n...\nz", "a\nz", True),
        ("a\n...\nz", "a\nb\nc", False),
        ("done: ... files", "done: 255 files", True),
        ("done: ... files", "done: 255\nfiles", False),
        ("a", "a\nb", False),
        ("at /home/ada/wine", "at /tmp/abcd/wine", True),
        ("", "", True),
        ("", "surprise", False),
    ],
)
def test_output_is_compared_letter_by_letter_but_for_what_the_rule_names(page: str, terminal: str, same: bool) -> None:
    assert (difference(page, terminal, {"/tmp/abcd": "/home/ada"}) == "") is same


def test_what_was_overwritten_or_erased_is_not_on_the_screen() -> None:
    assert shown("1 of 2\r\x1b[K2 of 2\r\n\x1b[1mdone\x1b[0m\r\n") == "2 of 2\ndone\n"
    assert shown("ask\r\n » a\r\n   b\x1b[1A\r\x1b[Janswer") == "ask\nanswer"
    assert shown("a\tb") == "a       b"


def test_a_change_has_to_fit() -> None:
    assert changed("a\nb\nc\n", " a\n-b\n+B\n") == "a\nB\nc\n"
    assert changed("a\nb\nc\n", "-a\n+A\n@@\n-c\n+C\n") == "A\nb\nC\n"
    with pytest.raises(ValueError, match="0 times"):
        changed("a\n", "-x\n+y\n")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("```console\n$ echo one\ntwo\n```\n", r"-two\n\+one"),
        ("```console\n$ false\n```\n", "exit code 1, the page says 0"),
        ("<!-- file: none.txt -->\n```diff\n-a\n+b\n```\n", "cannot be changed so"),
    ],
)
def test_whoever_follows_a_page_that_is_wrong_is_told_where(
    text: str, why: str, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.tutorial_pages.PAGES", tmp_path)
    (tmp_path / "page.md").write_text(f"# Page\n\n{text}", encoding="utf-8")
    with reader() as ada, pytest.raises(Mismatch, match=why) as told:
        ada.follow("page.md")
    assert re.search(r"docs/tutorials/page.md, line \d", str(told.value))


def test_what_a_page_asks_for_is_typed(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.tutorial_pages.PAGES", tmp_path)
    text = (
        '<!-- types: Who? | Ada, enter -->\n```console\n$ read -p "Who? " who\nWho? Ada\n$ echo "$who" > who.txt\n```\n'
    )
    text = text.replace("\n$ echo", "\n```\n\n```console\n$ echo")
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    with reader() as ada:
        ada.follow("page.md")
        assert (ada.home / "who.txt").read_text(encoding="utf-8") == "Ada\n"


def test_the_tool_is_found_in_a_folder_with_a_space(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "a folder" / "python"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\necho "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(python))
    monkeypatch.setattr("tests.tutorial_pages.PAGES", tmp_path)
    (tmp_path / "page.md").write_text(
        "# P\n\n```console\n$ mlopsgen init\n-P -m mlopsgen init\n```\n", encoding="utf-8"
    )
    with reader() as ada:
        ada.follow("page.md")


def test_every_tutorial_is_followed_by_a_test() -> None:
    here = PAGES.parents[1] / "tests"
    followed = set()
    for path in here.glob("test_tutorials_*.py"):
        followed |= set(re.findall(r"follow\(\"([\w-]+\.md)\"\)", path.read_text(encoding="utf-8")))
    assert followed == {path.name for path in PAGES.glob("*.md")} - {"index.md"}
    for page in followed:
        assert any(isinstance(step, Command) for step in steps_of(page)), page
