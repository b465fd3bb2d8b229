"""What is dear to make and never changed is made by the first worker that needs it; the others read it."""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

Made = TypeVar("Made")


def of_all_workers(factory: pytest.TempPathFactory) -> Path:
    """A folder that every worker of this session sees."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Made]) -> Made:
    """What ``make`` returns, made by one worker for all.

    Args:
        factory: Where folders come from.
        name: Of the thing; another thing, another name.
        make: Makes it in a folder. Nobody changes anything in that, and what is returned can be pickled.
    """
    told = of_all_workers(factory) / f"{name}.place"
    with told.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            # In the folder of this worker, which looks through it for secrets at its end.
            folder = factory.mktemp(name)
            kept = folder / "made.pickle"
            kept.write_bytes(pickle.dumps(make(folder)))
            told.write_text(str(kept), encoding="utf-8")
    made: Made = pickle.loads(Path(told.read_text(encoding="utf-8")).read_bytes())
    return made
