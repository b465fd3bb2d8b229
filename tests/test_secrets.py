"""`mlopsgen secrets` on the forge of this machine: what is needed, where values come from, what is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.canaries import MARK, canary, found_in
from tests.command_toys import argv, data, surroundings
from tests.forge_toys import BRANCHES, Toy, make_toy
from tests.secret_toys import AWKWARD, all_branches, dotenv, needs_mail, secrets, stored


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    toy = make_toy(tmp_path)
    needs_mail(toy)
    toy.found_forge()
    yield toy
    toy.go()
    toy.wait_for_rest()


def test_the_list_says_what_each_is_for_and_how_it_stands(toy: Toy) -> None:
    before = secrets(toy, "list")
    assert before.returncode == 0
    for words in ("development", "MISSING", "SMTP_PASSWORD", "password of the mail server's user", "optional"):
        assert words in before.stdout
    assert "6 required missing" in before.stdout
    secrets(toy, "set", "SMTP_PASSWORD", "--stdin", "-b", "staging", stdin=canary("smtp"))
    told = data(secrets(toy, "list", "--output", "json"))
    assert told["command"] == "secrets list"
    smtp = {(s["environment"], s["name"]): s for s in told["secrets"] if s["name"].startswith("SMTP")}
    assert smtp["staging", "SMTP_PASSWORD"]["present"] is True
    assert smtp["production", "SMTP_PASSWORD"]["present"] is False
    assert all(s["required"] for s in smtp.values())
    assert {s["environment"] for s in told["secrets"]} == set(BRANCHES)


def test_check_names_what_is_missing_until_everything_is_there(toy: Toy, tmp_path: Path) -> None:
    missing = secrets(toy, "check", "--output", "json")
    assert missing.returncode == 1
    assert len(data(missing)["problems"]) == 6
    assert any("SMTP_USERNAME of production" in problem for problem in data(missing)["problems"])
    assert "mlopsgen secrets set SMTP_USERNAME --branch development" in data(missing)["next_steps"][0]
    given = dotenv(tmp_path / "given.env", {"SMTP_USERNAME": canary("user"), "SMTP_PASSWORD": canary("password")})
    assert secrets(toy, "check", "--from-file", str(given)).returncode == 0, "they would all be accepted"
    assert secrets(toy, "set", "--from-file", str(given)).returncode == 0
    done = secrets(toy, "check")
    assert (done.returncode, done.stdout) == (0, "Every required secret is there.\n")


@pytest.mark.parametrize("shape", AWKWARD)
def test_any_value_arrives_to_the_last_byte_from_everywhere(toy: Toy, tmp_path: Path, shape: str) -> None:
    value = AWKWARD[shape]
    piped = secrets(toy, "set", "SMTP_PASSWORD", "--stdin", "-b", "development", stdin=f"{value}\n")
    variable = secrets(toy, "set", "SMTP_PASSWORD", "--from-env", "MY_VALUE", "-b", "staging", MY_VALUE=value)
    given = dotenv(tmp_path / "given.env", {"PRODUCTION_SMTP_PASSWORD": value})
    file = secrets(toy, "set", "--from-file", str(given))
    own = secrets(toy, "set", "SMTP_USERNAME", "-b", "staging", MLOPSGEN_SECRET_STAGING_SMTP_USERNAME=value)
    for done in (piped, variable, file, own):
        assert done.returncode == 0, done.stderr
        assert not found_in(done.stdout + done.stderr)
    assert stored(toy, "development") == {"SMTP_PASSWORD": value}
    assert stored(toy, "staging") == {"SMTP_PASSWORD": value, "SMTP_USERNAME": value}
    assert stored(toy, "production") == {"SMTP_PASSWORD": value}
    assert toy.layout.secrets("production").stat().st_mode & 0o777 == 0o600


def test_one_line_end_of_standard_input_belongs_to_the_pipe(toy: Toy) -> None:
    for given, kept in {"x": "x", "x\n": "x", "x\r\n": "x", "x\n\n": "x\n", "\nx": "\nx"}.items():
        value, wanted = given.replace("x", canary("x")), kept.replace("x", canary("x"))
        verb = "rotate" if stored(toy, "staging") else "set"
        assert secrets(toy, verb, "SMTP_PASSWORD", "--stdin", "-b", "staging", stdin=value).returncode == 0
        assert stored(toy, "staging") == {"SMTP_PASSWORD": wanted}


def test_a_person_types_it_hidden_and_sees_the_size(toy: Toy) -> None:
    child = pexpect.spawn(
        argv()[0], argv("secrets", "set", "SMTP_PASSWORD", "-b", "staging")[1:],
        cwd=str(toy.folder), env={**surroundings(toy), "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}, encoding="utf-8",
    )  # fmt: skip
    child.expect("Password of the mail server's user")
    child.expect("SMTP_PASSWORD for staging")
    child.send(f"{canary('typed')}\r")
    child.expect("1 secret set")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert stored(toy, "staging") == {"SMTP_PASSWORD": canary("typed")}


def test_a_terminal_asks_for_all_that_is_missing_and_shows_nothing(toy: Toy) -> None:
    secrets(toy, "set", "SMTP_USERNAME", "--stdin", *all_branches(), stdin=canary("user"))
    seen: list[str] = []
    child = pexpect.spawn(
        argv()[0], argv("secrets", "set")[1:],
        cwd=str(toy.folder), env={**surroundings(toy), "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}, encoding="utf-8",
    )  # fmt: skip
    for branch in BRANCHES:
        child.expect(f"SMTP_PASSWORD for {branch}")
        seen.append(child.before)
        # Two lines pasted at once are one value.
        pasted = "" if branch == "staging" else f"\x1b[200~{canary(branch)}\nsecond $line\x1b[201~"
        child.send(f"{pasted}\r")
    child.expect("2 secrets set")
    seen += [child.before]
    child.expect(pexpect.EOF)
    seen.append(child.before)
    child.close()
    assert child.exitstatus == 0
    assert stored(toy, "production")["SMTP_PASSWORD"] == f"{canary('production')}\nsecond $line"
    assert "SMTP_PASSWORD" not in stored(toy, "staging"), "nothing typed is nothing written"
    assert not found_in("".join(seen))
    assert "bytes" in "".join(seen)


def test_set_keeps_what_is_there_and_rotate_replaces_it(toy: Toy, tmp_path: Path) -> None:
    once = ("SMTP_PASSWORD", "--stdin", "-b", "staging")
    early = secrets(toy, "rotate", *once, stdin=canary("early"))
    assert early.returncode == 1
    assert "nothing to rotate" in early.stderr
    assert secrets(toy, "set", *once, stdin=canary("first")).returncode == 0
    again = secrets(toy, "set", *once, stdin=canary("second"))
    assert again.returncode == 0
    assert "Nothing was written" in again.stdout
    assert "kept: SMTP_PASSWORD of staging" in again.stderr
    assert "secrets rotate" in again.stderr
    others = secrets(toy, "set", "SMTP_PASSWORD", stdin=canary("second"))
    assert others.returncode == 2
    assert "no value for SMTP_PASSWORD of development, SMTP_PASSWORD of production" in others.stderr
    assert stored(toy, "staging") == {"SMTP_PASSWORD": canary("first")}
    given = dotenv(tmp_path / "given.env", {"SMTP_PASSWORD": canary("third")})
    many = secrets(toy, "set", "--from-file", str(given))
    assert many.returncode == 0
    assert "kept: SMTP_PASSWORD of staging" in many.stderr
    assert stored(toy, "staging") == {"SMTP_PASSWORD": canary("first")}
    assert stored(toy, "production") == {"SMTP_PASSWORD": canary("third")}
    assert secrets(toy, "rotate", *once, stdin=canary("fourth")).returncode == 0
    assert stored(toy, "staging") == {"SMTP_PASSWORD": canary("fourth")}


def test_one_value_does_not_silently_become_that_of_every_branch(toy: Toy) -> None:
    done = secrets(toy, "set", "SMTP_PASSWORD", "--stdin", stdin=canary("one"))
    assert done.returncode == 2
    assert "--branch development --branch staging --branch production" in done.stderr
    assert secrets(toy, "set", "SMTP_PASSWORD", "--stdin", *all_branches(), stdin=canary("one")).returncode == 0
    assert all(stored(toy, branch) == {"SMTP_PASSWORD": canary("one")} for branch in BRANCHES)


@pytest.mark.parametrize(
    "arguments",
    [
        (f"SMTP_PASSWORD={MARK}",),
        ("SMTP_PASSWORD", MARK),
        ("SMTP_PASSWORD", MARK, "--branch", "staging"),
        ("SMTP_PASSWORD", f"--{MARK}"),
        ("SMTP_PASSWORD", f"-{MARK}"),
        ("SMTP_PASSWORD", f"--value={MARK}"),
        ("SMTP_PASSWORD", "--body", MARK),
        ("SMTP_PASSWORD", "--", f"-{MARK}"),
        (MARK,),
        (f"{MARK} with blanks",),
        ("SMTP_PASSWORD", "--from-env", MARK),
        ("SMTP_PASSWORD", "--from-env", f"${MARK}"),
    ],
)
@pytest.mark.parametrize("output", [(), ("--output", "json")])
def test_a_value_on_the_command_line_is_refused_and_not_repeated(
    toy: Toy, arguments: tuple[str, ...], output: tuple[str, ...]
) -> None:
    for verb in ("set", "rotate"):
        done = secrets(toy, verb, *arguments, *output)
        assert done.returncode == 2
        assert MARK not in done.stdout + done.stderr
    assert not any(stored(toy, branch) for branch in BRANCHES)


def test_everything_is_checked_before_anything_is_written(toy: Toy, tmp_path: Path) -> None:
    bad = {
        "SMTP_USERNAME": canary("fine"),
        "STAGING_SMTP_PASSWORD": canary("x" * (48 * 1024)),
        "PRODUCTION_SMTP_PASSWORD": canary("nul\0"),
    }
    given = dotenv(tmp_path / "given.env", bad)
    for verb in (("set",), ("check",)):
        done = secrets(toy, *verb, "--from-file", str(given))
        assert done.returncode in (1, 2)
        said = done.stdout + done.stderr
        assert "SMTP_PASSWORD of staging: it has" in said
        assert "49,152" in said
        assert "NUL" in said
        assert not found_in(said)
    assert not any(stored(toy, branch) for branch in BRANCHES)


def test_a_file_that_git_would_take_is_refused_with_the_reason(toy: Toy, tmp_path: Path) -> None:
    inside = dotenv(toy.folder / "given.env", {"SMTP_PASSWORD": canary("inside")})
    refused = secrets(toy, "set", "--from-file", "given.env")
    assert refused.returncode == 2
    assert "git add" in refused.stderr
    assert ".gitignore" in refused.stderr
    link = tmp_path / "link.env"
    link.symlink_to(inside)
    assert secrets(toy, "set", "--from-file", str(link)).returncode == 2, "a link does not hide where it lies"
    with (toy.folder / ".git" / "info" / "exclude").open("a") as file:
        file.write("given.env\n")
    assert secrets(toy, "set", "--from-file", "given.env").returncode == 0
    assert stored(toy, "staging") == {"SMTP_PASSWORD": canary("inside")}
    inside.write_text("SMTP_PASSWORD=nothing\n")
    toy.git("add", "--force", "given.env")
    assert secrets(toy, "rotate", "--from-file", "given.env").returncode == 2, "added before it was ignored"
    toy.git("rm", "--quiet", "--cached", "given.env")


def test_a_file_that_others_may_read_or_that_cannot_be_read_is_said(toy: Toy, tmp_path: Path) -> None:
    given = dotenv(tmp_path / "given.env", {"SMTP_PASSWORD": canary("open"), "SMTP_PASWORD": canary("typo")})
    given.chmod(0o644)
    done = secrets(toy, "set", "--from-file", str(given))
    assert done.returncode == 0
    assert "Others on this machine may read" in done.stderr
    assert "nothing asks for: SMTP_PASWORD" in done.stderr
    for text in (f"SMTP_PASSWORD='{MARK}", f"{MARK}\n", f'A="x" {MARK}', f"\xff{MARK}"):
        given.write_bytes(text.encode("latin-1"))
        bad = secrets(toy, "set", "--from-file", str(given))
        assert bad.returncode == 2
        assert not found_in(bad.stdout + bad.stderr)
    assert secrets(toy, "set", "--from-file", str(tmp_path)).returncode == 2
    assert secrets(toy, "set", "--from-file", str(tmp_path / "absent")).returncode == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("set", "SMTP_PASSWORD", "--stdin", "--from-env", "X"), "exclude each other"),
        (("set", "SMTP_PASSWORD", "--stdin", "--token-stdin"), "cannot be both"),
        (("set", "SMTP_PASSWORD", "--stdin", "-b", "main"), "no environment 'main'"),
        (("set", "SMTP_PASSWORD"), "no value for SMTP_PASSWORD of development"),
        (("set",), "no terminal to ask on"),
        (("set", "SMTP_PASSWORT", "--from-env", "PATH"), "Did you mean SMTP_PASSWORD"),
        (("set", "GITHUB_X", "--from-env", "PATH"), "cannot be the name"),
        (("set", "SMTP_PASSWORD", "--form-file", "X"), "Did you mean --from-file"),
        (("set", "--from-env", "PATH"), "no NAME was given"),
        (("set", "SMTP_PASSWORD", "--from-env", "NOT_THERE"), "is not set"),
        (("list", "--local", "--org", "octo"), "--local means the forge on this machine"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_next_step(toy: Toy, arguments: tuple[str, ...], words: str) -> None:
    done = secrets(toy, *arguments, "--output", "json", stdin=canary("value"))
    assert done.returncode == 2
    told = json.loads(done.stdout)
    assert words in told["error"]["message"] + told["error"]["hint"]
    assert told["error"]["hint"]
    assert not any(stored(toy, branch) for branch in BRANCHES)


def test_a_secret_of_ones_own_says_where_it_belongs(toy: Toy) -> None:
    own = secrets(toy, "set", "MY_OWN", "--stdin", "-b", "staging", stdin=canary("own"))
    assert own.returncode == 0, own.stderr
    assert stored(toy, "staging") == {"MY_OWN": canary("own")}
    assert "MY_OWN of staging" in secrets(toy, "list").stdout
    assert "Did you mean" not in own.stderr


def test_a_secret_of_ones_own_that_is_nearly_a_needed_one_is_pointed_out(toy: Toy) -> None:
    done = secrets(toy, "set", "SMTP_PASWORD", "--stdin", "-b", "staging", stdin=canary("typo"))
    assert done.returncode == 0, done.stderr
    assert "No environment needs a secret SMTP_PASWORD; it becomes one of your own." in done.stderr
    assert "Did you mean SMTP_PASSWORD?" in done.stderr


def test_before_the_first_push_the_list_tells_what_will_be_needed(tmp_path: Path) -> None:
    toy = make_toy(tmp_path)
    needs_mail(toy)
    done = secrets(toy, "list")
    assert done.returncode == 0, done.stderr
    assert "MISSING        SMTP_PASSWORD" in done.stdout
    assert "6 of them required" in done.stdout
    assert "mlopsgen push --org" in done.stdout
    assert "mlopsgen push --local" in done.stdout
    assert data(secrets(toy, "list", "--output", "json"))["forge"] == ""
    for verb in (("check",), ("set", "SMTP_PASSWORD", "--stdin", "-b", "staging")):
        failed = secrets(toy, *verb, stdin=canary("early"))
        assert failed.returncode == 2
        assert "mlopsgen push --local" in failed.stderr
    assert secrets(toy, "list", "--local").returncode == 1


def test_a_training_gets_them_as_they_are(toy: Toy, tmp_path: Path) -> None:
    values = {"SMTP_USERNAME": AWKWARD["lines"], "SMTP_PASSWORD": AWKWARD["quotes"]}
    for name, value in values.items():
        secrets(toy, "set", name, "--stdin", "-b", "development", stdin=f"{value}\n")
    program = toy.folder / "src" / "pipelines" / "development" / "main.py"
    # What a training keeps is masked, so that it is asked for a digest.
    told = f"import hashlib, os, pathlib\nhere = pathlib.Path({str(tmp_path)!r})\n" + "".join(
        f"(here / {name!r}).write_text(hashlib.sha256(os.environb[{name.encode()!r}]).hexdigest())\n" for name in values
    )
    program.write_text(told + program.read_text())
    toy.commit("Tell")
    toy.push()
    toy.go()
    toy.wait_for_end()
    for name, value in values.items():
        assert (tmp_path / name).read_text() == hashlib.sha256(value.encode()).hexdigest()
