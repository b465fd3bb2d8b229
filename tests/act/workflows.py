"""Workflow files as tests need them: which events start them, and what each job may see.

``act`` knows neither environments nor permissions: every job sees every secret and has one token. GitHub gives a job
the secrets of the environment that it names, and a token with the rights that it declares. So the names of secrets and
variables in a *copy* of the file are told apart by job (``secrets.KUBEFLOW_TOKEN`` of the job ``train`` becomes
``secrets.TRAIN__KUBEFLOW_TOKEN``), and each job's values are handed over under its names. The outputs of a job that was
skipped are empty on GitHub, and in ``act`` the text of their expressions: that is mended too. Nothing else is changed.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import yaml

_USES = re.compile(r"uses:\s*([\w.-]+/[\w.-]+)(?:/[\w./-]+)?@([0-9a-f]{40})")
_NAMED = re.compile(r"\b(secrets|vars)\.([A-Za-z_]\w*)|\b(github)\.token\b")
_OF_A_JOB = re.compile(r"\bneeds\.([\w-]+)\.outputs\.[\w-]+")
_NEEDS_TOKEN = {"actions/checkout": "token"}
_ALL = ("actions", "contents", "issues", "pull-requests", "statuses", "checks", "deployments", "packages", "id-token")


class _Loader(yaml.SafeLoader):
    """YAML whose ``on`` is a word."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, expression) for tag, expression in found if tag != "tag:yaml.org,2002:bool"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


@dataclass(frozen=True)
class Workflow:
    """A workflow file at a commit."""

    file: str
    text: str

    @property
    def document(self) -> dict[str, Any]:
        """What it says."""
        document: dict[str, Any] = yaml.load(self.text, _Loader)
        return document

    @property
    def events(self) -> dict[str, dict[str, Any]]:
        """What starts it, with the filters."""
        on = self.document["on"]
        if isinstance(on, str):
            return {on: {}}
        return {name: {} for name in on} if isinstance(on, list) else {name: found or {} for name, found in on.items()}

    @property
    def jobs(self) -> dict[str, dict[str, Any]]:
        """The jobs."""
        jobs: dict[str, dict[str, Any]] = self.document["jobs"]
        return jobs

    @property
    def actions(self) -> set[tuple[str, str]]:
        """The actions that it uses, with their commits."""
        return set(_USES.findall(self.text))

    @property
    def labels(self) -> set[str]:
        """The labels of the runners that it wants."""
        found: set[str] = set()
        for job in self.jobs.values():
            wanted = job["runs-on"]
            if isinstance(wanted, dict):
                wanted = wanted["labels"]
            found |= {wanted} if isinstance(wanted, str) else set(wanted)
        return found

    def starts_on(self, event: str, *, branch: str = "", kind: str = "") -> bool:
        """Whether an event starts it: a push to a branch, a pull request against one, an event of some kind."""
        if event not in self.events:
            return False
        filters = self.events[event]
        branches, without = filters.get("branches"), filters.get("branches-ignore")
        if branches is not None and not _any(branch, branches):
            return False
        if without is not None and _any(branch, without):
            return False
        defaults = ["opened", "synchronize", "reopened"] if event == "pull_request" else [kind]
        kinds = filters.get("types", defaults)
        assert not {"paths", "paths-ignore"} & set(filters), "filters by path are not simulated"
        return kind in ([kinds] if isinstance(kinds, str) else kinds)

    def starts_on_tag(self, tag: str) -> bool:
        """Whether a push of a tag starts it."""
        return _any(tag, self.events.get("push", {}).get("tags", []))

    def environment(self, job: str, known: Mapping[str, str]) -> str:
        """The environment that a job names; expressions may only name what ``known`` holds."""
        named = self.jobs[job].get("environment", "")
        named = named["name"] if isinstance(named, dict) else named
        return re.sub(r"\$\{\{\s*([\w.]+)\s*\}\}", lambda match: known[match[1]], named)

    def permissions(self, job: str) -> dict[str, str]:
        """The rights of a job's token."""
        declared = self.jobs[job].get("permissions", self.document.get("permissions", {"contents": "read"}))
        if isinstance(declared, str):
            return dict.fromkeys(_ALL, declared.removesuffix("-all"))
        return {name: level for name, level in declared.items() if level != "none"}

    def told_apart(self, done: Collection[str] = ()) -> str:
        """The file with the names of secrets and variables told apart by job.

        Args:
            done: Names of steps whose work is taken as done: they do nothing and succeed.
        """
        document = self.document
        for name, job in document["jobs"].items():
            for step in job["steps"]:
                if step.get("name") in done:
                    step["run"] = "echo 'Another test runs this step.'"
            document["jobs"][name] = _replaced(job, partial(_own_name, name))
            for step in document["jobs"][name]["steps"]:
                wanted = _NEEDS_TOKEN.get(step.get("uses", "").partition("@")[0])
                if wanted and wanted not in step.get("with", {}):
                    step["with"] = {**step.get("with", {}), wanted: f"${{{{ secrets.{prefix(name)}GITHUB_TOKEN }}}}"}
        return yaml.safe_dump(document, sort_keys=False, width=1_000_000, allow_unicode=True)

    def names(self) -> set[str]:
        """The secrets that it reads by name."""
        return {match[1] for match in _NAMED.findall(self.text) if match[0] == "secrets"}


def prefix(job: str) -> str:
    """What stands before a job's own names."""
    return re.sub(r"\W", "_", job).upper() + "__"


def _own_name(job: str, match: re.Match[str]) -> str:
    if match[3]:
        return f"secrets.{prefix(job)}GITHUB_TOKEN"
    return f"{match[1]}.{prefix(job)}{match[2]}"


def _named(how: Any, expression: str) -> str:
    apart = _OF_A_JOB.sub(lambda match: f"(needs.{match[1]}.result != 'skipped' && {match[0]} || '')", expression)
    return _NAMED.sub(how, apart)


def _replaced(value: Any, how: Any) -> Any:
    """The value with every expression in it changed; shell text outside of expressions stays as it is."""
    if isinstance(value, dict):
        return {
            key: _named(how, found) if key == "if" and isinstance(found, str) else _replaced(found, how)
            for key, found in value.items()
        }
    if isinstance(value, list):
        return [_replaced(found, how) for found in value]
    if isinstance(value, str):
        return re.sub(r"\$\{\{.*?\}\}", lambda match: _named(how, match[0]), value, flags=re.DOTALL)
    return value


def _any(branch: str, patterns: list[str]) -> bool:
    """GitHub's patterns: ``*`` does not match a slash, ``**`` does, ``!`` takes away again."""
    wanted = False
    for pattern in patterns:
        found = _matches(branch, pattern.removeprefix("!"))
        wanted = (wanted or found) if not pattern.startswith("!") else wanted and not found
    return wanted


def _matches(branch: str, pattern: str) -> bool:
    if "**" in pattern:
        return fnmatch.fnmatchcase(branch, pattern.replace("**", "*"))
    return branch.count("/") == pattern.count("/") and fnmatch.fnmatchcase(branch, pattern)
