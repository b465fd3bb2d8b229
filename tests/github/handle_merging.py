"""Merging a pull request: what the rules want of it, and the commit that git makes of it."""

from __future__ import annotations

import os
import subprocess
from typing import Any

from . import rules, shapes
from .handle_pulls import fresh, one_pull
from .operations import REPO, Visit, operation
from .repositories import Repository
from .web import Answer, Refused

METHODS = {"merge": "allow_merge_commit", "squash": "allow_squash_merge", "rebase": "allow_rebase_merge"}
NAMES = {"merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges"}


@operation("PUT", REPO + "/pulls/{pull_number}/merge", role="write", permissions="contents=write")
def merge(visit: Visit) -> Answer:
    it, body, one = visit.repository, visit.call.json, fresh(visit, one_pull(visit))
    method = body.get("merge_method", "merge")
    if one["state"] != "open" or one["draft"]:
        raise Refused(405, "Pull Request is still a draft" if one["draft"] else "Pull Request is not mergeable")
    if body.get("sha", one["head"]["sha"]) != one["head"]["sha"]:
        raise Refused(409, "Head branch was modified. Review and try the merge again.")
    if not getattr(it.settings, METHODS[method]):
        raise Refused(405, f"{NAMES[method]} are not allowed on this repository.")
    _obey(visit, one, method)
    base, head = one["base"]["sha"], one["head"]["sha"]
    tree = merged_tree(it, base, head)
    if tree is None or method == "rebase":
        raise Refused(405, "Pull Request is not mergeable")
    title = body.get("commit_title") or (
        f"Merge pull request #{one['number']} from {it.owner.login}/{one['head']['ref']}"
        if method == "merge" else f"{one['title']} (#{one['number']})"
    )  # fmt: skip
    parents = [base, head] if method == "merge" else [base]
    sha = _commit(it, tree, parents, f"{title}\n\n{body.get('commit_message') or ''}".rstrip() + "\n")
    it.git("update-ref", f"refs/heads/{one['base']['ref']}", sha, base)
    at = visit.world.clock()
    by = shapes.simple_user(visit.world, visit.world.account(visit.person.login))
    one |= {"state": "closed", "merged": True, "merged_at": at, "closed_at": at, "merged_by": by,
            "merge_commit_sha": sha}  # fmt: skip
    if it.settings.delete_branch_on_merge:
        it.git("update-ref", "-d", f"refs/heads/{one['head']['ref']}")
    return Answer(200, {"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


def merged_tree(it: Repository, base: str, head: str) -> str | None:
    """The tree of a merge; ``None`` where there are conflicts."""
    done = subprocess.run(
        ["git", "-C", str(it.folder), "merge-tree", "--write-tree", base, head], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    return done.stdout.split()[0] if done.returncode == 0 else None


def _obey(visit: Visit, one: dict[str, Any], method: str) -> None:
    """Docs "Available rules for rulesets": what a pull request needs before it may be merged."""
    it, branch = visit.repository, one["base"]["ref"]
    admin = visit.world.role(visit.person.login, it) == "admin"
    known = rules.for_push(it, visit.person.login, admin=admin)
    for ruleset in known["rulesets"]:
        if not rules.covers(ruleset, f"refs/heads/{branch}", known["default_branch"]):
            continue
        for rule in ruleset["rules"]:
            details = rule.get("parameters") or {}
            wanted = {each["context"] for each in details.get("required_status_checks", ())}
            missing = sorted(wanted - it.checks.get(one["head"]["sha"], set()))
            if missing:
                raise Refused(
                    405, f'Repository rule violations found\n\nRequired status check "{missing[0]}" is expected.'
                )
            if one["number"] not in it.approved and details.get("required_approving_review_count"):
                raise Refused(405, "Repository rule violations found\n\nAt least 1 approving review is required.")
            if method not in details.get("allowed_merge_methods", METHODS):
                raise Refused(405, f"Repository rule violations found\n\n{NAMES[method]} are not allowed.")


def _commit(it: Repository, tree: str, parents: list[str], message: str) -> str:
    """A commit as GitHub makes it on its page."""
    names = {f"GIT_{who}_{what}": text for who in ("AUTHOR", "COMMITTER")
             for what, text in {"NAME": "GitHub", "EMAIL": "noreply@github.com"}.items()}  # fmt: skip
    words = [word for parent in parents for word in ("-p", parent)]
    done = subprocess.run(
        ["git", "-C", str(it.folder), "commit-tree", tree, *words], input=message, capture_output=True, text=True,
        check=True, env={"PATH": os.environ["PATH"], **names},
    )  # fmt: skip
    return done.stdout.strip()
