"""Real mail servers on this machine: with STARTTLS or TLS, logins, certificates, and whims."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import ipaddress
import socket
import ssl
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER = "training@example.com"


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, in files; ``text`` is the certificate itself."""

    certificate: Path
    key: Path

    @property
    def text(self) -> str:
        """The certificate as PEM."""
        return self.certificate.read_text()

    def context(self) -> ssl.SSLContext:
        """What a server shows."""
        made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        made.load_cert_chain(self.certificate, self.key)
        return made


def make_certificate(folder: Path, *names: str) -> Certificate:
    """A certificate for these names that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = dt.datetime.now(dt.UTC)
    shown: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(shown), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = Certificate(folder / f"{names[0]}.pem", folder / f"{names[0]}.key")
    paths.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


@dataclass
class Mailbox:
    """What a server took, and its whims.

    Attributes:
        taken: Each mail that it took, as ``(from, to, content)``.
        sender: Its answer to a sender; None takes everybody.
        recipient: Its answer to a recipient; None takes everybody.
        data: Its answers to the next mails; when there are no more, it takes them.
        most: How many recipients it takes at once.
    """

    taken: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    sender: Callable[[str], str | None] = lambda _: None
    recipient: Callable[[str], str | None] = lambda _: None
    data: list[str] = field(default_factory=list)
    most: int = 100
    port: int = 0

    @property
    def mails(self) -> list[EmailMessage]:
        """The mails, with the line ends of this machine."""
        read = (
            email.message_from_bytes(content.replace(b"\r\n", b"\n"), policy=email.policy.default)
            for _, _, content in self.taken
        )
        return [mail for mail in read if isinstance(mail, EmailMessage)]

    @property
    def mail(self) -> EmailMessage:
        """The only mail."""
        (found,) = self.mails
        return found

    @property
    def everybody(self) -> list[str]:
        """Who got a mail."""
        return [who for _, people, _ in self.taken for who in people]


class _Handler:
    """What the server calls; it looks at each of its attributes, so the mailbox itself is not for it."""

    def __init__(self, box: Mailbox) -> None:
        self.box = box

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        refusal = self.box.sender(address)
        if refusal is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return refusal or "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        refusal = self.box.recipient(address)
        if len(envelope.rcpt_tos) >= self.box.most:
            refusal = "452 4.5.3 too many recipients"
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.box.data:
            return self.box.data.pop(0)
        assert isinstance(envelope.content, bytes)
        self.box.taken.append((envelope.mail_from or "", list(envelope.rcpt_tos), envelope.content))
        return "250 OK"


@contextmanager
def mail_server(
    *, security: str, certificate: Certificate | None = None, password: str = "", smtputf8: bool = False
) -> Iterator[Mailbox]:
    """A mail server on a port of this machine; with a password it takes nothing before the login."""
    box = Mailbox(port=free_port())
    context = certificate.context() if certificate else None

    def login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), password.encode())
        return AuthResult(success=right, handled=False)

    options: dict[str, Any] = {"authenticator": login, "auth_required": True} if password else {}
    if security == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    if security == "tls":
        options |= {"ssl_context": context, "auth_require_tls": False}
    if security == "none":
        options |= {"auth_require_tls": False}
    controller = Controller(
        _Handler(box),
        hostname="127.0.0.1",
        port=box.port,
        server_hostname="mail.test",
        enable_SMTPUTF8=smtputf8,
        **options,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of logins without STARTTLS; here they come after TLS
        controller.start()
        try:
            yield box
        finally:
            controller.stop()


@contextmanager
def silent_server() -> Iterator[int]:
    """Something that takes connections and never says a word; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port
