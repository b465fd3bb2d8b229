"""An organisation's configuration repository: found in a folder, or made from the built-in template and its history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlopsgen import naming
from mlopsgen.adapters import birthplace, git, upstream_history
from mlopsgen.adapters.git import GitRepository
from mlopsgen.adapters.shell_words import quoted
from mlopsgen.adapters.template_store import TemplateStore
from mlopsgen.adapters.upstream_history import STAMP
from mlopsgen.errors import InvalidAnswer, MlopsgenError, UsageError
from mlopsgen.events import StepDone, StepStarted, Warn
from mlopsgen.operations.config_files import FIRST_RELEASE, ORGANISATION, first_files
from mlopsgen.operations.init import NEUTRAL_IDENTITY
from mlopsgen.operations.project import Surroundings, find_repository
from mlopsgen.ports import EventSink
from mlopsgen.result import OperationResult
from mlopsgen.sync import trees
from mlopsgen.sync.values import Entry

MAIN = "main"
"""The branch of a configuration repository; its versions are tags."""

DEFAULT_FOLDER = "mlops-config"
_LONGEST_NAME = 60
_PLAIN = ("-c", "core.autocrlf=false", "-c", "core.safecrlf=false", "-c", "core.hooksPath=/dev/null")
_ELSEWHERE = "Go into a configuration repository, or make one: mlopsgen config-repo create"


class NoConfigRepository(MlopsgenError):
    """The folder is no organisation's configuration repository."""

    code = "no-config-repository"


@dataclass(frozen=True, kw_only=True)
class CreateRequest:
    """What to make.

    Attributes:
        destination: The folder (absolute); it must not exist, be empty, or be a configuration repository already.
        name: The organisation, as people call it.
        account: The organisation on GitHub, for the commands that its README names; made from the name if empty.
        version: The version of mlopsgen's template to begin with; the newest if empty.
        environ: The environment that git is started with.
        upstream: Where mlopsgen's template comes from; this package's own if ``None``.
    """

    destination: Path
    name: str
    account: str = ""
    version: str = ""
    environ: Mapping[str, str]
    upstream: TemplateStore | None = None


def find_config_repository(surroundings: Surroundings) -> GitRepository:
    """The configuration repository that a folder belongs to.

    Raises:
        NoConfigRepository: It belongs to none.
        MlopsgenError: It is in no git repository.
    """
    found = find_repository(surroundings, _ELSEWHERE)
    lacking = [name for name in (ORGANISATION, STAMP, "copier.yml") if not (found.path / name).is_file()]
    if lacking:
        raise NoConfigRepository(
            f"This is no configuration repository: there is no {lacking[0]}.",
            where=str(found.path),
            hint=_ELSEWHERE,
        )
    return found


def is_config_repository(folder: Path) -> bool:
    """Whether a folder is the top of a configuration repository."""
    return all((folder / name).exists() for name in (ORGANISATION, STAMP, "copier.yml", ".git"))


def check_name(name: str) -> str | None:
    """Why a text cannot be an organisation's name; ``None`` where it can."""
    return naming.check_line(name, _LONGEST_NAME) or (None if name.strip() else "it is empty")


def create(request: CreateRequest, events: EventSink) -> OperationResult:
    """Make the repository; one that is there already is left as it is, and that is said.

    Raises:
        InvalidAnswer: The name cannot be one.
        UsageError: Something else stands at the destination.
        MlopsgenError: The file system refused. Nothing was made.
    """
    destination = request.destination
    if is_config_repository(destination):
        return _already(request)
    name = request.name.strip()
    refused = check_name(name)
    if refused:
        raise InvalidAnswer(f"This cannot be the organisation's name: {refused}.", where="--name")
    birthplace.check_free(destination)
    git.require(request.environ, Path(destination.anchor))
    with birthplace.prepare(destination) as place:
        events(StepStarted(message="Taking mlopsgen's template with its history"))
        made = _make(place.folder, name, request, events)
        place.move_into_place()
    return OperationResult(
        summary=f"The configuration repository of {name} is ready in {destination}, on mlopsgen's template {made[0]}.",
        data=_data(destination, name, FIRST_RELEASE, *made, created=True),
        next_steps=_next_steps(destination),
    )


