"""``config-repo release``: the tag that makes a commit of an organisation's template a version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from mlopsgen.adapters import credentials
from mlopsgen.adapters.git import GitRepository, without_credentials
from mlopsgen.adapters.git_login import login_environment
from mlopsgen.adapters.organisation_file import read_release
from mlopsgen.adapters.tagged_versions import order
from mlopsgen.adapters.trust import NOBODY, Trust
from mlopsgen.constants import HOSTED_REMOTE
from mlopsgen.errors import ExitCode, MlopsgenError, PermissionDenied, UsageError
from mlopsgen.events import StepDone
from mlopsgen.operations.config_check import CheckRequest, check
from mlopsgen.operations.config_files import ORGANISATION
from mlopsgen.operations.config_repository import find_config_repository
from mlopsgen.operations.project import Surroundings
from mlopsgen.ports import EventSink
from mlopsgen.result import OperationResult
from mlopsgen.secret_value import SecretValue, redact

_REFUSED = re.compile(
    r"Authentication failed|could not read (User|Pass)|returned error: 40[134]|Permission.* denied|remote rejected"
)
_NONE = "0" * 40


@dataclass(frozen=True, kw_only=True)
class ReleaseRequest:
    """What to release.

    Attributes:
        surroundings: Where the command runs.
        push: Whether the tag also goes to ``origin``.
        trust: The templates that may run code of their own.
    """

    surroundings: Surroundings
    push: bool = False
    trust: Trust = NOBODY


def release(request: ReleaseRequest, events: EventSink) -> OperationResult:
    """Tag the checked-out commit with the version that ``organisation.yaml`` names, if there is no such tag.

    Run again, it does nothing but push a tag that was not pushed.

    Raises:
        UsageError: The version is missing, or older than one that is there.
        MlopsgenError: There is uncommitted work, or the tag cannot be pushed.
    """
    repository = find_config_repository(request.surroundings)
    where = str(repository.path)
    head = repository.commit_of("HEAD")
    if head is None:
        raise MlopsgenError("There is no commit to release.", where=where, hint="Commit the template first.")
    if repository.read("status", "--porcelain"):
        raise MlopsgenError(
            "There is work that is not committed, and a release is a commit.",
            where=where,
            hint="Commit it, or put it aside ('git status' lists it).",
        )
    version = _version(repository)
    known = repository.commit_of(f"refs/tags/{version}")
    result = None
    if known is None:
        _refuse_older(repository, version)
        found = check(CheckRequest(surroundings=request.surroundings, trust=request.trust), events)
        if found.exit_code != ExitCode.OK:
            return _unsound(found, version)
        repository.run("update-ref", f"refs/tags/{version}", head, _NONE)
        events(StepDone(message=f"{version} is {head[:7]}"))
        result = OperationResult(summary=f"{version} is released: {head[:7]}.", data=_data(version, head, created=True))
    pushed = request.push and _push(repository, version, request)
    if result is None:
        result = _already(repository, version, known or "", head)
    steps: tuple[str, ...] = (f"mlopsgen sync --all --org ORGANISATION   (brings {version} to every repository)",)
    if not request.push and repository.remotes().get(HOSTED_REMOTE):
        steps = (f"git push {HOSTED_REMOTE} {version}", *steps)
    return OperationResult(
        summary=f"{result.summary[:-1]}, and it is on {HOSTED_REMOTE}." if pushed else result.summary,
        data={**result.data, "path": where, "pushed": pushed},
        next_steps=steps if known is None else result.next_steps,
    )


def _version(repository: GitRepository) -> str:
    text = (repository.path / ORGANISATION).read_text(encoding="utf-8", errors="replace")
    found = read_release(text)
    if not found:
        raise UsageError(
            f"{ORGANISATION} names no version to release.", where=ORGANISATION, hint="Add one: release: 1.0.0"
        )
    return f"v{found}"


def _refuse_older(repository: GitRepository, version: str) -> None:
    tags = repository.read("tag", "--list", "v*").split()
    newer = [tag for tag in tags if re.fullmatch(r"v\d+(\.\d+)*", tag) and order(tag) > order(version)]
    if newer:
        newest = max(newer, key=order)
        raise UsageError(
            f"{version} would be older than {newest}, which is released already.",
            where=ORGANISATION,
            hint=f"Raise 'release' in {ORGANISATION} above {newest.removeprefix('v')}.",
        )


def _unsound(found: OperationResult, version: str) -> OperationResult:
    return OperationResult(
        summary=f"{version} is not released: {found.summary[0].lower()}{found.summary[1:]}",
        data={**found.data, "version": version, "commit": "", "created": False, "pushed": False},
        next_steps=found.next_steps,
        exit_code=found.exit_code,
    )


def _already(repository: GitRepository, version: str, known: str, head: str) -> OperationResult:
    same = repository.read("rev-parse", f"{known}^{{tree}}") == repository.read("rev-parse", f"{head}^{{tree}}")
    if same:
        return OperationResult(summary=f"{version} is released already.", data=_data(version, known, created=False))
    return OperationResult(
        summary=f"{version} is released already; what changed since then waits for the next version.",
        data=_data(version, known, created=False),
        next_steps=(f"Raise 'release' in {ORGANISATION}, say in CHANGELOG.md what changed, and commit",),
    )


def _data(version: str, commit: str, *, created: bool) -> dict[str, object]:
    return {"version": version, "commit": commit, "created": created}


def _push(repository: GitRepository, version: str, request: ReleaseRequest) -> bool:
    """Bring the tag to ``origin``; a tag there is never moved."""
    address = without_credentials(repository.remotes().get(HOSTED_REMOTE, ""))
    if not address:
        raise MlopsgenError(
            f"There is no remote '{HOSTED_REMOTE}' to push {version} to.",
            where=str(repository.path),
            hint=f"git remote add {HOSTED_REMOTE} ADDRESS; the tag is here and stays.",
        )
    environ = request.surroundings.environ
    token = _token(address, repository, request)
    reference = f"refs/tags/{version}"
    words = ("push", "--porcelain", "--no-verify", "--no-signed", address, f"{reference}:{reference}")
    done = repository.run(*words, check=False, extra=login_environment(address, token, environ))
    if done.exit_status == 0:
        return True
    said = redact(f"{done.stdout}\n{done.stderr}")
    if token is not None:
        said = said.replace(token.reveal(), "***")
    if "already exists" in said:
        raise MlopsgenError(
            f"{version} is on {HOSTED_REMOTE} already, for another commit; nothing was changed there.",
            where=address,
            hint=f"Take that one: git tag -d {version} && git fetch --tags; then raise 'release' in {ORGANISATION}.",
        )
    lines = [line.strip() for line in said.splitlines() if line.startswith(("fatal:", "remote:", "error:", "!"))]
    if _REFUSED.search(said):
        raise PermissionDenied(
            f"{version} cannot be pushed: {'; '.join(lines[:2]) or 'git says nothing'}.",
            where=address,
            hint=f"Set {credentials.OWN_VARIABLE} to a token that may write there (Contents and Workflows: write).",
        )
    raise MlopsgenError(
        f"{version} cannot be pushed: {'; '.join(lines[:2]) or 'git says nothing'}.",
        where=address,
        hint="The tag is here and stays; run it again.",
    )


def _token(address: str, repository: GitRepository, request: ReleaseRequest) -> SecretValue | None:
    """The token for an address of the web; git finds its own way elsewhere."""
    host = urlsplit(address).netloc if address.startswith(("https://", "http://")) else ""
    if not host:
        return None
    try:
        return credentials.find_credential(host, request.surroundings.environ, cwd=repository.path).token
    except credentials.NoCredential:
        return None
