"""What the stand-in of GitHub holds, as a page: read through its API, drawn here and not by GitHub."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from .browser import Browser
from .drawn import head, table, take
from .world import World


def picture(browser: Browser, world: World, full_name: str, target: Path) -> Path:
    """Draw the page and take its picture."""
    return take(browser, "repository", _body(world, full_name), target)


def _body(world: World, full_name: str) -> str:
    def ask(path: str) -> Any:
        request = urllib.request.Request(
            f"{world.github.api}/repos/{full_name}{path}",
            headers={"Authorization": f"Bearer {world.environ['GH_TOKEN']}"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    repository = ask("")
    branches = [
        (each["name"], "default branch" if each["name"] == repository["default_branch"] else "")
        for each in ask("/branches")
    ]
    environments = [(each["name"], _protection(each)) for each in ask("/environments")["environments"]]
    secrets = [
        (secret["name"], f"secret, sealed for {name}")
        for name, _ in environments
        for secret in ask(f"/environments/{name}/secrets")["secrets"]
    ]
    variables = [
        (variable["name"], variable["value"])
        for name, _ in environments
        for variable in ask(f"/environments/{name}/variables")["variables"]
    ]
    rules = [(each["name"], _rules(ask(f"/rulesets/{each['id']}"))) for each in ask("/rulesets")]
    parts = [
        table("Branches", branches),
        table("Environments", environments),
        table("Secrets and variables of environments", [*secrets, *variables]),
        table("Rules of branches", rules),
    ]
    note = "read through the stand-in's API; not GitHub's own page"
    return f'{head(repository["full_name"], note, repository["visibility"])}<div class="two">{"".join(parts)}</div>'


def _protection(environment: dict[str, Any]) -> str:
    found = []
    for rule in environment["protection_rules"]:
        if rule["type"] == "required_reviewers":
            who = [each["reviewer"].get("login") or each["reviewer"]["slug"] for each in rule["reviewers"]]
            found.append(f"approved by {', '.join(who)}")
        elif rule["type"] == "branch_policy":
            found.append("its own branch only")
    return "; ".join(found)


WORDS = {
    "pull_request": "by pull request only",
    "required_status_checks": "tests must be green",
    "non_fast_forward": "no force push",
    "deletion": "no deletion",
}


def _rules(ruleset: dict[str, Any]) -> str:
    kinds = [rule["type"] for rule in ruleset["rules"]]
    return "; ".join(words for kind, words in WORDS.items() if kind in kinds)
