"""Issues and pull requests as GitHub's lists show them; nothing in the fake acts on them."""

from __future__ import annotations

from typing import Any

from . import shapes
from .accounts import Account
from .repositories import Repository
from .world import World


def issue(world: World, it: Repository, by: Account, title: str, state: str, *, pull: bool = False) -> dict[str, Any]:
    """An issue, or what GitHub's list of issues shows of a pull request."""
    number = len(it.issues) + 1
    url = f"{world.api}/repos/{it.full_name}/issues/{number}"
    page = f"{world.server}/{it.full_name}/{'pull' if pull else 'issues'}/{number}"
    shown = {
        "id": next(world.ids), "node_id": f"I_{number}", "number": number, "title": title, "state": state,
        "locked": False, "url": url, "repository_url": f"{world.api}/repos/{it.full_name}", "html_url": page,
        "labels_url": url + "/labels{/name}", "comments_url": url + "/comments", "events_url": url + "/events",
        "user": shapes.simple_user(world, by), "labels": [], "assignee": None, "milestone": None, "comments": 0,
        "closed_at": None, "created_at": world.clock(), "updated_at": world.clock(), "author_association": "NONE",
    }  # fmt: skip
    if pull:
        shown["pull_request"] = {"url": url, "html_url": page, "diff_url": page, "patch_url": page}
    return shown


def comment(world: World, it: Repository, number: int, by: dict[str, Any], text: str) -> dict[str, Any]:
    """A comment on an issue or a pull request."""
    made, url = next(world.ids), f"{world.api}/repos/{it.full_name}/issues"
    return {
        "id": made, "node_id": f"IC_{made}", "url": f"{url}/comments/{made}", "issue_url": f"{url}/{number}",
        "html_url": f"{world.server}/{it.full_name}/issues/{number}#issuecomment-{made}", "body": text, "user": by,
        "created_at": world.clock(), "updated_at": world.clock(), "author_association": "NONE",
    }  # fmt: skip


def pull(
    world: World, it: Repository, by: Account, title: str, state: str, *, head: str = "", base: str = "",
    body: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A pull request, with everything that GitHub shows of one alone."""
    number = len(it.issues) + 1
    repository = f"{world.api}/repos/{it.full_name}"
    url, page = f"{repository}/pulls/{number}", f"{world.server}/{it.full_name}/pull/{number}"
    ends = [
        {"label": f"{it.owner.login}:{name}", "ref": name, "sha": "0" * 40,
         "user": shapes.simple_user(world, it.owner), "repo": shapes.repository(world, it, None)}
        for name in (head or it.default_branch, base or it.default_branch)
    ]  # fmt: skip
    links = {
        "self": url, "html": page, "issue": f"{repository}/issues/{number}", "comments": url + "/comments",
        "review_comments": url + "/comments", "review_comment": url + "/comments{/number}", "commits": url + "/commits",
        "statuses": f"{repository}/statuses/{'0' * 40}",
    }  # fmt: skip
    return {
        "id": next(world.ids), "node_id": f"PR_{number}", "number": number, "title": title, "state": state,
        "locked": False, "url": url, "html_url": page, "diff_url": page + ".diff", "patch_url": page + ".patch",
        "issue_url": links["issue"], "commits_url": links["commits"], "comments_url": links["comments"],
        "review_comments_url": links["review_comments"], "review_comment_url": links["review_comment"],
        "statuses_url": links["statuses"], "_links": {name: {"href": where} for name, where in links.items()},
        "user": shapes.simple_user(world, by), "body": body, "labels": [], "milestone": None, "assignee": None,
        "assignees": [], "requested_reviewers": [], "requested_teams": [], "head": ends[0], "base": ends[1],
        "draft": False,
        "created_at": world.clock(), "updated_at": world.clock(), "closed_at": None, "merged_at": None,
        "merge_commit_sha": None, "author_association": "NONE", "auto_merge": None,
        "additions": 0, "deletions": 0, "changed_files": 0, "comments": 0, "commits": 1, "mergeable": None,
        "mergeable_state": "unknown", "merged": False, "merged_by": None, "maintainer_can_modify": False,
        "review_comments": 0,
    }  # fmt: skip
