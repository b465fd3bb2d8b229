"""Rules of branches: which apply, and what they refuse. Also runs as the ``pre-receive`` hook of every repository.

Docs "Available rules for rulesets"; facts "Rulesets and protection". As a hook it is a program of its own with the
standard library alone (``python -I -S rules.py``); what it needs comes in the variable ``FAKE_GITHUB_PUSH``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

NOTHING = "0" * 40
UNIQUE = "Name must be unique"


def covers(ruleset: Mapping[str, Any], reference: str, default_branch: str) -> bool:
    """Whether a ruleset's conditions take a reference in."""
    kinds = {"branch": "refs/heads/", "tag": "refs/tags/"}
    if not reference.startswith(kinds.get(ruleset.get("target", "branch"), "refs/none/")):
        return False
    names = (ruleset.get("conditions") or {}).get("ref_name", {})

    def listed(word: str) -> bool:
        return any(
            pattern == "~ALL"
            or (pattern == "~DEFAULT_BRANCH" and reference == f"refs/heads/{default_branch}")
            or fnmatchcase(reference, pattern)
            for pattern in names.get(word, ())
        )

    return listed("include") and not listed("exclude")


def for_push(repository: Any, login: str, *, admin: bool) -> dict[str, Any]:
    """What the hook has to know about a repository and the person who pushes."""
    enforced = not repository.private or repository.owner.plan != "free"
    active = [one for one in repository.rulesets.values() if enforced and one["enforcement"] == "active"]
    return {
        "rulesets": [one for one in active if not bypassed(one, admin=admin)],
        "default_branch": repository.default_branch,
        "checks": {sha: sorted(names) for sha, names in repository.checks.items()},
        "login": login,
    }


def bypassed(ruleset: Mapping[str, Any], *, admin: bool) -> bool:
    """Whether a ruleset lets an administrator of the repository pass."""
    # Docs "Create a repository ruleset": actor 5 of the type RepositoryRole is the repository's administrator.
    return admin and any(
        one.get("bypass_mode", "always") == "always"
        and (
            one["actor_type"] == "OrganizationAdmin"
            or (one["actor_type"], one.get("actor_id")) == ("RepositoryRole", 5)
        )
        for one in ruleset.get("bypass_actors", ())
    )


def protected(repository: Any, branch: str) -> bool:
    """Whether GitHub calls a branch protected."""
    known = for_push(repository, "", admin=False)
    return any(covers(one, f"refs/heads/{branch}", known["default_branch"]) for one in known["rulesets"])


def rewrites(folder: Path, old: str, new: str) -> bool:
    """Whether going from one commit to the other loses history."""
    done = subprocess.run(["git", "-C", str(folder), "merge-base", "--is-ancestor", old, new], check=False)
    return done.returncode != 0


def violations(known: Mapping[str, Any], folder: Path, reference: str, old: str, new: str) -> list[str]:
    """What the rules have against moving a reference."""
    found = []
    for ruleset in known["rulesets"]:
        if covers(ruleset, reference, known["default_branch"]):
            for rule in ruleset["rules"]:
                found += _against(rule, known, folder, old, new)
    return found


def _against(rule: Mapping[str, Any], known: Mapping[str, Any], folder: Path, old: str, new: str) -> list[str]:
    kind, details = rule["type"], rule.get("parameters") or {}
    if new == NOTHING:
        return ["- Cannot delete this branch"] if kind == "deletion" else []
    if kind == "pull_request":
        return ["- Changes must be made through a pull request."]
    if kind == "creation":
        return ["- Cannot create ref due to creations being restricted."] if old == NOTHING else []
    if kind == "update":
        return ["- Cannot update this protected ref."] if old != NOTHING else []
    if kind == "non_fast_forward":
        return ["- Cannot force-push to this branch"] if old != NOTHING and rewrites(folder, old, new) else []
    if kind == "required_status_checks" and not (old == NOTHING and details.get("do_not_enforce_on_create")):
        wanted = {one["context"] for one in details.get("required_status_checks", ())}
        missing = wanted - set(known["checks"].get(new, ()))
        return [f'- Required status check "{name}" is expected.' for name in sorted(missing)]
    return []


def workflow_changes(folder: Path, old: str, new: str) -> list[str]:
    """The workflow files that a push brings and that no branch has in the same form (facts "Tokens", ``workflow``)."""
    if new == NOTHING:
        return []
    mine = _workflows(folder, new)
    branches = subprocess.run(
        ["git", "-C", str(folder), "for-each-ref", "--format=%(objectname)", "refs/heads/"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    known = {item for commit in {*branches, *({old} - {NOTHING})} for item in _workflows(folder, commit).items()}
    return sorted(name for name, blob in mine.items() if (name, blob) not in known)


def _workflows(folder: Path, commit: str) -> dict[str, str]:
    listed = subprocess.run(
        ["git", "-C", str(folder), "ls-tree", "-r", commit, "--", ".github/workflows/"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return {line.split("\t")[1]: line.split()[2] for line in listed.splitlines()}


def checked(repository: Any, body: Mapping[str, Any], number: int | None) -> None:
    """Refuse a ruleset that GitHub would not take: names are unique, conditions are needed, kinds come once."""
    from .web import invalid  # noqa: PLC0415 - the hook has no package around it

    names = {one["name"].lower() for one in repository.rulesets.values() if one["id"] != number}
    if body["name"].lower() in names:
        raise invalid("Ruleset", "name", "custom", UNIQUE)
    kinds = [rule["type"] for rule in body.get("rules", ())]
    if len(set(kinds)) < len(kinds):
        raise invalid("Ruleset", "rules", "custom", "Rules must be unique")
    if body.get("target", "branch") != "push" and not (body.get("conditions") or {}).get("ref_name"):
        raise invalid("Ruleset", "conditions", "custom", "Conditions require a ref_name")


def hook() -> int:
    """The ``pre-receive`` hook."""
    known = json.loads(os.environ["FAKE_GITHUB_PUSH"])
    folder, failed = Path.cwd(), []
    for line in sys.stdin:
        old, new, reference = line.split()
        broken = violations(known, folder, reference, old, new)
        if broken:
            failed += [f"GH013: Repository rule violations found for {reference}.", *broken]
        changed = [] if known["workflows"] else workflow_changes(folder, old, new)
        if changed:
            failed.append(
                f"refusing to allow {known['by']} to create or update workflow `{changed[0]}` "
                f"without `{known['missing']}` {'scope' if known['missing'] == 'workflow' else 'permission'}"
            )
    for line in failed:
        print(line, file=sys.stderr)  # noqa: T201 - git shows it as remote's words
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(hook())
