"""Rulesets: GitHub's list of rules, and the few fields that a project asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlopsgen.forge.values import Scalar

_REFS = "refs/heads/"
_TAGS = "refs/tags/"
_METHODS = ("merge", "rebase", "squash")
# Everything that GitHub wants to have told about a pull request's rule, with what it is where nobody asks for it.
_PULL_REQUEST = {
    "dismiss_stale_reviews_on_push": True,
    "require_code_owner_review": False,
    "require_last_push_approval": False,
    "required_review_thread_resolution": False,
}

Fields = Mapping[str, Scalar | tuple[str, ...]]


def target_of(value: Fields) -> str:
    """What a ruleset is for, in GitHub's words: tags where it names nothing else, as ``refs/tags/v*``."""
    names = value.get("branches")
    names = names if isinstance(names, tuple) else ()
    return "tag" if names and all(name.startswith(_TAGS) for name in names) else "branch"


def ruleset_value(data: Mapping[str, Any], wanted: Fields) -> dict[str, Scalar | tuple[str, ...]]:
    """The fields of a ruleset as GitHub has it.

    Args:
        data: GitHub's answer.
        wanted: The fields as they are wanted: where there is no rule for pull requests, what it would say has no
            effect and is as it is wanted.
    """
    rules = {str(rule.get("type")): rule.get("parameters") or {} for rule in data.get("rules") or ()}
    # Whoever moves a tag need not rewrite history: any move is an update.
    moves = "update" if data.get("target") == "tag" else "non_fast_forward"
    conditions = (data.get("conditions") or {}).get("ref_name") or {}
    names, excluded = conditions.get("include") or (), conditions.get("exclude") or ()
    pull_request = rules.get("pull_request")
    checks = (rules.get("required_status_checks") or {}).get("required_status_checks") or ()
    reviews: Scalar | tuple[str, ...] = wanted.get("reviews", 0)
    methods: Scalar | tuple[str, ...] = wanted.get("merge_methods", ())
    if pull_request is not None:
        reviews = int(pull_request.get("required_approving_review_count") or 0)
        methods = tuple(sorted(pull_request.get("allowed_merge_methods") or _METHODS))
    return {
        "branches": tuple(sorted(str(name).removeprefix(_REFS) for name in names)),
        "enforcement": str(data.get("enforcement") or ""),
        "pull_request": pull_request is not None,
        "reviews": reviews,
        "merge_methods": methods,
        "checks": tuple(sorted(str(check.get("context")) for check in checks)),
        "block_force_push": moves in rules,
        "block_deletion": "deletion" in rules,
        "bypass": tuple(sorted(_actor(actor) for actor in data.get("bypass_actors") or ())),
        "except": tuple(sorted(str(name).removeprefix(_REFS) for name in excluded)),
    }


def ruleset_body(name: str, value: Fields, found: Mapping[str, Any]) -> dict[str, Any]:
    """What GitHub is sent for a ruleset.

    Args:
        name: Its name.
        value: The fields as they are wanted.
        found: The ruleset as GitHub has it; empty for a new one. Rules of other kinds, other people's fields of our
            rules stay as they are, and so do who may bypass it and what is excepted unless the value names them.
    """
    there = {str(rule.get("type")): rule for rule in found.get("rules") or ()}
    target = target_of(value)
    moves = "update" if target == "tag" else "non_fast_forward"
    ours = {"deletion", moves, "pull_request", "required_status_checks"}
    rules = [dict(rule) for kind, rule in there.items() if kind not in ours]
    if value.get("block_deletion"):
        rules.append({"type": "deletion"})
    if value.get("block_force_push"):
        rules.append({"type": moves})
    if value.get("pull_request"):
        rules.append({"type": "pull_request", "parameters": _pull_request(value, _parameters(there, "pull_request"))})
    checks = value.get("checks")
    if isinstance(checks, tuple) and checks:
        old = _parameters(there, "required_status_checks")
        rules.append({"type": "required_status_checks", "parameters": _checks(checks, old)})
    names = value.get("branches")
    include = [_reference(each) for each in names] if isinstance(names, tuple) else []
    exclude = ((found.get("conditions") or {}).get("ref_name") or {}).get("exclude") or []
    excepted = value.get("except")
    if isinstance(excepted, tuple):
        exclude = [_reference(each) for each in excepted]
    body: dict[str, Any] = {
        "name": name,
        "target": target,
        "enforcement": str(value.get("enforcement") or "active"),
        "conditions": {"ref_name": {"include": include, "exclude": list(exclude)}},
        "rules": rules,
    }
    if found.get("bypass_actors"):
        body["bypass_actors"] = [] if value.get("bypass") == () else found["bypass_actors"]
    return body


def _pull_request(value: Fields, old: Mapping[str, Any]) -> dict[str, Any]:
    methods = value.get("merge_methods")
    asked: dict[str, Any] = {"required_approving_review_count": value.get("reviews") or 0}
    if isinstance(methods, tuple) and methods:
        asked["allowed_merge_methods"] = list(methods)
    return {**_PULL_REQUEST, **old, **asked}


def _checks(checks: tuple[str, ...], old: Mapping[str, Any]) -> dict[str, Any]:
    known = {str(check.get("context")): check for check in old.get("required_status_checks") or ()}
    return {
        # A branch is made from a commit whose check has not run yet; what is merged into it later has one.
        "do_not_enforce_on_create": True,
        "strict_required_status_checks_policy": False,
        **old,
        "required_status_checks": [known.get(check, {"context": check}) for check in checks],
    }


def _parameters(rules: Mapping[str, Mapping[str, Any]], kind: str) -> Mapping[str, Any]:
    parameters = rules.get(kind, {}).get("parameters") or {}
    return parameters if isinstance(parameters, Mapping) else {}


def _actor(actor: Mapping[str, Any]) -> str:
    """Who may bypass a ruleset, in words."""
    kind, number = str(actor.get("actor_type")), actor.get("actor_id")
    roles = {5: "administrators", 4: "writers", 2: "maintainers"}
    words = {"OrganizationAdmin": "organisation owners", "DeployKey": "deploy keys", "Integration": f"app {number}"}
    name = words.get(kind, f"{kind.lower()} {number}")
    if kind == "RepositoryRole" and isinstance(number, int):
        name = roles.get(number, f"role {number}")
    return f"{name} in pull requests" if actor.get("bypass_mode") == "pull_request" else name


def _reference(name: str) -> str:
    return name if name.startswith(("~", "refs/")) else f"{_REFS}{name}"
