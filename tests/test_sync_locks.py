"""Locks in an update: taken, kept or made again, by a real uv that asks a real index."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsgen.adapters import uv
from mlopsgen.sync.lock_pins import pins
from mlopsgen.sync.locking import Locker
from mlopsgen.sync.locks import Group, Standing, well_known
from mlopsgen.sync.values import Why
from tests.canaries import canary, found_in
from tests.lock_toys import FURTHER, PINNED, ROOT, Case, Shelf, environ, helpers, notes
from tests.servers.packages import PackageIndex, package_index

PLATFORMS = ("manylinux_2_28_x86_64", "win_amd64")


@pytest.fixture(scope="module")
def index() -> Iterator[PackageIndex]:
    """Packages of a template (``frame``, ``core``, ``check``) and of an owner (``boost``)."""
    with package_index() as running:
        for version in ("1.0", "1.1", "1.2"):
            running.add("frame", version, "core>=1")
            running.add("core", version, platforms=PLATFORMS)
            running.add("check", version)
            running.add("boost", version, "core>=1")
        yield running


@pytest.fixture
def locker(index: PackageIndex, tmp_path: Path) -> Locker:
    return Locker(environ(index, tmp_path), cache=tmp_path / "locks")


def rendered(index: PackageIndex, version: str, *, core: str = "1.0") -> dict[str, str]:
    """What a version of a template gives: requirements and their locks."""
    frame = f"frame=={version} \\\n    --hash=sha256:{index.hash_of('frame', version)}\n    # via -r requirements.in\n"
    linux = f"core=={core} \\\n    --hash=sha256:{index.hash_of('core', core, PLATFORMS[0])}\n"
    both = sorted([index.hash_of("core", core, platform) for platform in PLATFORMS])
    hashes = " \\\n".join(f"    --hash=sha256:{one}" for one in both)
    lock = f"core=={core} \\\n{hashes}\n    # via frame\n{frame}"
    check = f"check=={version} \\\n    --hash=sha256:{index.hash_of('check', version)}\n"
    return {
        "requirements.in": f"frame=={version}\n",
        "requirements.txt": lock,
        "requirements-linux.txt": linux + frame.partition("\n    #")[0] + "\n",
        "requirements-dev.in": "-r requirements.in\n-c requirements.txt\ncheck\n",
        "requirements-dev.txt": check + lock,
        "Makefile": "lock: ready\n",
        **helpers(),
    }


def an_update(index: PackageIndex, owner: str = "boost==1.1\n") -> Case:
    """The template raised ``frame``; the owner has added a library and locked it."""
    base, theirs = rendered(index, "1.0"), rendered(index, "1.1")
    ours = base | {"requirements.in": base["requirements.in"] + owner}
    if owner:
        ours["requirements.txt"] = f"boost==1.1 \\\n    --hash=sha256:{'0' * 64}\n" + base["requirements.txt"]
        ours["requirements-dev.txt"] = f"boost==1.1 \\\n    --hash=sha256:{'0' * 64}\n" + base["requirements-dev.txt"]
    return Case(base, ours, theirs, ours | {"requirements.in": theirs["requirements.in"] + owner})


def test_the_templates_locks_are_taken_where_the_owner_added_nothing(index: PackageIndex) -> None:
    case = an_update(index, owner="")
    assert {case.standing(group) for group in case.groups} == {Standing.TAKEN}


def test_the_owners_locks_are_kept_where_the_template_changed_nothing(index: PackageIndex) -> None:
    case = an_update(index)
    case.theirs = case.base
    assert {case.standing(group) for group in case.groups} == {Standing.KEPT}


def test_only_the_groups_that_both_changed_are_made_again(index: PackageIndex) -> None:
    case = an_update(index, owner="")
    case.ours = case.base | {"requirements-dev.in": case.base["requirements-dev.in"] + "boost\n"}
    assert [case.standing(group) for group in (PINNED, FURTHER)] == [Standing.TAKEN, Standing.AGAIN]


def test_locks_that_the_owner_deleted_stay_away(index: PackageIndex, locker: Locker) -> None:
    case = an_update(index)
    for side in (case.ours, case.merged):
        for path in PINNED.locks:
            del side[path]
    assert case.standing(PINNED) is Standing.KEPT


def test_a_lock_is_made_again_from_the_merged_requirements(index: PackageIndex, locker: Locker) -> None:
    case = an_update(index)
    made = case.make(locker)
    assert set(made.files) == {"requirements.txt", "requirements-linux.txt", "requirements-dev.txt"}
    lock = made.files["requirements.txt"].decode()
    assert {name: version for name, ((version, _),) in pins(lock).items()} == {
        "boost": "1.1", "core": "1.0", "frame": "1.1",
    }  # fmt: skip
    assert f"--hash=sha256:{index.hash_of('boost', '1.1')}" in lock
    assert "0" * 64 not in lock
    assert "check==1.1" in made.files["requirements-dev.txt"].decode(), "the template raised it"
    assert notes(made)["requirements.txt"] == (Why.LOCK_MADE, "frame 1.0 to 1.1")
    linux = made.files["requirements-linux.txt"].decode()
    assert f"--hash=sha256:{index.hash_of('core', '1.0', PLATFORMS[0])}" in linux
    assert index.hash_of("core", "1.0", PLATFORMS[1]) not in linux


def test_what_either_side_raised_stays_raised(index: PackageIndex, locker: Locker) -> None:
    case = an_update(index)
    case.theirs |= {"requirements.txt": rendered(index, "1.1", core="1.1")["requirements.txt"]}
    assert "core==1.1" in case.make(locker).files["requirements.txt"].decode(), "a fix that only the lock brings"
    case.ours["requirements.txt"] = case.ours["requirements.txt"].replace("core==1.0", "core==1.2")
    assert "core==1.2" in case.make(locker).files["requirements.txt"].decode()


def test_overrides_of_the_owner_hold(index: PackageIndex, locker: Locker) -> None:
    case = an_update(index)
    for side in (case.ours, case.merged):
        side["overrides.txt"] = "core==1.2\n"
    assert "core==1.2" in case.make(locker).files["requirements.txt"].decode()


def test_what_requirements_include_is_read_too(index: PackageIndex, locker: Locker) -> None:
    case = an_update(index, owner="-r more/own.in\n")
    for side in (case.ours, case.merged):
        side |= {"more/own.in": "-c limits.txt\nboost\n", "more/limits.txt": "boost<1.2\n"}
    assert "boost==1.1" in case.make(locker).files["requirements.txt"].decode()


def test_line_endings_are_the_owners(index: PackageIndex, locker: Locker) -> None:
    case = an_update(index)
    case.ours["requirements.txt"] = case.ours["requirements.txt"].replace("\n", "\r\n")
    made = case.make(locker).files
    assert made["requirements.txt"].count(b"\n") == made["requirements.txt"].count(b"\r\n") > 5
    assert b"\r" not in made["requirements-dev.txt"]


def kept(case: Case, locker: Locker | None, **more: object) -> str:
    """What is said of locks that are kept."""
    made = case.make(locker, **more)
    assert not made.files
    said = set(notes(made).values())
    assert {why for why, _ in said} == {Why.LOCK_KEPT}
    assert set(notes(made)) == {*PINNED.locks, *FURTHER.locks}
    (text,) = {detail for _, detail in said}
    return text


def test_without_uv_the_locks_are_kept_and_the_command_is_said(index: PackageIndex, tmp_path: Path) -> None:
    none = Locker(environ(index, tmp_path))
    none._program = None
    assert kept(an_update(index), none) == "uv is not installed here. Run: make lock"
    assert kept(an_update(index), None) == "it was not asked to make locks. Run: make lock"


def test_uv_is_found_in_the_repositorys_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    assert uv.find({"PATH": str(tmp_path)}, tmp_path) is None
    program = tmp_path / ".venv" / "bin" / "uv"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    assert uv.find({"PATH": ""}, tmp_path) is None, "nobody may run it"
    program.chmod(0o755)
    assert uv.find({"PATH": ""}, tmp_path) == program


def test_an_index_that_nobody_reaches_is_asked_once(index: PackageIndex, tmp_path: Path) -> None:
    nowhere = Locker(environ(index, tmp_path, UV_DEFAULT_INDEX="http://127.0.0.1:9/simple"))
    assert kept(an_update(index), nowhere) == "the package index cannot be reached. Run: make lock"
    nowhere._environ = environ(index, tmp_path)
    other = an_update(index, owner="boost==1.0\n")
    assert "cannot be reached" in kept(other, nowhere), "a fleet does not wait for it again and again"


def test_requirements_that_fit_nothing_are_explained(index: PackageIndex, locker: Locker) -> None:
    text = kept(an_update(index, owner="core==7\n"), locker)
    assert text.startswith("uv cannot make it: No solution found")
    assert "core==7" in text
    assert text.endswith(". Run: make lock")
    assert not re.search(r"[╰│]|  ", text)


@pytest.mark.parametrize(
    ("side", "word"),
    [("merged", "the Makefile has rules of its own for locks"), ("both", "by rules that this mlopsgen")],
)
def test_locks_by_other_rules_are_for_make_lock(side: str, word: str, index: PackageIndex, locker: Locker) -> None:
    text = (ROOT / "template" / "Makefile").read_text(encoding="utf-8")
    case = an_update(index)
    for files in (case.theirs, case.merged):
        files["Makefile"] = text
    assert case.make(locker).files
    case.merged["Makefile"] = text.replace("--python-version 3.11", "--python-version 3.12")
    if side == "both":
        case.theirs["Makefile"] = case.merged["Makefile"]
    assert word in kept(case, locker)


def test_requirements_with_conflicts_wait_for_the_person(index: PackageIndex, locker: Locker) -> None:
    text = kept(an_update(index), locker, conflicts=["requirements.in"])
    assert text == "requirements.in has conflicts; resolve them first. Run: make lock"


def test_another_templates_program_is_not_run(index: PackageIndex, locker: Locker) -> None:
    assert "a program of the template, which is not run here" in kept(an_update(index), locker, run_code=False)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("uv.toml", 'index-url = "http://127.0.0.1:9/simple"\n'),
        ("pyproject.toml", '[tool.uv]\noverride-dependencies = ["core==1.2"]\n'),
        ("pyproject.toml", '[[tool.uv.index]]\nname = "own"\nurl = "http://127.0.0.1:9/simple"\n'),
    ],
)
def test_a_strangers_repository_does_not_say_where_packages_come_from(
    path: str, text: str, index: PackageIndex, locker: Locker, tmp_path: Path
) -> None:
    case = an_update(index)
    for side in (case.ours, case.merged):
        side[path] = text
    before = len(index.asked)
    assert f"its {path} has settings for uv of its own" in kept(case, locker)
    assert len(index.asked) == before
    named_nowhere = {name: value for name, value in environ(index, tmp_path).items() if name != "UV_DEFAULT_INDEX"}
    own = Locker(named_nowhere, root=tmp_path)
    if "index" in text:
        assert "cannot be reached" in kept(case, own), "in a person's own clone it does"


@pytest.mark.parametrize(
    "line",
    [
        "./library",
        "library @ file:///tmp/library",
        "boost @ git+https://example.org/boost",
        "boost \\\n  @ https://example.org/boost.whl",
        "--index-url https://example.org/simple",
        "--find-links https://example.org/",
        "boost==${HTTPS_PROXY}",
    ],
)
def test_a_strangers_requirements_do_not_say_where_packages_lie(line: str, index: PackageIndex, locker: Locker) -> None:
    before = len(index.asked)
    assert kept(an_update(index, owner=f"{line}\n"), locker).startswith("it says itself where packages lie")
    assert len(index.asked) == before


@pytest.mark.parametrize(
    "line",
    [
        "-r /etc/hostname",
        "-r/etc/hostname",
        "--constraint=../../etc/hostname",
        "-r requirements/../../hostname",
        "-r \\\n  hostname",
        "boost  # a note\r-r ~/hostname",
        "--no-binary core",
        "-e ./library",
        "-f wheels",
    ],
)
def test_a_strangers_requirements_read_and_run_nothing_of_this_machine(
    line: str, index: PackageIndex, locker: Locker
) -> None:
    before = len(index.asked)
    assert "has options for uv of its own" in kept(an_update(index, owner=f"{line}\n"), locker)
    assert len(index.asked) == before


def test_of_a_strangers_requirements_only_the_templates_are_built_to_be_looked_at(
    index: PackageIndex, locker: Locker, tmp_path: Path
) -> None:
    index.add_source("ancient", "1.0")
    index.add_source("foreign", "1.0")
    case = an_update(index)
    case.theirs["requirements.txt"] += "ancient==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n"
    case.merged["requirements.in"] += "ancient\n"
    assert "ancient==1.0" in case.make(locker).files["requirements.txt"].decode()
    case.merged["requirements.in"] += "foreign\n"
    assert "foreign" in kept(case, locker)
    own = Locker(environ(index, tmp_path), root=tmp_path)
    assert "foreign==1.0" in case.make(own).files["requirements.txt"].decode(), "a person's own clone is trusted"


def test_uv_gets_no_token(index: PackageIndex, tmp_path: Path) -> None:
    told = tmp_path / "told"
    program = tmp_path / "bin" / "uv"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nenv >> {told}\ntest $1 = --version\n")
    program.chmod(0o755)
    secret = canary("TokenForGitHub", prefix="ghp_")
    given = {"GH_TOKEN": secret, "MLOPSGEN_GITHUB_TOKEN": secret, "AWS_SECRET_ACCESS_KEY": secret, "HTTPS_PROXY": "p"}
    locker = Locker(environ(index, tmp_path, **given) | {"PATH": f"{program.parent}:/usr/bin:/bin"})
    assert "uv cannot make it" in kept(an_update(index), locker)
    assert not found_in(told.read_text())
    assert "HTTPS_PROXY=p" in told.read_text()


def test_equal_work_is_done_once_whoever_asks(index: PackageIndex, tmp_path: Path) -> None:
    locker = Locker(environ(index, tmp_path), cache=tmp_path / "locks")
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(an_update(index).make(locker).files)) for _ in range(4)]
    before = index.asked.count("/simple/frame/")
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(one == found[0] for one in found)
    assert len(list((tmp_path / "locks").iterdir())) == 2
    assert index.asked.count("/simple/frame/") <= before + 3, "two locks and the extract"
    away = Locker(environ(index, tmp_path, UV_DEFAULT_INDEX="http://127.0.0.1:9/simple"), cache=tmp_path / "locks")
    assert an_update(index).make(away).files == found[0], "the next run finds it"


def test_what_is_remembered_and_broken_is_made_again(index: PackageIndex, locker: Locker, tmp_path: Path) -> None:
    first = an_update(index).make(locker).files
    for path in (tmp_path / "locks").iterdir():
        path.write_text("{", encoding="utf-8")
    assert an_update(index).make(locker).files == first


def test_locks_are_made_by_the_rules_of_the_makefile() -> None:
    text = (ROOT / "template" / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = re.findall(r"(?m)^COMPILE := .* pip compile (.*)$", text)
    assert set(line.partition("$(if")[0].split()) == {"--quiet", "--generate-hashes", *uv.COMPILE}
    assert "$(if $(wildcard overrides.txt),--override overrides.txt)" in line
    assert "--no-deps --no-header --format pylock.toml" in text


def test_locks_that_are_known_by_their_names() -> None:
    listing = Shelf().listing({"uv.lock": "", "web/package-lock.json": "", "requirements.txt": ""})
    groups = well_known(listing)
    assert groups == (
        Group(("uv.lock",), ("pyproject.toml",)),
        Group(("web/package-lock.json",), ("web/package.json",)),
    )
    lock = {"uv.lock": "1", "pyproject.toml": "a"}
    case = Case(lock, lock | {"uv.lock": "2"}, {"uv.lock": "3", "pyproject.toml": "b"}, lock, groups)
    assert notes(case.make(None))["uv.lock"] == (
        Why.LOCK_KEPT,
        "only its own tool can make uv.lock again. Run: uv lock",
    )


def test_a_uv_that_does_not_work_is_no_failure(index: PackageIndex, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "uv"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    text = kept(an_update(index), Locker(environ(index, tmp_path) | {"PATH": f"{program.parent}:/usr/bin:/bin"}))
    assert text.startswith("uv does not work here (")
