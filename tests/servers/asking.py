"""Asking the generated repository's code about sources."""

from __future__ import annotations

import atexit
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests import template_environment

ROOT = Path(__file__).resolve().parents[2]


class _Probe:
    """The process that answers; one for all tests, because its imports take longer than its answers."""

    process: subprocess.Popen[str] | None = None
    errors: Path

    @classmethod
    def tell(cls, line: str) -> str:
        """The line that answers a line."""
        if cls.process is None or cls.process.poll() is not None:
            home = tempfile.mkdtemp(prefix="probe-")
            atexit.register(shutil.rmtree, home, ignore_errors=True)
            cls.errors = Path(home) / "errors.txt"
            environ = template_environment.environ(
                Path(home), PYTHONPATH=str(ROOT / "template" / "src"), AWS_EC2_METADATA_DISABLED="true"
            )
            with cls.errors.open("w") as errors:
                cls.process = subprocess.Popen(
                    [str(template_environment.python()), str(ROOT / "tests" / "servers" / "probe.py")],
                    env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=home,
                )  # fmt: skip
            atexit.register(cls.process.kill)
        process = cls.process
        assert process.stdin
        assert process.stdout
        process.stdin.write(line + "\n")
        process.stdin.flush()
        return process.stdout.readline()


def ask(root: Path, *questions: dict[str, Any]) -> list[Any]:
    """The answers to several questions about sources."""
    line = _Probe.tell(json.dumps({"root": str(root), "questions": questions}))
    assert line, _Probe.errors.read_text(encoding="utf-8")[-10_000:]
    answers: list[Any] = json.loads(line)
    assert len(answers) == len(questions)
    return answers


def declare(root: Path, **sources: dict[str, Any]) -> None:
    """Writes ``data/sources.yaml``; JSON is YAML too."""
    (root / "data").mkdir(exist_ok=True)
    (root / "data" / "sources.yaml").write_text(json.dumps({"version": 1, "sources": sources}), encoding="utf-8")
