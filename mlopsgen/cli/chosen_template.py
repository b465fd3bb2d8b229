"""The template that a person chose: its questions, its version, and what the folder is called that it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlopsgen import answers, naming
from mlopsgen.cli.console import TextEvents
from mlopsgen.cli.session import Session
from mlopsgen.cli.trust_option import trust_of
from mlopsgen.constants import CANONICAL_TEMPLATE
from mlopsgen.events import StepStarted, Warn
from mlopsgen.ports import Template
from mlopsgen.question_set import QuestionSet
from mlopsgen.questions import Value

BUILT_IN = "builtin"
"""The name of the template that the package carries."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A template and one of its versions.

    Attributes:
        questions: What the version asks.
        version: The version; empty for the newest of the built-in template, which nobody has opened yet.
        template: The template; ``None`` for the built-in one that nobody has opened yet.
        named: Whether the person named it, so that messages should as well.
    """

    questions: QuestionSet
    version: str = ""
    template: Template | None = None
    named: bool = False

    @property
    def address(self) -> str:
        """Where the template lies, as repositories record it."""
        return self.template.address if self.template is not None else CANONICAL_TEMPLATE

    @property
    def called(self) -> str:
        """The template in a few words, for sentences."""
        return f"{self.template.address} {self.version}" if self.template is not None and self.named else self.version

    def opened(self, environ: Mapping[str, str]) -> Template:
        """The template, to be rendered."""
        if self.template is not None:
            return self.template
        from mlopsgen.adapters.copier_engine import CopierEngine
        from mlopsgen.adapters.template_store import TemplateStore

        return CopierEngine(TemplateStore(environ), environ)  # without what only templates of other people need

    @property
    def names_folder(self) -> bool:
        """Whether the template, or an answer to it, says what the folder is called."""
        asked = self.questions.by_key
        return any(key in asked for key in naming.FOLDER_KEYS) or bool(self._of_engine({}))

    def folder_name(self, found: Mapping[str, Value]) -> str:
        """What the folder is called; empty where nobody says."""
        if self.questions.ours:
            return str(found.get("slug", ""))
        named = (naming.slug_of(str(found[key])) for key in naming.FOLDER_KEYS if key in found)
        return self._of_engine(found) or next((name for name in named if name), "")

    def _of_engine(self, found: Mapping[str, Value]) -> str:
        return "" if self.template is None else self.template.folder_name(self.version, found)


def choose(
    session: Session,
    address: str,
    version: str | None,
    trusted: Sequence[str] | None = None,
    *,
    only_read: bool = False,
) -> Chosen:
    """The template at an address.

    Args:
        session: The command's surroundings; a private template's token is looked for in its environment.
        address: What stands after ``--template``.
        version: What stands after ``--template-version``; the newest if it is left out.
        trusted: What stands after each ``--trust``.
        only_read: Whether nothing is rendered, so that code of its own does not matter.

    Raises:
        MlopsgenError: It cannot be opened, or has no such version.
    """
    if address == BUILT_IN and version is None and not trusted:
        return Chosen(questions=answers.BUILT_IN)
    from mlopsgen.adapters.templates import open_template

    if address != BUILT_IN:
        session.events(StepStarted(message="Reading the template"))
    named = None if address == BUILT_IN else address
    template = open_template(named, session.environ, given=True, trust=trust_of(trusted))
    found = template.newest if version is None else template.find(version) or version
    if named is not None and not only_read:
        template.permit(found)  # before a person answers anything
    questions = template.questions(found)
    if isinstance(session.events, TextEvents):
        session.events.clear()
    if template.warning:
        session.events(Warn(message=template.warning))
    for key, reason in questions.left.items():
        session.events(Warn(message=f"'{key}' keeps the template's default: {reason}."))
    return Chosen(questions=questions, version=found, template=template, named=address != BUILT_IN)
