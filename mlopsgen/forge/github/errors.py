"""What GitHub answers when it refuses, as our errors: what happened, why, and the next step."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mlopsgen.errors import AuthenticationFailed, MlopsgenError, PermissionDenied


class Answer(NamedTuple):
    """What GitHub answered.

    Attributes:
        status: The HTTP status.
        headers: The headers; names in lower case.
        data: The body as JSON; ``None`` where it is empty.
    """

    status: int
    headers: Mapping[str, str]
    data: Any


class Refused(MlopsgenError):
    """GitHub does not take what was asked for."""

    code = "refused"

    def __init__(self, message: str, *, hint: str = "", where: str = "", status: int = 0) -> None:
        super().__init__(message, hint=hint, where=where)
        self.status = status


class Missing(Refused):
    """There is no such thing, or the token may not know that there is."""

    code = "not-found"


class RightsMissing(PermissionDenied):
    """The token, or the person whose token it is, may not do this."""

    code = "rights-missing"

    def __init__(self, message: str, *, hint: str = "", where: str = "", status: int = 403) -> None:
        super().__init__(message, hint=hint, where=where)
        self.status = status


class PlanMissing(RightsMissing):
    """The owner's plan does not hold this."""

    code = "plan-missing"


class TokenRefused(AuthenticationFailed):
    """The token is wrong, has expired or was revoked."""

    code = "token-refused"


class SignOnNeeded(AuthenticationFailed):
    """The organisation wants single sign-on for the token first."""

    code = "sign-on-needed"


class Renamed(MlopsgenError):
    """The repository has another name now."""

    code = "renamed"
    concerns_all = True

    def __init__(self, message: str, *, hint: str = "", where: str = "", now: str = "") -> None:
        super().__init__(message, hint=hint, where=where)
        self.now = now


class Unreachable(MlopsgenError):
    """GitHub does not answer, or not with anything that can be used."""

    code = "unreachable"
    is_passing = True


class LostAnswer(Unreachable):
    """The connection broke after something was sent that must not be sent twice; whether it was done has to be read."""


_PLAN = re.compile(r"upgrade to|billing plan|pricing plan|not available on|plan does(?: not|n't)", re.IGNORECASE)
_ARCHIVED = re.compile(r"archived", re.IGNORECASE)
_SSO_ADDRESS = re.compile(r"url=(\S+)")


def words_of(data: Any) -> str:
    """GitHub's own words for a refusal: the message and what it says of single fields."""
    if not isinstance(data, Mapping):
        return ""
    message = str(data.get("message") or "").strip().rstrip(".")
    errors = data.get("errors")
    details = [_field_words(error) for error in errors] if isinstance(errors, Sequence) and not _text(errors) else []
    if _text(errors):
        details = [str(errors)]
    told = [detail for detail in dict.fromkeys(details) if detail and detail not in message]
    return ": ".join(part for part in (message, "; ".join(told)) if part)


def says_exists(answer: Answer) -> bool:
    """Whether a 422 says that there is one of that name already."""
    errors = answer.data.get("errors") if isinstance(answer.data, Mapping) else None
    if isinstance(errors, Sequence) and any(
        isinstance(e, Mapping) and e.get("code") == "already_exists" for e in errors
    ):
        return True
    return bool(re.search(r"already exists|must be unique|already in use", words_of(answer.data), re.IGNORECASE))


def says_plan(answer: Answer) -> bool:
    """Whether a refusal is about what the owner's plan does not hold."""
    return bool(_PLAN.search(words_of(answer.data)))


def lacks_scope(answer: Answer) -> bool:
    """Whether a refusal's headers tell that the token lacks a scope."""
    return bool(_missing_scopes(answer))


def error_from(answer: Answer, *, doing: str, server: str, where: str = "") -> MlopsgenError:
    """The error that a refusal stands for.

    Args:
        answer: What GitHub answered, with a status from 400 on.
        doing: What was being done, as the beginning of a sentence.
        server: GitHub's address for people.
        where: The repository, ``owner/name``.
    """
    said = words_of(answer.data)
    words = f" ({said})" if said else ""
    if answer.status == 401:
        return TokenRefused(
            f"GitHub refuses the token{words}: it is wrong, has expired or was revoked.",
            hint=f"Make a new one at {server}/settings/tokens or run 'gh auth login', then run this again.",
            where=where,
        )
    if answer.status == 403 or (answer.status == 404 and _missing_scopes(answer)):
        return _rights_missing(answer, said, doing=doing, server=server, where=where)
    if answer.status == 404:
        return Missing(
            f"{doing} failed: GitHub knows no such thing, or does not show it to this token (404{_also(said)}).",
            hint="Check the name, and that the token's owner has the rights; 'mlopsgen doctor' lists the token's.",
            where=where,
            status=404,
        )
    if answer.status >= 500:
        public = server == "https://github.com"
        look = "Look at https://www.githubstatus.com" if public else "Ask who runs it"
        return Unreachable(
            f"{doing} failed: GitHub has trouble of its own ({answer.status}{_also(said)}).",
            hint=f"{look} and run it again; what is done stays done.",
            where=where,
        )
    hint = "Change what GitHub names, then run it again."
    if says_plan(answer):
        hint = f"The owner's plan does not hold this; see {server}/pricing, or make the repository public."
    elif answer.status == 409:
        hint = "Something else changed it at the same time, or the organisation settles it for all; run it again."
    return Refused(f"{doing} failed: GitHub says {answer.status}{words}.", hint=hint, where=where, status=answer.status)


