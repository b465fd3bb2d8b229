"""What the environment tells the tool about where things lie."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def state_folder(environ: Mapping[str, str]) -> Path | None:
    """Where reports of our mistakes are kept; ``None`` where there is no home folder."""
    named = environ.get("XDG_STATE_HOME", "")
    # The specification of these variables says that a relative path is to be ignored.
    if named and Path(named).is_absolute():
        return Path(named) / "mlopsgen"
    home = environ.get("HOME") or environ.get("USERPROFILE") or ""
    return Path(home) / ".local" / "state" / "mlopsgen" if home else None
