"""The project that a command works on: its repository, its name, and the forge that it is pushed to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlopsgen.adapters import git
from mlopsgen.adapters.git import GitRepository
from mlopsgen.adapters.upstream_history import STAMP
from mlopsgen.constants import ANSWERS_FILE, BRANCHES, LOCAL_FORGE_SUFFIX, LOCAL_REMOTE, MAIN_BRANCH
from mlopsgen.errors import CommandFailed, InvalidDocument, MlopsgenError
from mlopsgen.forge import program
from mlopsgen.forge.local import LocalForge
from mlopsgen.forge.trainings import Trainings
from mlopsgen.forge.worker.layout import Layout

_A_TEMPLATE = "Its verbs are 'mlopsgen config-repo check', 'update', 'release'; the others are for those repositories."
_ON_WINDOWS = "Use mlopsgen in WSL, or let GitHub train: mlopsgen push --org ORGANISATION (or --user)."
_NOT_GENERATED = "Run the command inside a repository that 'mlopsgen init' made."


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Where a command runs.

    Attributes:
        folder: A folder inside the project's repository.
        environ: The environment for the programs that it starts.
        python: The Python behind this program; one that outlives its virtual environment.
    """

    folder: Path
    environ: Mapping[str, str]
    python: Path


@dataclass(frozen=True, kw_only=True)
class Project:
    """A generated repository on this machine.

    Attributes:
        root: Its top folder.
        slug: What it is called: the name of its models and folders.
        source: Its git repository.
    """

    root: Path
    slug: str
    source: GitRepository

    @property
    def trains(self) -> bool:
        """Whether a branch has a pipeline that can be trained, as far as its files lie here."""
        if any((self.root / pipeline_of(branch)).is_file() for branch in BRANCHES):
            return True
        main = f"refs/heads/{MAIN_BRANCH}"
        return any(self.source.succeeds("cat-file", "-e", f"{main}:{pipeline_of(branch)}") for branch in BRANCHES)


def pipeline_of(branch: str) -> str:
    """The file that trains a branch, by its path in the repository."""
    return f"src/pipelines/{branch}/main.py"


WITHOUT_PIPELINES = f"the repository has no {pipeline_of('<branch>')}"
"""Why nothing trains in a repository that was made from a template without pipelines."""


def find_repository(surroundings: Surroundings, hint: str = "") -> GitRepository:
    """The git repository that a folder belongs to, whether it was generated or not.

    Args:
        surroundings: The folder.
        hint: The next step where it is in none; else to go where ``init`` made one.

    Raises:
        ProgramMissing: git is missing or too old.
        MlopsgenError: The folder is in no repository.
    """
    git.require(surroundings.environ, surroundings.folder)
    here = GitRepository(surroundings.folder, surroundings.environ)
    try:
        top = here.read("rev-parse", "--show-toplevel")
    except CommandFailed as error:
        if "dubious ownership" in error.output:
            hint = f"If you trust it: git config --global --add safe.directory '{surroundings.folder}'"
            raise MlopsgenError("The repository belongs to another user.", where=str(here.path), hint=hint) from error
        where = str(surroundings.folder)
        raise MlopsgenError("This is not a git repository.", where=where, hint=hint or _NOT_GENERATED) from error
    return GitRepository(Path(top), surroundings.environ)


def refuse_template(root: Path) -> None:
    """Stop in an organisation's template, where what is meant for repositories that are made from it makes no sense.

    Raises:
        MlopsgenError: It is one.
    """
    if (root / STAMP).is_file() and not (root / ANSWERS_FILE).is_file():
        message = f"{root} is an organisation's template, from which repositories are made."
        raise MlopsgenError(message, where=str(root), hint=_A_TEMPLATE)


