"""Remotes of every kind for property tests: what is wanted, what is there, and what was asked for before."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from mlopsgen.constants import BRANCHES
from mlopsgen.forge.values import Key, Kind, Resource, Value
from mlopsgen.remote.desired import Desired

NAMES = st.sampled_from(["REGION", "SIZE"])
LOGINS = st.sampled_from([(), ("ada",), ("ada", "org/team"), ("bob",)])
ENVIRONMENTS = ("staging", "production")

ENVIRONMENT = st.fixed_dictionaries(
    {
        "reviewers": LOGINS,
        "wait_minutes": st.sampled_from([0, 30]),
        "self_review": st.booleans(),
        "branches": st.sampled_from(["custom", "custom", "all"]),
    }
)
RULESET = st.fixed_dictionaries(
    {
        "branches": st.sampled_from([("production",), ("production", "staging"), ("staging",)]),
        "enforcement": st.sampled_from(["active", "active", "disabled"]),
        "pull_request": st.booleans(),
        "reviews": st.integers(0, 1),
        "block_force_push": st.booleans(),
    }
)
SETTINGS: dict[str, st.SearchStrategy[Value]] = {
    "visibility": st.sampled_from(["private", "internal", "public"]),
    "about": st.fixed_dictionaries({"description": st.sampled_from(["", "Rents"]), "homepage": st.just("")}),
    "actions": st.fixed_dictionaries(
        {"enabled": st.just(True), "allowed": st.sampled_from(["all", "selected"]), "pinned": st.booleans()}
    ),
    "workflow-token": st.fixed_dictionaries(
        {"permissions": st.sampled_from(["read", "write"]), "pull_requests": st.booleans()}
    ),
    "topics": st.sampled_from([("mlopsgen",), ("mlops", "mlopsgen")]),
    "vulnerability-alerts": st.booleans(),
}


@st.composite
def resources(draw: st.DrawFn) -> tuple[Resource, ...]:
    """What somebody wants, wanted, or has made: any of the kinds, what belongs to an environment never without it."""
    names = draw(st.lists(st.sampled_from(sorted(SETTINGS)), unique=True))
    found: list[tuple[Key, Value]] = [(Key(Kind.SETTING, name), draw(SETTINGS[name])) for name in names]
    for scope in draw(st.lists(st.sampled_from(ENVIRONMENTS), unique=True)):
        found.append((Key(Kind.ENVIRONMENT, scope), draw(ENVIRONMENT)))
        policies = draw(st.lists(st.sampled_from(["development", scope, "hotfix"]), unique=True, max_size=2))
        found.extend((Key(Kind.POLICY, name, scope), "branch") for name in policies)
        variables = draw(st.dictionaries(NAMES, st.sampled_from(["", "a", "b"])))
        found.extend((Key(Kind.VARIABLE, name, scope), value) for name, value in variables.items())
        secrets = draw(st.lists(st.sampled_from(["TOKEN", "PASSWORD"]), unique=True))
        found.extend((Key(Kind.SECRET, name, scope), None) for name in secrets)
    rules = draw(st.dictionaries(st.sampled_from(ENVIRONMENTS), RULESET))
    found.extend((Key(Kind.RULESET, name), value) for name, value in rules.items())
    labels = draw(st.dictionaries(st.sampled_from(["retrain", "data"]), st.sampled_from(["0e8a16", "ffffff"])))
    found.extend((Key(Kind.LABEL, name), {"color": color, "description": ""}) for name, color in labels.items())
    optional = draw(st.booleans())
    return tuple(Resource(key=key, value=value, optional=optional) for key, value in found)


def wanted(
    of: Sequence[Resource], branches: dict[str, str], *, given: bool = True, address: str = "memory://forge"
) -> Desired:
    """The remote with these resources; the values of all its secrets are at hand if ``given``."""
    secrets = frozenset(one.key for one in of if one.key.kind is Kind.SECRET)
    return Desired(
        project="toy",
        address=address,
        branches={branch: branches[branch] for branch in BRANCHES if branch in branches},
        resources=(Resource(key=Key(Kind.REPOSITORY, "toy"), value={"project": "toy"}), *of),
        given=secrets if given else frozenset(),
        tool_version="0.2.0",
    )


def field_values(value: Value) -> dict[str, object]:
    """A value's fields; of one without fields the only one has no name."""
    return dict(value) if isinstance(value, dict) else {"": value}
