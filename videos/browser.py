"""Chromium, as the scripts of the videos use it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .places import BROWSER_PYTHON, CONTENT, HERE


class BrowserError(Exception):
    """A page did not do what it was told."""


class Browser:
    """A chromium in a process of its own, for as long as the block lasts."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [str(BROWSER_PYTHON), str(HERE / "browser_program.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=60)

    def order(self, do: str, **rest: Any) -> Any:
        """Have something done.

        Raises:
            BrowserError: What went wrong, in the browser's words.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **rest}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "the browser ended"}')
        if "error" in answer:
            raise BrowserError(f"{do} {rest}: {answer['error']}")
        return answer["value"]

    def page(
        self, name: str, url: str, *, size: tuple[int, int] = CONTENT, scheme: str = "light", scale: float = 1.0
    ) -> Page:
        """Open an address; with a scale, all of it is larger in the same picture."""
        shrunk = {"width": round(size[0] / scale), "height": round(size[1] / scale)}
        self.order("open", name=name, url=url, size=shrunk, scheme=scheme, scale=scale)
        return Page(self, name)


class Page:
    """A page that is open."""

    def __init__(self, browser: Browser, name: str) -> None:
        self._browser, self._name = browser, name

    def __getattr__(self, do: str) -> Any:
        """``script``, ``run``, ``shoot``, ``wait``, ``click``, ``press``, ``write``, ``rest``, ``close``."""
        if do.startswith("_"):
            raise AttributeError(do)
        return lambda **rest: self._browser.order(do, name=self._name, **rest)

    def shot(self, path: Path, *, whole: bool = False) -> Path:
        """Take a picture and return where it lies."""
        self._browser.order("shoot", name=self._name, path=str(path), whole=whole)
        return path
