"""Single plans, each with the words that a person reads before saying yes: what is there, wanted and changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from mlopsgen.forge.values import Key, Kind, Limit, Resource
from mlopsgen.operations.schema import schema
from mlopsgen.remote.compare import make_plan
from mlopsgen.remote.desired import Desired
from mlopsgen.remote.observed import Clone, Observed
from mlopsgen.remote.plan import Act
from tests.plan_toys import LOOSE, PRODUCTION, RULE, STRICT, A, asked, base_of, only, there


def test_what_the_owner_asked_for_since_is_changed() -> None:
    desired = asked((PRODUCTION, {**STRICT, "wait_minutes": 60}))
    item = only(make_plan(desired, there((PRODUCTION, STRICT)), asked=base_of((PRODUCTION, STRICT))), PRODUCTION)
    assert (item.act, item.detail, item.loosens) == (Act.CHANGE, "waits 30 minutes -> waits 60 minutes", False)


def test_what_a_person_changed_stays_and_is_told() -> None:
    observed = there((PRODUCTION, {**STRICT, "wait_minutes": 5}))
    desired, base = asked((PRODUCTION, STRICT)), base_of((PRODUCTION, STRICT))
    item = only(make_plan(desired, observed, asked=base), PRODUCTION)
    assert item.act is Act.KEEP
    assert item.reason == (
        "changed on the remote: waits 5 minutes. mlopsgen wants: waits 30 minutes. --take-over brings that about"
    )
    taken = only(make_plan(desired, observed, asked=base, take_over=True), PRODUCTION)
    assert (taken.act, taken.detail) == (Act.CHANGE, "waits 5 minutes -> waits 30 minutes")


def test_a_field_that_a_person_changed_stays_when_another_one_changes() -> None:
    observed = there((PRODUCTION, {**STRICT, "reviewers": ("bob",)}))
    desired, base = asked((PRODUCTION, {**STRICT, "wait_minutes": 60})), base_of((PRODUCTION, STRICT))
    item = only(make_plan(desired, observed, asked=base), PRODUCTION)
    assert item.resource is not None
    assert item.resource.value == {**STRICT, "reviewers": ("bob",), "wait_minutes": 60}
    assert "approved by bob" in item.reason


def test_what_an_earlier_version_asked_for_is_only_behind() -> None:
    oldest, newest = {**STRICT, "wait_minutes": 10}, STRICT
    versions = [*base_of((PRODUCTION, newest)), *base_of((PRODUCTION, oldest))]
    observed = there((PRODUCTION, {**oldest, "self_review": True}))
    item = only(make_plan(asked((PRODUCTION, newest)), observed, asked=versions), PRODUCTION)
    # The wait is behind, and somebody decided otherwise about their own runs.
    assert item.act is Act.CHANGE
    assert item.resource is not None
    assert item.resource.value == {**newest, "self_review": True}
    alone = make_plan(asked((PRODUCTION, newest)), observed, asked=versions[:1])
    assert only(alone, PRODUCTION).act is Act.KEEP


def test_an_earlier_version_is_no_reason_to_give_protection_away() -> None:
    open_again = {**STRICT, "reviewers": ()}
    versions = [*base_of((PRODUCTION, open_again)), *base_of((PRODUCTION, STRICT))]
    item = only(make_plan(asked((PRODUCTION, open_again)), there((PRODUCTION, STRICT)), asked=versions), PRODUCTION)
    assert (item.act, item.loosens) == (Act.KEEP, False)
    assert "approved by ada" in item.reason


def test_reviewers_are_the_same_in_capitals() -> None:
    there_now = there((PRODUCTION, {**STRICT, "reviewers": ("Ada",)}))
    assert only(make_plan(asked((PRODUCTION, STRICT)), there_now), PRODUCTION).reason == ""
    without = asked((PRODUCTION, {**STRICT, "reviewers": ()}))
    assert only(make_plan(without, there_now, asked=base_of((PRODUCTION, STRICT))), PRODUCTION).act is Act.CHANGE


def test_a_set_up_that_was_interrupted_before_the_first_push_is_ours_to_finish() -> None:
    observed = there((PRODUCTION, LOOSE), branches={})
    assert only(make_plan(asked((PRODUCTION, STRICT)), observed), PRODUCTION).act is Act.CHANGE


def test_without_a_base_nothing_is_taken_over() -> None:
    item = only(make_plan(asked((PRODUCTION, STRICT)), there((PRODUCTION, LOOSE))), PRODUCTION)
    assert item.act is Act.KEEP
    assert item.reason.startswith("set on the remote: no approval needed; no wait;")


def test_taking_protection_away_is_said() -> None:
    plan = make_plan(asked((PRODUCTION, LOOSE)), there((PRODUCTION, STRICT)), asked=base_of((PRODUCTION, STRICT)))
    item = only(plan, PRODUCTION)
    assert item.loosens
    assert item.detail.count("(less protection)") == 4


def test_a_person_makes_a_repository_public_and_nobody_else() -> None:
    visibility = Key(Kind.SETTING, "visibility")
    observed = there((visibility, "private"), branches={})
    item = only(make_plan(asked((visibility, "public")), observed, take_over=True), visibility)
    assert (item.act, item.instead) == (Act.CANNOT, "it stays private")


def test_a_repository_that_more_people_see_than_wanted_is_told_and_gets_no_first_code() -> None:
    visibility = Key(Kind.SETTING, "visibility")
    private, public = asked((visibility, "private")), there((visibility, "public"))
    kept = only(make_plan(private, public), visibility)
    assert kept.act is Act.KEEP
    assert "can be seen by more people than wanted" in kept.reason
    empty = there((visibility, "public"), branches={})
    [refused] = make_plan(private, empty).items
    assert (refused.act, refused.kind) == (Act.CANNOT, Kind.REPOSITORY)
    assert refused.reason.startswith("it is public and shall be private")
    assert "--visibility public" in refused.hint
    taken = only(make_plan(private, empty, take_over=True), visibility)
    assert (taken.act, taken.loosens) == (Act.CHANGE, False)
    assert make_plan(asked((visibility, "public")), empty).refused is None


def test_what_a_person_said_of_an_empty_repository_stays_and_what_nobody_said_is_set() -> None:
    about, merging = Key(Kind.SETTING, "about"), Key(Kind.SETTING, "merging")
    observed = there((about, {"description": "by hand", "homepage": ""}), (merging, {"squash": True}), branches={})
    plan = make_plan(
        asked((about, {"description": "ours.", "homepage": "https://x"}), (merging, {"squash": False})), observed
    )
    item = only(plan, about)
    assert item.resource is not None
    assert item.resource.value == {"description": "by hand", "homepage": "https://x"}
    assert "description: by hand. mlopsgen wants: description: ours. --take-over" in item.reason
    assert only(plan, merging).act is Act.CHANGE


def test_a_ruleset_is_never_taken_for_ours_without_a_base() -> None:
    rule, theirs = Key(Kind.RULESET, "production"), {**RULE, "branches": ("~ALL",), "reviews": 2}
    for branches in ({}, {"development": A}):
        item = only(make_plan(asked((rule, RULE)), there((rule, theirs), branches=branches)), rule)
        assert (item.act, item.loosens) == (Act.KEEP, False)
        assert "branches: ~ALL" in item.reason


@pytest.mark.parametrize("drift", [{"bypass": ("every admin",)}, {"except": ("production",)}])
def test_an_exception_from_a_rule_is_a_change_and_takes_protection_away(drift: dict[str, Any]) -> None:
    rule, strict = Key(Kind.RULESET, "production"), {**RULE, "bypass": (), "except": ()}
    observed, base = there((rule, {**strict, **drift})), base_of((rule, strict))
    assert next(iter(drift)) in only(make_plan(asked((rule, strict)), observed, asked=base), rule).reason.replace(
        "may be bypassed by", "bypass"
    )
    asked_for = asked((rule, {**strict, **drift}))
    assert only(make_plan(asked_for, there((rule, strict)), asked=base), rule).loosens


def test_what_depends_on_something_that_a_person_changed_is_left_as_well() -> None:
    actions, allowed = Key(Kind.SETTING, "actions"), Key(Kind.SETTING, "allowed-actions")
    alerts, updates = Key(Kind.SETTING, "vulnerability-alerts"), Key(Kind.SETTING, "security-updates")
    wants = ((actions, {"enabled": True, "allowed": "selected"}), (allowed, {"verified": True}))
    wants = (*wants, (alerts, True), (updates, True))
    for off in ({"enabled": False, "allowed": "selected"}, {"enabled": True, "allowed": "all"}):
        observed = there((actions, off), (alerts, False), (updates, False))
        plan = make_plan(asked(*wants), observed, asked=base_of(*wants))
        assert plan.changes == ()
        assert "selected actions" in only(plan, allowed).reason
        assert "vulnerability alerts" in only(plan, updates).reason or only(plan, updates).reason
    taken = make_plan(asked(*wants), observed, asked=base_of(*wants), take_over=True)
    assert [item.name for item in taken.changes] == [key.name for key in (actions, alerts, allowed, updates)]
    limits = {actions: Limit(reason="the organisation forbids it", instead="what it allows")}
    plan = make_plan(asked(*wants), there(branches={}), limits=limits)
    assert (only(plan, allowed).act, only(plan, allowed).instead) == (Act.CANNOT, "what it allows")


def test_a_policy_that_nobody_wants_is_told_and_stays() -> None:
    policy = Key(Kind.POLICY, "hotfix", "production")
    item = only(make_plan(asked((PRODUCTION, STRICT)), there((PRODUCTION, STRICT), (policy, "branch"))), policy)
    assert item.act is Act.KEEP
    assert "'hotfix' can use production as well" in item.reason


def test_an_environment_that_a_person_opened_gets_no_secret() -> None:
    secret, policy = Key(Kind.SECRET, "TOKEN", "production"), Key(Kind.POLICY, "production", "production")
    desired = asked((PRODUCTION, STRICT), (secret, None), (policy, "branch"))
    observed, base = there((PRODUCTION, {**STRICT, "branches": "all"})), base_of((PRODUCTION, STRICT))
    plan = make_plan(desired, observed, asked=base)
    assert [item.act for item in (only(plan, secret), only(plan, policy))] == [Act.CANNOT, Act.KEEP]
    assert "--take-over" in only(plan, secret).hint
    taken = make_plan(desired, observed, asked=base, take_over=True)
    assert {item.key for item in taken.changes} == {PRODUCTION, secret, policy}
    # Any branch was admitted: to name one gives nothing away. Where branches are named, one more does.
    assert not any(item.loosens for item in taken.changes)
    assert only(make_plan(desired, there((PRODUCTION, STRICT)), asked=base), policy).loosens


def test_an_old_address_of_the_same_repository_is_changed() -> None:
    observed = Observed(snapshot=there().snapshot, clone=Clone(address="https://h/old.git", address_exists=True))
    remote = Key(Kind.REMOTE, "local")
    assert only(make_plan(asked(), observed), remote).act is Act.CANNOT
    leads = Observed(snapshot=observed.snapshot, clone=replace(observed.clone, leads_here=True))
    assert only(make_plan(asked(), leads), remote).act is Act.CHANGE


def test_what_a_newer_version_of_the_tool_made_stays() -> None:
    hook = Resource(key=Key(Kind.SETTING, "hook"), value="2")
    desired = Desired(
        project="toy",
        address="memory://forge",
        branches={"development": A},
        resources=(hook,),
        owned=frozenset([hook.key]),
        tool_version="0.1.0",
    )
    item = only(make_plan(desired, there((hook.key, "3"))), hook.key)
    assert (item.act, item.detail) == (Act.KEEP, "3")
    assert "newer than this one" in item.reason


def test_the_digest_stands_for_the_plan_alone() -> None:
    one = make_plan(asked((PRODUCTION, STRICT)), there())
    other = make_plan(asked((PRODUCTION, {**STRICT, "wait_minutes": 31})), there())
    assert one.digest == make_plan(asked((PRODUCTION, STRICT)), there()).digest
    assert one.digest != other.digest


def test_a_plan_that_no_schema_knows_is_refused_by_it() -> None:
    document = make_plan(asked((PRODUCTION, STRICT)), there()).as_dict()
    for bad in ({"version": 2}, {"digest": "x"}, {"more": 1}, {"actions": [{"kind": "delete"}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**document, **bad}, schema("plan"))
