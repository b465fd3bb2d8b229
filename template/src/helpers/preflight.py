"""``check``: looks at everything that a run needs before one is started; what fails says why, and what to do.

The configuration and the pipelines are looked at first. What lies elsewhere (data, MLflow, the platform, the mail
server) is looked at by processes of its own at the same time, and none of them for longer than LONGEST seconds; what
waits for nobody but this machine may take LONGEST_HERE.
"""

from __future__ import annotations

import contextlib
import importlib.util
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from helpers.branch import Branch
from helpers.code_pipelines import parameters_of
from helpers.config import tracking_uri
from helpers.data.pipelines import sources_of
from helpers.envelope import VerbResult
from helpers.errors import ExitCode, RepositoryError
from helpers.findings import Finding, looking
from helpers.verbs import Request
from helpers.workers import Ended, Workers, job_error

LONGEST = 24.0
"""Seconds that looking at one thing may take, from when what all of them need has been imported."""

LONGEST_HERE = 300.0
"""Seconds that looking at a file of this machine may take: a busy machine is slow to import MLflow, and not broken."""

PREPARED = ("helpers.data.checking", "helpers.reading", "helpers.table")
"""What is imported once for all of them: pandas takes longer than most of what is looked at."""

PLATFORM = ("platform", "helpers.kubeflow_check")
ACTIONS = ("actions", "helpers.actions.check")


@dataclass
class Look:
    """One thing that a process of its own looks at.

    Attributes:
        name: What it is, for the case that the process does not get that far.
        section: The part of the table.
        function: ``module:function``; it returns findings as plain data.
        arguments: What it is called with.
        here: Whether it waits for nothing outside of this machine.
    """

    name: str
    section: str
    function: str
    arguments: Mapping[str, Any]
    here: bool = False
    findings: list[Finding] = field(default_factory=list)


def check(request: Request) -> VerbResult:
    """Looks at the configuration, the pipelines, the data, the champion, the store, the platform and the actions."""
    started = time.monotonic()
    findings: list[Finding] = []
    branch: Branch | None = None
    with looking(findings, "configuration", "configuration") as finding:
        branch = request.load()
        if not request.pipelines:
            branch.check_parameters()
        here = _trains_here(request, branch)
        finding.message = "engine local, instead of kubeflow" if here else f"engine {branch.config.engine}"
    if branch is not None:
        uri = tracking_uri(request.root, branch.config, request.environ)
        looks = _looks(request, branch, _pipelines(request, branch, findings), uri)
        with contextlib.ExitStack() as stack:
            reaching = _reaching(request, branch, findings, stack)
            if reaching is None:  # without a tunnel they say only that there is none
                looks = [look for look in looks if look.section not in ("model", PLATFORM[0])]
            longest = LONGEST - (time.monotonic() - started if branch.config.kubeflow.access.ssh else 0)
            environ = (reaching or request).job_environ(uri)
            for look in look_at_all(looks, root=request.root, environ=environ, longest=longest):
                # The store is the same for all pipelines, and so is a source that two of them read.
                known = {(finding.name, finding.message) for finding in findings}
                findings += [found for found in look.findings if (found.name, found.message) not in known]
    engine = branch.config.engine if branch is not None else ""
    return _result(request, findings, engine=engine, seconds=time.monotonic() - started)


def _reaching(request: Request, branch: Branch, findings: list[Finding], stack: contextlib.ExitStack) -> Request | None:
    """The request with a way to what lies behind an ssh server; None where there is none."""
    server = branch.config.kubeflow.access.ssh
    reaching = request.reaching(branch, platform=not _trains_here(request, branch))
    if server is None or branch.config.engine != "kubeflow":
        return stack.enter_context(reaching)
    opened: Request | None = None
    with looking(findings, "ssh tunnel", PLATFORM[0]) as finding:
        finding.where = server.to
        opened = stack.enter_context(reaching)
        finding.message = "the server shows the pinned key and accepts ours" if opened is not request else "not needed"
    return opened


def _trains_here(request: Request, branch: Branch) -> bool:
    """Whether this training shall run here although the branch trains on a platform."""
    return branch.config.engine != "local" and request.options.get("engine") == "local"


def look_at_all(
    looks: Sequence[Look], *, root: Path, environ: Mapping[str, str], longest: float = LONGEST
) -> list[Look]:
    """Looks at all of them at the same time, and ends what takes too long; what libraries print is kept from people."""
    if not looks:
        return []
    with tempfile.TemporaryDirectory(prefix="check-") as folder:
        log = Path(folder, "log.txt")
        workers = Workers(root, Path(folder, "jobs"), log, environ)
        workers.start(PREPARED)
        timers: list[threading.Timer] = []
        try:
            waiting = {
                workers.begin({"kind": "call", "function": look.function, "arguments": dict(look.arguments)}): look
                for look in looks
            }
            while waiting:
                told = workers.receive()
                if not timers:  # what they all need has been imported, and each has begun
                    timers = [_timer(workers, waiting, longest), _timer(workers, waiting, LONGEST_HERE, here=True)]
                for ended in told:
                    look = waiting.pop(ended.id)
                    _take(look, ended, LONGEST_HERE if look.here else longest)
        except Exception as error:
            error.add_note(log.read_text(encoding="utf-8", errors="replace")[-20_000:])
            raise
        finally:
            for timer in timers:
                timer.cancel()
            workers.close()
    return list(looks)


