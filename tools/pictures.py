"""Make the pictures of the README and the documentation from a real run: ``make pictures``.

A terminal (tmux) in which ``mlopsgen init`` and ``mlopsgen push --local`` are typed, then the change and the push that
the first tutorial has: the tests compare its text with a real run, and with the picture. Nothing is edited: what a
picture shows is what the programs wrote. Takes a minute or more, mostly for the environment of the first training.
The pictures of the example's report are made by ``make example-report``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from html import unescape
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from tests import tutorial_pages

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
COLUMNS = 100
PATIENCE = 240.0
# Where the pictures' person works: a path that can be shown.
DESK = Path(tempfile.gettempdir()) / "projects"


def _theme(background: str, foreground: str, *normal: str) -> TerminalTheme:
    def colour(text: str) -> tuple[int, int, int]:
        return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)

    colours = [colour(one) for one in normal]
    return TerminalTheme(colour(background), colour(foreground), colours, colours)


THEMES = {
    "light": _theme("fafaf8", "24292f", "24292f", "b42318", "116329", "7d4e00", "0950ae", "7030a0", "0f6e78", "5a6169"),
    "dark": _theme("131a21", "dee4ea", "48525c", "ff7b72", "68d378", "e3b341", "6cb6ff", "d2a8ff", "5eead4", "dee4ea"),
}
EDGES = {"light": "#c9d1d9", "dark": "#3a4652"}
PROMPT = r"\n\$$"
SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<style>
.{unique_id}-matrix {{ font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: {char_height}px; }}
.{unique_id}-title {{ font-size: 15px; font-family: Arial, Helvetica, sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


class Terminal:
    """A terminal in which a person types; what it shows can be read with its colours."""

    def __init__(self, folder: Path) -> None:
        self._tmux = ["tmux", "-f", os.devnull, "-L", f"mlopsgen-pictures-{os.getpid()}"]
        home = folder / "home"
        home.mkdir()
        home.joinpath(".gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.com\n", encoding="utf-8")
        shell = [
            "env", "-i", f"HOME={home}", "TERM=xterm-256color", "LC_ALL=C.UTF-8", "PS1=$ ",
            "MLFLOW_DISABLE_TELEMETRY=true",
            f"PATH={ROOT / '.venv' / 'bin'}:{os.environ['PATH']}", "bash", "--norc", "--noprofile",
        ]  # fmt: skip
        size = ["-x", str(COLUMNS), "-y", "70"]
        self._run("new-session", "-d", *size, "-c", str(folder), "-s", "a", *shell)
        self.wait(r"\$$")

    def type(self, text: str) -> None:
        """Type a line and press enter."""
        self._run("send-keys", "-t", "a", "-l", text)
        self.wait(re.escape(text) + "$")
        self.press("Enter")

    def press(self, key: str) -> None:
        """Press a key, named as tmux names them."""
        self._run("send-keys", "-t", "a", key)

    def wait(self, pattern: str) -> None:
        """Wait until the screen ends with something.

        Raises:
            TimeoutError: It never did.
        """
        end = time.monotonic() + PATIENCE
        while not re.search(pattern, self._run("capture-pane", "-p", "-t", "a").rstrip()):
            if time.monotonic() > end:
                raise TimeoutError(
                    f"The terminal never showed {pattern!r}:\n{self._run('capture-pane', '-p', '-t', 'a')}"
                )
            time.sleep(0.2)

    def clear(self) -> None:
        """Begin with an empty screen."""
        self.type("clear")
        self.wait(r"^\$$")
        self._run("clear-history", "-t", "a")

    def screen(self) -> str:
        """All that is shown since the last :meth:`clear`, with its colours, without the prompt at its end."""
        return re.sub(r"\$ ?$", "", self._run("capture-pane", "-p", "-e", "-S", "-", "-t", "a").rstrip()).rstrip()

    def close(self) -> None:
        """End the terminal."""
        self._run("kill-server")

    def _run(self, *command: str) -> str:
        done = subprocess.run([*self._tmux, *command], capture_output=True, text=True, encoding="utf-8", check=True)
        return done.stdout


def draw(name: str, title: str, screen: str) -> None:
    """Write a screen as SVG files: ``NAME-light.svg`` and ``NAME-dark.svg``."""
    lines = Text.from_ansi(screen)
    for mode, theme in THEMES.items():
        console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        console.print(lines, "", sep="\n", no_wrap=True, overflow="crop")
        picture = console.export_svg(title=title, theme=theme, code_format=SVG, unique_id=f"{name}-{mode}")
        picture = picture.replace('stroke="rgba(255,255,255,0.35)"', f'stroke="{EDGES[mode]}"')
        target = PICTURES / f"{name}-{mode}.svg"
        target.write_text("\n".join(line.rstrip() for line in picture.splitlines()) + "\n", encoding="utf-8")
        print(f"{target.relative_to(ROOT)} drawn", flush=True)


def main() -> int:
    """Make every picture again."""
    if shutil.which("tmux") is None:
        print("tmux is missing; Debian's package is tmux.", file=sys.stderr)
        return 1
    DESK.mkdir()  # ends here where somebody else's is in the way
    terminal = Terminal(DESK)
    try:
        _story(terminal)
    finally:
        terminal.close()
        shutil.rmtree(DESK)
    return 0


def _story(terminal: Terminal) -> None:
    terminal.clear()
    terminal.type("mlopsgen init")
    terminal.wait("Python version$")
    draw("wizard", "mlopsgen init", terminal.screen())
    terminal.press("Enter")
    terminal.wait("cancel$")
    terminal.press("Enter")
    terminal.wait(PROMPT)
    terminal.type("cd my-model")
    terminal.wait(PROMPT)
    terminal.type("mlopsgen push --local --yes")
    terminal.wait(PROMPT)
    change, *commands = second_push()
    changed = DESK / "my-model" / change.path
    changed.write_text(tutorial_pages.changed(changed.read_text(encoding="utf-8"), change.text), encoding="utf-8")
    terminal.clear()
    for command in commands:
        terminal.type(command.text)
        terminal.wait(PROMPT)
    draw("push", "git push", terminal.screen())


def second_push() -> tuple[tutorial_pages.Edit, tutorial_pages.Command, tutorial_pages.Command]:
    """The change of the first tutorial, its commit and its push, with what they print."""
    steps = tutorial_pages.steps_of("first-model.md")
    place, change = next((place, each) for place, each in enumerate(steps) if isinstance(each, tutorial_pages.Edit))
    commit, push = steps[place + 1 : place + 3]
    assert isinstance(commit, tutorial_pages.Command)
    assert isinstance(push, tutorial_pages.Command)
    return change, commit, push


def words(name: str, mode: str) -> str:
    """What a picture shows, as text."""
    picture = (PICTURES / f"{name}-{mode}.svg").read_text(encoding="utf-8")
    lines: dict[float, str] = {}
    for height, text in re.findall(r'<text class="[^"]*-r\d+"[^>]* y="([\d.]+)"[^>]*>([^<]*)</text>', picture):
        lines[float(height)] = lines.get(float(height), "") + unescape(text).replace("\xa0", " ")
    return "\n".join(lines[height].rstrip() for height in sorted(lines))


if __name__ == "__main__":
    raise SystemExit(main())
