"""A repository from a cookiecutter template with hooks: made, pushed, updated twice, once with a conflict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlopsgen.errors import ExitCode
from tests.cookiecutter_toys import FILES, HOOKS, TOP, VARIABLES, published
from tests.github import FakeGitHub
from tests.github.repositories import Repository
from tests.init_stage import Desk, Told
from tests.template_toys import NAMES, Published

NAME = "heart_rate"
README, CLI = f"{TOP}/README.md", f"{TOP}/src/{{{{cookiecutter.__package}}}}/cli.py"
DRAWING = """
import random, secrets, uuid
with open("settings.py", "w") as f:
    key = "".join(random.SystemRandom().choice("abcdefgh") for _ in range(50))
    print("KEY =", repr(key), file=f)
    print("TOKENS =", [secrets.token_hex(), str(uuid.uuid4()), random.random()], file=f)
"""
SYNC = "mlopsgen/sync-development"


@dataclass
class Way:
    """Ada at her desk, an organisation with a private template, and the repository that she makes of it.

    Attributes:
        desk: Where she runs commands.
        github: The organisation's GitHub.
        upstream: The template's repository at whoever makes it.
        address: Where it is published.
    """

    desk: Desk
    github: FakeGitHub
    upstream: Published
    address: str

    def release(self, version: str, files: dict[str, str | None]) -> None:
        self.upstream.release(version, files, f"What is new in {version}")
        self.publish()

    def publish(self) -> None:
        folder = self.github.repository("acme/cookiecutter-service").folder
        self.upstream.git("push", "--quiet", "--force", str(folder), "HEAD:refs/heads/main", "--tags")

    @property
    def there(self) -> Repository:
        return self.github.repository(f"acme/{NAME}")

    def here(self, *arguments: str) -> Told:
        return self.desk.run(*arguments, cwd=self.desk.folder / NAME)

    def git(self, *arguments: str) -> str:
        return self.desk.git(NAME, *arguments)

    def read(self, name: str) -> str:
        return (self.desk.folder / NAME / name).read_text(encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        path = self.desk.folder / NAME / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def commit(self, message: str) -> None:
        """Ada commits, and pushes in her own way."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self._bring()

    def _bring(self) -> None:
        """As an administrator: the branch is protected."""
        self.there.git("fetch", "--quiet", str(self.desk.folder / NAME), "+development:development")

    def take(self, branch: str) -> None:
        """A pull request is merged, and Ada has it."""
        self.git("fetch", "--quiet", str(self.there.folder), branch)
        self.git("merge", "--quiet", "--no-ff", "--message", "Merge the update", "FETCH_HEAD")
        self._bring()


@pytest.fixture
def way(
    tmp_path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Way]:
    online = {name: value for name, value in environ.items() if not name.lower().endswith("_proxy")}
    with FakeGitHub() as github, monkeypatch.context() as patch:
        github.add_user("ada")
        github.add_org("acme", plan="enterprise", members={"ada": "admin"})
        token = github.add_token("ada", kind="classic", scopes=["repo", "workflow", "delete_repo", "read:org"])
        github.add_repository("acme/cookiecutter-service", visibility="private")
        files = {**FILES, **HOOKS, "hooks/post_gen_project.py": HOOKS["hooks/post_gen_project.py"] + DRAWING}
        upstream = published(tmp_path / "upstream", files)
        told = {**online, **NAMES, "GH_HOST": github.url, "MLOPSGEN_GITHUB_TOKEN": token}
        made = Way(Desk(tmp_path, told, capsys, patch), github, upstream, f"{github.url}/acme/cookiecutter-service")
        made.publish()
        yield made


