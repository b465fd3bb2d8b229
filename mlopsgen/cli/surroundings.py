"""Where a command runs, as the operations want to know it."""

from __future__ import annotations

import sys
from pathlib import Path

from mlopsgen.cli.session import Session
from mlopsgen.operations.project import Surroundings


def surroundings_of(session: Session) -> Surroundings:
    """The session's folder and environment, and the Python behind the tool.

    The interpreter is the one that the tool's virtual environment was made from: what a forge records of it has to
    outlive an upgrade or a removal of the tool.
    """
    return Surroundings(folder=session.cwd, environ=session.environ, python=Path(sys.executable).resolve())
