"""``helpers.ci image-tag``: the same sources have one tag, and a real registry says whether it is built."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.canaries import canary
from tests.ci_toys import Stage, staged
from tests.servers.running import answers, free_port, program
from tests.template_environment import TEMPLATE

PASSWORD = canary("registry")
HASHED = "ada:$2b$05$abcdefghijklmnopqrstuusQydkBmptOzExqOZ1G9AeCC8.Zjg/SO"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as made:
        yield made


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """Docker's own registry, which asks for a user and a password; its host."""
    port, folder = free_port(), tmp_path / "registry"
    folder.mkdir()
    (folder / "users").write_text(HASHED, encoding="utf-8")
    settings = {
        "version": 0.1, "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": f"127.0.0.1:{port}"}, "auth": {"htpasswd": {"realm": "here", "path": str(folder / "users")}},
    }  # fmt: skip
    (folder / "config.yml").write_text(json.dumps(settings), encoding="utf-8")
    command = [program("docker-registry"), "serve", str(folder / "config.yml")]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            while not answers(port):
                assert process.poll() is None, (folder / "log").read_text(encoding="utf-8")
                time.sleep(0.02)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


def push(registry: str, name: str, tag: str) -> str:
    """Push an image without layers, as a client of the protocol does; its digest."""
    with requests.Session() as session:
        session.auth = ("ada", PASSWORD)
        base = f"http://{registry}/v2/{name}"
        content = b"{}"
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        where = session.post(f"{base}/blobs/uploads/", timeout=10).headers["Location"]
        session.put(where, params={"digest": digest}, data=content, timeout=10).raise_for_status()
        config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": 2}
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}
        answer = session.put(
            f"{base}/manifests/{tag}", data=json.dumps(manifest), headers={"Content-Type": MANIFEST}, timeout=10
        )
        answer.raise_for_status()
        return answer.headers["Docker-Content-Digest"]


def asked(stage: Stage, name: str, *, user: str = "ada", password: str = PASSWORD, **more: Any) -> dict[str, str]:
    done = stage.task("image-tag", "--registry", name, REGISTRY_USERNAME=user, REGISTRY_PASSWORD=password, **more)
    assert done.code == 0, done.text
    assert password not in done.text
    return {**done.outputs, "text": done.text}


def test_a_real_registry_says_whether_the_image_is_built(stage, registry):
    name = f"{registry}/acme/heart-rate"
    before = asked(stage, name)
    assert (before["exists"], before["digest"], before["reference"]) == ("false", "", "")
    assert before["image"] == f"{name}:{before['tag']}"
    digest = push(registry, "acme/heart-rate", before["tag"])
    after = asked(stage, name)
    assert (after["exists"], after["digest"], after["reference"]) == ("true", digest, f"{name}@{digest}")
    assert after["tag"] == before["tag"]


def test_a_wrong_password_is_said_and_the_image_is_built(stage, registry):
    for wrong in ({"password": canary("wrong")}, {"user": "", "password": canary("none")}):
        found = asked(stage, f"{registry}/acme/heart-rate", **wrong)
        assert found["exists"] == "false"
        assert "REGISTRY_USERNAME" in found["text"] or "does not let this user" in found["text"]


def test_the_tag_follows_what_the_image_is_made_of(stage, registry):
    name = f"{registry}/acme/heart-rate"
    first = asked(stage, name)["tag"]
    for path, counts in {
        "README.md": False, "tests/test_x.py": False, "docs/a.md": False, ".github/workflows/x.yml": False,
        "src/steps/new.py": True, "requirements.txt": True, "Dockerfile": True, ".dockerignore": True,
    }.items():  # fmt: skip
        text = (stage.folder / path).read_text(encoding="utf-8") if (stage.folder / path).exists() else ""
        stage.commit(push=False, **{path: f"{text}\n# more\n"})
        tag = asked(stage, name)["tag"]
        assert (tag != first) == counts, path
        first = tag
    (stage.folder / "src" / "untracked.py").write_text("", encoding="utf-8")
    assert asked(stage, name)["tag"] == first


@pytest.mark.parametrize(
    ("dockerfile", "sources"),
    [
        ("FROM x\nCOPY src ./src\nADD --chown=1:1 a.txt ./b/ /app/\n", ["src", "a.txt", "b"]),
        ("FROM x\nCOPY --from=build /x /y\nCOPY \\\n  src \\\n  /app\n", ["src"]),
        ("FROM x\nCOPY . /app\n", ["."]),
        ("FROM x\nCOPY src/*.py /app\n", ["."]),
        ('FROM x\nCOPY ["a b", "/app"]\n', ["."]),
        ("FROM x\n", ["."]),
    ],
)
def test_what_a_dockerfile_copies(dockerfile, sources):
    text = "import sys; sys.path.insert(0, sys.argv[1]); from helpers.ci import image_tag as it\n"
    text += "print(it.copied(sys.argv[2]))"
    command = [sys.executable, "-I", "-S", "-c", text, str(TEMPLATE / "src"), dockerfile]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == str(sources)


def test_a_registry_with_tokens_is_asked_as_it_wants(stage, httpserver: HTTPServer):
    """The way of ghcr.io: a challenge, a token for the one image, the image."""
    seen: list[dict[str, str]] = []

    def manifest(request: Request) -> Response:
        if request.headers.get("Authorization") == f"Bearer {canary('granted')}":
            return Response(headers={"Docker-Content-Digest": f"sha256:{'1' * 64}"})
        realm = httpserver.url_for("/token")
        return Response(status=401, headers={"WWW-Authenticate": f'Bearer realm="{realm}",service="x",scope="y"'})

    def token(request: Request) -> Response:
        seen.append({**request.args.to_dict(), "user": str(request.authorization and request.authorization.username)})
        return Response(json.dumps({"token": canary("granted")}))

    httpserver.expect_request("/token").respond_with_handler(token)
    httpserver.expect_request(re.compile("/v2/acme/wine/manifests/.*")).respond_with_handler(manifest)
    found = asked(stage, f"127.0.0.1:{httpserver.port}/acme/wine")
    assert found["reference"] == f"127.0.0.1:{httpserver.port}/acme/wine@sha256:{'1' * 64}"
    assert seen == [{"service": "x", "scope": "repository:acme/wine:pull", "user": "ada"}]


def test_what_leads_elsewhere_gets_no_password(stage, httpserver: HTTPServer):
    challenge = {"WWW-Authenticate": 'Bearer realm="http://collector.example.org/token",service="x"'}
    httpserver.expect_request(re.compile("/v2/.*")).respond_with_response(Response(status=401, headers=challenge))
    done = stage.task("image-tag", "--registry", f"127.0.0.1:{httpserver.port}/a/b", REGISTRY_USERNAME="ada",
                      REGISTRY_PASSWORD=PASSWORD)  # fmt: skip
    assert (done.code, "not encrypted" in done.text) == (1, True)


def test_names_that_are_none_and_registries_that_are_away_are_said(stage):
    for name in ("ghcr.io/Acme/x", "ghcr.io/acme/x:tag", "https://ghcr.io/acme/x", "ghcr.io/$(id)", ""):
        done = stage.task("image-tag", "--registry", name)
        assert (done.code, "no name of an image" in done.text) == (2, True), name
    done = stage.task("image-tag", "--registry", f"127.0.0.1:{free_port()}/a/b")
    assert (done.code, "cannot be reached" in done.text) == (1, True)
