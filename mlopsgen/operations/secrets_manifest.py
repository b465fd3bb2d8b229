"""``mlopsgen secrets manifest``: the Kubernetes Secrets that a pipeline names, with their values."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from mlopsgen.adapters import yaml_lines
from mlopsgen.constants import BRANCHES
from mlopsgen.errors import InvalidDocument, MissingAnswer, MlopsgenError, UsageError
from mlopsgen.events import Note
from mlopsgen.operations.making import read_making
from mlopsgen.operations.project import Project, Surroundings, find_project
from mlopsgen.operations.recorded_answers import recorded_in
from mlopsgen.operations.secret_sources import SecretSource
from mlopsgen.operations.secrets_access import read_needs
from mlopsgen.operations.wording import counted
from mlopsgen.ports import EventSink
from mlopsgen.remote.github_desired import environments_of
from mlopsgen.remote.needs import REPOSITORY, Need
from mlopsgen.secret_value import SecretValue

PIPELINES = "src/pipelines/pipeline.yaml"

_LARGEST = 1024 * 1024
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_KEY = re.compile(r"[-._A-Za-z0-9]{1,253}")
_DOCKER_HUB = "https://index.docker.io/v1/"
_OF_STEPS = re.compile(r"DATA_.*|MLFLOW_.*")


@dataclass(frozen=True, kw_only=True)
class ManifestRequest:
    """Which Secrets to write.

    Attributes:
        surroundings: Where the command runs.
        branch: The branch that trains with them.
        namespace: Where they belong to; empty: the branch's namespace.
        source: Where the values come from.
    """

    surroundings: Surroundings
    branch: str
    namespace: str
    source: SecretSource


@dataclass
class _Named:
    """What the pipeline and the branch's configuration name.

    Attributes:
        environment: Secret -> key in it -> name of the value; no keys: whatever steps may need.
        registries: Secrets that let the cluster pull images.
        authorities: Secrets that hold the private authority's certificate, with the key that it has there.
    """

    environment: dict[str, dict[str, str]] = field(default_factory=dict)
    registries: list[str] = field(default_factory=list)
    authorities: dict[str, str] = field(default_factory=dict)


def make_manifest(request: ManifestRequest, events: EventSink) -> SecretValue:
    """The Secrets as YAML documents; the whole text is a secret.

    Raises:
        UsageError: The branch or the namespace is not possible.
        InvalidDocument: The pipeline's text or the branch's configuration cannot be read.
        MissingAnswer: A value that the pipeline names is not there.
    """
    if request.branch not in BRANCHES:
        hint = f"The branches are {', '.join(BRANCHES)}."
        raise UsageError(f"There is no branch '{request.branch}'.", where="--branch", hint=hint)
    project = find_project(request.surroundings)
    config = _document(project, f"src/pipelines/{request.branch}/config.yaml")
    named = _named(_document(project, PIPELINES), config)
    namespace = _namespace(request, config)
    known = _known(project, request.branch)
    documents = [
        *(_opaque(name, keys, known, request) for name, keys in named.environment.items()),
        *(_registry(name, config, known, request) for name in named.registries),
        *(_authority(name, key, known, request) for name, key in named.authorities.items()),
    ]
    if not documents:
        raise MlopsgenError(
            f"The pipeline of {request.branch} names no Secret of the cluster.",
            where=PIPELINES,
            hint="A branch names one for all steps in config.yaml, as cluster_secrets: {my-secret: [DATA_MAIN_TOKEN]}, "
            "and a step one for itself, as env_from_secret: {my-secret: [DATA_MAIN_TOKEN]}.",
        )
    texts = [_yaml(document, namespace) for document in documents]
    names = ", ".join(str(document["metadata"]["name"]) for document in documents)
    place = f"namespace {namespace}" if namespace else "kubectl's current namespace"
    events(Note(message=f"{counted(len(texts), 'Secret')} for {place}: {names}"))
    return SecretValue("---\n".join(texts))


def _document(project: Project, name: str) -> yaml_lines.Lines:
    path = project.root / name
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        hint = "Run the command in a repository that 'mlopsgen init' made."
        raise InvalidDocument(f"There is no {name}.", where=str(path), hint=hint) from None
    except UnicodeDecodeError:
        raise InvalidDocument(f"{name} is not UTF-8 text.", where=str(path)) from None
    return yaml_lines.read(text, name, "'make check' looks at the whole of it.")


def _named(*documents: yaml_lines.Lines) -> _Named:
    named = _Named()
    for document in documents:
        for path, key, value in _walk(document.value, ()):
            where = document.where(path)
            match key:
                case "env_from_secret" | "cluster_secrets":
                    for name, keys in _environment(value, where):
                        named.environment.setdefault(name, {}).update(keys)
                case "image_pull_secret":
                    named.registries += [name for name, _ in _environment(value, where) if name not in named.registries]
                case "ca_secret":
                    secret, _, file = str(value or "").partition("/")
                    for name, _ in _environment(secret, where):
                        named.authorities.setdefault(name, file or "ca.crt")
    return named


def _walk(value: Any, path: yaml_lines.Path) -> Iterator[tuple[yaml_lines.Path, str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield (*path, str(key)), str(key), item
            yield from _walk(item, (*path, str(key)))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _walk(item, (*path, number))


def _environment(value: Any, where: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The Secrets in a text, a list, or a mapping of a Secret to its keys (a list, or key: variable)."""
    entries = value.items() if isinstance(value, Mapping) else [(v, None) for v in _list(value)]
    for name, keys in entries:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise InvalidDocument(
                f"'{name}' cannot be the name of a Secret.", where=where, hint="Lower-case letters, digits and '-'."
            )
        pairs = list(keys.items()) if isinstance(keys, Mapping) else [(key, key) for key in _list(keys)]
        if not all(isinstance(k, str) and isinstance(v, str) and _KEY.fullmatch(k) for k, v in pairs):
            raise InvalidDocument(
                f"The keys of the Secret '{name}' cannot be read.",
                where=where,
                hint=f"Write env_from_secret: {{{name}: [NAME, NAME]}} or {{{name}: {{key: NAME}}}}.",
            )
        yield name, {str(key): str(variable) for key, variable in pairs}


