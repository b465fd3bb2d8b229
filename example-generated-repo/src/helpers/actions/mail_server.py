"""The mail server: connecting, logging in, handing a mail over; failures are told with cause and next step."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from helpers import certificates
from helpers.actions import mail_message
from helpers.actions.delivery import DeliveryError, Receipt, redacted
from helpers.actions.rules import Mail, split_address
from helpers.report_words import clean

if TYPE_CHECKING:
    from email.message import EmailMessage

HOST, PORT, FROM = "SMTP_HOST", "SMTP_PORT", "SMTP_FROM"
USER, PASSWORD = "SMTP_USERNAME", "SMTP_PASSWORD"
PORTS = {"starttls": 587, "tls": 465, "none": 25}
MOST_AT_ONCE = 50
"""Servers refuse more recipients than they like at once; 100 is what the standard asks of them."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A mail server.

    Attributes:
        host: Its name.
        port: Its port.
        security: How the connection is encrypted.
        sender: Who mails come from.
        user: The login; empty for none.
        password: Its password.
        timeout: Seconds that one answer may take.
        environ: The environment, for certificates and for hiding secrets.
    """

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    sender: str
    user: str
    password: str
    timeout: float
    environ: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Server({self.place})"

    @property
    def place(self) -> str:
        """Where it is."""
        return f"{self.host}:{self.port}"

    @property
    def described(self) -> str:
        """How it is talked to."""
        encrypted = {"starttls": "STARTTLS", "tls": "TLS", "none": "no encryption"}[self.security]
        login = f"login of {USER}" if self.user else "no login"
        return f"{self.place}, {encrypted}, {login}"


def find_server(mail: Mail, environ: Mapping[str, str], *, timeout: float = 30.0) -> Server:
    """The mail server that the configuration and the environment name.

    Raises:
        DeliveryError: Something is missing or cannot work.
    """

    def variable(name: str) -> str:
        return environ.get(name, "").strip()

    host = mail.host or variable(HOST)
    if not host:
        raise DeliveryError(
            "No mail server is named.", hint=f"Set the variable {HOST}, or 'mail.host' in the branch's config.yaml."
        )
    port = str(mail.port or variable(PORT) or PORTS[mail.security])
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise DeliveryError(f"{PORT} is no port number.", where=PORT, hint="It is 587, 465 or 25 for most servers.")
    sender = mail.sender or variable(FROM) or (variable(USER) if "@" in variable(USER) else "")
    try:
        split_address(sender)
    except ValueError:
        problem = f"{FROM} holds no e-mail address" if sender else "No sender is named"
        raise DeliveryError(
            f"{problem}.", hint=f"Set the variable {FROM}, or 'mail.sender': Training <training@example.com>."
        ) from None
    user, password = variable(USER), variable(PASSWORD)
    if bool(user) != bool(password):
        there, missing = (USER, PASSWORD) if user else (PASSWORD, USER)
        raise DeliveryError(f"{there} is set and {missing} is not.", hint=f"Set the secret {missing} too, or neither.")
    if user and mail.security == "none":
        raise DeliveryError(
            "The password would travel unencrypted: 'mail.security' is none, and a login is set.",
            where=f"{host}:{port}",
            hint=f"Write security: starttls or tls, or take {USER} and {PASSWORD} away.",
        )
    return Server(
        host=host, port=int(port), security=mail.security, sender=sender, user=user, password=password,
        timeout=timeout, environ=environ,
    )  # fmt: skip


def answers(server: Server) -> str:
    """Connects and logs in, and sends nothing; says how that went.

    Raises:
        DeliveryError: It does not work.
    """
    with _connected(server) as connection:
        connection.noop()
    return f"{server.described}: answers"


def hand_over(server: Server, message: EmailMessage, recipients: Sequence[str], done: Sequence[str]) -> Receipt:
    """Hands a mail over, for those who do not have it yet.

    Raises:
        DeliveryError: The server took it for nobody.
    """
    open_ones = [one for one in recipients if one not in done]
    delivered: list[str] = []
    refused: dict[str, tuple[int, str]] = {}
    sender = _ascii(split_address(server.sender)[1])
    try:
        with _connected(server) as connection:
            for start in range(0, len(open_ones), MOST_AT_ONCE):
                group = open_ones[start : start + MOST_AT_ONCE]
                found = _hand(connection, message, sender, group)
                refused |= found
                delivered += [one for one in group if one not in found]
    except DeliveryError as error:
        if not delivered:  # what some people have already is not forgotten
            raise
        refused |= {one: (451, error.message) for one in open_ones if one not in delivered and one not in refused}
    reasons = {one: _said(server, *answer) for one, answer in refused.items()}
    again = any(400 <= code < 500 for code, _ in refused.values())
    if refused and not delivered and not done:
        one, reason = next(iter(reasons.items()))
        others = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        raise DeliveryError(
            f"The server refused the recipient {one}{others}: {reason}",
            where=server.place, hint=_RECIPIENT, again=again,
        )  # fmt: skip
    people = len(delivered) + len([one for one in recipients if one in done])
    return Receipt(
        f"The server took it for {people} of {len(recipients)}.", tuple(delivered), reasons,
        _RECIPIENT if reasons else "", again,
    )  # fmt: skip


_RECIPIENT = "Look at the address; some servers only take mail for addresses of their own, or after a login."


def _hand(
    connection: smtplib.SMTP, message: EmailMessage, sender: str, group: Sequence[str]
) -> dict[str, tuple[int, str]]:
    """One mail for up to as many people as servers take at once; gives those who are refused."""
    try:
        found = connection.send_message(message, sender, [_ascii(one) for one in group])
    except smtplib.SMTPRecipientsRefused as error:
        found = error.recipients
    by_ascii = {_ascii(one): one for one in group}
    return {by_ascii[one]: (code, _text(said)) for one, (code, said) in found.items()}


@contextlib.contextmanager
def _connected(server: Server) -> Iterator[smtplib.SMTP]:
    """A connection that is encrypted and logged in; what goes wrong in it is told in words."""
    context = certificates.context(server.environ)
    # Not the machine's own name: finding it can take long, and it says nothing to the server.
    name = mail_message.ascii_domain(split_address(server.sender)[1].rpartition("@")[2])
    connection: smtplib.SMTP | None = None
    try:
        if server.security == "tls":
            connection = smtplib.SMTP_SSL(server.host, server.port, name, timeout=server.timeout, context=context)
        else:
            connection = smtplib.SMTP(server.host, server.port, name, timeout=server.timeout)
        connection.ehlo()
        if server.security == "starttls":
            connection.starttls(context=context)
            connection.ehlo()
        if server.user:
            _log_in(connection, server)
        yield connection
        with contextlib.suppress(smtplib.SMTPException, OSError):
            connection.quit()
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise _explain(server, error) from None
    finally:
        if connection is not None:
            connection.close()


def _log_in(connection: smtplib.SMTP, server: Server) -> None:
    try:
        connection.login(server.user, server.password)
    except UnicodeEncodeError:
        raise DeliveryError(
            f"{USER} or {PASSWORD} holds letters that this login cannot carry.",
            where=server.place,
            hint="Choose a password of plain ASCII letters, digits and signs.",
        ) from None


def _explain(server: Server, error: Exception) -> DeliveryError:
    """What happened, and what to do; nothing of the error's own text but what the server said."""
    if isinstance(error, smtplib.SMTPServerDisconnected) and isinstance(error.__context__, OSError):
        error = error.__context__  # why the connection ended
    message, hint, again = _words(server, error)
    return DeliveryError(message, hint=hint, where=server.place, again=again)


