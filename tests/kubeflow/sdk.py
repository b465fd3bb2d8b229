"""The real kfp SDK, and the helpers of the generated repository, in their own environment, for tests of this one."""

from __future__ import annotations

import json
import subprocess
import textwrap
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests import template_environment

INSIDE = Path(__file__).parent / "inside.py"


@dataclass
class InsideError(Exception):
    """What went wrong in there.

    Attributes:
        kind: Name of the exception's class.
        text: The exception as text.
        told: Its attributes, where it has them: status, body, message, hint, where, exit_code.
        printed: What was printed before.
    """

    kind: str
    text: str
    told: Mapping[str, Any] = field(default_factory=dict)
    printed: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}\n{self.told.get('trace', '')}"


class Sdk:
    """A process with the SDK; a context manager.

    Attributes:
        printed: What the last call printed.
    """

    def __init__(self, home: Path, **environ: str) -> None:
        self.home = home
        src = str(template_environment.TEMPLATE / "src")
        self._environ = template_environment.environ(home, PYTHONPATH=src, **environ)
        self._lock = threading.Lock()
        self.printed = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [str(template_environment.python()), str(INSIDE)],
            cwd=self.home,
            env=self._environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=30)

    def kill(self) -> None:
        """Ends it at once, as the system does when there is no memory left."""
        self._process.kill()
        self._process.wait(timeout=30)

    def __call__(self, code: str, **given: Any) -> Any:
        """Runs code, which finds ``given`` and leaves ``result``.

        Raises:
            InsideError: It raised.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            asked = {"code": textwrap.dedent(code), "given": given}
            self._process.stdin.write(json.dumps(asked, default=str) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        assert line, "the process of the SDK ended"
        answer = json.loads(line)
        self.printed = answer.pop("printed")
        if "error" in answer:
            raise InsideError(answer["kind"], answer["error"], answer, self.printed)
        return answer["result"]
