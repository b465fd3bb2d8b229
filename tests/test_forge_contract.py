"""One suite over every forge: what is put is observed, and putting it again changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import MlopsgenError
from mlopsgen.forge.github.forge import GitHubForge
from mlopsgen.forge.github.host import Host
from mlopsgen.forge.local import LocalForge
from mlopsgen.forge.memory import MemoryForge
from mlopsgen.forge.protocol import Forge, OccupiedError
from mlopsgen.forge.values import Key, Kind, Limit, Resource, Snapshot
from mlopsgen.secret_value import SecretValue
from tests.canaries import canary
from tests.forge_toys import Toy, make_toy
from tests.github import FakeGitHub

Make = Callable[[], Forge]

REPOSITORY = Resource(key=Key(Kind.REPOSITORY, "toy"), value={"project": "toy"})


def environment(name: str) -> Resource:
    return Resource(key=Key(Kind.ENVIRONMENT, name), value={})


def variable(name: str, value: str, scope: str = "staging") -> Resource:
    return Resource(key=Key(Kind.VARIABLE, name, scope), value=value)


def secret(name: str, scope: str = "staging") -> Resource:
    return Resource(key=Key(Kind.SECRET, name, scope))


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return make_toy(tmp_path)


@pytest.fixture(params=["memory", "local", "github"])
def make(request: pytest.FixtureRequest, toy: Toy) -> Iterator[Make]:
    """Opens the same forge each time that it is called."""
    if request.param != "github":
        memory = MemoryForge()
        yield lambda: memory if request.param == "memory" else toy.forge
        return
    with FakeGitHub() as github:
        github.add_user("ada", plan="pro")
        token = SecretValue(github.add_token("ada"))
        host = Host.parse(github.url, {})
        yield lambda: GitHubForge(
            host, "ada", "toy", token, environ=toy.environ, events=lambda event: None, sleep=lambda seconds: None
        )


@pytest.fixture
def source(toy: Toy) -> GitRepository:
    return GitRepository(toy.folder, toy.environ)


def found(make: Make, toy: Toy) -> Forge:
    forge = make()
    forge.put(REPOSITORY)
    for setting in forge.settings():
        forge.put(setting)
    toy.git("remote", "add", "local", forge.address)
    return forge


def test_before_it_is_made_there_is_nothing(make: Make) -> None:
    found = make().observe([REPOSITORY, environment("staging")])
    assert replace(found, by="") == Snapshot()


def test_the_repository_and_its_settings_are_read_back(make: Make, toy: Toy) -> None:
    forge = found(make, toy)
    snapshot = make().observe(forge.settings())
    repository = snapshot.repository
    assert repository is not None
    assert (repository.address, dict(repository.branches)) == (forge.address, {})
    # GitHub has no place for these two; what belongs to whom is told by the commits there.
    assert (repository.project, bool(repository.tool_version)) in {("toy", True), ("", False)}
    assert {one.key: one.value for one in forge.settings()}.items() <= snapshot.resources.items()


def test_putting_it_again_changes_nothing(make: Make, toy: Toy, source: GitRepository) -> None:
    forge = found(make, toy)
    wanted = [*forge.settings(), environment("staging"), variable("REGION", "north")]
    for resource in wanted:
        forge.put(resource)
    forge.push(source, "local", "staging")
    before = make().observe(wanted)
    for resource in (REPOSITORY, *wanted):
        forge.put(resource)
    forge.push(source, "local", "staging")
    assert make().observe(wanted) == before


@pytest.mark.parametrize("value", ["plain", "", "two\nlines", 'it\'s "quoted" \\ $HOME #no', " spaces ", "ünï=çode"])
def test_a_variable_survives_whatever_it_holds(make: Make, toy: Toy, value: str) -> None:
    forge = found(make, toy)
    forge.put(environment("production"))
    forge.put(variable("KEPT", "as it was", "production"))
    forge.put(variable("VALUE", "first", "production"))
    forge.put(variable("VALUE", value, "production"))
    wanted = [variable(name, "", "production") for name in ("KEPT", "VALUE", "ABSENT")]
    resources = make().observe(wanted).resources
    assert {one.key.name: resources.get(one.key) for one in wanted} == {
        "KEPT": "as it was",
        "VALUE": value,
        "ABSENT": None,
    }


def test_of_a_secret_only_the_name_is_read_back(make: Make, toy: Toy) -> None:
    forge = found(make, toy)
    forge.put(environment("staging"))
    forge.put(secret("TOKEN"), SecretValue(canary("hunter22\nsecond line")))
    snapshot = make().observe([environment("staging"), secret("TOKEN"), secret("ABSENT")])
    assert {key.name for key in snapshot.resources if key.kind is Kind.SECRET} == {"TOKEN"}
    assert "hunter22" not in repr(snapshot)


def test_a_secret_without_a_value_is_refused(make: Make, toy: Toy) -> None:
    forge = found(make, toy)
    forge.put(environment("staging"))
    with pytest.raises(MlopsgenError, match="TOKEN"):
        forge.put(secret("TOKEN"))


def test_what_belongs_to_an_environment_that_is_not_there_is_refused(make: Make, toy: Toy) -> None:
    forge = found(make, toy)
    with pytest.raises(MlopsgenError, match="staging"):
        forge.put(variable("NAME", "value"))


def test_a_branch_is_pushed_forwards_only_and_the_clone_knows_it(make: Make, toy: Toy, source: GitRepository) -> None:
    forge = found(make, toy)
    forge.push(source, "local", "staging")
    first = toy.git("rev-parse", "staging").stdout.strip()
    toy.git("checkout", "--quiet", "staging")
    second = toy.commit("More")
    forge.push(source, "local", "staging")
    repository = make().observe([]).repository
    assert repository is not None
    assert repository.branches == {"staging": second}
    assert source.commit_of("refs/remotes/local/staging") == second
    toy.git("reset", "--quiet", "--hard", first)
    toy.commit("Other")
    with pytest.raises(MlopsgenError):
        forge.push(source, "local", "staging")
    repository = make().observe([]).repository
    assert repository is not None
    assert repository.branches == {"staging": second}


def test_what_is_fetched_gets_the_names_that_were_asked_for(make: Make, toy: Toy, source: GitRepository) -> None:
    forge = found(make, toy)
    for branch in ("development", "staging"):
        forge.push(source, "local", branch)
    before = toy.git("for-each-ref").stdout
    forge.fetch(source, ["refs/heads/staging"])
    assert toy.git("for-each-ref").stdout == before
    forge.fetch(source, ["+refs/heads/*:refs/remotes/other/*"])
    names = toy.git("for-each-ref", "--format=%(refname)", "refs/remotes/other").stdout.split()
    assert names == ["refs/remotes/other/development", "refs/remotes/other/staging"]


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
        toy.forge.observe([])
    assert "push --local DIR" in caught.value.hint
    assert [path.name for path in toy.root.iterdir()] == ["thesis.tex"]
    with pytest.raises(OccupiedError):
        MemoryForge(occupied=True).observe([])


def test_a_file_in_the_place_of_the_folder_is_refused(toy: Toy) -> None:
    toy.root.write_text("a file")
    with pytest.raises(OccupiedError, match="not a folder"):
        toy.forge.observe([])


def test_a_beginning_that_was_killed_is_no_stranger(toy: Toy) -> None:
    toy.root.mkdir()
    (toy.root / ".forge.json.x8f_2k").write_text("{")
    assert toy.forge.observe([]) == Snapshot()


@pytest.mark.parametrize(("content", "message"), [("{", "cannot be read"), ('{"version": 2}', "newer mlopsgen")])
def test_a_manifest_that_cannot_be_understood_is_not_overwritten(toy: Toy, content: str, message: str) -> None:
    toy.root.mkdir()
    toy.layout.manifest.write_text(content)
    with pytest.raises(MlopsgenError, match=message):
        toy.forge.observe([])
    assert toy.layout.manifest.read_text() == content


def test_secrets_are_their_owners_alone(toy: Toy) -> None:
    forge = toy.forge
    forge.put(REPOSITORY)
    forge.put(environment("staging"))
    forge.put(secret("TOKEN"), SecretValue(canary("x")))
    assert toy.layout.secrets("staging").stat().st_mode & 0o777 == 0o600


def test_a_folder_says_before_anything_is_done_what_it_cannot_hold(toy: Toy) -> None:
    rules = Resource(key=Key(Kind.RULESET, "production"), value={"pull_request": True})
    limits = toy.forge.limits([REPOSITORY, environment("staging"), rules], Snapshot())
    assert list(limits) == [rules.key]
    with pytest.raises(MlopsgenError, match="ruleset 'production'"):
        toy.forge.put(rules)


def test_it_knows_its_own_address(make: Make, toy: Toy) -> None:
    forge = found(make, toy)
    assert forge.leads_here(forge.address)
    for elsewhere in ("https://example.org/x.git", "host:x", str(toy.folder)):
        assert not forge.leads_here(elsewhere)


def test_no_path_of_an_environment_leads_out_of_the_folder(toy: Toy) -> None:
    toy.forge.put(REPOSITORY)
    for name in ("../outside", "nonsense"):
        with pytest.raises(MlopsgenError):
            toy.forge.put(environment(name))
        with pytest.raises(MlopsgenError):
            toy.forge.put(variable("NAME", "value", name))


def test_hooks_of_the_person_do_not_get_into_the_forge(toy: Toy, tmp_path: Path) -> None:
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "pre-receive").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-receive").chmod(0o755)
    toy.git("config", "--global", "init.templateDir", str(hooks.parent))
    toy.git("config", "--global", "core.hooksPath", str(hooks))
    toy.found_forge()
    assert "queued as #1" in toy.push()


def test_both_are_forges(toy: Toy) -> None:
    forges: list[Forge] = [MemoryForge(), LocalForge(toy.root, toy.environ, python=Path("python3"))]
    assert all(forge.address and forge.tracking_uri and forge.workers for forge in forges)


def test_the_twin_refuses_what_it_was_told_to_refuse_and_hides_what_it_was_told_to_hide() -> None:
    reviewers = Limit(reason="the plan has no reviewers", fields=("reviewers",))
    forge = MemoryForge(
        limits={Key(Kind.ENVIRONMENT, "production"): reviewers},
        unreadable={Key(Kind.SECRET, ""): Limit(reason="the token may not see secrets")},
    )
    forge.put(REPOSITORY)
    production = Resource(key=Key(Kind.ENVIRONMENT, "production"), value={"reviewers": ("ada",), "wait_minutes": 0})
    with pytest.raises(MlopsgenError, match="no reviewers"):
        forge.put(production)
    assert forge.limits([production], Snapshot()) == {production.key: reviewers}
    forge.put(Resource(key=production.key, value={"wait_minutes": 0}))
    forge.put(secret("TOKEN", "production"), SecretValue(canary("x")))
    snapshot = forge.observe([production, secret("TOKEN", "production")])
    assert [key.kind for key in snapshot.resources] == [Kind.ENVIRONMENT]
    assert list(snapshot.unreadable) == [Key(Kind.SECRET, "")]


def test_the_twins_rules_hold(toy: Toy, source: GitRepository) -> None:
    forge = MemoryForge()
    forge.put(REPOSITORY)
    forge.push(source, "local", "production")
    rule = {"branches": ("production",), "enforcement": "active", "pull_request": True}
    forge.put(Resource(key=Key(Kind.RULESET, "production"), value=rule))
    forge.push(source, "local", "production")
    toy.git("checkout", "--quiet", "production")
    toy.commit("More")
    with pytest.raises(MlopsgenError, match="pull request"):
        forge.push(source, "local", "production")


def test_the_twin_adds_topics_and_tells_of_no_others() -> None:
    forge, key = MemoryForge(), Key(Kind.SETTING, "topics")
    forge.put(REPOSITORY)
    forge.put(Resource(key=key, value=("theirs",)))
    forge.put(Resource(key=key, value=("mlopsgen", "ours")))
    wanted = Resource(key=key, value=("mlopsgen", "more"))
    assert forge.observe([wanted]).resources == {key: ("mlopsgen",)}
    assert forge.resources[key] == ("mlopsgen", "ours", "theirs")
