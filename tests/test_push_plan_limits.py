"""Single plans where something cannot be had: an environment, a part of a setting, a branch that a rule guards."""

from __future__ import annotations

from typing import Any

import pytest

from mlopsgen.forge.values import Key, Kind, Limit, Resource
from mlopsgen.remote.compare import make_plan
from mlopsgen.remote.fallback import fall_back
from mlopsgen.remote.observed import Distance
from mlopsgen.remote.plan import Act
from mlopsgen.remote.plan_text import plan_lines
from tests.plan_toys import LOOSE, PRODUCTION, RULE, STRICT, A, B, asked, base_of, only, there
from tests.remote_states import wanted


def test_of_a_repository_that_cannot_be_used_nothing_more_is_planned() -> None:
    plan = make_plan(asked((PRODUCTION, STRICT)), there(unrelated=("main",)))
    assert [item.kind for item in plan.items] == [Kind.REPOSITORY]


@pytest.mark.parametrize(("given", "optional", "act"), [(1, 0, Act.CREATE), (0, 1, Act.KEEP), (0, 0, Act.CANNOT)])
def test_a_secret_needs_a_value(given: int, optional: int, act: Act) -> None:
    key = Key(Kind.SECRET, "TOKEN", "production")
    secret = Resource(key=key, optional=bool(optional))
    desired = wanted([Resource(key=PRODUCTION, value=STRICT), secret], {"development": A}, given=bool(given))
    item = only(make_plan(desired, there()), key)
    assert item.act is act
    assert (item.hint == "mlopsgen secrets set TOKEN --branch production") == (act is Act.CANNOT)
    assert not make_plan(desired, there()).unsolved


def test_environments_that_cannot_be_had_move_to_the_repository() -> None:
    secret, variable = Key(Kind.SECRET, "TOKEN", "production"), Key(Kind.VARIABLE, "REGION", "production")
    policy = Key(Kind.POLICY, "production", "production")
    desired = asked((PRODUCTION, STRICT), (policy, "branch"), (secret, None), (variable, "north"))
    instead = "its variables and secrets become the repository's"
    limits = {PRODUCTION: Limit(reason="a private repository on the Free plan has no environments", instead=instead)}
    possible = fall_back(desired, limits)
    assert [one.key for one in possible.resources[1:]] == [
        Key(Kind.SECRET, "PRODUCTION_TOKEN"),
        Key(Kind.VARIABLE, "PRODUCTION_REGION"),
    ]
    assert possible.given == {Key(Kind.SECRET, "PRODUCTION_TOKEN")}
    item = only(make_plan(desired, there(), limits=limits), PRODUCTION)
    assert item.act is Act.CANNOT
    assert "nobody is asked for approval" in item.instead
    assert "for production only" in item.detail


def test_an_environment_that_could_be_had_and_is_wrong_moves_nothing() -> None:
    secret = Key(Kind.SECRET, "TOKEN", "production")
    limits = {PRODUCTION: Limit(reason="there is no user 'ada'", hint="Correct the reviewers.")}
    plan = make_plan(asked((PRODUCTION, STRICT), (secret, None)), there(), limits=limits)
    assert plan.changes == ()
    assert [item.name for item in plan.unsolved] == ["production", "TOKEN"]
    assert "there is no user 'ada'" in only(plan, secret).reason


@pytest.mark.parametrize("name", ["development", "production"])
def test_a_branch_waits_for_its_environment(name: str) -> None:
    environment, commits = Key(Kind.ENVIRONMENT, name), {"development": A, "production": A}
    default = Key(Kind.SETTING, "default-branch")
    desired = asked((environment, STRICT), (default, "development"), branches=commits)
    wrong = {environment: Limit(reason="there is no user 'ada'", hint="Correct the reviewers.")}
    plan = make_plan(desired, there(branches={}), limits=wrong)
    item = only(plan, Key(Kind.BRANCH, name))
    assert (item.act, item.hint) == (Act.CANNOT, "Correct the reviewers.")
    pushed = {one.name for one in plan.changes if one.kind is Kind.BRANCH}
    assert pushed == ({"development"} if name == "production" else set())
    assert (only(plan, default).act is Act.CANNOT) == (name == "development")
    # What the plan does not hold has something in its place, and an environment that is there protects.
    replaced = {environment: Limit(reason="no environments", instead="the repository's")}
    assert (
        len([o for o in make_plan(desired, there(branches={}), limits=replaced).changes if o.kind is Kind.BRANCH]) == 2
    )
    observed = there((environment, LOOSE), branches={"x": B})
    plan = make_plan(desired, observed, asked=base_of((environment, LOOSE)), limits=wrong)
    assert only(plan, environment).act is Act.CANNOT
    assert only(plan, Key(Kind.BRANCH, name)).act is Act.CREATE


