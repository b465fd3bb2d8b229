"""JupyterLab as the editor: a file is opened, a change is typed, and it is saved."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .browser import Browser, Page
from .film import Film
from .places import BROWSER_PYTHON, BUILD, DEMO

SETTINGS = {
    "apputils-extension/themes.jupyterlab-settings": '{"theme": "JupyterLab Light"}',
    "apputils-extension/notification.jupyterlab-settings": '{"fetchNews": "false", "checkForUpdates": false}',
    "codemirror-extension/plugin.jupyterlab-settings": '{"defaultConfig": {"lineNumbers": true}}',
}


@dataclass
class Editor:
    """An editor with a folder open."""

    film: Film
    page: Page
    folder: Path
    where: str = "JupyterLab"
    shots: int = 0

    def open(self, path: str) -> None:
        """Open a file; the others are closed."""
        self.close_all()
        self.page.run(
            script="async path => { await jupyterapp.commands.execute('docmanager:open', {path, factory: 'Editor'}) }",
            value=path,
        )
        self.page.wait(selector=".jp-FileEditor .cm-content")
        self.page.rest(seconds=1.0)
        self.where = f"JupyterLab   {path}"
        self.film.note(f"JupyterLab {path}", (self.folder / path).read_text(encoding="utf-8"))

    def close_all(self) -> None:
        """Close all files."""
        self.page.run(script="async () => { await jupyterapp.commands.execute('application:close-all') }")

    def scroll(self, pixels: int) -> None:
        """Scroll to a place."""
        self.page.run(
            script="y => { for (const each of document.querySelectorAll('.cm-scroller')) each.scrollTop = y }",
            value=pixels,
        )
        self.page.rest(seconds=0.3)

    def shoot(self, seconds: float) -> None:
        """What is seen stays for some seconds."""
        self.shots += 1
        picture = BUILD / f"{self.film.name}-editor-{self.shots:04}.png"
        self.film.page(self.page.shot(picture), self.where, seconds)

    def to_end_of(self, text: str) -> None:
        """Put the cursor at the end of the line that holds a text."""
        self.page.click(selector=f".jp-FileEditor .cm-line:has-text({text!r})")
        self.page.press(key="End")
        self.shoot(0.8)

    def write(self, text: str, *, pace: float = 0.07) -> None:
        """Type a text, two letters at a time."""
        for place in range(0, len(text), 2):
            self.page.write(text=text[place : place + 2])
            self.shoot(pace * 2)

    def press(self, key: str, seconds: float = 0.2) -> None:
        """Press a key."""
        self.page.press(key=key)
        self.shoot(seconds)

    def save(self) -> None:
        """Save the file."""
        self.page.press(key="Control+s")
        self.page.rest(seconds=0.8)
        self.shoot(1.0)


@contextmanager
def editor(film: Film, browser: Browser, folder: Path) -> Iterator[Editor]:
    """An editor on a folder, for as long as the block lasts."""
    home = BUILD / "jupyter"
    shutil.rmtree(home, ignore_errors=True)
    for name, text in SETTINGS.items():
        path = home / "config" / "lab" / "user-settings" / "@jupyterlab" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {
        "PATH": f"{BROWSER_PYTHON.parent}:/usr/bin:/bin", "HOME": str(DEMO), "LANG": "C.UTF-8",
        "JUPYTER_CONFIG_DIR": str(home / "config"), "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "run"), "IPYTHONDIR": str(home / "ipython"),
    }  # fmt: skip
    argv = [
        str(BROWSER_PYTHON), "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}", "--ip=127.0.0.1",
        "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}", "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=", "--ServerApp.terminals_enabled=False",
    ]  # fmt: skip
    with (BUILD / "jupyter.log").open("wb") as log:
        process = subprocess.Popen(
            argv, env=environ, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _until_there(f"{address}/api")
            page = browser.page("editor", f"{address}/lab?reset")
            page.wait(selector=".jp-DirListing-item")
            page.rest(seconds=1.5)
            page.run(script="() => document.body.style.setProperty('--jp-code-font-size', '17px')")
            page.run(script="async () => { await jupyterapp.commands.execute('application:toggle-left-area') }")
            yield Editor(film, page, folder)
            page.close()
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _until_there(address: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
