"""Whether a branch's data changed since its last training: the repository's `watch`, in a checkout of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import locks, queue, repository, surroundings
from .layout import FORMAT, Layout
from .records import Run, read_run
from .verbs import StageFailed, Verbs

_CHANGED = 8
_NAMES = 3


def look(layout: Layout, branch: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """Look once and tell; nothing is queued here.

    Returns:
        ``exit_code`` (0 unchanged or nothing to compare with, 8 changed, others as ever), ``summary``, ``commit``,
        ``report`` and ``number`` of the training that it was compared with, ``reason`` (what a training that follows is
        told), ``started`` (the training that the same change has started before, or null), ``data`` of the verb, and
        ``error``.
    """
    own = surroundings.for_worker(environ, layout.root / "work")
    commit = repository.heads(layout, own).get(branch, "")
    found: dict[str, Any] = {"version": FORMAT, "branch": branch, "commit": commit, "report": "", "number": 0}
    found |= {"reason": "", "started": None, "data": {}, "error": None}
    if not commit:
        return found | {"exit_code": 0, "summary": f"{branch} was never pushed; there is nothing to compare with."}
    last = last_with_report(layout, branch)
    if last is None:
        return found | {"exit_code": 0, "summary": f"{branch} was never trained; there is nothing to compare with."}
    found |= {"number": last.number, "report": report_of(last)}
    with locks.hold(layout.queue(branch) / "watch.lock"):
        folder = layout.watch(branch)
        (folder / "log.txt").unlink(missing_ok=True)
        (folder / "progress.txt").unlink(missing_ok=True)
        verbs = Verbs(layout, branch, commit, checkout=folder / "checkout", environ=own, folder=folder)
        try:
            verbs.prepare(lambda stage: verbs.journal.note(f"-- {stage}"))
            done = verbs.run("watch", "--report", report_of(last))
            if done.exit_code not in (0, _CHANGED):
                raise done.failure()
        except StageFailed as failure:
            return found | {"exit_code": failure.exit_code, "summary": str(failure), "error": failure.error}
        finally:
            repository.remove_tree(folder / "checkout")
    found |= {"exit_code": done.exit_code, "summary": done.summary, "data": dict(done.data)}
    if done.exit_code == _CHANGED:
        found["reason"] = reason_of(done.data)
        found["started"] = _started(layout, branch, last.number, found["reason"])
    return found


def last_with_report(layout: Layout, branch: str) -> Run | None:
    """The branch's newest training that has a report, whatever came of it."""
    for number in range(queue.latest_number(layout, branch), 0, -1):
        run = read_run(layout, branch, number)
        if run is not None and run.is_final and report_of(run):
            return run
    return None


def report_of(run: Run) -> str:
    """The path of a training's report, if it is there."""
    path = run.report.get("json", "")
    return path if path and Path(path).is_file() else ""


def reason_of(data: Mapping[str, Any]) -> str:
    """Why a training starts: which data changed, and a mark of the state that the data is in now."""
    sources = [each for each in data.get("sources") or [] if isinstance(each, Mapping)]
    changed = [str(each.get("name")) for each in sources if each.get("changed")]
    now = sorted((str(each.get("name")), str(each.get("now") or each.get("revision") or "")) for each in sources)
    mark = hashlib.sha256(repr(now).encode()).hexdigest()[:12]
    names = ", ".join(changed[:_NAMES]) + (f" and {len(changed) - _NAMES} more" if len(changed) > _NAMES else "")
    return f"data changed: {names or 'its sources'} [{mark}]"


def _started(layout: Layout, branch: str, number: int, reason: str) -> int | None:
    """The training after ``number`` that the same state of the data has started, and that left no report."""
    for later in range(queue.latest_number(layout, branch), number, -1):
        run = read_run(layout, branch, later)
        if run is not None and run.reason == reason:
            return later
    return None
