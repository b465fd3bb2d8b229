"""``.github/remote.yaml``: what a repository shall be on GitHub, as its owner writes it.

Every key may be left out; :mod:`mlopsgen.remote.github_desired` says what stands there then.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from mlopsgen import naming
from mlopsgen.adapters import yaml_lines
from mlopsgen.adapters.yaml_lines import Lines
from mlopsgen.constants import BRANCHES
from mlopsgen.errors import InvalidDocument
from mlopsgen.near_words import nearest
from mlopsgen.remote.needs import WATCH_SUFFIX

REMOTE_DOCUMENT = ".github/remote.yaml"
"""Where the document lies in a generated repository."""

ENVIRONMENTS = (*BRANCHES, *(f"{branch}{WATCH_SUFFIX}" for branch in BRANCHES))
"""The environments that the workflows know."""

_HINT = "'mlopsgen schema remote' describes the file."


def _line(text: str) -> str:
    refused = naming.check_line(text, 350)
    if refused:
        raise ValueError(refused)
    return text


def _reviewer(name: str) -> str:
    refused = naming.check_reviewer(name)
    if refused:
        raise ValueError(refused)
    return name


def _homepage(address: str) -> str:
    refused = naming.check_endpoint(address) if address else None
    if refused:
        raise ValueError(refused)
    return address


_NAME = re.compile(r"(?!GITHUB_)[A-Za-z_][A-Za-z0-9_]*", re.IGNORECASE)


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("letters, digits and underscores are possible, not beginning with a digit or GITHUB_")
    return name.upper()


_TOKEN_LIKE = re.compile(r"gh[opsur]_|github_pat_|glpat-|xox[abp]-|AKIA|eyJ|-----BEGIN [A-Z ]*PRIVATE")
_SECRET_LIKE = re.compile(rf"{_TOKEN_LIKE.pattern}|-----BEGIN|[^\s]{{40,}}$")


def _purpose(text: str) -> str:
    if _SECRET_LIKE.match(text):
        raise ValueError(
            "this looks like a secret's value; write what it is for, and give the value to 'mlopsgen secrets set'. "
            "If it was committed, it has to be replaced at its source"
        )
    return _line(text)


def _readable(text: str) -> str:
    if _TOKEN_LIKE.match(text):
        raise ValueError(
            "this looks like a credential, and everybody who sees the repository can read variables; make it a secret. "
            "If it was committed, it has to be replaced at its source"
        )
    return text


def _number(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _color(value: Any) -> Any:
    if isinstance(value, int | float):
        raise ValueError("write a colour of digits alone in quotes, as '000000'")  # noqa: TRY004 - pydantic wants it so
    return value


Line = Annotated[str, AfterValidator(_line)]
Purpose = Annotated[str, AfterValidator(_purpose)]
Text = Annotated[str, BeforeValidator(_number), AfterValidator(_readable)]
Name = Annotated[str, AfterValidator(_name)]
Reviewer = Annotated[str, AfterValidator(_reviewer)]
Topic = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,49}$")]
Pattern = Annotated[str, Field(min_length=1, max_length=255)]
Color = Annotated[str, BeforeValidator(_color), Field(pattern="^[0-9a-fA-F]{6}$")]
Environment = Literal[ENVIRONMENTS]  # type: ignore[valid-type]
MergeMethod = Literal["merge", "squash", "rebase"]


class Section(BaseModel):
    """A part of the document; a misspelt key is an error, a key without a value counts as left out."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _without_the_empty(cls, data: Any) -> Any:
        if isinstance(data, dict):
            return {key: value for key, value in data.items() if value is not None}
        return data


class RepositoryText(Section):
    """The repository itself."""

    description: Line | None = Field(default=None, description="One line for the repository's page.")
    homepage: Annotated[str, AfterValidator(_homepage)] | None = Field(default=None, description="A web address.")
    topics: list[Topic] | None = Field(default=None, description="'mlopsgen' is always among them.", max_length=20)
    visibility: Literal["private", "internal", "public"] | None = Field(
        default=None, description="Counts when the repository is made; push never shows it to more people afterwards."
    )
    merge_commit: bool | None = Field(default=None, description="Pull requests may be merged by a merge commit.")
    squash: bool | None = Field(default=None, description="Pull requests may be squashed.")
    rebase: bool | None = Field(default=None, description="Pull requests may be rebased.")
    delete_branch: bool | None = Field(
        default=None, description="Delete a merged pull request's branch; for promotions that would be a main branch."
    )


