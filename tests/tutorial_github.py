"""GitHub as the tutorials need it: the fake, a stand-in for gh that is logged in, and what others do meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.canaries import canary
from tests.github import FakeGitHub
from tests.github.caller import Caller
from tests.tutorial_reader import Reader, reader

SITE = "https://github.com"
_GH = """\
#!/bin/sh
case "$1 $2" in
  "auth token") echo '{token}' ;;
  "auth git-credential") [ "$3" = get ] && printf 'username=ada\\npassword=%s\\n' '{token}' ;;
  *) exit 1 ;;
esac
"""
_OWN_BRANCH = {"protected_branches": False, "custom_branch_policies": True}


@contextmanager
def on_github(**more: str) -> Iterator[tuple[Reader, FakeGitHub]]:
    """Ada with a shell, and GitHub, where she owns the organisation acme.

    gh and git are logged in, as ``gh auth login`` leaves them.
    """
    with FakeGitHub() as github:
        for login in ("ada", "grace"):
            github.add_user(login)
        github.add_org("acme", plan="enterprise", members={"ada": "admin", "grace": "member"}, owners=["ada"])
        token = github.add_token("ada", kind="oauth", scopes=["repo", "workflow", "read:org", "delete_repo"])
        # Two variables say where GitHub is, as they do on GitHub's own machines; the pages need neither.
        with reader(GITHUB_SERVER_URL=github.url, GITHUB_API_URL=github.api, **more) as ada:
            program = ada.home / ".local" / "bin" / "gh"
            program.write_text(_GH.format(token=token), encoding="utf-8")
            program.chmod(0o755)
            ada.run(f"git config --global credential.{github.url}.helper '!gh auth git-credential'")
            ada.addresses = {github.url: SITE}
            ada.places[github.url.removeprefix("http://")] = SITE.removeprefix("https://")
            ada.typed["DATA_TOKEN"] = canary("data-token")
            _Hands(github, token).offer(ada)
            yield ada, github


class _Hands:
    """What happens on github.com while a reader reads."""

    def __init__(self, github: FakeGitHub, token: str) -> None:
        self._github = github
        self._token = token

    def offer(self, ada: Reader) -> None:
        ada.hands |= {
            "trained": self.trained,
            "merged": self.merged,
            "switched-off": self.switched_off,
            "released": self.released,
        }

    def trained(self, full_name: str, branch: str) -> None:
        """The workflow of a branch has run."""
        self._github.add_run(full_name, workflow=f"{branch}.yml", branch=branch)

    def released(self, full_name: str, version: str) -> None:
        """The workflow of a template has tagged what is merged."""
        there = self._github.repository(full_name)
        there.git("update-ref", f"refs/tags/v{version}", there.branches["main"])

    def merged(self, full_name: str, number: str) -> None:
        """Somebody merges a pull request whose check passed, on its page."""
        there = self._github.repository(full_name)
        pull = next(each for each in there.pulls if each["number"] == int(number))
        for check in ("test", "check"):
            there.checks.setdefault(there.branches[pull["head"]["ref"]], set()).add(check)
        pull["draft"] = False
        ada = Caller(self._github, self._token, repository=full_name)
        done = ada("PUT", f"pulls/{number}/merge", {"merge_method": "merge"})
        assert done.status_code == 200, done.text

    def switched_off(self, full_name: str, environment: str) -> None:
        """Somebody removes the reviewers of an environment in the settings of the repository."""
        ada = Caller(self._github, self._token, repository=full_name)
        done = ada(
            "PUT",
            f"environments/{environment}",
            {"reviewers": None, "wait_timer": 0, "deployment_branch_policy": _OWN_BRANCH},
        )
        assert done.status_code == 200, done.text
