"""Data on the web and in git, with the logins that servers ask for, and DVC's pointers to it."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlopsgen.remote.needs import data_secret
from tests.canaries import canary, found_in
from tests.kubeflow.certificates import authority
from tests.servers import running, web
from tests.servers.asking import ask, declare
from tests.servers.web import Page, Site

HEADER = "grape,alcohol,quality\n"
BEARER = {"DATA_WINE_TOKEN": web.TOKEN}
BASIC = {"DATA_WINE_USERNAME": web.USER, "DATA_WINE_PASSWORD": web.PASSWORD}


def rows(first: int, count: int = 30) -> bytes:
    return (HEADER + "".join(f"{'abc'[n % 3]},{n % 9}.5,{n}\n" for n in range(first, first + count))).encode()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "git").mkdir()
    with web.site(tmp_path / "git") as made:
        yield made


def wine(address: str, **more: Any) -> dict[str, Any]:
    return {"address": address, "target": "quality", "task": "regression", **more}


def question(do: str, source: dict[str, Any], environ: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    return {"do": do, "source": source, "environ": environ or {}, **more}


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main")
    return subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder: Path, name: str, content: bytes) -> str:
    """A new commit with one file; its name."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", f"{name}")
    return git(folder, "rev-parse", "HEAD").strip()


@pytest.fixture
def repository(site: Site) -> Path:
    """A repository behind a login, with a file and a folder."""
    folder = site.git / "cellar.git"
    folder.mkdir()
    git(folder, "init", "--quiet")
    commit(folder, "data/wine.csv", rows(0))
    commit(folder, "parts/1.csv", rows(0))
    commit(folder, "parts/2.csv", rows(30))
    return folder


def test_a_file_is_read_with_the_login_that_the_server_wants(site: Site, tmp_path: Path) -> None:
    site.pages = {
        "/open.csv": Page(rows(0)),
        "/bearer.csv": Page(rows(0), login="bearer"),
        "/basic.csv": Page(rows(0), login="basic"),
    }
    answers = ask(
        tmp_path,
        question("fetch", wine(f"{site.address}/open.csv")),
        question("fetch", wine(f"{site.address}/bearer.csv"), BEARER),
        question("fetch", wine(f"{site.address}/basic.csv"), BASIC),
    )
    assert [answer["table"]["rows"] for answer in answers] == [30, 30, 30]
    assert len({answer["value"]["fingerprint"] for answer in answers}) == 1
    assert not found_in(str(answers))


def test_the_end_of_a_file_is_read_alone_where_the_server_can(site: Site, tmp_path: Path) -> None:
    site.pages = {"/some.csv": Page(rows(0)), "/all.csv": Page(rows(0), ranges=False)}
    some, everything = ask(
        tmp_path, *(question("end", wine(f"{site.address}/{name}.csv"), count=5) for name in ("some", "all"))
    )
    assert some["value"] == rows(0)[-5:].decode()
    assert everything["value"] == ""


def test_each_refusal_names_its_cause(site: Site, tmp_path: Path) -> None:
    site.pages = {
        "/bearer.csv": Page(rows(0), login="bearer"),
        "/basic.csv": Page(rows(0), login="basic"),
        "/forbidden.csv": Page(rows(0), forbidden=True),
        "/login.csv": Page(b"<!doctype html><form>Log in</form>"),
        "/round.csv": Page(b"", location="/round.csv"),
    }
    at = site.address
    wrong = {"DATA_WINE_TOKEN": canary("Wrong")}
    broken = {"DATA_WINE_TOKEN": canary("two\nlines")}
    cases: list[tuple[str, dict[str, str], str, int, str]] = [
        (f"{at}/bearer.csv", {}, "wants a login", 4, "Set DATA_WINE_TOKEN, or DATA_WINE_USERNAME"),
        (f"{at}/bearer.csv", wrong, "does not accept the login", 4, "Look at DATA_WINE_TOKEN"),
        (f"{at}/bearer.csv", broken, "DATA_WINE_TOKEN holds a line break", 4, "one line"),
        (f"{at}/basic.csv", BASIC | {"DATA_WINE_PASSWORD": "x"}, "does not accept", 4, "DATA_WINE_PASSWORD"),
        (f"{at}/forbidden.csv", {}, "no permission", 4, "DATA_WINE_TOKEN"),
        (f"{at}/missing.csv", {}, "404 Not Found: there is no such file", 1, "address"),
        (f"{at}/login.csv", {}, "web page, not data", 1, "login"),
        (f"{at}/round.csv", {}, "without end", 1, "login"),
        (f"http://localhost:{running.free_port()}/x.csv", {}, "refuses connections", 1, "port"),
        ("http://no-such-host.invalid/x.csv", {}, "not known (DNS)", 1, "VPN"),
        (f"https://localhost:{site.port}/x.csv", {}, "no TLS connection", 1, "https"),
    ]
    answers = ask(tmp_path, *(question("fetch", wine(address), environ) for address, environ, *_ in cases))
    for (address, _, message, code, hint), answer in zip(cases, answers, strict=True):
        assert "error" in answer, address
        assert message in answer["error"], (address, answer)
        assert answer["exit_code"] == code, (address, answer)
        assert hint in answer["hint"], (address, answer)
        assert not found_in(str(answer)), address


