"""What ``mlopsgen push`` to GitHub is asked for, and what has to be known before GitHub is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mlopsgen.adapters.credentials import Credential
from mlopsgen.constants import BRANCHES, HOSTED_REMOTE, MAIN_BRANCH
from mlopsgen.errors import MlopsgenError, PermissionDenied, UsageError
from mlopsgen.events import Note, Warn
from mlopsgen.forge.github.forge import GitHubForge
from mlopsgen.forge.values import Kind
from mlopsgen.operations.hosted_plan import has_workflows, read_wanted, uncommitted
from mlopsgen.operations.hosting import Hosted, Target, Wanted, open_account
from mlopsgen.operations.making import read_making
from mlopsgen.operations.project import WITHOUT_PIPELINES, Surroundings
from mlopsgen.operations.secret_sources import Named, SecretSource
from mlopsgen.ports import EventSink
from mlopsgen.remote.document import REMOTE_DOCUMENT
from mlopsgen.remote.github_desired import Making
from mlopsgen.remote.plan import Plan
from mlopsgen.remote.planning import Planned
from mlopsgen.remote.workflows import FOLDER, Workflows


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Whose repository it will be.

    Attributes:
        login: The person or organisation.
        organisation: Whether it is an organisation.
    """

    login: str
    organisation: bool


@dataclass(frozen=True, kw_only=True)
class Situation:
    """Where a push goes and as whom, for people to look at before they agree.

    Attributes:
        full_name: Owner and name of the repository.
        page: Its address in a browser.
        exists: Whether it is there already.
        login: Whose token it is.
        token: Its kind, where it was found, and what it may do.
    """

    full_name: str
    page: str
    exists: bool
    login: str
    token: str

    def as_dict(self) -> dict[str, Any]:
        """The situation as a JSON object."""
        return {
            "repository": self.full_name,
            "page": self.page,
            "exists": self.exists,
            "login": self.login,
            "token": self.token,
        }


@dataclass(frozen=True, kw_only=True)
class GitHubPushRequest:
    """What to push where.

    Attributes:
        surroundings: Where the command runs.
        credential: Finds the token for a repository on GitHub.
        wanted: What the flags say about the repository.
        visibility: Who shall see it; empty: as its document or its answers say.
        protocol: ``https`` or ``ssh`` for the remote that stays; empty: as it is, else https.
        take_over: Change what people changed on GitHub, too.
        dry_run: Show the plan and stop.
        agreed: Apply without asking.
        digest: Apply only the plan with this digest.
        values: Where the values of secrets come from, the first one first.
        ask_value: Asks a person for a secret's value; ``None`` where nobody can answer.
        choose_owner: Asks a person whose repository it shall be, given the login and the organisations.
        show: Takes the situation and the plan before anything is done.
        agree: Asks the person whether to apply the plan; ``None`` where there is nobody to ask.
        again: The command that pushes to the same place in the same way, for people.
    """

    surroundings: Surroundings
    credential: Callable[[Target], Credential]
    wanted: Wanted = field(default_factory=Wanted)
    visibility: str = ""
    protocol: str = ""
    take_over: bool = False
    dry_run: bool = False
    agreed: bool = False
    digest: str = ""
    values: Sequence[Named] = ()
    ask_value: SecretSource | None = None
    choose_owner: Callable[[str, Sequence[str]], Owner] | None = None
    show: Callable[[Situation, Plan], None] = lambda _, __: None
    agree: Callable[[], bool] | None = None
    again: str = "mlopsgen push"


def refuse_unfit(hosted: Hosted) -> None:
    """Stop where the remote's name is taken by something that is no GitHub.

    Raises:
        UsageError: It is.
    """
    if hosted.foreign:
        raise UsageError(
            f"The remote '{HOSTED_REMOTE}' leads to {hosted.foreign}, which is not known to be a GitHub.",
            where=HOSTED_REMOTE,
            hint=f"If it is one, name its server with --host. Else: git remote rename {HOSTED_REMOTE} NEW-NAME",
        )


def refusal(found: Planned, hosted: Hosted, forge: GitHubForge) -> MlopsgenError | None:
    """Why nothing can be done at all, where that is known."""
    refused = found.plan.refused
    if refused is not None:
        kind = PermissionDenied if found.refused_by_rights else MlopsgenError
        message = f"Nothing was changed: {refused.kind} '{refused.name}' cannot be used: {refused.reason}."
        return kind(message, where=refused.detail, hint=refused.hint)
    if hosted.target.origin and found.observed.repository is None and _is_chosen_token(forge):
        return PermissionDenied(
            f"{forge.full_name} is not there, or this token was not given it, although 'origin' leads to it. "
            "Nothing was changed.",
            where=forge.page,
            hint="Add the repository to the token. If it is really gone: git remote remove origin, then run it again.",
        )
    if (forge.place.data or {}).get("archived"):
        return MlopsgenError(
            f"{forge.full_name} is archived: nothing trains there and nothing can be changed.",
            where=forge.page,
            hint=f"Bring it back at {forge.page}/settings (Danger Zone, Unarchive), then run it again.",
        )
    new = [item for item in found.plan.changes if item.kind is Kind.BRANCH]
    source = hosted.project.source
    unknown = found.observed.repository is None or not found.observed.repository.branches
    if new and unknown and source.read("rev-parse", "--is-shallow-repository") == "true":
        return MlopsgenError(
            "This clone is shallow: GitHub takes no branch whose older commits are missing. Nothing was changed.",
            where=str(hosted.project.root),
            hint="git fetch --unshallow",
        )
    return None


