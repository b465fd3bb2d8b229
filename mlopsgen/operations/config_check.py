"""``config-repo check``: whether an organisation's template makes sound repositories, whatever people answer."""

from __future__ import annotations

import tempfile
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlopsgen.adapters import upstream_history
from mlopsgen.adapters.copier_engine import CopierEngine
from mlopsgen.adapters.git import GitRepository
from mlopsgen.adapters.organisation_file import read_release
from mlopsgen.adapters.tagged_versions import order
from mlopsgen.adapters.template_store import TemplateStore
from mlopsgen.adapters.trust import NOBODY, Trust
from mlopsgen.adapters.working_version import WorkingVersion
from mlopsgen.errors import ExitCode, MlopsgenError
from mlopsgen.events import Progress, StepDone, StepStarted
from mlopsgen.operations.config_files import CHANGELOG, ORGANISATION, has_section
from mlopsgen.operations.config_full import Proof, whole_checks
from mlopsgen.operations.config_repository import find_config_repository
from mlopsgen.operations.config_rows import AnswerRow, answer_rows, to_answer
from mlopsgen.operations.config_workflows import check_workflows
from mlopsgen.operations.project import Surroundings
from mlopsgen.operations.sync_checks import Check, check_result
from mlopsgen.ports import EventSink
from mlopsgen.question_set import QuestionSet
from mlopsgen.result import OperationResult
from mlopsgen.sync.classes import DOCUMENT as CLASSES
from mlopsgen.sync.classes import classes_of
from mlopsgen.sync.renders import Renders

_RENDERS = "every set of answers renders"
_FIRST = "what was found before comes first"
_MOST = 8
"""So many rows that fail in different ways are told of each check."""

_ALONE = 3
"""So many answers are named that only the sets with a problem have."""

_FAILING = 3
"""After so many sets of answers that do not render, the others are not tried: each costs seconds then."""


@dataclass(frozen=True, kw_only=True)
class CheckRequest:
    """What to check.

    Attributes:
        surroundings: Where the command runs.
        full: Whether a repository is also installed, linted and tested: minutes, and the network.
        trust: The templates that may run code of their own.
    """

    surroundings: Surroundings
    full: bool = False
    trust: Trust = NOBODY


def check(request: CheckRequest, events: EventSink) -> OperationResult:
    """Check the template as it lies in the folder, committed or not; nothing there is changed.

    Returns:
        A result with exit code 1 when something is wrong.

    Raises:
        NoConfigRepository: The folder is none.
    """
    repository = find_config_repository(request.surroundings)
    with tempfile.TemporaryDirectory(prefix="mlopsgen-check-", ignore_cleanup_errors=True) as made:
        scratch = Path(made)
        checks, rows = _checks(repository, request, scratch, events)
    wrong = [each for each in checks if not each.ok]
    what = f"{rows} sets of answers" if rows else "no set of answers"
    found = "nothing is wrong" if not wrong else f"{len(wrong)} of {len(checks)} checks found something"
    return OperationResult(
        summary=f"Tried {what}: {found}.",
        data={
            "path": str(repository.path),
            "rows": rows,
            "checks": [{"name": each.name, "ok": each.ok, "ran": each.ran, "detail": each.detail} for each in checks],
        },
        next_steps=("Mend it, and run it again: mlopsgen config-repo check",) if wrong else (),
        exit_code=ExitCode.FAILURE if wrong else ExitCode.OK,
    )


def _checks(
    repository: GitRepository, request: CheckRequest, scratch: Path, events: EventSink
) -> tuple[list[Check], int]:
    """Every check, and how many sets of answers were tried."""
    environ = request.surroundings.environ
    checks = [_upstream(repository, TemplateStore(environ))]
    release, found = _release(repository)
    checks.append(found)
    folder = scratch / "version"
    folder.mkdir()
    version = f"v{release or '0'}"
    store = WorkingVersion(repository, version, folder, environ)
    template = CopierEngine(store, environ, request.trust)
    try:
        questions = template.questions(version)
        checks.append(_questions(questions))
        classes_of(template, version)
        checks.append(Check(name=f"{CLASSES} can be read"))
        template.permit(version)
    except MlopsgenError as error:
        checks.append(Check(name="the template can be read", ok=False, detail=_told(error)))
        return checks, 0
    if not all(each.ok for each in checks):
        return [*checks, Check(name=_RENDERS, ran=False, detail=_FIRST)], 0
    rows = _Rows(template, version, Renders(scratch / "renders.git", template, environ), environ)
    events(StepStarted(message="Rendering repositories"))
    rows.try_all(questions, events)
    checks += rows.checks()
    events(StepDone(message=f"{rows.count} repositories"))
    if request.full:
        if all(each.ok for each in checks):
            checks += whole_checks(
                Proof(
                    template=template, version=version, questions=questions, folder=scratch / "full", environ=environ
                ),
                events,
            )
        else:
            checks.append(Check(name="a repository passes its own tests", ran=False, detail=_FIRST))
    return checks, rows.count


def _told(error: MlopsgenError) -> str:
    where = f"{error.where}: " if error.where else ""
    return f"{where}{error.message}{f' {error.hint}' if error.hint else ''}"


