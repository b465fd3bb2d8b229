"""Where the programs lie that are measured, and the bare environment that they run in."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, kw_only=True)
class Places:
    """The environments that `make bench` prepared, and an empty home folder.

    Attributes:
        peers: Environment of the peers.
        runtime: Environment of the generated repository.
        home: Stands in for the person's home folder, so that nobody's settings take part.
        scratch: A folder for what the figures need; removed at the end.
    """

    peers: Path
    runtime: Path
    home: Path
    scratch: Path

    @property
    def tool(self) -> Path:
        """The folder of the tool's own programs."""
        return Path(sys.executable).parent

    def environ(self, *first: Path, **more: str) -> dict[str, str]:
        """A whole environment whose PATH begins with ``first``; nothing of the caller's comes in but the PATH."""
        path = os.pathsep.join([*map(str, first), os.environ["PATH"]])
        quiet = {"DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "ZENML_ANALYTICS_OPT_IN": "false"}
        identity = {
            "GIT_AUTHOR_NAME": "Benchmark",
            "GIT_AUTHOR_EMAIL": "benchmark@example.com",
            "GIT_COMMITTER_NAME": "Benchmark",
            "GIT_COMMITTER_EMAIL": "benchmark@example.com",
        }
        return {"PATH": path, "HOME": str(self.home), "LANG": "C.UTF-8"} | quiet | identity | more

    def version_in(self, environment: Path, distribution: str) -> str:
        """The version of a distribution that is installed in another environment."""
        code = f"import importlib.metadata as m; print(m.version({distribution!r}))"
        python = environment / "bin" / "python"
        return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def template_repository(folder: Path, environ: dict[str, str]) -> str:
    """A git repository with nothing but the template, as ``copier copy`` takes it; returns its address."""
    for name in ("copier.yml", "template"):
        files = subprocess.run(
            ["git", "ls-files", "-z", "--", name], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for file in filter(None, files.split("\0")):
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / file).read_bytes())
            target.chmod((ROOT / file).stat().st_mode)
    for arguments in (
        ["init", "-q", "--initial-branch", "main"],
        ["add", "--all"],
        ["commit", "-q", "-m", "The template"],
        ["tag", "v0.1.0"],
    ):
        subprocess.run(["git", *arguments], cwd=folder, env=environ, check=True)
    return f"git+file://{folder}"
