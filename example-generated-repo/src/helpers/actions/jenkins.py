"""A job of Jenkins, started with parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from helpers.actions import texts, web
from helpers.actions.delivery import DeliveryError, Occasion, Receipt
from helpers.actions.rules import Jenkins

URL = "JENKINS_URL"
USER = "JENKINS_USERNAME"
TOKEN = "JENKINS_TOKEN"  # noqa: S105 - the name of the secret


@dataclass(frozen=True)
class Build:
    """A build that is ready to be asked for."""

    url: str
    job: str
    parameters: Mapping[str, str]
    timeout: float
    occasion: Occasion

    @property
    def target(self) -> str:
        """The server and the job."""
        return f"{web.place(self.url)}: {self.job}"

    @property
    def address(self) -> str:
        """The address of the call."""
        path = "".join(f"/job/{quote(part.strip(), safe='')}" for part in self.job.strip("/").split("/"))
        return f"{self.url.rstrip('/')}{path}/buildWithParameters"

    def lines(self) -> list[str]:
        """The call as it would be made."""
        return [
            f"POST {self.address}",
            f"login: the values of {USER} and {TOKEN}",
            *[f"{name}={value}" for name, value in self.parameters.items()],
        ]

    def problem(self) -> str:
        """Whether there is no login."""
        missing = [name for name in (USER, TOKEN) if not self.occasion.variable(name)]
        return f"There is no login: {' and '.join(missing)} not set." if missing else ""

    def send(self, _: Sequence[str], /) -> Receipt:
        """Asks for the build, once; with a crumb where Jenkins wants one."""
        user, token = (self.occasion.variable(name) for name in (USER, TOKEN))
        if self.problem():
            raise DeliveryError(
                self.problem(),
                hint=f"Make an API token in Jenkins (your name, Security) and set the secrets {USER} and {TOKEN}.",
                where=web.place(self.url),
            )
        with web.Web(self.occasion.environ) as session:  # keeps the cookie that a crumb belongs to
            base = self.url.rstrip("/")
            crumb = web.ask(session, "GET", f"{base}/crumbIssuer/api/json", timeout=self.timeout, auth=(user, token))
            headers = {"Content-Type": "application/x-www-form-urlencoded", **_crumb(self, crumb)}
            body = urlencode(self.parameters).encode()
            answer = web.ask(
                session, "POST", self.address, timeout=self.timeout, headers=headers, body=body, auth=(user, token)
            )
        if answer.ok:
            queued = urlsplit(answer.headers.get("Location", "")).path.strip("/")
            return Receipt("Jenkins took it" + (f" ({queued})." if queued else "."))
        raise _explain(self, answer)


def prepare(rule: Jenkins, occasion: Occasion, key: str) -> Build:
    """The build of a rule.

    Raises:
        DeliveryError: It is not known where Jenkins is.
        TextError: A template does not work.
    """
    url = rule.url or occasion.variable(URL)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        problem = f"{URL} is not set" if not url else f"{URL} holds no address that starts with https:// (or http://)"
        raise DeliveryError(f"It is not known where Jenkins is: {problem}.", hint=f"Set {URL}, or the rule's 'url'.")
    given = texts.fields(occasion.report, key=key, test=occasion.test)
    parameters = texts.render_all(rule.parameters, given) if rule.parameters else _default(given)
    # Jenkins drops parameters that a job does not declare.
    parameters["IDEMPOTENCY_KEY"] = key
    if occasion.test:
        parameters["TEST"] = "true"
    return Build(url, rule.job.strip("/"), parameters, rule.timeout, occasion)


def _default(given: Mapping[str, Any]) -> dict[str, str]:
    return {
        "BRANCH": given["branch"],
        "PIPELINE": given["pipeline"],
        "COMMIT": given["commit"],
        "OUTCOME": given["outcome"],
        "MODEL_NAME": given["model"]["name"],
        "MODEL_VERSION": given["model"]["version"],
        "RUN_ID": given["run"]["id"],
    }


def _crumb(build: Build, answer: web.Answer) -> dict[str, str]:
    """The header against forged requests; Jenkins answers 404 where it is switched off."""
    if answer.status == 404:
        return {}
    if not answer.ok:
        raise _explain(build, answer)
    try:
        found = json.loads(answer.text)
        return {str(found["crumbRequestField"]): str(found["crumb"])}
    except (ValueError, KeyError, TypeError):
        raise DeliveryError(
            "What answers there is not Jenkins.", hint=f"Look at {URL}.", where=web.place(build.url)
        ) from None


def _explain(build: Build, answer: web.Answer) -> DeliveryError:
    where = web.place(build.url)
    hints = {
        400: f"The job '{build.job}' has no parameters: tick 'This project is parameterized' in its configuration.",
        401: f"Jenkins does not know this user and token: look at {USER} and {TOKEN}.",
        403: f"The user in {USER} lacks the right to build the job '{build.job}', or the token is no API token.",
        404: f"There is no job '{build.job}', or the user in {USER} must not see it. Folders are written folder/job.",
        405: "Look at the address: Jenkins takes no builds there.",
    }
    if 300 <= answer.status < 400:
        return DeliveryError(
            f"Jenkins sends the call on to another address ({answer.status}).",
            hint=f"A login page or another address stands before Jenkins: put the final one into {URL}.",
            where=where,
        )
    hint = hints.get(answer.status, "Look at Jenkins' own log.")
    return DeliveryError(
        f"Jenkins refused it ({answer.status}).",
        hint=hint,
        where=where,
        again=answer.status in web.AGAIN,
        pause=answer.pause,
    )
