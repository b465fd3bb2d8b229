"""Works an adoption out beside the repository: which template, which answers, and what comes of both."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlopsgen.adapters.git import GitRepository
from mlopsgen.constants import ANSWERS_FILE, CANONICAL_TEMPLATE, OWNED
from mlopsgen.errors import InvalidDocument, MlopsgenError, UsageError
from mlopsgen.events import StepStarted, Warn
from mlopsgen.operations.adopt_found import CRUFT_FILE, MadeBy, Origin, find_origin, text_of
from mlopsgen.operations.adopt_guess import guess
from mlopsgen.operations.adopt_request import Adoption, AdoptRequest, KeptFile
from mlopsgen.operations.sync_work import contents_from
from mlopsgen.operations.template_shelf import TemplateShelf
from mlopsgen.ports import EventSink, Template
from mlopsgen.question_set import QuestionSet
from mlopsgen.questions import Value
from mlopsgen.sync import trees
from mlopsgen.sync.adopted import Laid, lay_beside
from mlopsgen.sync.classes import classes_of
from mlopsgen.sync.merging import diffs
from mlopsgen.sync.moved import as_there
from mlopsgen.sync.record import Record, renewed_text
from mlopsgen.sync.renders import Renders
from mlopsgen.sync.start import known_version
from mlopsgen.sync.values import Entry, FileClass, Listing
from mlopsgen.sync.workshop import workshop

_NAMED = 10
_HALF = 2


@contextmanager
def adoption(
    source: GitRepository, ours: str, request: AdoptRequest, events: EventSink
) -> Iterator[tuple[Adoption, GitRepository]]:
    """Work it out; nothing is written into the person's repository.

    Yields:
        What comes of it, and the bare repository that holds its objects while it lasts.

    Raises:
        MlopsgenError: A record, the template or an answer does not allow it.
    """
    environ = request.surroundings.environ
    origin = Origin() if request.anew else find_origin(source, trees.listing(source, ours), request.record)
    shelf = request.shelf or TemplateShelf(environ, request.trust)
    address = request.template or origin.template or CANONICAL_TEMPLATE
    if origin.directory and "#" not in address:
        address = f"{address}#{origin.directory}"
    template = shelf.template(address, given=bool(request.template))
    if template.warning:
        events(Warn(message=template.warning))
    renders = shelf.renders(template)
    events(StepStarted(message="Laying the template beside the repository"))
    with tempfile.TemporaryDirectory(prefix="mlopsgen-adopt-", ignore_cleanup_errors=True) as scratch:
        shop = workshop(Path(scratch) / "shop.git", source, renders)
        work = _Work(source, shop, ours, request, origin, template, renders)
        yield (work.by_hand() if origin.made_by is MadeBy.HAND else work.taken_over()), shop


@dataclass
class _Work:
    source: GitRepository
    shop: GitRepository
    ours: str
    request: AdoptRequest
    origin: Origin
    template: Template
    renders: Renders

    def __post_init__(self) -> None:
        self._mine = trees.listing(self.shop, self.ours)

    def by_hand(self) -> Adoption:
        """Merge the template into a repository that none was used for: whatever the owner has stays."""
        version = (
            known_version(self.template, self.request.version, "--template-version") if self.request.version else ""
        )
        version = version or self.template.newest
        self.template.permit(version)  # before anybody is asked anything
        questions = self.template.questions(version)
        answers, guessed = self._answers(questions)
        told = {*guessed, *self.request.given.answers}
        made = self.renders.tree(version, questions.for_engine(answers, told))
        rendered = trees.listing(self.shop, made)
        laid = lay_beside(self._mine, rendered, classes_of(self.template, version), self._read)
        owned, locks = laid.owned(), _locks_of(laid)
        record = self._record(rendered, version, answers, owned)
        tree = trees.tree_of(self.shop, {**self._mine, **laid.added, ANSWERS_FILE: record})
        return Adoption(
            made_by=MadeBy.HAND,
            template=self.template.address,
            version=version,
            newest=self.template.newest,
            ours=self.ours,
            tree=tree,
            theirs=self._theirs(laid, self._record(rendered, version, answers, locks)),
            rendered=made,
            added=tuple(laid.added),
            kept=self._kept(laid),
            same=len(laid.same),
            answers=answers,
            guessed=tuple(key for key in guessed if answers.get(key) == guessed[key]),
            owned=tuple(owned),
            locks=tuple(locks),
            warnings=tuple(self._left_records()),
        )

    def taken_over(self) -> Adoption:
        """Write the record of a repository that the template made; not one other file changes."""
        origin = self.origin
        self._refuse_pointless()
        if origin.file != ANSWERS_FILE and ANSWERS_FILE in self._mine:
            raise MlopsgenError(
                f"{ANSWERS_FILE} is the record of another template than {origin.file}; one is kept up to date.",
                where=ANSWERS_FILE,
                hint=f"Move it away first, for example: git mv {ANSWERS_FILE} .answers.other.yml, and commit it.",
            )
        version = self._version()
        rendered = trees.listing(self.shop, self.renders.tree(version, origin.answers))
        if origin.record is not None:
            text = renewed_text(origin.record, None, self.template.address, version)
            record = self._stored(text)
        else:
            record = self._record(rendered, version, origin.answers, origin.skipped)
        removed = [path for path in (origin.file,) if path != ANSWERS_FILE and path not in rendered]
        kept = {path: entry for path, entry in self._mine.items() if path not in removed}
        wanted = {path: entry for path, entry in rendered.items() if path not in (ANSWERS_FILE, origin.file)}
        same = sum(1 for path, entry in wanted.items() if self._mine.get(path) == entry)
        return Adoption(
            made_by=origin.made_by,
            template=self.template.address,
            version=version,
            newest=self.template.newest,
            ours=self.ours,
            tree=trees.tree_of(self.shop, {**kept, ANSWERS_FILE: record}),
            same=same,
            apart=len(wanted) - same,
            removed=tuple(removed),
            answers=origin.answers,
            owned=origin.skipped if origin.record is None else origin.record.owned,
            warnings=tuple(self._doubts(same, len(wanted), version)),
        )

    def _answers(self, questions: QuestionSet) -> tuple[dict[str, Value], Mapping[str, Any]]:
        """Every answer, and what was guessed."""
        given = self.request.given
        guessed = guess(self.source, lambda name: text_of(self.shop, self._mine, name), questions)
        known: dict[str, object] = {**guessed, **given.answers}
        if self.request.ask is not None:
            return self.request.ask(questions, known), guessed
        return questions.resolve(known, origin=given.origin), guessed

    def _version(self) -> str:
        """The version that the template made the repository at."""
        origin, asked = self.origin, self.request.version
        if asked:
            return known_version(self.template, asked, "--template-version")
        recorded = Record(template=origin.template, version=origin.version, answers=origin.answers)
        try:
            wanted = as_there(recorded, self.template).version
        except UsageError as error:
            error.hint = "Leave --template out to keep its own template, or give --anew to merge another one."
            raise
        found = self.template.find(wanted) if wanted else None
        if found is not None:
            return found
        versions = self.template.versions()
        named = f"names {origin.version}, which the template does not have" if origin.version else "names no version"
        raise InvalidDocument(
            f"{origin.file} {named}.",
            where=origin.file,
            hint=f"Say which one made it: --template-version VERSION. Versions here: {', '.join(versions[-_NAMED:])}. "
            "To merge another template into it: --anew.",
        )

    def _refuse_pointless(self) -> None:
        """Refuse what means nothing where not one file of the template is merged."""
        made = f"{self.origin.made_by.value} made this repository (see {self.origin.file}), and adopting it writes"
        if self.request.given.answers:
            raise UsageError(
                f"{made} the answers that it was made with: others cannot be given now.",
                where=next(iter(self.request.given.origin.values()), "--set"),
                hint="Change them afterwards: mlopsgen sync --set KEY=VALUE.",
            )
        if self.request.conflicts:
            raise UsageError(
                f"{made} the record alone: there is nothing that could conflict.",
                where="--conflicts",
                hint="Leave it out; 'mlopsgen sync' brings newer versions afterwards. --anew merges another template.",
            )

    def _read(self, ids: Sequence[str]) -> Mapping[str, bytes]:
        self._bring(ids)
        return trees.blobs(self.shop, ids)

    def _bring(self, ids: Collection[str]) -> None:
        """Bring contents that a clone was made without."""
        fetch = contents_from(self.source)
        mine = {entry.blob for entry in self._mine.values()}
        if fetch is not None:
            fetch([each for each in ids if each in mine])

    def _record(self, rendered: Listing, version: str, answers: Mapping[str, Any], owned: Sequence[str]) -> Entry:
        """The record as the template writes it, with what the owner takes over."""
        import yaml  # noqa: PLC0415 - only what reads or writes YAML pays for it

        taken = yaml.safe_dump({OWNED: list(owned)}, allow_unicode=True, width=10_000) if owned else ""
        text = text_of(self.shop, rendered, ANSWERS_FILE)
        mine = Record(template="", version="", answers={}, text=taken)
        return self._stored(renewed_text(mine, text, self.template.address, version, answers if text is None else None))

    def _stored(self, text: str) -> Entry:
        return Entry("100644", trees.store_blobs(self.shop, [text.encode()])[0])

    def _theirs(self, laid: Laid, record: Entry) -> str:
        """The template's side of a merge with conflicts: what comes, and what both have and updates will merge."""
        both = {one.path: one.theirs for one in laid.kept if _may_conflict(one.path == one.at, one.kind)}
        return trees.tree_of(self.shop, {**laid.added, **both, ANSWERS_FILE: record})

    def _kept(self, laid: Laid) -> tuple[KeptFile, ...]:
        mine = {one.path: self._mine[one.path] for one in laid.kept if one.is_same_name}
        theirs = {one.path: one.theirs for one in laid.kept if one.is_same_name}
        before, after = (trees.tree_of(self.shop, side) for side in (mine, theirs))
        found = diffs(self.shop, before, after, tuple(mine))
        return tuple(
            KeptFile(path=one.path, kind=one.kind, at=one.at, diff=found.get(one.path, "")) for one in laid.kept
        )

    def _left_records(self) -> Iterator[str]:
        """Records of other tools in a repository that is adopted as if nothing had made it."""
        if ANSWERS_FILE in self._mine:
            yield f"{ANSWERS_FILE} of another template is replaced; git's history keeps it."
        if CRUFT_FILE in self._mine:
            yield f"{CRUFT_FILE} stays: 'cruft update' would go on changing files that mlopsgen keeps up to date."

    def _doubts(self, same: int, total: int, version: str) -> Iterator[str]:
        if total and same * _HALF < total:
            yield (
                f"Only {same} of the {total} files that {version} renders are in the repository as rendered: updates "
                "will conflict where it was made from another version (--template-version names it)."
            )


def _may_conflict(is_same_name: bool, kind: FileClass) -> bool:
    return is_same_name and kind not in {FileClass.SEEDED, FileClass.LOCK}


def _locks_of(laid: Laid) -> list[str]:
    """What stays the owner's even where everything else is merged: locks are made, never merged."""
    only = [one for one in laid.kept if one.kind is FileClass.LOCK]
    return Laid(added={}, same=(), kept=tuple(only)).owned()
