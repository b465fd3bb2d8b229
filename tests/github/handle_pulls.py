"""Calls about pull requests, comments, labels of both, statuses of commits, and what lies between two commits."""

from __future__ import annotations

import re
import subprocess
from typing import Any

from . import shapes, social
from .handle_code import shown_commit
from .handle_repository import shown_label
from .operations import REPO, Visit, operation
from .web import Answer, Refused, invalid, not_found, paged

PULLS: dict[str, Any] = {"permissions": "pull_requests=read"}
PULLS_WRITE: dict[str, Any] = {"permissions": "pull_requests=write"}
# Docs "Permissions required for GitHub Apps": comments and labels of a pull request are there with either right.
TALK: dict[str, Any] = {"permissions": "issues=read; pull_requests=read"}
TALK_WRITE: dict[str, Any] = {"permissions": "issues=write; pull_requests=write"}
LONGEST = 65536
BOT_NAME = "github-actions[bot]"


@operation("GET", REPO + "/pulls", **PULLS)
def pulls(visit: Visit) -> Answer:
    query, it = visit.call.query, visit.repository
    state = query.get("state", "open")
    found = [one for one in it.pulls if state in {"all", fresh(visit, one)["state"]}]
    if "head" in query:
        found = [one for one in found if one["head"]["label"].lower() == query["head"].lower()]
    if "base" in query:
        found = [one for one in found if one["base"]["ref"] == query["base"]]
    return paged(visit.call, list(reversed(found)), visit.world.api)


@operation("POST", REPO + "/pulls", role="write", **PULLS_WRITE)
def open_pull(visit: Visit) -> Answer:
    it, body, by = visit.repository, visit.call.json, visit.person
    if by.kind == "app" and not it.approve_pull_requests:
        # Docs "Preventing GitHub Actions from creating or approving pull requests".
        raise Refused(403, "GitHub Actions is not permitted to create or approve pull requests.")
    head, base = body["head"].rpartition(":")[2], body["base"]
    branches = it.branches
    for name, field in ((head, "head"), (base, "base")):
        if name not in branches:
            raise invalid("PullRequest", field)
    if "title" not in body or len(body.get("body") or "") > LONGEST:
        raise invalid("PullRequest", "title" if "title" not in body else "body")
    label = f"{it.owner.login}:{head}"
    if any((one["head"]["label"], one["base"]["ref"], one["state"]) == (label, base, "open") for one in it.pulls):
        raise invalid("PullRequest", "head", "custom", f"A pull request already exists for {label}.")
    if not it.git("rev-list", f"{base}..{head}"):
        raise invalid("PullRequest", "head", "custom", f"No commits between {base} and {head}")
    if body.get("draft") and it.private and it.owner.plan == "free":
        # Docs "Draft pull requests": public repositories, and private ones of who pays.
        raise Refused(422, "Draft pull requests are not supported in this repository.")
    account = visit.world.accounts.get(by.login.lower(), it.owner)
    made = social.pull(visit.world, it, account, body["title"], "open", head=head, base=base, body=body.get("body"))
    made |= {"draft": bool(body.get("draft")), "maintainer_can_modify": bool(body.get("maintainer_can_modify", True))}
    if by.kind == "app":
        made["user"] = bot(visit)
    it.pulls.append(made)
    it.issues.append(social.issue(visit.world, it, account, body["title"], "open", pull=True))
    return Answer(201, fresh(visit, made), {"Location": made["url"]})


@operation("GET", REPO + "/pulls/{pull_number}", **PULLS)
def pull(visit: Visit) -> Answer:
    return Answer(200, fresh(visit, one_pull(visit)))


@operation("PATCH", REPO + "/pulls/{pull_number}", role="write", **PULLS_WRITE)
def edit_pull(visit: Visit) -> Answer:
    one, body, it = fresh(visit, one_pull(visit)), visit.call.json, visit.repository
    if one["merged_at"] and body.get("state") == "open":
        raise invalid("PullRequest", "state", "custom", "state cannot be changed. The pull request is merged.")
    if body.get("state") == "open" and one["head"]["ref"] not in it.branches:
        raise invalid("PullRequest", "state", "custom", "state cannot be changed. The branch was deleted.")
    if len(body.get("body") or "") > LONGEST:
        raise invalid("PullRequest", "body")
    one.update({key: value for key, value in body.items() if key in {"title", "body", "state"}})
    if "base" in body:
        one["base"]["ref"] = body["base"]
    one["updated_at"] = visit.world.clock()
    one["closed_at"] = visit.world.clock() if one["state"] == "closed" else None
    return Answer(200, fresh(visit, one))