def test_from_the_first_answer_to_a_resolved_conflict(way: Way) -> None:
    trust = ("--trust", way.address)
    chosen = ("--set", "project_name=Heart Rate", "--set", "use_docker=no")
    refused = way.desk.init(way.address, *chosen)
    assert refused.code == ExitCode.PERMISSION
    assert "hooks/post_gen_project.py" in refused.error["message"]
    assert not (way.desk.folder / NAME).exists()

    made = way.desk.init(way.address, *chosen, *trust)
    assert Path(made.data["path"]) == way.desk.folder / NAME
    record = way.desk.record(NAME)
    assert (record["_engine"], record["_commit"], record["_src_path"]) == ("cookiecutter", "v1.0.0", way.address)
    assert (record["use_docker"], record["project_slug"]) == (False, NAME)
    assert not (way.desk.folder / NAME / "compose").exists(), "the hook leaves it out"
    assert "__pycache__" not in way.git("ls-files")

    drawn = way.read("settings.py")

    pushed = way.here("push", "--org", "acme", "--yes")
    assert pushed.code == 0, pushed.envelope
    assert way.there.branches["development"] == way.git("rev-parse", "HEAD")

    own = way.read("README.md").replace("Install it.", "Install it with our index.")
    way.write("README.md", own)
    way.write("src/heart_rate_pkg/own.py", "OWN = 1\n")
    way.commit("Ada's work")
    assert way.here("sync", "--check", *trust).code == 0

    variables = {**VARIABLES, "python_version": ["3.12", "3.13"]}
    way.release("v1.1.0", {
        "cookiecutter.json": json.dumps(variables),
        README: FILES[README].replace("Run it.", "Run it with Python {{ cookiecutter.python_version }}."),
        CLI: "import click\n",
        f"{TOP}/tests/test_it.py": "assert '{{ cookiecutter.project_slug }}'\n",
        f"{TOP}/slug.txt": None,
    })  # fmt: skip
    check = way.here("sync", "--check")
    assert check.code == ExitCode.PERMISSION, "what was rendered before is no way round"
    assert check.error["hint"].endswith(f"--trust {way.address}")
    assert way.here("sync", "--check", *trust).code == ExitCode.PENDING
    opened = way.here("sync", "--repository", f"acme/{NAME}", "--yes", "--set", "python_version=3.13", *trust)
    assert opened.code == 0, opened.envelope
    assert [pull["draft"] for pull in way.there.pulls] == [False]
    assert "What is new in v1.1.0" in way.there.pulls[0]["body"]
    way.take(SYNC)
    assert way.read("README.md") == own.replace("Run it.", "Run it with Python 3.13.")
    assert (way.read("src/heart_rate_pkg/cli.py"), way.read("src/heart_rate_pkg/own.py")) == (
        "import click\n",
        "OWN = 1\n",
    )
    assert way.read("tests/test_it.py") == "assert 'heart_rate'\n"
    assert not (way.desk.folder / NAME / "slug.txt").exists()
    assert (way.desk.record(NAME)["_commit"], way.desk.record(NAME)["python_version"]) == ("v1.1.0", "3.13")

    changed = FILES[README].replace("Install it.", "Install it with uv.")
    way.release("v1.2.0", {README: changed, f"{TOP}/LICENSE": FILES[f"{TOP}/LICENSE"].replace("Copyright", "(C)")})
    before = way.git("rev-parse", "development")
    conflict = way.here("sync", "--no-pull-request", *trust)
    assert conflict.code == ExitCode.PARTIAL, conflict.envelope
    resume = f"mlopsgen sync --continue --trust {way.address} --no-pull-request"
    assert resume in conflict.envelope["next_steps"]
    assert f"3. {resume}" in conflict.envelope["data"]["guide"]
    assert way.git("rev-parse", "development") == before
    text = way.read("README.md")
    assert text.count("<<<<<<<") == 1
    assert "Install it with our index." in text
    assert "Install it with uv." in text
    resolved = text.splitlines(keepends=True)
    kept = [line for line in resolved if not line.startswith(("<<<<<<<", "=======", ">>>>>>>", "|||||||"))]
    way.write("README.md", "".join(kept))
    way.git("add", "README.md")
    done = way.here("sync", "--continue", "--no-pull-request", *trust)
    assert done.code == 0, done.envelope
    way.git("switch", "--quiet", "development")
    way.git("merge", "--quiet", SYNC)
    assert way.desk.record(NAME)["_commit"] == "v1.2.0"
    assert way.read("LICENSE").splitlines()[2].startswith("(C) (c) ")
    assert way.read("settings.py") == drawn, "what a hook drew stays, whatever another render draws"
    after = way.here("sync", "--check", *trust)
    assert (after.code, way.git("status", "--porcelain")) == (0, "")
