"""An organisation's configuration repository on GitHub: private, changed by pull requests that passed the check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from mlopsgen import __version__
from mlopsgen.adapters.git import GitRepository, without_credentials
from mlopsgen.adapters.tagged_versions import TaggedVersions
from mlopsgen.constants import HOSTED_REMOTE
from mlopsgen.errors import MlopsgenError
from mlopsgen.forge.values import Key, Kind, Resource, Scalar, Value
from mlopsgen.operations.config_files import ORGANISATION
from mlopsgen.operations.config_repository import MAIN, find_config_repository
from mlopsgen.operations.hosting import GITHUB, Hosted, find_target, is_github, open_github, place_of
from mlopsgen.operations.making import read_workflow_texts
from mlopsgen.operations.project import Project
from mlopsgen.operations.publishing import Push
from mlopsgen.operations.push_github import remote_address
from mlopsgen.operations.push_request import GitHubPushRequest, refuse_unfit, with_owner
from mlopsgen.operations.recorded_answers import Recorded, name_in
from mlopsgen.ports import EventSink
from mlopsgen.remote.desired import Desired
from mlopsgen.remote.observe import local_branches
from mlopsgen.remote.workflows import Workflows, read_workflows
from mlopsgen.result import OperationResult

TOPIC = "mlopsgen-template"
"""Marks the repository; a fleet has another topic, so that the template is none of its members."""
CHECK = "check"
"""The job of the workflow ``check.yml``, which pull requests wait for."""
RELEASES = ".github/workflows/release.yml"
"""The workflow that makes versions."""
Fields = Mapping[str, Scalar | tuple[str, ...]]
DESCRIPTION = "The organisation's template: machine-learning repositories are made from it and updated to its versions."


def push_config(request: GitHubPushRequest, events: EventSink) -> OperationResult:
    """Plan, show, agree, apply, verify; running it again does what is left.

    Raises:
        NoConfigRepository: The folder is none.
        MlopsgenError: It has no branch ``main``; or as for any push.
    """
    source = find_config_repository(request.surroundings)
    environ = request.surroundings.environ
    origin = source.remotes().get(HOSTED_REMOTE, "")
    name = name_in({}, source.path.name)
    target = find_target(request.wanted, {"slug": name}, origin, environ)
    foreign = "" if not origin or is_github(place_of(origin), target.host, environ) else without_credentials(origin)
    hosted = Hosted(
        project=Project(root=source.path, slug=name, source=source),
        recorded=Recorded(answers={}, ours=False),
        target=target,
        foreign=foreign,
    )
    refuse_unfit(hosted)
    branches = local_branches(source, (MAIN,))
    if not branches:
        hint = f"git branch {MAIN} COMMIT   (the versions are made from it)"
        raise MlopsgenError(f"The repository has no branch '{MAIN}'.", where=str(source.path), hint=hint)
    credential = request.credential(hosted.target)
    hosted = with_owner(hosted, request, credential, events)
    forge = open_github(hosted.target, credential.token, request.surroundings, events)
    desired = Desired(
        project=name,
        address=remote_address(hosted, forge, request),
        branches=branches,
        resources=tuple(
            config_resources(
                hosted.target.name,
                read_workflows(read_workflow_texts(source.path)),
                visibility=request.visibility or "private",
            )
        ),
        trains=False,
        expected=(MAIN,),
        remote=HOSTED_REMOTE,
        tool_version=__version__,
        elsewhere="Give the folder another name, or run it in a clone of that repository.",
    )
    result = Push(request, events, hosted, desired, credential, forge).run()
    # A rebase would lay the merges of mlopsgen's versions flat.
    steps = tuple(
        step.replace("mlopsgen push", request.again).replace("git pull --rebase", "git pull --no-rebase")
        for step in result.next_steps
    )
    if not (request.dry_run or result.exit_code):
        steps = (*_next_steps(source, forge.page, hosted.target.full_name), *steps)
    return replace(result, next_steps=steps)


def config_resources(name: str, workflows: Workflows, *, visibility: str) -> Iterator[Resource]:
    """Everything that the repository shall have, without its branch.

    Args:
        name: Its name on GitHub.
        workflows: What its workflow files use.
        visibility: Who can see it.
    """
    # A version of ours arrives by a merge; squashed, its history would be gone, and the next one would conflict.
    merging: Fields = {"merge_commit": True, "squash": False, "rebase": False, "delete_branch": True}
    about: Fields = {"description": DESCRIPTION, "homepage": ""}
    value: Fields = {"project": name, **about, "visibility": visibility, **merging}
    yield Resource(key=Key(Kind.REPOSITORY, name), value=value, purpose=f"{visibility} repository")
    yield _setting("about", about, "what its page says")
    yield _setting("topics", (TOPIC,), "tells it from the repositories that are made from it")
    yield _setting("visibility", visibility, "who can see it; whoever makes repositories from it has to")
    yield _setting("merging", merging, "mlopsgen's versions arrive by merges")
    actions: Fields = {"enabled": True, "allowed": "selected", "pinned": workflows.pinned}
    yield _setting("actions", actions, "which actions workflows may use")
    allowed: Fields = {"github_owned": True, "verified": False, "patterns": workflows.actions}
    yield _setting("allowed-actions", allowed, "the selected ones")
    yield _setting("workflow-token", {"permissions": "read", "pull_requests": False}, "release.yml alone asks for more")
    yield _setting("default-branch", MAIN, "what a clone checks out")
    # mlopsgen v0.1.0 had no check.yml: what nothing reports would let nothing in, its update included.
    checks = (CHECK,) if workflows.reports(CHECK, (MAIN,)) else ()
    purpose = "what comes into it has passed the check" if checks else "what comes into it was looked at"
    yield _ruleset(MAIN, (MAIN,), purpose, pull_request=True, checks=checks)
    yield _ruleset("versions", ("refs/tags/v*",), "a version that was made stays what it is", pull_request=False)


def _setting(name: str, value: Value, purpose: str) -> Resource:
    return Resource(key=Key(Kind.SETTING, name), value=value, purpose=purpose)


def _ruleset(
    name: str, references: tuple[str, ...], purpose: str, *, pull_request: bool, checks: tuple[str, ...] = ()
) -> Resource:
    value: Fields = {
        "branches": references,
        "enforcement": "active",
        "pull_request": pull_request,
        "reviews": 0,
        "merge_methods": ("merge",) if pull_request else (),
        "checks": checks,
        "block_force_push": True,
        "block_deletion": True,
        "bypass": (),
        "except": (),
    }
    return Resource(key=Key(Kind.RULESET, name), value=value, purpose=purpose)


def _next_steps(source: GitRepository, page: str, full_name: str) -> Iterator[str]:
    made = TaggedVersions(source).tags
    if made:
        yield f"git push {HOSTED_REMOTE} {' '.join(made)}   (its versions so far, which repositories need)"
    if (source.path / RELEASES).is_file():
        yield f"{page}/actions   (release.yml checks it and makes the version of {ORGANISATION})"
        where = "MLOPSGEN_PACKAGE, where mlopsgen is installed from elsewhere"
        yield f"{page}/settings/variables/actions   ({where})"
    else:
        yield "mlopsgen config-repo release --push   (makes its version; after the next update, release.yml does)"
    address = f"gh:{full_name}" if page == f"https://{GITHUB}/{full_name}" else page
    yield f"mlopsgen init --template {address}   (once it has a version)"
