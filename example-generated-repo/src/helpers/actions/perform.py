"""Carries the rules out: which apply, what each sends, what came of it; the same plan for a dry run."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from helpers import workflow_commands
from helpers.actions import github, jenkins, ledger, mail, webhook
from helpers.actions.conditions import met
from helpers.actions.delivery import DeliveryError, Occasion, Prepared, deliver, redacted
from helpers.actions.rules import Action, Email, Jenkins, RepositoryDispatch, Webhook, WorkflowDispatch
from helpers.actions.texts import TextError
from helpers.errors import RepositoryError
from helpers.report_words import clean

State = Literal["delivered", "partly", "already", "failed", "does not apply", "would be sent", "would fail", "was sent"]

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of a rule.

    Attributes:
        rule: What it is called.
        do: Its kind.
        when: Its conditions.
        state: What came of it.
        target: To whom or where.
        message: What the other side said, or why it failed.
        hint: The next step.
        attempts: How often it was tried.
        refused: Who of several people did not get it.
        key: The idempotency key.
        shown: What would be sent, for a dry run.
    """

    rule: str
    do: str
    when: list[str]
    state: State
    target: str = ""
    message: str = ""
    hint: str = ""
    attempts: int = 0
    refused: dict[str, str] | None = None
    key: str = ""
    shown: tuple[str, ...] = ()

    @property
    def bad(self) -> bool:
        """Whether somebody has to know that it did not work."""
        return self.state in ("failed", "partly")

    def to_json(self) -> dict[str, Any]:
        """The result as JSON values."""
        return {**asdict(self), "refused": self.refused or {}, "shown": list(self.shown)}


def named(rules: Sequence[Action]) -> list[tuple[str, Action]]:
    """The rules with what people call them: their name, or their place and kind."""
    return [(rule.name or f"{number}. {rule.do}", rule) for number, rule in enumerate(rules, 1)]


def applying(rules: Iterable[tuple[str, Action]], occasion: Occasion) -> Iterable[tuple[str, Action, bool]]:
    """Each rule, and whether it applies; in a test all do."""
    for name, rule in rules:
        yield name, rule, occasion.test or bool(met(rule.when, occasion.report))


def prepare(rule: Action, occasion: Occasion, key: str) -> Prepared:
    """What a rule sends.

    Raises:
        DeliveryError: It could not be sent.
        TextError: A template does not work.
    """
    match rule:
        case Email():
            return mail.prepare(rule, occasion, key)
        case RepositoryDispatch():
            return github.prepare_event(rule, occasion, key)
        case WorkflowDispatch():
            return github.prepare_workflow(rule, occasion, key)
        case Webhook():
            return webhook.prepare(rule, occasion, key)
        case Jenkins():
            return jenkins.prepare(rule, occasion, key)


def show(rules: Iterable[tuple[str, Action]], occasion: Occasion) -> list[Result]:
    """What would be sent, to whom; nothing is."""
    known, _ = ledger.read(None if occasion.test else occasion.folder, occasion.report.run.id)
    results = []
    for name, rule, applies in applying(rules, occasion):
        key = ledger.key_of(occasion.report, rule)
        told = Result(rule=name, do=rule.do, when=list(rule.when), state="would be sent", key=key)
        entry = known.entry(key)
        if not applies:
            results.append(replace(told, state="does not apply"))
        elif entry is not None and entry.state == "delivered":
            results.append(replace(told, state="was sent", target=entry.target, message=entry.message))
        else:
            results.append(_shown(told, rule, occasion, key))
    return results


def carry_out(
    rules: Iterable[tuple[str, Action]], occasion: Occasion, *, sent_from: Literal["ci", "pipeline"], say: Say
) -> list[Result]:
    """Sends what applies and was not sent before; a failure ends that rule alone, and is told."""
    folder = None if occasion.test else occasion.folder
    known, note = ledger.read(folder, occasion.report.run.id)
    if note:
        say(f"warning: {note}")
    results = []
    for name, rule, applies in applying(rules, occasion):
        key = ledger.key_of(occasion.report, rule)
        told = Result(rule=name, do=rule.do, when=list(rule.when), state="does not apply", key=key)
        if not applies:
            results.append(told)
            continue
        entry = known.entry(key)
        if entry is not None and entry.state == "delivered":
            result = replace(told, state="already", target=entry.target, message=f"Sent at {entry.at}.")
        else:
            done = entry.delivered_to if entry is not None else []
            result, reached = _carry_out_one(told, rule, occasion, key, done, say)
            known = known.with_entry(_entry(result, sent_from, reached))
            note = ledger.write(folder, known)
            if note:
                say(f"warning: {note}")
        results.append(result)
        say(line(result))
    return results