def _timer(workers: Workers, waiting: Mapping[int, Look], limit: float, *, here: bool = False) -> threading.Timer:
    numbers = [number for number, look in waiting.items() if look.here is here]
    timer = threading.Timer(limit, workers.give_up, [numbers])
    timer.daemon = True
    timer.start()
    return timer


def _take(look: Look, ended: Ended, longest: float) -> None:
    if ended.code == 0 and "value" in ended.result:
        for found in ended.result["value"]:
            finding = Finding(**found)
            finding.section = finding.section or look.section
            look.findings.append(finding)
        return
    if ended.code < 0 and not ended.result:
        error: Exception = RepositoryError(
            f"There was no answer within {longest:g} s.",
            hint="Is this machine very busy, or its disk?"
            if look.here
            else "Is there a way to it from this machine (network, VPN, firewall)? Is it very slow today?",
        )
    else:
        error = job_error(look.function, ended)
    if not isinstance(error, RepositoryError):
        raise error
    with looking(look.findings, look.name, look.section):
        raise error


def _looks(request: Request, branch: Branch, pipelines: Mapping[str, Sequence[str]], uri: str) -> list[Look]:
    root, looks = str(request.root), []
    here = uri.startswith("sqlite:")
    for name in dict.fromkeys(source for sources in pipelines.values() for source in sources):
        arguments = {"root": root, "source": name}
        looks.append(Look(f"data '{name}'", "data", "helpers.data.checking:look", arguments))
    for pipeline, sources in pipelines.items():
        context = request.context(branch, pipeline).to_json()
        arguments = {"root": root, "source": sources[0] if sources else "", "context": context}
        looks.append(Look("MLflow", "model", "helpers.model_check:look", arguments, here))
    parts = [PLATFORM] if branch.config.engine == "kubeflow" and not _trains_here(request, branch) else []
    parts += [ACTIONS] if branch.config.actions else []
    for section, module in parts:
        if importlib.util.find_spec(module) is not None:
            looks.append(Look(section, section, f"{module}:look", {"root": root, "branch": request.branch}))
    return looks


def _pipelines(request: Request, branch: Branch, findings: list[Finding]) -> dict[str, list[str]]:
    """The pipelines that can be built, with the names of their data sources."""
    found: dict[str, list[str]] = {}
    names = [pipeline.name for pipeline in request.pipelines] or list(branch.text.pipelines)
    wanted = [request.choose(branch)] if request.pipeline or not names else names
    chosen = request.choose(branch) if branch.config.pipeline else ""
    if len(names) > 1 and not request.pipeline:
        with looking(findings, "pipeline of a push", "configuration") as finding:
            finding.message = chosen or request.choose(branch)
    for name in wanted:
        with looking(findings, f"pipeline {name}", "configuration") as finding:
            code = request.code(name)
            if code is None:
                finding.message = f"{len(branch.plan(name).steps)} steps"
            else:
                parameters_of(code)
                finding.message = "in code"
            found[name] = sources_of(request, branch, name)
    return found


def _result(request: Request, findings: Sequence[Finding], *, engine: str, seconds: float) -> VerbResult:
    bad = [finding for finding in findings if not finding.ok]
    data: dict[str, Any] = {
        "engine": engine,
        "seconds": round(seconds, 1),
        "checks": [asdict(finding) for finding in findings],
    }
    if not bad:
        return VerbResult(summary=f"{request.branch} is ready to train.", data=data, lines=_table(findings))
    first = bad[0]
    codes = {finding.exit_code for finding in bad}
    worst = next((code for code in (ExitCode.USAGE, ExitCode.PERMISSION) if code in codes), ExitCode.FAILURE)
    return VerbResult(
        summary=f"{request.branch} is not ready: {len(bad)} of {len(findings)} checks failed.",
        data=data,
        lines=_table(findings),
        exit_code=worst,
        error=RepositoryError(first.message, hint=first.hint, where=first.where),
    )


def _table(findings: Sequence[Finding]) -> tuple[str, ...]:
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        where = f"{finding.where}: " if finding.where else ""
        lines.append(f"  {'ok  ' if finding.ok else 'FAIL'}  {finding.name:<{width}}  {where}{finding.message}")
        lines.extend(f"        {'':<{width}}  {note}" for note in finding.notes)
        if finding.hint:
            lines.append(f"        {'':<{width}}  -> {finding.hint}")
    return tuple(lines)
