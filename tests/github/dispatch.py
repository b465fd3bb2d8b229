"""The way of a REST call through the fake: who, right form, limits, the act itself, and the check of the answer."""

from __future__ import annotations

import time
import traceback
from collections import deque
from dataclasses import dataclass, field

from . import (
    handle_accounts,
    handle_actions,
    handle_code,
    handle_environments,
    handle_merging,
    handle_others,
    handle_pulls,
    handle_repository,
    handle_rulesets,
    handle_vaults,
    operations,
)
from .accounts import Token
from .contract import contract
from .faults import Record
from .operations import ENVIRONMENT
from .web import Answer, Call, Refused
from .world import World

HANDLERS = (
    handle_accounts, handle_actions, handle_code, handle_environments, handle_merging, handle_others, handle_pulls,
    handle_repository, handle_rulesets, handle_vaults,
)  # fmt: skip
MINUTE = 60.0


@dataclass
class Dispatcher:
    """Answers REST calls and remembers what broke the contract.

    Attributes:
        writes_a_minute: The secondary limit on writes (facts "80 content-creating/min"); 0 switches it off.
        calls_left: How many calls the hourly limit still allows (docs "Rate limits for the REST API").
    """

    world: World
    writes_a_minute: int = 0
    calls_left: int = 5000
    violations: list[str] = field(default_factory=list)
    _written: deque[float] = field(default_factory=deque)

    def answer(self, call: Call, record: Record) -> Answer:
        """The answer to a call, whatever it is."""
        self._by_number(call)
        if not contract().locate(call) or (call.method, call.template) not in operations.OPERATIONS:
            self.violations.append(f"{call.method} {call.path}: the fake has no such operation")
            return Refused(404, "Not Found").answer
        try:
            answer = self._acted(call, record)
        except Refused as refused:
            answer = refused.answer
        except Exception:  # noqa: BLE001 - a fault of the fake itself is told at its end
            self.violations.append(f"{call.method} {call.path}: the fake itself failed: {traceback.format_exc()}")
            answer = Refused(500, "Server Error").answer
        broken = contract().broken_answer(call, answer)
        if broken:
            self.violations.append(f"answer {answer.status} to {call.method} {call.path}: {'; '.join(broken)}")
        answer.headers.setdefault("X-RateLimit-Reset", str(int(time.time()) + 3600))
        left = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": str(self.calls_left)}
        answer.headers |= left | {"X-RateLimit-Used": str(5000 - self.calls_left), "X-RateLimit-Resource": "core"}
        return answer

    def _acted(self, call: Call, record: Record) -> Answer:
        token = self._token(call)
        record.login = token.login if token else ""
        self._count(call)
        wrong = contract().problems(call)
        if wrong:
            self.violations.append(f"{call.method} {call.path}: {'; '.join(wrong)}")
            raise Refused(422, "Invalid request.\n\n" + "\n".join(wrong))
        with self.world.lock:
            self.world.seen(call.path)
            new = call.template == ENVIRONMENT and call.method == "PUT" and not self._environment_exists(call)
            answer = operations.serve(self.world, call, token)
            if call.method == "POST" and call.path.endswith("/repos") and answer.status == 201:
                self.world.hide(f"/repos/{answer.body['full_name']}")
            elif new and answer.status == 200:
                self.world.hide(call.path)
            return answer

    def _by_number(self, call: Call) -> None:
        """Docs "Redirects": the address that a renamed repository's answers lead to names it by its number."""
        parts = call.path.split("/")
        if len(parts) > 2 and parts[1] == "repositories":
            for it in self.world.repositories.values():
                if str(it.id) == parts[2]:
                    call.path = "/".join(["", "repos", *it.full_name.split("/"), *parts[3:]])

    def _environment_exists(self, call: Call) -> bool:
        found = self.world.find(f"{call.named('owner')}/{call.named('repo')}")
        return found is not None and found.environment(call.named("environment_name")) is not None

    def _token(self, call: Call) -> Token | None:
        authorization = call.headers.get("authorization", "")
        if not authorization:
            return None
        scheme, _, text = authorization.partition(" ")
        token = self.world.tokens.get(text.strip()) if scheme.lower() in {"bearer", "token"} else None
        if token is None or token.revoked:
            raise Refused(401, "Bad credentials")
        return token

    def _count(self, call: Call) -> None:
        """Count the call against the hourly limit, and a write against the secondary one."""
        with self.world.lock:
            if self.calls_left <= 0:
                raise Refused(403, "API rate limit exceeded for user ID 1.")
            if call.path != "/rate_limit":
                self.calls_left -= 1
            if call.method == "GET" or not self.writes_a_minute:
                return
            at = time.monotonic()
            while self._written and at - self._written[0] > MINUTE:
                self._written.popleft()
            if len(self._written) >= self.writes_a_minute:
                raise secondary_limit(int(MINUTE - (at - self._written[0])) + 1)
            self._written.append(at)


def secondary_limit(retry_after: int | None, status: int = 403) -> Refused:
    """Docs "About secondary rate limits": 403 or 429, with or without ``Retry-After``."""
    return Refused(
        status,
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        headers={} if retry_after is None else {"Retry-After": str(retry_after)},
    )
