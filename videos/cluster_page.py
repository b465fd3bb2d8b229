"""A run on the stand-in of Kubeflow as a graph: drawn from the API's answers, not Kubeflow's own page."""

from __future__ import annotations

import html
import re
import subprocess
from typing import Any

from .browser import Browser
from .drawn import head, take
from .film import Film
from .places import BUILD
from .recorded import ClusterNews

NOTE = "a stand-in for the Kubeflow API; the steps really run, as processes on this machine"
FILLS = {"": "#f1f3f6", "RUNNING": "#ffe3a3", "SUCCEEDED": "#c9efd2", "FAILED": "#ffc9c9", "SKIPPED": "#e3e6ea"}
NOISE = re.compile(r"\[KFP Executor|\d{4}/\d\d/\d\d ")
"""What kfp and MLflow print around a step."""
EDGES = {"": "#a9b4c2", "RUNNING": "#b26a00", "SUCCEEDED": "#1a7f37", "FAILED": "#cf222e", "SKIPPED": "#a9b4c2"}


def graph(spec: dict[str, Any]) -> tuple[list[str], list[tuple[str, str]]]:
    """The tasks that run something, and which comes after which."""
    components = spec["components"]
    names: list[str] = []
    edges: list[tuple[str, str]] = []

    def walk(tasks: dict[str, Any]) -> tuple[list[str], list[str]]:
        """The first and the last tasks of a level."""
        first: dict[str, list[str]] = {}
        last: dict[str, list[str]] = {}
        for name, task in tasks.items():
            inner = components[task["componentRef"]["name"]]
            if "dag" in inner:
                first[name], last[name] = walk(inner["dag"]["tasks"])
            else:
                names.append(name)
                first[name] = last[name] = [name]
        for name, task in tasks.items():
            for before in task.get("dependentTasks", []):
                edges.extend((a, b) for a in last[before] for b in first[name])
        needed = {before for task in tasks.values() for before in task.get("dependentTasks", [])}
        return (
            [one for name, task in tasks.items() if not task.get("dependentTasks") for one in first[name]],
            [one for name in tasks if name not in needed for one in last[name]],
        )

    walk(spec["root"]["dag"]["tasks"])
    return names, _direct(edges)


def _direct(edges: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Without those that a longer way says already."""
    after: dict[str, set[str]] = {}
    for a, b in edges:
        after.setdefault(a, set()).add(b)

    def reach(start: str, without: str) -> set[str]:
        found: set[str] = set()
        left = [one for one in after.get(start, ()) if one != without]
        while left:
            one = left.pop()
            if one not in found:
                found.add(one)
                left += after.get(one, ())
        return found

    return sorted({(a, b) for a, b in edges if b not in reach(a, b)})


def play(film: Film, browser: Browser, news: ClusterNews, run: Any, *, address: str, seconds: float) -> None:
    """Show a run from its beginning to its end, in so many seconds."""
    names, edges = graph(run.spec.get("pipeline_spec", run.spec))
    began, ended = news.span(run.id)
    if ended - began > seconds * 1.4:
        film.badge(f"{ended - began:.0f} s shown in {seconds:.0f} s")
        film.speeds.append((run.name, ended - began, seconds))
    frames = round(seconds / 0.5)
    shown: dict[str, str] | None = None
    for number in range(frames):
        states = news.states(run.id, began + (ended - began) * (number + 1) / frames)
        if states == shown:
            film.hold(seconds / frames)
            continue
        shown = states
        done = sum(state == "SUCCEEDED" for state in states.values())
        drawn = f"<div class='cluster'>{_drawn(names, edges, states)}{_said(states, run.play.logs)}</div>"
        body = head(run.name, NOTE, f"{done} of {len(names)} steps done") + drawn
        picture = BUILD / f"{film.name}-cluster-{len(film.shots.values):04}.png"
        film.page(take(browser, "cluster", body, picture), address, seconds / frames)
    film.badge("")
    lines = [f"{name}: {states[name]}  {said}".rstrip() for name, said in last_lines(states, run.play.logs).items()]
    film.note(address, "\n".join([f"{run.name}   ({NOTE})", "", *lines]))


def _drawn(names: list[str], edges: list[tuple[str, str]], states: dict[str, str]) -> str:
    lines = [
        'digraph { bgcolor="transparent" rankdir=TB ranksep=0.28 nodesep=0.5',
        'node [shape=box style="rounded,filled" fontname="DejaVu Sans" fontsize=16 penwidth=2 width=2.3 height=0.45]',
        'edge [color="#8b97a8" arrowsize=0.7]',
    ]
    for name in names:
        state = states.get(name, "")
        lines.append(f'"{name}" [fillcolor="{FILLS.get(state, FILLS[""])}" color="{EDGES.get(state, EDGES[""])}"]')
    lines += [f'"{a}" -> "{b}"' for a, b in edges]
    drawn = subprocess.run(
        ["dot", "-Tsvg"], input="\n".join([*lines, "}"]), capture_output=True, text=True, check=True
    ).stdout
    svg = drawn[drawn.index("<svg") :]
    svg = re.sub(r'<svg width="[^"]*" height="[^"]*"', '<svg width="470" height="560"', svg, count=1)
    return f"<div>{svg}</div>"


def _said(states: dict[str, str], logs: dict[str, str]) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td class='quiet'>{html.escape(said)}</td></tr>"
        for name, said in last_lines(states, logs).items()
        if said
    )
    return f"<table style='align-self: start'>{rows}</table>"


def last_lines(states: dict[str, str], logs: dict[str, str]) -> dict[str, str]:
    """The last line of its own that each step printed which is done; nothing of the others."""
    found = {}
    for name, state in states.items():
        lines = [line.strip() for line in logs.get(name, "").splitlines() if line.strip() and not NOISE.match(line)]
        found[name] = lines[-1][:160] if state == "SUCCEEDED" and lines else ""
    return found