class ActionsText(Section):
    """What GitHub Actions may do in the repository."""

    allowed: Literal["all", "local_only", "selected"] | None = Field(default=None, description="Which actions may run.")
    patterns: list[Pattern] | None = Field(default=None, description="Further actions, as 'owner/name@*'.")
    github_owned: bool | None = Field(default=None, description="Actions by GitHub may run.")
    verified: bool | None = Field(default=None, description="Actions by verified creators may run.")
    pinned: bool | None = Field(default=None, description="Only actions that are pinned to a commit may run.")
    workflow_permissions: Literal["read", "write"] | None = Field(
        default=None, description="What a workflow's token may do unless the workflow says otherwise."
    )
    pull_requests: bool | None = Field(
        default=None, description="Workflows may open pull requests (promotions need it) and approve them."
    )
    fork_approval: (
        Literal["first_time_contributors_new_to_github", "first_time_contributors", "all_external_contributors"] | None
    ) = Field(default=None, description="Whose pull requests from forks wait for approval (public repositories).")


class SecurityText(Section):
    """Dependabot: alerts and updates."""

    vulnerability_alerts: bool | None = Field(default=None, description="Tell about dependencies with known faults.")
    security_updates: bool | None = Field(default=None, description="Open pull requests that mend them.")


class EnvironmentText(Section):
    """An environment: who approves, and what it holds."""

    reviewers: list[Reviewer] | None = Field(
        default=None, description="Users ('name') and teams ('organisation/team'); one of them approves.", max_length=6
    )
    wait_minutes: int | None = Field(default=None, ge=0, le=43200, description="Wait so long after the approval.")
    self_review: bool | None = Field(default=None, description="Who started a training may approve it.")
    variables: dict[Name, Text | None] = Field(
        default={}, description="Further variables, or other values; null takes one out."
    )
    secrets: dict[Name, Purpose | None] = Field(
        default={}, description="Further secrets, each with what it is for; never the value. null takes one out."
    )


class RulesetText(Section):
    """What is protected on some branches."""

    branches: list[Pattern] | None = Field(default=None, description="Branches that it protects.", min_length=1)
    pull_request: bool | None = Field(default=None, description="Changes come by pull request only.")
    reviews: int | None = Field(default=None, ge=0, le=10, description="Approvals that a pull request needs.")
    merge_methods: list[MergeMethod] | None = Field(default=None, description="How pull requests may be merged.")
    checks: list[Line] | None = Field(default=None, description="Checks that have to pass.")
    force_push: bool | None = Field(default=None, description="History may be rewritten.")
    deletion: bool | None = Field(default=None, description="The branches may be deleted.")


class LabelText(Section):
    """A label of issues and pull requests."""

    color: Color | None = Field(default=None, description="As 0e8a16; one of digits alone stands in quotes.")
    description: Annotated[Line, Field(max_length=100)] | None = Field(default=None, description="A few words.")


class GitHubText(Section):
    """What is known of the account."""

    plan: Literal["auto", "free", "pro", "team", "enterprise"] | None = Field(
        default=None, description="The account's plan, for tokens that may not read it."
    )


class RemoteDocument(Section):
    """The whole document."""

    version: Literal[1] = 1
    repository: RepositoryText = RepositoryText()
    actions: ActionsText = ActionsText()
    security: SecurityText = SecurityText()
    environments: dict[Environment, EnvironmentText] = Field(
        default={},
        description="Approvals, variables and secrets, by environment; those left out are made as the answers say.",
    )
    rulesets: dict[Line, RulesetText] | None = Field(
        default=None, description="What protects the branches, all of it; left out: one for each branch."
    )
    labels: dict[Line, LabelText] | None = Field(
        default=None,
        description="Labels of issues and pull requests, all of them; left out: those that workflows give.",
    )
    github: GitHubText = GitHubText()

    @model_validator(mode="before")
    @classmethod
    def _named_without_more(cls, data: Any) -> Any:
        """A name with nothing behind it is a section that leaves everything out."""
        if not isinstance(data, dict):
            return data
        named = {key: data[key] for key in ("environments", "rulesets", "labels") if isinstance(data.get(key), dict)}
        return data | {
            key: {name: {} if part is None else part for name, part in parts.items()} for key, parts in named.items()
        }


