"""Reading a repository as it is: each family of settings by itself, all at once, and only what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from mlopsgen.errors import AuthenticationFailed, PermissionDenied
from mlopsgen.forge.github.errors import PlanMissing, Refused
from mlopsgen.forge.github.place import Place
from mlopsgen.forge.github.plans import rulesets_limit
from mlopsgen.forge.github.rules import ruleset_value, target_of
from mlopsgen.forge.github.settings import TEAM_ACCESS
from mlopsgen.forge.values import Key, Kind, Limit, Repository, Resource, Scalar, Snapshot, Value

Found = dict[Key, Value]
Family = Callable[[], Found]
Fields = dict[str, Scalar | tuple[str, ...]]

_WITHOUT_CODE = (Kind.ENVIRONMENT, Kind.VARIABLE, Kind.SECRET)


def observe(place: Place, wanted: Sequence[Resource], workers: int) -> Snapshot:
    """Read the repository and what has to be compared with ``wanted``.

    Three rounds at most, whatever is wanted: the repository; its families; what lies below environments and rulesets.
    """
    by = place.account.whoami
    with ThreadPoolExecutor(workers) as pool:
        me = pool.submit(by)
        data = place.load(public=_shall_be_public(wanted))
        reading = _Reading(place, wanted, pool)
        if data is None:
            reading.run(reading.runners_only())
            return Snapshot(resources=reading.found, unreadable=reading.unreadable, by=me.result())
        # A token that only rotates secrets need not be able to read code.
        needs_branches = not wanted or any(resource.key.kind not in _WITHOUT_CODE for resource in wanted)
        branches = pool.submit(read_branches, place) if needs_branches else None
        reading.run(reading.families())
        reading.run(reading.details())
        place.branches = branches.result() if branches is not None else place.branches
        repository = Repository(
            address=place.account.host.address(place.owner, place.name),
            project="",
            branches=place.branches or {},
            default_branch=str(data.get("default_branch") or "") if place.branches else "",
            page=str(data.get("html_url") or ""),
        )
        return Snapshot(repository=repository, resources=reading.found, unreadable=reading.unreadable, by=me.result())


def read_branches(place: Place) -> dict[str, str]:
    """The branches with their commits."""
    found = place.pages("branches", doing="Reading the branches", accept={409})
    return {str(each["name"]): str(each["commit"]["sha"]) for each in found}


class _Reading:
    """One reading of a repository; the families fill :attr:`found` and :attr:`unreadable`."""

    def __init__(self, place: Place, wanted: Sequence[Resource], pool: ThreadPoolExecutor) -> None:
        self.place = place
        self.pool = pool
        self.found: Found = {}
        self.unreadable: dict[Key, Limit] = {}
        self.wanted: dict[Kind, dict[Key, Resource]] = {}
        for resource in wanted:
            self.wanted.setdefault(resource.key.kind, {})[resource.key] = resource
        self._rulesets: dict[str, int] = {}

    def run(self, families: Sequence[tuple[Family, Sequence[Key]]]) -> None:
        """Read families at once; one that GitHub does not show makes its keys unreadable."""
        running = [(self.pool.submit(family), keys) for family, keys in families]
        for future, keys in running:
            try:
                self.found.update(future.result())
            except AuthenticationFailed:
                raise
            except PlanMissing:
                server = self.place.account.host.server
                limit = rulesets_limit(visibility_of(self.place.data or {}), "", server)
                self.unreadable.update(dict.fromkeys((key for key in keys if key.kind is Kind.RULESET), limit))
            except (PermissionDenied, Refused) as error:
                rights = isinstance(error, PermissionDenied)
                limit = Limit(reason=error.message.rstrip("."), hint=error.hint, rights=rights)
                self.unreadable.update(dict.fromkeys(keys, limit))

    def families(self) -> list[tuple[Family, Sequence[Key]]]:
        """What can be read once the repository is known to be there."""
        families = [*self._settings(), *self.runners_only()]
        kinds = (Kind.ENVIRONMENT, Kind.POLICY, Kind.VARIABLE, Kind.SECRET)
        below = [key for kind in kinds for key in self.wanted.get(kind, {}) if key.scope or kind is Kind.ENVIRONMENT]
        if below:
            families.append((self._environments, below))
        for kind, family in ((Kind.RULESET, self._list_rulesets), (Kind.LABEL, self._labels)):
            if kind in self.wanted:
                families.append((family, list(self.wanted[kind])))
        for kind, read in ((Kind.VARIABLE, self._variables), (Kind.SECRET, self._secrets)):
            keys = self._scoped(kind, "")
            if keys:
                families.append((partial(read, ""), keys))
        return families

    def details(self) -> list[tuple[Family, Sequence[Key]]]:
        """What can be read once the environments and rulesets are known."""
        families: list[tuple[Family, Sequence[Key]]] = []
        readers = ((Kind.POLICY, self._policies), (Kind.VARIABLE, self._variables), (Kind.SECRET, self._secrets))
        for name, environment in self.place.environments.items():
            for kind, read in readers:
                keys = self._scoped(kind, name)
                if kind is Kind.POLICY and _branches_of(environment) != "custom":
                    continue
                if keys:
                    families.append((partial(read, name), keys))
        for name, number in self._rulesets.items():
            key = Key(Kind.RULESET, name)
            families.append((partial(self._ruleset, key, number), [key]))
        return families

    def runners_only(self) -> list[tuple[Family, Sequence[Key]]]:
        """The runners, which an organisation has also before there is a repository."""
        keys = list(self.wanted.get(Kind.RUNNER, {}))
        return [(self._runners, keys)] if keys else []

    def _settings(self) -> list[tuple[Family, Sequence[Key]]]:
        readers: dict[str, Family] = {
            "actions": self._actions,
            "allowed-actions": self._allowed_actions,
            "workflow-token": self._workflow_token,
            "fork-approval": self._fork_approval,
            "vulnerability-alerts": self._vulnerability_alerts,
            "security-updates": self._security_updates,
        }
        keys = self.wanted.get(Kind.SETTING, {})
        families: list[tuple[Family, Sequence[Key]]] = [(self._of_repository, list(keys))] if keys else []
        families += [(readers[key.name], [key]) for key in keys if key.name in readers]
        topics = Key(Kind.SETTING, "topics")
        if topics in keys and not isinstance((self.place.data or {}).get("topics"), list):
            families.append((partial(self._topics, topics), [topics]))
        teams = [key for key in keys if key.name.startswith(TEAM_ACCESS)]
        return families + [(partial(self._team_access, key), [key]) for key in teams]

    def _of_repository(self) -> Found:
        """The settings that the repository's own answer holds; needs no call."""
        data = self.place.data or {}
        found: Found = {}
        for key, resource in self.wanted[Kind.SETTING].items():
            match key.name:
                case "about":
                    texts = {name: str(data.get(name) or "") for name in ("description", "homepage")}
                    found[key] = texts
                case "topics" if isinstance(data.get("topics"), list):
                    found[key] = _wanted_topics(resource, data["topics"])
                case "visibility":
                    found[key] = visibility_of(data)
                case "default-branch":
                    found[key] = str(data.get("default_branch") or "")
                case "merging" if "allow_merge_commit" in data:
                    found[key] = {
                        "merge_commit": bool(data["allow_merge_commit"]),
                        "squash": bool(data.get("allow_squash_merge")),
                        "rebase": bool(data.get("allow_rebase_merge")),
                        "delete_branch": bool(data.get("delete_branch_on_merge")),
                    }
                case "merging":
                    reason = "GitHub shows the merge settings to administrators only"
                    self.unreadable[key] = Limit(reason=reason, hint="Use a token of an administrator.", rights=True)
        return found

    def _get(self, *parts: str, doing: str) -> Mapping[str, Any]:
        data = self.place.request("GET", *parts, doing=doing).data
        return data if isinstance(data, Mapping) else {}

    def _topics(self, key: Key) -> Found:
        """The topics, where the repository's own answer leaves them out."""
        names = self._get("topics", doing="Reading the topics").get("names") or ()
        return {key: _wanted_topics(self.wanted[Kind.SETTING][key], names)}

    def _team_access(self, key: Key) -> Found:
        team = key.name.removeprefix(TEAM_ACCESS)
        reads = self.place.team_reads(team, f"Reading what the team {team} may do")
        return {key: "read"} if reads else {}

    def _actions(self) -> Found:
        data = self._get("actions", "permissions", doing="Reading the settings of Actions")
        value: Fields = {
            "enabled": bool(data.get("enabled")),
            "allowed": str(data.get("allowed_actions") or "all"),
            "pinned": bool(data.get("sha_pinning_required")),
        }
        return {Key(Kind.SETTING, "actions"): value}

    def _allowed_actions(self) -> Found:
        # Where not only selected ones are allowed there is no selection: 409.
        parts, doing = ("actions", "permissions", "selected-actions"), "Reading the allowed actions"
        answer = self.place.request("GET", *parts, doing=doing, accept={404, 409})
        if answer.status >= 400:
            return {}
        value: Fields = {
            "github_owned": bool(answer.data.get("github_owned_allowed")),
            "verified": bool(answer.data.get("verified_allowed")),
            "patterns": tuple(sorted(answer.data.get("patterns_allowed") or ())),
        }
        return {Key(Kind.SETTING, "allowed-actions"): value}

    def _workflow_token(self) -> Found:
        data = self._get("actions", "permissions", "workflow", doing="Reading the rights of the workflows' token")
        value: Fields = {
            "permissions": str(data.get("default_workflow_permissions") or ""),
            "pull_requests": bool(data.get("can_approve_pull_request_reviews")),
        }
        return {Key(Kind.SETTING, "workflow-token"): value}

    def _fork_approval(self) -> Found:
        if visibility_of(self.place.data or {}) != "public":
            return {}
        doing = "Reading who approves workflows of forks"
        data = self._get("actions", "permissions", "fork-pr-contributor-approval", doing=doing)
        return {Key(Kind.SETTING, "fork-approval"): str(data.get("approval_policy") or "")}

    def _vulnerability_alerts(self) -> Found:
        key = Key(Kind.SETTING, "vulnerability-alerts")
        # Security updates cannot be on without the alerts.
        if self._security_updates_told() == "enabled":
            return {key: True}
        answer = self.place.request("GET", "vulnerability-alerts", doing="Reading Dependabot's alerts", accept={404})
        return {key: answer.status == 204}

    def _security_updates(self) -> Found:
        key = Key(Kind.SETTING, "security-updates")
        told = self._security_updates_told()
        if told:
            return {key: told == "enabled"}
        doing = "Reading Dependabot's updates"
        answer = self.place.request("GET", "automated-security-fixes", doing=doing, accept={404})
        return {key: answer.status == 200 and bool(answer.data.get("enabled"))}

    def _security_updates_told(self) -> str:
        """``enabled`` or ``disabled`` where the repository's own answer tells it."""
        analysis = (self.place.data or {}).get("security_and_analysis") or {}
        return str((analysis.get("dependabot_security_updates") or {}).get("status") or "")

    def _environments(self) -> Found:
        listed = self.place.pages("environments", doing="Reading the environments", key="environments")
        # GitHub does not tell capitals apart: "Production" is the environment that is wanted as "production".
        names = {key.scope for keys in self.wanted.values() for key in keys if key.scope}
        spelt = {name.lower(): name for name in names | {key.name for key in self.wanted.get(Kind.ENVIRONMENT, {})}}
        self.place.environments = {spelt.get(str(each["name"]).lower(), str(each["name"])): each for each in listed}
        found: Found = {}
        for name, data in self.place.environments.items():
            key = Key(Kind.ENVIRONMENT, name)
            resource = self.wanted.get(Kind.ENVIRONMENT, {}).get(key)
            if resource is not None:
                found[key] = self._environment(data, resource)
        return found

    def _environment(self, data: Mapping[str, Any], resource: Resource) -> Value:
        wait, reviewers = 0, list[str]()
        # Without reviewers GitHub does not tell this, and it has no effect: as it is wanted.
        wanted = resource.value if isinstance(resource.value, Mapping) else {}
        self_review = bool(wanted.get("self_review"))
        for rule in data.get("protection_rules") or ():
            if rule.get("type") == "wait_timer":
                wait = int(rule.get("wait_timer") or 0)
            elif rule.get("type") == "required_reviewers":
                self_review = not rule.get("prevent_self_review")
                for each in rule.get("reviewers") or ():
                    reviewers.append(self._reviewer(each))
        return {
            "reviewers": tuple(sorted(_as_wanted(reviewers, wanted.get("reviewers")))),
            "wait_minutes": wait,
            "self_review": self_review,
            "branches": _branches_of(data),
        }

    def _reviewer(self, each: Mapping[str, Any]) -> str:
        data = each.get("reviewer") or {}
        name = f"{self.place.owner}/{data.get('slug')}" if each.get("type") == "Team" else str(data.get("login") or "")
        if data.get("id"):
            self.place.account.remember_reviewer(name, int(data["id"]))
        return name

    def _policies(self, environment: str) -> Found:
        listed = self.place.pages(
            "environments",
            environment,
            "deployment-branch-policies",
            doing=f"Reading the branches of the environment {environment}",
            key="branch_policies",
            environment=environment,
        )
        return {Key(Kind.POLICY, str(p["name"]), environment): str(p.get("type") or "branch") for p in listed}

    def _variables(self, environment: str) -> Found:
        scope = ("environments", environment) if environment else ("actions",)
        doing = f"Reading the variables of {environment or 'the repository'}"
        listed = self.place.pages(*scope, "variables", doing=doing, key="variables", size=30, environment=environment)
        spelt = {key.name.upper(): key for key in self._scoped(Kind.VARIABLE, environment)}
        pairs = ((str(each["name"]), str(each["value"])) for each in listed)
        return {spelt.get(name.upper(), Key(Kind.VARIABLE, name, environment)): value for name, value in pairs}

    def _secrets(self, environment: str) -> Found:
        scope = ("environments", environment) if environment else ("actions",)
        doing = f"Reading the names of the secrets of {environment or 'the repository'}"
        listed = self.place.pages(*scope, "secrets", doing=doing, key="secrets", environment=environment)
        spelt = {key.name.upper(): key for key in self._scoped(Kind.SECRET, environment)}
        pairs = ((str(each["name"]), str(each.get("updated_at") or "")) for each in listed)
        return {spelt.get(name.upper(), Key(Kind.SECRET, name, environment)): when for name, when in pairs}

    def _list_rulesets(self) -> Found:
        listed = self.place.pages("rulesets", doing="Reading the rulesets", query={"includes_parents": False})
        targets = {key.name: target_of(_fields(one.value)) for key, one in self.wanted[Kind.RULESET].items()}
        found = {str(each["name"]): (str(each.get("target", "branch")), int(each["id"])) for each in listed}
        own = {name: number for name, (target, number) in found.items() if target == targets.get(name, "branch")}
        # GitHub lets no two rulesets of a repository have one name, whatever they are for.
        self.place.taken = {name: target for name, (target, _) in found.items() if name not in own}
        self.place.rulesets = own
        self._rulesets = {key.name: own[key.name] for key in self.wanted[Kind.RULESET] if key.name in own}
        return {}

    def _ruleset(self, key: Key, number: int) -> Found:
        data = self._get("rulesets", str(number), doing=f"Reading the ruleset {key.name}")
        return {key: ruleset_value(data, _fields(self.wanted[Kind.RULESET][key].value))}

    def _labels(self) -> Found:
        listed = self.place.pages("labels", doing="Reading the labels")
        spelt = {key.name.lower(): key for key in self.wanted[Kind.LABEL]}
        found: Found = {}
        for each in listed:
            key = spelt.get(str(each["name"]).lower())
            if key is not None:
                texts = {name: str(each.get(name) or "") for name in ("color", "description")}
                found[key] = texts
        return found

    def _runners(self) -> Found:
        keys = list(self.wanted[Kind.RUNNER])
        found: Found = {}
        places = []
        if self.place.data is not None:
            places.append(self.place.path("actions", "runners"))
        if self.place.organisation:
            places.append(f"/orgs/{self.place.owner}/actions/runners")
        for path in places:
            missing = [key for key in keys if key not in found]
            if not missing:
                break
            doing = "Reading the self-hosted runners"
            listed = self.place.account.client.pages(path, doing=doing, key="runners", accept={403, 404})
            online = [
                {str(label["name"]).lower() for label in each.get("labels") or ()}
                for each in listed
                if each.get("status") == "online"
            ]
            for key in missing:
                labels = {label.strip().lower() for label in key.name.split(",")}
                if any(labels <= there for there in online):
                    found[key] = "online"
        return found

    def _scoped(self, kind: Kind, environment: str) -> list[Key]:
        return [key for key in self.wanted.get(kind, {}) if key.scope == environment]


