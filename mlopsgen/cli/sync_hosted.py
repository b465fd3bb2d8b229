"""``mlopsgen sync --repository OWNER/NAME``: what is asked and shown."""

from __future__ import annotations

from mlopsgen.cli.github_token import credential_finder
from mlopsgen.cli.new_answers import ask_new, given_of
from mlopsgen.cli.session import Session, Shown
from mlopsgen.cli.sync_flags import SyncFlags
from mlopsgen.cli.sync_here import Screen
from mlopsgen.cli.trust_option import trust_of
from mlopsgen.errors import Interrupted
from mlopsgen.operations import sync_repository as operation
from mlopsgen.operations.template_shelf import TemplateShelf
from mlopsgen.sync.update import UpdateRequest


def sync_repository(session: Session, flags: SyncFlags) -> Shown:
    """Run the operation as the flags say, and show its end."""
    asked = session.interactive and not flags.token_stdin and not flags.yes
    screen = Screen(session, flags)
    update = UpdateRequest(
        to=flags.to or None,
        given=given_of(session, flags.answers, flags.assignments),
        rebase_from=flags.rebase_from or None,
        keep_edits=flags.keep_edits,
        ask=ask_new(session) if asked and not (flags.check or flags.dry_run) else None,
    )
    request = operation.RepositoryRequest(
        environ=session.environ,
        credential=credential_finder(session, token_stdin=flags.token_stdin, host=flags.host),
        full_name=flags.repository,
        host=flags.host,
        branch=flags.branch,
        update=update,
        template=flags.template,
        check=flags.check,
        dry_run=flags.dry_run,
        agreed=flags.yes,
        pull_request=not flags.no_pull_request,
        settings=flags.settings,
        show=screen.show,
        show_settings=screen.show_settings,
        agree=screen.agree if asked else None,
        shelf=TemplateShelf(session.environ, trust_of(flags.trust)),
    )
    try:
        result = operation.sync_repository(request, session.events)
    except KeyboardInterrupt:
        raise Interrupted("Stopped.", hint="Run it again: it continues with what is left.") from None
    text = [*screen.last, ""] if flags.dry_run and screen.last else []
    return Shown(result=result, text="\n".join([*text, result.summary]))
