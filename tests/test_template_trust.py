"""Code of a template: it runs only where a person names the template, without secrets, and not after the command."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from mlopsgen.adapters import process, template_child
from mlopsgen.adapters.templates import open_template
from mlopsgen.adapters.trust import NOBODY, Trust, UnsafeTemplate
from mlopsgen.errors import CommandFailed, ExitCode, MlopsgenError, UsageError
from mlopsgen.ports import Template
from mlopsgen.sync.renders import Renders
from tests.canaries import canary, found_in
from tests.cookiecutter_toys import FILES, HOOKS, inside
from tests.template_toys import NAMES, Published

JSON = '{"name": "made"}'
IN = "{{cookiecutter.name}}"
SPY = """\
import json, os, pathlib
home = pathlib.Path.home()
json.dump({"environ": dict(os.environ), "home": str(home), "cwd": os.getcwd(), "in": os.isatty(0),
           "read": open(0).read(), "names": sorted(p.name for p in home.iterdir())}, open("spied.json", "w"))
"""
COPIER = {
    "copier.yml": "_subdirectory: template\n_tasks:\n  - [python3, -c, \"open('task.txt', 'w').write('ran')\"]\n"
    "  - command: echo [[ name ]]\nname: made\n",
    "template/{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers | to_nice_yaml }}\n",
    "template/a.txt": "a\n",
}


def opened(folder: Path, environ: Mapping[str, str], trust: Trust = NOBODY) -> Template:
    return open_template(str(folder), environ, given=True, trust=trust)


def trusting(folder: Path) -> Trust:
    return Trust.of([str(folder)])


def made(template: Template, folder: Path) -> dict[str, tuple[int, bytes]]:
    folder.mkdir()
    template.render(template.newest, {}, folder)
    return inside(folder)


CODE = {
    "hooks": (
        {**FILES, **HOOKS, "hooks/pre_prompt.sh": "exit 1\n", "hooks/notes.py": "", "hooks/pre_prompt.py~": ""},
        ["the hook hooks/post_gen_project.py", "the hook hooks/pre_gen_project.py", "the hook hooks/pre_prompt.sh"],
    ),
    "extensions": (
        {
            "cookiecutter.json": json.dumps({
                "name": "x", "_extensions": [
                    "jinja2_time.TimeExtension", "jinja2.ext.do", "cookiecutter.extensions.SlugifyExtension",
                    "local_extensions.Foo",
                ],
            }),
            f"{IN}/a": "",
            "local_extensions.py": "raise SystemExit",
        },
        ["the extension of Jinja local_extensions.Foo"],
    ),
    "copier": (
        COPIER | {"copier.yml": f"{COPIER['copier.yml']}_jinja_extensions: [a.B]\n_migrations:\n- version: v2\n"},
        ["the task 'python3 -c open", "the task 'echo [[ name ]]'", "the migration 'v2'", "extension of Jinja 'a.B'"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", CODE)
def test_code_is_refused_with_a_list_of_what_would_run(kind: str, environ: dict[str, str], tmp_path: Path) -> None:
    files, listed = CODE[kind]
    folder = Published(tmp_path / "template", files).path
    template = opened(folder, environ)
    assert template.questions("v1.0.0").questions  # looking is harmless
    with pytest.raises(UnsafeTemplate) as caught:
        made(template, tmp_path / "out")
    assert caught.value.exit_code is ExitCode.PERMISSION
    assert caught.value.hint.endswith(f"--trust {folder}")
    for part in listed:
        assert part in caught.value.message
    assert "notes.py" not in caught.value.message
    assert "jinja2" not in caught.value.message
    assert list((tmp_path / "out").iterdir()) == []


ALIKE = {
    "gh:acme/t": "https://github.com/acme/t",
    "https://github.com/acme/t.git": "https://github.com/acme/t",
    "https://github.com/acme/t/": "https://github.com/acme/t.git",
    "gh:acme/t#a/b": "https://github.com/acme/t#a/b",
}


def test_trust_is_in_one_template_and_in_no_other() -> None:
    for given, address in ALIKE.items():
        assert Trust.of([given]).names(address)
    for given, address in [
        ("gh:acme/t", "https://github.com/acme/tt"), ("gh:acme/t", "https://github.com/acme/t#inside"),
        ("gh:acme/t#a", "https://github.com/acme/t"), ("gh:acme/t", "https://gitlab.com/acme/t"),
        ("gh:acme/t", "git@github.com:acme/t.git"),
    ]:  # fmt: skip
        assert not Trust.of([given, "gh:x/y"]).names(address)
    with pytest.raises(UsageError) as caught:
        Trust.of(["ftp://example.org/a"])
    assert caught.value.where == "--trust"


def test_what_was_rendered_with_trust_is_no_way_round_it(environ: dict[str, str], tmp_path: Path) -> None:
    files = {"cookiecutter.json": JSON, f"{IN}/a": "a", "hooks/post_gen_project.py": "pass\n"}
    folder = Published(tmp_path / "template", files).path
    store = tmp_path / "renders.git"
    assert Renders(store, opened(folder, environ, trusting(folder)), environ).tree("v1.0.0", {})
    with pytest.raises(UnsafeTemplate):
        Renders(store, opened(folder, environ), environ).tree("v1.0.0", {})


def test_a_hook_gets_none_of_our_secrets_and_no_home(environ: dict[str, str], tmp_path: Path) -> None:
    secrets = {
        name: canary(name.lower().replace("_", "-"))
        for name in ("MLOPSGEN_GITHUB_TOKEN", "GH_TOKEN", "AWS_SECRET_ACCESS_KEY", "MLOPSGEN_SECRET_X", "https_proxy")
    }
    folder = Published(
        tmp_path / "template", {"cookiecutter.json": JSON, f"{IN}/a": "", "hooks/post_gen_project.py": SPY}
    ).path
    told = {**environ, **secrets, "LC_TIME": "de_DE", "SSH_AUTH_SOCK": "/x", "HOME": str(tmp_path)}
    found = made(opened(folder, told, trusting(folder)), tmp_path / "out")
    spied = json.loads(found["spied.json"][1])
    allowed = {
        "PATH", "LANG", "LANGUAGE", "TZ", "LC_TIME", "LC_ALL", "LC_CTYPE", "HOME", "USERPROFILE", "TMPDIR",
        "GIT_CONFIG_NOSYSTEM", "GIT_TERMINAL_PROMPT", "PWD", *NAMES,
    }  # fmt: skip
    assert set(spied["environ"]) <= allowed
    assert not found_in(found["spied.json"][1])
    assert spied["environ"]["LC_TIME"] == "de_DE"
    assert spied["home"] != str(tmp_path)
    assert not Path(spied["home"]).exists()
    assert (spied["read"], spied["in"]) == ("", False)


def test_what_git_keeps_of_a_hook_does_not_become_part_of_the_repository(
    environ: dict[str, str], tmp_path: Path
) -> None:
    hook = """
