"""What an update changes in what the repository shall be on GitHub: the desired states before and after it, compared.

GitHub is not asked: what it has is the plan's matter, which is made when the update is merged.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlopsgen.adapters.git import GitRepository
from mlopsgen.answers import BY_KEY, is_ours, resolve
from mlopsgen.errors import MlopsgenError
from mlopsgen.forge.values import Key, Kind, Resource
from mlopsgen.questions import Value
from mlopsgen.remote.document import REMOTE_DOCUMENT
from mlopsgen.remote.github_desired import github_resources
from mlopsgen.remote.making import SOURCES_DOCUMENT, making_of
from mlopsgen.sync.values import SettingsChanges

# The repository itself holds nothing that is not among the settings, too.
_SAID_ELSEWHERE = frozenset({Kind.REPOSITORY})


def settings_changes(
    repository: GitRepository,
    before_tree: str,
    after_tree: str,
    before: Mapping[str, Value],
    after: Mapping[str, Value],
) -> tuple[SettingsChanges, tuple[str, ...]]:
    """What is different, and what a person should know about it.

    Args:
        repository: Where the trees lie.
        before_tree: The branch as it is (a tree or a commit).
        after_tree: The branch as it will be.
        before: The answers that it was rendered with.
        after: The answers from now on.
    """
    if not is_ours(after):
        return SettingsChanges(), ()
    try:
        old = _desired(repository, before_tree, before)
    except MlopsgenError as error:
        return SettingsChanges(), (_unreadable(error, "as it is"),)
    try:
        new = _desired(repository, after_tree, after)
    except MlopsgenError as error:
        return SettingsChanges(), (_unreadable(error, "after the update"),)
    return compared(old, new), ()


def compared(old: Mapping[Key, Resource], new: Mapping[Key, Resource]) -> SettingsChanges:
    """The difference of two desired states."""
    return SettingsChanges(
        added=tuple(resource for key, resource in new.items() if key not in old),
        changed=tuple(
            resource
            for key, resource in new.items()
            if key in old and (old[key].value, old[key].optional) != (resource.value, resource.optional)
        ),
        removed=tuple(resource for key, resource in old.items() if key not in new),
    )


def _desired(repository: GitRepository, tree: str, answers: Mapping[str, Value]) -> dict[Key, Resource]:
    complete = resolve({key: value for key, value in answers.items() if key in BY_KEY})
    document, sources = (_text(repository, tree, path) for path in (REMOTE_DOCUMENT, SOURCES_DOCUMENT))
    resources = github_resources(making_of(complete, document, sources), str(complete["slug"]))
    return {resource.key: resource for resource in resources if resource.key.kind not in _SAID_ELSEWHERE}


def _text(repository: GitRepository, tree: str, path: str) -> str | None:
    done = repository.run("cat-file", "blob", f"{tree}:{path}", check=False)
    return done.stdout if done.exit_status == 0 else None


def _unreadable(error: MlopsgenError, when: str) -> str:
    where = f" ({error.where})" if error.where else ""
    return f"What changes on GitHub cannot be told before it is merged: the repository {when}: {error.message}{where}"