def line(result: Result) -> str:
    """A result in a line or two."""
    target = f" -> {clean(result.target, 160)}" if result.target else ""
    text = f"{result.rule}{target}: {result.state}. {result.message}".rstrip()
    refused = "".join(f"\n  not for {who}: {why}" for who, why in (result.refused or {}).items())
    hint = f"\n  {result.hint}" if result.bad and result.hint else ""
    return f"{text}{refused}{hint}"


def annotation(result: Result) -> str:
    """A failure as GitHub shows it beside the run."""
    refused = "".join(f" Not for {who}: {why}" for who, why in (result.refused or {}).items())
    text = f"{result.message}{refused} {result.hint}".strip()
    title = clean(f"The action '{result.rule}' was not delivered", 120)
    return workflow_commands.annotation("warning", text, title=title)


def summary(results: Sequence[Result]) -> str:
    """What was sent, as Markdown for the summary of a workflow run; empty when no rule applied."""
    from helpers.report_markdown import plain, table

    told = [result for result in results if result.state != "does not apply"]
    if not told:
        return ""
    rows = [
        [
            plain(result.rule, 80),
            plain(result.target, 120),
            f"**{result.state}**" if result.bad else result.state,
            plain(f"{result.message} {result.hint if result.bad else ''}".strip(), 400),
        ]
        for result in told
    ]
    return "\n".join(["## Actions", "", *table(["Rule", "To", "State", "Answer"], rows)])


def _shown(told: Result, rule: Action, occasion: Occasion, key: str) -> Result:
    try:
        prepared = prepare(rule, occasion, key)
        target, lines, problem = prepared.target, prepared.lines(), prepared.problem()
    except (RepositoryError, TextError) as error:
        return replace(told, state="failed", message=error.message, hint=error.hint)
    hidden = tuple(redacted(text, occasion.environ) for text in lines)
    told = replace(told, target=redacted(target, occasion.environ), shown=hidden)
    return replace(told, state="would fail", message=redacted(problem, occasion.environ)) if problem else told


def _carry_out_one(
    told: Result, rule: Action, occasion: Occasion, key: str, done: Sequence[str], say: Say
) -> tuple[Result, Sequence[str]]:
    """The result, and who has it now."""
    target = ""
    try:
        prepared = prepare(rule, occasion, key)
        target = redacted(prepared.target, occasion.environ)
        receipt, attempts = deliver(prepared, attempts=rule.attempts, done=done, say=say)
    except (RepositoryError, TextError) as error:
        where = f"{error.where}: " if isinstance(error, RepositoryError) and error.where else ""
        message = redacted(f"{where}{error.message}", occasion.environ)
        tried = error.attempts if isinstance(error, DeliveryError) else 0
        return replace(told, state="failed", target=target, message=message, hint=error.hint, attempts=tried), done
    except Exception as error:  # noqa: BLE001 - a mistake in one kind of action stops no other rule, and no training
        say(redacted("".join(traceback.format_exception(error)), occasion.environ))
        message = f"This is a mistake in the helpers: {type(error).__name__}."
        return replace(told, state="failed", target=target, message=message, hint="Please report it."), done
    refused = {who: redacted(why, occasion.environ) for who, why in receipt.refused.items()}
    result = replace(
        told, state="partly" if refused else "delivered", target=target, message=receipt.message, hint=receipt.hint,
        attempts=attempts, refused=refused,
    )  # fmt: skip
    return result, receipt.delivered


def _entry(result: Result, sent_from: Literal["ci", "pipeline"], reached: Sequence[str]) -> ledger.Entry:
    return ledger.Entry(
        key=result.key, rule=result.rule, do=result.do, when=result.when,
        state="failed" if result.bad else "delivered", target=result.target, delivered_to=list(reached),
        refused=result.refused or {}, at=ledger.now(), attempts=result.attempts, sent_from=sent_from,
        message=result.message, hint=result.hint,
    )  # fmt: skip
