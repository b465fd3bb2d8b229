"""A repository whose template lies somewhere else now: what its record means there.

From our own template to an organisation's, which was made from ours, there is a way: each of our versions is a commit
of its history. To a template of another kind there is none.
"""

from __future__ import annotations

from dataclasses import replace

from mlopsgen.answers import is_ours
from mlopsgen.constants import CANONICAL_TEMPLATE
from mlopsgen.errors import UsageError
from mlopsgen.ports import Template
from mlopsgen.sync.record import Record

OUR_VERSION = "Mlopsgen-Template: "
"""Before a version's name: that version of ours in the history of a template that was made from ours."""


def as_there(record: Record, template: Template) -> Record:
    """A record as the template understands it that the repository is brought to.

    Raises:
        UsageError: That template is of another kind.
    """
    if not record.template or _plain(record.template) == _plain(template.address):
        return record
    asked = template.questions(template.newest)
    is_of_ours = is_ours(record.answers)
    shared = set(record.answers) & set(asked.by_key)
    if asked.ours != is_of_ours or (record.answers and asked.by_key and not shared):
        raise UsageError(
            f"This repository was made from {record.template}, and {template.address} is another kind of template: "
            "it asks other questions.",
            where="--template",
            hint="--template says where its own template lies now; no update turns one template into another.",
        )
    if not is_of_ours or _plain(record.template) != CANONICAL_TEMPLATE or not record.version:
        return record
    found = template.find(f"{OUR_VERSION}v{record.version.removeprefix('v')}")
    return record if found is None else replace(record, version=found)


def _plain(address: str) -> str:
    return address.rstrip("/").removesuffix(".git")
