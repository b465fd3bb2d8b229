"""How a repository stands to its template: the version that it has, what is newer, and an update that waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlopsgen.adapters.git import GitRepository
from mlopsgen.adapters.template_store import TemplateStore
from mlopsgen.constants import ANSWERS_FILE, CANONICAL_TEMPLATE
from mlopsgen.errors import MlopsgenError
from mlopsgen.operations import sync_state
from mlopsgen.operations.locked_answers import SET_BACK, Differing, decisions_about
from mlopsgen.operations.wording import counted, template_name
from mlopsgen.sync.migrations import version_key
from mlopsgen.sync.record import read_record


def template_status(source: GitRepository, environ: Mapping[str, str]) -> dict[str, Any]:
    """The template, the version, what this program knows that is newer, whether an update waits, and what is locked.

    The network is asked for a template of somebody else that was never fetched here, and for nothing else.

    Args:
        source: The repository.
        environ: The environment that git is started with.
    """
    found: dict[str, Any] = {"address": None, "version": None, "newest": None, "newer": [], "waiting": None}
    found["decided"] = decisions_about(source.path, environ).as_dict()
    try:
        record = read_record((source.path / ANSWERS_FILE).read_text(encoding="utf-8"))
        underway = sync_state.read(source)
    except (OSError, UnicodeDecodeError, MlopsgenError):
        return found
    found |= {"address": record.template or None, "version": record.version or None}
    if underway is not None:
        found["waiting"] = {"from": underway.start, "to": underway.end, "sync_branch": underway.sync_branch}
    if record.template.removesuffix(".git") == CANONICAL_TEMPLATE and record.version:
        versions = TemplateStore(environ).versions()
        newer = [name for name in versions if version_key(name) > version_key(record.version)]
        found |= {"newest": versions[-1], "newer": newer}
    return found


def locked_line(found: Mapping[str, Any]) -> str:
    """Who decided answers of the repository, in a line; empty where nobody did."""
    decided = found["decided"]
    if decided["note"]:
        return str(decided["note"])
    count = len(decided["differing"])
    if not decided["by"]:
        return ""
    kept = f"{counted(count, 'locked answer')} changed here" if count else "its locked answers are kept"
    return f"template of {decided['by']}: {kept}"


def template_line(found: Mapping[str, Any]) -> str:
    """The same in a line; empty where nothing is known."""
    if not found["version"]:
        return ""
    template = f"template {template_name(found['address'] or '')}".rstrip()
    if found["newer"]:
        return f"{template} {found['version']}, {counted(len(found['newer']), 'version')} behind {found['newest']}"
    newest = ", the newest one here" if found["newest"] else ""
    return f"{template} {found['version']}{newest}"


def template_problems(found: Mapping[str, Any]) -> list[dict[str, str]]:
    """What needs somebody, each with the command that helps."""
    waiting, problems = found["waiting"], []
    if waiting is not None:
        message = f"an update of the template to {waiting['to']} waits on {waiting['sync_branch']} to be finished"
        problems = [{"message": message, "hint": "mlopsgen sync --continue   (or --abort)"}]
    decided = found["decided"]
    for each in decided["differing"]:
        problems.append({"message": Differing(**each).words(decided["by"]), "hint": SET_BACK})
    return problems
