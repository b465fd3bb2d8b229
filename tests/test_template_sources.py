"""Templates at any address: folders, private repositories on GitHub, without network, and those that are refused."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsgen.adapters.cache import cache_folder
from mlopsgen.adapters.copier_engine import CopierEngine
from mlopsgen.adapters.template_address import TemplateAddress, parse
from mlopsgen.adapters.template_refusals import TemplateRefused
from mlopsgen.adapters.templates import open_template
from mlopsgen.adapters.trust import UnsafeTemplate
from mlopsgen.constants import CANONICAL_TEMPLATE
from mlopsgen.errors import MlopsgenError, UsageError
from mlopsgen.sync.record import read_record
from tests.canaries import canary, found_in, hunt
from tests.github import FakeGitHub
from tests.template_toys import FILES, NAMES, Published, contents


@pytest.fixture
def published(tmp_path: Path) -> Published:
    made = Published(tmp_path / "a template")
    made.release("v1.1.0", {"template/data.csv": "a,b\n3,4\n"}, "Newer data for @everybody")
    return made


@pytest.fixture
def online(environ: dict[str, str]) -> dict[str, str]:
    """An environment that reaches the servers of this machine."""
    return {name: value for name, value in environ.items() if not name.lower().endswith("_proxy")}


@pytest.fixture(scope="module")
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        fake.add_user("ada")
        yield fake


def put(github: FakeGitHub, name: str, published: Published, *, visibility: str = "private") -> str:
    """Push a template to the fake GitHub; its address."""
    repository = github.add_repository(f"ada/{name}", visibility=visibility)
    published.git("push", "--quiet", str(repository.folder), "HEAD:refs/heads/main", "--tags")
    return f"{github.url}/ada/{name}"


ADDRESSES = {
    "https://github.com/acme/template": TemplateAddress("https://github.com/acme/template", "github.com"),
    "https://github.com/acme/template/": TemplateAddress("https://github.com/acme/template", "github.com"),
    "git+https://git.example.org:8443/a/b.git": TemplateAddress(
        "https://git.example.org:8443/a/b.git", "git.example.org:8443"
    ),
    "gh:acme/template": TemplateAddress("https://github.com/acme/template", "github.com"),
    "gl:acme/deep/template": TemplateAddress("https://gitlab.com/acme/deep/template", "gitlab.com"),
    "git@github.com:acme/template.git": TemplateAddress("git@github.com:acme/template.git"),
    "ssh://git@example.org:22/acme/template": TemplateAddress("ssh://git@example.org:22/acme/template"),
    "http://localhost:8080/a": TemplateAddress("http://localhost:8080/a", "localhost:8080"),
}


@pytest.mark.parametrize("given", ADDRESSES)
def test_addresses(given: str) -> None:
    assert parse(given, trusted=False) == ADDRESSES[given]


def test_a_credential_in_an_address_goes_nowhere() -> None:
    secret = canary("password-in-the-address")
    assert parse(f"https://ada:{secret}@example.org/a/b?x=1#y", trusted=True).text == "https://example.org/a/b#y"
    assert parse(f"ssh://ada:{secret}@example.org/a/b", trusted=True).text == "ssh://ada@example.org/a/b"


@pytest.mark.parametrize(
    "given",
    ["", "-x", "--upload-pack=id", "ext::sh -c id", "fd::7", "ftp://example.org/a", "gh:acme", "http://example.org/a", "https://",
     "https://example.org", "https://-x/a", "javascript://a/b", "https://[/a", "file::x"],
)  # fmt: skip
@pytest.mark.parametrize("trusted", [True, False])
def test_what_is_no_address_is_refused(given: str, trusted: bool) -> None:
    with pytest.raises(UsageError):
        parse(given, trusted=trusted)


@pytest.mark.parametrize("recorded", ["/etc", "../other", "file:///etc", "~/template", "."])
def test_a_record_may_not_name_a_folder_of_this_machine_but_a_person_may(
    recorded: str, environ: dict[str, str]
) -> None:
    with pytest.raises(UsageError, match="folder") as caught:
        open_template(recorded, environ)
    assert "--template" in caught.value.hint
    assert parse(recorded, trusted=True).is_local


@pytest.mark.parametrize("given", [None, CANONICAL_TEMPLATE, f"{CANONICAL_TEMPLATE}.git", "gh:mlopsgen/mlopsgen"])
def test_the_built_in_template_answers_for_its_public_address(given: str | None, environ: dict[str, str]) -> None:
    template = open_template(given, environ)
    assert template.address == CANONICAL_TEMPLATE
    assert "seeded:" in str(template.read(template.newest, "sync.yaml"))
    assert not Path(environ["HOME"], ".cache", "mlopsgen", "templates").exists()


def test_a_folder_with_tags_is_a_template(published: Published, environ: dict[str, str], tmp_path: Path) -> None:
    published.git("tag", "nightly")
    published.git("tag", "v2.0.0-rc1")
    template = open_template(str(published.path), environ, given=True)
    assert (template.address, template.versions(), template.newest) == (
        str(published.path), ("v1.0.0", "v1.1.0"), "v1.1.0",
    )  # fmt: skip
    assert template.warning == ""
    (tmp_path / "out").mkdir()
    template.render("v1.0.0", {"name": "wine"}, tmp_path / "out")
    made = contents(tmp_path / "out")
    assert made["data.csv"][1] == b"a,b\n1,2\n"
    record = read_record(made[".copier-answers.yml"][1].decode())  # YAML breaks the line of a long path
    assert (record.version, record.template) == ("v1.0.0", str(published.path))


def test_only_the_tags_of_a_repository_matter(published: Published, environ: dict[str, str]) -> None:
    published.git("symbolic-ref", "HEAD", "refs/heads/nobody-made-it")
    assert open_template(str(published.path), environ, given=True).versions() == ("v1.0.0", "v1.1.0")


def test_what_changed_comes_from_the_changelog_or_else_from_the_commits(
    published: Published, environ: dict[str, str]
) -> None:
    text = "# Changes\n\n## [1.2.0] - 2026-11-21\n\n- **More** of it\n\n```\n## 9.9.9\n```\n\n## 1.1.0\n\n[1.2.0]: http://x\n"
    published.release("v1.2.0", {"CHANGELOG.md": text}, "Third")
    template = open_template(str(published.path), environ, given=True)
    assert template.changelog("v1.0.0", "v1.2.0") == (
        ("v1.2.0", "- **More** of it\n\n```\n## 9.9.9\n```"),
        ("v1.1.0", "- Newer data for @everybody"),
    )
    assert template.changelog("v1.0.0", "v1.1.0") == (("v1.1.0", "- Newer data for @everybody"),)
    assert template.changelog("v1.2.0", "v1.0.0") == template.changelog("v1.2.0", "v1.2.0") == ()


def test_a_private_template_is_read_with_the_token_of_the_onlinement_which_is_stored_nowhere(
    github: FakeGitHub, published: Published, online: dict[str, str], tmp_path: Path
) -> None:
    address = put(github, "private", published)
    token = github.add_token("ada")
    with pytest.raises(TemplateRefused, match="cannot be read") as caught:
        open_template(address, online)
    assert "MLOPSGEN_GITHUB_TOKEN" in caught.value.hint
    trace = tmp_path / "trace"
    told = {**online, "MLOPSGEN_GITHUB_TOKEN": token, "GIT_TRACE": str(trace), "GIT_CURL_VERBOSE": "1"}
    template = open_template(address, told)
    assert template.versions() == ("v1.0.0", "v1.1.0")
    template.render("v1.1.0", {}, _folder(tmp_path / "out"))
    assert template.address == address
    assert "git fetch" in trace.read_text(encoding="utf-8")
    assert hunt(tmp_path) == hunt(cache_folder(online)) == []
    for path in cache_folder(online).rglob("*"):
        assert not (path.is_file() and token.encode() in path.read_bytes())


def test_a_repository_of_a_private_template_is_updated_with_that_token_and_later_without_network(
    github: FakeGitHub, published: Published, online: dict[str, str], tmp_path: Path
) -> None:
    address = put(github, "behind", published)
    told = {**online, **NAMES, "MLOPSGEN_GITHUB_TOKEN": github.add_token("ada")}
    made = _folder(tmp_path / "made")
    open_template(address, told).render("v1.0.0", {"name": "wine"}, made)

    def run(*arguments: str, **more: str) -> str:
        done = subprocess.run(
            arguments,
            cwd=made,
            env={**told, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    run("git", "init", "--quiet", "--initial-branch=development")
    run("git", "add", "--all")
    run("git", "commit", "--quiet", "--message", "As it was made")
    assert "Newer data" in run(sys.executable, "-m", "mlopsgen", "sync")
    assert run("git", "show", "mlopsgen/sync-development:data.csv") == "a,b\n3,4\n"
    assert f"_src_path: {address}\n" in run("git", "show", "mlopsgen/sync-development:.copier-answers.yml")
    github.faults.add("reset-before", nth=1, kind="git", times=0)
    away = run(sys.executable, "-m", "mlopsgen", "sync", "--dry-run")
    github.faults.clear()
    assert "v1.1.0" in away
    assert "cannot be reached" in away
    assert hunt(tmp_path) == hunt(cache_folder(online)) == []


def test_a_token_that_is_refused_is_said_without_being_said(
    github: FakeGitHub, published: Published, online: dict[str, str]
) -> None:
    address = put(github, "refused", published)
    token = canary("wrong-token", prefix="ghp_")
    with pytest.raises(TemplateRefused) as caught:
        open_template(address, {**online, "MLOPSGEN_GITHUB_TOKEN": token})
    assert "token" in caught.value.hint
    assert not found_in(f"{caught.value} {caught.value.hint} {caught.value.where}")


def test_a_public_template_needs_no_token_and_a_wrong_one_does_no_harm(
    github: FakeGitHub, published: Published, online: dict[str, str]
) -> None:
    address = put(github, "public", published, visibility="public")
    assert open_template(address, online).newest == "v1.1.0"
    told = {**online, "MLOPSGEN_GITHUB_TOKEN": canary("not-for-this", prefix="ghp_")}
    assert open_template(address, told).newest == "v1.1.0"


def test_the_token_of_a_host_goes_to_no_other(github: FakeGitHub, published: Published, online: dict[str, str]) -> None:
    address = put(github, "elsewhere", published)
    told = {**online, "MLOPSGEN_GITHUB_TOKEN": github.add_token("ada")}
    with FakeGitHub() as other:
        other.add_user("ada")
        put(other, "elsewhere", published, visibility="public")
        rewrite = f'[url "{other.url}/"]\n\tinsteadOf = {github.url}/\n'
        Path(online["HOME"], ".gitconfig").write_text(rewrite, encoding="utf-8")
        # The other server would refuse a token that it does not know.
        assert open_template(address, told).newest == "v1.1.0"
        assert {call.status for call in other.calls} == {200}


def test_without_network_the_mirror_serves_and_says_so(
    github: FakeGitHub, published: Published, online: dict[str, str], tmp_path: Path
) -> None:
    address = put(github, "moving", published, visibility="public")
    open_template(address, online)
    published.release("v1.2.0", {}, "Third")
    published.git("push", "--quiet", str(github.repository("ada/moving").folder), "--tags")
    github.faults.add("reset-before", nth=1, kind="git", times=99)
    away = open_template(address, online)
    github.faults.clear()
    assert away.versions() == ("v1.0.0", "v1.1.0")
    assert "cannot be reached" in away.warning
    away.render("v1.0.0", {}, _folder(tmp_path / "out"))
    assert open_template(address, online).versions() == ("v1.0.0", "v1.1.0", "v1.2.0")


def test_what_was_never_fetched_cannot_serve(environ: dict[str, str]) -> None:
    with pytest.raises(MlopsgenError, match="cannot be reached") as caught:
        open_template("http://127.0.0.1:9/acme/template", environ)
    assert caught.value.hint


def test_a_template_that_is_gone_is_not_served_from_the_cache(published: Published, environ: dict[str, str]) -> None:
    open_template(str(published.path), environ, given=True)
    published.path.rename(published.path.with_name("moved"))
    with pytest.raises(UsageError, match="cannot be read"):
        open_template(str(published.path), environ, given=True)


def test_a_tag_that_moved_or_went_is_followed(published: Published, environ: dict[str, str]) -> None:
    first = open_template(str(published.path), environ, given=True).store.identity("v1.1.0")
    published.git("tag", "--delete", "v1.0.0")
    published.git("tag", "--delete", "v1.1.0")
    published.release("v1.1.0", {"template/data.csv": "other\n"}, "Again")
    template = open_template(str(published.path), environ, given=True)
    assert template.versions() == ("v1.1.0",)
    assert template.store.identity("v1.1.0") != first


def test_a_repository_without_commits_is_no_template(tmp_path: Path, environ: dict[str, str]) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "empty")], env=environ, check=True)
    with pytest.raises(MlopsgenError, match="no version: its repository is empty") as caught:
        open_template(str(tmp_path / "empty"), environ, given=True)
    assert "tag" in caught.value.hint


@pytest.mark.parametrize(
    "config",
    ["_tasks: [touch {mark}]", "_tasks:\n  - touch {mark}", "_migrations:\n  - version: v9\n    before: [touch {mark}]",
     "_jinja_extensions: [os.path]", '{{"_tasks": ["touch {mark}"]}}'],
)  # fmt: skip
def test_a_template_that_would_run_code_is_refused(tmp_path: Path, environ: dict[str, str], config: str) -> None:
    mark = tmp_path / "it ran"
    text = config.format(mark=mark)
    files = {**FILES, "copier.yml": text if text.startswith("{") else f"{text}\n{FILES['copier.yml']}"}
    template = open_template(str(Published(tmp_path / "template", files).path), environ, given=True)
    with pytest.raises(UnsafeTemplate, match="of its own") as caught:
        template.render("v1.0.0", {}, _folder(tmp_path / "out"))
    assert caught.value.hint
    assert not mark.exists()


@pytest.mark.parametrize(
    "config", ["_tasks: []", "_migrations: ~", "name_tasks: x\nabout_tasks:\n  default: '_tasks: [x]'"]
)
def test_a_template_that_only_looks_so_is_not(tmp_path: Path, environ: dict[str, str], config: str) -> None:
    files = {**FILES, "copier.yml": f"{config}\n{FILES['copier.yml']}"}
    template = open_template(str(Published(tmp_path / "template", files).path), environ, given=True)
    template.render("v1.0.0", {}, _folder(tmp_path / "out"))


def test_a_render_that_only_copier_can_make_may_not_take_all_memory(tmp_path: Path, environ: dict[str, str]) -> None:
    several = "many: {type: str, multiselect: true, choices: [a, b], default: []}\n"
    files = {"copier.yml": f"_subdirectory: template\n{several}", "template/a.txt.jinja": "{{ 'a' * 10**10 }}"}
    published = Published(tmp_path / "published", files)
    template = open_template(str(published.path), environ, given=True)
    (tmp_path / "out").mkdir()
    with pytest.raises(MlopsgenError, match=r"^The template needs more memory than a render may take\.$"):
        template.render(template.newest, {}, tmp_path / "out")


def test_files_are_laid_out_as_they_are_in_git(tmp_path: Path, environ: dict[str, str]) -> None:
    published = Published(tmp_path / "template", {**FILES, ".gitattributes": "*.txt text eol=crlf filter=shout\n"})
    published.git("config", "filter.shout.smudge", "tr a-z A-Z")
    (published.path / "run.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    (published.path / "run.sh").chmod(0o755)
    (published.path / "link").symlink_to("run.sh")
    (published.path / "bytes").write_bytes(bytes(range(256)))
    published.release("v1.1.0", {"large.txt": "line\n" * 50_000}, "More")
    out = _folder(tmp_path / "out")
    open_template(str(published.path), environ, given=True).store.lay_out("v1.1.0", out)
    assert (out / "template" / "{{ name }}" / "notes.txt").read_bytes() == b"notes {{ untouched }}\n"
    assert (out / "run.sh").stat().st_mode & 0o100
    assert (out / "link").readlink() == Path("run.sh")
    assert (out / "bytes").read_bytes() == bytes(range(256))
    assert len((out / "large.txt").read_bytes()) == 250_000


@pytest.mark.parametrize("name", ["..", ".git", ".GIT", "link"])
def test_a_tree_that_would_leave_its_folder_is_refused(tmp_path: Path, environ: dict[str, str], name: str) -> None:
    published = Published(tmp_path / "template")
    (tmp_path / "elsewhere").mkdir()
    (published.path / "link").symlink_to(tmp_path / "elsewhere")
    published.release("v1.1.0", {}, "A link")
    ids = [published.git("rev-parse", f"HEAD:{path}") for path in ("copier.yml", "link", "template")]
    heads = (b"100644 copier.yml", b"120000 link", b"40000 " + name.encode())
    raw = b"".join(head + b"\0" + bytes.fromhex(each) for head, each in zip(heads, ids, strict=True))
    made = subprocess.run(
        ["git", "hash-object", "-t", "tree", "-w", "--literally", "--stdin"],
        cwd=published.path, input=raw, capture_output=True, check=True,
    ).stdout.decode().strip()  # fmt: skip
    published.git("tag", "v2.0.0", published.git("commit-tree", made, "-m", "Evil"))
    template = open_template(str(published.path), environ, given=True)
    with pytest.raises(MlopsgenError, match="cannot be used"):
        template.store.lay_out("v2.0.0", _folder(tmp_path / "out"))
    assert not list((tmp_path / "elsewhere").iterdir())
    assert not [path for path in tmp_path.iterdir() if path.name not in {"template", "out", "elsewhere"}]


def test_several_commands_fetch_one_template_at_once(published: Published, environ: dict[str, str]) -> None:
    code = (
        "import os, sys; from mlopsgen.adapters.templates import open_template\n"
        "print(open_template(sys.argv[1], os.environ, given=True).versions())"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(published.path)],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    ended = [each.communicate() for each in started]
    assert {out for out, _ in ended} == {b"('v1.0.0', 'v1.1.0')\n"}, ended
    assert {each.returncode for each in started} == {0}


def test_a_cache_folder_that_cannot_be_made_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(MlopsgenError) as caught:
        cache_folder({"XDG_CACHE_HOME": str(tmp_path / "file")}, "templates")
    assert caught.value.hint
    assert cache_folder({"XDG_CACHE_HOME": "relative", "HOME": str(tmp_path)}, "a") == tmp_path / ".cache/mlopsgen/a"
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path / "x")}).stat().st_mode & 0o77 == 0


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_the_engine_is_a_template(environ: dict[str, str]) -> None:
    template = open_template(None, environ)
    assert isinstance(template, CopierEngine)
    assert template.changelog("v0.0.1", template.newest)[0][0] == template.newest


def test_without_a_home_folder_nobody_elses_cache_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = cache_folder({}, "a")
    top = made.parents[1]
    assert cache_folder({}, "a") == made == tmp_path / top.name / "mlopsgen" / "a"
    top.chmod(0o777)
    with pytest.raises(MlopsgenError, match="Others may write"):
        cache_folder({}, "a")
    top.rename(tmp_path / "elsewhere")
    top.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(MlopsgenError, match="Others may write"):
        cache_folder({}, "a")
