"""Pull requests: found, opened once, and brought up to date, so that doing it again changes nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from mlopsgen.errors import MlopsgenError, PermissionDenied
from mlopsgen.events import Warn
from mlopsgen.forge.github.client import BACKOFF
from mlopsgen.forge.github.errors import Answer, LostAnswer, Refused, error_from, says_exists, words_of
from mlopsgen.forge.github.place import Place

Renewed = Callable[[str | None, str], str]
_NO_DRAFTS = re.compile(r"draft", re.IGNORECASE)


class PullState(StrEnum):
    """What became of a pull request."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


class PullAct(StrEnum):
    """What was done about a pull request."""

    OPENED = "opened"
    UPDATED = "updated"
    KEPT = "kept"
    DECLINED = "declined"
    """A person closed the very same one without merging it; it is not opened again."""


@dataclass(frozen=True, kw_only=True)
class Pull:
    """A pull request as it is.

    Attributes:
        number: Its number.
        page: Where people look at it.
        title: Its title.
        body: Its text.
        state: What became of it.
        draft: Whether it is a draft.
        head: The branch that it brings.
        base: The branch that it goes to.
        commit: The newest commit of it; of one that is not open any more, the last.
        labels: The names of its labels.
    """

    number: int
    page: str
    title: str
    body: str
    state: PullState
    draft: bool
    head: str
    base: str
    commit: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WantedPull:
    """A pull request as it shall be.

    Attributes:
        head: The branch that it brings, of the same repository.
        base: The branch that it goes to.
        title: Its title, one line.
        body: Its text, Markdown.
        labels: Labels that it gets besides those that it has.
        draft: Whether it is opened as a draft; GitHub's API changes that for none that is open already.
    """

    head: str
    base: str
    title: str
    body: str
    labels: tuple[str, ...] = ("template-update",)
    draft: bool = False


class PutPull(NamedTuple):
    """What was done, and the pull request afterwards."""

    act: PullAct
    pull: Pull


def _replaced(found: str | None, text: str) -> str:
    # GitHub gives back what it was sent, but for how lines end.
    same = found is not None and _plain(found) == _plain(text)
    return found if same and found is not None else text


def list_pulls(place: Place, head: str, base: str) -> tuple[Pull, ...]:
    """The newest pull requests from one branch of the repository to another, whatever became of them; one call.

    Raises:
        MlopsgenError: GitHub refuses, or cannot be reached.
    """
    answer = place.account.client.request(
        "GET",
        place.path("pulls"),
        doing="Looking for the pull request",
        query={"state": "all", "head": f"{place.owner}:{head}", "base": base, "per_page": 30},
        where=place.full_name,
    )
    return tuple(_pull_from(each) for each in answer.data or ())


def open_pull(known: Sequence[Pull]) -> Pull | None:
    """The one that is open; GitHub allows no second one."""
    return next((pull for pull in known if pull.state is PullState.OPEN), None)


def put_pull(
    place: Place,
    wanted: WantedPull,
    known: Sequence[Pull] | None = None,
    *,
    again: bool = False,
    renewed: Renewed = _replaced,
    sleep: Callable[[float], None] = time.sleep,
) -> PutPull:
    """Open the pull request, or bring the one that is open up to date; doing it again makes no change.

    The branch has to be there already.

    Args:
        place: The repository.
        wanted: The pull request.
        known: What :func:`list_pulls` has just told; ``None`` to ask.
        again: Whether one that a person closed without merging it is opened anew.
        renewed: Makes the text of one that is open from the text that it has and the wanted one.
        sleep: Waits that many seconds.

    Raises:
        MlopsgenError: GitHub refuses, or cannot be reached.
    """
    pulls = list_pulls(place, wanted.head, wanted.base) if known is None else known
    present = open_pull(pulls)
    if present is None:
        declined = None if again else declined_pull(pulls, wanted.title)
        if declined is not None:
            return PutPull(PullAct.DECLINED, declined)
        return _opened(place, wanted, renewed, sleep)
    changed = _updated(place, wanted, present, renewed)
    labelled = _labelled(place, wanted, changed or present)
    act = PullAct.KEPT if changed is None and labelled == present else PullAct.UPDATED
    return PutPull(act, labelled)


def declined_pull(known: Sequence[Pull], *titles: str) -> Pull | None:
    """The newest pull request, if a person has closed it without merging it and it was this one."""
    newest = max(known, key=lambda pull: pull.number, default=None)
    if newest is None or newest.state is not PullState.CLOSED:
        return None
    return newest if newest.title in titles else None


