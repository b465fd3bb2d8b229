"""A secret that cannot be printed by accident."""

from __future__ import annotations

from typing import NoReturn


class SecretValue:
    """Holds a secret; only :meth:`reveal` gives it out, at the one place that hands it to its receiver.

    Every usual way of printing it (``str``, ``repr``, formatting, pickling, JSON through ``__dict__``) shows stars.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself. Never log, format or store what this returns."""
        return self._value

    def __repr__(self) -> str:
        return "SecretValue(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretValue) and other._value == self._value

    def __hash__(self) -> int:
        return hash((type(self), self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled")
