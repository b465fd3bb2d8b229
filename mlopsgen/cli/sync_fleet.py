"""``--all`` of ``mlopsgen sync`` and ``mlopsgen status``: a fleet as the flags say, and its table."""

from __future__ import annotations

import textwrap

from mlopsgen.cli.console import TextEvents, agreed
from mlopsgen.cli.fleet_table import fleet_lines
from mlopsgen.cli.github_token import credential_finder
from mlopsgen.cli.new_answers import given_of
from mlopsgen.cli.session import Session, Shown
from mlopsgen.cli.sync_flags import SyncFlags
from mlopsgen.cli.trust_option import trust_of
from mlopsgen.constants import BRANCHES
from mlopsgen.errors import MissingAnswer, UsageError
from mlopsgen.operations.fleet import JOBS, MOST_JOBS, FleetRequest, fleet
from mlopsgen.operations.hosting import LOGIN
from mlopsgen.operations.template_shelf import TemplateShelf
from mlopsgen.sync.update import UpdateRequest

_NOT_FOR_ALL = ("--settings", "--rebase-from")


def sync_fleet(session: Session, flags: SyncFlags) -> Shown:
    """``mlopsgen sync --all``: a pull request for each repository that is behind."""
    for flag in _NOT_FOR_ALL:
        if flag in flags.given():
            hint = "Give it with --repository OWNER/NAME, one repository at a time."
            raise UsageError(f"{flag} means nothing together with --all.", where=flag, hint=hint)
    publish = not (flags.dry_run or flags.check)
    asked = publish and not flags.yes
    if asked and (not session.interactive or flags.token_stdin):
        raise MissingAnswer(
            "There is no terminal to ask in whether pull requests are to be opened.",
            where="--yes",
            hint="Add --yes to open them, or --dry-run to see what would be done.",
        )

    def agree(owner: str, count: int) -> bool:
        if isinstance(session.events, TextEvents):
            session.events.clear()
        many = f"{count} repositories" if count > 1 else "1 repository"
        most = "" if flags.limit is None or flags.limit >= count else f", at most {flags.limit}"
        what = "push a branch" if flags.no_pull_request else "open a pull request"
        question = f"Look at {many} of {owner} and {what} wherever there is an update{most}?"
        return agreed(question, default=True)

    given = given_of(session, flags.answers, flags.assignments)
    request = FleetRequest(
        environ=session.environ,
        credential=credential_finder(session, token_stdin=flags.token_stdin, host=flags.host),
        host=flags.host,
        owner=_owner(flags.organisation, personal=flags.personal),
        pattern=flags.pattern,
        limit=flags.limit,
        jobs=min(flags.jobs or JOBS, MOST_JOBS),
        publish=publish,
        pull_request=not flags.no_pull_request,
        check=flags.check,
        branch=_branch(flags.branch),
        update=UpdateRequest(to=flags.to or None, given=given, keep_edits=flags.keep_edits),
        template=flags.template,
        agree=agree if asked else None,
        again=flags.again,
        shelf=TemplateShelf(session.environ, trust_of(flags.trust)),
    )
    return _show(session, request)


def fleet_status(
    session: Session,
    *,
    organisation: str,
    personal: bool,
    pattern: str,
    limit: int | None,
    jobs: int | None,
    branch: str,
    trust: tuple[str, ...],
    host: str,
    token_stdin: bool,
) -> Shown:
    """``mlopsgen status --all``: who is behind, by how much, and where an update would conflict."""
    flags = SyncFlags(
        all_=True,
        organisation=organisation,
        personal=personal,
        pattern=pattern,
        limit=limit,
        branch=branch,
        trust=trust,
        host=host,
    )
    request = FleetRequest(
        environ=session.environ,
        credential=credential_finder(session, token_stdin=token_stdin, host=host),
        host=host,
        owner=_owner(organisation, personal=personal),
        pattern=pattern,
        limit=limit,
        jobs=min(jobs or JOBS, MOST_JOBS),
        branch=_branch(branch),
        again=flags.again,
        shelf=TemplateShelf(session.environ, trust_of(trust)),
    )
    return _show(session, request)


def _show(session: Session, request: FleetRequest) -> Shown:
    result = fleet(request, session.events)
    lines = fleet_lines(result.rows, width=session.width, colour=session.colour)
    summary = textwrap.fill(result.summary, session.width, break_long_words=False, break_on_hyphens=False)
    return Shown(result=result, text="\n".join([*lines, *([""] if lines else []), summary]))


def _owner(organisation: str, *, personal: bool) -> str:
    """The organisation; empty for one's own account."""
    if organisation and personal:
        raise UsageError("--org and --user exclude each other.", where="--user", hint="Give one of them.")
    if not organisation and not personal:
        raise MissingAnswer(
            "Whose repositories has not been said.",
            where="--org",
            hint="Add --org ORGANISATION, or --user for your own account.",
        )
    if organisation and not LOGIN.fullmatch(organisation):
        hint = "Letters, digits and single dashes: the last part of its address on GitHub."
        raise UsageError(f"'{organisation}' cannot be an organisation on GitHub.", where="--org", hint=hint)
    return organisation


def _branch(name: str) -> str:
    if name in BRANCHES:
        return name
    hint = f"The branches are {', '.join(BRANCHES)}."
    raise UsageError(f"There is no branch '{name}' in a generated repository.", where="--branch", hint=hint)