def read_document(text: str) -> RemoteDocument:
    """The document in a text.

    Args:
        text: YAML; may be empty.

    Raises:
        InvalidDocument: It is not valid; the message tells the first mistakes, ``where`` is the first one's line.
    """
    lines = yaml_lines.read(text, REMOTE_DOCUMENT, _HINT)
    try:
        document = RemoteDocument.model_validate(lines.value)
    except ValidationError as error:
        found = sorted(error.errors(include_url=False), key=lambda detail: lines.lines.get(_path(detail), 0))
        words = [f"{_dotted(detail)}: {_reason(detail)}" for detail in found[:3]]
        more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
        raise InvalidDocument(
            f"{REMOTE_DOCUMENT} cannot be used: {'; '.join(words)}{more}.",
            where=lines.where(_path(found[0])),
            hint=_HINT,
        ) from None
    _refuse_dead_ends(document, lines)
    return document


def _refuse_dead_ends(document: RemoteDocument, lines: Lines) -> None:
    """Refuse ways to merge with which no pull request could ever be merged; GitHub would find out only halfway."""
    text = document.repository
    ways: dict[MergeMethod, bool] = {
        "merge": text.merge_commit is not False,
        "squash": bool(text.squash),
        "rebase": bool(text.rebase),
    }
    where = lines.where(("repository", "merge_commit"))
    if not any(ways.values()):
        raise InvalidDocument(
            f"{lines.name} allows no way to merge a pull request.",
            where=where,
            hint="Set one of merge_commit, squash and rebase to true.",
        )
    rulesets = dict.fromkeys(_PROMOTED, RulesetText()) if document.rulesets is None else document.rulesets
    for name, ruleset in rulesets.items():
        if not _asks(name, ruleset):
            continue
        methods = ruleset.merge_methods or (["merge"] if name in _PROMOTED else list(ways))
        if not any(ways[method] for method in methods):
            raise InvalidDocument(
                f"The ruleset '{name}' takes {' or '.join(methods)} only, and the repository none of these.",
                where=where if document.rulesets is None else lines.where(("rulesets", name, "merge_methods")),
                hint="Allow it under 'repository', or name another way in 'merge_methods'.",
            )


_PROMOTED = ("production", "staging")


def _asks(name: str, ruleset: RulesetText) -> bool:
    """Whether a ruleset asks for pull requests, also where it does not say so."""
    return name in _PROMOTED if ruleset.pull_request is None else ruleset.pull_request


def remote_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the document."""
    found = RemoteDocument.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "title": REMOTE_DOCUMENT}


def _path(detail: ErrorDetails) -> tuple[str | int, ...]:
    return tuple(part for part in detail["loc"] if part != "[key]")


def _dotted(detail: ErrorDetails) -> str:
    return ".".join(str(part) for part in _path(detail)) or "the file"


def _reason(detail: ErrorDetails) -> str:
    hidden = {"secrets", "variables"} & set(detail["loc"])
    given = "the value" if hidden else detail["input"]
    match detail["type"]:
        case "extra_forbidden":
            near = nearest(str(detail["loc"][-1]), _all_keys())
            return f"there is no such key{f'; did you mean {near!r}?' if near else ''}"
        case "literal_error":
            return f"{given!r} is not possible; possible is {detail['ctx']['expected']}"
        case "value_error":
            return str(detail["ctx"]["error"])
        case "model_type" | "dict_type":
            return "it has to hold 'key: value' lines"
        case _:
            message = detail["msg"].removeprefix("Input ")
            return f"{given!r} {message}" if isinstance(given, str | int | float | bool) else message


def _all_keys() -> list[str]:
    models = (
        RemoteDocument, RepositoryText, ActionsText, SecurityText, EnvironmentText, RulesetText, LabelText, GitHubText
    )  # fmt: skip
    return sorted({key for model in models for key in model.model_fields})
