"""Which version of a template a repository's files are of, whatever its record says: told by the managed files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from mlopsgen.constants import ANSWERS_FILE
from mlopsgen.errors import MlopsgenError
from mlopsgen.sync.values import Listing


class Fit(NamedTuple):
    """How well a version fits.

    Attributes:
        same: Managed files that are exactly as the version renders them.
        different: Managed files that are otherwise.
        missing: Managed files that the version has and the repository has not.
        others: Other files that are exactly as rendered; they decide between versions with equal managed files.
        apart: Other files that are otherwise, or missing.
    """

    same: int
    different: int
    missing: int
    others: int
    apart: int = 0

    @property
    def is_exact(self) -> bool:
        """Whether each managed file is as rendered."""
        return self.same > 0 and not self.different and not self.missing

    @property
    def total(self) -> int:
        """Files that are exactly as rendered."""
        return self.same + self.others

    @property
    def rank(self) -> tuple[int, int]:
        """Greater is better."""
        return (self.same - self.different - self.missing, self.others)


@dataclass(frozen=True, kw_only=True)
class Fits:
    """Compares a repository with renders.

    Attributes:
        ours: The repository's files.
        listing: Renders a version with answers.
        is_managed: Whether a path is of the class *managed* and not taken over by the owner.
    """

    ours: Listing
    listing: Callable[[str, Mapping[str, Any]], Listing]
    is_managed: Callable[[str], bool]

    def of(self, version: str, answers: Mapping[str, Any]) -> Fit:
        """How well a version fits."""
        same = different = missing = others = apart = 0
        for path, entry in self.listing(version, answers).items():
            found = self.ours.get(path)
            if path == ANSWERS_FILE:
                continue  # it is what is in question
            if not self.is_managed(path):
                others += found == entry
                apart += found != entry
            elif found is None:
                missing += 1
            elif found == entry:
                same += 1
            else:
                different += 1
        return Fit(same, different, missing, others, apart)

    def best(self, versions: Iterable[str], answers: Mapping[str, Any]) -> tuple[str, Fit] | None:
        """The version that fits best, the newest of equals; ``None`` if no managed file is like any version's."""
        found: tuple[str, Fit] | None = None
        for version in versions:
            try:
                fit = self.of(version, answers)
            except MlopsgenError:
                continue  # a version that cannot be rendered with these answers is none that they were made from
            if fit.same and (found is None or fit.rank >= found[1].rank):
                found = (version, fit)
        return found

    def contradiction(self, recorded: str, versions: Iterable[str], answers: Mapping[str, Any]) -> str | None:
        """The version that the files are of, if it is certain that it is not the recorded one.

        It is certain where a managed file is not as the recorded version has it, every one is exactly as the other
        version has it, and more of the other files are so, too. Owners edit managed files, but not to that effect.
        """
        own = self.of(recorded, answers)
        if not own.different:
            return None
        best = self.best((version for version in versions if version != recorded), answers)
        if best is None or not best[1].is_exact:
            return None
        return best[0] if best[1].total > own.total else None

    def rendered_with(self, version: str, candidates: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
        """The answers that most files are rendered with, the first ones of equals."""
        found: tuple[int, Mapping[str, Any]] | None = None
        for answers in candidates:
            try:
                total = self.of(version, answers).total
            except MlopsgenError:
                continue
            if found is None or total > found[0]:
                found = (total, answers)
        return found[1] if found is not None else None
