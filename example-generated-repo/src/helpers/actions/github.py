"""``repository_dispatch`` and ``workflow_dispatch``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from helpers.actions import texts, web
from helpers.actions.delivery import DeliveryError, Occasion, Receipt
from helpers.actions.rules import LONGEST_EVENT, RepositoryDispatch, WorkflowDispatch

LARGEST = 64 * 1024 - 1
"""Bytes of a payload: GitHub takes less than 64 KB."""

TOKEN = "DISPATCH_TOKEN"  # noqa: S105 - the name of the secret


@dataclass(frozen=True)
class Dispatch:
    """A dispatch that is ready to be sent."""

    repository: str
    own: bool
    path: str
    body: Mapping[str, Any]
    needs: str
    timeout: float
    occasion: Occasion

    @property
    def target(self) -> str:
        """The repository and what is started there."""
        what = self.body.get("event_type") or f"{self.path.split('/')[-2]} on {self.body['ref']}"
        return f"{self.repository}: {what}"

    @property
    def url(self) -> str:
        """The address of the call."""
        owner, _, name = self.repository.partition("/")
        return f"{api(self.occasion)}/repos/{quote(owner)}/{quote(name)}{self.path}"

    @property
    def token(self) -> tuple[str, str]:
        """The variable with the token, and its value: the default token only counts for this repository."""
        given, default = self.occasion.variable(TOKEN), self.occasion.variable("GITHUB_TOKEN")
        return ("GITHUB_TOKEN", default) if self.own and default and not given else (TOKEN, given)

    def lines(self) -> list[str]:
        """The call as it would be made."""
        body = json.dumps(self.body, indent=2, ensure_ascii=False).splitlines()
        return [f"POST {self.url}", f"Authorization: Bearer (the value of {self.token[0]})", *body]

    def problem(self) -> str:
        """Whether there is no token."""
        name, value = self.token
        return "" if value else _no_token(self, name).message

    def send(self, _: Sequence[str], /) -> Receipt:
        """Sends it, once."""
        name, value = self.token
        if not value:
            raise _no_token(self, name)
        headers = {
            "Authorization": f"Bearer {value}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "Content-Type": "application/json",
        }
        body = json.dumps(self.body, ensure_ascii=False).encode()
        with web.Web(self.occasion.environ) as session:
            answer = web.ask(session, "POST", self.url, timeout=self.timeout, headers=headers, body=body)
        if answer.ok:
            return Receipt(f"GitHub took it ({answer.status}).")
        raise _explain(self, name, answer)


def prepare_event(rule: RepositoryDispatch, occasion: Occasion, key: str) -> Dispatch:
    """The event of a rule.

    Raises:
        DeliveryError: GitHub would not take it.
        TextError: A template does not work.
    """
    given = texts.fields(occasion.report, key=key, test=occasion.test)
    event = texts.render_line(rule.event, given, 1000)
    if not event or len(event) > LONGEST_EVENT:
        raise DeliveryError(f"The event's name has {len(event)} characters; GitHub takes 1 to {LONGEST_EVENT}.")
    payload = _default(given) if rule.payload is None else texts.render_all(rule.payload, given)
    payload["idempotency_key"] = key
    if occasion.test and len(payload) < 10:
        payload["test"] = True
    return event_of(occasion, event, payload, repository=rule.repository, timeout=rule.timeout)


def event_of(
    occasion: Occasion, event: str, payload: Mapping[str, Any], *, repository: str = "", timeout: float = 30
) -> Dispatch:
    """An event for a repository, this one when none is named."""
    size = len(json.dumps(payload, ensure_ascii=False).encode())
    if size > LARGEST:
        raise DeliveryError(
            f"The payload has {size:,} bytes; GitHub takes less than 64 KB.", hint="Send less of the report."
        )
    name, own = _repository(repository, occasion)
    body = {"event_type": event, "client_payload": payload}
    return Dispatch(name, own, "/dispatches", body, "Contents: write", timeout, occasion)


def prepare_workflow(rule: WorkflowDispatch, occasion: Occasion, key: str) -> Dispatch:
    """The start of a workflow.

    Raises:
        DeliveryError: It is not known in which repository.
        TextError: A template does not work.
    """
    given = texts.fields(occasion.report, key=key, test=occasion.test)
    name, own = _repository(rule.repository, occasion)
    body: dict[str, Any] = {"ref": texts.render_line(rule.ref, given) or occasion.report.branch}
    if rule.inputs:
        body["inputs"] = texts.render_all(rule.inputs, given)
    path = f"/actions/workflows/{rule.workflow}/dispatches"
    return Dispatch(name, own, path, body, "Actions: write", rule.timeout, occasion)


def api(occasion: Occasion) -> str:
    """The address of GitHub's API: what Actions says, else that of the server of the report's repository."""
    given = occasion.variable("GITHUB_API_URL")
    if given:
        return given.rstrip("/")
    host = urlsplit(occasion.report.repository).hostname or "github.com"
    if host == "github.com":
        return "https://api.github.com"
    return f"https://api.{host}" if host.endswith(".ghe.com") else f"https://{host}/api/v3"


def _repository(named: str, occasion: Occasion) -> tuple[str, bool]:
    """The repository of a dispatch, and whether it is the one that was trained."""
    path = urlsplit(occasion.report.repository).path.strip("/").removesuffix(".git")
    own = occasion.variable("GITHUB_REPOSITORY") or (path if re.fullmatch(r"[^/]+/[^/]+", path) else "")
    if not named and not own:
        raise DeliveryError(
            "It is not known which repository on GitHub this is.",
            hint="Name it in the rule: repository: owner/name.",
        )
    return named or own, not named or named.lower() == own.lower()


def _default(given: Mapping[str, Any]) -> dict[str, Any]:
    """What most receivers want, in nine keys."""
    metrics = {name: metric["value"] for name, metric in given["metrics"].items()}
    run = {key: given["run"][key] for key in ("id", "engine", "status", "url")}
    return {
        "branch": given["branch"],
        "pipeline": given["pipeline"],
        "commit": given["commit"],
        "outcome": given["outcome"],
        "passed": given["passed"],
        "promoted": given["promoted"],
        "model": given["model"],
        "metrics": metrics,
        **({"run": run} if not given["test"] else {}),
    }


def _no_token(dispatch: Dispatch, name: str) -> DeliveryError:
    hint = f"Set the secret {TOKEN} to a token that may write to {dispatch.repository} ({dispatch.needs})."
    if not dispatch.own:
        hint = f"The default token only reaches this repository. {hint}"
    return DeliveryError(f"There is no token: {name} is not set.", hint=hint, where=web.place(dispatch.url))


def _explain(dispatch: Dispatch, name: str, answer: web.Answer) -> DeliveryError:
    """Why GitHub refused, and what to do about it."""
    try:
        said = str(json.loads(answer.text)["message"])
    except (ValueError, KeyError, TypeError):
        said = answer.text
    words = f"GitHub refused it ({answer.status}): {web.excerpt(said) or 'no reason given'}".rstrip(".") + "."
    where, pause = web.place(dispatch.url), answer.pause
    spent = answer.headers.get("X-RateLimit-Remaining") == "0"
    again = answer.status in web.AGAIN or (answer.status == 403 and (pause is not None or spent))
    right = f"'{dispatch.needs}' for {dispatch.repository}"
    hints = {
        401: f"{name} is not valid any more: make a new token with {right}.",
        403: f"The token in {name} lacks the right {right}"
        + (f"; set the secret {TOKEN}, or give the job that right." if name == "GITHUB_TOKEN" else "."),
        404: f"There is no such repository or workflow, or the token in {name} lacks the right {right}."
        + (
            " A workflow can be started when its file is on the default branch." if "workflows" in dispatch.path else ""
        ),
        422: "Look at 'on: workflow_dispatch' of the workflow: its inputs are the only ones that it takes, and the ref "
        "has to exist."
        if "workflows" in dispatch.path
        else "Look at the event's name and at the payload of the rule.",
    }
    hint = "Wait until the hour is over." if spent else hints.get(answer.status, "Look at the address and the token.")
    return DeliveryError(words, hint=hint, where=where, again=again, pause=pause)
