"""What is said of an update, read as a maintainer reads it.

``tests/sync_texts`` holds the texts; ``MLOPSGEN_TRANSCRIPTS=write`` writes them anew: read them then.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given

from mlopsgen.sync.pull_text import BEGIN, END, LONGEST, Setting, pull_text, renewed
from mlopsgen.sync.summary import summary_lines
from mlopsgen.sync.values import Conflict, FileChange, FileNote, NewAnswer, Update, VersionChanges, Why
from mlopsgen.sync.wording import commit_message, guide_lines, overview, title
from tests.sync_updates import CONFLICTS, clean, eventful
from tests.test_sync_markdown import harmless, texts, tokens

TEXTS = Path(__file__).with_name("sync_texts")
RECORDING = os.environ.get("MLOPSGEN_TRANSCRIPTS") == "write"


@dataclass(frozen=True)
class Check:
    """The outcome of a quick check."""

    name: str
    ok: bool = True
    ran: bool = True
    detail: str = ""


CHECKS = (Check("YAML and TOML parse"), Check("compile", ran=False, detail="no .venv here"))
FAILED = (*CHECKS, Check("Python compiles", ok=False, detail="src/a.py, line 3: invalid syntax"))
HOSTED = Setting(repository="acme/wine", checks=CHECKS)
PULLS = {
    "clean": pull_text(clean(), HOSTED),
    "without a forge": pull_text(clean(), Setting()),
    "eventful": pull_text(eventful(), replace(HOSTED, checks=FAILED, travelling=2)),
    "conflicts": pull_text(eventful(conflicts=CONFLICTS), Setting(repository="acme/wine", marked=True)),
}
SUMMARIES = {
    f"summary in {width} columns": "\n".join(summary_lines(eventful(conflicts=CONFLICTS), width=width))
    for width in (100, 48)
}
OTHERS = {
    "commit message": commit_message(eventful()),
    "guide to conflicts": "\n".join(
        guide_lines(CONFLICTS, sync_branch="mlopsgen/sync-development", resume="mlopsgen sync --continue")
    ),
}


@pytest.mark.parametrize(("name", "text"), {**PULLS, **SUMMARIES, **OTHERS}.items())
def test_the_text_is_the_one_that_was_read(name, text):
    file = TEXTS / f"{name}.{'md' if name in PULLS else 'txt'}"
    if RECORDING:
        file.write_text(f"{text.rstrip()}\n", encoding="utf-8")
    assert f"{text.rstrip()}\n" == file.read_text(encoding="utf-8")


def test_what_to_do_stands_first_and_a_clean_update_asks_for_one_thing():
    assert pull_text(clean(), HOSTED).split("### ")[1] == "What to do\n\n1. When the checks are green, merge.\n\n"
    assert pull_text(clean(conflicts=CONFLICTS), Setting(marked=True)).split("### ")[2].startswith("Conflicts\n")


def test_a_check_is_promised_only_where_there_are_marks():
    marked = Setting(marked=True)
    assert "does not turn green" in pull_text(clean(conflicts=CONFLICTS), marked)
    assert "no check keeps you" in pull_text(clean(conflicts=CONFLICTS[1:]), marked)
    assert "<<<<<<<" not in pull_text(clean(conflicts=CONFLICTS[1:]), marked)
    foreign = clean(conflicts=CONFLICTS, template="https://example.org/templates/t")
    assert "no check keeps you" in pull_text(foreign, marked), "only our own template has such a check"


def test_titles():
    assert title(clean()) == "Update from template v0.1.0 to v0.2.0"
    assert title(clean(), marked=True) == "Conflicts: Update from template v0.1.0 to v0.2.0"
    assert title(clean(start="v0.2.0")) == "Update from template v0.2.0: changed answers"


def test_an_older_version_is_called_so():
    back = clean(start="v0.10.0", end="v0.9.0")
    assert title(back) == "Go back from template v0.10.0 to v0.9.0"
    assert commit_message(back).startswith("Go back from the mlopsgen template v0.10.0 to v0.9.0\n")
    assert "**back** from the template `v0.10.0` to `v0.9.0`" in pull_text(back, HOSTED)


def test_git_reads_the_trailer(tmp_path, git):
    file = tmp_path / "message"
    file.write_text(commit_message(eventful()), encoding="utf-8")
    assert git("interpret-trailers", "--parse", str(file)) == "Mlopsgen-Sync: v0.1.0..v0.2.0"


def test_a_commit_message_names_nobody():
    names = [FileChange("@ada fixes #12", "changed", 1), FileChange("# x", "added", 1)]
    message = commit_message(clean(conflicts=(Conflict("@ada", "content", ""),), changes=tuple(names)))
    assert not re.search("@|#", message)


def test_an_update_in_one_sentence():
    assert overview(clean(changes=())) == "no file changes"
    assert overview(eventful(conflicts=CONFLICTS)).endswith(
        "3 conflicts, 1 edited file of the template replaced, 3 left alone"
    )
    assert overview(clean(changes=(FileChange("a", "added"),))) == "1 file changes (1 added)"


OURS = re.compile(
    f"(?:{BEGIN}|{END}|<details><summary>(?:[^<>]*|<code>[^<>]*</code>)</summary>|</details>)(?:\n[-=]*)*", re.DOTALL
)


def in_its_place(text: str) -> None:
    """Its HTML is ours alone and closed, and what others wrote calls nobody."""
    html = [token.content for token in tokens(text) if token.type.startswith("html_")]
    assert [part for part in html if not OURS.fullmatch(part.strip())] == []
    assert sum("<details>" in part for part in html) == sum("</details>" in part for part in html)
    harmless(text, allowed=("html_block", "html_inline"))


def huge(**more: object) -> Update:
    """An update with too much of everything."""
    many = range(3000)
    return clean(
        changes=tuple(FileChange(f"src/{'ä' * 80}/{number}.py", "changed", 1, 1) for number in many),
        notes=tuple(FileNote(path=f"helpers/{number}", why=Why.EDITED, diff=f"+{'`' * 3}é\n" * 400) for number in many)
        + tuple(FileNote(path=f"{number}.md", why=Why.SEEDED, detail="d" * 3000) for number in many),
        changelog=tuple(VersionChanges(f"v0.{number}.0", f"- {'x' * 90}\n" * 300) for number in range(60)),
        new_answers=tuple(NewAnswer(key=f"key_{number}", title="t" * 900, value="v" * 5000) for number in many),
        warnings=("w" * 90_000,) * 40,
        **more,
    )


@pytest.mark.parametrize(
    "conflicts", [(), tuple(Conflict(f"{'c' * 200}/{number}", "content", "") for number in range(999))]
)
def test_a_text_that_is_too_long_is_shortened_and_says_so(conflicts):
    text = pull_text(huge(conflicts=conflicts), replace(HOSTED, marked=bool(conflicts)))
    assert len(text.encode()) <= LONGEST
    assert "more" in text
    assert text.startswith(BEGIN)
    assert text.endswith(END)
    assert "### What to do" in text
    in_its_place(text)


def test_a_long_diff_says_how_much_is_missing():
    note = FileNote(path="a.py", why=Why.EDITED, diff="\n".join(f"+line {number}" for number in range(500)))
    text = pull_text(clean(notes=(note,)), HOSTED)
    assert "+line 199\n```\n\n… and 300 more lines." in text


def test_an_edited_file_that_the_template_dropped_says_so_beside_its_edit():
    note = FileNote(path="a.py", why=Why.EDITED, detail="the template has it no longer", diff="+mine")
    update = clean(notes=(note,))
    assert "the template has it no longer:\n\n```diff\n+mine" in pull_text(update, HOSTED)
    assert "  ~ a.py: the template has it no longer" in summary_lines(update)


@given(texts, texts, texts)
def test_nothing_that_others_wrote_gets_out_of_its_place(name, words, changelog):
    path = name.encode("utf-8", "surrogateescape").decode() or "a"
    update = clean(
        changes=(FileChange(path, "renamed", 1, 1, path),),
        notes=tuple(FileNote(path=path, why=why, detail=words, diff=changelog) for why in Why),
        changelog=(VersionChanges(path, changelog), VersionChanges(words, changelog)),
        new_answers=(NewAnswer(key="slug", title=words, value=words, before=path),),
        conflicts=(Conflict(path, words, words),),
        warnings=(words,),
    )
    text = pull_text(update, replace(HOSTED, marked=True, checks=(Check(words, detail=words),)))
    in_its_place(text)
    assert "\x1b" not in "".join(summary_lines(update))
    assert all("\n" not in line for line in summary_lines(update))


@pytest.mark.parametrize(
    ("found", "after"),
    [
        (None, f"{BEGIN}new{END}"),
        ("", f"{BEGIN}new{END}"),
        (f"{BEGIN}old{END}", f"{BEGIN}new{END}"),
        (f"Mine.\r\n\r\n{BEGIN}old\r\n{END}\r\nAda's.", f"Mine.\n\n{BEGIN}new{END}\nAda's."),
        ("All of it is mine.", f"{BEGIN}new{END}\n\nAll of it is mine."),
    ],
)
def test_what_people_wrote_into_the_text_stays(found, after):
    assert renewed(found, f"{BEGIN}new{END}") == after


def test_a_text_that_says_it_already_is_left_as_it_is():
    text = pull_text(eventful(), HOSTED)
    stored = f"Mine.\n\n{text}".replace("\n", "\r\n")  # as GitHub keeps what is edited on its page
    assert renewed(stored, text) is stored
    assert renewed(text, text) is text


def test_a_long_text_of_people_fits_too():
    mine = "x" * (LONGEST - 2000)
    new = renewed(f"{mine}{pull_text(clean(), HOSTED)}", pull_text(huge(), HOSTED))
    assert new.startswith(mine)
    assert len(new.encode()) <= LONGEST
    assert new.endswith(END)


def test_lines_fit_the_terminal():
    for width in (40, 60, 100):
        long = [line for line in summary_lines(eventful(conflicts=CONFLICTS), width=width) if len(line) > width]
        assert [line for line in long if " " in line.strip()] == []


def test_many_versions_are_shortened_in_a_terminal():
    lines = summary_lines(
        clean(changelog=tuple(VersionChanges(f"v0.{number}.0", "- x") for number in range(90, 0, -1)))
    )
    assert "  … and 70 older versions" in lines
    assert "  v0.71.0" in lines
    assert "  v0.70.0" not in lines


def test_nothing_of_a_terminal_gets_through():
    update = clean(
        changes=(FileChange("a\x1b[31m\nb", "added", 1),),
        changelog=(VersionChanges("v1\x1b", "x\x1b[2J\rhidden"),),
        warnings=("\x07",),
    )
    assert not re.search(
        r"[\x00-\x08\x0b-\x1f]", "".join([*summary_lines(update), commit_message(update).replace("\n", "")])
    )
