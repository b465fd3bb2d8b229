"""The register of operations: which call does what, and which rights it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .accounts import Token
from .repositories import Repository
from .web import Answer, Call, Refused, not_found
from .world import World

REPO = "/repos/{owner}/{repo}"
ENVIRONMENT = REPO + "/environments/{environment_name}"


@dataclass
class Visit:
    """A call on its way, with what it is about."""

    world: World
    call: Call
    token: Token | None
    of: Repository | None = None

    @property
    def repository(self) -> Repository:
        """The repository in the path."""
        if self.of is None:
            raise not_found()
        return self.of

    @property
    def person(self) -> Token:
        """Who calls; 401 for nobody."""
        if self.token is None:
            raise Refused(401, "Requires authentication")
        return self.token


Handler = Callable[[Visit], Answer]


@dataclass(frozen=True)
class Operation:
    """What a call does.

    Attributes:
        role: What the person must be in the repository.
        permissions: What a fine-grained or app token needs (``a=read,b=write; c=write``).
        scopes: What a classic token may have; the answer header names them.
        writes: Whether an archived repository refuses it.
    """

    handler: Handler
    role: str
    permissions: str
    scopes: str
    writes: bool


OPERATIONS: dict[tuple[str, str], Operation] = {}


def operation(
    method: str, path: str, *, role: str = "read", permissions: str = "metadata=read", scopes: str = "repo"
) -> Callable[[Handler], Handler]:
    """Register what answers a call."""

    def register(handler: Handler) -> Handler:
        OPERATIONS[method, path] = Operation(handler, role, permissions, scopes, method != "GET")
        return handler

    return register


def serve(world: World, call: Call, token: Token | None) -> Answer:
    """Answer a call whose form is right, with GitHub's headers about rights."""
    known = OPERATIONS[call.method, call.template]
    try:
        answer = _act(known, Visit(world, call, token))
    except Refused as refused:
        answer = refused.answer
    if token is not None and token.scoped:
        answer.headers |= {"X-OAuth-Scopes": ", ".join(sorted(token.scopes)), "X-Accepted-OAuth-Scopes": known.scopes}
    elif token is not None:
        answer.headers["X-Accepted-GitHub-Permissions"] = known.permissions
    if token is not None and token.expires:
        answer.headers["github-authentication-token-expiration"] = token.expires
    return answer


def _act(known: Operation, visit: Visit) -> Answer:
    world, call = visit.world, visit.call
    if call.template.startswith(REPO):
        full_name = f"{call.named('owner')}/{call.named('repo')}"
        found = world.find(full_name)
        if found is None and full_name.lower() in world.moved:
            return _moved(world, call, world.moved[full_name.lower()])
        if found is None:
            raise not_found()
        world.may(visit.token, found, role=known.role, permissions=known.permissions)
        if found.archived and known.writes and (call.method, call.template) not in {("PATCH", REPO), ("DELETE", REPO)}:
            raise Refused(403, "Repository was archived so is read-only.")
        visit.of = found
    return known.handler(visit)


def _moved(world: World, call: Call, now_called: str) -> Answer:
    """Docs "Redirects": 301 for reading, 307 for everything else; the address names the repository by its number."""
    repository = world.find(now_called)
    if repository is None:
        raise not_found()
    rest = call.path.split("/", 4)[4:]
    where = "/".join([f"{world.api}/repositories/{repository.id}", *rest])
    body = {"message": "Moved Permanently", "url": where, "documentation_url": "https://docs.github.com/rest"}
    return Answer(301 if call.method == "GET" else 307, body, {"Location": where})
