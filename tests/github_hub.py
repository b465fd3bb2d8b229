"""A fake GitHub with an organisation of Ada's, and forges on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlopsgen.adapters.git import GitRepository
from mlopsgen.events import Event
from mlopsgen.forge.github.forge import GitHubForge
from mlopsgen.forge.github.host import Host
from mlopsgen.forge.values import Key, Kind, Resource, Snapshot
from mlopsgen.secret_value import SecretValue
from tests.forge_toys import Toy, make_toy
from tests.github import FakeGitHub


@dataclass
class Hub:
    """A fake GitHub with an organisation of Ada's, and what the forges on it told."""

    github: FakeGitHub
    toy: Toy
    events: list[Event] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def forge(self, owner: str = "acme", name: str = "toy", token: str = "") -> GitHubForge:
        given = token or self.github.add_token("ada", scopes=["repo", "workflow", "read:org"])
        return GitHubForge(
            Host.parse(self.github.url, {}),
            owner,
            name,
            SecretValue(given),
            environ=self.toy.environ,
            events=self.events.append,
            sleep=self.slept.append,
        )

    @property
    def source(self) -> GitRepository:
        return GitRepository(self.toy.folder, self.toy.environ)

    @property
    def repository(self) -> Any:
        return self.github.repository("acme/toy")


@contextmanager
def open_hub(folder: Path) -> Iterator[Hub]:
    """The fake for as long as the block lasts, and a toy repository in the folder."""
    with FakeGitHub() as github:
        github.add_user("ada", plan="pro")
        github.add_user("bob")
        github.add_org("acme", plan="enterprise", members={"ada": "admin", "bob": "member"})
        yield Hub(github, make_toy(folder))


def put(forge: GitHubForge, resources: list[Resource]) -> None:
    for resource in resources:
        forge.put(resource)


def values(snapshot: Snapshot, resources: list[Resource]) -> dict[Key, object]:
    keys = [resource.key for resource in resources if resource.key.kind is not Kind.REPOSITORY]
    return {key: snapshot.resources.get(key) for key in keys}
