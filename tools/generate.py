"""Write what is generated from the code: ``python tools/generate.py``; ``--check`` only says what is stale.

- the questions of ``copier.yml``, from ``mlopsgen/answers.py``, and its ``_skip_if_exists``, from ``sync.yaml``;
- ``mlopsgen/schemas/*.json``, from the pydantic models of the generated repository, so that ``mlopsgen schema`` can
  print them without importing what trains;
- ``docs/reference/*.md`` and ``docs/explanation/benchmarks.md`` (``tools/reference/``);
- ``template/_includes/actions.jinja``, the actions that workflows use, from ``tools/actions.yaml``, and their pins in
  the workflows of ``config-repository/`` and of this project (those use ``tools/own-actions.yaml`` as well).
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [path for path in map(str, (ROOT, ROOT / "tools", ROOT / "template" / "src")) if path not in sys.path]

from reference.documents import MODELS, model_schema  # noqa: E402
from reference.pages import pages  # noqa: E402

from mlopsgen.answer_documents import copier_questions  # noqa: E402 - found through the path above

BEGIN = "# Questions: generated from mlopsgen/answers.py by `make generate`.\n"
SKIP = "_skip_if_exists:"
# Several lines, all of them found once: a merge keeps what is added above them and what is added below them apart.
END_OF_QUESTIONS = """
# ------------------------------------------------------------------------------------------------
# The questions of mlopsgen end here.
# An organisation that keeps a template of its own writes its questions below these lines and leaves
# what is above as it is: then what mlopsgen changes and what the organisation changes never meet.
# ------------------------------------------------------------------ questions of an organisation
"""


def copier_yml(text: str) -> str:
    """``copier.yml`` with what is generated in it made again; the rest of its head is written by hand.

    ``copier update`` shall leave alone what an update leaves alone: what is seeded.
    """
    seeded = yaml.safe_load((ROOT / "sync.yaml").read_text(encoding="utf-8"))["seeded"]
    head = [line for line in text.split(BEGIN, maxsplit=1)[0].splitlines() if not line.startswith(SKIP)]
    written = "\n".join([*head, ""]).rstrip("\n")
    return f"{written}\n{SKIP} {json.dumps(seeded)}\n\n{BEGIN}{copier_questions()}{END_OF_QUESTIONS}"


def schema(name: str) -> str:
    """The JSON Schema of a document of the generated repository."""
    return json.dumps(model_schema(name), indent=2) + "\n"


ACTIONS_HEAD = """\
[# Generated from tools/actions.yaml by `make generate`: the actions that workflows use, each at one commit. #]
"""


def pins(*tables: str) -> dict[str, str]:
    """Each action of the tables as a workflow names it: ``actions/checkout@COMMIT # v1.2.3``."""
    texts = [(ROOT / "tools" / name).read_text(encoding="utf-8") for name in tables]
    table = {name: pin for text in texts for name, pin in yaml.safe_load(text).items()}
    return {name: f"{name}@{pin['commit']} # {pin['tag']}" for name, pin in sorted(table.items())}


def actions() -> str:
    """The names by which workflow templates pin actions: ``setup_python`` for ``actions/setup-python``."""
    lines = [
        f"[% set {name.rpartition('/')[2].replace('-', '_')} = '{pin}' %]\n"
        for name, pin in pins("actions.yaml").items()
    ]
    return ACTIONS_HEAD + "".join(lines)


def pinned(text: str) -> str:
    """A workflow with the actions in it pinned anew."""
    known = pins("actions.yaml", "own-actions.yaml")
    return re.sub(r"(?m)(?<=uses: )([\w-]+/[\w-]+)@.*$", lambda found: known[found[1]], text)


def generated() -> dict[Path, str]:
    """Every generated file and what it has to hold."""
    copier = ROOT / "copier.yml"
    schemas = {ROOT / "mlopsgen" / "schemas" / f"{name}.json": schema(name) for name in MODELS}
    includes = {ROOT / "template" / "_includes" / "actions.jinja": actions()}
    workflows = {
        path: pinned(path.read_text(encoding="utf-8"))
        for folder in (ROOT / "config-repository", ROOT)
        for path in sorted((folder / ".github" / "workflows").iterdir())
    }
    return {copier: copier_yml(copier.read_text(encoding="utf-8")), **schemas, **includes, **workflows, **pages()}


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
