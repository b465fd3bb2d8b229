"""An update as JSON values, as ``mlopsgen sync --output json`` prints it."""

from __future__ import annotations

from typing import Any

from mlopsgen.forge.values import Resource
from mlopsgen.sync.migrations import version_key
from mlopsgen.sync.trees import shown
from mlopsgen.sync.values import SettingsChanges, Update


def goes_back(update: Update) -> bool:
    """Whether an update brings an older version than the repository has."""
    return version_key(update.end) < version_key(update.start)


def journey(update: Update) -> str:
    """Which way an update goes, in a few words."""
    if update.start == update.end:
        return f"new answers at {update.end}"
    return f"{'back ' if goes_back(update) else ''}from {update.start} to {update.end}"


def update_data(update: Update) -> dict[str, Any]:
    """What an update brings; names that are no UTF-8 are spelt out."""
    return {
        "template": update.template,
        "from": update.start,
        "to": update.end,
        "commit_updated": update.ours,
        "changes": [
            {**change._asdict(), "path": shown(change.path), "before": shown(change.before)}
            for change in update.changes
        ],
        "conflicts": [{**conflict._asdict(), "path": shown(conflict.path)} for conflict in update.conflicts],
        "notes": [
            {"path": shown(note.path), "why": note.why.value, "detail": note.detail, "diff": note.diff}
            for note in update.notes
        ],
        "new_answers": [
            {
                "key": answer.key,
                "title": answer.title,
                "value": answer.value,
                "before": answer.before,
                "origin": answer.origin,
                "decided_by": answer.decided_by,
            }
            for answer in update.new_answers
        ],
        "changelog": [entry._asdict() for entry in update.changelog],
        "settings": _settings(update.settings),
        "warnings": list(update.warnings),
    }


def _settings(settings: SettingsChanges) -> dict[str, Any]:
    return {
        name: [_resource(resource) for resource in found]
        for name, found in (("added", settings.added), ("changed", settings.changed), ("removed", settings.removed))
    }


def _resource(resource: Resource) -> dict[str, Any]:
    key = resource.key
    return {"resource": key.kind.value, "scope": key.scope, "name": key.name, "purpose": resource.purpose}
