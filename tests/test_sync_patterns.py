"""Patterns of paths: the same answer as git gives for a ``.gitignore``."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlopsgen.sync.patterns import Patterns

PARTS = st.sampled_from(
    [
        "a",
        "b",
        "ab",
        "*",
        "?",
        "a*",
        "*b",
        "[ab]",
        "[!a]",
        "a.b",
        "**",
        "\\*",
        "[]a]",
        "a b",
        "a*b*",
        "*a*b",
        "*a?*[!b]",
    ]
)
PATTERN = st.builds(
    lambda start, parts, end: start + "/".join(parts) + end,
    st.sampled_from(["", "/", "**/"]),
    st.lists(PARTS, min_size=1, max_size=5),
    st.sampled_from(["", "", "/", "/**", "/*", "  "]),
)
NAMES = st.sampled_from(["a", "b", "ab", "ba", "a.b", "*", "a b", "]", "aab", "abab", "baba.b"])
PATH = st.lists(NAMES, min_size=1, max_size=5).map("/".join)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ignored")
    subprocess.run(["git", "init", "--quiet", "--template="], cwd=folder, check=True)
    (folder / ".git/info").mkdir()
    return folder


def ignored(folder: Path, pattern: str, paths: list[str]) -> set[str]:
    """What git ignores; the paths need not be there."""
    (folder / ".git/info/exclude").write_text(pattern + "\n", encoding="utf-8")
    done = subprocess.run(
        ["git", "-c", "core.excludesFile=", "check-ignore", "-z", "--stdin", "--no-index"],
        cwd=folder, input="\0".join(paths).encode(), capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode in {0, 1}, done.stderr
    return set(filter(None, done.stdout.decode().split("\0")))


@given(pattern=PATTERN, paths=st.lists(PATH, min_size=1, max_size=12, unique=True))
@settings(max_examples=300)
def test_one_pattern_means_what_git_means(repository: Path, pattern: str, paths: list[str]) -> None:
    patterns = Patterns([pattern])
    assert {path for path in paths if path in patterns} == ignored(repository, pattern, paths)


def test_the_last_one_that_fits_counts() -> None:
    patterns = Patterns(["# helpers", "/src/helpers/", "!/src/helpers/mine.py", ""])
    assert "src/helpers/data.py" in patterns
    assert "src/helpers/deep/er.py" in patterns
    assert "src/helpers/mine.py" not in patterns
    assert "other/src/helpers/data.py" not in patterns
    assert not Patterns(["", "# nothing"])


@pytest.mark.parametrize("pattern", ["/" + "*a" * 30 + "b", "**/a/" * 30 + "b", "**/*a*a*a/" * 10 + "b"])
def test_a_strangers_pattern_does_not_take_for_ever(pattern: str) -> None:
    patterns = Patterns([pattern])
    assert "a" * 200 not in patterns
    assert "aaa/" * 200 not in patterns
    assert ("a/" * 200) + "b" in Patterns(["**/a/" * 30 + "b"])
