"""Which runner takes a job: the labels that a branch asks for, and who has them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_HOSTED = re.compile(r"(ubuntu|windows|macos)-(latest|slim|\d+(\.\d+)?)(-[a-z0-9-]+)?")
"""Labels of the machines that GitHub itself offers (docs: "Choosing the runner for a job")."""


def labels_of(runner: str | Sequence[str]) -> tuple[str, ...]:
    """The labels that ``runner`` names: a list, or a text with commas."""
    words = runner.split(",") if isinstance(runner, str) else runner
    return tuple(dict.fromkeys(word.strip() for word in words if word.strip()))


def is_hosted(labels: Iterable[str]) -> bool:
    """Whether GitHub itself offers a machine with these labels, so that nobody has to bring one."""
    found = tuple(labels)
    return bool(found) and all(_HOSTED.fullmatch(label.casefold()) for label in found)


def serves(offered: Iterable[str], asked: Iterable[str]) -> bool:
    """Whether a runner with the labels ``offered`` takes a job that asks for ``asked``: it needs every one of them."""
    return {label.casefold() for label in asked} <= {label.casefold() for label in offered}
