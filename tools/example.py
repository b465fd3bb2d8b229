"""Make ``example-generated-repo/`` again: ``python tools/example.py``; ``--check`` only says what is stale.

It is what ``mlopsgen init`` makes of ``example/answers.yaml``, with ``example/overlay/`` laid over it as a data
scientist would have put it there. ``--into FOLDER --improve`` makes it elsewhere, as a repository of git with the
commit of the data scientist and the one that improves the model (``example/improvement.patch``).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "example-generated-repo"
ANSWERS = ROOT / "example" / "answers.yaml"
OVERLAY = ROOT / "example" / "overlay"
IMPROVEMENT = ROOT / "example" / "improvement.patch"

Files = dict[str, tuple[bool, bytes]]
"""Paths with whether the file can be executed, and its content."""

PERSON = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in {"NAME": "Data Scientist", "EMAIL": "scientist@example.org"}.items()
}


def main() -> int:
    """Write the example, say what is stale, or make a repository of it."""
    parser = argparse.ArgumentParser(description="Make example-generated-repo/ again.")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 when a file is stale")
    parser.add_argument("--into", type=Path, help="make a repository with its commits in this folder instead")
    parser.add_argument("--improve", action="store_true", help="with --into: with the commit that improves the model")
    options = parser.parse_args()
    if options.into:
        make_repository(options.into, improve=options.improve)
        return 0
    wanted, found = example(), read(EXAMPLE)
    stale = sorted(path for path in wanted.keys() | found.keys() if wanted.get(path) != found.get(path))
    if options.check:
        for path in stale:
            print(f"example-generated-repo/{path} is stale; run 'make example'.", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        (EXAMPLE / path).unlink(missing_ok=True)
        if path in wanted:
            write(EXAMPLE, path, *wanted[path])
    for folder in sorted((path for path in EXAMPLE.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    print(f"example-generated-repo/: {len(wanted)} files, {len(stale)} of them changed.")
    return 0


def example(environ: Mapping[str, str] = os.environ) -> Files:
    """The files that ``example-generated-repo/`` has to hold."""
    with tempfile.TemporaryDirectory(prefix="example-") as scratch:
        made = Path(scratch) / "wine-quality"
        render(made, environ)
        return read(made) | read(OVERLAY)


def make_repository(folder: Path, *, improve: bool = False, environ: Mapping[str, str] = os.environ) -> None:
    """A repository as a data scientist would have it: what ``init`` made, then a commit with the overlay."""
    render(folder, environ)
    lay_over(folder)
    run(["git", "-C", str(folder), "add", "--all"], environ)
    run(["git", "-C", str(folder), "commit", "--quiet", "--message", "Predict the quality of red wine"], environ)
    if improve:
        run(["git", "-C", str(folder), "am", "--quiet", str(IMPROVEMENT)], environ)


def render(folder: Path, environ: Mapping[str, str]) -> None:
    """What ``mlopsgen init`` makes of the answers."""
    run([sys.executable, "-m", "mlopsgen", "init", "--answers", str(ANSWERS), str(folder)], environ)


def lay_over(folder: Path) -> None:
    """Put the overlay into a repository."""
    for path, (executable, content) in read(OVERLAY).items():
        write(folder, path, executable, content)


def read(folder: Path) -> Files:
    """The files below a folder, without what running them leaves behind."""
    left = {
        ".git",
        "__pycache__",
        ".pytest_cache",
        ".ruff_cache",
        ".mypy_cache",
        ".hypothesis",
        ".venv",
        ".mlflow",
        "runs",
    }
    found = (path for path in folder.rglob("*") if path.is_file())
    paths = {path.relative_to(folder): path for path in found}
    return {
        name.as_posix(): (bool(path.stat().st_mode & 0o100), path.read_bytes())
        for name, path in paths.items()
        if not left & set(name.parts)
    }


def write(folder: Path, path: str, executable: bool, content: bytes) -> None:
    """One file, with the folders that it needs."""
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    target.chmod(0o755 if executable else 0o644)


def run(command: list[str], environ: Mapping[str, str]) -> None:
    """Run a program that has to succeed; what it says is shown only when it does not."""
    given = {**environ, **PERSON, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=given, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    raise SystemExit(main())
