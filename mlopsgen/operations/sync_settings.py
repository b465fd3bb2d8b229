"""What ``push`` would change on GitHub once an update is merged, and the same done beforehand where a person asks.

The files of the update's tree say what the repository shall be; branches and remotes are none of its business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mlopsgen import __version__
from mlopsgen.adapters.git import GitRepository
from mlopsgen.answers import is_ours
from mlopsgen.constants import ANSWERS_FILE, HOSTED_REMOTE
from mlopsgen.errors import MlopsgenError
from mlopsgen.events import StepStarted, Warn
from mlopsgen.forge.github.forge import GitHubForge
from mlopsgen.forge.protocol import PlanRefused
from mlopsgen.forge.values import Key, Kind, Limit, Resource
from mlopsgen.operations.hosted_plan import worth_reading
from mlopsgen.operations.recorded_answers import recorded_as
from mlopsgen.ports import EventSink
from mlopsgen.remote.apply import Unfinished, apply
from mlopsgen.remote.desired import Desired
from mlopsgen.remote.document import REMOTE_DOCUMENT
from mlopsgen.remote.github_desired import github_resources
from mlopsgen.remote.making import SOURCES_DOCUMENT, making_of
from mlopsgen.remote.observed import Clone, Observed
from mlopsgen.remote.plan import Plan
from mlopsgen.remote.planning import Planned, plan_remote
from mlopsgen.sync.values import Update

_OF_A_CLONE = (Kind.REMOTE, Kind.BRANCH, Kind.UPSTREAM, Kind.TRACKING)
_LESSONS = 2
"""So often a refusal that only the owner's plan explains makes another plan."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What GitHub has to become.

    Attributes:
        planned: The plan, without anything that concerns a clone, and what it was made from.
    """

    planned: Planned

    @property
    def plan(self) -> Plan:
        """What has to be done."""
        return self.planned.plan


def plan_settings(
    forge: GitHubForge,
    source: GitRepository,
    update: Update,
    events: EventSink,
    *,
    asked: Iterable[Sequence[Resource]] | None = None,
) -> Settings | None:
    """Compare GitHub with what the updated files ask for; nothing is changed.

    Args:
        forge: The repository on GitHub.
        source: Where the update's objects lie.
        update: The update.
        events: Is told what is being read.
        asked: What was asked for so far, newest first; ``None`` for what the files say that are updated.

    Returns:
        What there is to do; ``None`` where the template is none of ours, so that nothing is known of its settings.

    Raises:
        InvalidDocument: A document cannot be read.
        MlopsgenError: GitHub refuses, or cannot be reached.
    """
    if not is_ours(update.answers):
        return None
    events(StepStarted(message=f"Comparing the settings of {forge.full_name}"))
    return _Look(forge=forge, source=source, update=update, asked=asked).planned({})


def apply_settings(
    forge: GitHubForge, source: GitRepository, update: Update, settings: Settings, events: EventSink
) -> Settings:
    """Bring GitHub to what the updated files ask for; doing it again changes nothing.

    Returns:
        What is left to do, read back from GitHub: mostly secrets, whose values only people have.

    Raises:
        PartialResult: Something is left; running it again continues.
        MlopsgenError: GitHub refuses, or cannot be reached.
    """
    learnt: dict[Key, Limit] = {}
    look = _Look(forge=forge, source=source, update=update)
    for _ in range(_LESSONS):
        try:
            apply(settings.plan, settings.planned.desired, forge=forge, source=source, events=events)
        except PlanRefused as error:
            learnt[error.key] = error.limit
        except Unfinished as error:
            if not error.learnt:
                raise
            learnt.update(error.learnt)
        else:
            return look.planned(learnt)
        names = ", ".join(f"{key.kind} {key.name}" for key in learnt)
        events(Warn(message=f"GitHub turned out to refuse this: {names}. The rest is planned anew."))
        settings = look.planned(learnt)
    apply(settings.plan, settings.planned.desired, forge=forge, source=source, events=events)
    return look.planned(learnt)


@dataclass(frozen=True, kw_only=True)
class _Look:
    forge: GitHubForge
    source: GitRepository
    update: Update
    asked: Iterable[Sequence[Resource]] | None = None

    def planned(self, learnt: Mapping[Key, Limit]) -> Settings:
        place, answers = self.forge.place, self.update.answers
        desired = Desired(
            project=str(answers.get("slug") or place.name),
            address=self.forge.address,
            branches={},
            resources=worth_reading(self._resources(self.update.tree)),
            remote=HOSTED_REMOTE,
            tool_version=__version__,
        )
        found = plan_remote(
            desired,
            self.forge,
            self.source,
            asked=lambda _: self._versions(),
            learnt=learnt,
            look=self._observed,
        )
        items = tuple(item for item in found.plan.items if item.kind not in _OF_A_CLONE)
        return Settings(planned=replace(found, plan=Plan(items)))

    def _observed(self, desired: Desired) -> Observed:
        """GitHub as it is; what a clone knows of it does not matter."""
        return Observed(snapshot=self.forge.observe(desired.resources), clone=Clone(address=desired.address))

    def _versions(self) -> Iterable[Sequence[Resource]]:
        if self.asked is not None:
            return self.asked
        try:
            return (self._resources(self.update.ours),)
        except MlopsgenError:
            return ()

    def _resources(self, tree: str) -> tuple[Resource, ...]:
        """What the files of a tree ask for."""
        record, document, sources = (_text(self.source, tree, path) for path in _DOCUMENTS)
        place = self.forge.place
        answers = recorded_as(record or "", place.name).answers
        return github_resources(making_of(answers, document, sources), place.name, owner=place.owner)


_DOCUMENTS = (ANSWERS_FILE, REMOTE_DOCUMENT, SOURCES_DOCUMENT)


def _text(source: GitRepository, tree: str, path: str) -> str | None:
    done = source.run("cat-file", "blob", f"{tree}:{path}", check=False)
    return done.stdout if done.exit_status == 0 else None
