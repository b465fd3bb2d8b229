"""``compile``: the package of a pipeline, for a cluster or for this machine."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.branch import Branch
from helpers.envelope import VerbResult
from helpers.errors import ConfigurationError, RepositoryError
from helpers.processes import git_commit
from helpers.targets import Target, check_plan, package_target
from helpers.verbs import Request, code_parameters, shown

if TYPE_CHECKING:
    from helpers.code_archive import Code

SECRETIVE = re.compile(r"(TOKEN|PASSWORD|PASSWD|SECRET|CREDENTIAL|PRIVATE|COOKIE|API_?KEY|ACCESS_?KEY|_KEY)(_|$)")
"""Variables whose values never belong into a package."""

SHORTEST_SECRET = 8


def compile_pipeline(request: Request) -> VerbResult:
    """``compile``: writes the package."""
    branch = request.load()
    name = request.choose(branch)
    target = (request.options["to"] or request.runs / f"{name}.yaml").absolute()
    if target.suffix not in (".yaml", ".yml"):
        raise ConfigurationError("The package has to end in .yaml.", where=str(target))
    engine, image = request.options["engine"] or branch.config.engine, request.options["image"] or ""
    try:
        note = write_package(request, branch, name, target, image=image, cluster=engine == "kubeflow")
        content = target.read_bytes()
    except OSError as error:
        raise RepositoryError(f"The package cannot be written: {error.strerror}.", where=str(target)) from error
    digest = hashlib.sha256(content).hexdigest()
    data = {"pipeline": name, "package": str(target), "sha256": digest, "engine": engine, "bytes": len(content)}
    summary = f"Compiled the pipeline '{name}' to {shown(target, request.root)}."
    return VerbResult(summary=summary, data=data, lines=(f"  {note}",) if note else ())


def write_package(
    request: Request, branch: Branch, name: str, target: Path, *, image: str = "", cluster: bool | None = None
) -> str:
    """Compiles a pipeline of the text or in code, and says in a line how its code travels.

    Args:
        request: What the verb was asked.
        branch: The branch.
        name: The pipeline.
        target: The package.
        image: The image that holds the code; empty: what the configuration says.
        cluster: Whether it is for a cluster; as the branch's engine when left out.

    Raises:
        ConfigurationError: The pipeline, its size or a setting does not fit.
    """
    for_cluster = branch.config.engine == "kubeflow" if cluster is None else cluster
    in_code = request.code(name)
    plan = branch.plan(name) if in_code is None else None  # before kfp is imported: mistakes are told at once
    code = None
    if not for_cluster:
        used = image or branch.config.image
        made, note = package_target(branch, image=used, environ=request.environ, cluster=False), ""
    else:
        code = None if image or branch.config.registry else _pack(request)
        made, note = _for_cluster(request, branch, image, code)
    if plan is not None:
        check_plan(plan, made, branch)
    from helpers import graph

    if plan is not None:
        graph.compile_package(graph.build_pipeline(plan, made), target, local=not made.cluster)
    else:
        pipeline = graph.surround(in_code, made, branch.text.project) if made.cluster else in_code
        parameters = code_parameters(in_code, branch)
        graph.compile_package(pipeline, target, parameters=parameters, local=not made.cluster)
    if made.cluster:
        _look_over(target, code, request.environ, branch)
    return note


def _pack(request: Request) -> Code:
    from helpers.code_archive import pack_repository

    return pack_repository(request.root, request.environ)


def _for_cluster(request: Request, branch: Branch, image: str, code: Code | None) -> tuple[Target, str]:
    config = branch.config
    commit = git_commit(request.root, request.environ).removesuffix("-dirty")
    if code is not None:
        used, note = config.image, f"the code travels inside the package ({len(code.steps.data):,} bytes packed)"
    elif image:
        if "@" in image and not re.search(r"[^@]@sha256:[0-9a-f]+$", image):
            raise ConfigurationError(
                f"The image '{image}' names no digest after its @.",
                where="--image",
                hint="Give REGISTRY/NAME@sha256:..., as the registry shows it, or REGISTRY/NAME:TAG.",
            )
        pinned = "" if "@sha256:" in image else "; without a digest (@sha256:...) it may change between two runs"
        used, note = image, f"the code is in the image {image}{pinned}"
    else:
        used = config.registry
        note = f"no --image was given: the package names {used} without a digest, and is only good for a look"
    return package_target(branch, image=used, code=code, environ=request.environ, commit=commit), note


def _look_over(package: Path, code: Code | None, environ: Mapping[str, str], branch: Branch) -> None:
    """Removes the package again when it is too large or holds a secret."""
    from helpers import bootstrap, graph

    text = package.read_bytes()
    try:
        bootstrap.check_sizes(graph.read_package(package), len(text), code, where=package.name)
        _refuse_secrets({package.name: text, **(code.steps.files if code else {})}, environ, branch)
    except ConfigurationError:
        package.unlink(missing_ok=True)
        raise


def _refuse_secrets(files: Mapping[str, bytes], environ: Mapping[str, str], branch: Branch) -> None:
    for name, value in _secrets(environ, branch):
        for file, content in files.items():
            if value in content:
                raise ConfigurationError(
                    f"The value of the variable {name} stands in it, and a package is no place for a secret.",
                    where=file,
                    hint="Take it out of the repository, replace it where it is valid, and name it in cluster_secrets.",
                )


def _secrets(environ: Mapping[str, str], branch: Branch) -> Iterator[tuple[str, bytes]]:
    """What must not be in a package: variables of Secrets, and those that are called like one."""
    listed = list(branch.config.cluster_secrets.values())
    listed += [
        keys
        for pipeline in branch.text.pipelines.values()
        for step in pipeline.steps
        for keys in step.env_from_secret.values()
    ]
    named = {variable for keys in listed for variable in keys.values()} - {"MLFLOW_TRACKING_URI"}
    for name, value in environ.items():
        if (name in named or SECRETIVE.search(name.upper())) and len(value) >= SHORTEST_SECRET:
            yield name, value.encode()
