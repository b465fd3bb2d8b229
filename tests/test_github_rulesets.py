"""Rulesets on GitHub: ours are settled, everything that people added to them or made besides stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsgen.forge.github.errors import Refused
from mlopsgen.forge.values import Kind
from tests import github_settings as wanted
from tests.github_hub import Hub, open_hub, put


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with open_hub(tmp_path) as opened:
        yield opened


def test_what_people_added_to_a_ruleset_stays(hub: Hub) -> None:
    forge = hub.forge()
    forge.put(wanted.repository())
    rules = wanted.of(Kind.RULESET, "production", wanted.PRODUCTION_RULES)
    forge.put(rules)
    [found] = hub.repository.rulesets.values()
    found["rules"].append({"type": "required_signatures"})
    found["bypass_actors"] = [{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}]
    next(r for r in found["rules"] if r["type"] == "pull_request")["parameters"]["require_code_owner_review"] = True
    seen = hub.forge().observe([rules]).resources[rules.key]
    assert seen == {**wanted.PRODUCTION_RULES, "bypass": ("administrators",)}
    hub.forge().put(wanted.of(Kind.RULESET, "production", {**seen, "reviews": 2}))
    [found] = hub.repository.rulesets.values()
    pull = next(r for r in found["rules"] if r["type"] == "pull_request")["parameters"]
    assert (pull["required_approving_review_count"], pull["require_code_owner_review"]) == (2, True)
    assert {"type": "required_signatures"} in found["rules"]
    assert found["bypass_actors"][0]["actor_id"] == 5
    hub.forge().put(rules)
    [found] = hub.repository.rulesets.values()
    assert not found.get("bypass_actors")


def test_a_ruleset_that_is_as_it_shall_be_is_not_written_again(hub: Hub) -> None:
    put(hub.forge(), [wanted.repository(), wanted.of(Kind.RULESET, "production", wanted.PRODUCTION_RULES)])
    [found] = hub.repository.rulesets.values()
    pull = next(rule for rule in found["rules"] if rule["type"] == "pull_request")
    pull["parameters"]["required_reviewers"] = []
    hub.github.calls.clear()
    put(hub.forge(), [wanted.of(Kind.RULESET, "production", wanted.PRODUCTION_RULES)])
    assert "PUT" not in {record.method for record in hub.github.calls.rest}


def test_what_is_excepted_from_a_ruleset_is_seen(hub: Hub) -> None:
    forge = hub.forge()
    forge.put(wanted.repository())
    rules = wanted.of(Kind.RULESET, "development", wanted.DEVELOPMENT_RULES)
    forge.put(rules)
    [found] = hub.repository.rulesets.values()
    found["conditions"]["ref_name"]["exclude"] = ["refs/heads/development"]
    seen = forge.observe([rules]).resources[rules.key]
    assert seen == {**wanted.DEVELOPMENT_RULES, "except": ("development",)}
    forge.put(rules)
    assert (
        found["conditions"]["ref_name"]["exclude"] == []
        or hub.forge().observe([rules]).resources[rules.key] == rules.value
    )


def test_rulesets_for_tags_are_not_ours(hub: Hub) -> None:
    forge = hub.forge()
    forge.put(wanted.repository())
    rules = wanted.of(Kind.RULESET, "production", wanted.PRODUCTION_RULES)
    conditions = {"ref_name": {"include": ["refs/tags/v*"], "exclude": []}}
    body = {"name": "production", "target": "tag", "enforcement": "active", "conditions": conditions}
    forge.place.request("POST", "rulesets", doing="Making it by hand", body={**body, "rules": [{"type": "deletion"}]})
    again = hub.forge()
    snapshot = again.observe([rules])
    assert (snapshot.resources, snapshot.unreadable) == ({}, {})
    limit = again.limits([rules], snapshot)[rules.key]
    assert ("taken by a ruleset for tags" in limit.reason, limit.instead) == (True, "")
    with pytest.raises(Refused, match="taken by a ruleset for something else"):
        again.put(rules)
    [found] = hub.repository.rulesets.values()
    assert found["target"] == "tag"
