"""A fleet on a fake GitHub: any number of repositories that an older version of the template made, with real git."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import mlopsgen
from mlopsgen.adapters.template_store import copy_working_tree, write_bundle
from mlopsgen.constants import ANSWERS_FILE, BRANCHES
from mlopsgen.sync.record import digest_of
from tests.github import FakeGitHub
from tests.github.repositories import Repository

ROOT = Path(__file__).resolve().parents[1]
LAUNCHER = Path(__file__).with_name("hurried.py")
OLD, NEW = "v0.1.0", f"v{mlopsgen.__version__}"
MERGED, MANAGED, RENDERED = "Makefile", "src/helpers/gate.py", ".github/workflows/development.yml"
CHANGED = (MERGED, MANAGED, RENDERED)
"""The files of a repository that the newer version changes."""

_LINE = "# What an older version of the template said here.\n"
_NUMBER = re.compile(rb"(heart[-_ ]rate[-_ ])0000", re.IGNORECASE)

Files = dict[str, bytes]
Edit = Callable[[int, Files], None]


def make_template(folder: Path, environ: Mapping[str, str]) -> Path:
    """A checkout with the template alone: the working tree's as the newest version, and an older one as a tag.

    They differ in a line of three files: one is merged, one managed, one rendered.
    """
    project = folder / "project"
    project.mkdir()
    copy_working_tree(ROOT, project, environ)
    shutil.copy(ROOT / "CHANGELOG.md", project)
    newer = {}
    for name in CHANGED:
        path = next(
            each for each in (project / "template").glob(f"{name}*") if each.suffix in {".jinja", Path(name).suffix}
        )
        newer[path] = path.read_text(encoding="utf-8")
        head, _, rest = newer[path].partition("\n")
        path.write_text(f"{head}\n{_LINE}{rest}" if name != MANAGED else f"{newer[path]}\n\n{_LINE}", encoding="utf-8")
    git(project, environ, "init", "--quiet", "--initial-branch", "main")
    _commit(project, environ, OLD)
    for path, text in newer.items():
        path.write_text(text, encoding="utf-8")
    _commit(project, environ, NEW)
    return project


def _commit(project: Path, environ: Mapping[str, str], version: str) -> None:
    git(project, environ, "add", "--all")
    git(project, environ, "commit", "--quiet", "-m", version)
    git(project, environ, "tag", version)


def make_site(folder: Path, project: Path, environ: Mapping[str, str]) -> Path:
    """The tool as a package brings it, with the versions of a template: a folder for ``PYTHONPATH``."""
    site, scratch = folder / "site", folder / "bundle"
    shutil.copytree(ROOT / "mlopsgen", site / "mlopsgen", ignore=shutil.ignore_patterns("__pycache__"))
    scratch.mkdir()
    shutil.copy(write_bundle(project, scratch, environ), site / "mlopsgen")
    return site


def environment(home: Path, site: Path | None = None) -> dict[str, str]:
    """The environment of a person with nothing but an identity."""
    home.mkdir(parents=True, exist_ok=True)
    names = {f"GIT_{who}_NAME": "Ada" for who in ("AUTHOR", "COMMITTER")}
    emails = {f"GIT_{who}_EMAIL": "ada@example.org" for who in ("AUTHOR", "COMMITTER")}
    found = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1"}
    return {**found, **names, **emails, **({"PYTHONPATH": str(site)} if site is not None else {})}


def git(folder: Path, environ: Mapping[str, str], *arguments: str, data: bytes | None = None) -> str:
    """Run git and return what it prints, without the last line's end."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=dict(environ), input=data, capture_output=True, check=True
    )
    return done.stdout.decode().rstrip("\n")


@dataclass
class Model:
    """What every repository of the fleet begins with: as ``init`` made it at the older version, number 0000."""

    files: Files
    modes: dict[str, str]

    @classmethod
    def make(cls, folder: Path, environ: Mapping[str, str], *, version: str = OLD) -> Model:
        """Let ``init`` make it."""
        made = folder / f"heart-rate-0000-{version}"
        command = [
            sys.executable,
            "-m",
            "mlopsgen",
            "init",
            "--defaults",
            "--name",
            "Heart rate 0000",
            "--owner",
            "acme",
        ]
        command += ["--template-version", version, str(made)]
        subprocess.run(command, cwd=folder, env=dict(environ), check=True, capture_output=True)
        listed = git(made, environ, "ls-tree", "-r", "-z", "HEAD").rstrip("\0").split("\0")
        modes = {line.partition("\t")[2]: line.split()[0] for line in listed}
        return cls({name: (made / name).read_bytes() for name in modes}, modes)

    def files_of(self, number: int) -> Files:
        """The files that differ from number 0000 in another repository, as ``init`` would have made it."""
        found = {}
        for name, content in self.files.items():
            text = _NUMBER.sub(rb"\g<1>%04d" % number, content)
            if text != content:
                found[name] = text
        record = found[ANSWERS_FILE].decode()
        answers = {key: value for key, value in yaml.safe_load(record).items() if not key.startswith("_")}
        answers.pop("owned", None)
        record = re.sub(r"(?m)^_digest: .*$", f"_digest: {digest_of(answers)}", record)
        return found | {ANSWERS_FILE: record.encode()}


def work_of_owner(number: int, files: Files) -> None:
    """What owners do: a step of their own, a verb of their own, a sentence in the README."""
    files[f"src/steps/own_{number:04}.py"] = f'"""A step of the owner."""\n\nNUMBER = {number}\n'.encode()
    files["Makefile"] += b"\n.PHONY: own\nown: ## Of the owner.\n\t@true\n"
    files["README.md"] += b"\nA sentence of the owner.\n"


