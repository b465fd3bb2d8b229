"""Fetch GitHub's own description of its REST API and keep the part that the tests' GitHub speaks.

``python tools/github_contract.py`` runs ``npm pack`` for the package below and writes ``tests/github/contract/``;
``--package FILE`` takes a tarball that lies here already. The result depends on the package and on this file alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CONTRACT = ROOT / "tests" / "github" / "contract"
PACKAGE = "@octokit/openapi@23.0.2"
REPOSITORY = "/repos/{owner}/{repo}"
ENVIRONMENT = REPOSITORY + "/environments/{environment_name}"
OPERATIONS = {
    "/meta": "get",
    "/rate_limit": "get",
    "/user": "get",
    "/user/orgs": "get",
    "/user/repos": "get post",
    "/user/memberships/orgs/{org}": "get",
    "/users/{username}": "get",
    "/users/{username}/repos": "get",
    "/orgs/{org}": "get",
    "/orgs/{org}/repos": "get post",
    "/orgs/{org}/memberships/{username}": "get",
    "/orgs/{org}/teams": "get",
    "/orgs/{org}/teams/{team_slug}": "get",
    "/orgs/{org}/teams/{team_slug}/repos/{owner}/{repo}": "get put",
    "/orgs/{org}/actions/permissions": "get",
    "/orgs/{org}/actions/permissions/selected-actions": "get",
    "/orgs/{org}/actions/permissions/workflow": "get",
    "/orgs/{org}/actions/runners": "get",
    REPOSITORY: "get patch delete",
    REPOSITORY + "/topics": "get put",
    REPOSITORY + "/vulnerability-alerts": "get put delete",
    REPOSITORY + "/automated-security-fixes": "get put delete",
    REPOSITORY + "/branches": "get",
    REPOSITORY + "/branches/{branch}": "get",
    REPOSITORY + "/branches/{branch}/protection": "get",
    REPOSITORY + "/commits": "get",
    REPOSITORY + "/commits/{ref}/statuses": "get",
    REPOSITORY + "/compare/{basehead}": "get",
    REPOSITORY + "/statuses/{sha}": "post",
    REPOSITORY + "/git/ref/{ref}": "get",
    REPOSITORY + "/git/matching-refs/{ref}": "get",
    REPOSITORY + "/git/refs": "post",
    REPOSITORY + "/git/refs/{ref}": "patch delete",
    REPOSITORY + "/dispatches": "post",
    REPOSITORY + "/actions/workflows/{workflow_id}/dispatches": "post",
    REPOSITORY + "/actions/workflows/{workflow_id}/runs": "get",
    REPOSITORY + "/actions/runs": "get",
    REPOSITORY + "/actions/runs/{run_id}": "get",
    REPOSITORY + "/actions/runs/{run_id}/artifacts": "get",
    REPOSITORY + "/actions/artifacts": "get",
    REPOSITORY + "/actions/artifacts/{artifact_id}": "get",
    REPOSITORY + "/actions/artifacts/{artifact_id}/{archive_format}": "get",
    REPOSITORY + "/actions/permissions": "get put",
    REPOSITORY + "/actions/permissions/selected-actions": "get put",
    REPOSITORY + "/actions/permissions/workflow": "get put",
    REPOSITORY + "/actions/permissions/fork-pr-contributor-approval": "get put",
    REPOSITORY + "/actions/secrets": "get",
    REPOSITORY + "/actions/secrets/public-key": "get",
    REPOSITORY + "/actions/secrets/{secret_name}": "get put delete",
    REPOSITORY + "/actions/variables": "get post",
    REPOSITORY + "/actions/variables/{name}": "get patch delete",
    REPOSITORY + "/actions/runners": "get",
    REPOSITORY + "/actions/runners/downloads": "get",
    REPOSITORY + "/actions/runners/registration-token": "post",
    REPOSITORY + "/actions/runners/remove-token": "post",
    REPOSITORY + "/actions/runners/{runner_id}": "get delete",
    REPOSITORY + "/environments": "get",
    ENVIRONMENT: "get put delete",
    ENVIRONMENT + "/deployment-branch-policies": "get post",
    ENVIRONMENT + "/deployment-branch-policies/{branch_policy_id}": "get put delete",
    ENVIRONMENT + "/secrets": "get",
    ENVIRONMENT + "/secrets/public-key": "get",
    ENVIRONMENT + "/secrets/{secret_name}": "get put delete",
    ENVIRONMENT + "/variables": "get post",
    ENVIRONMENT + "/variables/{name}": "get patch delete",
    REPOSITORY + "/rulesets": "get post",
    REPOSITORY + "/rulesets/{ruleset_id}": "get put delete",
    REPOSITORY + "/rules/branches/{branch}": "get",
    REPOSITORY + "/labels": "get post",
    REPOSITORY + "/labels/{name}": "get patch delete",
    REPOSITORY + "/collaborators": "get",
    REPOSITORY + "/collaborators/{username}": "get",
    REPOSITORY + "/collaborators/{username}/permission": "get",
    REPOSITORY + "/teams": "get",
    REPOSITORY + "/issues": "get",
    REPOSITORY + "/issues/{issue_number}/comments": "get post",
    REPOSITORY + "/issues/{issue_number}/labels": "get post",
    REPOSITORY + "/issues/comments/{comment_id}": "get patch delete",
    REPOSITORY + "/pulls": "get post",
    REPOSITORY + "/pulls/{pull_number}": "get patch",
    REPOSITORY + "/pulls/{pull_number}/merge": "put",
    REPOSITORY + "/forks": "get",
    REPOSITORY + "/releases": "get",
}
# Organisations on Enterprise Cloud live on github.com too; only that description knows internal repositories.
ENTERPRISE_BODIES = (("/orgs/{org}/repos", "post"), (REPOSITORY, "patch"))
WORDS_FOR_PEOPLE = {"description", "summary", "example", "examples", "externalDocs", "tags", "x-github", "x-octokit"}
NAMES_INSIDE = {"properties", "responses", "headers", "schemas", "parameters", "paths", "patternProperties", "content"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the contract that the package holds."""
    parser = argparse.ArgumentParser(description="Keep the part of GitHub's API description that the tests use.")
    parser.add_argument("--package", type=Path, help=f"the tarball of {PACKAGE}; fetched with npm when left out")
    parser.add_argument("--into", type=Path, default=CONTRACT, help="where the contract is written")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        package = options.package or fetch(Path(folder))
        with tarfile.open(package) as archive:
            cloud = json.load(_member(archive, "generated/api.github.com.json"))
            enterprise = json.load(_member(archive, "generated/ghec.json"))
            licence = _member(archive, "LICENSE").read().decode("utf-8")
    for path, method in ENTERPRISE_BODIES:
        mine = cloud["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]["properties"]
        body = enterprise["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]
        mine["visibility"] = body["properties"]["visibility"]
    options.into.mkdir(parents=True, exist_ok=True)
    text = json.dumps(trim(cloud), separators=(",", ":"), sort_keys=True) + "\n"
    (options.into / "api.github.com.json").write_text(text, encoding="utf-8")
    (options.into / "LICENSE").write_text(licence, encoding="utf-8")
    print(f"{options.into / 'api.github.com.json'}: {len(OPERATIONS)} paths, {len(text) // 1024} KiB, of {PACKAGE}")
    return 0


def fetch(folder: Path) -> Path:
    """The package's tarball, through npm as it is set up here."""
    command = ["npm", "pack", PACKAGE, "--silent", "--pack-destination", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob("*.tgz"))


def trim(whole: dict[str, Any]) -> dict[str, Any]:
    """The operations above with whatever they refer to, without the words for people."""
    paths: dict[str, Any] = {}
    for path, methods in OPERATIONS.items():
        kept = {method: whole["paths"][path][method] for method in methods.split()}
        shared = {"parameters": whole["paths"][path]["parameters"]} if "parameters" in whole["paths"][path] else {}
        paths[path] = _without_words({**shared, **kept})
    components: dict[str, dict[str, Any]] = {}
    waiting = list(_references(paths))
    while waiting:
        _, _, section, name = waiting.pop().split("/")
        if name not in components.setdefault(section, {}):
            components[section][name] = _without_words({name: whole["components"][section][name]}, section)[name]
            waiting += _references(components[section][name])
    info = {"title": whole["info"]["title"], "version": whole["info"]["version"], "license": whole["info"]["license"]}
    return {"openapi": whole["openapi"], "info": info, "paths": paths, "components": components}


def _member(archive: tarfile.TarFile, name: str) -> Any:
    found = archive.extractfile(f"package/{name}")
    if found is None:
        sys.exit(f"{PACKAGE} holds no {name}.")
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _without_words(value: Any, inside: str = "") -> Any:
    """The same description for programs; ``inside``: the word whose names (not the language's) these are."""
    if isinstance(value, list):
        return [_without_words(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: item for key, item in value.items() if inside or key not in WORDS_FOR_PEOPLE}
    short = {key: _without_words(item, key if not inside and key in NAMES_INSIDE else "") for key, item in kept.items()}
    if inside == "responses":  # a response must be described; the description need not say anything
        return {status: item if "$ref" in item else {"description": "", **item} for status, item in short.items()}
    return short


if __name__ == "__main__":
    raise SystemExit(main())
