"""The rule ``email``: a mail and the server that it goes through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpers.actions import mail_message, mail_server
from helpers.actions.delivery import DeliveryError
from helpers.actions.rules import Email, Mail, split_address

if TYPE_CHECKING:
    from email.message import EmailMessage

    from helpers.actions.delivery import Occasion, Receipt


@dataclass(frozen=True)
class Letter:
    """A mail that is ready to be sent."""

    message: EmailMessage
    recipients: tuple[str, ...]
    settings: Mail
    timeout: float
    occasion: Occasion

    @property
    def target(self) -> str:
        """Who gets it."""
        shown = ", ".join(self.recipients[:5])
        more = len(self.recipients) - 5
        return f"{shown} and {more} more" if more > 0 else shown

    def lines(self) -> list[str]:
        """The mail as it would be sent: who gets it, through which server, and what it says."""
        through = [] if self.problem() else [f"through {self._server().described}"]
        message = self.message
        hidden = [one for one in self.recipients if one not in _shown(message)]
        heads = [f"{name}: {message[name]}" for name in ("Subject", "From", "To", "Cc") if message[name]]
        heads += [f"Bcc: {', '.join(hidden)}"] if hidden else []
        parts = [
            f"{part.get_content_type()} {part.get_filename() or ''}".strip()
            for part in message.walk()
            if not part.is_multipart()
        ]
        text = message.get_body(("plain",))
        body = text.get_content() if text is not None else ""
        return [*through, *heads, f"Parts: {', '.join(parts)}", "", *body.splitlines()]

    def problem(self) -> str:
        """What the server's settings lack."""
        try:
            self._server()
        except DeliveryError as error:
            return f"{error.message} {error.hint}"
        return ""

    def send(self, done: Sequence[str], /) -> Receipt:
        """Sends it, once."""
        return mail_server.hand_over(self._server(), self.message, self.recipients, done)

    def _server(self) -> mail_server.Server:
        return mail_server.find_server(self.settings, self.occasion.environ, timeout=self.timeout)


def prepare(rule: Email, occasion: Occasion, key: str) -> Letter:
    """The mail of a rule.

    Raises:
        TextError: A template does not work.
    """
    settings = occasion.config.mail
    try:
        sender = mail_server.find_server(settings, occasion.environ).sender
    except DeliveryError:  # sending tells it; a dry run shows the mail all the same
        sender = settings.sender or "unknown@sender.invalid"
    message = mail_message.build(rule, occasion, key, sender=sender)
    everybody = [split_address(text)[1] for text in (*rule.to, *rule.cc, *rule.bcc)]
    recipients = tuple(dict.fromkeys(everybody))
    return Letter(message, recipients, settings, rule.timeout, occasion)


def _shown(message: EmailMessage) -> str:
    return " ".join(str(message[name]) for name in ("To", "Cc") if message[name])