import os, subprocess
for words in (["init", "-q"], ["add", "--all"], ["commit", "-qm", "Begin"]):
    subprocess.run(["git", *words], check=True)
os.makedirs("sub/.git")
open("sub/.git/config", "w").write("x")
"""
    files = {"cookiecutter.json": JSON, f"{IN}/a": "", "hooks/post_gen_project.py": hook}
    folder = Published(tmp_path / "template", files).path
    assert set(made(opened(folder, environ, trusting(folder)), tmp_path / "out")) == {".copier-answers.yml", "a"}


def test_a_hook_that_fails_says_why_and_leaves_nothing(environ: dict[str, str], tmp_path: Path) -> None:
    hook = "print('ERROR: no such thing as made')\nraise SystemExit(3)\n"
    files = {"cookiecutter.json": JSON, f"{IN}/a": "", "hooks/pre_gen_project.py": hook}
    folder = Published(tmp_path / "template", files).path
    with pytest.raises(MlopsgenError, match=r"hook .*exit status: 3.*no such thing as made") as caught:
        made(opened(folder, environ, trusting(folder)), tmp_path / "out")
    assert "other answers" in caught.value.hint
    assert list((tmp_path / "out").iterdir()) == []


def test_local_extensions_of_a_trusted_template_work(environ: dict[str, str], tmp_path: Path) -> None:
    code = "from cookiecutter.utils import simple_filter\n@simple_filter\ndef shout(v):\n    return v.upper() + '!'\n"
    files = {
        "cookiecutter.json": '{"name": "made", "_extensions": ["local_extensions.shout"]}',
        "local_extensions.py": code,
        f"{IN}/a": "{{ cookiecutter.name | shout }}",
    }
    folder = Published(tmp_path / "template", files).path
    assert made(opened(folder, environ, trusting(folder)), tmp_path / "out")["a"][1] == b"MADE!"


MISSING = {
    "cookiecutter": {"cookiecutter.json": '{"name": "made", "_extensions": ["not_there.Extension"]}', f"{IN}/a": ""},
    "copier": COPIER | {"copier.yml": "_jinja_extensions: [not_there.Extension]\nname: made\n"},
}


@pytest.mark.parametrize("engine", MISSING)
def test_an_extension_that_is_not_installed_is_named_with_what_to_do(
    engine: str, environ: dict[str, str], tmp_path: Path
) -> None:
    folder = Published(tmp_path / "template", MISSING[engine]).path
    with pytest.raises(MlopsgenError, match=r"cannot be loaded \(No module named 'not_there'\)\.$") as caught:
        made(opened(folder, environ, trusting(folder)), tmp_path / "out")
    assert caught.value.hint.startswith("Install it where mlopsgen is installed")


def test_copier_runs_the_tasks_of_a_trusted_template(environ: dict[str, str], tmp_path: Path) -> None:
    task = json.dumps([sys.executable, "{{ _copier_conf.src_path }}/spy.py"])
    config = f"_subdirectory: template\n_tasks: [{task}]\nname: made\n"
    folder = Published(tmp_path / "template", COPIER | {"copier.yml": config, "spy.py": SPY}).path
    told = {**environ, "MLOPSGEN_GITHUB_TOKEN": canary("for-a-task")}
    found = made(opened(folder, told, trusting(folder)), tmp_path / "out")
    spied = json.loads(found["spied.json"][1])
    assert "MLOPSGEN_GITHUB_TOKEN" not in spied["environ"]
    assert f"_src_path: {folder}".encode() in found[".copier-answers.yml"][1]
    assert found["a.txt"][1] == b"a\n"
    assert not found_in(json.dumps(spied))


def test_copier_says_why_a_task_failed(environ: dict[str, str], tmp_path: Path) -> None:
    config = "_subdirectory: template\n_tasks: ['exit 7']\nname: made\n"
    folder = Published(tmp_path / "template", COPIER | {"copier.yml": config}).path
    with pytest.raises(MlopsgenError, match="exit 7"):
        made(opened(folder, environ, trusting(folder)), tmp_path / "out")


def alive(text: str) -> bool:
    """Whether a process whose command line holds a text is there."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if text.encode() in (folder / "cmdline").read_bytes():
                return True
        except OSError:
            continue
    return False


