"""Why a template's repository was not read, in words: who was asked to let whom in, and what to do about it."""

from __future__ import annotations

import re

from mlopsgen.adapters.credentials import GITHUB, OWN_VARIABLE, Credential, is_near
from mlopsgen.adapters.template_address import TemplateAddress
from mlopsgen.errors import MlopsgenError, PermissionDenied, UsageError
from mlopsgen.secret_value import redact

_MOVED = re.compile(r"Maximum \(0\) redirects|unable to update url base|returned error: 30\d")
_NOT_ASKED = re.compile(r"could not read (User|Pass)|prompts disabled")
_WRONG = re.compile(r"Authentication failed|returned error: 401")
_NO_RIGHTS = re.compile(r"returned error: 403|access denied", re.IGNORECASE)
_NOT_SHOWN = re.compile(r"[Rr]epository .*not found|returned error: 404")
_NOT_ALLOWED = re.compile(r"Permission denied|Host key verification failed")
_NO_REPOSITORY = re.compile(r"does not appear to be a git repository|dubious ownership")
_ALL = (_MOVED, _NOT_ASKED, _WRONG, _NO_RIGHTS, _NOT_SHOWN, _NOT_ALLOWED, _NO_REPOSITORY)


class TemplateRefused(PermissionDenied):
    """The template may not be read by whoever came."""

    code = "template-refused"


def is_refusal(told: str) -> bool:
    """Whether what git says means that asking once more would not help."""
    return any(each.search(told) for each in _ALL)


def refused(
    address: TemplateAddress, said: str, told: str, credential: Credential | None, unused: str = ""
) -> MlopsgenError:
    """The error about a template that was not let out.

    Args:
        address: Where it lies.
        said: Everything that git said.
        told: The same in a line, without secrets.
        credential: What was shown at the door.
        unused: Which tokens were there and were not sent, as a sentence.
    """
    if address.is_local:
        return UsageError(
            f"The template {address.text} cannot be read: {told}.",
            where=address.text,
            hint="Give the folder of a git repository that you may read.",
        )
    if not address.host:
        hint = f"Check the address, and that 'git ls-remote {address.repository}' works here."
        kind = TemplateRefused if _NOT_ALLOWED.search(said) else UsageError
        # ssh's own line says more than git's after it; whoever answers there chose its words.
        line = next((line for line in said.splitlines() if is_refusal(line)), told)
        words = "".join(letter for letter in redact(line) if letter.isprintable()).strip().rstrip(".")
        return kind(f"The template {address.text} cannot be read: {words}.", where=address.text, hint=hint)
    if _MOVED.search(said):
        return UsageError(
            f"The template {address.text} cannot be read: it has another address now.",
            where=address.text,
            hint="Open it in a browser and give the address that you come to: --template ADDRESS.",
        )
    message, hint = _at_door(address, said, told, credential)
    return TemplateRefused(f"{message} {unused}".rstrip(), where=address.text, hint=hint)


def _at_door(address: TemplateAddress, said: str, told: str, credential: Credential | None) -> tuple[str, str]:
    """What happened, and the next step, at a server that tokens are shown to."""
    right = " (fine-grained: that repository, Contents: read; classic: repo)" if address.host == GITHUB else ""
    if credential is None:
        sent = "" if is_near(address.host) else f", and GH_HOST={address.host}, which says that it is for this server"
        return (
            f"The template {address.text} cannot be read: it is private or not there, and no token was shown.",
            f"Check the address. If it is private: set {OWN_VARIABLE} to a token that may read it{right}{sent}.",
        )
    came = f"The template {address.text} cannot be read with the token from {credential.source}"
    if "SAML" in said or "single sign-on" in said.lower():
        return f"{came}: the organisation wants single sign-on for it.", (
            f"Authorise the token for the organisation in its settings on {address.host}, then run it again."
        )
    if _WRONG.search(said) or _NOT_ASKED.search(said):
        return f"{came}: {address.host} does not accept it.", (
            f"It is wrong, has expired or was revoked: set {OWN_VARIABLE} to another token{right}."
        )
    if _NO_RIGHTS.search(said):
        return f"{came}: it may not read that repository.", (
            f"Give the token the right, or set {OWN_VARIABLE} to another token{right}."
        )
    if _NOT_SHOWN.search(said):
        return f"{came}: there is no such repository, or the token may not know that there is.", (
            f"Check the address. If it is right, set {OWN_VARIABLE} to a token that may read it{right}."
        )
    return f"{came}: {told}.", f"Check the address, and that {OWN_VARIABLE} is a token that may read it{right}."
