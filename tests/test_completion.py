"""The Tab key: what is offered where, fast and without anything heavy, and where each shell's script comes to lie."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlopsgen.cli import completing
from mlopsgen.cli.main import main
from mlopsgen.cli.verbs import VERBS
from mlopsgen.operations.completion_scripts import SCRIPTS
from tests.in_process import mlopsgen


def offered(line: str, shell: str = "zsh", breaks: str = "") -> list[str]:
    told = completing.answer({completing.ASKED: shell, "_MLOPSGEN_LINE": line, "_MLOPSGEN_BREAKS": breaks})
    return [each.partition("\t")[0] for each in told.splitlines()]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("mlopsgen ", list(VERBS)),
        ("mlopsgen sch", ["schema"]),
        ("/opt/venv/bin/mlopsgen sch", ["schema"]),
        ("LANG=C mlopsgen sch", ["schema"]),
        ("mlopsgen --v", ["--version"]),
        ("mlopsgen nothing ", []),
        ("mlopsgen nothing", []),
        ("mlopsgen secrets ", ["list", "set", "rotate", "check", "manifest"]),
        ("mlopsgen secrets nothing ", []),
        ("mlopsgen secrets set --br", ["--branch"]),
        ("mlopsgen init --task ", ["regression", "binary", "multiclass"]),
        ("mlopsgen init --task=b", ["--task=binary"]),
        ("mlopsgen init --set task=", ["task=regression", "task=binary", "task=multiclass"]),
        ("mlopsgen init --set nothing=", []),
        ("mlopsgen init --set tas", ["task="]),
        ("mlopsgen sync --set tas", ["task="]),
        ("mlopsgen init 'an open quote", [":files"]),
        ("mlopsgen init ", [":files"]),
        ("mlopsgen init one two", []),
        ("mlopsgen init --answers ", [":files"]),
        ("mlopsgen init --data w", [":files"]),
        ("mlopsgen push --visibility p", ["private", "public"]),
        ("mlopsgen run --follow --detach --", ["--branch", "--output", "--help"]),
        ("mlopsgen run --follow -", ["--branch", "--output", "--help"]),
        ("mlopsgen schema env", ["envelope"]),
        ("mlopsgen completion f", ["fish"]),
        ("mlopsgen run -b st", ["staging"]),
        ("mlopsgen status --output ", ["text", "json"]),
    ],
)
def test_what_is_offered(line: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert offered(line) == words


def test_bash_gets_only_what_follows_the_mark_where_it_ends_words() -> None:
    assert offered("mlopsgen init --set task=b", "bash", " =:") == ["binary"]
    assert offered("mlopsgen init --task=b", "bash", " =:") == ["binary"]
    assert offered("mlopsgen init --set task=b", "bash", " ") == ["task=binary"]


def test_a_meaning_stands_beside_the_word() -> None:
    told = completing.answer({completing.ASKED: "fish", "_MLOPSGEN_LINE": "mlopsgen status --fol"})
    assert told == "--follow\tFollow the training that runs to its end."


def test_branches_and_secrets_are_those_of_the_repository(
    tmp_path: Path, git: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = git  # type: ignore[assignment]
    run("init", "-q", "-b", "main", "here")
    here = tmp_path / "here"
    (here / ".github" / "workflows").mkdir(parents=True)
    (here / ".github" / "workflows" / "train.yml").write_text(
        "x: ${{ secrets.SMTP_PASSWORD }} ${{ secrets.GITHUB_TOKEN }} ${{ secrets.WINE_TOKEN }}\n", encoding="utf-8"
    )
    me = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    run(*me, "commit", "-q", "--allow-empty", "-m", "x", cwd=here)
    run("branch", "packed/one", cwd=here)
    run("pack-refs", "--all", cwd=here)
    run("branch", "feature/two", cwd=here)
    run("worktree", "add", "-q", "../tree", "feature/two", cwd=here)
    for folder in (here, here / ".github", tmp_path / "tree"):
        monkeypatch.chdir(folder)
        assert offered("mlopsgen sync --branch ") == ["feature/two", "main", "packed/one"]
    monkeypatch.chdir(here)
    assert offered("mlopsgen secrets set ") == ["SMTP_PASSWORD", "WINE_TOKEN"]
    assert offered("mlopsgen secrets rotate SMTP_PASSWORD W") == ["WINE_TOKEN"]


def test_a_script_is_printed_and_nothing_written(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for shell, script in SCRIPTS.items():
        assert main(["completion", shell]) == 0
        assert capsys.readouterr().out == script
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("shell", SCRIPTS)
def test_installing_twice_adds_one_line_and_keeps_the_rest(shell: str, home: Path, environ: dict[str, str]) -> None:
    startup = {"bash": home / ".bashrc", "zsh": home / ".zshrc"}.get(shell)
    before = b"# mine\nexport ODD=\xff"
    if startup is not None:
        startup.write_bytes(before)
    for attempt in range(2):
        done = mlopsgen("completion", shell, "--install", "--output", "json", cwd=home, environ=environ)
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        assert Path(document["data"]["script"]).read_text(encoding="utf-8") == SCRIPTS[shell]
        assert len(document["data"]["written"]) == (2 if startup is not None and not attempt else 1)
        assert document["next_steps"]
    if startup is not None:
        text = startup.read_bytes()
        assert text.startswith(before + b"\n")
        assert text.count(b"# mlopsgen: ") == 1


@pytest.mark.parametrize(
    ("named", "code", "said"),
    [("/usr/bin/zsh", 0, "#compdef"), ("/usr/bin/pwsh", 0, "Register-ArgumentCompleter"),
     ("/bin/tcsh", 2, "Your shell, tcsh"), ("", 2, "SHELL does not say")],
)  # fmt: skip
def test_the_shell_is_the_one_that_the_environment_names(
    named: str, code: int, said: str, home: Path, environ: dict[str, str]
) -> None:
    done = mlopsgen("completion", cwd=home, environ={**environ, "SHELL": named})
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True)


def test_a_startup_file_that_is_a_folder_is_told(home: Path, environ: dict[str, str]) -> None:
    (home / ".bashrc").mkdir()
    done = mlopsgen("completion", "bash", "--install", cwd=home, environ=environ)
    assert done.returncode == 1
    assert "is a folder" in done.stderr
