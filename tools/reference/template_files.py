"""``template-files.md``: the files that say how a template treats its repositories."""

from __future__ import annotations

from typing import Any

from mlopsgen.answer_documents import organisation_schema
from mlopsgen.sync import classes
from reference.fields import COLUMNS, Schema, rows
from reference.markdown import GENERATED, code, joined, prose, table

HEAD = f"""# Files of templates

What an organisation writes at the top of its template, and what every generated repository keeps of the template that
made it. [Keep a template of your own](../how-to/config-repo.md) shows how they are used.

{GENERATED}

## organisation.yaml

What an organisation decides about the answers of all of its repositories. `mlopsgen schema organisation` prints its
JSON Schema. Under `preset` and `locked` every [question](questions.md) may stand but `project_name` and `slug`, which
are each project's own; `mlopsgen config-repo check` looks at all of it.
"""

SYNC_HEAD = """## sync.yaml

How an update of a repository treats its files. Patterns are those of `.gitignore`, from the repository's top. A file
that stands nowhere here is merged, as git merges.
"""

RECORD_HEAD = """## .copier-answers.yml

In every generated repository: which template made it, in which version, with which answers. `mlopsgen` and `copier`
write it. You edit one key in it, `owned`; another answer is given with `mlopsgen sync --set KEY=VALUE`.
"""

_SYNC = {
    "version": "The format; there is one so far.",
    "seeded": "Written once, then the owner's: an update leaves them alone, and adds those that are new.",
    "managed": "The template's: replaced whole. What somebody changed in them is shown.",
    "locks": "Never merged: made again from the merged files that they are locked from, in this order.",
    "locks[].lock": "The lock, or those that are made together.",
    "locks[].from": "The files that it is locked from.",
    "organisation": "The same lists for files of an organisation's own; what stands here has the last word.",
}
_RECORD = {
    "_src_path": "The address of the template.",
    "_commit": "The version that the repository has.",
    "_digest": "Proves that the answers are those that the version was rendered with; do not edit.",
    "owned": "Files that you took over, so that updates leave them alone: `[docs/, src/helpers/x.py]`.",
    "<question>": "The answer to each [question](questions.md) that was asked.",
}


def page() -> str:
    """The page.

    Raises:
        ValueError: The tool reads keys of ``sync.yaml`` that nobody has described here.
    """
    read = {*classes.KEYS, *(f"locks[].{key}" for key in classes.LOCK_KEYS)}
    if read != set(_SYNC):
        raise ValueError(f"sync.yaml has other keys than those that are described: {sorted(read ^ set(_SYNC))}")
    schema = Schema(organisation())
    return joined(
        HEAD,
        table(COLUMNS, rows(schema.fields(schema.document))),
        SYNC_HEAD,
        table(("key", "meaning"), [(code(key), prose(text)) for key, text in _SYNC.items()]),
        RECORD_HEAD,
        table(("key", "meaning"), [(code(key), text) for key, text in _RECORD.items()]),
    )


def organisation() -> dict[str, Any]:
    """The schema of ``organisation.yaml`` without the questions, which have a page of their own."""
    found = organisation_schema()
    for key in ("preset", "locked"):
        found["properties"][key] = {**found["properties"][key], "properties": {}}
    return found
