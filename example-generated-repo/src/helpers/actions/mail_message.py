"""The mail about a training: a text part, an HTML part, and the plots inside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers import report_words as words
from helpers.actions import mail_text, sample, texts
from helpers.actions.delivery import DeliveryError
from helpers.actions.rules import split_address
from helpers.png import png, words_of
from helpers.report import PLOTS
from helpers.report_html import page_template
from helpers.report_links import links

if TYPE_CHECKING:
    from helpers.actions.delivery import Occasion
    from helpers.actions.rules import Email

MOST_PICTURES = 6
MOST_METRICS = 12
LARGEST_PICTURES = 5_000_000
COLOURS = {"good": "#17703f", "bad": "#9c4708", "broken": "#b3261e"}
_KINDS = {"html": ("text", "html"), "json": ("application", "json"), "md": ("text", "markdown")}


@dataclass(frozen=True)
class Picture:
    """A plot in the mail."""

    cid: str
    title: str
    alt: str
    png: bytes


def build(rule: Email, occasion: Occasion, key: str, *, sender: str) -> EmailMessage:
    """The mail of a rule. Who gets a hidden copy does not stand in it.

    Raises:
        TextError: A template does not work.
    """
    report = occasion.report
    given = texts.fields(report, key=key, test=occasion.test)
    subject = texts.render_line(rule.subject, given) or default_subject(occasion)
    if occasion.test:
        subject = f"[test] {subject}"
    intro = words.clean(texts.render(rule.text, given).strip(), texts.LONGEST, lines=True)
    footer = _footer(rule, occasion)
    pictures = draw(occasion.folder, key) if rule.report else []

    message = EmailMessage(policy=SMTP)
    message["Subject"] = subject
    message["From"] = address(sender)
    message["To"] = [address(text) for text in rule.to]
    if rule.cc:
        message["Cc"] = [address(text) for text in rule.cc]
    message["Date"] = format_datetime(datetime.now(UTC))
    # The same for each attempt: a mail server that knows it already drops the second one.
    message["Message-ID"] = f"<{key}@{ascii_domain(split_address(sender)[1].rpartition('@')[2])}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Idempotency-Key"] = key

    opening = f"This is a test. Nothing was trained; every number is made up.\n\n{intro}".strip()
    text = mail_text.text_part(
        report, intro=opening if occasion.test else intro, with_report=rule.report, footer=footer
    )
    message.set_content(text)
    message.add_alternative(
        _page(rule, occasion, subject=subject, intro=intro, footer=footer, pictures=pictures), subtype="html"
    )
    page = message.get_payload()[1]  # type: ignore[index]
    for picture in pictures:
        page.add_related(  # type: ignore[union-attr]
            picture.png, "image", "png", cid=f"<{picture.cid}>", filename=f"{picture.cid.partition('.')[0]}.png",
            disposition="inline",
        )  # fmt: skip
    _attach(message, rule, occasion)
    return message


def default_subject(occasion: Occasion) -> str:
    """The verdict, and the first metric when there is one."""
    rows = words.metric_lines(occasion.report)
    title = words.title(occasion.report)
    return words.clean(f"{title} ({rows[0].name} {rows[0].value})" if rows else title, 200)


def address(text: str) -> Address:
    """A header's form of ``Ada Lovelace <ada@example.com>``; a domain in any script becomes ASCII."""
    name, plain = split_address(text)
    user, _, domain = plain.rpartition("@")
    return Address(words.clean(name, 100), user, ascii_domain(domain))


def ascii_domain(domain: str) -> str:
    """A domain as mail servers know it."""
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise DeliveryError(f"'{domain}' is no domain of a mail address.") from None


def draw(folder: Path | None, key: str) -> list[Picture]:
    """The plots of a report as PNG; one that cannot be drawn is left out, a mail without it still says all."""
    found: list[Picture] = []
    size = 0
    for number, path in enumerate(sorted((folder / PLOTS).glob("*.svg")) if folder else [], 1):
        try:
            svg = path.read_text(encoding="utf-8")
            picture = png(svg)
        except (OSError, ValueError):
            continue
        size += len(picture)
        if len(found) == MOST_PICTURES or size > LARGEST_PICTURES:
            break
        title, alt = words_of(svg)
        found.append(Picture(f"plot-{number}.{key}", title, alt, picture))
    return found


def draw_sample(folder: Path, occasion: Occasion) -> None:
    """The report of a sample with its plots, for a test of the rules."""
    from helpers.report import write_report

    write_report(occasion.report, sample.evaluation(), folder)


def _footer(rule: Email, occasion: Occasion) -> list[str]:
    when, repository = ", ".join(rule.when), words.link(occasion.report.repository)
    where = f"{occasion.config_name} of {repository}" if repository else occasion.config_name
    lines = [f"Sent because of the rule 'when: {when}' in {where}."]
    if occasion.report.run.id:
        lines.append(f"Run {words.clean(occasion.report.run.id, 80)}.")
    return lines


def _page(rule: Email, occasion: Occasion, **given: Any) -> str:
    report, intro = occasion.report, given.pop("intro")
    found = words.verdict(report)
    rows = words.metric_lines(report)
    paragraphs = [part.splitlines() for part in intro.split("\n\n") if part.strip()]
    return page_template(Path(__file__).with_name("mail_page.html")).render(
        **given,
        test=occasion.test,
        intro=paragraphs,
        with_report=rule.report,
        verdict=found,
        colour=COLOURS[found.tone],
        headline=found.headline[:1].upper() + found.headline[1:],
        about=mail_text.about(report),
        origin=mail_text.origin(report),
        failure=report.failure if found.tone == "broken" else None,
        failure_message=words.clean(report.failure.message, 4000, lines=True) if report.failure else "",
        metrics=rows[:MOST_METRICS],
        more_metrics=max(0, len(rows) - MOST_METRICS),
        compared=words.compared(report.decision.baseline),
        baseline_name=words.baseline_name(report.decision.baseline),
        baseline_note=words.baseline_note(report.decision.baseline),
        reasons=mail_text.reasons(report),
        links=links(report),
        data=mail_text.data_lines(report),
    )


def _attach(message: EmailMessage, rule: Email, occasion: Occasion) -> None:
    for kind in dict.fromkeys(rule.attach):
        path = occasion.folder / f"report.{kind}" if occasion.folder else None
        if path is not None and path.is_file():
            main, sub = _KINDS[kind]
            message.add_attachment(path.read_bytes(), main, sub, filename=path.name)
