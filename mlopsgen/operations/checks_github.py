"""The checks of ``mlopsgen doctor`` on GitHub: the token and what it may do, and the repository there.

Nothing is asked and nothing is changed; without a network each check says so instead of failing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from mlopsgen.constants import MAIN_BRANCH
from mlopsgen.errors import AuthenticationFailed, InvalidDocument, MlopsgenError
from mlopsgen.forge.values import Key, Kind, Limit, Snapshot
from mlopsgen.operations.checks import Finding, good, problem, warning
from mlopsgen.operations.hosting import Hosted, Target, bare_host, find_hosted, open_github
from mlopsgen.operations.patience import short_wait, untold
from mlopsgen.operations.project import Surroundings
from mlopsgen.operations.runner_labels import command_for, own_labels, without_runner

if TYPE_CHECKING:
    from mlopsgen.adapters.credentials import Credential
    from mlopsgen.forge.github.account import TokenFacts
    from mlopsgen.forge.github.forge import GitHubForge

_PATIENCE = 4.0
_SCOPES = {
    "repo": "making the repository, its environments, secrets and rules",
    "workflow": "pushing workflow files",
}
_PLURALS = {Kind.POLICY: "branch policies", Kind.REPOSITORY: "the repository", Kind.BRANCH: "branches"}
_LATER_SCOPES = {
    "read:org": "finding the organisation's teams and plan",
    "delete_repo": "'mlopsgen destroy'; better added for that moment only",
}


def check_github(here: Surroundings, credential: Callable[[Target], Credential]) -> Iterator[Finding]:
    """The token, its rights, and the repository on GitHub.

    Args:
        here: Where the command runs, inside a generated repository.
        credential: Finds the token without asking anybody.
    """
    try:
        hosted = find_hosted(here)
    except MlopsgenError as error:
        yield problem("github", error.message, error.hint)
        return
    if hosted.foreign:
        yield good("github", f"the remote 'origin' leads to {hosted.foreign}, which is not known to be GitHub")
        return
    target = hosted.target
    try:
        found = credential(target)
    except MlopsgenError as error:
        yield _without_token(target, error)
        return
    try:
        yield from _on_github(hosted, found, here)
    except AuthenticationFailed as error:
        yield problem("github-token", f"{_token_words(found)}: {error.message}", error.hint)
    except InvalidDocument as error:
        message = f"{error.message} ({error.where}). 'mlopsgen push' would stop there, and nothing more was checked"
        yield problem("github-document", message, error.hint)
    except MlopsgenError as error:
        yield warning("github", f"{error.message} Nothing more of GitHub was checked", error.hint)


def _without_token(target: Target, error: MlopsgenError) -> Finding:
    if target.origin:
        return warning("github-token", f"{error.message} {target.full_name} was not looked at", error.hint)
    return good("github-token", f"no token for {bare_host(target.host)}; 'mlopsgen push' to GitHub needs one")


def _on_github(hosted: Hosted, found: Credential, here: Surroundings) -> Iterator[Finding]:
    target = hosted.target
    forge = open_github(target, found.token, here, untold, sleep=short_wait(_PATIENCE))
    facts = forge.account.token_facts()
    whose = f"belongs to {facts.login}" if facts.login else "belongs to an app"
    until = f", expires {facts.expires}" if facts.expires else ""
    yield good("github-token", f"{_token_words(found)}; it {whose}{until}")
    yield from _rights(facts, forge, pushed=bool(target.origin))
    if not target.owner:
        yield good("github", "not on GitHub yet; 'mlopsgen push --org ORGANISATION' or '--user' makes it")
        return
    yield from _repository(hosted, forge)


def _rights(facts: TokenFacts, forge: GitHubForge, *, pushed: bool) -> Iterator[Finding]:
    """What the token's scopes are not enough for; the permissions of other kinds show when something is read."""
    from mlopsgen.forge.github.permissions import permission_list  # noqa: PLC0415 - as the rest of GitHub

    if facts.scopes is None:
        message = "GitHub does not list the permissions of this kind of token; 'mlopsgen push' needs"
        yield good("github-rights", f"{message} {permission_list()}")
        return
    has = set(facts.scopes)
    listed = ", ".join(sorted(has)) or "none"
    missing = {scope: purpose for scope, purpose in _SCOPES.items() if scope not in has}
    if missing:
        words = "; ".join(f"'{scope}' is missing for {purpose}" for scope, purpose in missing.items())
        scopes = ",".join(missing)
        hint = f"gh auth refresh --scopes {scopes}, or {forge.host.server}/settings/tokens"
        yield (problem if pushed else warning)("github-rights", f"scopes: {listed}; {words}", hint)
        return
    org = has & {"read:org", "write:org", "admin:org"}
    later = [f"'{scope}' for {purpose}" for scope, purpose in _LATER_SCOPES.items() if scope not in has]
    later = [words for words in later if not (org and words.startswith("'read:org'"))]
    without = f" (without {'; '.join(later)})" if later else ""
    yield good("github-rights", f"scopes: {listed}{without}")


