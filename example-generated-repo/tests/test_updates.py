"""No update was left half done: no file holds marks of a conflict, and no part was rejected (``.rej``)."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LARGEST = 10_000_000
# At the beginning of a line; whoever writes about them indents them. A line of "=" alone underlines a heading.
MARKS = [re.compile(rb"(?m)^" + mark * 7 + rb"(?: |\r?$)") for mark in (b"<", b">")]


def files(root: Path) -> Iterator[str]:
    """What git has or would take; where there is no git, everything but what the Makefile makes."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=root, capture_output=True, check=False)
    names = {name for name in done.stdout.decode("utf-8", "surrogateescape").split("\0") if name}
    if done.returncode != 0:
        paths = (path.relative_to(root) for path in root.rglob("*"))
        names = {path.as_posix() for path in paths if path.parts[0] not in {".venv", "runs"}}
    yield from sorted(name for name in names if (root / name).is_file() and not (root / name).is_symlink())


def left_over(root: Path) -> list[str]:
    """What somebody still has to resolve."""
    found = []
    for name in files(root):
        path = root / name
        if path.suffix == ".rej":
            found.append(f"{name}: a part of a change that was not applied; do it by hand and delete this file")
        elif path.stat().st_size <= LARGEST:
            data = path.read_bytes()
            if all(mark.search(data) for mark in MARKS):
                line = data[: MARKS[0].search(data).start()].count(b"\n") + 1  # type: ignore[union-attr]
                found.append(f"{name}:{line}: both sides of a conflict; keep what is right and delete the marks")
    return found


def test_no_update_is_half_done() -> None:
    assert left_over(ROOT) == []


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "notes.md").write_text("Heading\n=======\n\n    " + "<" * 7 + " is how one begins\n", encoding="utf-8")
    return tmp_path


def test_a_conflict_is_found_where_it_is(repository: Path) -> None:
    assert left_over(repository) == []
    lines = ["seed: 1", "<" * 7 + " yours", "rows: 2", "=" * 7, "rows: 3", ">" * 7 + " template v0.2.0", ""]
    for name, end in (("a b.yaml", "\n"), ("c.yaml", "\r\n")):
        (repository / name).write_bytes(end.join(lines).encode())
    assert [one.partition(": ")[0] for one in left_over(repository)] == ["a b.yaml:2", "c.yaml:2"]


def test_a_folder_without_git_is_looked_at_too(tmp_path: Path) -> None:
    for name in ("a.rej", "src/b.rej", ".venv/c.rej"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    assert [one.partition(": ")[0] for one in left_over(tmp_path)] == ["a.rej", "src/b.rej"]


def test_a_rejected_part_is_found_and_what_git_ignores_is_not(repository: Path) -> None:
    (repository / ".gitignore").write_text("runs/\n", encoding="utf-8")
    (repository / "runs").mkdir()
    for name in ("config.yaml.rej", "runs/x.rej"):
        (repository / name).write_text("@@ -1 +1 @@\n", encoding="utf-8")
    assert [one.partition(": ")[0] for one in left_over(repository)] == ["config.yaml.rej"]
