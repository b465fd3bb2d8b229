"""The verbs but ``run`` and ``check``, and what all verbs share."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from helpers.branch import Branch, load_branch
from helpers.config import ROOT_VARIABLE, tracking_uri
from helpers.context import RunContext
from helpers.envelope import VerbResult
from helpers.pipeline_text import choose_pipeline
from helpers.workers import Workers


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a verb is asked to do.

    Attributes:
        root: The repository.
        branch: Its branch.
        environ: The environment, with ``.env``.
        pipelines: Pipelines in code; when there are any, those of ``pipeline.yaml`` do not count.
        pipeline: The pipeline that was named, if one was.
        options: The verb's own options.
        progress: Told a line whenever something happened.
    """

    root: Path
    branch: str
    environ: Mapping[str, str]
    pipelines: tuple[Any, ...]
    pipeline: str | None
    options: Mapping[str, Any]
    progress: Callable[[str], None]

    @property
    def runs(self) -> Path:
        """Where this branch's runs are kept."""
        return self.root / "runs" / self.branch

    @property
    def latest(self) -> Path:
        """The last run."""
        return self.runs / "latest"

    def load(self) -> Branch:
        """The branch's texts."""
        return load_branch(self.root, self.branch)

    def choose(self, branch: Branch) -> str:
        """The pipeline that the verb is for."""
        if self.pipelines:
            names, where = [pipeline.name for pipeline in self.pipelines], f"src/pipelines/{self.branch}/main.py"
        else:
            branch.check_parameters()
            names, where = list(branch.text.pipelines), branch.text_document.where(("pipelines",))
        if self.pipeline is None and branch.config.pipeline:
            return choose_pipeline(branch.config.pipeline, names, where=branch.config_document.where(("pipeline",)))
        return choose_pipeline(self.pipeline, names, where=where)

    def code(self, name: str) -> Any:
        """The pipeline in code of a name; None for one of the text."""
        return next((pipeline for pipeline in self.pipelines if pipeline.name == name), None)

    def context(self, branch: Branch, pipeline: str) -> RunContext:
        """What is known of a run before it starts."""
        return RunContext(project=branch.text.project, pipeline=pipeline, branch=self.branch)

    def job_environ(self, uri: str) -> dict[str, str]:
        """The environment of the processes that do the work."""
        return {
            **self.environ,
            ROOT_VARIABLE: str(self.root),
            "MLFLOW_TRACKING_URI": uri,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "PYTHONUNBUFFERED": "1",  # several processes write to one log, in the order that things happen
        }

    @contextmanager
    def reaching(
        self, branch: Branch, *, platform: bool = False, insist: Callable[[Callable[[], Any]], Any] = lambda ask: ask()
    ) -> Iterator[Request]:
        """The request in whose environment everything is reached, also through an ssh server, while the block lasts.

        Args:
            branch: The branch's texts.
            platform: Whether Kubeflow is needed, and not MLflow alone.
            insist: Calls what opens the tunnel, again where the server does not answer.
        """
        config = branch.config
        if config.kubeflow.access.ssh is None or config.engine != "kubeflow":
            yield self
            return
        from helpers import ssh_access

        uri = tracking_uri(self.root, config, self.environ)
        if not platform and not ssh_access.leads_to_mlflow(config, uri):
            yield self
            return
        with ssh_access.through(config, self.environ, uri, tell=self.progress, insist=insist) as environ:
            yield replace(self, environ=environ)


def code_parameters(pipeline: Any, branch: Branch) -> dict[str, Any]:
    """The branch's parameters that a pipeline in code has."""
    inputs = pipeline.component_spec.inputs or {}
    return {name: value for name, value in branch.config.parameters.items() if name in inputs}


def report(request: Request) -> VerbResult:
    """``report``: writes the report of a run again."""
    branch = request.load()
    name = request.choose(branch)
    run_id, folder = request.options["run_id"], request.latest
    if run_id is None and request.options["pipeline"] is None:
        run_id = run_state(folder).get("run_id")
    target = request.options["to"] or (folder / "report" if run_id and _is_of(folder, run_id) else None)
    with tools(request, branch) as workers:
        data = workers.call(
            "helpers.run_record:report",
            context=request.context(branch, name).to_json(),
            run_id=run_id or "",
            folder=str(target.absolute()) if target else "",
            default=str(request.runs),
        )
    lines = tuple(f"  {kind}: {shown(Path(path), request.root)}" for kind, path in data["report"].items())
    return VerbResult(summary=data.pop("summary"), data=data, lines=lines)


def rollback(request: Request) -> VerbResult:
    """``rollback``: moves the champion's alias back."""
    branch = request.load()
    name = request.choose(branch)
    with tools(request, branch) as workers:
        data = workers.call(
            "helpers.run_record:rollback",
            context=request.context(branch, name).to_json(),
            to=request.options["to"],
        )
    return VerbResult(summary=data.pop("summary"), data=data)


@contextmanager
def tools(request: Request, branch: Branch) -> Iterator[Workers]:
    """A worker for a verb that needs MLflow; what libraries print does not reach the person."""
    uri = tracking_uri(request.root, branch.config, request.environ)
    with request.reaching(branch) as reaching, tempfile.TemporaryDirectory(prefix="verb-") as folder:
        log = Path(folder, "log.txt")
        workers = Workers(request.root, Path(folder), log, reaching.job_environ(uri), mode="spawn")
        workers.start(())
        try:
            yield workers
        except Exception as error:
            error.add_note(log.read_text(encoding="utf-8", errors="replace")[-20_000:])
            raise
        finally:
            workers.close()


def shown(path: Path, root: Path) -> str:
    """A path as a person types it from the repository's root."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def run_state(folder: Path) -> dict[str, Any]:
    """What is known of the run in a directory; nothing when there is none."""
    try:
        state: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state


def _is_of(folder: Path, run_id: str) -> bool:
    return bool(run_state(folder).get("run_id") == run_id)
