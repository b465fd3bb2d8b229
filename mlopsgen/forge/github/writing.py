"""Making and changing things on GitHub, so that doing it again changes nothing and a lost answer costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlopsgen.errors import MlopsgenError, UsageError
from mlopsgen.forge.github import sealing, settings
from mlopsgen.forge.github.client import BACKOFF, FRESH
from mlopsgen.forge.github.errors import (
    Answer,
    LostAnswer,
    Missing,
    PlanMissing,
    Refused,
    RightsMissing,
    error_from,
    says_exists,
    says_plan,
    words_of,
)
from mlopsgen.forge.github.place import Place
from mlopsgen.forge.github.plans import environments_limit, is_free, reviewers_limit, rulesets_limit
from mlopsgen.forge.github.policies import learnt_limit
from mlopsgen.forge.github.reading import visibility_of
from mlopsgen.forge.github.rules import ruleset_body, ruleset_value, target_of
from mlopsgen.forge.protocol import PlanRefused
from mlopsgen.forge.values import Key, Kind, Resource, Value
from mlopsgen.secret_value import SecretValue


class Writer:
    """Puts single things into a repository.

    Args:
        place: The repository.
        sleep: Waits that many seconds.
    """

    def __init__(self, place: Place, sleep: Callable[[float], None]) -> None:
        self._place = place
        self._sleep = sleep
        self._puts: dict[Kind, Callable[[Resource], None]] = {
            Kind.REPOSITORY: self._repository,
            Kind.SETTING: self._setting,
            Kind.ENVIRONMENT: self._environment,
            Kind.POLICY: self._policy,
            Kind.VARIABLE: self._variable,
            Kind.RULESET: self._ruleset,
            Kind.LABEL: self._label,
        }

    def put(self, resource: Resource, secret: SecretValue | None) -> None:
        """Make a thing, or give it another value.

        Raises:
            MlopsgenError: GitHub refuses, or cannot be reached.
        """
        if resource.key.kind is Kind.SECRET:
            self._secret(resource, secret)
            return
        put = self._puts.get(resource.key.kind)
        if put is None:
            raise MlopsgenError(f"A {resource.key.kind} cannot be made on GitHub.", where=resource.key.name)
        put(resource)

    def _make(self, post: Callable[[], Answer], is_there: Callable[[], bool]) -> Answer | None:
        """Make something by a call that must not be made twice: if its answer is lost, look before trying again.

        Returns:
            The answer; ``None`` if it was there when it was looked for.
        """
        for wait in (*BACKOFF, None):
            try:
                return post()
            except LostAnswer:
                if is_there():
                    return None
                if wait is None:
                    raise
                self._sleep(wait)
        raise AssertionError

    def _repository(self, resource: Resource) -> None:
        place, value = self._place, _fields(resource.value)
        visibility = str(value.get("visibility") or "private")
        body: dict[str, Any] = {
            "name": place.name,
            "description": str(value.get("description") or ""),
            "homepage": str(value.get("homepage") or ""),
            "private": visibility != "public",
            **settings.OF_REPOSITORY["merging"](value),
        }
        path = "/user/repos"
        if place.organisation:
            path = f"/orgs/{place.owner}/repos"
            body["visibility"] = visibility
        doing = f"Making the repository {place.full_name}"

        def post() -> Answer:
            client = place.account.client
            return client.request("POST", path, doing=doing, body=body, accept={422}, where=place.full_name)

        answer = self._make(post, lambda: place.load() is not None)
        if answer is not None and answer.status == 422 and not says_exists(answer):
            raise self._error(answer, doing)
        if answer is not None and answer.status < 400:
            place.take(answer.data)
        place.made()
        self._make_sure_of_sight(made=answer is None or answer.status < 400)
        there = visibility_of(place.data or {})
        if there != visibility and there == "public":
            page = place.account.host.page(place.owner, place.name)
            raise Refused(
                f"{place.full_name} is {there} and shall be {visibility}; nothing is pushed there.",
                hint=f"Change it at {page}/settings, or choose another --name.",
                where=place.full_name,
            )

    def _make_sure_of_sight(self, *, made: bool) -> None:
        """Stop where the repository is there and the token may not see it: nothing below it can be made.

        A token for selected repositories may not see one that it has just made; a classic one sees its owner's.
        """
        place = self._place
        if made and "x-oauth-scopes" in place.account.client.seen_headers:
            return
        if place.load() is None:
            page = f"{place.account.host.server}/settings/personal-access-tokens"
            error = RightsMissing(
                f"The repository {place.full_name} is there, and this token may not see it.",
                hint=f"Add the repository to the token ({page}), or use one for all repositories, then run this again.",
                where=place.full_name,
            )
            error.concerns_all = True
            raise error

    def _setting(self, resource: Resource) -> None:
        name, value = resource.key.name, resource.value
        if name == "topics":
            self._topics(value)
        elif name.startswith(settings.TEAM_ACCESS):
            self._team_access(name.removeprefix(settings.TEAM_ACCESS), settings.words(name))
        elif name in settings.OF_REPOSITORY:
            body, data = settings.OF_REPOSITORY[name](value), self._place.data or {}
            # What the repository was made with need not be sent again.
            if any((data.get(field) or "") != (part or "") for field, part in body.items()):
                answer = self._place.request("PATCH", doing=settings.words(name), body=body)
                self._place.take(answer.data)
        elif name in settings.BY_THEMSELVES:
            self._set(settings.BY_THEMSELVES[name], settings.words(name), resource)
        else:
            raise MlopsgenError(f"GitHub has no setting '{name}'.", where=name)

    def _team_access(self, team: str, doing: str) -> None:
        """Let a team read the repository; where it may do more already, nothing is taken away."""
        place = self._place
        if not place.team_reads(team, doing):
            body, fresh, where = {"permission": "pull"}, place.is_fresh(), place.full_name
            place.account.client.request("PUT", place.team_path(team), doing=doing, body=body, fresh=fresh, where=where)

    def _set(self, setting: settings.Setting, doing: str, resource: Resource) -> None:
        """Send a setting; a refusal that goes away when another setting has arrived is tried again."""
        accept, body = {*setting.patient, 409}, setting.body(resource.value)
        for wait in (*FRESH[:3], None):
            answer = self._place.request("PUT", *setting.parts, doing=doing, body=body, accept=accept)
            if answer.status < 400:
                return
            if wait is None or answer.status not in setting.patient:
                break
            self._sleep(wait)
        error = self._error(answer, doing)
        limit = learnt_limit(self._place, resource) if answer.status == 409 else None
        raise error if limit is None else PlanRefused(error.message, key=resource.key, limit=limit, where=error.where)

    def _topics(self, value: Value) -> None:
        wanted = list(value) if isinstance(value, tuple) else []
        doing = settings.words("topics")
        there = list(self._place.request("GET", "topics", doing=doing).data.get("names") or ())
        missing = [topic for topic in wanted if topic not in there]
        if missing:
            self._place.request("PUT", "topics", doing=doing, body={"names": [*there, *missing]})

    def _environment(self, resource: Resource) -> None:
        place, name, value = self._place, resource.key.name, _fields(resource.value)
        custom = {"protected_branches": False, "custom_branch_policies": True}
        body: dict[str, Any] = {"deployment_branch_policy": custom if value.get("branches") == "custom" else None}
        reviewers = [self._reviewer(reviewer) for reviewer in _list(value.get("reviewers"))]
        wait = value.get("wait_minutes") or 0
        # Plans without these features refuse the fields also when they are empty; leaving them out resets them as well.
        if reviewers or wait or _is_protected(place.environments.get(name, {})):
            body["wait_timer"] = wait
            body["reviewers"] = reviewers
            body["prevent_self_review"] = bool(reviewers) and not value.get("self_review")
        doing = f"Making the environment {name}"
        for pause in (*FRESH[:4], None):
            answer = place.request("PUT", "environments", name, doing=doing, body=body, accept={404, 422})
            # A team that was let in a moment ago may not be known everywhere yet.
            if answer.status != 422 or pause is None or "read access" not in words_of(answer.data):
                break
            self._sleep(pause)
        if answer.status >= 400:
            raise self._environment_error(answer, doing, resource.key, reviewed=bool(reviewers or wait))
        place.made(name)
        if isinstance(answer.data, Mapping):
            with place.lock:
                place.environments[name] = answer.data

    def _environment_error(self, answer: Answer, doing: str, key: Key, *, reviewed: bool) -> MlopsgenError:
        """Why there is no environment; a plan that GitHub does not tell beforehand shows here.

        Only what GitHub says of plans counts: whoever takes anything else for it gives protection away.
        """
        place, error = self._place, self._error(answer, doing)
        if answer.status == 404 and place.load() is None:
            return Missing(
                f"{doing} failed: the repository {place.full_name} is not there any more.",
                hint="Somebody deleted it, or took the token's rights; look at it before you run this again.",
                where=place.full_name,
                status=404,
            )
        visibility = visibility_of(place.data or {})
        if visibility == "public" or not (says_plan(answer) or (answer.status == 404 and is_free(place))):
            return error
        limit_of = reviewers_limit if reviewed and answer.status != 404 else environments_limit
        limit = limit_of(visibility, "", place.account.host.server)
        return PlanRefused(error.message, key=key, limit=limit, where=error.where)

    def _reviewer(self, reviewer: str) -> dict[str, Any]:
        number = self._place.account.reviewer(reviewer)
        if number is None:
            raise Refused(
                f"There is no '{reviewer}' on {self._place.account.host.name} that could review.",
                hint="Correct the reviewers in .github/remote.yaml: a login, or organisation/team.",
                where=".github/remote.yaml",
            )
        return {"type": "Team" if "/" in reviewer else "User", "id": number}

    def _policy(self, resource: Resource) -> None:
        branch, environment = resource.key.name, resource.key.scope
        parts = ("environments", environment, "deployment-branch-policies")
        doing = f"Letting the branch {branch} deploy to {environment}"

        def post() -> Answer:
            # 303: there is one of that name already.
            body = {"name": branch, "type": "branch"}
            return self._place.request("POST", *parts, doing=doing, body=body, environment=environment)

        def is_there() -> bool:
            listed = self._place.pages(*parts, doing=doing, key="branch_policies", environment=environment)
            return any(each.get("name") == branch for each in listed)

        self._make(post, is_there)

    def _variable(self, resource: Resource) -> None:
        place, name, environment = self._place, resource.key.name, resource.key.scope
        text = str(resource.value)
        problem = sealing.name_problem(name) or sealing.value_problem(text)
        if problem:
            raise UsageError(f"The variable {name} cannot be stored: {problem}.", where=environment or place.full_name)
        scope = ("environments", environment) if environment else ("actions",)
        doing = f"Setting the variable {name} of {environment or 'the repository'}"
        body = {"name": name, "value": text}

        def post() -> Answer:
            return place.request(
                "POST", *scope, "variables", doing=doing, body=body, accept={409}, environment=environment
            )

        def is_there() -> bool:
            answer = place.request(
                "GET", *scope, "variables", name, doing=doing, accept={404}, environment=environment, patient=False
            )
            return answer.status == 200

        answer = self._make(post, is_there)
        if answer is None or answer.status == 409:
            place.request("PATCH", *scope, "variables", name, doing=doing, body=body, environment=environment)

    def _secret(self, resource: Resource, secret: SecretValue | None) -> None:
        place, name, environment = self._place, resource.key.name, resource.key.scope
        where = environment or place.full_name
        if secret is None:
            raise UsageError(f"There is no value for the secret {name}.", where=where)
        problem = sealing.problem(name, secret)
        if problem:
            raise UsageError(f"The secret {name} cannot be stored: {problem}.", where=where)
        scope = ("environments", environment) if environment else ("actions",)
        doing = f"Setting the secret {name} of {environment or 'the repository'}"
        key: sealing.PublicKey | None = None
        for accept in ({422}, set[int]()):
            key = self._key(scope, environment, refused=key)
            body = {"encrypted_value": sealing.seal(key, secret), "key_id": key.identity}
            answer = place.request(
                "PUT", *scope, "secrets", name, doing=doing, body=body, accept=accept, environment=environment
            )
            if answer.status != 422:
                return

    def _key(self, scope: tuple[str, ...], environment: str, refused: sealing.PublicKey | None) -> sealing.PublicKey:
        """The key of exactly this place, read once; another one when GitHub refused that one."""
        place = self._place
        with place.key_lock(environment):
            known = place.keys.get(environment)
            if known is not None and known != refused:
                return known
            doing = f"Reading the public key of {environment or 'the repository'}"
            answer = place.request("GET", *scope, "secrets", "public-key", doing=doing, environment=environment)
            key = sealing.PublicKey(str(answer.data["key_id"]), str(answer.data["key"]))
            place.keys[environment] = key
            return key

    def _ruleset(self, resource: Resource) -> None:
        place, name, value = self._place, resource.key.name, _fields(resource.value)
        doing = f"Setting the ruleset {name}"
        number = place.rulesets.get(name)
        if number is None:

            def post() -> Answer:
                body = ruleset_body(name, value, {})
                return place.request("POST", "rulesets", doing=doing, body=body, accept={422})

            try:
                answer = self._make(post, lambda: self._find_ruleset(name) is not None)
            except PlanMissing as error:
                limit = rulesets_limit(visibility_of(place.data or {}), "", place.account.host.server)
                raise PlanRefused(error.message, key=resource.key, limit=limit, where=error.where) from error
            if answer is not None and answer.status < 400:
                place.rulesets[name] = int(answer.data["id"])
                return
            number = self._find_ruleset(name)
            if number is None and answer is not None:
                raise self._error(answer, doing)
        found = place.request("GET", "rulesets", str(number), doing=doing).data
        if found.get("target", "branch") != target_of(value):
            raise Refused(
                f"{doing} failed: its name is taken by a ruleset for something else.",
                hint=f"Rename one of them ({place.account.host.page(place.owner, place.name)}/settings/rules).",
                where=place.full_name,
            )
        now = ruleset_value(found, value)
        if all(now.get(field) == part for field, part in value.items()):
            return
        body = ruleset_body(name, value, found)
        place.request("PUT", "rulesets", str(number), doing=doing, body=body)

    def _find_ruleset(self, name: str) -> int | None:
        listed = self._place.pages(
            "rulesets", doing=f"Looking for the ruleset {name}", query={"includes_parents": False}
        )
        number = next((int(each["id"]) for each in listed if each.get("name") == name), None)
        if number is not None:
            self._place.rulesets[name] = number
        return number

    def _label(self, resource: Resource) -> None:
        place, name, value = self._place, resource.key.name, _fields(resource.value)
        doing = f"Setting the label {name}"
        body = {"color": str(value.get("color") or "ededed"), "description": str(value.get("description") or "")}

        def post() -> Answer:
            return place.request("POST", "labels", doing=doing, body={"name": name, **body}, accept={422})

        def is_there() -> bool:
            return place.request("GET", "labels", name, doing=doing, accept={404}, patient=False).status == 200

        answer = self._make(post, is_there)
        if answer is not None and answer.status == 422 and not says_exists(answer):
            raise self._error(answer, doing)
        if answer is None or answer.status == 422:
            place.request("PATCH", "labels", name, doing=doing, body=body)

    def _error(self, answer: Answer, doing: str) -> MlopsgenError:
        place = self._place
        return error_from(answer, doing=doing, server=place.account.host.server, where=place.full_name)


def _is_protected(environment: Mapping[str, Any]) -> bool:
    """Whether an environment has reviewers or a wait timer."""
    kinds = {rule.get("type") for rule in environment.get("protection_rules") or ()}
    return bool(kinds & {"required_reviewers", "wait_timer"})


def _fields(value: Value) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, tuple) else []
