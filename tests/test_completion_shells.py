"""The Tab key in real shells, installed as a person installs it: bash, zsh and fish in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from tests.in_process import mlopsgen

SHELLS = {"bash": ["bash", "-i"], "zsh": ["zsh", "-i"], "fish": ["fish", "-i"]}
PROMPT = "ready> "
STARTUP = {
    "bash": (".bashrc", f"PS1='{PROMPT}'\nbind 'set bell-style none'\nbind 'set enable-bracketed-paste off'\n"),
    "zsh": (".zshrc", f"PS1='{PROMPT}'\nunsetopt zle_bracketed_paste 2>/dev/null\nunset zle_bracketed_paste\n"),
    "fish": (".config/fish/config.fish", f"function fish_prompt; echo -n '{PROMPT}'; end\nset -g fish_greeting\n"),
}


@pytest.fixture(params=SHELLS)
def press(
    request: pytest.FixtureRequest, home: Path, environ: dict[str, str], tmp_path: Path
) -> Iterator[Callable[[str, str], None]]:
    """Type into a new shell, press Tab, and wait for what has to be there."""
    shell = request.param
    name, text = STARTUP[shell]
    startup = home / name
    startup.parent.mkdir(parents=True, exist_ok=True)
    startup.write_text(text, encoding="utf-8")
    assert mlopsgen("completion", shell, "--install", cwd=home, environ=environ).returncode == 0
    here = tmp_path / "here"
    here.mkdir()
    (here / "wine.csv").write_text("", encoding="utf-8")
    programs = str(Path(sys.executable).parent)
    child = pexpect.spawn(
        SHELLS[shell][0],
        SHELLS[shell][1:],
        cwd=here,
        env={**environ, "TERM": "xterm", "PATH": f"{programs}:{environ['PATH']}", "LC_ALL": "C.UTF-8"},
        dimensions=(40, 160),
        encoding="utf-8",
        timeout=60,
    )

    def pressed(typed: str, wanted: str) -> None:
        child.send(f"{typed}\t")
        child.expect_exact(wanted)
        # Away with the line, whatever stands there.
        child.sendcontrol("u")
        child.send("echo done-$((1+1))\r" if shell != "fish" else "echo done-(math 1+1)\r")
        child.expect_exact("done-2\r")
        child.expect_exact(PROMPT)

    child.expect_exact(PROMPT)
    yield pressed
    child.close(force=True)


def test_the_tab_key_completes(press: Callable[[str, str], None]) -> None:
    press("mlopsgen compl", "completion")
    press("mlopsgen secrets rot", "rotate")
    press("mlopsgen init --defa", "--defaults")
    press("mlopsgen init --set tas", "task=")
    press("mlopsgen init --set task=bin", "task=binary")
    press("mlopsgen init --task=bin", "--task=binary")
    press("mlopsgen run --branch stag", "staging")
    press("mlopsgen init --data wi", "wine.csv")
