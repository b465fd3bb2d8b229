"""A JSON document for any server, signed."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from helpers.actions import texts, web
from helpers.actions.delivery import DeliveryError, Occasion, Receipt
from helpers.actions.rules import Webhook

SIGNATURE = "X-Hub-Signature-256"
TIMED_SIGNATURE = "X-Mlopsgen-Signature-256"
TIMESTAMP = "X-Mlopsgen-Timestamp"
KEY = "Idempotency-Key"


@dataclass(frozen=True)
class Call:
    """A call that is ready to be made."""

    url: str
    url_named: str
    body: bytes
    key: str
    secret_name: str
    timeout: float
    occasion: Occasion

    @property
    def target(self) -> str:
        """The server; the rest of the address may be a secret."""
        return web.place(self.url) if self.url else f"the address in {self.url_named} (not set)"

    def lines(self) -> list[str]:
        """The call as it would be made."""
        shown = f"{self.target}/... (the rest of {self.url_named} is not shown)" if self.url_named else self.url
        secret = self.occasion.variable(self.secret_name)
        signed = f"{SIGNATURE}, {TIMED_SIGNATURE}: made with {self.secret_name}"
        if not secret:
            signed = f"not signed: {self.secret_name} is not set"
        body = json.dumps(json.loads(self.body), indent=2, ensure_ascii=False).splitlines()
        return [f"POST {shown if self.url else self.target}", f"{KEY}: {self.key}", signed, *body]

    def problem(self) -> str:
        """Whether there is no address."""
        return "" if self.url else f"There is no address: {self.url_named} is not set."

    def send(self, _: Sequence[str], /) -> Receipt:
        """Sends it, once; the time is that of this attempt."""
        if not self.url:
            raise DeliveryError(
                self.problem(),
                hint=f"Set the secret ({self.url_named}), or write the rule's 'url'.",
            )
        headers = {"Content-Type": "application/json; charset=utf-8", KEY: self.key}
        headers |= signatures(self.body, self.occasion.variable(self.secret_name), int(time.time()))
        with web.Web(self.occasion.environ) as session:
            answer = web.ask(session, "POST", self.url, timeout=self.timeout, headers=headers, body=self.body)
        if answer.ok:
            return Receipt(f"The server took it ({answer.status}).")
        raise _explain(self, answer)


def signatures(body: bytes, secret: str, now: int) -> dict[str, str]:
    """The headers that prove who sent a body, and when; the time alone where there is no secret."""
    found = {TIMESTAMP: str(now)}
    if secret:
        timed = f"{now}.".encode() + body
        for name, signed in ((SIGNATURE, body), (TIMED_SIGNATURE, timed)):
            found[name] = "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return found


def prepare(rule: Webhook, occasion: Occasion, key: str) -> Call:
    """The call of a rule.

    Raises:
        DeliveryError: The secret holds no web address.
        TextError: A template does not work.
    """
    url = rule.url or occasion.variable(rule.url_from)
    named = "" if rule.url else rule.url_from
    if url and not re.fullmatch(r"https?://[^\s/?#@]+([/?][^\s#]*)?", url):
        raise DeliveryError(f"{named} holds no address that starts with https:// (or http://).", where=named)
    if rule.payload is None:
        payload = {
            "version": 1,
            "event": "training-finished",
            "idempotency_key": key,
            "test": occasion.test,
            "title": texts.fields(occasion.report, key=key)["title"],
            "report": json.loads(occasion.report.model_dump_json()),
        }
    else:
        payload = texts.render_all(rule.payload, texts.fields(occasion.report, key=key, test=occasion.test))
    body = json.dumps(payload, ensure_ascii=False).encode()
    return Call(url, named, body, key, rule.secret_from, rule.timeout, occasion)


def _explain(call: Call, answer: web.Answer) -> DeliveryError:
    said = f": {web.excerpt(answer.text)}" if answer.text.strip() else ""
    message = f"The server refused it ({answer.status}){said}".rstrip(".") + "."
    if 300 <= answer.status < 400:
        message = f"The server sends the call on to another address ({answer.status})."
        hint = "Use the final address."
    elif answer.status in (401, 403):
        hint = f"Look whether the receiver checks the signature with the same {call.secret_name}."
    elif answer.status in (404, 410):
        hint = "Look at the address: nobody listens there."
    elif answer.status in web.AGAIN:
        hint = "The server has trouble of its own; run 'act' again later."
    else:
        hint = "Look at what the receiver expects, and at the rule's 'payload'."
    return DeliveryError(message, hint=hint, where=call.target, again=answer.status in web.AGAIN, pause=answer.pause)