def one_pull(visit: Visit) -> dict[str, Any]:
    number = int(visit.call.named("pull_number"))
    found = next((one for one in visit.repository.pulls if one["number"] == number), None)
    if found is None:
        raise not_found()
    return found


def fresh(visit: Visit, one: dict[str, Any]) -> dict[str, Any]:
    """A pull request as it is now: open ones follow their branches, and end with them."""
    it = visit.repository
    branches = it.branches
    if one["state"] != "open" or one["head"]["ref"] == one["base"]["ref"]:
        return one
    for end in ("head", "base"):
        one[end]["sha"] = branches.get(one[end]["ref"], one[end]["sha"])
    at = visit.world.clock()
    if one["head"]["ref"] not in branches:
        one |= {"state": "closed", "closed_at": at}
    elif not it.git("rev-list", "-1", f"{one['base']['sha']}..{one['head']['sha']}"):
        # Observed for years: whoever pushes the commits to the base has merged it.
        one |= {"state": "closed", "closed_at": at, "merged": True, "merged_at": at}
    return one


@operation("GET", REPO + "/issues/{issue_number}/comments", **TALK)
def comments(visit: Visit) -> Answer:
    number = _number(visit)
    found = [one for one in visit.repository.comments.values() if one["issue_url"].endswith(f"/issues/{number}")]
    return paged(visit.call, found, visit.world.api)


@operation("POST", REPO + "/issues/{issue_number}/comments", **TALK_WRITE)
def comment(visit: Visit) -> Answer:
    number, it, world = _number(visit), visit.repository, visit.world
    text = visit.call.json["body"]
    _checked(text)
    by = bot(visit) if visit.person.kind == "app" else shapes.simple_user(world, world.account(visit.person.login))
    made = social.comment(world, it, number, by, text)
    it.comments[made["id"]] = made
    return Answer(201, made, {"Location": made["url"]})


@operation("GET", REPO + "/issues/comments/{comment_id}", **TALK)
def one_comment(visit: Visit) -> Answer:
    return Answer(200, _comment(visit))


@operation("PATCH", REPO + "/issues/comments/{comment_id}", **TALK_WRITE)
def edit_comment(visit: Visit) -> Answer:
    one, text = _comment(visit), visit.call.json["body"]
    _checked(text)
    one["body"] = text
    one["updated_at"] = visit.world.clock()
    return Answer(200, one)


@operation("DELETE", REPO + "/issues/comments/{comment_id}", **TALK_WRITE)
def delete_comment(visit: Visit) -> Answer:
    del visit.repository.comments[_comment(visit)["id"]]
    return Answer(204)


def _comment(visit: Visit) -> dict[str, Any]:
    found = visit.repository.comments.get(int(visit.call.named("comment_id")))
    if found is None:
        raise not_found()
    return found


def _checked(text: str) -> None:
    if not text.strip():
        raise invalid("IssueComment", "body", "missing_field")
    if len(text) > LONGEST:
        raise invalid("IssueComment", "body", "custom", f"Body is too long (maximum is {LONGEST} characters)")


def _number(visit: Visit) -> int:
    number = int(visit.call.named("issue_number"))
    if all(one["number"] != number for one in visit.repository.issues):
        raise not_found()
    return number


@operation("GET", REPO + "/issues/{issue_number}/labels", **TALK)
def labels_of(visit: Visit) -> Answer:
    return paged(visit.call, _labels(visit), visit.world.api)


@operation("POST", REPO + "/issues/{issue_number}/labels", role="write", **TALK_WRITE)
def add_labels(visit: Visit) -> Answer:
    number, it = _number(visit), visit.repository
    given = [one if isinstance(one, str) else one["name"] for one in visit.call.json.get("labels", [])]
    for name in given:
        # Observed for years: a label that is not there is made, in grey.
        known = {key.lower(): label for key, label in it.labels.items()}
        label = known.get(name.lower()) or _new_label(visit, name)
        for holder in [one for one in (*it.issues, *it.pulls) if one["number"] == number]:
            if label["id"] not in [one["id"] for one in holder["labels"]]:
                holder["labels"].append({**shown_label(visit, label), "description": label["description"] or ""})
    return Answer(200, _labels(visit))


def _new_label(visit: Visit, name: str) -> dict[str, Any]:
    if not name.strip() or len(name) > 50:
        raise invalid("Label", "name")
    made = {"id": next(visit.world.ids), "name": name, "color": "ededed", "description": None, "default": False}
    visit.repository.labels[name] = made
    return made


def _labels(visit: Visit) -> list[dict[str, Any]]:
    number = _number(visit)
    holder = next(one for one in visit.repository.issues if one["number"] == number)
    found: list[dict[str, Any]] = holder["labels"]
    return found


