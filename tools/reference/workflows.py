"""``workflows.md``: the workflows of a generated repository with their inputs, secrets and variables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from mlopsgen.remote.needs import REPOSITORY, environment_of
from reference import needs
from reference.markdown import GENERATED, code, joined, prose, table
from reference.rendering import FULL, files

FOLDER = ".github/workflows/"

HEAD = f"""# Workflows: inputs, secrets, variables

The workflows in `.github/workflows/` of a generated repository, as somebody gets them who answers yes to everything:
Kubeflow behind an ssh server, a container registry, data that is watched, weekly updates of the template, mails.
[How they work together](../explanation/workflows.md) is a page of its own.

{GENERATED}
"""
SECRETS_HEAD = """## Secrets

Each environment (`development`, `staging`, `production`) holds its own values under the same names. *Required* says
that what was asked for cannot work without it: a login of Kubeflow, a mail server. `mlopsgen secrets list` shows which
of them a repository needs, and `mlopsgen secrets set` brings the values to GitHub, sealed.

Where a repository cannot have environments, the same secrets are the repository's, with the environment's name before
theirs: `STAGING_KUBEFLOW_TOKEN`. The workflows read both.
"""
VARIABLES_HEAD = """## Variables

Variables of the same environments; everybody who sees the repository can read them. `mlopsgen push` writes those that
the answers hold; others stand in [remote.yaml](remote-yaml.md#environments).
"""


def texts() -> dict[str, str]:
    """The workflow files by their names."""
    return {path.removeprefix(FOLDER): text for path, text in files(FULL).items() if path.startswith(FOLDER)}


def page() -> str:
    """The page."""
    found = texts()
    return joined(HEAD, *(_section(*each) for each in found.items()), _secrets(), _variables())


def _section(name: str, text: str) -> str:
    document: dict[Any, Any] = yaml.safe_load(text)
    events = document.get("on", document.get(True))
    return joined(
        f"## {name}",
        _remark(text),
        table(("it begins with", "that is"), _begins(events)),
        _inputs(events),
        table(("job", "environment", "its token may"), _jobs(document)),
        _read(text),
    )


def _remark(text: str) -> str:
    """What the file says of itself before it begins; what stands in columns there becomes a list."""
    sentence: list[str] = []
    points: list[str] = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        words = line.removeprefix("#").removeprefix(" ")
        point = re.fullmatch(r"([\w-]+) {2,}(.*)", words)
        if point:
            points.append(f"- {code(point[1])}: {point[2]}")
        elif points:
            points[-1] += f" {words.strip()}"
        else:
            sentence.append(words.strip())
    return joined(prose(" ".join(sentence)), "\n".join(prose(point) for point in points))


def _begins(events: Any) -> Iterator[tuple[str, str]]:
    named = {events: None} if isinstance(events, str) else events
    for name, more in (dict.fromkeys(named) if isinstance(named, list) else named).items():
        yield code(name), _event(more)


def _event(more: Any) -> str:
    if isinstance(more, list):
        return ", ".join(code(str(each.get("cron"))) for each in more) + " (UTC)"
    if not more:
        return "by hand"
    said = [
        f"{key}: {', '.join(code(str(each)) for each in (value if isinstance(value, list) else [value]))}"
        for key, value in more.items()
        if key != "inputs"
    ]
    return "; ".join(said) or "by hand, with the inputs below"


def _inputs(events: Any) -> str:
    found = events.get("workflow_dispatch") if isinstance(events, dict) else None
    rows = []
    for name, said in ((found or {}).get("inputs") or {}).items():
        value = ", ".join(code(str(each)) for each in said.get("options", [])) or str(said.get("type", "text"))
        default = said.get("default", "")
        rows.append(
            (
                code(name),
                value,
                "required" if said.get("required") else code(str(default)) if default != "" else "",
                prose(said.get("description", "")),
            )
        )
    return table(("input", "value", "default", "meaning"), rows)


def _jobs(document: dict[Any, Any]) -> Iterator[tuple[str, str, str]]:
    for name, job in document["jobs"].items():
        environment = job.get("environment", "")
        environment = environment.get("name", "") if isinstance(environment, dict) else environment
        rights = job.get("permissions", document.get("permissions", {}))
        may = ", ".join(f"{key}: {value}" for key, value in rights.items()) if isinstance(rights, dict) else str(rights)
        yield code(name), code(str(environment)) if environment else "", may or "nothing"


def named(kind: str, text: str) -> list[str]:
    """The names that a workflow reads, of an environment; those that stand in for them are left out."""
    found = set(re.findall(rf"\b{kind}\.([A-Za-z_][A-Za-z0-9_]*)", text))
    return sorted(name for name in found if environment_of(name)[1] == name)


def _read(text: str) -> str:
    parts = [
        f"{title}: {', '.join(code(name) for name in found)}."
        for title, kind in (("Secrets", "secrets"), ("Variables", "vars"))
        if (found := named(kind, text))
    ]
    return "\n\n".join(parts)


def _secrets() -> str:
    rows = [
        (
            code(name),
            "the repository" if known[0].environment == REPOSITORY else "each environment",
            "required" if all(need.required for need in known) else "",
            " Or: ".join(dict.fromkeys(prose(needs.purpose(need)) for need in known)),
        )
        for name, known in needs.secrets().items()
    ]
    return joined(SECRETS_HEAD, table(("secret", "held by", "needed", "purpose"), rows))


def _variables() -> str:
    rows = [(code(name), prose(text)) for name, text in needs.variables().items()]
    return joined(VARIABLES_HEAD, table(("variable", "purpose"), rows))
