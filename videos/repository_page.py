"""What the stand-in of GitHub holds, as a page: read through its API, drawn here and not by GitHub."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from .browser import Browser
from .drawn import head, table, take
from .world import World

NOTE = "read through the stand-in's API; not GitHub's own page"


@dataclass(frozen=True)
class Held:
    """What a repository on the stand-in is.

    Attributes:
        name: With its owner.
        visibility: Who sees it.
        tables: By title: names, and what is said of each.
    """

    name: str
    visibility: str
    tables: dict[str, list[tuple[str, str]]]

    @property
    def text(self) -> str:
        """The page in words."""
        lines = [f"{self.name}  {self.visibility}  {NOTE}"]
        for title, rows in self.tables.items():
            lines += ["", title, *[f"  {name}  {said}".rstrip() for name, said in rows]]
        return "\n".join(lines)

    def picture(self, browser: Browser, target: Path) -> Path:
        """Draw the page and take its picture."""
        parts = [table(title, rows) for title, rows in self.tables.items()]
        body = f'{head(self.name, NOTE, self.visibility)}<div class="two">{"".join(parts)}</div>'
        return take(browser, "repository", body, target)


def held(world: World, full_name: str) -> Held:
    """Read what is there through its API."""

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
        for each in _in_order(ask("/branches"))
    ]
    environments = [(each["name"], _protection(each)) for each in _in_order(ask("/environments")["environments"])]
    secrets = [
        (secret["name"], f"secret, sealed for {name}")
        for name, _ in environments
        for secret in ask(f"/environments/{name}/secrets")["secrets"]
    ]
    variables = [
        (variable["name"], variable["value"])
        for name, _ in environments
        for variable in sorted(ask(f"/environments/{name}/variables")["variables"], key=itemgetter("name"))
    ]
    rules = [(each["name"], _rules(ask(f"/rulesets/{each['id']}"))) for each in _in_order(ask("/rulesets"))]
    tables = {
        "Branches": branches,
        "Environments": environments,
        "Secrets and variables of environments": [*secrets, *variables],
        "Rules of branches": rules,
    }
    return Held(repository["full_name"], repository["visibility"], tables)


def _in_order(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In the order in which a model goes through the branches; they are made at the same time, in any order."""
    return sorted(
        found, key=lambda each: ("development staging production".find(each["name"].partition("-")[0]), each["name"])
    )


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
