"""A whole repository on GitHub as it may be wanted; what the tests of the adapter put and read back."""

from __future__ import annotations

from mlopsgen.forge.values import Key, Kind, Resource, Value

REVIEWED = {"reviewers": ("ada",), "wait_minutes": 0, "self_review": False, "branches": "custom"}
OPEN: Value = {"reviewers": (), "wait_minutes": 0, "self_review": True, "branches": "custom"}
PRODUCTION_RULES = {
    "branches": ("production",),
    "enforcement": "active",
    "pull_request": True,
    "reviews": 1,
    "merge_methods": ("merge",),
    "checks": ("test",),
    "block_force_push": True,
    "block_deletion": True,
    "bypass": (),
    "except": (),
}
DEVELOPMENT_RULES = {**PRODUCTION_RULES, "branches": ("development",), "pull_request": False, "checks": ()}


def of(kind: Kind, name: str, value: Value = None, scope: str = "") -> Resource:
    """A resource."""
    return Resource(key=Key(kind, name, scope), value=value)


def repository(name: str = "toy", visibility: str = "private") -> Resource:
    """The repository itself."""
    value = {"project": "toy", "description": "Prices", "homepage": "", "visibility": visibility}
    return of(Kind.REPOSITORY, name, value)


def settings(visibility: str = "private") -> list[Resource]:
    """Every setting but the default branch, which wants a branch."""
    values: dict[str, Value] = {
        "about": {"description": "Prices of houses", "homepage": "https://example.org"},
        "topics": ("machine-learning", "mlopsgen"),
        "visibility": visibility,
        "merging": {"merge_commit": True, "squash": False, "rebase": False, "delete_branch": True},
        "actions": {"enabled": True, "allowed": "selected", "pinned": True},
        "allowed-actions": {"github_owned": True, "verified": False, "patterns": ("docker/*", "orhun/git-cliff@*")},
        "workflow-token": {"permissions": "read", "pull_requests": True},
        "vulnerability-alerts": True,
        "security-updates": True,
    }
    if visibility == "public":
        values["fork-approval"] = "all_external_contributors"
    return [of(Kind.SETTING, name, value) for name, value in values.items()]


def environments(reviewed: str = "production") -> list[Resource]:
    """Three environments, each for its branch, with a variable."""
    found = []
    for name in ("development", "staging", "production"):
        found.append(of(Kind.ENVIRONMENT, name, REVIEWED if name == reviewed else OPEN))
        found.append(of(Kind.POLICY, name, "branch", name))
        found.append(of(Kind.VARIABLE, "KUBEFLOW_ENDPOINT", f"https://{name}.example.org", name))
    return found


def rest() -> list[Resource]:
    """What belongs to the repository besides."""
    return [
        of(Kind.VARIABLE, "REGION", "north"),
        of(Kind.LABEL, "drift", {"color": "0e8a16", "description": "The data have changed"}),
        of(Kind.RULESET, "production", PRODUCTION_RULES),
        of(Kind.RULESET, "development", DEVELOPMENT_RULES),
    ]


def everything(visibility: str = "private") -> list[Resource]:
    """All of it, in an order in which it can be put."""
    return [repository(visibility=visibility), *settings(visibility), *environments(), *rest()]