def _is_chosen_token(forge: GitHubForge) -> bool:
    """Whether the token sees only the repositories that somebody chose for it."""
    return forge.account.token_facts().kind in ("fine-grained", "installation")


def making_for(hosted: Hosted, request: GitHubPushRequest, events: EventSink) -> Making:
    """What the repository is made from; says what others do not have yet.

    Raises:
        InvalidDocument: A document cannot be read.
    """
    making = read_wanted(hosted)
    open_files = uncommitted(hosted)
    if open_files:
        events(
            Warn(
                message=f"{' and '.join(open_files)} {'are' if len(open_files) > 1 else 'is'} not committed as it is "
                "here; it counts now, and others do not have it.",
                hint="git commit -a",
            )
        )
    text = making.document.repository
    wanted = text.visibility or str(making.answers["visibility"])
    if not request.visibility or request.visibility == wanted:
        return making
    events(
        Warn(
            message=f"--visibility {request.visibility} is not what the repository's files say ({wanted}).",
            hint=f"Write 'visibility: {request.visibility}' into {REMOTE_DOCUMENT} as well, so that it stays so.",
        )
    )
    repository = text.model_copy(update={"visibility": request.visibility})
    return replace(making, document=making.document.model_copy(update={"repository": repository}))


def warn_of_workflows(hosted: Hosted, events: EventSink) -> None:
    """Say it where nothing in the repository would run on GitHub."""
    if not hosted.recorded.ours:
        _warn_of_idle_workflows(hosted, events)
        return
    if has_workflows(hosted.project.root):
        return
    events(
        Warn(
            message="The repository has no workflow: nothing trains on GitHub, and pull requests wait for "
            "checks that nothing reports.",
            hint="Take over a newer template (it brings them), or leave the checks out: 'checks: []' in the rulesets "
            f"of {REMOTE_DOCUMENT}.",
        )
    )


def _warn_of_idle_workflows(hosted: Hosted, events: EventSink) -> None:
    """Of a repository from another template: say what its own workflows do there, and which of them do nothing."""
    workflows = read_making(hosted.project.root, hosted.recorded).workflows or Workflows()
    kept = "its own workflows run there" if workflows.files else "it has no workflow, so that nothing runs there"
    if not hosted.project.trains:
        events(Note(message=f"Nothing of mlopsgen trains: {WITHOUT_PIPELINES}; {kept}."))
    for name, branches in workflows.idle(BRANCHES).items():
        message = f"{FOLDER}/{name} waits for pushes to {', '.join(branches)}, and the repository has no such branch."
        events(Warn(message=message, hint=f"Write '{MAIN_BRANCH}' into its 'branches', and push again."))


def warn_of_being_alone(found: Planned, situation: Situation, events: EventSink) -> None:
    """Say it where approvals are wanted and only one person has access: GitHub lets nobody approve their own work."""
    owner = situation.full_name.partition("/")[0]
    if situation.exists or owner.casefold() != situation.login.casefold():
        return
    made = {item.key for item in found.plan.changes}
    values = {each.key: each.value for each in found.desired.resources if each.key in made}
    asked = {key: value for key, value in values.items() if isinstance(value, Mapping)}
    reviewed = [key.name for key, value in asked.items() if key.kind is Kind.RULESET and value.get("reviews")]
    waiting = [key.name for key, value in asked.items() if _only_by(owner, value) and not value.get("self_review")]
    what = [f"pull requests to {name}" for name in reviewed] + [f"trainings of {name}" for name in waiting]
    if not what:
        return
    instead = ["'reviews: 0'"] * bool(reviewed) + ["'self_review: true'"] * bool(waiting)
    events(
        Warn(
            message=f"Nobody but {owner} will have access to {situation.full_name}: {' and '.join(what)} wait for an "
            "approval that nobody else can give.",
            hint=f"Invite somebody at {situation.page}/settings/access afterwards, or write {' and '.join(instead)} "
            f"into {REMOTE_DOCUMENT}.",
        )
    )


def _only_by(person: str, value: Mapping[str, object]) -> bool:
    reviewers = value.get("reviewers")
    return isinstance(reviewers, tuple) and {str(name).casefold() for name in reviewers} == {person.casefold()}


def with_owner(hosted: Hosted, request: GitHubPushRequest, credential: Credential, events: EventSink) -> Hosted:
    """The project with the owner of its repository known; a person chooses where nobody has said.

    Raises:
        MissingAnswer: Nobody has, and there is nobody to ask.
        UsageError: The token has no account of its own.
    """
    target = hosted.target
    if target.owner:
        return hosted
    account = open_account(target, credential.token, request.surroundings, events)
    login = account.whoami()
    if request.wanted.personal:
        if not login:
            raise UsageError(
                "The token belongs to an app and to no person; it has no account of its own.",
                where="--user",
                hint="Name the organisation with --org.",
            )
        return replace(hosted, target=target.owned_by(login, organisation=False))
    if request.choose_owner is None:
        return replace(hosted, target=hosted.required())
    chosen = request.choose_owner(login, account.organisations())
    return replace(hosted, target=target.owned_by(chosen.login, organisation=chosen.organisation))
