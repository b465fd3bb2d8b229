"""The whole proof of a template: a repository with every default is installed, linted and tested as its owner would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlopsgen.adapters import process
from mlopsgen.errors import MlopsgenError
from mlopsgen.events import StepDone, StepStarted
from mlopsgen.operations.config_rows import answer_rows
from mlopsgen.operations.init import InitRequest, Source, init
from mlopsgen.operations.sync_checks import HANDED_ON, Check
from mlopsgen.ports import EventSink, Template
from mlopsgen.question_set import QuestionSet
from mlopsgen.secret_value import redact

LIMIT = 1800.0
"""Seconds that each of its commands may take."""

_LINES = 15
_MORE = (
    "PYTHON",
    "PIP_INDEX_URL",
    "PIP_CERT",
    "UV_INDEX_URL",
    "SSL_CERT_FILE",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
)


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What is proven.

    Attributes:
        template: The template.
        version: Its version.
        questions: What that one asks.
        folder: Where the repository is made; it is not there yet.
        environ: The environment of the person.
    """

    template: Template
    version: str
    questions: QuestionSet
    folder: Path
    environ: Mapping[str, str]


def whole_checks(proof: Proof, events: EventSink) -> Iterator[Check]:
    """Make a repository with every default, and run ``make setup``, ``make lint`` and ``make test`` in it.

    The commands get no token of ours. What fails ends it: the later ones build on the earlier ones.
    """
    row = next(iter(answer_rows(proof.questions)))
    request = InitRequest(
        destination=proof.folder,
        answers=row.answers,
        template_version=proof.version,
        environ=proof.environ,
        source=Source(address=proof.template.address, is_ours=proof.questions.ours),
        rendered=proof.questions.for_engine(row.answers, row.given),
    )
    given = {name: proof.environ[name] for name in (*HANDED_ON, *_MORE) if name in proof.environ}
    init(request, proof.template, lambda _: None)
    passed = True
    for verb, what in (("setup", "installs"), ("lint", "passes its lint"), ("test", "passes its tests")):
        name = f"a repository {what}"
        if not passed:
            yield Check(name=name, ran=False, detail="the checks before come first")
            continue
        events(StepStarted(message=f"make {verb}"))
        found = _run(name, ["make", verb], proof.folder, given)
        passed = found.ok
        events(StepDone(message=f"make {verb}: {'done' if passed else 'failed'}"))
        yield found


def _run(name: str, argv: list[str], folder: Path, environ: Mapping[str, str]) -> Check:
    try:
        done = process.run(argv, cwd=folder, env=environ, check=False, timeout=LIMIT)
    except MlopsgenError as error:
        return Check(name=name, ok=False, detail=error.message)
    if done.exit_status == 0:
        return Check(name=name)
    said = [line for line in redact(f"{done.stdout}\n{done.stderr}").splitlines() if line.strip()]
    return Check(name=name, ok=False, detail="\n".join(said[-_LINES:]))