def conflicting(number: int, files: Files) -> None:
    """The owner changed the very line that the template changes."""
    work_of_owner(number, files)
    files["Makefile"] = files["Makefile"].replace(_LINE.encode(), f"# The owner's line {number}.\n".encode())


@dataclass
class Fleet:
    """A fake GitHub with the repositories of an organisation, and the command line beside.

    Attributes:
        github: The fake GitHub.
        pool: Where the objects of all its repositories lie.
        environ: The environment of the person, the token in it.
    """

    github: FakeGitHub
    pool: Path
    model: Model
    environ: dict[str, str]
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    @classmethod
    def set_up(cls, github: FakeGitHub, folder: Path, model: Model, site: Path) -> Fleet:
        """An organisation of Ada's without repositories."""
        github.add_user("ada")
        github.add_user("bob")
        github.add_org("acme", plan="enterprise", members={"ada": "admin", "bob": "member"})
        environ = environment(folder / "home", site)
        pool = folder / "pool.git"
        git(folder, environ, "init", "--quiet", "--bare", "pool.git")
        made = cls(github, pool, model, environ)
        made.renew_token()
        return made

    def renew_token(self) -> None:
        """Give the person a new token."""
        token = self.github.add_token("ada", kind="classic", scopes=["repo", "workflow", "read:org"])
        self.environ["MLOPSGEN_GITHUB_TOKEN"] = token

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End everything that runs at once, as the machine's failure would; or send it another signal."""
        for process in self.running:
            os.killpg(process.pid, number)

    def state(self) -> dict[str, Any]:
        """What there is of every repository: its branches and its pull requests."""
        return {name: _state(each) for name, each in sorted(self.github.world.repositories.items())}

    def add(self, numbers: Iterable[int], edit: Edit = work_of_owner) -> list[Repository]:
        """Repositories ``acme/heart-rate-NNNN``, each with a commit of its owner on top."""
        numbers = list(numbers)
        commits = self._import(numbers, edit)
        return [self._repository(f"heart-rate-{number:04}", commits[number]) for number in numbers]

    def _import(self, numbers: list[int], edit: Edit) -> dict[int, str]:
        stream = [_commit_head("refs/heads/base", 1)]
        stream += [_file(name, content, self.model.modes[name]) for name, content in self.model.files.items()]
        for place, number in enumerate(numbers):
            files = {**self.model.files, **self.model.files_of(number)}
            before = dict(files)
            edit(number, files)
            mark = 2 + 2 * place
            stream.append(_commit_head(f"refs/heads/n{number}", mark, 1))
            stream += [_file(name, before[name], self.model.modes[name]) for name in self.model.files_of(number)]
            stream.append(_commit_head(f"refs/heads/n{number}", mark + 1, mark))
            changed = [name for name in files if files[name] != before.get(name)]
            stream += [_file(name, files[name], self.model.modes.get(name, "100644")) for name in changed]
            stream += [b"D %s\n" % name.encode() for name in before if name not in files]
        git(self.pool, self.environ, "fast-import", "--quiet", "--force", data=b"".join(stream))
        listed = git(
            self.pool, self.environ, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads"
        )
        named = dict(line.split() for line in listed.splitlines())
        # git tells the references of an alternate to whoever pushes.
        git(
            self.pool,
            self.environ,
            "update-ref",
            "--stdin",
            data=b"".join(b"delete refs/heads/%s\n" % n.encode() for n in named),
        )
        return {number: named[f"n{number}"] for number in numbers}

    def _repository(self, name: str, commit: str) -> Repository:
        world = self.github.world
        with world.lock:
            made = world.make_repository(world.account("acme"), name, "private")
        made.topics, made.default_branch = ["machine-learning", "mlopsgen"], BRANCHES[0]
        (made.folder / "objects" / "info" / "alternates").write_text(f"{self.pool}/objects\n", encoding="utf-8")
        for branch in BRANCHES:
            (made.folder / "refs" / "heads" / branch).write_text(f"{commit}\n", encoding="utf-8")
        (made.folder / "HEAD").write_text(f"ref: refs/heads/{BRANCHES[0]}\n", encoding="utf-8")
        return made

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """Start the command line, for which waiting costs nothing, in a process group of its own."""
        process = subprocess.Popen(
            [sys.executable, "-P", str(LAUNCHER), *arguments, "--host", self.github.url],
            cwd=self.pool.parent,
            env=self.environ | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.running.append(process)
        return process

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run the command line to its end."""
        process = self.start(*arguments, **more)
        out, said = process.communicate(timeout=300)
        self.running.remove(process)
        return subprocess.CompletedProcess(arguments, process.returncode, out, said)


def _state(repository: Repository) -> dict[str, Any]:
    """Branches as the files that they hold and the commits that these were made on, and pull requests."""
    branches = {}
    for name, commit in repository.branches.items():
        parents = repository.git("log", "-1", "--format=%P", commit) if name.startswith("mlopsgen/") else commit
        branches[name] = (repository.git("rev-parse", f"{commit}^{{tree}}"), parents)
    pulls = [
        {key: pull[key] for key in ("number", "title", "body", "state", "draft")}
        | {"labels": [label["name"] for label in pull["labels"]], "head": pull["head"]["ref"]}
        for pull in repository.pulls
    ]
    return {"branches": branches, "pulls": pulls}


def _commit_head(ref: str, mark: int, parent: int = 0) -> bytes:
    lines = [f"commit {ref}", f"mark :{mark}", "committer Ada <ada@example.org> 1795248000 +0000", "data 4", "work"]
    return "\n".join([*lines, *([f"from :{parent}"] if parent else []), ""]).encode()


def _file(name: str, content: bytes, mode: str) -> bytes:
    return b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), name.encode(), len(content), content)
