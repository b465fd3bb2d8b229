"""Making a plan true, one item after the other; interrupted anywhere, a new plan holds what is left."""

from __future__ import annotations

from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import from_os_error
from mlopsgen.events import StepDone
from mlopsgen.forge.protocol import Forge
from mlopsgen.forge.worker import envfile
from mlopsgen.forge.worker.layout import write_text
from mlopsgen.ports import EventSink
from mlopsgen.remote.desired import Desired
from mlopsgen.remote.observe import TRACKING_VARIABLE
from mlopsgen.remote.plan import Act, Item, Kind, Plan


def apply(plan: Plan, desired: Desired, *, forge: Forge, source: GitRepository, events: EventSink) -> None:
    """Do what the plan says.

    Args:
        plan: What to do; made from ``desired``.
        desired: Holds the values.
        forge: Where to do it.
        source: The repository that is pushed.
        events: Receives progress.

    Raises:
        MlopsgenError: An item failed; everything before it is done.
    """
    for item in plan.changes:
        _apply(item, desired, forge, source)
        events(StepDone(message=describe(item)))


def describe(item: Item) -> str:
    """The item in words."""
    scope = f" of {item.scope}" if item.scope else ""
    detail = f": {item.detail}" if item.detail else ""
    return f"{item.act} {item.kind} {item.name}{scope}{detail}"


def _apply(item: Item, desired: Desired, forge: Forge, source: GitRepository) -> None:
    match item.kind:
        case Kind.REPOSITORY:
            forge.create_repository(desired.project)
        case Kind.SETTING:
            forge.set_setting(item.name, desired.settings[item.name])
        case Kind.ENVIRONMENT:
            forge.create_environment(item.name)
        case Kind.VARIABLE:
            forge.set_variable(item.scope, item.name, desired.environments[item.scope][item.name])
        case Kind.REMOTE:
            _set_remote(item, desired, source)
        case Kind.BRANCH:
            forge.push(source, desired.remote, item.name)
        case Kind.UPSTREAM:
            source.run("config", f"branch.{item.name}.remote", desired.remote)
            source.run("config", f"branch.{item.name}.merge", f"refs/heads/{item.name}")
        case Kind.TRACKING:
            _set_tracking(source, desired.tracking_uri)


def _set_remote(item: Item, desired: Desired, source: GitRepository) -> None:
    if item.act is Act.CREATE:
        # The address comes last: a remote that has one is complete, also after an interruption in between.
        source.run("config", f"remote.{desired.remote}.fetch", f"+refs/heads/*:refs/remotes/{desired.remote}/*")
    source.run("config", f"remote.{desired.remote}.url", desired.address)
    # What the forge has already becomes visible as local/BRANCH.
    source.run("fetch", "--quiet", desired.remote)


def _set_tracking(source: GitRepository, tracking_uri: str) -> None:
    path = source.path / ".env"
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        write_text(path, envfile.replace(text, {TRACKING_VARIABLE: tracking_uri}), mode=0o600)
    except OSError as error:
        raise from_os_error(error, doing=f"Writing {path}") or error from error
