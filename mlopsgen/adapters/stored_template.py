"""What templates of every engine have in common: versions from a store, and code only of those that are trusted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from mlopsgen.adapters.trust import NOBODY, Trust


class VersionStore(Protocol):
    """Where the versions of a template lie."""

    @property
    def address(self) -> str:
        """The template's public address."""

    @property
    def newest(self) -> str:
        """The newest version."""

    @property
    def warning(self) -> str:
        """A sentence if the versions are those of the last time, because the network is away; else empty."""

    def versions(self) -> tuple[str, ...]:
        """Every version, oldest first."""

    def find(self, name: str) -> str | None:
        """The version that a name means."""

    def identity(self, version: str) -> str | None:
        """What names the content of a version: the same for the same content; ``None`` if it may change."""

    def lay_out(self, version: str, destination: Path) -> None:
        """Write a version's ``copier.yml`` and what it renders from into the empty folder ``destination``."""

    def read(self, version: str, name: str) -> str | None:
        """The text of a file beside ``copier.yml``."""

    def changelog(self, start: str, end: str) -> tuple[tuple[str, str], ...]:
        """What changed after ``start`` up to ``end``, newest first."""


class StoredTemplate(ABC):
    """A template whose versions lie in a store; what its engine knows is left to the classes of engines.

    Args:
        store: Where the versions lie.
        environ: The environment of this command, of which a render gets little.
        trust: The templates that may run code of their own.
    """

    def __init__(self, store: VersionStore, environ: Mapping[str, str], trust: Trust = NOBODY) -> None:
        self._store = store
        self._environ = environ
        self._trust = trust

    @property
    def store(self) -> VersionStore:
        """Where the versions lie."""
        return self._store

    @property
    def warning(self) -> str:
        """A sentence if the versions are those of the last time, because the network is away; else empty."""
        return self._store.warning

    @property
    def address(self) -> str:
        """The template's public address, as repositories record it."""
        return self._store.address

    @property
    def newest(self) -> str:
        """The newest version."""
        return self._store.newest

    def versions(self) -> tuple[str, ...]:
        """The versions that can be rendered, oldest first."""
        return self._store.versions()

    def find(self, name: str) -> str | None:
        """The version that a name means."""
        return self._store.find(name)

    def read(self, version: str, name: str) -> str | None:
        """The text of a file at the top of a version's repository, ``None`` if there is none."""
        return self._store.read(version, name)

    def changelog(self, start: str, end: str) -> tuple[tuple[str, str], ...]:
        """What changed after ``start`` up to ``end``, newest first: pairs of a version and Markdown."""
        return self._store.changelog(start, end)

    def permit(self, version: str) -> bool:
        """Whether a version runs code of its own, which its template was trusted with.

        Raises:
            UnsafeTemplate: It would, and nobody said that it may.
        """
        code = tuple(self._code(version))
        self._trust.require(self.address, version, code)
        return bool(code)

    def render(self, version: str, answers: Mapping[str, object], destination: Path) -> None:
        """Write the rendered files of ``version`` into the empty folder ``destination``.

        Raises:
            MlopsgenError: There is no such version, or the template cannot be rendered.
        """
        self._render(version, answers, destination, again=False)

    def render_again(self, version: str, answers: Mapping[str, object], destination: Path) -> None:
        """The same, to be compared with another render: both draw the same at random.

        Raises:
            MlopsgenError: There is no such version, or the template cannot be rendered.
        """
        self._render(version, answers, destination, again=True)

    @abstractmethod
    def _code(self, version: str) -> Iterable[str]:
        """What a version would run, each in a few words."""

    @abstractmethod
    def _render(self, version: str, answers: Mapping[str, object], destination: Path, *, again: bool) -> None:
        """Render."""
