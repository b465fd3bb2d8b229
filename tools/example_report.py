"""Make the sample report of the documentation: ``make example-report``.

The example repository is made in a folder of its own, pushed to a local forge, improved and pushed again; the report of
the second push goes to ``docs/_static/example-report.html``, with pictures of its upper part. The data comes from its
public address; with ``WINE_CSV=FILE`` from that copy of it, which this program serves.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import example
from tests.wine_data import served

PICTURES = example.ROOT / "docs" / "pictures"
REPORT = example.ROOT / "docs" / "_static" / "example-report.html"
PUBLIC = "https://archive.ics.uci.edu/ml/machine-learning-databases/wine-quality/winequality-red.csv"
# A path that can be shown: the report names the store that lies there.
DESK = Path(tempfile.gettempdir()) / "ada"


def main() -> int:
    """Make the report again."""
    person = {"USER": "ada", "LOGNAME": "ada", "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environ = {**os.environ, **example.PERSON, **person}
    DESK.mkdir()  # somebody else's is in the way: it ends here
    try:
        folder = DESK / "wine-quality"
        example.make_repository(folder, environ=environ)
        with _data(folder):
            _run(
                ["git", "commit", "--quiet", "--all", "--allow-empty", "--message", "Say where the data is"],
                folder,
                environ,
            )
            _run(["mlopsgen", "push", "--local", "--yes"], folder, environ)
            _run(["git", "am", "--quiet", str(example.IMPROVEMENT)], folder, environ)
            _run(["git", "push"], folder, environ)
        told = _run(["mlopsgen", "status", "--output", "json"], folder, environ)
        branches = {branch["name"]: branch for branch in json.loads(told)["data"]["branches"]}
        made = Path(branches["development"]["last_run"]["report"]["html"])
        shutil.copyfile(made, REPORT)
        _photograph()
    finally:
        shutil.rmtree(DESK)
    return 0


def _photograph() -> None:
    """Write the upper part of the report as PNG files, light and dark."""
    for number, mode in enumerate(("dark", "light")):
        target = PICTURES / f"example-report-{mode}.png"
        with tempfile.TemporaryDirectory() as profile:
            subprocess.run(
                [
                    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                    f"--user-data-dir={profile}", f"--blink-settings=preferredColorScheme={number}",
                    "--window-size=1000,700", f"--screenshot={target}", REPORT.as_uri(),
                ],
                check=True, capture_output=True, timeout=120,
            )  # fmt: skip
        print(f"{target.relative_to(example.ROOT)} taken", flush=True)


@contextmanager
def _data(folder: Path) -> Iterator[None]:
    """The data as the repository shall find it: at its public address, or served from the copy in ``WINE_CSV``."""
    copy = os.environ.get("WINE_CSV")
    if not copy:
        yield
        return
    with served(Path(copy).resolve()) as here:
        sources = folder / "data" / "sources.yaml"
        sources.write_text(sources.read_text(encoding="utf-8").replace(PUBLIC, here), encoding="utf-8")
        yield


def _run(command: list[str], folder: Path, environ: dict[str, str]) -> str:
    """Run a program that has to succeed; what it printed."""
    print(f"$ {' '.join(command)}", flush=True)
    done = subprocess.run(
        command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"It ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    raise SystemExit(main())