def _rights_missing(answer: Answer, said: str, *, doing: str, server: str, where: str) -> PermissionDenied:
    headers = answer.headers
    sign_on = headers.get("x-github-sso", "")
    if sign_on.startswith("required"):
        address = _SSO_ADDRESS.search(sign_on)
        page = address[1] if address else f"{server}/settings/tokens"
        return SignOnNeeded(
            f"{doing} failed: the organisation wants single sign-on for this token first.",
            hint=f"Authorise the token at {page}, then run this again.",
            where=where,
        )
    scopes = _missing_scopes(answer)
    if scopes:
        has = headers.get("x-oauth-scopes", "").strip() or "none"
        refresh = f"gh auth refresh --scopes {scopes.split(', ')[0]}"
        return RightsMissing(
            f"{doing} failed: the token lacks a scope (it has: {has}; one of these is needed: {scopes}).",
            hint=f"Add the scope at {server}/settings/tokens, or run '{refresh}'.",
            where=where,
            status=answer.status,
        )
    permissions = headers.get("x-accepted-github-permissions", "").strip()
    if permissions and "x-oauth-scopes" not in headers:
        return RightsMissing(
            f"{doing} failed: the token lacks a permission (needed: {permission_words(permissions)}{_also(said)}).",
            hint=f"Edit the token at {server}/settings/personal-access-tokens, then run this again.",
            where=where,
        )
    kind = PlanMissing if says_plan(answer) else RightsMissing
    if _ARCHIVED.search(said):
        hint = f"Unarchive it at {server}/{where}/settings, or push under another --name."
    elif kind is PlanMissing:
        hint = f"The owner's plan does not hold this; see {server}/pricing, or make the repository public."
    else:
        hint = "Ask an administrator of the repository or organisation, or use a token of somebody who may do it."
    return kind(f"{doing} failed: GitHub does not allow it ({said or 403}).", hint=hint, where=where)


def permission_words(header: str) -> str:
    """What ``X-Accepted-GitHub-Permissions`` asks for, in the words of GitHub's form: ``Secrets (write)``."""
    ways = []
    for way in header.split(";"):
        pairs = [pair.strip().split("=", 1) for pair in way.split(",") if "=" in pair]
        ways.append(" and ".join(f"{name.replace('_', ' ').capitalize()} ({level})" for name, level in pairs))
    return " or ".join(way for way in ways if way)


def _missing_scopes(answer: Answer) -> str:
    """The scopes of which one is needed and none is there; empty if that is not the reason."""
    if "x-oauth-scopes" not in answer.headers:
        return ""
    accepted = _scopes(answer.headers.get("x-accepted-oauth-scopes", ""))
    has = _scopes(answer.headers["x-oauth-scopes"])
    if not accepted or any(covers_scope(scope, wanted) for scope in has for wanted in accepted):
        return ""
    return ", ".join(accepted)


def covers_scope(scope: str, wanted: str) -> bool:
    """Whether a scope holds another: ``repo`` all that begins so, ``admin:org`` also ``write:org`` and ``read:org``."""
    if scope == wanted or (scope == "repo" and (wanted.startswith("repo") or wanted == "public_repo")):
        return True
    levels = ("read", "write", "admin")
    have, _, area = scope.partition(":")
    want, _, other = wanted.partition(":")
    return have in levels and want in levels and area == other and levels.index(have) >= levels.index(want)


def _scopes(header: str) -> tuple[str, ...]:
    return tuple(scope.strip() for scope in header.split(",") if scope.strip())


def _field_words(error: Any) -> str:
    if not isinstance(error, Mapping):
        return str(error)
    if error.get("message"):
        return str(error["message"]).rstrip(".")
    field, code = str(error.get("field") or error.get("resource") or ""), str(error.get("code") or "")
    return f"{field} is {code.replace('_', ' ')}".strip() if code else field


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _also(said: str) -> str:
    return f"; it says: {said}" if said else ""
