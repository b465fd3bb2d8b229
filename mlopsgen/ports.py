"""What operations need from outside, as protocols: the command line, the tests and the web app bring their own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from mlopsgen.events import Event


class EventSink(Protocol):
    """Receives progress."""

    def __call__(self, event: Event) -> None:
        """Take one event; must not raise and must not block for long."""


class TemplateEngine(Protocol):
    """Renders a version of a template with answers; sync needs nothing else."""

    def render(self, version: str, answers: Mapping[str, object], destination: Path) -> None:
        """Write the rendered files of ``version`` into the empty folder ``destination``.

        Raises:
            mlopsgen.errors.MlopsgenError: There is no such version, or the template cannot be rendered.
        """

    def versions(self) -> tuple[str, ...]:
        """The versions that can be rendered, oldest first."""


def ignore_events(event: Event) -> None:
    """An :class:`EventSink` that drops everything."""