def _make(folder: Path, name: str, request: CreateRequest, events: EventSink) -> tuple[str, str]:
    """Fill the folder; the version of mlopsgen's template in it, and its newest commit."""
    repository = GitRepository(folder, request.environ)
    repository.run("init", "--quiet", "--template=", "--object-format=sha1", f"--initial-branch={MAIN}")
    contents = upstream_history.bring(repository, request.upstream or TemplateStore(request.environ))
    upstream = None
    for version in _up_to(request.version, tuple(contents)):
        parent = upstream.commit if upstream is not None else None
        upstream = upstream_history.add_version(repository, version, contents[version], parent)
    if upstream is None:
        raise MlopsgenError("This mlopsgen carries no version of its template.", hint="Install it again.")
    events(StepDone(message=f"mlopsgen's template up to {upstream.version}"))
    account = request.account or naming.slug_of(name) or "ORGANISATION"
    texts = first_files(name=name, slug=account, folder=request.destination.name, version=upstream.version)
    blobs = trees.store_blobs(repository, [text.encode() for text in texts.values()])
    own = {path: Entry("100644", blob) for path, blob in zip(texts, blobs, strict=True)}
    tree = trees.tree_of(repository, trees.replaced(trees.listing(repository, upstream.commit), own))
    message = f"Start the template of {name} from mlopsgen {upstream.version}\n"
    commit = trees.commit(repository, tree, [upstream.commit], message, _identity(repository, events))
    repository.run("update-ref", "-m", "mlopsgen config-repo create", f"refs/heads/{MAIN}", commit)
    repository.run(*_PLAIN, "reset", "--quiet", "--hard", MAIN)
    return upstream.version, commit


def _up_to(version: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """The versions that the history begins with, oldest first."""
    if not version:
        return known
    wanted = f"v{version.removeprefix('v')}"
    if wanted not in known:
        hint = f"Versions here: {', '.join(known)}."
        raise UsageError(f"There is no template version '{version}'.", where="--to", hint=hint)
    return known[: known.index(wanted) + 1]


def _identity(repository: GitRepository, events: EventSink) -> tuple[str, str]:
    known = repository.identity()
    if known is None:
        events(
            Warn(
                message=f"git knows neither your name nor address; the first commit bears '{NEUTRAL_IDENTITY[0]}'.",
                hint="git config --global user.name 'Your Name' && git config --global user.email you@example.org",
            )
        )
    return known or NEUTRAL_IDENTITY


def _already(request: CreateRequest) -> OperationResult:
    from mlopsgen.adapters.organisation_file import read_name, read_release  # noqa: PLC0415 - reads YAML

    destination = request.destination
    repository = GitRepository(destination, request.environ)
    commit = repository.commit_of("HEAD") or ""
    version = upstream_history.stamp_of(repository, commit) if commit else ""
    text = (destination / ORGANISATION).read_text(encoding="utf-8", errors="replace")
    return OperationResult(
        summary=f"{destination} is a configuration repository already; nothing was changed.",
        data=_data(destination, read_name(text), read_release(text), version, commit, created=False),
        next_steps=_next_steps(destination),
    )


def _data(folder: Path, name: str, release: str, version: str, commit: str, *, created: bool) -> dict[str, object]:
    return {
        "path": str(folder), "name": name, "release": release, "template_version": version, "commit": commit,
        "branch": MAIN, "created": created,
    }  # fmt: skip


def _next_steps(folder: Path) -> tuple[str, ...]:
    place = quoted(str(folder))
    return (
        f"cd {place}   (README.md says what to change where; begin with {ORGANISATION})",
        "mlopsgen config-repo check",
        f"mlopsgen config-repo create {place} --org ORGANISATION   (on GitHub it is checked and released)",
        f"or without GitHub: mlopsgen config-repo release, then mlopsgen init --template {place}",
    )