def is_as_wanted(pull: Pull | None, wanted: WantedPull, renewed: Renewed = _replaced) -> bool:
    """Whether :func:`put_pull` would change nothing."""
    if pull is None or pull.title != wanted.title or renewed(pull.body, wanted.body) != pull.body:
        return False
    return {label.lower() for label in wanted.labels} <= {label.lower() for label in pull.labels}


def _opened(place: Place, wanted: WantedPull, renewed: Renewed, sleep: Callable[[float], None]) -> PutPull:
    doing = f"Opening the pull request '{wanted.title}'"
    body: dict[str, Any] = {
        "title": wanted.title,
        "body": wanted.body,
        "head": wanted.head,
        "base": wanted.base,
        "maintainer_can_modify": True,
        "draft": wanted.draft,
    }
    for wait in (*BACKOFF, None):
        try:
            answer = place.request("POST", "pulls", doing=doing, body=body, accept={422})
        except LostAnswer:
            # Nobody knows whether it was opened: look before trying again.
            found = open_pull(list_pulls(place, wanted.head, wanted.base))
            if found is not None:
                return PutPull(
                    PullAct.OPENED, _labelled(place, wanted, _updated(place, wanted, found, renewed) or found)
                )
            if wait is None:
                raise
            sleep(wait)
            continue
        if answer.status == 422 and body["draft"] and _NO_DRAFTS.search(words_of(answer.data)):
            # Private repositories of a free organisation know no drafts.
            body["draft"] = False
            continue
        if answer.status == 422:
            return _there_already(place, wanted, answer, renewed, doing)
        return PutPull(PullAct.OPENED, _labelled(place, wanted, _pull_from(answer.data)))
    raise AssertionError


def _there_already(place: Place, wanted: WantedPull, answer: Answer, renewed: Renewed, doing: str) -> PutPull:
    """What follows when GitHub will not open it: somebody else did at the same moment, or it is a refusal."""
    found = open_pull(list_pulls(place, wanted.head, wanted.base)) if says_exists(answer) else None
    if found is None:
        raise _refusal(place, answer, doing)
    changed = _updated(place, wanted, found, renewed)
    return PutPull(PullAct.UPDATED, _labelled(place, wanted, changed or found))


def _refusal(place: Place, answer: Answer, doing: str) -> MlopsgenError:
    error = error_from(answer, doing=doing, server=place.account.host.server, where=place.full_name)
    if "no commits between" in words_of(answer.data).lower():
        return Refused(
            f"{doing} failed: the branch brings nothing that is not there.",
            hint="Run it again; what was merged meanwhile is seen then.",
            where=place.full_name,
            status=422,
        )
    return error


def _updated(place: Place, wanted: WantedPull, present: Pull, renewed: Renewed) -> Pull | None:
    """The pull request with its new title and text; ``None`` where it has them."""
    texts = {"title": wanted.title, "body": renewed(present.body, wanted.body)}
    if texts == {"title": present.title, "body": present.body}:
        return None
    doing = f"Changing the text of pull request {present.number}"
    try:
        answer = place.request("PATCH", "pulls", str(present.number), doing=doing, body=texts)
    except LostAnswer:
        answer = place.request("PATCH", "pulls", str(present.number), doing=doing, body=texts)
    return _pull_from(answer.data)


def _labelled(place: Place, wanted: WantedPull, pull: Pull) -> Pull:
    """The pull request with the labels that it lacks; a token that may give none is no reason to fail."""
    has = {label.lower() for label in pull.labels}
    missing = [label for label in wanted.labels if label.lower() not in has]
    if not missing:
        return pull
    doing = f"Labelling pull request {pull.number}"
    body = {"labels": missing}

    def post() -> None:
        place.request("POST", "issues", str(pull.number), "labels", doing=doing, body=body)

    try:
        try:
            post()
        except LostAnswer:
            # A label that is there already is not given twice.
            post()
    except PermissionDenied as error:
        if error.concerns_all:
            raise
        place.account.events(Warn(message=error.message, hint="The label can be given by hand."))
        return pull
    return replace(pull, labels=(*pull.labels, *missing))


def _pull_from(data: Mapping[str, Any]) -> Pull:
    state = PullState.OPEN if data["state"] == "open" else PullState.CLOSED
    if data.get("merged_at"):
        state = PullState.MERGED
    return Pull(
        number=int(data["number"]),
        page=str(data.get("html_url") or ""),
        title=str(data.get("title") or ""),
        body=str(data.get("body") or ""),
        state=state,
        draft=bool(data.get("draft")),
        head=str(data["head"]["ref"]),
        base=str(data["base"]["ref"]),
        commit=str(data["head"]["sha"]),
        labels=tuple(str(label["name"]) for label in data.get("labels") or ()),
    )


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").rstrip()
