"""A forge in a folder of this machine: a bare repository whose hook trains what is pushed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from mlopsgen import __version__
from mlopsgen.adapters.git import GitRepository
from mlopsgen.constants import BRANCHES, MAIN_BRANCH
from mlopsgen.errors import CommandFailed, InvalidDocument, MlopsgenError, UsageError, from_os_error
from mlopsgen.forge import program
from mlopsgen.forge.protocol import OccupiedError
from mlopsgen.forge.readme import README
from mlopsgen.forge.values import Key, Kind, Limit, Repository, Resource, Snapshot, Value
from mlopsgen.forge.worker import envfile
from mlopsgen.forge.worker.layout import FORMAT, Layout, read_json, write_bytes, write_json, write_text
from mlopsgen.secret_value import SecretValue

_GIT_SETTINGS = {
    # A hooks path in the person's own configuration would switch our hook off.
    "core.hooksPath": "hooks",
    "receive.advertisePushOptions": "true",
}
_VARIABLES_HEADER = "# Variables of this branch's trainings, one NAME=value a line.\n"
_SECRETS_HEADER = "# Secrets of this branch's trainings, one NAME=value a line. Only you may read this file.\n"


class LocalForge:
    """The forge in the folder ``root``.

    Args:
        root: The folder; it need not exist.
        environ: The environment for git.
        python: The Python that the hook tries first; it has to outlive this program's own environment.
    """

    def __init__(self, root: Path, environ: Mapping[str, str], *, python: Path) -> None:
        self.layout = Layout(root)
        self._environ = environ
        self._python = python

    @property
    def address(self) -> str:
        """The path of the bare repository."""
        return str(self.layout.repository)

    @property
    def tracking_uri(self) -> str:
        """The address of the MLflow store in the folder."""
        return self.layout.tracking_uri

    def repository(self) -> Repository | None:
        """The repository as it is in the folder.

        Raises:
            OccupiedError: The folder holds something else.
            InvalidDocument: Its ``forge.json`` cannot be read, or is from a newer version.
        """
        root = self.layout.root
        if root.is_dir() and not self.layout.manifest.exists():
            if any(not _is_unfinished(path) for path in root.iterdir()):
                raise OccupiedError(f"{root} holds something that is not a forge.", where=str(root), hint=_HINT)
            return None
        if not root.is_dir():
            if root.exists() or root.is_symlink():
                raise OccupiedError(f"{root} is not a folder.", where=str(root), hint=_HINT)
            return None
        manifest = self._manifest()
        return Repository(
            address=self.address,
            project=str(manifest.get("project") or ""),
            branches=self._branches(),
            default_branch=self._default_branch(),
            tool_version=str(manifest.get("tool") or ""),
        )

    @property
    def workers(self) -> int:
        """One: files are written one after the other."""
        return 1

    def settings(self) -> tuple[Resource, ...]:
        """The hook, the worker program and git's configuration as this version has them."""
        wanted = {
            "default-branch": MAIN_BRANCH,
            **_GIT_SETTINGS,
            "program": program.digest(program.archive()),
            "hook": program.digest(program.HOOK.encode()),
            "readme": program.digest(README.encode()),
        }
        return tuple(Resource(key=Key(Kind.SETTING, name), value=value) for name, value in wanted.items())

    def observe(self, wanted: Sequence[Resource]) -> Snapshot:
        """The repository, its settings, and the environments that ``wanted`` speaks of.

        Raises:
            OccupiedError: The folder holds something else.
            InvalidDocument: Its ``forge.json`` or a line of an environment cannot be read.
        """
        repository = self.repository()
        if repository is None:
            return Snapshot()
        resources: dict[Key, Value] = {Key(Kind.SETTING, name): value for name, value in self._settings().items()}
        scopes = {key.name if key.kind is Kind.ENVIRONMENT else key.scope for key in (one.key for one in wanted)}
        for scope in (branch for branch in BRANCHES if branch in scopes):
            variables, secrets = self.layout.variables(scope), self.layout.secrets(scope)
            if variables.is_file() and secrets.is_file():
                resources[Key(Kind.ENVIRONMENT, scope)] = {}
                resources.update((Key(Kind.VARIABLE, name, scope), value) for name, value in _read(variables).items())
                resources.update((Key(Kind.SECRET, name, scope), "") for name in _read(secrets))
        return Snapshot(repository=repository, resources=resources)

    def limits(self, changes: Sequence[Resource], found: Snapshot) -> Mapping[Key, Limit]:  # noqa: ARG002 - the same for all
        """What a folder cannot hold; its environments are private to whoever owns the folder."""
        limit = Limit(reason="a forge on this machine has no such thing", instead="only you can reach it anyway")
        return {one.key: limit for one in changes if one.key.kind in _NOT_HELD}

    def put(self, resource: Resource, secret: SecretValue | None = None) -> None:
        """Make the folder, install a file, write the configuration or a line of an environment.

        Raises:
            MlopsgenError: It cannot be written, or a folder has no place for it.
        """
        key, value = resource.key, resource.value
        match key.kind:
            case Kind.REPOSITORY:
                self._create_repository(str(value.get("project", "")) if isinstance(value, Mapping) else "")
            case Kind.SETTING:
                self._set_setting(key.name, str(value))
            case Kind.ENVIRONMENT:
                self._create_environment(key.name)
            case Kind.VARIABLE:
                self._set(self.layout.variables(key.scope), key.name, str(value), mode=0o644)
            case Kind.SECRET if secret is not None:
                self._set(self.layout.secrets(key.scope), key.name, secret.reveal(), mode=0o600)
            case _:
                raise MlopsgenError(f"A forge on this machine cannot hold {key.kind} '{key.name}'.", where=key.name)

    def leads_here(self, address: str) -> bool:
        """Whether a path leads to the folder, by whatever way."""
        path, here = Path(address), self.layout.repository
        return path.exists() and here.exists() and path.samefile(here)

    def fetch(self, source: GitRepository, refspecs: Sequence[str]) -> None:
        """Fetch from the folder."""
        source.run("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", self.address, *refspecs)

    def _create_repository(self, project: str) -> None:
        with self._writing():
            self.layout.root.mkdir(parents=True, exist_ok=True)
            # First: a folder with this file is ours, so that an interrupted beginning can be continued.
            self._write_manifest(project)
            for folder in (self.layout.repository, self.layout.store / "artifacts"):
                folder.mkdir(parents=True, exist_ok=True)
        # No template: a person's own hooks have no business here.
        self._git.run("init", "--quiet", "--bare", "--template=", f"--initial-branch={MAIN_BRANCH}")

    def _set_setting(self, name: str, value: str) -> None:
        with self._writing():
            if name == "program":
                write_text(self.layout.recorded_python, f"{self._python}\n")
                write_bytes(self.layout.program, program.archive())
            elif name == "hook":
                write_text(self.layout.hook, program.HOOK, mode=0o755)
            elif name == "readme":
                write_text(self.layout.root / "README.txt", README)
            elif name == "default-branch":
                self._git.run("symbolic-ref", "HEAD", f"refs/heads/{value}")
            else:
                self._git.run("config", name, value)
            self._write_manifest(str(self._manifest().get("project") or ""))

    def _create_environment(self, name: str) -> None:
        """Make the two files of a branch's environment; the one for secrets is its owner's alone from the start."""
        if name not in BRANCHES:
            raise UsageError(f"There is no branch '{name}' to train.", hint=f"The branches are {', '.join(BRANCHES)}.")
        with self._writing():
            if not self.layout.variables(name).exists():
                write_text(self.layout.variables(name), _VARIABLES_HEADER)
            if not self.layout.secrets(name).exists():
                write_text(self.layout.secrets(name), _SECRETS_HEADER, mode=0o600)

    def push(self, source: GitRepository, remote: str, branch: str) -> None:
        """Push the branch; the hook queues its training and does not wait for it."""
        try:
            source.run("push", "--quiet", "--push-option=detach", remote, f"refs/heads/{branch}:refs/heads/{branch}")
        except CommandFailed:
            # With nothing to push, git still sends the option to a receiver that may have left (SIGPIPE); and somebody
            # else may just have pushed the same commit. What counts is where the branch stands.
            if self._branches().get(branch) != source.commit_of(f"refs/heads/{branch}"):
                raise

    @property
    def _git(self) -> GitRepository:
        return GitRepository(self.layout.repository, self._environ)

    def _branches(self) -> dict[str, str]:
        if not (self.layout.repository / "HEAD").is_file():
            return {}
        lines = self._git.read("for-each-ref", "--format=%(objectname) %(refname:strip=2)", "refs/heads/").splitlines()
        return {name: commit for commit, name in (line.split(" ", 1) for line in lines)}

    def _default_branch(self) -> str:
        if not (self.layout.repository / "HEAD").is_file():
            return ""
        return self._git.run("symbolic-ref", "--short", "HEAD", check=False).stdout.strip()

    def _settings(self) -> dict[str, str]:
        settings: dict[str, str] = {}
        if (self.layout.repository / "HEAD").is_file():
            settings["default-branch"] = self._default_branch()
            for name in _GIT_SETTINGS:
                settings[name] = self._git.run("config", "--local", "--get", name, check=False).stdout.strip()
        program_file, hook, readme = self.layout.program, self.layout.hook, self.layout.root / "README.txt"
        if program_file.is_file() and self.layout.recorded_python.is_file():
            settings["program"] = program.digest(program_file.read_bytes())
        if hook.is_file() and os.access(hook, os.X_OK):
            settings["hook"] = program.digest(hook.read_bytes())
        if readme.is_file():
            settings["readme"] = program.digest(readme.read_bytes())
        return {name: value for name, value in settings.items() if value}

    def _manifest(self) -> dict[str, object]:
        where = str(self.layout.manifest)
        manifest = read_json(self.layout.manifest)
        if manifest is None or not isinstance(manifest.get("version"), int):
            hint = "Restore the file, or choose another folder."
            raise InvalidDocument("The forge's forge.json cannot be read.", where=where, hint=hint)
        if manifest["version"] > FORMAT:
            hint = "Upgrade mlopsgen (for example 'pipx upgrade mlopsgen')."
            raise InvalidDocument("The forge was made by a newer mlopsgen.", where=where, hint=hint)
        return manifest

    def _write_manifest(self, project: str) -> None:
        write_json(self.layout.manifest, {"version": FORMAT, "tool": __version__, "project": project})

    def _set(self, path: Path, name: str, value: str, *, mode: int) -> None:
        if not path.is_file():
            raise MlopsgenError(f"There is no environment '{path.parent.name}'.", where=str(path.parent))
        if not envfile.NAME.fullmatch(name):
            raise UsageError(f"'{name}' cannot be the name of a variable.", hint="Use letters, digits and underscores.")
        with self._writing():
            try:
                text = envfile.replace(path.read_text(encoding="utf-8"), {name: value})
            except envfile.EnvironmentFileError as error:
                raise InvalidDocument(f"{path}:{error}", where=str(path)) from error
            write_text(path, text, mode=mode)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            expected = from_os_error(error, doing=f"Writing the forge in {self.layout.root}")
            if expected is None:
                raise MlopsgenError(f"The forge cannot be written: {error}", where=str(self.layout.root)) from error
            raise expected from error


_NOT_HELD = (Kind.POLICY, Kind.RULESET, Kind.LABEL, Kind.RUNNER)
_HINT = "Name a folder that does not exist yet: 'mlopsgen push --local DIR'."
_UNFINISHED = re.compile(r"\.forge\.json\.\w+")


def _is_unfinished(path: Path) -> bool:
    """Whether a file is what a killed beginning may have left."""
    return _UNFINISHED.fullmatch(path.name) is not None


def _read(path: Path) -> dict[str, str]:
    try:
        return envfile.read(path)
    except envfile.EnvironmentFileError as error:
        raise InvalidDocument(str(error), where=str(path), hint="Correct the line.") from error