@operation("POST", REPO + "/statuses/{sha}", role="write", permissions="statuses=write")
def make_status(visit: Visit) -> Answer:
    it, body, sha = visit.repository, visit.call.json, visit.call.named("sha")
    if not re.fullmatch(r"[0-9a-f]{40}", sha) or not _is_commit(visit, sha):
        raise Refused(422, f"No commit found for SHA: {sha}")
    if len(body.get("description") or "") > 140:
        raise invalid("Status", "description", "custom", "description is too long (maximum is 140 characters)")
    if body.get("target_url") and not re.match(r"https?://", body["target_url"]):
        raise invalid("Status", "target_url", "custom", "target_url must use http(s) scheme")
    by = bot(visit) if visit.person.kind == "app" else shapes.simple_user(visit.world, it.owner)
    made = {
        "url": f"{visit.world.api}/repos/{it.full_name}/statuses/{sha}", "avatar_url": None,
        "id": next(visit.world.ids), "node_id": f"SC_{sha}", "state": body["state"],
        "description": body.get("description"), "target_url": body.get("target_url"),
        "context": body.get("context", "default"), "created_at": visit.world.clock(),
        "updated_at": visit.world.clock(), "creator": by,
    }  # fmt: skip
    it.statuses.setdefault(sha, []).append(made)
    return Answer(201, made, {"Location": made["url"]})


@operation("GET", REPO + "/commits/{ref}/statuses", permissions="statuses=read")
def statuses(visit: Visit) -> Answer:
    name = visit.call.named("ref")
    sha = visit.repository.branches.get(name, name)
    return paged(visit.call, list(reversed(visit.repository.statuses.get(sha, []))), visit.world.api)


@operation("GET", REPO + "/compare/{basehead}", permissions="contents=read")
def compare(visit: Visit) -> Answer:
    it = visit.repository
    base, dots, head = visit.call.named("basehead").partition("...")
    ends = [it.branches.get(name, name) if it.branches else "" for name in (base, head)]
    if not dots or not all(_is_commit(visit, sha) for sha in ends):
        raise not_found()
    done = subprocess.run(
        ["git", "-C", str(it.folder), "merge-base", *ends], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Refused(404, f"No common ancestor between {base} and {head}.")
    common = done.stdout.strip()
    ahead = it.git("rev-list", "--reverse", f"{common}..{ends[1]}").split()
    behind = it.git("rev-list", f"{common}..{ends[0]}").split()
    state = (
        "identical" if not ahead and not behind else "diverged" if ahead and behind else "ahead" if ahead else "behind"
    )
    url = f"{visit.world.api}/repos/{it.full_name}/compare/{base}...{head}"
    page = f"{visit.world.server}/{it.full_name}/compare/{base}...{head}"
    files = [_file(visit, line, ends[1]) for line in
             it.git("diff", "--raw", "--no-abbrev", "-M", common, ends[1]).splitlines()]  # fmt: skip
    return Answer(200, {
        "url": url, "html_url": page, "permalink_url": page, "diff_url": page + ".diff", "patch_url": page + ".patch",
        "base_commit": shown_commit(visit, ends[0]), "merge_base_commit": shown_commit(visit, common), "status": state,
        "ahead_by": len(ahead), "behind_by": len(behind), "total_commits": len(ahead),
        "commits": [shown_commit(visit, sha) for sha in ahead[:250]], "files": files[:300],
    })  # fmt: skip


def _file(visit: Visit, line: str, sha: str) -> dict[str, Any]:
    """A changed file, of a line of ``git diff --raw``."""
    known, *names = line.split("\t")
    blob, letter = known.split()[3], known.split()[4][0]
    name = names[-1]
    url = f"{visit.world.api}/repos/{visit.repository.full_name}/contents/{name}?ref={sha}"
    words = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}
    before = {"previous_filename": names[0]} if letter in "RC" else {}
    return {
        "sha": blob, "filename": name, "status": words[letter], "additions": 0, "deletions": 0, "changes": 0,
        "blob_url": url, "raw_url": url, "contents_url": url, **before,
    }  # fmt: skip


def _is_commit(visit: Visit, sha: str) -> bool:
    if not re.fullmatch(r"[0-9a-f]{40}", sha):
        return False
    return visit.repository.git("cat-file", "--batch-check", text=f"{sha}\n").startswith(f"{sha} commit ")


def bot(visit: Visit) -> dict[str, Any]:
    """Who GitHub says has written what came with a workflow's own token."""
    return {**shapes.simple_user(visit.world, visit.repository.owner), "login": BOT_NAME, "id": 41898282,
            "type": "Bot"}  # fmt: skip
