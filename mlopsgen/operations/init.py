"""``init``: from answers to a committed repository with its three branches, all at once or not at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlopsgen.adapters import birthplace, git
from mlopsgen.adapters.shell_words import quoted
from mlopsgen.answers import SAMPLE
from mlopsgen.constants import ANSWERS_FILE, BRANCHES, CANONICAL_TEMPLATE, MAIN_BRANCH
from mlopsgen.errors import MlopsgenError
from mlopsgen.events import StepDone, StepStarted, Warn
from mlopsgen.forge import program
from mlopsgen.ports import EventSink, TemplateEngine
from mlopsgen.questions import Value
from mlopsgen.result import OperationResult

NEUTRAL_IDENTITY = ("mlopsgen", "mlopsgen@users.noreply.github.com")
"""Bears the first commit where git knows no identity; nothing else is ever committed with it."""

# The first commit holds what was rendered, whatever the person's git is told to convert or ignore.
_AS_RENDERED = ("-c", "core.autocrlf=false", "-c", "core.safecrlf=false", "-c", "core.excludesFile=")


@dataclass(frozen=True, kw_only=True)
class Source:
    """A template that is not the built-in one.

    Attributes:
        address: Where it lies, as the repository records it.
        is_ours: Whether it asks the questions of the built-in one, because it is derived from it.
    """

    address: str
    is_ours: bool

    @property
    def name(self) -> str:
        """What the template is called, without the place that it lies at."""
        return re.split(r"[/:]", self.address.rstrip("/"))[-1].removesuffix(".git")

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine."""
        return Path(self.address).is_absolute()


@dataclass(frozen=True, kw_only=True)
class InitRequest:
    """What to make.

    Attributes:
        destination: The folder of the repository (absolute); it must not exist, or be empty.
        answers: Every answer, as :meth:`mlopsgen.question_set.QuestionSet.resolve` returns them.
        template_version: The version of the template, for example ``v0.1.0``.
        environ: The environment that git is started with.
        source: The template, if it is not the built-in one.
        rendered: What the engine is given, if that is not every answer.
    """

    destination: Path
    answers: Mapping[str, Value]
    template_version: str
    environ: Mapping[str, str]
    source: Source | None = None
    rendered: Mapping[str, Value] | None = None

    @property
    def name(self) -> str:
        """What the repository is called."""
        return str(self.answers.get("slug") or self.destination.name)


def init(request: InitRequest, engine: TemplateEngine, events: EventSink) -> OperationResult:
    """Make the repository.

    Raises:
        UsageError: Something stands at the destination.
        ProgramMissing: git is missing or too old.
        MlopsgenError: The file system refused, or the template cannot be rendered. Nothing was made.
    """
    destination = request.destination
    birthplace.check_free(destination)
    git.require(request.environ, Path(destination.anchor))
    _look_around(destination, request.environ, events)
    with birthplace.prepare(destination) as place:
        events(StepStarted(message=f"Rendering the template {request.template_version}"))
        given = request.answers if request.rendered is None else request.rendered
        engine.render(request.template_version, given, place.folder)
        _check_rendered(place.folder, request, events)
        files = sum(1 for path in place.folder.rglob("*") if path.is_file())
        events(StepDone(message=f"{files} files"))
        commit = _commit(place.folder, request, events)
        place.move_into_place()
    events(StepDone(message=f"branches {', '.join(BRANCHES)} at one commit"))
    return OperationResult(
        summary=f"The repository {request.name} is ready in {destination}.",
        data={
            "path": str(destination),
            "slug": request.name,
            "branches": list(BRANCHES),
            "branch": MAIN_BRANCH,
            "commit": commit,
            "files": files,
            "template": request.source.address if request.source else CANONICAL_TEMPLATE,
            "template_version": request.template_version,
            "answers": dict(request.answers),
        },
        next_steps=(
            f"cd {quoted(str(destination))}",
            *_data_step(request),
            *_mail_step(request),
            *_next_steps(request.source),
        ),
    )


def _look_around(destination: Path, environ: Mapping[str, str], events: EventSink) -> None:
    """Say where the new repository would lie inside another one, whose 'git add' takes it for one empty entry."""
    outer = next((folder for folder in destination.parents if (folder / ".git").exists()), None)
    if outer is None or git.GitRepository(outer, environ).succeeds("check-ignore", "--quiet", str(destination)):
        return
    events(
        Warn(
            message=f"This place lies inside another git repository, {outer}.",
            hint="Move the new folder out of it before you push, or name it in that repository's .gitignore.",
        )
    )