def find_project(surroundings: Surroundings) -> Project:
    """The project that a folder belongs to.

    Raises:
        ProgramMissing: git is missing or too old.
        MlopsgenError: The folder is in no repository, or in one that was not generated.
        InvalidDocument: The repository's answers cannot be read.
    """
    source = find_repository(surroundings)
    return Project(root=source.path, slug=_slug(source.path), source=source)


def forge_folder(project: Project, given: Path | None = None) -> Path:
    """The folder of the project's forge: the given one, else the one it is pushed to, else one beside the project."""
    if given is not None:
        return given.resolve()
    address = project.source.remotes().get(LOCAL_REMOTE)
    if address is not None:
        repository = Path(address)
        layout = Layout(repository.parent)
        if repository.is_absolute() and repository == layout.repository and layout.root.is_dir():
            return layout.root
    return project.root.parent / f"{project.slug}{LOCAL_FORGE_SUFFIX}"


def open_forge(folder: Path, surroundings: Surroundings) -> LocalForge:
    """The forge in a folder, which need not exist."""
    return LocalForge(folder, surroundings.environ, python=surroundings.python)


def open_trainings(folder: Path, surroundings: Surroundings) -> Trainings:
    """The trainings of the forge in a folder."""
    return Trainings(Layout(folder), surroundings.environ, python=surroundings.python)


def refuse_windows() -> None:
    """Stop where trainings cannot run.

    Raises:
        MlopsgenError: This is Windows.
    """
    if not program.runs_here():
        raise MlopsgenError("A forge on this machine needs Linux or macOS.", where="--local", hint=_ON_WINDOWS)


def why_no_forge(project: Project, folder: Path) -> tuple[str, str]:
    """What to say, and the next step, when there is no forge in ``folder``: none was made yet, or it went away."""
    if not program.runs_here():
        return "has no forge on this machine: it needs Linux or macOS", _ON_WINDOWS
    address = project.source.remotes().get(LOCAL_REMOTE)
    if address is None:
        return "has no forge on this machine yet", f"mlopsgen push --local   (makes it in {folder})"
    hint = (
        "If it was moved: mlopsgen push --local ITS-FOLDER. If it is gone: mlopsgen push --local makes a new one, "
        "which knows no earlier run and no champion."
    )
    return f"had its forge in {Path(address).parent}, and it is not there any more", hint


def require_forge(project: Project, surroundings: Surroundings) -> LocalForge:
    """The project's forge.

    Raises:
        MlopsgenError: There is none yet, or it is not there any more.
    """
    forge = open_forge(forge_folder(project), surroundings)
    if forge.repository() is None:
        message, hint = why_no_forge(project, forge.layout.root)
        raise MlopsgenError(f"{project.slug} {message}.", where=str(forge.layout.root), hint=hint)
    return forge


def require_pipelines(project: Project) -> None:
    """Make sure that there is something to train.

    Raises:
        MlopsgenError: The repository was made from a template without pipelines.
    """
    if not project.trains:
        hint = "Its own workflows are started on GitHub's page 'Actions', or with 'gh workflow run'."
        raise MlopsgenError(f"There is nothing to train: {WITHOUT_PIPELINES}.", where=str(project.root), hint=hint)


def _slug(root: Path) -> str:
    path = root / ANSWERS_FILE
    import yaml  # noqa: PLC0415 - costs time that other commands do not have to spend

    try:
        answers = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        refuse_template(root)
        hint = f"{_NOT_GENERATED} To bring this one under a template: mlopsgen adopt"
        raise MlopsgenError(f"{root} was not made by mlopsgen.", where=str(path), hint=hint) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark is not None else str(path)
        raise InvalidDocument("The recorded answers cannot be read.", where=where, hint="Restore the file.") from error
    from mlopsgen.operations.recorded_answers import name_in  # noqa: PLC0415 - as yaml

    if not isinstance(answers, dict):
        raise InvalidDocument("The recorded answers name nothing.", where=str(path), hint="Restore the file.")
    return name_in(answers, root.name)
