"""What a project's repository on GitHub shall be: from the answers, and what ``.github/remote.yaml`` says otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from mlopsgen.constants import BRANCHES, MAIN_BRANCH
from mlopsgen.forge.values import Key, Kind, Resource, Value
from mlopsgen.questions import Answers
from mlopsgen.remote import needs, runners
from mlopsgen.remote.document import ENVIRONMENTS, EnvironmentText, LabelText, RemoteDocument, RulesetText
from mlopsgen.remote.workflows import Workflows

T = TypeVar("T")

TOPIC = "mlopsgen"
"""Marks the repositories of a fleet."""

REQUIRED_CHECK = "test"
"""The job of every workflow that tests; a promotion needs it."""

_MERGE_METHODS = ("merge", "rebase", "squash")
"""Every way to merge a pull request: what GitHub allows where a ruleset names none."""


@dataclass(frozen=True, kw_only=True)
class Making:
    """What the desired repository is made from.

    Attributes:
        answers: Every answer.
        document: ``.github/remote.yaml``.
        sources: The addresses of the data sources by name.
        workflows: What the workflow files use, where they alone say what the repository needs: of a repository that
            was not made from our template.
    """

    answers: Answers
    document: RemoteDocument = field(default_factory=RemoteDocument)
    sources: Mapping[str, str] = field(default_factory=dict)
    workflows: Workflows | None = None


@dataclass(frozen=True, kw_only=True)
class Environment:
    """An environment as it shall be."""

    name: str
    reviewers: tuple[str, ...] = ()
    wait_minutes: int = 0
    self_review: bool = True
    variables: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    secrets: Mapping[str, tuple[str, bool]] = field(default_factory=dict)


def github_resources(making: Making, name: str, *, owner: str = "") -> tuple[Resource, ...]:
    """Everything that the repository ``name`` shall have, without its branches.

    Args:
        making: What it is made from.
        name: The repository's name on GitHub.
        owner: Whose it is; only teams of its own organisation can be let in.
    """
    environments = tuple(environments_of(making))
    return (
        _repository(making, name),
        *_settings(making),
        *_actions(making),
        *_security(making),
        *_team_access(making, environments, owner),
        *(resource for environment in environments for resource in _environment(environment)),
        *_repository_secrets(making),
        *_labels(making),
        *_rulesets(making),
        *_runners(making),
        Resource(key=Key(Kind.SETTING, "default-branch"), value=MAIN_BRANCH, purpose="what a clone checks out"),
    )


def environments_of(making: Making) -> Iterator[Environment]:
    """The environments: one for each branch, and one that watches where somebody has to approve its trainings."""
    answers, texts = making.answers, making.document.environments
    reviewed = {branch for branch in BRANCHES if _reviewers(answers, branch, texts.get(branch, EnvironmentText()))}
    for name in ENVIRONMENTS:
        branch = needs.branch_of(name)
        if name != branch and branch not in reviewed and name not in texts:
            continue
        text = texts.get(name, EnvironmentText())
        reviewers = _reviewers(answers, name, text)
        wait = answers.get("review_wait_minutes", 0) if name == BRANCHES[-1] else 0
        yield Environment(
            name=name,
            reviewers=reviewers,
            wait_minutes=text.wait_minutes if text.wait_minutes is not None else int(str(wait)),
            self_review=text.self_review if text.self_review is not None else not reviewers,
            variables=_variables(answers, name, text),
            secrets=_secrets(making, name, text),
        )


def _reviewers(answers: Answers, name: str, text: EnvironmentText) -> tuple[str, ...]:
    if text.reviewers is not None:
        return tuple(sorted(set(text.reviewers)))
    return needs.reviewers_of(answers, name)


def _variables(answers: Answers, name: str, text: EnvironmentText) -> dict[str, tuple[str, str]]:
    found = {
        need.name: (need.value or "", need.purpose)
        for need in needs.needed_variables(answers)
        if need.environment == name
    }
    found |= {key: (value, found.get(key, ("", ""))[1]) for key, value in text.variables.items() if value is not None}
    return {key: value for key, value in found.items() if text.variables.get(key, "") is not None}


def _secrets(making: Making, name: str, text: EnvironmentText) -> dict[str, tuple[str, bool]]:
    # Any watching environment holds what production's would.
    answers = {**making.answers, "reviewers": ["anybody"]}
    like = name if name in BRANCHES else f"{BRANCHES[-1]}{needs.WATCH_SUFFIX}"
    found = {
        need.name: (need.purpose, not need.required)
        for need in _needed_secrets(replace(making, answers=answers))
        if need.environment == like
    }
    found |= {
        key: (purpose, found.get(key, ("", False))[1]) for key, purpose in text.secrets.items() if purpose is not None
    }
    return {key: value for key, value in found.items() if text.secrets.get(key, "") is not None}


def _needed_secrets(making: Making) -> tuple[needs.Need, ...]:
    if making.workflows is None:
        return needs.needed_secrets(making.answers, making.sources)
    return needs.used_secrets(making.workflows.secrets())


def repository_secrets(making: Making) -> tuple[needs.Need, ...]:
    """The secrets that belong to no environment."""
    return tuple(need for need in _needed_secrets(making) if need.environment == needs.REPOSITORY)


def _repository(making: Making, name: str) -> Resource:
    text, answers = making.document.repository, making.answers
    value: dict[str, str | int | bool | tuple[str, ...] | None] = {
        "project": str(answers["slug"]),
        "description": _either(text.description, str(answers["description"])),
        "homepage": text.homepage or "",
        "visibility": text.visibility or str(answers["visibility"]),
        **_merging(making),
    }
    return Resource(key=Key(Kind.REPOSITORY, name), value=value, purpose=f"{value['visibility']} repository")


def _settings(making: Making) -> Iterator[Resource]:
    text, answers = making.document.repository, making.answers
    yield _setting(
        "about",
        {"description": _either(text.description, str(answers["description"])), "homepage": text.homepage or ""},
        "what its page says",
    )
    usual = ["machine-learning"] if making.workflows is None else []
    topics = [*(usual if text.topics is None else text.topics), TOPIC]
    yield _setting("topics", tuple(sorted(set(topics))), "finds it among others; 'mlopsgen' marks the fleet")
    yield _setting("visibility", text.visibility or str(answers["visibility"]), "who can see it")
    yield _setting(
        "merging",
        _merging(making),
        "a promotion is a merge; squashing one would make the next conflict",
    )


def _merging(making: Making) -> dict[str, bool]:
    text = making.document.repository
    return {
        "merge_commit": _either(text.merge_commit, True),
        "squash": _either(text.squash, False),
        "rebase": _either(text.rebase, False),
        "delete_branch": _either(text.delete_branch, False),
    }


def _actions(making: Making) -> Iterator[Resource]:
    text, repository = making.document.actions, making.document.repository
    used = making.workflows or Workflows()
    promotes = "; it opens promotion pull requests" if making.workflows is None else ""
    allowed = text.allowed or "selected"
    yield _setting(
        "actions",
        {"enabled": True, "allowed": allowed, "pinned": _either(text.pinned, used.pinned)},
        "which actions workflows may use",
    )
    if allowed == "selected":
        yield _setting(
            "allowed-actions",
            {
                "github_owned": _either(text.github_owned, True),
                "verified": _either(text.verified, False),
                "patterns": tuple(sorted({*used.actions, *(text.patterns or ())})),
            },
            "the selected ones",
        )
    yield _setting(
        "workflow-token",
        {
            "permissions": text.workflow_permissions or "read",
            "pull_requests": _either(text.pull_requests, making.workflows is None),
        },
        f"what a workflow may do with its own token{promotes}",
    )
    if (repository.visibility or making.answers["visibility"]) == "public":
        policy = text.fork_approval or "all_external_contributors"
        yield _setting("fork-approval", policy, "whose pull requests from forks wait for a person before they run")


def _security(making: Making) -> Iterator[Resource]:
    text = making.document.security
    if _either(text.vulnerability_alerts, True):
        yield _setting("vulnerability-alerts", True, "tells about dependencies with known faults")
        # Updates come from alerts: without them GitHub makes none.
        if _either(text.security_updates, True):
            yield _setting("security-updates", True, "opens pull requests that mend them")


def _team_access(making: Making, environments: Sequence[Environment], owner: str) -> Iterator[Resource]:
    """A team can approve only what it may read, and of a new repository no team may."""
    if (making.document.repository.visibility or making.answers["visibility"]) == "public":
        return
    reviewers = {name for environment in environments for name in environment.reviewers}
    own = f"{owner}/".casefold()
    for team in sorted(name for name in reviewers if owner and name.casefold().startswith(own)):
        yield _setting(f"access of team {team}", "read", "reviewers have to see what they approve")


def _environment(environment: Environment) -> Iterator[Resource]:
    name = environment.name
    branch = needs.branch_of(name)
    watch = "watches the data without asking anybody; holds credentials that only read data"
    purpose = f"of the branch {branch}'s trainings" if name == branch else watch
    yield Resource(
        key=Key(Kind.ENVIRONMENT, name),
        value={
            "reviewers": environment.reviewers,
            "wait_minutes": environment.wait_minutes,
            "self_review": environment.self_review,
            "branches": "custom",
        },
        purpose=purpose,
    )
    yield Resource(key=Key(Kind.POLICY, branch, name), value="branch", purpose="the only branch that may use it")
    for variable, (value, words) in environment.variables.items():
        yield Resource(key=Key(Kind.VARIABLE, variable, name), value=value, purpose=words)
    for secret, (words, optional) in environment.secrets.items():
        yield Resource(key=Key(Kind.SECRET, secret, name), purpose=words, optional=optional)


def _repository_secrets(making: Making) -> Iterator[Resource]:
    for need in repository_secrets(making):
        yield Resource(key=Key(Kind.SECRET, need.name), purpose=need.purpose, optional=not need.required)


def _labels(making: Making) -> Iterator[Resource]:
    usual = default_labels()
    if making.workflows is not None:
        usual.pop("promotion")
    texts = usual if making.document.labels is None else making.document.labels
    for name, text in texts.items():
        base = default_labels().get(name, LabelText())
        color, words = text.color or base.color or "ededed", _either(text.description, base.description or "")
        yield Resource(key=Key(Kind.LABEL, name), value={"color": color.lower(), "description": words}, purpose=words)


def _rulesets(making: Making) -> Iterator[Resource]:
    usual = default_rulesets()
    if making.workflows is not None:
        usual = {name: _without_unreported(base, making.workflows) for name, base in usual.items()}
    texts = usual if making.document.rulesets is None else making.document.rulesets
    for name, text in texts.items():
        base = usual.get(name, RulesetText(branches=[name]))
        pull_request = _either(text.pull_request, bool(base.pull_request))
        methods = (text.merge_methods or base.merge_methods or _MERGE_METHODS) if pull_request else ()
        value: dict[str, str | int | bool | tuple[str, ...] | None] = {
            "branches": tuple(sorted(set(_either(text.branches, base.branches or [])))),
            "enforcement": "active",
            "pull_request": pull_request,
            "reviews": _either(text.reviews, base.reviews or 0) if pull_request else 0,
            "merge_methods": tuple(sorted(set(methods))),
            "checks": tuple(sorted(set(_either(text.checks, base.checks or [])))),
            "block_force_push": not _either(text.force_push, False),
            "block_deletion": not _either(text.deletion, False),
            # A person's exception takes the protection away as much as a rule that is missing.
            "bypass": (),
            "except": (),
        }
        yield Resource(key=Key(Kind.RULESET, name), value=value, purpose="protects branches")


def _without_unreported(ruleset: RulesetText, workflows: Workflows) -> RulesetText:
    """A ruleset that waits for no check of which some pull request would never hear."""
    checks = [check for check in ruleset.checks or () if workflows.reports(check, ruleset.branches or ())]
    return ruleset.model_copy(update={"checks": checks})


def default_rulesets() -> dict[str, RulesetText]:
    """The rulesets of a repository whose document names none: promotions come by merged pull requests only."""
    promoted = RulesetText(pull_request=True, reviews=0, merge_methods=["merge"], checks=[REQUIRED_CHECK])
    return {
        "production": promoted.model_copy(update={"branches": ["production"], "reviews": 1}),
        "staging": promoted.model_copy(update={"branches": ["staging"]}),
        "development": RulesetText(branches=["development"], pull_request=False),
    }


def default_labels() -> dict[str, LabelText]:
    """The labels of a repository whose document names none: those that the workflows give."""
    return {
        "promotion": LabelText(color="0e8a16", description="Brings a model to the next branch"),
        "template-update": LabelText(color="1d76db", description="Brings a newer version of the template"),
    }


def _runners(making: Making) -> Iterator[Resource]:
    wanted: dict[str, list[str]] = {}
    for branch in BRANCHES:
        labels = runners.labels_of(str(making.answers.get(f"{branch}_runner", "")))
        if not runners.is_hosted(labels):
            wanted.setdefault(",".join(labels), []).append(branch)
    for name, branches in wanted.items():
        purpose = f"runs the trainings of {', '.join(branches)}"
        yield Resource(key=Key(Kind.RUNNER, name), value="online", purpose=purpose)


def _setting(name: str, value: Value, purpose: str) -> Resource:
    return Resource(key=Key(Kind.SETTING, name), value=value, purpose=purpose)


def _either(given: T | None, otherwise: T) -> T:
    return otherwise if given is None else given
