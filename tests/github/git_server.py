"""git over HTTP: the real ``git http-backend`` behind GitHub's rules about who may come in."""

from __future__ import annotations

import base64
import binascii
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from . import rules
from .accounts import Token
from .repositories import Repository
from .web import Answer, Refused
from .world import World


def serve(world: World, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Answer what git asks; ``headers`` with names in lower case."""
    parts = urlsplit(target)
    owner, name, rest = parts.path.lstrip("/").split("/", 2)
    full_name = f"{owner}/{name.removesuffix('.git')}"
    pushes = "git-receive-pack" in (rest, *parse_qs(parts.query).get("service", ()))
    try:
        token = _token(world, headers.get("authorization", ""))
        with world.lock:
            found = world.find(full_name)
            if found is None and full_name.lower() in world.moved:
                # Docs "Renaming a repository": git follows the redirect as people's links do.
                there = f"{world.server}/{world.moved[full_name.lower()]}.git/{rest}"
                where = f"{there}?{parts.query}" if parts.query else there
                return Answer(301, b"", {"Location": where})
            repository = _allowed(world, token, found, pushes=pushes)
            environ = _environ(world, repository, token, pushes=pushes)
    except Refused as refused:
        text = f"{refused.answer.body['message']}\n".encode()
        return Answer(refused.answer.status, text, {"Content-Type": "text/plain", **refused.answer.headers})
    before = repository.branches if rest == "git-receive-pack" else {}
    answer = _backend(repository, environ, method, rest, parts.query, headers, body)
    if rest == "git-receive-pack":
        with world.lock:
            _after_push(world, repository, before)
    return answer


def _token(world: World, authorization: str) -> Token | None:
    scheme, _, rest = authorization.partition(" ")
    if not rest:
        return None
    if scheme.lower() == "basic":
        try:
            rest = base64.b64decode(rest).decode("utf-8").partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            rest = ""
    token = world.tokens.get(rest)
    if token is None or token.revoked:
        # The same for a wrong password and a revoked token: git says "Authentication failed".
        raise Refused(401, "Invalid username or token.", headers={"WWW-Authenticate": 'Basic realm="GitHub"'})
    return token


def _allowed(world: World, token: Token | None, repository: Repository | None, *, pushes: bool) -> Repository:
    if token is None:
        if repository is not None and not repository.private and not pushes:
            return repository
        raise Refused(401, "Authentication required.", headers={"WWW-Authenticate": 'Basic realm="GitHub"'})
    if repository is None:
        raise Refused(404, "Repository not found.")
    level = "write" if pushes else "read"
    try:
        world.may(token, repository, role=level, permissions=f"contents={level}")
    except Refused as refused:
        hidden = refused.answer.status == 404
        message = (
            "Repository not found." if hidden else f"Permission to {repository.full_name}.git denied to {token.login}."
        )
        if "SAML" in refused.answer.body["message"]:
            message = "The organization has enforced SAML SSO. To access this repository, authorize the token for it."
        raise Refused(404 if hidden else 403, message) from refused
    if pushes and repository.archived:
        raise Refused(403, "This repository was archived so it is read-only.")
    return repository


def _environ(world: World, repository: Repository, token: Token | None, *, pushes: bool) -> dict[str, str]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(world.folder), "GIT_CONFIG_NOSYSTEM": "1"}
    if token is None or not pushes:
        return environ
    admin = world.role(token.login, repository) == "admin"
    known = rules.for_push(repository, token.login, admin=admin) | {
        # Docs "Scopes for OAuth apps" and facts "App tokens need `workflows` permission too".
        "workflows": "workflow" in token.scopes if token.scoped else token.permits("workflows=write"),
        "missing": "workflow" if token.scoped else "workflows",
        "by": "a GitHub App" if token.kind == "app" else "a Personal Access Token",
    }
    hook = repository.folder / "hooks" / "pre-receive"
    if not hook.exists():
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{Path(rules.__file__)}"\n', encoding="utf-8")
        hook.chmod(0o755)
    return {**environ, "REMOTE_USER": token.login, "FAKE_GITHUB_PUSH": json.dumps(known)}


def _backend(
    repository: Repository, environ: Mapping[str, str], method: str, rest: str, query: str,
    headers: Mapping[str, str], body: bytes,
) -> Answer:  # fmt: skip
    done = subprocess.run(
        ["git", "http-backend"],
        input=body,
        capture_output=True,
        check=False,
        env={
            **environ,
            "GIT_PROJECT_ROOT": str(repository.folder.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{repository.folder.name}/{rest}",
            "QUERY_STRING": query,
            "REQUEST_METHOD": method,
            "CONTENT_TYPE": headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
            "GIT_PROTOCOL": headers.get("git-protocol", ""),
            "REMOTE_ADDR": "127.0.0.1",
        },
    )
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    lines = [line.partition(": ") for line in head.decode("latin-1").split("\r\n") if line]
    shown = {key: value for key, _, value in lines}
    status = int(shown.pop("Status", "200 OK").split()[0]) if shown else 500
    return Answer(status, content, shown)


def _after_push(world: World, repository: Repository, before: Mapping[str, str]) -> None:
    """Facts "first pushed branch becomes the default"; main is taken first when it is among several."""
    branches = repository.branches
    if branches and repository.default_branch not in branches:
        repository.default_branch = "main" if "main" in branches else min(branches)
        repository.git("symbolic-ref", "HEAD", f"refs/heads/{repository.default_branch}")
    for name in branches.keys() - before.keys():
        world.hide(f"/repos/{repository.full_name}/branches/{quote(name, safe='')}")
    repository.pushed_at = world.clock()