def test_reviewers_that_cannot_be_had_are_named_and_the_environment_is_made() -> None:
    limits = {PRODUCTION: Limit(reason="only with Enterprise", instead="only its branch", fields=("reviewers",))}
    plan = make_plan(asked((PRODUCTION, STRICT)), there(), limits=limits)
    made = only(plan, PRODUCTION)
    assert made.act is Act.CREATE
    assert made.resource is not None
    assert "reviewers" not in made.resource.value  # type: ignore[operator]
    lost = only(plan, Key(Kind.ENVIRONMENT, "reviewers", "production"))
    assert (lost.act, lost.detail) == (Act.CANNOT, "approved by ada")
    # Made like this, there is nothing left to do, and what is lost is still said.
    again = make_plan(asked((PRODUCTION, STRICT)), there((PRODUCTION, {**STRICT, "reviewers": ()})), limits=limits)
    assert (again.changes, len(again.blocked)) == ((), 1)


def test_a_part_of_a_setting_that_cannot_be_had_is_named_and_the_rest_is_set() -> None:
    token = Key(Kind.SETTING, "workflow-token")
    limits = {token: Limit(reason="the organisation forbids it", instead="people open them", fields=("pull_requests",))}
    plan = make_plan(asked((token, {"permissions": "read", "pull_requests": True})), there(branches={}), limits=limits)
    made = only(plan, token).resource
    assert made is not None
    assert made.value == {"permissions": "read"}
    lost = only(plan, Key(Kind.SETTING, "workflow-token: pull requests"))
    assert (lost.act, lost.detail) == (Act.CANNOT, "Actions may open and approve pull requests")
    lines = plan_lines(plan, width=100)
    assert lines[lines.index("Actions and security") + 2].startswith("  ! setting     workflows' token: pull requests")


@pytest.mark.parametrize(("rule", "act"), [(RULE, Act.CANNOT), ({**RULE, "enforcement": "disabled"}, Act.CHANGE)])
def test_a_branch_that_takes_pull_requests_is_not_pushed_to(rule: dict[str, Any], act: Act) -> None:
    observed = there(
        (Key(Kind.RULESET, "theirs"), rule),
        branches={"production": A},
        distances={"production": Distance(ahead=2, behind=0)},
    )
    branches = {"production": B, "development": A}
    item = only(make_plan(asked(branches=branches), observed), Key(Kind.BRANCH, "production"))
    assert item.act is act
    if act is Act.CANNOT:
        assert item.reason == "it takes changes by pull request only"
        assert item.instead == "open a pull request from development"
        # A template's repository has no development.
        alone = only(make_plan(asked(branches={"production": B}), observed), Key(Kind.BRANCH, "production"))
        assert alone.instead == "open a pull request from another branch"


def test_a_guarded_branch_that_is_gone_is_not_made_by_a_push() -> None:
    plan = make_plan(asked(branches={"production": A}), there((Key(Kind.RULESET, "theirs"), RULE), branches={"x": B}))
    assert plan.changes == ()
    assert "Disable that ruleset" in only(plan, Key(Kind.BRANCH, "production")).hint


@pytest.mark.parametrize(
    ("rule", "guarded"),
    [
        ({"branches": ("~ALL",)}, True),
        ({"branches": ("~DEFAULT_BRANCH",)}, False),
        ({"branches": ("prod*",)}, True),
        ({"branches": ("~ALL",), "except": ("production",)}, False),
        ({"branches": ("staging",)}, False),
    ],
)
def test_a_rule_guards_what_its_patterns_name(rule: dict[str, Any], guarded: bool) -> None:
    theirs = there((Key(Kind.RULESET, "theirs"), {**RULE, **rule}), branches={"x": B})
    item = only(make_plan(asked(branches={"production": A}), theirs), Key(Kind.BRANCH, "production"))
    assert (item.act is Act.CANNOT) == guarded


def test_a_rule_is_made_stricter_before_and_a_new_one_made_after_the_branches() -> None:
    old, new = Key(Kind.RULESET, "old"), Key(Kind.RULESET, "new")
    before = {**RULE, "reviews": 0}
    desired = asked((old, RULE), (new, RULE), branches={"development": B})
    observed = there((old, before), distances={"development": Distance(ahead=1, behind=0)})
    plan = make_plan(desired, observed, asked=base_of((old, before)))
    assert [item.name for item in plan.changes] == ["old", "development", "new"]


def test_a_new_rule_waits_for_a_branch_that_cannot_be_pushed() -> None:
    rule = Key(Kind.RULESET, "production")
    limits = {Key(Kind.BRANCH, ""): Limit(reason="the token lacks the scope workflow", hint="Another token.")}
    plan = make_plan(asked((rule, RULE), branches={"production": A}), there(branches={}), limits=limits)
    assert plan.changes == ()
    assert "comes after its branch" in only(plan, rule).reason


def test_what_has_nothing_in_common_is_refused() -> None:
    plan = make_plan(asked(), there(unrelated=("main",)))
    assert plan.refused is not None
    assert "'main' has nothing in common" in plan.refused.reason