def _data_step(request: InitRequest) -> tuple[str, ...]:
    """What is left to do where the data is a path in the repository at which nothing lies yet."""
    address = str(request.answers.get("data_address", ""))
    foreign = request.source is not None and not request.source.is_ours
    elsewhere = not address or "://" in address or address.startswith(("~", "/")) or Path(address).is_absolute()
    if foreign or elsewhere or address == SAMPLE or (request.destination / address).exists():
        return ()
    return (f"git add {quoted(address)} && git commit -m Data   (once your table lies there, in the repository)",)


def _mail_step(request: InitRequest) -> tuple[str, ...]:
    """What is left to do where mails are wanted: no answer names the server that sends them."""
    foreign = request.source is not None and not request.source.is_ours
    if foreign or request.answers.get("notify_how") != "email":
        return ()
    return (
        "git commit -am Mail   (once 'mail:' in src/pipelines/BRANCH/config.yaml names the server that sends mails)",
    )


def _next_steps(source: Source | None) -> tuple[str, ...]:
    if source is None or source.is_ours:
        here = ("mlopsgen push --local   (trains on this machine)",) if program.runs_here() else ()
        return (
            *here,
            "mlopsgen push --org ORGANISATION   (or on GitHub: --user for your own account)",
        )
    return ("mlopsgen push --org ORGANISATION   (--user for your own account)",)


def _check_rendered(folder: Path, request: InitRequest, events: EventSink) -> None:
    """Refuse what would be more than files to git, and say what a template lacks.

    Raises:
        MlopsgenError: The template wrote something that git would take for its own.
    """
    source = request.source
    if source is None:
        return
    for path in folder.rglob("*"):
        if path.name.lower() in (".git", "git~1"):
            raise MlopsgenError(
                f"The template {source.address} {request.template_version} makes '{path.relative_to(folder)}', "
                "which git would take for its own.",
                where=source.address,
                hint="Ask its authors for a version without it.",
            )
    if not (folder / ANSWERS_FILE).is_file():
        events(
            Warn(
                message=f"The template {source.name} writes no {ANSWERS_FILE}: 'mlopsgen sync' cannot update from it.",
                hint="Its authors add the file '{{ _copier_conf.answers_file }}.jinja' to it.",
            )
        )
    elif source.is_local:
        events(
            Warn(
                message=f"The repository records that its template is the folder {source.address} of this machine.",
                hint=f"'mlopsgen sync --template {quoted(source.address)}' updates it; better give the template "
                "an address that others reach.",
            )
        )


def _commit(folder: Path, request: InitRequest, events: EventSink) -> str:
    """Make ``folder`` a git repository: one commit, every branch at it, the first branch checked out."""
    repository = git.GitRepository(folder, request.environ)
    repository.run("init", "--quiet", f"--initial-branch={MAIN_BRANCH}")
    identity = repository.identity()
    if identity is None:
        identity = NEUTRAL_IDENTITY
        events(
            Warn(
                message=f"git knows neither your name nor your address; the first commit bears '{identity[0]}'.",
                hint="git config --global user.name 'Your Name' && git config --global user.email you@example.org",
            )
        )
    repository.run(*_AS_RENDERED, "add", "--all", ".")
    if (folder / ANSWERS_FILE).is_file():  # a template's .gitignore may name every file that begins with a dot
        repository.run(*_AS_RENDERED, "add", "--force", ANSWERS_FILE)
    tree = repository.read("write-tree")
    # commit-tree runs no hooks and asks for no key: init must not wait for a passphrase.
    commit = _as(repository, identity, request.environ).read("commit-tree", tree, "-m", _message(request))
    created = "".join(f"create refs/heads/{branch} {commit}\n" for branch in BRANCHES)
    repository.run("update-ref", "-m", "mlopsgen init", "--stdin", stdin=created)
    return commit


def _message(request: InitRequest) -> str:
    template = request.source.name if request.source else "mlopsgen"
    return f"Start {request.name} from the {template} template {request.template_version}"


def _as(repository: git.GitRepository, identity: tuple[str, str], environ: Mapping[str, str]) -> git.GitRepository:
    """The repository, with commits that bear this identity."""
    roles = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in zip(("NAME", "EMAIL"), identity, strict=True)
    }
    return git.GitRepository(repository.path, {**roles, **environ})