def _list(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def _namespace(request: ManifestRequest, config: yaml_lines.Lines) -> str:
    kubeflow = config.value.get("kubeflow")
    namespace = request.namespace or str((kubeflow if isinstance(kubeflow, Mapping) else {}).get("namespace") or "")
    if namespace and not _NAMESPACE.fullmatch(namespace):
        hint = "Lower-case letters, digits and '-', at most 63."
        raise UsageError(f"'{namespace}' cannot be a namespace.", where="--namespace", hint=hint)
    return namespace


def _known(project: Project, branch: str) -> dict[str, Need]:
    making = read_making(project.root, recorded_in(project.root))
    environments = {each.name: each for each in environments_of(making)}
    variables = {
        name: Need(environment=branch, name=name, purpose=purpose, value=value)
        for name, (value, purpose) in environments[branch].variables.items()
    }
    secrets = {need.name: need for need in read_needs(making) if need.environment in (branch, REPOSITORY)}
    return {**variables, **secrets}


def _value(name: str, known: Mapping[str, Need], request: ManifestRequest) -> SecretValue | None:
    need = known.get(name) or Need(environment=request.branch, name=name, purpose="named by a step of the pipeline")
    found = request.source.find(need)
    return SecretValue(need.value) if found is None and need.value else found


def _required(name: str, known: Mapping[str, Need], request: ManifestRequest, secret: str) -> SecretValue:
    found = _value(name, known, request)
    if found is None:
        raise MissingAnswer(
            f"There is no value for {name}, which the Secret '{secret}' holds.",
            where="--from-file",
            hint=f"Give --from-file FILE, or set MLOPSGEN_SECRET_{request.branch.upper()}_{name}.",
        )
    return found


def _opaque(
    secret: str, keys: Mapping[str, str], known: Mapping[str, Need], request: ManifestRequest
) -> dict[str, Any]:
    if keys:
        values = {key: _required(name, known, request, secret) for key, name in keys.items()}
    else:
        names = [name for name in known if _OF_STEPS.fullmatch(name)]
        values = {name: value for name in names if (value := _value(name, known, request)) is not None}
        if not values:
            raise MissingAnswer(
                f"There is no value for the Secret '{secret}', and the pipeline names no keys of it.",
                where=PIPELINES,
                hint=f"Name them, for example env_from_secret: {{{secret}: [DATA_MAIN_TOKEN]}}.",
            )
    return _secret(secret, "Opaque", {key: value.reveal() for key, value in values.items()})


def _registry(
    secret: str, config: yaml_lines.Lines, known: Mapping[str, Need], request: ManifestRequest
) -> dict[str, Any]:
    user = _required("REGISTRY_USERNAME", known, request, secret).reveal()
    password = _required("REGISTRY_PASSWORD", known, request, secret).reveal()
    first, slash, _ = str(config.value.get("registry") or config.value.get("image") or "").partition("/")
    server = first if slash and ("." in first or ":" in first or first == "localhost") else _DOCKER_HUB
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    text = json.dumps({"auths": {server: {"username": user, "password": password, "auth": login}}})
    return _secret(secret, "kubernetes.io/dockerconfigjson", {".dockerconfigjson": text})


def _authority(secret: str, key: str, known: Mapping[str, Need], request: ManifestRequest) -> dict[str, Any]:
    return _secret(secret, "Opaque", {key: _required("CA_CERTIFICATE", known, request, secret).reveal()})


def _secret(name: str, kind: str, values: Mapping[str, str]) -> dict[str, Any]:
    encoded = {key: value.encode() for key, value in values.items()}
    size = sum(len(value) for value in encoded.values())
    if size > _LARGEST:
        raise UsageError(
            f"The Secret '{name}' would have {size:,} bytes, and Kubernetes takes no more than {_LARGEST:,}.",
            where=name,
            hint="Divide it.",
        )
    # Base64 keeps every value as it is, whatever quotes and line ends it has.
    data = {key: base64.b64encode(value).decode() for key, value in encoded.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "mlopsgen"}},
        "type": kind,
        "data": data,
    }


def _yaml(document: dict[str, Any], namespace: str) -> str:
    metadata = document["metadata"] | ({"namespace": namespace} if namespace else {})
    return yaml.safe_dump(document | {"metadata": metadata}, sort_keys=False, width=2**31)
