"""What ``mlopsgen sync`` in a clone is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mlopsgen.adapters.credentials import Credential
from mlopsgen.constants import MAIN_BRANCH
from mlopsgen.operations.hosting import Target
from mlopsgen.operations.project import Surroundings
from mlopsgen.operations.template_shelf import TemplateShelf
from mlopsgen.remote.plan import Plan
from mlopsgen.sync.ahead import Ask
from mlopsgen.sync.start import Given
from mlopsgen.sync.values import Update


@dataclass(frozen=True, kw_only=True)
class SyncRequest:
    """What to update, and how far to go.

    Attributes:
        surroundings: Where the command runs.
        branch: The branch that is updated.
        to: The template's version; empty for the newest.
        given: Answers that come with it.
        rebase_from: The version that the repository really has, where its record is wrong.
        template: Where the template lies now, if it moved.
        keep_edits: Merge edited files of the template instead of replacing them.
        check: Only tell whether there is an update.
        dry_run: Show the update and stop.
        agreed: Open the pull request without asking.
        pull_request: Whether there shall be one at all; otherwise nothing leaves this machine.
        settings: Bring GitHub's settings to what the updated files ask for.
        host: The GitHub server, where a flag names it.
        credential: Finds the token for GitHub; ``None`` leaves GitHub out.
        ask: Asks new questions; ``None`` where nobody can answer.
        show: Takes the update before anything is done.
        agree: Asks a person a question with yes or no, and with the answer that is meant by nothing typed; ``None``
            where nobody can answer.
        show_settings: Takes what GitHub would become, before anybody is asked.
        again: The command that asks for the same once more, for people.
        resume: The command that finishes an update whose conflicts are resolved, for people.
        shelf: Opens templates; ``None`` for those that can be reached from here.
    """

    surroundings: Surroundings
    branch: str = MAIN_BRANCH
    to: str = ""
    given: Given = field(default_factory=Given)
    rebase_from: str = ""
    template: str = ""
    keep_edits: bool = False
    check: bool = False
    dry_run: bool = False
    agreed: bool = False
    pull_request: bool = True
    settings: bool = False
    host: str = ""
    credential: Callable[[Target], Credential] | None = None
    ask: Ask | None = None
    show: Callable[[Update], None] = lambda _: None
    agree: Callable[[str, bool], bool] | None = None
    show_settings: Callable[[Plan], None] = lambda _: None
    again: str = "mlopsgen sync"
    resume: str = "mlopsgen sync --continue"
    shelf: TemplateShelf | None = None

    @property
    def sync_branch(self) -> str:
        """The branch that the update is made on."""
        return f"mlopsgen/sync-{self.branch}"
