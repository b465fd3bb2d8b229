"""Which changes let somebody do more than before: a plan never makes one of them without saying so."""

from __future__ import annotations

from collections.abc import Callable

from mlopsgen.forge.values import Kind
from mlopsgen.remote.words import WHOLE, Field

_Rule = Callable[[Field, Field], bool]

VISIBILITIES = ("private", "internal", "public")
"""Who sees a repository, from the fewest to the most."""


def loosens(kind: Kind, name: str, field: str, before: Field, after: Field) -> bool:
    """Whether a change of a field takes protection away.

    Args:
        kind: The kind of the thing.
        name: Its name; settings differ by it.
        field: The field that changes.
        before: Its value now.
        after: Its value afterwards.
    """
    rule = _RULES.get((kind, name, field)) or _RULES.get((kind, "", field))
    return rule is not None and rule(before, after)


def _is_switched_on(before: Field, after: Field) -> bool:
    return bool(after) and not before


def _is_switched_off(before: Field, after: Field) -> bool:
    return bool(before) and not after


def _is_less(before: Field, after: Field) -> bool:
    return isinstance(before, int) and isinstance(after, int) and after < before


def _has_more(before: Field, after: Field) -> bool:
    return isinstance(after, tuple) and not set(after) <= set(_names(before))


def _has_fewer(before: Field, after: Field) -> bool:
    return isinstance(before, tuple) and not set(before) <= set(_names(after))


def _has_other_approvers(before: Field, after: Field) -> bool:
    """Of several reviewers one suffices: a new one loosens as much as none at all."""
    return bool(_names(before)) and (not _names(after) or not set(_names(after)) <= set(_names(before)))


def _rises(*order: str) -> _Rule:
    def rule(before: Field, after: Field) -> bool:
        return before in order and after in order and order.index(str(after)) > order.index(str(before))

    return rule


def _names(value: Field) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


_RULES: dict[tuple[Kind, str, str], _Rule] = {
    (Kind.ENVIRONMENT, "", "reviewers"): _has_other_approvers,
    (Kind.ENVIRONMENT, "", "wait_minutes"): _is_less,
    (Kind.ENVIRONMENT, "", "self_review"): _is_switched_on,
    (Kind.ENVIRONMENT, "", "branches"): _rises("custom", "protected", "all"),
    (Kind.RULESET, "", "branches"): _has_fewer,
    (Kind.RULESET, "", "enforcement"): _rises("active", "evaluate", "disabled"),
    (Kind.RULESET, "", "pull_request"): _is_switched_off,
    (Kind.RULESET, "", "reviews"): _is_less,
    (Kind.RULESET, "", "merge_methods"): _has_more,
    (Kind.RULESET, "", "checks"): _has_fewer,
    (Kind.RULESET, "", "bypass"): _has_more,
    (Kind.RULESET, "", "except"): _has_more,
    (Kind.RULESET, "", "block_force_push"): _is_switched_off,
    (Kind.RULESET, "", "block_deletion"): _is_switched_off,
    (Kind.SETTING, "visibility", WHOLE): _rises(*VISIBILITIES),
    (Kind.SETTING, "actions", "enabled"): _is_switched_on,
    (Kind.SETTING, "actions", "allowed"): _rises("local_only", "selected", "all"),
    (Kind.SETTING, "actions", "pinned"): _is_switched_off,
    (Kind.SETTING, "allowed-actions", "github_owned"): _is_switched_on,
    (Kind.SETTING, "allowed-actions", "verified"): _is_switched_on,
    (Kind.SETTING, "allowed-actions", "patterns"): _has_more,
    (Kind.SETTING, "workflow-token", "permissions"): _rises("read", "write"),
    (Kind.SETTING, "workflow-token", "pull_requests"): _is_switched_on,
    (Kind.SETTING, "fork-approval", WHOLE): _rises(
        "all_external_contributors", "first_time_contributors", "first_time_contributors_new_to_github"
    ),
    (Kind.SETTING, "vulnerability-alerts", WHOLE): _is_switched_off,
    (Kind.SETTING, "security-updates", WHOLE): _is_switched_off,
}
