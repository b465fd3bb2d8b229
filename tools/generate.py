"""Write what is generated from the code: ``python tools/generate.py``; ``--check`` only says what is stale.

- the questions of ``copier.yml``, from ``mlopsgen/answers.py``;
- ``mlopsgen/schemas/*.json``, from the pydantic models of the generated repository, so that ``mlopsgen schema`` can
  print them without importing what trains.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [path for path in (str(ROOT), str(ROOT / "template" / "src")) if path not in sys.path]

from mlopsgen.answer_documents import copier_questions  # noqa: E402 - found through the path above

BEGIN = "# Questions: generated from mlopsgen/answers.py by `make generate`.\n"
MODELS = {
    "configuration": ("helpers.config", "BranchConfig", "src/pipelines/<branch>/config.yaml"),
    "pipeline": ("helpers.pipeline_text", "PipelinesText", "src/pipelines/pipeline.yaml"),
    "data-sources": ("helpers.sources", "Sources", "data/sources.yaml"),
    "report": ("helpers.records", "Report", "report.json"),
}


def copier_yml(text: str) -> str:
    """``copier.yml`` with its question block made again; what stands above the block is written by hand."""
    return text.split(BEGIN, maxsplit=1)[0].rstrip("\n") + "\n\n" + BEGIN + copier_questions()


def schema(name: str) -> str:
    """The JSON Schema of a document of the generated repository."""
    module, model, path = MODELS[name]
    found = getattr(importlib.import_module(module), model).model_json_schema(by_alias=True)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": path}
    return json.dumps({**head, **{key: value for key, value in found.items() if key != "title"}}, indent=2) + "\n"


def generated() -> dict[Path, str]:
    """Every generated file and what it has to hold."""
    copier = ROOT / "copier.yml"
    schemas = {ROOT / "mlopsgen" / "schemas" / f"{name}.json": schema(name) for name in MODELS}
    return {copier: copier_yml(copier.read_text(encoding="utf-8")), **schemas}


def main() -> int:
    """Make every generated file again, or name those that are stale."""
    stale = {
        path: text
        for path, text in generated().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    }
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is stale; run 'make generate'.", file=sys.stderr)
        return 1 if stale else 0
    for path, text in stale.items():
        path.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(ROOT)} written")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
