"""``mlopsgen doctor``: look for what is wrong, each finding with its next step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlopsgen.constants import HOSTED_REMOTE, LOCAL_REMOTE
from mlopsgen.errors import ExitCode, MlopsgenError
from mlopsgen.events import Waiting
from mlopsgen.forge.worker import pythons
from mlopsgen.operations import checks
from mlopsgen.operations.checks import Finding
from mlopsgen.operations.project import (
    WITHOUT_PIPELINES,
    Project,
    Surroundings,
    find_project,
    forge_folder,
    open_forge,
    open_trainings,
    why_no_forge,
)
from mlopsgen.operations.wording import counted
from mlopsgen.ports import EventSink
from mlopsgen.result import OperationResult

if TYPE_CHECKING:
    from mlopsgen.adapters.credentials import Credential
    from mlopsgen.operations.hosting import Target


@dataclass(frozen=True, kw_only=True)
class DoctorRequest:
    """Where to look.

    Attributes:
        surroundings: Where the command runs.
        credential: Finds the token for GitHub without asking anybody; ``None`` leaves GitHub out.
    """

    surroundings: Surroundings
    credential: Callable[[Target], Credential] | None = None


def doctor(request: DoctorRequest, events: EventSink) -> OperationResult:
    """Check the machine, the repository and its forge; nothing is changed, and no failure stops the other checks.

    Returns:
        A result with exit code 1 when there is a problem.
    """
    here = request.surroundings
    events(Waiting(message="Looking at this machine"))
    findings: list[Finding] = []
    project = _project(here, findings)
    wanted = "" if project is None else pythons.wanted_version(project.root)
    findings[:0] = [checks.check_system(), *checks.check_machine(here, wanted), checks.check_uv(here)]
    if project is not None:
        findings += checks.check_make(here)
    if project is None:
        findings.append(checks.check_disk(here.folder))
    else:
        if not project.trains:
            findings.append(checks.good("pipelines", f"nothing trains: {WITHOUT_PIPELINES}"))
        _check_forge(project, here, findings)
        if request.credential is not None:
            events(Waiting(message="Looking at GitHub"))
            from mlopsgen.operations.checks_github import check_github  # noqa: PLC0415 - other checks need it not

            findings.extend(check_github(here, request.credential))
    problems = [finding for finding in findings if finding.level == "problem"]
    warnings = [finding for finding in findings if finding.level == "warning"]
    found = {"problem": problems, "warning": warnings, "check": findings}
    return OperationResult(
        summary=f"{', '.join(counted(len(items), word) for word, items in found.items())}.",
        data={"findings": [finding.as_dict() for finding in findings]},
        next_steps=tuple(dict.fromkeys(finding.hint for finding in (*problems, *warnings))),
        exit_code=ExitCode.FAILURE if problems else ExitCode.OK,
    )


def _project(here: Surroundings, findings: list[Finding]) -> Project | None:
    try:
        project = find_project(here)
    except MlopsgenError as error:
        findings.append(_without_project(here, error))
        return None
    findings.append(checks.good("project", f"{project.slug} in {project.root}"))
    return project


def _without_project(here: Surroundings, error: MlopsgenError) -> Finding:
    if any((folder / ".git").exists() for folder in (here.folder, *here.folder.parents)):
        return checks.warning("project", error.message, error.hint)
    message = "this folder is in no repository: only the machine was looked at"
    return checks.warning("project", message, "mlopsgen init   (makes one; or go into yours and ask again)")


def _check_forge(project: Project, here: Surroundings, findings: list[Finding]) -> None:
    forge = open_forge(forge_folder(project), here)
    findings.append(checks.check_disk(forge.layout.root))
    remotes = project.source.remotes()
    if HOSTED_REMOTE in remotes and LOCAL_REMOTE not in remotes:
        findings.append(checks.good("forge", "none on this machine; 'mlopsgen push --local' makes one"))
        return
    try:
        if forge.repository() is None:
            message, hint = why_no_forge(project, forge.layout.root)
            findings.append(checks.warning("forge", f"{project.slug} {message}", hint))
            return
        findings.append(checks.check_remote(project, forge))
        findings.extend(checks.check_program(forge))
    except MlopsgenError as error:
        findings.append(checks.problem("forge", error.message, error.hint))
        return
    trainings = open_trainings(forge.layout.root, here)
    findings.append(checks.check_recorded_python(forge.layout, here))
    findings.extend(checks.check_environments(forge.layout))
    findings.extend(checks.check_queue(trainings))
    findings.append(checks.check_git_locks(project, forge.layout))
    findings.append(checks.check_prepared(forge.layout))
