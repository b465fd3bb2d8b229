"""What the environment tells the tool about where things lie, each value with its origin, so that it can be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Setting:
    """A folder and where it comes from: the name of a variable, or ``default``."""

    value: Path
    origin: str


def state_folder(environ: Mapping[str, str]) -> Setting | None:
    """Where reports of our mistakes are kept; ``None`` where there is no home folder."""
    named = environ.get("XDG_STATE_HOME", "")
    # The specification of these variables says that a relative path is to be ignored.
    if named and Path(named).is_absolute():
        return Setting(Path(named) / "mlopsgen", "XDG_STATE_HOME")
    home = environ.get("HOME") or environ.get("USERPROFILE") or ""
    return Setting(Path(home) / ".local" / "state" / "mlopsgen", "default") if home else None
