"""How the fake's state looks in GitHub's answers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .accounts import Account, Organization, Team, Token
from .repositories import Environment, Repository, Runner
from .world import ROLES, World, private_environments

USER_URLS = {
    "followers_url": "/followers", "following_url": "/following{/other_user}", "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}", "subscriptions_url": "/subscriptions", "organizations_url": "/orgs",
    "repos_url": "/repos", "events_url": "/events{/privacy}", "received_events_url": "/received_events",
}  # fmt: skip
REPOSITORY_URLS = {
    "archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}", "commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}", "contributors_url": "/contributors", "deployments_url": "/deployments",
    "downloads_url": "/downloads", "events_url": "/events", "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}", "git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks", "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}", "issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}", "languages_url": "/languages", "merges_url": "/merges",
    "milestones_url": "/milestones{/number}", "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}", "releases_url": "/releases{/id}", "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}", "subscribers_url": "/subscribers", "subscription_url": "/subscription",
    "tags_url": "/tags", "teams_url": "/teams", "trees_url": "/git/trees{/sha}",
}  # fmt: skip


def simple_user(world: World, account: Account) -> dict[str, Any]:
    """A person or organisation as it stands inside other things."""
    url = f"{world.api}/users/{account.login}"
    return {
        "login": account.login, "id": account.id, "node_id": f"U_{account.id}", "gravatar_id": "",
        "avatar_url": f"{world.server}/avatars/{account.id}", "html_url": f"{world.server}/{account.login}", "url": url,
        "type": account.kind, "site_admin": False, **{key: url + end for key, end in USER_URLS.items()},
    }  # fmt: skip


def full_user(world: World, account: Account, token: Token | None) -> dict[str, Any]:
    """A person; the plan only for themselves with the scope ``user`` (docs: "Get the authenticated user")."""
    shown = {
        **simple_user(world, account), "name": account.name or None, "company": None, "blog": "", "location": None,
        "email": None, "hireable": None, "bio": None, "public_repos": 0, "public_gists": 0, "followers": 0,
        "following": 0, "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
        "user_view_type": "public",
    }  # fmt: skip
    own = token is not None and token.login.lower() == account.login.lower()
    if own and token is not None and token.scoped and token.all_scopes & {"user", "read:user"}:
        shown |= {
            "user_view_type": "private", "private_gists": 0, "total_private_repos": 0, "owned_private_repos": 0,
            "disk_usage": 0,
            "collaborators": 0, "two_factor_authentication": True,
            "plan": {"name": account.plan, "space": 976562499, "collaborators": 0, "private_repos": 9999},
        }  # fmt: skip
    return shown


def organization_simple(world: World, owner: Organization) -> dict[str, Any]:
    """An organisation as it stands in lists."""
    url = f"{world.api}/orgs/{owner.login}"
    return {
        "login": owner.login, "id": owner.id, "node_id": f"O_{owner.id}", "url": url, "description": None,
        "repos_url": url + "/repos", "events_url": url + "/events", "hooks_url": url + "/hooks",
        "issues_url": url + "/issues", "members_url": url + "/members{/member}",
        "public_members_url": url + "/public_members{/member}", "avatar_url": f"{world.server}/avatars/{owner.id}",
    }  # fmt: skip


def organization(world: World, owner: Organization, token: Token | None) -> dict[str, Any]:
    """An organisation; rules for members only, the plan for owners (docs: "Get an organization").

    The docs name the scope ``admin:org``; whether less is enough is unproven, so ``plan_told`` switches it off.
    """
    shown = {
        **organization_simple(world, owner), "html_url": f"{world.server}/{owner.login}",
        "name": owner.name or owner.login,
        "has_organization_projects": True, "has_repository_projects": True, "public_repos": 0, "public_gists": 0,
        "followers": 0, "following": 0, "type": "Organization", "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z", "archived_at": None,
    }  # fmt: skip
    role = owner.members.get(token.login.lower()) if token else None
    full = token is not None and (
        token.all_scopes & {"admin:org", "write:org", "read:org", "repo"} if token.scoped
        else token.permits("organization_plan=read; organization_administration=read; administration=write")
    )  # fmt: skip
    if role and full:
        shown |= {
            "default_repository_permission": owner.default_permission,
            "members_can_create_repositories": owner.members_create,
            "members_can_create_public_repositories": owner.members_create and owner.members_create_public,
            "members_can_create_private_repositories": owner.members_create,
            "members_can_create_internal_repositories": owner.members_create and owner.plan == "enterprise",
        }  # fmt: skip
    if role == "admin" and full and owner.plan_told:
        shown["plan"] = {"name": owner.plan, "space": 976562499, "private_repos": 9999, "filled_seats": 1, "seats": 5}
    return shown


def repository(world: World, it: Repository, token: Token | None, *, full: bool = False) -> dict[str, Any]:
    """A repository; ``full`` as one alone shows it."""
    url = f"{world.api}/repos/{it.full_name}"
    role = "admin" if token and token.kind == "app" else world.role(token.login, it) if token else "read"
    admin = role == "admin"
    page = f"{world.server}/{it.full_name}"
    shown = {
        "id": it.id, "node_id": f"R_{it.id}", "name": it.name, "full_name": it.full_name, "private": it.private,
        "visibility": it.visibility, "owner": simple_user(world, it.owner), "html_url": page, "url": url,
        "description": it.description, "homepage": it.homepage, "fork": False,
        **{key: url + end for key, end in REPOSITORY_URLS.items()},
        "clone_url": page + ".git", "ssh_url": f"git@127.0.0.1:{it.full_name}.git", "svn_url": page,
        "git_url": f"git://127.0.0.1/{it.full_name}.git", "mirror_url": None, "default_branch": it.default_branch,
        "language": None, "license": None, "archived": it.archived, "disabled": it.disabled, "size": 0,
        "forks": len(it.forks), "forks_count": len(it.forks), "stargazers_count": 0, "watchers": 0,
        "watchers_count": 0, "open_issues": len(it.issues), "open_issues_count": len(it.issues), "topics": it.topics,
        "has_pages": False, "has_downloads": True, "has_issues": it.settings.has_issues,
        "has_projects": it.settings.has_projects, "has_wiki": it.settings.has_wiki,
        "has_discussions": it.settings.has_discussions, "is_template": it.settings.is_template,
        "allow_forking": it.settings.allow_forking,
        "web_commit_signoff_required": it.settings.web_commit_signoff_required,
        "created_at": it.created_at, "updated_at": it.updated_at, "pushed_at": it.pushed_at,
        "permissions": {
            "admin": admin, "maintain": ROLES.index(role) >= ROLES.index("maintain"),
            "push": ROLES.index(role) >= ROLES.index("write"), "triage": ROLES.index(role) >= ROLES.index("triage"),
            "pull": role != "none",
        },
    }  # fmt: skip
    if full:
        shown |= {"network_count": len(it.forks), "subscribers_count": 0}
        if isinstance(it.owner, Organization):
            shown["organization"] = simple_user(world, it.owner)
    # Merge settings and security are shown to those who may change them (docs: "Get a repository").
    if full and admin:
        merging = ("allow_", "delete_branch", "squash_", "merge_", "use_squash")
        shown |= {key: value for key, value in asdict(it.settings).items() if key.startswith(merging)}
        shown["security_and_analysis"] = {
            "dependabot_security_updates": {"status": "enabled" if it.security_fixes else "disabled"}
        }
    return shown


def environment(world: World, it: Repository, one: Environment) -> dict[str, Any]:
    """An environment with its protection rules."""
    rules: list[dict[str, Any]] = []

    def rule(number: int, kind: str, **more: Any) -> None:
        rules.append({"id": one.id * 10 + number, "node_id": f"GA_{one.id}{number}", "type": kind, **more})

    if one.wait_timer:
        rule(1, "wait_timer", wait_timer=one.wait_timer)
    if one.reviewers:
        listed = [{"type": kind, "reviewer": reviewer(world, kind, number)} for kind, number in one.reviewers]
        rule(2, "required_reviewers", prevent_self_review=one.prevent_self_review, reviewers=listed)
    if one.policy:
        rule(3, "branch_policy")
    policy = {"protected_branches": one.policy == "protected", "custom_branch_policies": one.policy == "custom"}
    return {
        "id": one.id, "node_id": f"EN_{one.id}", "name": one.name,
        "url": f"{world.api}/repos/{it.full_name}/environments/{one.name}",
        "html_url": f"{world.server}/{it.full_name}/deployments/activity_log?environments_filter={one.name}",
        "created_at": one.created_at, "updated_at": one.updated_at, "protection_rules": rules,
        "deployment_branch_policy": policy if one.policy and private_environments(it) else None,
    }  # fmt: skip


def reviewer(world: World, kind: str, number: int) -> dict[str, Any]:
    """A person or a team that reviews."""
    for account in world.accounts.values():
        if kind == "User" and account.id == number:
            return simple_user(world, account)
        if kind == "Team" and isinstance(account, Organization):
            for one in account.teams.values():
                if one.id == number:
                    return team(world, account, one)
    raise AssertionError(f"no {kind} {number}")


def team(world: World, owner: Organization, one: Team, role: str = "pull") -> dict[str, Any]:
    """A team."""
    url = f"{world.api}/organizations/{owner.id}/team/{one.id}"
    return {
        "id": one.id, "node_id": f"T_{one.id}", "name": one.name, "slug": one.slug, "description": None,
        "privacy": "closed", "notification_setting": "notifications_enabled", "url": url, "permission": role,
        "html_url": f"{world.server}/orgs/{owner.login}/teams/{one.slug}", "members_url": url + "/members{/member}",
        "repositories_url": url + "/repos", "parent": None, "type": "organization", "organization_id": owner.id,
    }  # fmt: skip


def runner(one: Runner) -> dict[str, Any]:
    """A self-hosted runner."""
    labels = [
        {"id": number, "name": name, "type": "read-only" if name in {"self-hosted", "Linux", "X64"} else "custom"}
        for number, name in enumerate(one.labels, 1)
    ]
    return {
        "id": one.id, "name": one.name, "os": one.os, "status": "online" if one.online else "offline",
        "busy": one.busy, "labels": labels, "ephemeral": one.ephemeral,
    }  # fmt: skip
