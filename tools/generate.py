"""Write what is generated from the code: ``python tools/generate.py``; ``--check`` only says what is stale."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from mlopsgen.answer_documents import copier_questions  # noqa: E402 - found through the path above

BEGIN = "# Questions: generated from mlopsgen/answers.py by `make generate`.\n"


def copier_yml(text: str) -> str:
    """``copier.yml`` with its question block made again; what stands above the block is written by hand."""
    return text.split(BEGIN, maxsplit=1)[0].rstrip("\n") + "\n\n" + BEGIN + copier_questions()


def main() -> int:
    """Make every generated file again, or name those that are stale."""
    path = ROOT / "copier.yml"
    before = path.read_text(encoding="utf-8")
    after = copier_yml(before)
    if before == after:
        return 0
    if "--check" in sys.argv[1:]:
        print(f"{path.name} is stale; run 'make generate'.", file=sys.stderr)
        return 1
    path.write_text(after, encoding="utf-8")
    print(f"{path.name} written")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
