"""What a project's remote is now, and what the repository knows of it: read, never assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mlopsgen.adapters.git import GitRepository, without_credentials
from mlopsgen.constants import BRANCHES
from mlopsgen.errors import InvalidDocument
from mlopsgen.forge.protocol import Forge
from mlopsgen.forge.values import Repository
from mlopsgen.forge.worker import envfile
from mlopsgen.remote.desired import Desired
from mlopsgen.remote.observed import Clone, Distance, Observed

TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"
"""The variable of ``.env`` that names the MLflow store of runs by hand."""


def local_branches(source: GitRepository, names: Sequence[str] = BRANCHES) -> dict[str, str]:
    """The repository's own branches among the fixed ones, in the order of promotion."""
    commits = {branch: source.commit_of(f"refs/heads/{branch}") for branch in names}
    return {branch: commit for branch, commit in commits.items() if commit is not None}


def observe(forge: Forge, source: GitRepository, desired: Desired) -> Observed:
    """Read everything that the plan compares with ``desired``.

    Raises:
        OccupiedError: The address holds something else.
        PermissionDenied: The forge does not let this person in.
        InvalidDocument: A file of the forge or ``.env`` cannot be read.
    """
    snapshot = forge.observe(desired.resources)
    return Observed(snapshot=snapshot, clone=_observe_clone(forge, source, desired, snapshot.repository))


def remember_branches(source: GitRepository, remote: str, observed: Observed, names: Sequence[str] = BRANCHES) -> None:
    """Let ``remote/branch`` be what was seen, as a fetch does.

    Whoever was stopped between the forge's work and its answer has pushed a branch without knowing it.
    """
    repository = observed.repository
    for branch in names:
        commit = repository.branches.get(branch) if repository is not None else None
        name = f"refs/remotes/{remote}/{branch}"
        if commit is not None and commit != source.commit_of(name) and source.commit_of(commit) is not None:
            source.run("update-ref", name, commit)


def read_tracking_uri(folder: Path) -> str | None:
    """The MLflow store that the repository's ``.env`` names.

    Raises:
        InvalidDocument: The file cannot be read.
    """
    path = folder / ".env"
    try:
        return envfile.read(path).get(TRACKING_VARIABLE)
    except envfile.EnvironmentFileError as error:
        raise InvalidDocument(str(error), where=str(path), hint="Correct the line.") from error


def _observe_clone(forge: Forge, source: GitRepository, desired: Desired, repository: Repository | None) -> Clone:
    configured = source.remotes().get(desired.remote)
    address = None if configured is None else without_credentials(configured)
    if address is not None and repository is not None and _is_same_place(source.path / address, repository.address):
        address = repository.address
    is_other = address is not None and repository is not None and address != desired.address
    tracking_uri = read_tracking_uri(source.path)
    names = desired.expected or BRANCHES
    theirs = _known_branches(forge, source, repository, names)
    return Clone(
        address=address,
        has_credentials=configured is not None and without_credentials(configured) != configured,
        address_exists=address is not None and _may_be_there(source.path, address),
        leads_here=is_other and address is not None and forge.leads_here(address),
        upstreams=_upstreams(source, names),
        distances=_distances(source, theirs, names),
        unrelated=_unrelated(source, theirs, names),
        tracking_uri=tracking_uri,
        tracking_exists=_can_exist(tracking_uri),
        env_ignored=source.succeeds("check-ignore", "--quiet", ".env"),
    )


def _known_branches(
    forge: Forge, source: GitRepository, repository: Repository | None, branches: Sequence[str]
) -> dict[str, str]:
    """The forge's branches that matter here, with commits that ``source`` has or gets now."""
    if repository is None:
        return {}
    names = dict.fromkeys((*branches, repository.default_branch))
    theirs = {name: repository.branches[name] for name in names if name in repository.branches}
    lacking = [name for name, commit in theirs.items() if source.commit_of(commit) is None]
    if lacking:
        # Somebody else pushed: bring the objects, and nothing that could be seen, to be able to count.
        forge.fetch(source, [f"refs/heads/{name}" for name in lacking])
    return {name: commit for name, commit in theirs.items() if source.commit_of(commit) is not None}


def _upstreams(source: GitRepository, names: Sequence[str]) -> dict[str, str]:
    upstreams = {}
    for branch in names:
        remote = source.run("config", "--get", f"branch.{branch}.remote", check=False).stdout.strip()
        merge = source.run("config", "--get", f"branch.{branch}.merge", check=False).stdout.strip()
        if remote and merge:
            upstreams[branch] = f"{remote}/{merge.removeprefix('refs/heads/')}"
    return upstreams


def _distances(source: GitRepository, theirs: Mapping[str, str], names: Sequence[str]) -> dict[str, Distance]:
    distances = {}
    for branch, commit in local_branches(source, names).items():
        if branch in theirs:
            counts = source.read("rev-list", "--left-right", "--count", f"{commit}...{theirs[branch]}").split()
            distances[branch] = Distance(ahead=int(counts[0]), behind=int(counts[1]))
    return distances


def _unrelated(source: GitRepository, theirs: Mapping[str, str], names: Sequence[str]) -> tuple[str, ...]:
    ours = set(local_branches(source, names).values())
    return tuple(
        name
        for name, commit in theirs.items()
        if commit not in ours and not any(source.succeeds("merge-base", commit, mine) for mine in ours)
    )


def _is_same_place(one: Path, other: str) -> bool:
    """Whether two paths lead to one folder, by whatever way."""
    return one.exists() and Path(other).exists() and one.samefile(other)


def _may_be_there(folder: Path, address: str) -> bool:
    """Whether a remote may lead somewhere; of another machine (``https://...``, ``host:path``) nothing is known."""
    return ":" in address.split("/", 1)[0] or (folder / address).exists()


def _can_exist(tracking_uri: str | None) -> bool:
    """Whether a store may be at an address: a SQLite file whose folder is gone is not there."""
    if tracking_uri is None or not tracking_uri.startswith("sqlite:///"):
        return True
    return Path(tracking_uri.removeprefix("sqlite:///")).parent.is_dir()
