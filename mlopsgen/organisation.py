"""What an organisation decides about answers: values that stand ready, and values that nobody changes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlopsgen.questions import Value

LONGEST_NAME = 60
"""So many characters an organisation's name may have."""
PERSONAL = ("project_name", "slug")
"""Each project's own: nothing that an organisation decides."""


@dataclass(frozen=True, kw_only=True)
class Locked:
    """An answer that every repository of an organisation has.

    Attributes:
        value: The answer.
        why: The organisation's reason, a sentence for people; may be empty.
    """

    value: Value
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Organisation:
    """What a version of an organisation's template says about answers.

    Attributes:
        name: The organisation, as people call it.
        preset: Answers that stand there in place of the template's defaults; a person may change them.
        locked: Answers that nobody changes.
    """

    name: str
    preset: Mapping[str, Value] = field(default_factory=dict)
    locked: Mapping[str, Locked] = field(default_factory=dict)