def _shall_be_public(wanted: Sequence[Resource]) -> bool:
    values = [resource.value for resource in wanted if resource.key.kind is Kind.REPOSITORY]
    return any(isinstance(value, Mapping) and value.get("visibility") == "public" for value in values)


def _wanted_topics(resource: Resource, there: Sequence[str]) -> tuple[str, ...]:
    wanted = resource.value if isinstance(resource.value, tuple) else ()
    return tuple(sorted(topic for topic in wanted if topic in there))


def visibility_of(data: Mapping[str, Any]) -> str:
    """``public``, ``private`` or ``internal``."""
    return str(data.get("visibility") or ("private" if data.get("private") else "public"))


def _branches_of(environment: Mapping[str, Any]) -> str:
    """Which branches may deploy to an environment: the named ones, the protected ones, or all."""
    policy = environment.get("deployment_branch_policy")
    if not policy:
        return "all"
    return "custom" if policy.get("custom_branch_policies") else "protected"


def _as_wanted(names: Sequence[str], wanted: object) -> list[str]:
    """Names in the spelling in which they are wanted; GitHub does not tell capitals apart."""
    spelt = {str(name).lower(): str(name) for name in wanted} if isinstance(wanted, tuple) else {}
    return [spelt.get(name.lower(), name) for name in names]


def _fields(value: Value) -> Mapping[str, Scalar | tuple[str, ...]]:
    return value if isinstance(value, Mapping) else {}
