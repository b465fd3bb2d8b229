"""What GitHub will refuse, known before anything is done: "cannot, because, instead"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from mlopsgen.events import Warn
from mlopsgen.forge.github import sealing
from mlopsgen.forge.github.creation import creation_limit
from mlopsgen.forge.github.errors import covers_scope
from mlopsgen.forge.github.place import Place
from mlopsgen.forge.github.plans import NAMES, Plan, environments_limit, find_plan, reviewers_limit, rulesets_limit
from mlopsgen.forge.github.policies import POLICIES, by_rules, organisation_limits
from mlopsgen.forge.github.reading import visibility_of
from mlopsgen.forge.github.reviewers import problem_with, team_problem
from mlopsgen.forge.github.settings import TEAM_ACCESS
from mlopsgen.forge.values import Key, Kind, Limit, Resource, Snapshot

_BELOW = (Kind.POLICY, Kind.VARIABLE, Kind.SECRET)
_TARGETS = {"branch": "branches", "tag": "tags", "push": "pushes"}
_ADMINISTRATORS = (Kind.SETTING, Kind.ENVIRONMENT, Kind.POLICY, Kind.RULESET)
_TOPICS = 20
_LOCAL = {Kind.REMOTE, Kind.UPSTREAM, Kind.TRACKING}


def find_limits(
    place: Place, changes: Sequence[Resource], found: Snapshot, *, plan: str, workers: int
) -> Mapping[Key, Limit]:
    """What of ``changes`` cannot be had, and why.

    An environment that the plan does not hold has an ``instead``; one whose reviewers are wrong has none, and what
    belongs to it cannot be had either.

    Args:
        place: The repository.
        changes: What shall be made or changed.
        found: The repository as it was found.
        plan: The owner's plan, or ``auto``.
        workers: How many calls may be under way at once.
    """
    remote = [resource for resource in changes if resource.key.kind not in _LOCAL]
    return _Limits(place, remote, found, plan).find(workers) if remote else {}


class _Limits:
    """The limits of one plan; what was found first about a thing stands."""

    def __init__(self, place: Place, changes: Sequence[Resource], found: Snapshot, plan: str) -> None:
        self.place = place
        self.changes = changes
        self.snapshot = found
        self.plan = plan
        self.limits: dict[Key, Limit] = {}
        self.repository = next((each for each in changes if each.key.kind is Kind.REPOSITORY), None)

    def find(self, workers: int) -> dict[Key, Limit]:
        """All limits; what has to be asked for is asked for at once."""
        self._scopes()
        self._rights()
        self._forks()
        self._taken_names()
        environments = self._of(Kind.ENVIRONMENT)
        settled = [each for each in self._of(Kind.SETTING) if each.key.name in POLICIES]
        access = [each.key for each in self._of(Kind.SETTING) if each.key.name.startswith(TEAM_ACCESS)]
        with ThreadPoolExecutor(workers) as pool:
            creation = None
            if self.repository is not None and self.repository.key not in self.limits:
                if self.place.said_organisation:
                    pool.submit(self.place.account.membership, self.place.owner)
                creation = pool.submit(creation_limit, self.place, self.visibility)
            wants_plan = self.visibility != "public" and bool(environments or self._of(Kind.RULESET))
            plan = pool.submit(find_plan, self.place, self.plan) if wants_plan else None
            policies = [pool.submit(organisation_limits, self.place, part) for part in by_rules(settled)]
            reviewers = {each.key: pool.submit(self._problem_with, each) for each in environments}
            teams = {key: pool.submit(team_problem, self.place, key.name.removeprefix(TEAM_ACCESS)) for key in access}
        limit = creation.result() if creation is not None else None
        if limit is not None and self.repository is not None:
            self._limit([self.repository], limit)
        if plan is not None:
            self._plan(plan.result())
        for policy in policies:
            for key, found in policy.result().items():
                self.limits.setdefault(key, found)
        for problems in (teams, reviewers):
            for key, asked in problems.items():
                self._limit_below(key, asked.result())
        self._names_and_sizes()
        self._numbers()
        self._topics()
        self._runners()
        return self.limits

    @property
    def visibility(self) -> str:
        """Who sees the repository: a push shows one that is there to nobody else, whatever is wanted."""
        if self.place.data is not None:
            return visibility_of(self.place.data)
        value = self.repository.value if self.repository is not None else None
        return str(value.get("visibility") or "private") if isinstance(value, Mapping) else "private"

    def _of(self, *kinds: Kind) -> list[Resource]:
        return [resource for resource in self.changes if resource.key.kind in kinds]

    def _limit(self, resources: Sequence[Resource], limit: Limit) -> None:
        for resource in resources:
            self.limits.setdefault(resource.key, limit)

    def _scopes(self) -> None:
        """The scopes of a classic token; what a fine-grained one may do, GitHub does not tell beforehand."""
        self.place.account.me()
        header = self.place.account.client.seen_headers.get("x-oauth-scopes")
        if header is None:
            return
        scopes = [scope.strip() for scope in header.split(",") if scope.strip()]
        needed = "public_repo" if self.visibility == "public" else "repo"
        if not any(covers_scope(scope, needed) for scope in scopes):
            self._limit(self.changes, self._scope_limit(needed, scopes, "repositories"))
        first = self.snapshot.repository is None or not self.snapshot.repository.branches
        if first and "workflow" not in scopes:
            # Nothing is begun that cannot be finished: without branches the repository is of no use.
            kinds = (Kind.REPOSITORY, Kind.BRANCH)
            self._limit(self._of(*kinds), self._scope_limit("workflow", scopes, "branches with workflows"))

    def _scope_limit(self, needed: str, scopes: Sequence[str], what: str) -> Limit:
        page = f"{self.place.account.host.server}/settings/tokens"
        has = ", ".join(scopes) or "none"
        return Limit(
            reason=f"the token lacks the scope '{needed}', which GitHub wants for {what} (it has: {has})",
            hint=f"Add it at {page}, or run 'gh auth refresh --scopes {needed}', then run this again.",
            rights=True,
        )

    def _rights(self) -> None:
        data = self.place.data
        if data is None:
            return
        page = self.place.account.host.page(self.place.owner, self.place.name)
        if data.get("archived"):
            hint = f"Unarchive it at {page}/settings, or push under another --name."
            self._limit(
                self.changes, Limit(reason="the repository is archived, so that nobody can change it", hint=hint)
            )
        rights = data.get("permissions") or {}
        ask = Limit(
            reason=f"only administrators of {self.place.full_name} may change this",
            hint=f"Ask one of them ({page}/settings/access), or use a token of theirs.",
            rights=True,
        )
        if rights and not rights.get("admin"):
            self._limit(self._of(*_ADMINISTRATORS), ask)
        if rights and not rights.get("push"):
            reason = f"the token's owner may read {self.place.full_name} but not write to it"
            self._limit(self.changes, Limit(reason=reason, hint=ask.hint, rights=True))

    def _forks(self) -> None:
        if self.visibility != "public":
            reason = "the setting is for public repositories"
            instead = "workflows of forks of a private repository do not run unless its settings allow it"
            forks = [each for each in self._of(Kind.SETTING) if each.key.name == "fork-approval"]
            self._limit(forks, Limit(reason=reason, instead=instead))

    def _taken_names(self) -> None:
        """Names that rulesets for something else have: what shall be protected would not be."""
        page = f"{self.place.account.host.page(self.place.owner, self.place.name)}/settings/rules"
        for resource in self._of(Kind.RULESET):
            target = self.place.taken.get(resource.key.name)
            if target is not None:
                reason = f"the name is taken by a ruleset for {_TARGETS.get(target, target)}"
                hint = f"Rename that one ({page}), or this one in .github/remote.yaml."
                self._limit([resource], Limit(reason=reason, hint=hint))

    def _plan(self, plan: Plan) -> None:
        """What the owner's plan does not hold for a repository that is not public."""
        if not plan.sure:
            message = f"GitHub does not tell the plan of {self.place.owner}; it is taken to hold everything."
            hint = "Say it in .github/remote.yaml (github: {plan: free|pro|team|enterprise}) if something is refused."
            self.place.account.events(Warn(message=message, hint=hint))
        has = f"; {self.place.owner} has {NAMES[plan.name]}" if plan.name else ""
        server = self.place.account.host.server
        there = {key.name for key in self.snapshot.resources if key.kind is Kind.ENVIRONMENT}
        environments = self._of(Kind.ENVIRONMENT)
        if not plan.holds.environments and not there:
            self._limit(environments, environments_limit(self.visibility, has, server))
        elif not plan.holds.reviewers:
            limit = reviewers_limit(self.visibility, has, server)
            self._limit([each for each in environments if _is_reviewed(each)], limit)
        if not plan.holds.rulesets:
            self._limit(self._of(Kind.RULESET), rulesets_limit(self.visibility, has, server))

    def _problem_with(self, environment: Resource) -> Limit | None:
        """Why the environment's reviewers cannot review."""
        access = {*(each.key for each in self._of(Kind.SETTING)), *self.snapshot.resources}
        teams = {key.name.removeprefix(TEAM_ACCESS) for key in access if key.name.startswith(TEAM_ACCESS)}
        return problem_with(self.place, _reviewers_of(environment), visibility=self.visibility, teams=teams)

    def _limit_below(self, key: Key, problem: Limit | None) -> None:
        """A thing that cannot be had, and what belongs to it if it is an environment."""
        if problem is None or key in self.limits:
            return
        self.limits[key] = problem
        if key.kind is Kind.ENVIRONMENT:
            below = [each for each in self._of(*_BELOW) if each.key.scope == key.name]
            self._limit(below, Limit(reason=f"its environment {key.name} cannot be made", hint=problem.hint))

    def _names_and_sizes(self) -> None:
        for resource in self._of(Kind.VARIABLE, Kind.SECRET):
            problem = sealing.name_problem(resource.key.name)
            if not problem and resource.key.kind is Kind.VARIABLE:
                problem = sealing.value_problem(str(resource.value))
            if problem:
                hint = "Change it in .github/remote.yaml."
                self._limit([resource], Limit(reason=f"GitHub does not take it: {problem}", hint=hint))

    def _topics(self) -> None:
        """A repository that has as many topics as it may have."""
        there = set((self.place.data or {}).get("topics") or ())
        for resource in self._of(Kind.SETTING):
            wanted = resource.value if resource.key.name == "topics" and isinstance(resource.value, tuple) else ()
            if wanted and len(there | set(wanted)) > _TOPICS:
                reason = f"it has {len(there)} topics, and GitHub takes no more than {_TOPICS}"
                instead = "everything else is set up; searching for the topic does not find it"
                page = self.place.account.host.page(self.place.owner, self.place.name)
                limit = Limit(reason=reason, instead=instead, hint=f"Take one away at {page}, then run it again.")
                self._limit([resource], limit)

    def _numbers(self) -> None:
        """How many secrets and variables one place may have."""
        there = Counter((key.kind, key.scope) for key in self.snapshot.resources)
        for kind in (Kind.VARIABLE, Kind.SECRET):
            for scope in {each.key.scope for each in self._of(kind)}:
                most = sealing.SECRETS_PER_PLACE
                if kind is Kind.VARIABLE:
                    most = sealing.VARIABLES_PER_ENVIRONMENT if scope else sealing.VARIABLES_PER_REPOSITORY
                new = [
                    each
                    for each in self._of(kind)
                    if each.key.scope == scope and each.key not in self.snapshot.resources
                ]
                room = max(0, most - there[kind, scope])
                reason = f"{scope or 'the repository'} may have no more than {most} {kind.value}s"
                hint = "Remove some that nobody uses any more."
                self._limit(new[room:], Limit(reason=reason, hint=hint))

    def _runners(self) -> None:
        for resource in self._of(Kind.RUNNER):
            labels = resource.key.name.replace(",", ", ")
            limit = Limit(
                reason=f"no self-hosted runner with the labels {labels} is online",
                instead="everything else is set up; a job that asks for one waits for up to 24 hours",
                hint="Start one on a machine that can reach the cluster: 'mlopsgen runner add'.",
            )
            self._limit([resource], limit)


def _reviewers_of(environment: Resource) -> tuple[str, ...]:
    value = environment.value.get("reviewers") if isinstance(environment.value, Mapping) else ()
    return value if isinstance(value, tuple) else ()


def _is_reviewed(environment: Resource) -> bool:
    value = environment.value
    return isinstance(value, Mapping) and bool(value.get("reviewers") or value.get("wait_minutes"))
