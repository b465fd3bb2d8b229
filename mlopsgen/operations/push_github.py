"""``mlopsgen push``: make the repository on GitHub what it shall be, and push the branches to it."""

from __future__ import annotations

from functools import partial

from mlopsgen.forge.github.forge import GitHubForge
from mlopsgen.operations.hosted_plan import (
    address_of,
    desired_on_github,
)
from mlopsgen.operations.hosting import Hosted, find_hosted, open_github
from mlopsgen.operations.locked_answers import tell_decisions
from mlopsgen.operations.publishing import Push
from mlopsgen.operations.push_request import (
    GitHubPushRequest,
    making_for,
    refuse_unfit,
    warn_of_workflows,
    with_owner,
)
from mlopsgen.ports import EventSink
from mlopsgen.result import OperationResult


def push_github(request: GitHubPushRequest, events: EventSink) -> OperationResult:
    """Plan, show, agree, apply, verify; running it again does what is left.

    Raises:
        MissingAnswer: Something was not said and there is nobody to ask; the message names the flag.
        NoCredential: There is no token.
        PermissionDenied: GitHub does not let this person in.
        PlanChanged: What would be done is not what was agreed to.
        PartialResult: Something is left; running it again continues.
        Interrupted: The person left, or did not agree.
    """
    hosted = find_hosted(request.surroundings, request.wanted)
    refuse_unfit(hosted)
    making = making_for(hosted, request, events)
    tell_decisions(hosted.project.root, request.surroundings.environ, events)
    credential = request.credential(hosted.target)
    hosted = with_owner(hosted, request, credential, events)
    plan = making.document.github.plan or "auto"
    forge = open_github(hosted.target, credential.token, request.surroundings, events, plan=plan)
    desired = desired_on_github(hosted, making, remote_address(hosted, forge, request))
    return Push(request, events, hosted, desired, credential, forge, warn=partial(warn_of_workflows, hosted)).run()


def remote_address(hosted: Hosted, forge: GitHubForge, request: GitHubPushRequest) -> str:
    """What the remote shall point to."""
    ssh = forge.host.address(hosted.target.owner, hosted.target.name, "ssh")
    return address_of(hosted, forge.address, ssh, request.protocol)
