"""The way of a REST call through the fake: who, right form, limits, the act itself, and the check of the answer."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

from . import handle_accounts, handle_code, handle_environments, handle_repository, handle_vaults, operations
from .accounts import Token
from .contract import contract
from .faults import Record
from .operations import ENVIRONMENT
from .web import Answer, Call, Refused
from .world import World

HANDLERS = (handle_accounts, handle_code, handle_environments, handle_repository, handle_vaults)
BREATH = 60.0


@dataclass
class Dispatcher:
    """Answers REST calls and remembers what broke the contract.

    Attributes:
        writes_a_minute: The secondary limit on writes (facts "80 content-creating/min"); 0 switches it off.
        late: How many reads of a new repository, environment or branch still answer 404 (eventual consistency).
    """

    world: World
    writes_a_minute: int = 0
    late: int = 0
    violations: list[str] = field(default_factory=list)
    _hidden: dict[str, int] = field(default_factory=dict)
    _written: deque[float] = field(default_factory=deque)

    def answer(self, call: Call, record: Record) -> Answer:
        """The answer to a call, whatever it is."""
        known = contract().locate(call)
        if not known or (call.method, call.template) not in operations.OPERATIONS:
            self.violations.append(f"{call.method} {call.path}: the fake has no such operation")
            return Refused(404, "Not Found").answer
        try:
            token = self._token(call)
            record.login = token.login if token else ""
            if call.method != "GET":
                self._count_write()
            wrong = contract().problems(call)
            if wrong:
                self.violations.append(f"{call.method} {call.path}: {'; '.join(wrong)}")
                raise Refused(422, "Invalid request.", errors=wrong)
            answer = self._act(call, token)
        except Refused as refused:
            answer = refused.answer
        broken = contract().broken_answer(call, answer)
        if broken:
            self.violations.append(f"answer {answer.status} to {call.method} {call.path}: {'; '.join(broken)}")
        answer.headers |= {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4999", "X-RateLimit-Used": "1"}
        answer.headers |= {"X-RateLimit-Reset": str(int(time.time()) + 3600), "X-RateLimit-Resource": "core"}
        return answer

    def _act(self, call: Call, token: Token | None) -> Answer:
        with self.world.lock:
            self._not_yet(call)
            there = call.template == ENVIRONMENT and call.method == "PUT" and self._environment_exists(call)
            answer = operations.serve(self.world, call, token)
            if self.late and answer.status in {200, 201}:
                if call.method == "POST" and call.path.endswith("/repos"):
                    self._hidden[f"/repos/{answer.body['full_name']}"] = self.late
                elif call.template == ENVIRONMENT and call.method == "PUT" and not there:
                    self._hidden[call.path] = self.late
            return answer

    def hide(self, path: str) -> None:
        """Let the next reads of this path answer 404, if reads come late."""
        if self.late:
            self._hidden[path] = self.late

    def _environment_exists(self, call: Call) -> bool:
        found = self.world.find(f"{call.named('owner')}/{call.named('repo')}")
        return found is not None and call.named("environment_name") in found.environments

    def _not_yet(self, call: Call) -> None:
        for path in list(self._hidden):
            if call.path == path or call.path.startswith(path + "/"):
                self._hidden[path] -= 1
                if not self._hidden[path]:
                    del self._hidden[path]
                raise Refused(404, "Not Found")

    def _token(self, call: Call) -> Token | None:
        authorization = call.headers.get("authorization", "")
        if not authorization:
            return None
        scheme, _, text = authorization.partition(" ")
        token = self.world.tokens.get(text.strip()) if scheme.lower() in {"bearer", "token"} else None
        if token is None or token.revoked:
            raise Refused(401, "Bad credentials")
        return token

    def _count_write(self) -> None:
        if not self.writes_a_minute:
            return
        with self.world.lock:
            at = time.monotonic()
            while self._written and at - self._written[0] > BREATH:
                self._written.popleft()
            if len(self._written) >= self.writes_a_minute:
                wait = int(BREATH - (at - self._written[0])) + 1
                raise secondary_limit(wait)
            self._written.append(at)


def secondary_limit(retry_after: int | None, status: int = 403) -> Refused:
    """Docs "About secondary rate limits": 403 or 429, with or without ``Retry-After``."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Refused(
        status,
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        headers=headers,
    )