def test_a_private_authority_is_trusted_when_it_is_named(tmp_path: Path) -> None:
    ca, certificate = authority(tmp_path)
    with web.site(tmp_path, certificate=certificate) as site:
        site.pages = {"/wine.csv": Page(rows(0))}
        source = wine(f"{site.address}/wine.csv")
        distrusted, trusted = ask(
            tmp_path, question("fetch", source), question("fetch", source, {"REQUESTS_CA_BUNDLE": str(ca)})
        )
    assert "certificate of" in distrusted["error"]
    assert "not trusted" in distrusted["error"]
    assert "CA_CERTIFICATE" in distrusted["hint"]
    assert trusted["table"]["rows"] == 30


def test_the_login_does_not_follow_to_another_server(site: Site, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with web.site(tmp_path / "other") as other:
        other.pages = {"/wine.csv": Page(rows(0))}
        site.pages = {"/wine.csv": Page(b"", location=f"http://127.0.0.1:{other.port}/wine.csv")}
        (answer,) = ask(tmp_path, question("fetch", wine(f"{site.address}/wine.csv"), BEARER))
        assert answer["table"]["rows"] == 30
        assert site.asked == [("/wine.csv", f"Bearer {web.TOKEN}")]
        assert other.asked == [("/wine.csv", "")]


def test_a_change_on_the_web_is_seen_and_another_etag_of_the_same_bytes_is_none(site: Site, tmp_path: Path) -> None:
    page = site.pages["/wine.csv"] = Page(rows(0))
    source = wine(f"{site.address}/wine.csv")
    (first,) = ask(tmp_path, question("fetch", source))
    before = {key: first["value"][key] for key in ("revision", "fingerprint")}

    def seen() -> tuple[bool, str]:
        (answer,) = ask(tmp_path, question("watch", source, before=before))
        return answer["value"]["changed"], answer["value"]["why"]

    assert not seen()[0]
    page.etag = False
    assert seen() == (False, "It was written again with the same content.")
    page.dated = False
    assert seen() == (False, "It was written again with the same content.")
    page.content = rows(1)
    assert seen() == (True, "Its content is another one.")
    page.etag = True
    assert seen()[0]


def test_a_file_and_a_folder_of_a_repository_are_read_at_a_revision(
    site: Site, repository: Path, tmp_path: Path
) -> None:
    first = git(repository, "rev-list", "--max-parents=0", "HEAD").strip()
    git(repository, "tag", "-a", "v1", "-m", "v1")
    commit(repository, "data/wine.csv", rows(100, 40))
    at = f"git+{site.address}/git/cellar.git"
    newest, tagged, pinned, folder = ask(
        tmp_path,
        question("fetch", wine(f"{at}#data/wine.csv"), BEARER),
        question("fetch", wine(f"{at}@v1#data/wine.csv"), BEARER),
        question("fetch", wine(f"{at}@{first}#data/wine.csv"), BASIC),
        question("fetch", wine(f"{at}@main#parts"), BEARER),
    )
    assert newest["table"]["rows"] == 40
    assert tagged["table"]["rows"] == pinned["table"]["rows"] == 30
    assert folder["table"]["rows"] == 60
    assert pinned["value"]["revision"].startswith(f"git:{first}:")
    assert not found_in(str([newest, tagged, pinned, folder]))


def test_what_git_refuses_is_told(site: Site, repository: Path, tmp_path: Path) -> None:
    at, wrong = f"git+{site.address}/git", {"DATA_WINE_TOKEN": canary("Wrong")}
    cases: list[tuple[str, dict[str, str], str, int, str]] = [
        (f"{at}/cellar.git@main#data/wine.csv", {}, "wants a login", 4, "Set DATA_WINE_TOKEN"),
        (f"{at}/cellar.git@main#data/wine.csv", wrong, "wants a login", 4, "Look at DATA_WINE_TOKEN"),
        (f"{at}/celar.git@main#data/wine.csv", BEARER, "no such repository", 1, "address"),
        (f"{at}/cellar.git@mian#data/wine.csv", BEARER, "no revision 'mian'", 1, "branch"),
        (f"{at}/cellar.git@main#data/vine.csv", BEARER, "no 'data/vine.csv'", 1, "#"),
        (f"{at}/cellar.git@main", BEARER, "does not say which file", 2, "#path"),
        (f"git+http://localhost:{running.free_port()}/x.git#y", {}, "refuses connections", 1, "running"),
    ]  # fmt: skip
    answers = ask(tmp_path, *(question("fetch", wine(address), environ) for address, environ, *_ in cases))
    for (address, _, message, code, hint), answer in zip(cases, answers, strict=True):
        assert "error" in answer, address
        assert message in answer["error"], (address, answer)
        assert answer["exit_code"] == code, (address, answer)
        assert hint in answer["hint"], (address, answer)
        assert not found_in(str(answer)), address


def test_another_commit_with_the_same_file_is_no_change(site: Site, repository: Path, tmp_path: Path) -> None:
    source = wine(f"git+{site.address}/git/cellar.git@main#data/wine.csv")
    (first,) = ask(tmp_path, question("fetch", source, BEARER))
    before = {key: first["value"][key] for key in ("revision", "fingerprint")}
    commit(repository, "README.md", b"hello")
    (same,) = ask(tmp_path, question("watch", source, BEARER, before=before))
    commit(repository, "data/wine.csv", rows(1))
    (other,) = ask(tmp_path, question("watch", source, BEARER, before=before))
    assert same["value"]["changed"] is False
    assert other["value"]["changed"] is True


def test_a_pointer_of_dvc_is_followed_to_its_remote(site: Site, repository: Path, tmp_path: Path) -> None:
    def store(content: bytes) -> str:
        digest = hashlib.md5(content).hexdigest()
        site.pages[f"/dvc/files/md5/{digest[:2]}/{digest[2:]}"] = Page(content, login="bearer")
        return digest

    parts = [{"md5": store(rows(n * 30)), "relpath": f"{n}.csv"} for n in range(2)]
    listing = json.dumps(parts).encode()
    digest = hashlib.md5(listing).hexdigest()
    site.pages[f"/dvc/files/md5/{digest[:2]}/{digest[2:]}.dir"] = Page(listing, login="bearer")
    commit(
        repository,
        ".dvc/config",
        f"[core]\n    remote = web\n['remote \"web\"']\n    url = {site.address}/dvc\n".encode(),
    )
    one = store(rows(0))
    commit(repository, "big.csv.dvc", f"outs:\n- md5: {one}\n  size: 9\n  hash: md5\n  path: big.csv\n".encode())
    commit(repository, "all.dvc", f"outs:\n- md5: {digest}.dir\n  nfiles: 2\n  hash: md5\n  path: all\n".encode())
    at = f"dvc+{site.address}/git/cellar.git@main"
    file, folder, missing = ask(
        tmp_path,
        question("fetch", wine(f"{at}#big.csv"), BEARER),
        question("fetch", wine(f"{at}#all"), BEARER),
        question("fetch", wine(f"{at}#small.csv"), BEARER),
    )
    assert file["table"]["rows"] == 30
    assert file["value"]["revision"] == f"dvc:{one}"
    assert folder["table"]["rows"] == 60
    assert "no pointer of DVC for 'small.csv'" in missing["error"]
    site.pages[f"/dvc/files/md5/{one[:2]}/{one[2:]}"].content = rows(5)
    damaged, watched = ask(
        tmp_path,
        question("fetch", wine(f"{at}#big.csv"), BEARER),
        question("watch", wine(f"{at}#big.csv"), BEARER, before={"revision": f"dvc:{one}", "fingerprint": "sha256:x"}),
    )
    assert "damaged" in damaged["error"]
    assert watched["value"]["changed"] is False, "the pointer decides, and nothing is read for it"


def test_check_tells_a_presigned_address_without_showing_it(tmp_path: Path) -> None:
    secret = canary("Signature")
    declare(tmp_path, wine=wine(f"https://example.org/wine.csv?X-Amz-Signature={secret}"))
    ((found,),) = ask(tmp_path, {"do": "check", "name": "wine"})
    (tmp_path / "data" / "sources.yaml").unlink()
    assert found["exit_code"] == 2
    assert "'address' holds a credential in 'X-Amz-Signature'" in found["message"]
    assert "DATA_WINE_TOKEN" in found["hint"]
    assert not found_in(str(found))


@pytest.mark.parametrize("source", ["main", "My wine", "größe-2", "a--b.c", "_x_", "x1"])
def test_the_tool_and_the_repository_call_a_source_s_secret_the_same(tmp_path: Path, source: str) -> None:
    declare(tmp_path, **{source: wine("https://127.0.0.1:1/x.csv?token=x")})
    ((found,),) = ask(tmp_path, {"do": "check", "name": source})
    assert data_secret(source, "TOKEN") in found["hint"]
