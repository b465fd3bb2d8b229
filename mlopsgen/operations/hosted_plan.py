"""The plan between a project and its repository on GitHub: what ``push`` applies and ``status`` shows as drift."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mlopsgen import __version__
from mlopsgen.adapters.git import GitRepository, without_credentials
from mlopsgen.constants import ANSWERS_FILE, BRANCHES, HOSTED_REMOTE, MAIN_BRANCH
from mlopsgen.errors import MlopsgenError
from mlopsgen.forge.protocol import Forge
from mlopsgen.forge.values import Key, Kind, Limit, Resource
from mlopsgen.operations.hosting import Hosted, place_of, same_host
from mlopsgen.operations.making import read_making
from mlopsgen.operations.recorded_answers import recorded_as
from mlopsgen.remote.desired import Desired
from mlopsgen.remote.document import REMOTE_DOCUMENT
from mlopsgen.remote.github_desired import Making, github_resources
from mlopsgen.remote.making import SOURCES_DOCUMENT, making_of
from mlopsgen.remote.observe import local_branches
from mlopsgen.remote.observed import Observed
from mlopsgen.remote.planning import Planned, plan_remote
from mlopsgen.remote.workflows import FOLDER

_DOCUMENTS = (ANSWERS_FILE, REMOTE_DOCUMENT, SOURCES_DOCUMENT)
_VERSIONS = 20
"""So many earlier versions of the documents are looked at."""
_NOTHING_LEARNT: Mapping[Key, Limit] = {}


def read_wanted(hosted: Hosted) -> Making:
    """What the repository shall be made from: its files as they lie here.

    Where another branch than development is checked out, development's documents count: they are everybody's.

    Raises:
        InvalidDocument: A document cannot be read.
    """
    source = hosted.project.source
    head = source.run("symbolic-ref", "--quiet", "--short", "HEAD", check=False).stdout.strip()
    if head == MAIN_BRANCH or source.commit_of(f"refs/heads/{MAIN_BRANCH}") is None:
        return read_making(hosted.project.root, hosted.recorded)
    branch = f"refs/heads/{MAIN_BRANCH}"
    document, sources = (_committed(source, branch, name) for name in (REMOTE_DOCUMENT, SOURCES_DOCUMENT))
    workflows = None if hosted.recorded.ours else _committed_workflows(source, branch)
    return making_of(hosted.answers, document, sources, workflows)


def desired_on_github(hosted: Hosted, making: Making, address: str) -> Desired:
    """What the project's repository on GitHub shall be.

    Args:
        hosted: The project.
        making: What it is made from.
        address: What its remote shall point to.

    Raises:
        MlopsgenError: The repository has none of the fixed branches.
    """
    project = hosted.project
    branches = local_branches(project.source)
    if not branches:
        hint = f"Commit on '{MAIN_BRANCH}', then run it again."
        raise MlopsgenError("The repository has no branch to push.", where=str(project.root), hint=hint)
    return Desired(
        project=project.slug,
        address=address,
        branches=branches,
        resources=github_resources(making, hosted.target.name, owner=hosted.target.owner),
        trains=hosted.recorded.ours and has_workflows(project.root),
        expected=BRANCHES,
        remote=HOSTED_REMOTE,
        tool_version=__version__,
        elsewhere="Choose another name with --name, or run it in a clone of that repository.",
    )


def worth_reading(resources: Sequence[Resource], given: frozenset[Key] = frozenset()) -> tuple[Resource, ...]:
    """What a plan has to look at: an optional secret without a value is neither made nor missed."""
    return tuple(
        resource
        for resource in resources
        if resource.key.kind is not Kind.SECRET or not resource.optional or resource.key in given
    )


def has_workflows(root: Path) -> bool:
    """Whether something in the repository would run on GitHub."""
    return any((root / ".github" / "workflows").glob("*.y*ml"))


def address_of(hosted: Hosted, forge_address: str, ssh_address: str, protocol: str) -> str:
    """What ``origin`` shall point to: what it points to already if that is the same repository, else as chosen.

    Args:
        hosted: The project.
        forge_address: The repository's address for https.
        ssh_address: The same for ssh.
        protocol: ``https``, ``ssh``, or empty where nobody chose.
    """
    present = without_credentials(hosted.target.origin)
    if present and not protocol and leads_to(present, forge_address):
        return present
    return ssh_address if protocol == "ssh" else forge_address


def leads_to(address: str, other: str) -> bool:
    """Whether two addresses of remotes mean the same repository."""
    one, two = place_of(address), place_of(other)
    if one is None or two is None:
        return address == other
    names = [(place.owner.casefold(), place.name.casefold()) for place in (one, two)]
    hosts = [place.host.rsplit("/", 1)[-1] for place in (one, two)]
    if one.protocol != two.protocol:
        hosts = [host.partition(":")[0] for host in hosts]
    return names[0] == names[1] and same_host(*hosts)


def plan_on_github(
    hosted: Hosted,
    forge: Forge,
    desired: Desired,
    *,
    take_over: bool = False,
    learnt: Mapping[Key, Limit] = _NOTHING_LEARNT,
) -> Planned:
    """Read GitHub and compare, with what GitHub will refuse known before; nothing is changed.

    Args:
        hosted: The project.
        forge: GitHub.
        desired: What shall be.
        take_over: Change what people changed, too.
        learnt: What GitHub refused although nothing had told that it would.
    """
    source = hosted.project.source
    return plan_remote(
        desired, forge, source, asked=lambda found: asked_versions(hosted, found), take_over=take_over, learnt=learnt
    )


def asked_versions(hosted: Hosted, observed: Observed) -> Iterator[Sequence[Resource]]:
    """What the remote's development asks for, then what it asked for before, newest first.

    A document that came by ``git push`` or by a merged pull request is there before anybody brings GitHub to it; what
    GitHub has then is what an earlier version asked for, and nobody's change. Where the remote has commits that are not
    here yet their common ancestor counts: whoever has not pulled must not take back what others have pushed.
    """
    repository = observed.repository
    commit = repository.branches.get(MAIN_BRANCH) if repository is not None else None
    source = hosted.project.source
    if commit is None or source.commit_of(commit) is None:
        return
    here = f"refs/heads/{MAIN_BRANCH}"
    if source.commit_of(here) is not None:
        commit = source.run("merge-base", commit, here, check=False).stdout.strip() or commit
    newest = _asked_by(hosted, commit)
    if newest is not None:
        yield newest
    documents = (*_DOCUMENTS, *(() if hosted.recorded.ours else (FOLDER,)))
    log = ("log", "--first-parent", "--format=%H", f"--max-count={_VERSIONS + 1}", commit, "--", *documents)
    for earlier in source.read(*log).split()[1:]:
        version = _asked_by(hosted, earlier)
        if version is not None:
            yield version


def _asked_by(hosted: Hosted, commit: str) -> Sequence[Resource] | None:
    """What the documents of a commit ask for; ``None`` where they cannot be read."""
    answers, document, sources = (_committed(hosted.project.source, commit, name) for name in _DOCUMENTS)
    if answers is None:
        return None
    try:
        recorded = recorded_as(answers, hosted.project.slug)
        workflows = None if recorded.ours else _committed_workflows(hosted.project.source, commit)
        making = making_of(recorded.answers, document, sources, workflows)
    except MlopsgenError:
        return None
    return github_resources(making, hosted.target.name, owner=hosted.target.owner)


def uncommitted(hosted: Hosted) -> tuple[str, ...]:
    """The documents that count here and that others do not have yet, because they are not committed."""
    source = hosted.project.source
    lines = source.read("status", "--porcelain", "--", *_DOCUMENTS).splitlines()
    return tuple(line[3:].strip('"') for line in lines)


def knows_credentials(hosted: Hosted, address: str) -> bool:
    """Whether git will get in by itself, as far as its configuration tells: by ssh, or with a credential helper."""
    if not address.startswith("http"):
        return True
    return hosted.project.source.succeeds("config", "--get-urlmatch", "credential.helper", address)


def _committed_workflows(source: GitRepository, commit: str) -> dict[str, str]:
    listed = source.run("ls-tree", "--name-only", commit, f"{FOLDER}/", check=False).stdout.splitlines()
    paths = [path for path in listed if path.endswith((".yml", ".yaml"))]
    return {path.rpartition("/")[2]: _committed(source, commit, path) or "" for path in paths}


def _committed(source: GitRepository, commit: str, path: str) -> str | None:
    done = source.run("show", f"{commit}:{path}", check=False)
    return done.stdout if done.exit_status == 0 else None