def _repository(hosted: Hosted, forge: GitHubForge) -> Iterator[Finding]:
    from mlopsgen.operations.making import read_making  # noqa: PLC0415 - pydantic takes a moment
    from mlopsgen.remote.github_desired import github_resources  # noqa: PLC0415

    making = read_making(hosted.project.root, hosted.recorded)
    forge.plan = making.document.github.plan or "auto"
    snapshot = forge.observe(github_resources(making, hosted.target.name))
    if snapshot.repository is None:
        message = f"{forge.full_name} is not on {forge.host.name}, or this token does not see it"
        yield warning("github", message, "mlopsgen push") if hosted.target.origin else good("github", message)
        return
    visibility = snapshot.resources.get(Key(Kind.SETTING, "visibility"), "")
    yield good("github", f"{forge.page}{f' ({visibility})' if visibility else ''}")
    data = forge.place.data or {}
    if data.get("archived"):
        message = "it is archived: nobody can push to it, and nothing trains there"
        yield warning("github", message, f"Unarchive it at {forge.page}/settings.")
    if not (data.get("permissions") or {}).get("admin", True):
        message = f"{snapshot.by} is no administrator of it: settings and secrets cannot be changed, some not even read"
        yield warning("github-rights", message, f"Ask an administrator ({forge.page}/settings/access).")
    else:
        yield from _unreadable(snapshot)
    yield from _branches(hosted, snapshot)
    if (data.get("permissions") or {}).get("admin", True):
        yield from _runners(hosted, forge)


def _unreadable(snapshot: Snapshot) -> Iterator[Finding]:
    """What could not be read, each reason once."""
    kinds: dict[Limit, list[Kind]] = {}
    for key, limit in snapshot.unreadable.items():
        kinds.setdefault(limit, []).append(key.kind)
    for limit, found in kinds.items():
        which = ", ".join(dict.fromkeys(_PLURALS.get(kind, f"{kind.value}s") for kind in found))
        if limit.instead:
            yield good("github-rights", f"{which}: {limit.reason}; instead: {limit.instead}")
        else:
            yield warning("github-rights", f"{which} cannot be read: {limit.reason}", limit.hint)


def _branches(hosted: Hosted, snapshot: Snapshot) -> Iterator[Finding]:
    repository = snapshot.repository
    if repository is None or not repository.branches:
        yield warning("github-branches", "it has no branches yet", "mlopsgen push")
        return
    default = repository.default_branch
    if default != MAIN_BRANCH:
        message = f"its default branch is '{default}': scheduled and started workflows would run from there"
        yield warning("github-branches", message, "mlopsgen push  (shows what it would change)")
    else:
        yield good("github-branches", f"{', '.join(repository.branches)}; '{default}' is the default")
    commit = repository.branches.get(default, "")
    source = hosted.project.source
    if not commit or source.commit_of(commit) is None:
        return
    names = source.read("ls-tree", "--name-only", commit, ".github/workflows/").splitlines()
    if names:
        yield good("github-workflows", ", ".join(name.rpartition("/")[2] for name in names))
    else:
        message = f"'{default}' has no workflow, so that nothing trains on GitHub"
        hint = "A newer template brings workflows; or commit your own in .github/workflows."
        ours = hosted.recorded.ours
        yield warning("github-workflows", message, hint) if ours else good("github-workflows", "it has none")


def _runners(hosted: Hosted, forge: GitHubForge) -> Iterator[Finding]:
    wanted = own_labels(hosted.project.root, hosted.answers)
    if not wanted:
        return
    from mlopsgen.forge.github.runners import list_runners  # noqa: PLC0415 - its libraries take a moment

    try:
        found = list_runners(forge.account.client, forge.full_name)
    except MlopsgenError as error:
        yield warning("github-runners", error.message, error.hint)
        return
    missing = without_runner(wanted, [runner.labels for runner in found if runner.online])
    for asking, labels in missing.items():
        message = f"no runner with {', '.join(labels)} is online; jobs of {asking} would wait and fail after a day"
        yield warning("github-runners", message, command_for(asking, labels))
    served = [branch for branch in wanted if branch not in missing]
    if served:
        yield good("github-runners", f"a runner of yours is online for {', '.join(served)}")


def _token_words(found: Credential) -> str:
    return f"{found.kind} from {found.source}"
