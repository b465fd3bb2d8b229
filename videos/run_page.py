"""A run of a workflow as a page: drawn from what ``act`` told, not GitHub's own."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .browser import Browser
from .drawn import from_markdown, head, take
from .film import Film
from .places import BUILD
from .recorded import Watched, event_of

NOTE = "run by act; not GitHub's own page"
SIGNS = {"success": "✔", "failure": "✘", "": "●", "skipped": "-", "left out": "-"}
COLOURS = {"success": "#1a7f37", "failure": "#cf222e", "": "#b26a00", "skipped": "#8b97a8", "left out": "#8b97a8"}
STYLED = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Seen:
    """What the page shows at a moment."""

    jobs: dict[str, str] = field(default_factory=dict)
    steps: dict[str, dict[str, str]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    now: str = ""


def seen(run: Watched, moment: float) -> Seen:
    """What had happened by a moment."""
    found = Seen(jobs=dict.fromkeys(run.run.jobs, "waiting"))
    for line in run.until(moment):
        event = event_of(line)
        job = event.get("jobID", "")
        if job not in found.jobs:
            continue
        if "jobResult" in event:
            found.jobs[job] = event["jobResult"]
        if event.get("stage") == "Main" and event.get("stepID"):
            _add(found, event, job, run.left_out)
    return found


def _add(found: Seen, event: dict[str, Any], job: str, left_out: tuple[str, ...]) -> None:
    """What was told of a step."""
    name, steps = event["step"].partition("@")[0], found.steps.setdefault(job, {})
    if found.jobs[job] == "waiting":
        found.jobs[job] = ""
    if found.now != job:
        found.now, found.log = job, []
    if len(event["stepID"]) == 1:
        result = event.get("stepResult", "")
        steps[name] = "left out" if name in left_out else result or steps.get(name, "")
        if result == "skipped":
            steps.pop(name)
    if event.get("raw_output") and name not in left_out:
        found.log += [text for text in STYLED.sub("", event["msg"]).splitlines() if text.strip()]


def play(film: Film, browser: Browser, run: Watched, *, span: tuple[float, float], seconds: float, title: str) -> None:
    """Show the run from one moment to another, in so many seconds."""
    real = span[1] - span[0]
    if real > seconds * 1.4:
        film.badge(f"{real:.0f} s shown in {seconds:.0f} s")
        film.speeds.append((title, real, seconds))
    frames = max(round(seconds / 0.5), 1)
    shown = ""
    for number in range(frames):
        moment = span[0] + (span[1] - span[0]) * (number + 1) / frames
        body = _body(run, moment, title)
        if body == shown:
            film.hold(seconds / frames)
            continue
        shown = body
        picture = BUILD / f"{film.name}-run-{run.run.id}-{len(film.shots.values):04}.png"
        film.page(take(browser, "run", body, picture), address(run), seconds / frames)
    film.badge("")
    film.note(address(run), text(seen(run, span[1]), title))


def text(found: Seen, title: str) -> str:
    """The page in words: jobs and their steps."""
    lines = [f"{title}   ({NOTE})"]
    for job, state in found.jobs.items():
        lines += ["", f"{job}: {state or 'running'}"]
        lines += [f"  {name}: {told or 'running'}" for name, told in found.steps.get(job, {}).items()]
    return "\n".join(lines)


def address(run: Watched) -> str:
    """What stands in the bar."""
    return f"the run of {run.run.workflow}, number {run.run.number}"


def summary(browser: Browser, run: Watched, target: Path) -> Path:
    """The page of a run that has ended: what its jobs wrote into the summary."""
    title = f"{run.run.branch}: run {run.run.number} of {run.run.workflow}"
    body = head(title, NOTE, run.run.conclusion) + from_markdown(run.run.summary)
    source = BUILD / "summary.html"
    return take(browser, source.stem, body, target)


def _body(run: Watched, moment: float, title: str) -> str:
    found = seen(run, moment)
    names = "".join(_job(name, state, now=name == found.now) for name, state in found.jobs.items())
    steps = "".join(_line(name, state) for name, state in list(found.steps.get(found.now, {}).items())[-9:])
    log = html.escape("\n".join(text[:112] for text in found.log[-11:]))
    return (
        head(title, NOTE)
        + f"<div class='jobs'><ul class='names'>{names}</ul><ul class='steps'>{steps}</ul></div>"
        + f"<pre class='log'>{log}</pre>"
    )


def _job(name: str, state: str, *, now: bool) -> str:
    sign, colour = ("○", "#8b97a8") if state == "waiting" else (SIGNS[state], COLOURS[state])
    return f"<li class='{'now' if now else ''}'><b style='color:{colour}'>{sign}</b>&nbsp; {html.escape(name)}</li>"


def _line(name: str, state: str) -> str:
    text = f"{name} (left out of this film)" if state == "left out" else name
    return f"<li><b style='color:{COLOURS[state]}'>{SIGNS[state]}</b>&nbsp; {html.escape(text)}</li>"
