"""One suite over every forge: what an operation sets is read back, and doing it again changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import MlopsgenError
from mlopsgen.forge.local import LocalForge
from mlopsgen.forge.memory import MemoryForge
from mlopsgen.forge.protocol import Forge, OccupiedError
from mlopsgen.secret_value import SecretValue
from tests.forge_toys import Toy, make_toy

Make = Callable[[], Forge]


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return make_toy(tmp_path)


@pytest.fixture(params=["memory", "local"])
def make(request: pytest.FixtureRequest, toy: Toy) -> Make:
    """Opens the same forge each time that it is called."""
    memory = MemoryForge()
    return lambda: memory if request.param == "memory" else toy.forge


@pytest.fixture
def source(toy: Toy) -> GitRepository:
    return GitRepository(toy.folder, toy.environ)


def found(make: Make, toy: Toy) -> Forge:
    forge = make()
    forge.create_repository("toy")
    for name, value in forge.wanted_settings().items():
        forge.set_setting(name, value)
    toy.git("remote", "add", "local", forge.address)
    return forge


def test_before_it_is_made_there_is_nothing(make: Make) -> None:
    assert make().repository() is None
    assert make().environments() == ()


def test_the_repository_is_read_back(make: Make, toy: Toy) -> None:
    forge = found(make, toy)
    repository = make().repository()
    assert repository is not None
    assert (repository.project, repository.address, dict(repository.branches)) == ("toy", forge.address, {})
    assert repository.settings == forge.wanted_settings()
    assert repository.tool_version


def test_making_it_again_changes_nothing(make: Make, toy: Toy, source: GitRepository) -> None:
    forge = found(make, toy)
    forge.push(source, "local", "staging")
    forge.create_environment("staging")
    forge.set_variable("staging", "REGION", "north")
    before = (forge.repository(), forge.environments())
    forge.create_repository("toy")
    forge.create_environment("staging")
    forge.set_variable("staging", "REGION", "north")
    forge.push(source, "local", "staging")
    assert (make().repository(), make().environments()) == before


@pytest.mark.parametrize("value", ["plain", "", "two\nlines", 'it\'s "quoted" \\ $HOME #no', " spaces ", "ünï=çode"])
def test_a_variable_survives_whatever_it_holds(make: Make, toy: Toy, value: str) -> None:
    forge = found(make, toy)
    forge.create_environment("production")
    forge.set_variable("production", "KEPT", "as it was")
    forge.set_variable("production", "VALUE", "first")
    forge.set_variable("production", "VALUE", value)
    [environment] = make().environments()
    assert environment.variables == {"KEPT": "as it was", "VALUE": value}


def test_of_a_secret_only_the_name_is_read_back(make: Make, toy: Toy) -> None:
    forge = found(make, toy)
    forge.create_environment("staging")
    forge.set_secret("staging", "TOKEN", SecretValue("hunter22\nsecond line"))
    [environment] = make().environments()
    assert environment.secrets == {"TOKEN"}
    assert "hunter22" not in repr(environment)


def test_a_setting_of_an_environment_that_is_not_there_is_refused(make: Make, toy: Toy) -> None:
    forge = found(make, toy)
    with pytest.raises(MlopsgenError, match="staging"):
        forge.set_variable("staging", "NAME", "value")


def test_a_branch_is_pushed_forwards_only(make: Make, toy: Toy, source: GitRepository) -> None:
    forge = found(make, toy)
    forge.push(source, "local", "staging")
    first = toy.git("rev-parse", "staging").stdout.strip()
    toy.git("checkout", "--quiet", "staging")
    second = toy.commit("More")
    forge.push(source, "local", "staging")
    repository = make().repository()
    assert repository is not None
    assert repository.branches == {"staging": second}
    toy.git("reset", "--quiet", "--hard", first)
    toy.commit("Other")
    with pytest.raises(MlopsgenError):
        forge.push(source, "local", "staging")
    repository = make().repository()
    assert repository is not None
    assert repository.branches == {"staging": second}


def test_a_receiver_that_leaves_before_the_push_has_said_all_is_no_failure_when_nothing_is_to_be_pushed(
    toy: Toy, source: GitRepository
) -> None:
    forge = toy.forge
    found(lambda: forge, toy)
    forge.push(source, "local", "staging")
    toy.git("config", "remote.local.receivepack", "exec <&-; git receive-pack --advertise-refs")
    forge.push(source, "local", "staging")
    toy.git("checkout", "--quiet", "staging")
    toy.commit("More")
    with pytest.raises(MlopsgenError):
        forge.push(source, "local", "staging")


def test_what_holds_something_else_is_refused_and_left_alone(toy: Toy) -> None:
    toy.root.mkdir()
    (toy.root / "thesis.tex").write_text("mine")
    with pytest.raises(OccupiedError, match="not a forge") as caught:
        toy.forge.repository()
    assert "push --local DIR" in caught.value.hint
    assert [path.name for path in toy.root.iterdir()] == ["thesis.tex"]
    with pytest.raises(OccupiedError):
        MemoryForge(occupied=True).repository()


def test_a_file_in_the_place_of_the_folder_is_refused(toy: Toy) -> None:
    toy.root.write_text("a file")
    with pytest.raises(OccupiedError, match="not a folder"):
        toy.forge.repository()


def test_a_beginning_that_was_killed_is_no_stranger(toy: Toy) -> None:
    toy.root.mkdir()
    (toy.root / ".forge.json.x8f_2k").write_text("{")
    assert toy.forge.repository() is None


@pytest.mark.parametrize(("content", "message"), [("{", "cannot be read"), ('{"version": 2}', "newer mlopsgen")])
def test_a_manifest_that_cannot_be_understood_is_not_overwritten(toy: Toy, content: str, message: str) -> None:
    toy.root.mkdir()
    toy.layout.manifest.write_text(content)
    with pytest.raises(MlopsgenError, match=message):
        toy.forge.repository()
    assert toy.layout.manifest.read_text() == content


def test_secrets_are_their_owners_alone(toy: Toy) -> None:
    forge = toy.forge
    forge.create_repository("toy")
    forge.create_environment("staging")
    forge.set_secret("staging", "TOKEN", SecretValue("x"))
    assert toy.layout.secrets("staging").stat().st_mode & 0o777 == 0o600


def test_hooks_of_the_person_do_not_get_into_the_forge(toy: Toy, tmp_path: Path) -> None:
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "pre-receive").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-receive").chmod(0o755)
    toy.git("config", "--global", "init.templateDir", str(hooks.parent))
    toy.git("config", "--global", "core.hooksPath", str(hooks))
    toy.found_forge()
    assert "queued as #1" in toy.push()


def test_the_local_forge_is_a_forge(toy: Toy) -> None:
    forges: list[Forge] = [MemoryForge(), LocalForge(toy.root, toy.environ, python=Path("python3"))]
    assert all(forge.address and forge.tracking_uri for forge in forges)
