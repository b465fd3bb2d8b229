"""Which templates may run code of their own: those that the person who runs this named, for this command alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlopsgen.adapters.template_address import parse
from mlopsgen.errors import PermissionDenied

_SHOWN = 10
"""So many things that would run are listed in full."""


class UnsafeTemplate(PermissionDenied):
    """The template would run code of its own."""

    code = "unsafe-template"


@dataclass(frozen=True)
class Trust:
    """The templates that may run code of their own.

    Attributes:
        addresses: Where they lie.
    """

    addresses: frozenset[str] = frozenset()

    @classmethod
    def of(cls, given: Iterable[str]) -> Trust:
        """The templates that a person names.

        Raises:
            UsageError: One of the names is no address of a template.
        """
        return cls(frozenset(_compared(parse(text, trusted=True, where="--trust").text) for text in given))

    def names(self, address: str) -> bool:
        """Whether a template is one of them."""
        return _compared(address) in self.addresses

    def require(self, address: str, version: str, code: Sequence[str]) -> None:
        """Refuse a version that needs code, unless its template is trusted.

        Args:
            address: The template.
            version: The version.
            code: What would run, each in a few words; empty: nothing.

        Raises:
            UnsafeTemplate: It would, and nobody said that it may.
        """
        if not code or self.names(address):
            return
        listed = "; ".join(code[:_SHOWN])
        more = f"; and {len(code) - _SHOWN} more" if len(code) > _SHOWN else ""
        raise UnsafeTemplate(
            f"The template {address} {version} would run code of its own on this machine: {listed}{more}.",
            where=address,
            hint=f"Read it there. If you trust whoever makes it: --trust {address}",
        )


NOBODY = Trust()
"""Nobody's code runs."""


def _compared(address: str) -> str:
    """An address as it is compared: ``.git`` at the end of a repository's name means nothing."""
    place, mark, folder = address.partition("#")
    return f"{place.removesuffix('.git')}{mark}{folder}"
