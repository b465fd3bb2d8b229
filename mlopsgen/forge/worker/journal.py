"""A training's two logs: everything, and the short lines for whoever follows; neither ever holds a secret."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

LOG, PROGRESS = "log.txt", "progress.txt"
_SHORTEST_MASKED = 4
_LONGEST_LINE = 400
_LARGEST_SCRUBBED = 50_000_000


class Journal:
    """Writes the logs of one training.

    Args:
        folder: The training's folder.
        secrets: Values that are replaced by stars wherever they occur.
    """

    def __init__(self, folder: Path, secrets: Iterable[str] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._masked = _forms(secrets)

    def note(self, line: str) -> None:
        """A line for the log alone."""
        stamp = datetime.now(UTC).strftime("%H:%M:%S")
        self._append(LOG, f"{stamp} {self.mask(line)}")

    def say(self, line: str) -> None:
        """A line for the log and for everybody who follows."""
        self.note(line)
        line = self.mask(line)
        self._append(PROGRESS, line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} ...")

    def mask(self, text: str) -> str:
        """The text with stars in place of every secret."""
        for secret in self._masked:
            text = text.replace(secret, "***")
        return text

    def scrub(self) -> None:
        """Put stars over secrets in the files that the training itself left in the folder (its engine's log)."""
        if not self._masked:
            return
        for path in self._folder.rglob("*"):
            if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST_SCRUBBED:
                continue
            content = path.read_bytes()
            clean = content
            for secret in self._masked:
                clean = clean.replace(secret.encode(), b"***")
            if clean != content:
                path.write_bytes(clean)

    def _append(self, name: str, line: str) -> None:
        with (self._folder / name).open("a", encoding="utf-8", errors="replace") as file:
            file.write(line + "\n")


def _forms(secrets: Iterable[str]) -> list[str]:
    """Every way in which a secret shows in a line of text, longest first; each line of a longer one counts."""
    forms: set[str] = set()
    for secret in secrets:
        for part in map(str.strip, (secret, *secret.splitlines())):
            forms |= {part, json.dumps(part)[1:-1], repr(part)[1:-1], quote(part, safe="")}
    return sorted((form for form in forms if len(form) >= _SHORTEST_MASKED), key=len, reverse=True)