def _upstream(repository: GitRepository, store: TemplateStore) -> Check:
    """Whether the version of mlopsgen's template is known, and this mlopsgen not older."""
    name = "mlopsgen's template is merged"
    head = repository.commit_of("HEAD")
    merged = upstream_history.stamp_of(repository, head) if head else ""
    if not merged:
        return Check(name=name, ok=False, detail=f"{upstream_history.STAMP} names no version in the last commit")
    if order(merged) > order(store.newest):
        return Check(
            name=name,
            ok=False,
            detail=f"it is {merged}, and this mlopsgen is older ({store.newest}): install a newer one",
        )
    if repository.read("rev-parse", "--is-shallow-repository") == "true":
        return Check(name=name, ran=False, detail=f"{merged}; the clone is shallow, so its history was not looked at")
    found = upstream_history.newest_upstream(repository, head or "")
    if found is None:
        return Check(name=name, ok=False, detail="no version of it stands in the history: was it squashed away?")
    detail = f"{merged}, but its merge was squashed: 'config-repo update' puts its history back"
    return Check(name=name, detail=merged if found.version == merged else detail)


def _release(repository: GitRepository) -> tuple[str, Check]:
    """The version that the organisation gives its template next, and whether it can."""
    name = "the next release"
    try:
        release = read_release((repository.path / ORGANISATION).read_text(encoding="utf-8", errors="replace"))
    except MlopsgenError as error:
        return "", Check(name=name, ok=False, detail=_told(error))
    if not release:
        return "", Check(name=name, ok=False, detail=f"{ORGANISATION} names no release, as in 'release: 1.2.0'")
    tagged = repository.succeeds("rev-parse", "--verify", "--quiet", f"refs/tags/v{release}")
    log = repository.path / CHANGELOG
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    told = "" if has_section(text, release) else f"; {CHANGELOG} says nothing of it yet"
    return release, Check(name=name, detail=f"{release}{' is tagged already' if tagged else ''}{told}")


def _questions(questions: QuestionSet) -> Check:
    if not questions.ours:
        return Check(
            name="questions", ok=False, detail="copier.yml lacks questions of mlopsgen's: it cannot be derived"
        )
    own = len([question for question in questions.questions if question.section == "organisation"])
    found = questions.organisation
    decided = f"{len(found.preset)} preset, {len(found.locked)} locked" if found is not None else "nothing is decided"
    needed = ", ".join(to_answer(questions))
    decided += f"; everybody has to answer {needed} (a preset would spare it)" if needed else ""
    left = "".join(f"; '{key}' keeps its default: {why}" for key, why in questions.left.items())
    return Check(name="questions", detail=f"{len(questions.questions)}, {own} of them your own; {decided}{left}")


@dataclass
class _Rows:
    """Repositories, made and looked at."""

    template: CopierEngine
    version: str
    renders: Renders
    environ: Mapping[str, str]
    _tried: list[AnswerRow] = field(default_factory=list)
    _first: str = ""
    _failed: int = 0
    _names: dict[str, None] = field(default_factory=lambda: {_RENDERS: None})
    _problems: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many sets of answers were tried."""
        return len(self._tried)

    def try_all(self, questions: QuestionSet, events: EventSink) -> None:
        """Render each set of answers and look at what comes out."""
        try:
            found = list(answer_rows(questions))
            for number, row in enumerate(found):
                events(Progress(message="Rendering repositories", done=number, total=len(found)))
                self._try(questions, row)
                if self._failed == _FAILING or (self._failed and not self._first):
                    return
        except MlopsgenError as error:
            self._problems[_RENDERS, _told(error)] = []

    def _try(self, questions: QuestionSet, row: AnswerRow) -> None:
        self._tried.append(row)
        try:
            tree = self.renders.tree(self.version, questions.for_engine(row.answers, row.given))
        except MlopsgenError as error:
            self._note(_RENDERS, _told(error))
            self._failed += 1
            return
        repository = self.renders.repository
        found = check_result(repository, tree, environ=self.environ, before=self._first or None)
        for each in (*found, *check_workflows(repository, tree)):
            self._names.setdefault(each.name)
            if not each.ok:
                for part in each.detail.split("; "):
                    self._note(each.name, part)
        self._first = self._first or tree

    def _note(self, name: str, detail: str) -> None:
        self._problems.setdefault((name, detail), []).append(self.count - 1)

    def checks(self) -> Iterator[Check]:
        """What was found, by check."""
        for name in self._names:
            told = [f"{detail}{self._with(rows)}" for (each, detail), rows in self._problems.items() if each == name]
            more = [f"and {len(told) - _MOST} more"] if len(told) > _MOST else []
            yield Check(name=name, ok=not told, detail="\n".join([*told[:_MOST], *more]))

    def _with(self, failing: Sequence[int]) -> str:
        """The answers that show a problem, in brackets: those that only the failing sets have, if there are any."""
        if not failing:
            return ""
        first = self._tried[failing[0]]
        if failing[0] == 0:  # later sets are only looked at where they differ from this one
            return f" (with {first.name})"
        others = [row.answers for number, row in enumerate(self._tried) if number not in failing]
        alike = [self._tried[number].answers for number in failing]
        shared = {key: value for key, value in first.answers.items() if all(row.get(key) == value for row in alike)}
        alone = [f"{key}={value}" for key, value in shared.items() if all(row.get(key) != value for row in others)]
        told = ", ".join(alone[:_ALONE]) or textwrap.shorten(first.name, 200, placeholder=" ...")
        return f" (with {told})"
