"""``mlopsgen completion``: let the Tab key complete commands, in four shells.

Each script asks ``mlopsgen`` itself what fits, with the line so far in a variable; the program answers in
:mod:`mlopsgen.cli.completing`. Nothing of the shell's configuration is replaced: at most one line is added at its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlopsgen.errors import MlopsgenError, UsageError
from mlopsgen.operations.completion_scripts import SCRIPTS
from mlopsgen.result import OperationResult

SHELLS = tuple(SCRIPTS)
"""The shells that are served."""

_MARK = "# mlopsgen: the Tab key completes its commands"


@dataclass(frozen=True, kw_only=True)
class InstallRequest:
    """What is installed.

    Attributes:
        for_shell: One of :data:`SHELLS`.
        home: The person's home.
        environ: The environment, which may say where a shell's configuration lies.
    """

    for_shell: str
    home: Path
    environ: Mapping[str, str]


def detect(environ: Mapping[str, str], *, windows: bool) -> str:
    """The shell that a person most likely uses.

    Raises:
        UsageError: It is none that is served, or nothing tells.
    """
    if windows:
        return "powershell"
    name = Path(environ.get("SHELL", "")).name
    if name == "pwsh":
        return "powershell"
    if name in SHELLS:
        return name
    told = f"Your shell, {name}, is none that can be served." if name else "SHELL does not say which shell you use."
    raise UsageError(told, where="SHELL", hint=f"Name one: mlopsgen completion {'|'.join(SHELLS)}")


def install(request: InstallRequest) -> OperationResult:
    """Write the shell's script, and the line that loads it where the shell does not find it by itself.

    Raises:
        MlopsgenError: A file cannot be read.
        OSError: A file cannot be written.
    """
    script, startup = _places(request)
    _write(script, SCRIPTS[request.for_shell])
    changed = [str(script)]
    if startup is not None and _add_line(startup, script):
        changed.append(str(startup))
    steps: tuple[str, ...]
    if request.for_shell == "powershell":
        steps = (f"Add-Content $PROFILE \". '{script}'\"", "Open a new window.")
    else:
        steps = ("Open a new terminal; then type 'mlopsgen ' and press Tab.",)
    undone = f" and the line below '{_MARK}' in {startup}" if startup is not None else ""
    return OperationResult(
        summary=f"The Tab key completes mlopsgen in {request.for_shell}. To undo it, delete {script}{undone}.",
        data={"shell": request.for_shell, "script": str(script), "written": changed},
        next_steps=steps,
    )


def _places(request: InstallRequest) -> tuple[Path, Path | None]:
    """The file of the script, and the one that has to load it."""
    home, environ = request.home, request.environ

    def folder(variable: str, usual: str) -> Path:
        named = Path(environ.get(variable) or "")
        return named if named.is_absolute() else home / usual

    match request.for_shell:
        case "bash":
            data = folder("XDG_DATA_HOME", ".local/share")
            return data / "bash-completion" / "completions" / "mlopsgen", home / ".bashrc"
        case "zsh":
            return folder("XDG_DATA_HOME", ".local/share") / "mlopsgen" / "_mlopsgen", folder("ZDOTDIR", ".") / ".zshrc"
        case "fish":
            return folder("XDG_CONFIG_HOME", ".config") / "fish" / "completions" / "mlopsgen.fish", None
        case _:
            # Where the profile lies, only PowerShell knows: the folder of documents may be anywhere.
            local = environ.get("LOCALAPPDATA")
            return (Path(local) if local else folder("XDG_DATA_HOME", ".local/share")) / "mlopsgen/completion.ps1", None


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _add_line(startup: Path, script: Path) -> bool:
    """Add the line that loads the script, once; bytes of the file that are no text stay as they are."""
    quoted = "'" + str(script).replace("'", "'\\''") + "'"
    line = f"[ -r {quoted} ] && . {quoted}"
    try:
        before = startup.read_text(encoding="utf-8", errors="surrogateescape") if startup.exists() else ""
    except IsADirectoryError as error:
        raise MlopsgenError(
            f"{startup} is a folder.", where=str(startup), hint="Print the script instead: mlopsgen completion"
        ) from error
    if line in before.splitlines():
        return False
    gap = "" if before.endswith("\n") or not before else "\n"
    with startup.open("a", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(f"{gap}\n{_MARK}\n{line}\n")
    return True
