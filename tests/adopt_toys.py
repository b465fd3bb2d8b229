"""A template with two versions and a repository of Ada's that no template made: what adoptions are tried with."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

from mlopsgen.operations.adopt import adopt
from mlopsgen.operations.adopt_request import Adoption, AdoptRequest
from mlopsgen.operations.project import Surroundings
from mlopsgen.operations.sync import sync
from mlopsgen.operations.sync_request import SyncRequest
from mlopsgen.operations.template_shelf import TemplateShelf
from mlopsgen.result import OperationResult
from tests.sync_toys import UNDERWAY, environment
from tests.template_toys import Published

RECORD = ".copier-answers.yml"
ADOPTED = "mlopsgen/adopt"
COPIER = """\
_subdirectory: template
project_name: {type: str, default: toy, help: What it is called.}
size: {type: str, default: small, choices: [small, large]}
"""
CLASSES = """\
version: 1
seeded: [/steps/, /README.md]
managed: [/helpers/]
locks:
  - {lock: [/lock.txt], from: [/lock.in]}
"""
WRITTEN = "# Written\n{{ _copier_answers | to_nice_yaml -}}\n"
MAKEFILE = "".join(f"line {number}\n" for number in range(1, 21))
FIRST = {
    "copier.yml": COPIER,
    "sync.yaml": CLASSES,
    "template/{{ _copier_conf.answers_file }}.jinja": WRITTEN,
    "template/README.md.jinja": "# {{ project_name }}\n",
    "template/Makefile": MAKEFILE,
    "template/config.yaml.jinja": "name: {{ project_name }}\nsize: {{ size }}\n\nlevel: 1\n",
    "template/steps/train.py": "TRAIN = 1\n",
    "template/helpers/tool.py": "TOOL = 1\n",
    "template/lock.in": "wheel\n",
    "template/lock.txt": "wheel==1\n",
}
SECOND = {
    "template/Makefile": MAKEFILE.replace("line 2\n", "line two\n"),
    "template/config.yaml.jinja": FIRST["template/config.yaml.jinja"].replace("level: 1", "level: 2"),
    "template/steps/train.py": "TRAIN = 2\n",
    "template/helpers/tool.py": "TOOL = 2\n",
    "template/added.txt": "new\n",
}


@dataclass
class Owner:
    """Ada, her repository and the template that she wants.

    Attributes:
        folder: Her repository; on ``main``.
        environ: Her environment.
        template: The template; ``v1.0.0`` so far.
        seen: What was shown last.
        said: What was told while it worked.
    """

    folder: Path
    environ: dict[str, str]
    template: Published
    seen: list[Adoption] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def adopt(self, **more: Any) -> OperationResult:
        """``mlopsgen adopt``."""
        folder = more.pop("folder", self.folder)
        request = AdoptRequest(
            surroundings=self.surroundings(folder),
            template=str(self.template.path),
            show=self.seen.append,
            shelf=TemplateShelf(self.environ),
        )
        return adopt(replace(request, **more), self.hear)

    def sync(self, **more: Any) -> OperationResult:
        """``mlopsgen sync --branch main --no-pull-request``."""
        request = SyncRequest(
            surroundings=self.surroundings(self.folder),
            branch="main",
            template=str(self.template.path),
            pull_request=False,
            shelf=TemplateShelf(self.environ),
        )
        return sync(replace(request, **more), self.hear)

    def surroundings(self, folder: Path) -> Surroundings:
        """Where her commands run."""
        return Surroundings(folder=folder, environ=self.environ, python=Path("/usr/bin/python3"))

    def hear(self, event: Any) -> None:
        """Remember what was told."""
        self.said.append(event.message)

    def git(self, *arguments: str, cwd: Path | None = None, check: bool = True) -> str:
        """Run git."""
        done = subprocess.run(
            ["git", *arguments], cwd=cwd or self.folder, env=self.environ, capture_output=True, check=False
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")

    def write(self, files: Mapping[str, str]) -> None:
        """Write files."""
        for name, text in files.items():
            place = self.folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text.encode())

    def commit(self, files: Mapping[str, str], message: str = "Work") -> str:
        """Write files and commit everything."""
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def at(self, reference: str) -> dict[str, str]:
        """The files of a commit."""
        entries = [entry.split("\t", 1) for entry in self.git("ls-tree", "-r", "-z", reference).split("\0") if entry]
        blobs = {name: head.split()[2] for head, name in entries if " blob " in head}
        done = subprocess.run(
            ["git", "cat-file", "--batch"],
            cwd=self.folder,
            env=self.environ,
            input="".join(f"{blob}\n" for blob in blobs.values()).encode(),
            capture_output=True,
            check=True,
        )
        read = BytesIO(done.stdout)
        found = {}
        for name in blobs:
            found[name] = read.read(int(read.readline().split()[2])).decode().rstrip("\n")
            read.read(1)
        return found

    def state(self, folder: Path | None = None) -> dict[str, Any]:
        """Everything that an adoption leaves alone: other branches, what is checked out, the index, every file."""
        top = folder or self.folder
        files = {}
        for path in sorted(top.rglob("*")):
            name = path.relative_to(top)
            if name.parts[0] == ".git" or (path.is_dir() and not path.is_symlink()):
                continue
            files[str(name)] = (path.lstat().st_mode, path.readlink() if path.is_symlink() else path.read_bytes())
        places = self.git("rev-parse", *(word for name in UNDERWAY for word in ("--git-path", name)), cwd=top).split(
            "\n"
        )
        listed = self.git("for-each-ref", "refs/heads", "refs/tags", "refs/remotes", cwd=top).splitlines()
        return {
            "references": [line for line in listed if not line.endswith(ADOPTED)],
            "head": self.git("symbolic-ref", "-q", "HEAD", cwd=top, check=False),
            "commit": self.git("rev-parse", "--verify", "-q", "HEAD", cwd=top, check=False),
            "index": self.git("ls-files", "--stage", "-t", cwd=top),
            "files": files,
            "underway": [place for place in places if (top / place).exists()],
        }


def arrive(top: Path, files: Mapping[str, str], *, name: str = "wine") -> Owner:
    """Ada with a repository of one commit on ``main``, and the template's first version."""
    owner = Owner(top / name, environment(top / "home"), Published(top / "template", FIRST))
    owner.folder.mkdir(parents=True)
    owner.git("init", "--quiet", "--initial-branch=main")
    if files:
        owner.commit(files, "Start")
    return owner