def gone(text: str) -> bool:
    """Whether it goes away."""
    for _ in range(500):
        if not alive(text):
            return True
        time.sleep(0.02)
    return False


LEFT = """\
import subprocess, sys, pathlib
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)  # MARK"])
pathlib.Path("started").touch()
"""


def test_what_a_hook_leaves_running_ends_with_the_render(environ: dict[str, str], tmp_path: Path) -> None:
    mark = f"left by {tmp_path}"
    files = {"cookiecutter.json": JSON, f"{IN}/a": "", "hooks/post_gen_project.py": LEFT.replace("MARK", mark)}
    folder = Published(tmp_path / "template", files).path
    assert "started" in made(opened(folder, environ, trusting(folder)), tmp_path / "out")
    assert gone(mark)


WAITING = """\
import pathlib, sys, time
pathlib.Path({place!r}).touch()
time.sleep(300)  # {mark}
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_is_stopped_takes_the_code_with_it(
    how: signal.Signals, environ: dict[str, str], tmp_path: Path
) -> None:
    place, mark = tmp_path / "it runs", f"hook of {tmp_path}"
    code = WAITING.format(place=str(place), mark=mark)
    runs = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {code!r}])\n"
    files = {"cookiecutter.json": JSON, f"{IN}/a": "", "hooks/pre_gen_project.py": runs}
    folder = Published(tmp_path / "template", files).path
    argv = [sys.executable, "-m", "mlopsgen", "init", "made", "--defaults", "--template", str(folder)]
    words = {"env": environ, "cwd": tmp_path, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen([*argv, "--trust", str(folder)], **words) as running:  # type: ignore[call-overload]
        while not place.exists() and running.poll() is None:
            time.sleep(0.02)
        assert place.exists(), running.stdout.read()
        running.send_signal(how)
        said = running.communicate()[0].decode()
    assert gone(mark)
    assert not (tmp_path / "made").exists()
    if how is not signal.SIGKILL:
        assert running.returncode == ExitCode.INTERRUPTED, said
        assert "Traceback" not in said


def test_code_that_never_ends_is_ended(environ: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="no answer within 1 s"):
        process.run_to_the_end(
            [sys.executable, "-c", "import time; time.sleep(300)"], cwd=tmp_path, env=environ, line="", timeout=1
        )
    mark = f"endless {tmp_path}"
    script = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(300)  # {mark}'])"
    with pytest.raises(CommandFailed):
        process.run_to_the_end([sys.executable, "-c", script], cwd=tmp_path, env=environ, line="", timeout=2)
    assert gone(mark)


def test_only_what_everybody_may_know_is_passed_on() -> None:
    assert not [name for name in template_child._PASSED if re.search("TOKEN|KEY|SECRET|PROXY|AUTH|HOME", name)]
    assert os.environ.get("PATH")