def _words(server: Server, error: Exception) -> tuple[str, str, bool]:  # noqa: C901 - one case for each thing that goes wrong
    other = {"starttls": "tls", "tls": "starttls", "none": "starttls"}[server.security]
    other_port = f"Look at the port: {PORTS[other]} goes with 'security: {other}'."
    match error:
        case smtplib.SMTPAuthenticationError():
            said = _said(server, error.smtp_code, _text(error.smtp_error))
            return (
                f"The mail server does not accept the login: {said}",
                f"Look at {USER} and {PASSWORD}; some providers want an app password instead of the account's own.",
                400 <= error.smtp_code < 500,
            )
        case smtplib.SMTPNotSupportedError() if server.security == "starttls" and "STARTTLS" in str(error):
            return ("The mail server offers no STARTTLS.", other_port, False)
        case smtplib.SMTPNotSupportedError() if "AUTH" in str(error):
            return (
                "The mail server takes no login.",
                f"Take {USER} and {PASSWORD} away, or use the port for logging in (587 or 465).",
                False,
            )
        case smtplib.SMTPNotSupportedError():
            return (
                "The mail server does not take addresses with letters beyond ASCII before the @.",
                "Use another address of that person.",
                False,
            )
        case smtplib.SMTPSenderRefused():
            said = _said(server, error.smtp_code, _text(error.smtp_error))
            login = "" if server.user else f" Servers often want a login first: {USER}, {PASSWORD}."
            return (
                f"The mail server refuses the sender {split_address(server.sender)[1]}: {said}",
                f"Look at {FROM} or 'mail.sender': it has to be an address that this login may use.{login}",
                400 <= error.smtp_code < 500,
            )
        case smtplib.SMTPResponseException():
            said = _said(server, error.smtp_code, _text(error.smtp_error))
            return (f"The mail server refuses the mail: {said}", _REFUSED, 400 <= error.smtp_code < 500)
        case smtplib.SMTPServerDisconnected():
            return (
                "The mail server ended the connection.",
                f"{other_port} Or the server had trouble of its own.",
                True,
            )
        case ssl.SSLCertVerificationError():
            return (f"The mail server's certificate is not trusted: {error.verify_message}.", certificates.HINT, False)
        case ssl.SSLError():
            return (f"The mail server does not speak TLS at this port ({_reason(error)}).", other_port, False)
        case TimeoutError():
            return (
                f"The mail server did not answer within {server.timeout:g} s.",
                f"Look at {HOST} and the port, and whether this machine may reach it. {other_port}",
                True,
            )
        case socket.gaierror():
            return ("The mail server's name is not known.", f"Look at {HOST} or 'mail.host'.", False)
        case ConnectionRefusedError():
            return ("Nobody answers at that port.", f"Look at {HOST} and the port. {other_port}", True)
        case UnicodeError():
            return ("The mail server's name is none.", f"Look at {HOST} or 'mail.host'.", False)
        case OSError():
            reason = clean(error.strerror or type(error).__name__, 100)
            return (f"The mail server cannot be reached: {reason}.", f"Look at {HOST} and the port.", True)
    return (f"The mail server's answers make no sense ({type(error).__name__}).", other_port, True)


_REFUSED = "Read what the server says; a mail that is too large loses its files without 'attach'."


def _reason(error: ssl.SSLError) -> str:
    return clean((error.reason or "no reason given").replace("_", " ").lower(), 80)


def _said(server: Server, code: int, text: str) -> str:
    """What the server said, without the login in it."""
    return redacted(f"{code} {clean(text, 200)}", server.environ)


def _text(said: object) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _ascii(address: str) -> str:
    user, _, domain = address.rpartition("@")
    return f"{user}@{mail_message.ascii_domain(domain)}"
