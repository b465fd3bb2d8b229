"""The workflow files of every rendering of the option matrix, and how a test looks at one of them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import FileSystemLoader
from jinja2.sandbox import SandboxedEnvironment

from mlopsgen.answers import resolve
from mlopsgen.constants import BRANCHES
from tests import matrix

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ".github/workflows"

# What the answers allow, beyond the pairs of the matrix: every kind of data, registries, own machines for everything.
MORE: dict[str, Mapping[str, Any]] = {
    f"data {scheme}": {"data_address": f"{scheme}://host.example.org/a/b", "target": "y"}
    for scheme in ("s3", "postgresql", "mysql", "mariadb", "git+https", "dvc+https")
} | {
    "cluster": {f"{branch}_engine": "kubeflow" for branch in BRANCHES}
    | {f"{branch}_login": login for branch, login in zip(BRANCHES, ("dex", "service-account", "cookie"), strict=True)}
    | {"registry": "registry.example.org:5000/team/model", "reviewers": ["octocat"]}
    | {"data_address": "s3://bucket/data.parquet", "target": "y"},
    "ghcr": {"production_engine": "kubeflow", "production_login": "token", "registry": "ghcr.io/acme/model"},
    "behind ssh": {
        "staging_engine": "kubeflow",
        "staging_access": "ssh",
        "staging_ssh": "tunnel@bastion.example.org",
        "staging_ssh_host_key": matrix.HOST_KEY,
        "staging_login": "dex",
    },
    "own": {f"{branch}_runner": "self-hosted, linux, gpu_2" for branch in BRANCHES},
    "larger": {f"{branch}_runner": "ubuntu-24.04-16core" for branch in BRANCHES},
}


@dataclass(frozen=True)
class Rendering:
    """The files below ``.github`` that one set of answers makes.

    Attributes:
        name: Which answers.
        answers: All of them.
        files: Text by path.
    """

    name: str
    answers: Mapping[str, Any]
    files: Mapping[str, str]

    @property
    def workflows(self) -> dict[str, dict[str, Any]]:
        """The workflows by file name."""
        return {Path(path).name: load(text) for path, text in self.files.items() if path.startswith(FOLDER)}


@functools.cache
def load(text: str) -> dict[str, Any]:
    """A workflow, read once; YAML takes its key ``on`` for the word yes."""
    document = yaml.load(text, Loader=yaml.CSafeLoader)  # ten times as fast, and there are hundreds of them
    assert isinstance(document, dict)
    return {"on" if key is True else key: value for key, value in document.items()}


@functools.cache
def environment() -> SandboxedEnvironment:
    """Jinja as copier sets it up; a test compares what both make."""
    options = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))["_envops"]
    extensions = ["jinja2_ansible_filters.AnsibleCoreFiltersExtension"]
    return SandboxedEnvironment(loader=FileSystemLoader(ROOT), extensions=extensions, **options)


def render(answers: Mapping[str, Any]) -> dict[str, str]:
    """The files below ``.github``, by path."""
    folder = ROOT / "template" / ".github"
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(ROOT / "template").as_posix()
        if path.suffix == ".jinja":
            template = environment().get_template(path.relative_to(ROOT).as_posix())
            found[name.removesuffix(".jinja")] = template.render(answers)
        elif path.is_file():
            found[name] = path.read_text(encoding="utf-8")
    return found


@functools.cache
def renderings() -> tuple[Rendering, ...]:
    """One for each row of the matrix, and for each of :data:`MORE`."""
    rows = [(f"row{number}", resolve(matrix.answers(row))) for number, row in enumerate(matrix.rows())]
    more = [(name, {**resolve({}), **given}) for name, given in MORE.items()]
    return tuple(Rendering(name, answers, render(answers)) for name, answers in (*rows, *more))


@functools.cache
def unique() -> Mapping[tuple[str, str], str]:
    """Every workflow that differs from the others: file name and text, with a rendering that it comes from."""
    found: dict[tuple[str, str], str] = {}
    for rendering in renderings():
        for path, text in rendering.files.items():
            if path.startswith(FOLDER):
                found.setdefault((Path(path).name, text), rendering.name)
    return found


def documents() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """File name, a rendering that it comes from, and the workflow, for every one that differs."""
    for (name, text), origin in unique().items():
        yield name, origin, load(text)


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """File name, job and its text, for every workflow that differs."""
    for name, _, document in documents():
        for job, body in document["jobs"].items():
            yield name, job, body


def steps() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """File name, job and a step, for every workflow that differs."""
    for name, job, body in jobs():
        for step in body["steps"]:
            yield name, job, step


def action_of(step: Mapping[str, Any]) -> str:
    """The action that a step uses, without its commit."""
    return str(step.get("uses", "")).partition("@")[0]


def texts(value: object) -> Iterator[str]:
    """Every text in a value, however deep."""
    if isinstance(value, Mapping):
        for part in value.values():
            yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)
    elif isinstance(value, str):
        yield value


def expressions(value: object) -> Iterator[str]:
    """Every ``${{ }}`` in a value."""
    for text in texts(value):
        yield from re.findall(r"\$\{\{\s*(.*?)\s*\}\}", text, re.DOTALL)


def action_table() -> dict[str, dict[str, Any]]:
    """The pinned actions with their inputs and outputs."""
    found = yaml.safe_load((ROOT / "tools" / "actions.yaml").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found
