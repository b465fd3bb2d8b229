"""Keep the records of a version that is being released: ``python tools/released_records.py v0.3.0``.

They are what repositories of that version have in ``.copier-answers.yml``, with every choice of every question at
least once; tests take them to the newest version from then on.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if str(ROOT) not in sys.path else []

from mlopsgen.adapters.templates import open_template  # noqa: E402 - found through the path above
from mlopsgen.answers import resolve  # noqa: E402
from mlopsgen.constants import ANSWERS_FILE  # noqa: E402
from tests import matrix  # noqa: E402

RELEASED = ROOT / "tests" / "released"


def chosen() -> list[matrix.Row]:
    """A few rows of the option matrix that hold each value of each factor; the defaults are the first."""
    rows = matrix.rows()
    found: list[matrix.Row] = rows[:1]
    missing = {pair for row in rows for pair in row.items()} - set(found[0].items())
    while missing:
        found.append(max(rows, key=lambda row: len(missing & set(row.items()))))
        missing -= set(found[-1].items())
    return found


def write(version: str, folder: Path) -> int:
    """Write the records of a version into a folder; how many there are."""
    template = open_template(None, dict(os.environ))
    asked = template.questions(version).by_key
    rows = chosen()
    folder.mkdir(parents=True)
    for number, row in enumerate(rows):
        answers = {key: value for key, value in resolve(matrix.answers(row)).items() if key in asked}
        with tempfile.TemporaryDirectory() as scratch:
            template.render(version, answers, Path(scratch))
            text = (Path(scratch) / ANSWERS_FILE).read_text(encoding="utf-8")
        (folder / f"{f'{number:02}' if number else 'defaults'}.yml").write_text(text, encoding="utf-8")
    return len(rows)


def main(arguments: list[str]) -> int:
    """Write them where the tests look."""
    if len(arguments) != 1 or (RELEASED / arguments[0]).exists():
        sys.stderr.write("usage: tools/released_records.py VERSION   (one whose records are not kept yet)\n")
        return 2
    folder = RELEASED / arguments[0]
    sys.stdout.write(f"{write(arguments[0], folder)} records in {folder.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
