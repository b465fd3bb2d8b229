"""What a version of a template asks: the questions in its ``copier.yml``, read without running anything."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import NamedTuple

from mlopsgen.answers import BY_KEY
from mlopsgen.ports import Template

_NAMES = ("copier.yml", "copier.yaml")
# Together they are the mark of our questions: a template derived from ours has them, nobody else's does.
_OURS = ("data_address", "development_engine", "metrics", "notify_how", "review_wait_minutes")


class Asked(NamedTuple):
    """The questions of a version.

    Attributes:
        helps: Each question's line of help by its key, in order.
        ours: Whether they are the questions of :mod:`mlopsgen.answers`, with more or fewer of them.
    """

    helps: Mapping[str, str]
    ours: bool

    def title(self, key: str) -> str:
        """A question in a few words."""
        return BY_KEY[key].title if self.ours and key in BY_KEY else key

    def help(self, key: str) -> str:
        """A question's line of help."""
        return BY_KEY[key].help if self.ours and key in BY_KEY else self.helps.get(key, "")


def is_ours(keys: Collection[str]) -> bool:
    """Whether questions or answers with these keys are those of our template, or of one derived from it."""
    return all(key in keys for key in _OURS)


def questions_of(template: Template, version: str) -> Asked:
    """The questions of a version; none where they cannot be read, which is then the engine's to say.

    Raises:
        mlopsgen.errors.MlopsgenError: There is no such version.
    """
    text = next((text for name in _NAMES if (text := template.read(version, name)) is not None), "")
    helps = {key: line for key, line in _top_level(text) if key and not key.startswith("_")}
    return Asked(helps, is_ours(helps))


@lru_cache(maxsize=8)
def _top_level(text: str) -> list[tuple[str, str]]:
    import yaml  # noqa: PLC0415 - only commands that read YAML pay for it

    try:
        # Nodes, not values: copier has tags of its own, and several documents in one file.
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError):
        return []
    pairs = [pair for node in documents if isinstance(node, yaml.MappingNode) for pair in node.value]
    return [(str(key.value), _help(value)) for key, value in pairs]


def _help(node: object) -> str:
    pairs = getattr(node, "value", None)
    if not isinstance(pairs, list):
        return ""
    words = [pair[1].value for pair in pairs if isinstance(pair, tuple) and pair[0].value == "help"]
    return " ".join(words[0].split()) if words and isinstance(words[0], str) else ""
