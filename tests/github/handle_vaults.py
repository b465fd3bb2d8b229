"""Calls about secrets and variables, of a repository and of an environment."""

from __future__ import annotations

import re
from typing import Any

from .operations import ENVIRONMENT, REPO, Visit, operation
from .repositories import Secret, Variable, Vault
from .web import Answer, Refused, invalid, not_found, paged_object
from .world import private_environments

# Facts "Secrets and variables": sizes and counts; a sealed box is 48 bytes longer than what it holds.
LARGEST = 48 * 1024
MOST_SECRETS = 100
MOST_VARIABLES = {REPO: 500, ENVIRONMENT: 100}
OF_REPOSITORY = (REPO + "/actions", "secrets={}", "actions_variables={}")
OF_ENVIRONMENT = (ENVIRONMENT, "secrets={0},environments={0}", "actions_variables={0},environments={0}")


def vault(visit: Visit) -> Vault:
    """What the call is about; an environment that is not there, or not to be had, is 404."""
    if not visit.call.template.startswith(ENVIRONMENT):
        return visit.repository.vault
    found = visit.repository.environment(visit.call.named("environment_name"))
    if found is None or not private_environments(visit.repository):
        raise not_found()
    return found.vault


def checked(name: str) -> str:
    """Facts "Names": letters, digits, underscore; neither a digit nor GITHUB_ first; kept in upper case."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or name.upper().startswith("GITHUB_"):
        raise Refused(
            422,
            "Secret names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). Spaces "
            "are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_).",
        )
    return name.upper()


def public_key(visit: Visit) -> Answer:
    keys = vault(visit).keys
    return Answer(200, {"key_id": keys.id, "key": keys.public})


def list_secrets(visit: Visit) -> Answer:
    shown = [_secret(secret) for secret in sorted(vault(visit).secrets.values(), key=lambda one: one.name)]
    return paged_object(visit.call, "secrets", shown, visit.world.api)


def get_secret(visit: Visit) -> Answer:
    secret = vault(visit).secrets.get(visit.call.named("secret_name").upper())
    if secret is None:
        raise not_found()
    return Answer(200, _secret(secret))


def put_secret(visit: Visit) -> Answer:
    kept, body = vault(visit), visit.call.json
    name = checked(visit.call.named("secret_name"))
    if body.get("key_id") != kept.keys.id:
        # Facts "Three different keys": the key of another environment, or one from before a rotation, is refused.
        raise Refused(422, "Bad request - encrypted_value was encrypted with an outdated or foreign key_id.")
    try:
        value = kept.keys.open(body["encrypted_value"])
    except ValueError as error:
        raise Refused(422, "Bad request - encrypted_value could not be decrypted with this key.") from error
    if len(value) > LARGEST:
        raise Refused(422, "Secret value exceeds the maximum size of 48 KB.")
    if name not in kept.secrets and len(kept.secrets) >= MOST_SECRETS:
        raise Refused(422, f"No more than {MOST_SECRETS} secrets can be stored.")
    at = visit.world.clock()
    old = kept.secrets.get(name)
    kept.secrets[name] = Secret(name, value.decode("utf-8"), old.created_at if old else at, at)
    return Answer(204) if old else Answer(201, {})


def delete_secret(visit: Visit) -> Answer:
    if vault(visit).secrets.pop(visit.call.named("secret_name").upper(), None) is None:
        raise not_found()
    return Answer(204)


def list_variables(visit: Visit) -> Answer:
    shown = [_variable(one) for one in sorted(vault(visit).variables.values(), key=lambda one: one.name)]
    return paged_object(visit.call, "variables", shown, visit.world.api, default=10, most=30)


def make_variable(visit: Visit) -> Answer:
    kept, body = vault(visit).variables, visit.call.json
    name = checked(body["name"])
    if name in kept:
        # Facts "M create is POST, update is PATCH (not an upsert): handle 409".
        raise Refused(409, "Already exists - Variable already exists")
    most = MOST_VARIABLES[ENVIRONMENT if visit.call.template.startswith(ENVIRONMENT) else REPO]
    if len(kept) >= most:
        raise Refused(422, f"No more than {most} variables can be stored.")
    at = visit.world.clock()
    kept[name] = Variable(name, _sized(body["value"]), at, at)
    return Answer(201, {})


def get_variable(visit: Visit) -> Answer:
    return Answer(200, _variable(_one(visit)))


def change_variable(visit: Visit) -> Answer:
    kept, body, one = vault(visit).variables, visit.call.json, _one(visit)
    name = checked(body.get("name", one.name))
    if name != one.name and name in kept:
        raise Refused(409, "Already exists - Variable already exists")
    value = _sized(body.get("value", one.value))
    del kept[one.name]
    kept[name] = Variable(name, value, one.created_at, visit.world.clock())
    return Answer(204)


def delete_variable(visit: Visit) -> Answer:
    del vault(visit).variables[_one(visit).name]
    return Answer(204)


def _one(visit: Visit) -> Variable:
    found = vault(visit).variables.get(visit.call.named("name").upper())
    if found is None:
        raise not_found()
    return found


def _sized(value: str) -> str:
    if len(value.encode("utf-8")) > LARGEST:
        raise invalid("Variable", "value", "custom", "Value is too large: the limit is 48 KB.")
    return value


def _secret(one: Secret) -> dict[str, Any]:
    return {"name": one.name, "created_at": one.created_at, "updated_at": one.updated_at}


def _variable(one: Variable) -> dict[str, Any]:
    return {"name": one.name, "value": one.value, "created_at": one.created_at, "updated_at": one.updated_at}


for _root, _secrets, _variables in (OF_REPOSITORY, OF_ENVIRONMENT):
    _read = {"role": "write", "permissions": _secrets.format("read")}
    _write = {"role": "write" if _root is OF_REPOSITORY[0] else "admin", "permissions": _secrets.format("write")}
    operation("GET", _root + "/secrets/public-key", **_read)(public_key)
    operation("GET", _root + "/secrets", **_read)(list_secrets)
    operation("GET", _root + "/secrets/{secret_name}", **_read)(get_secret)
    operation("PUT", _root + "/secrets/{secret_name}", **_write)(put_secret)
    operation("DELETE", _root + "/secrets/{secret_name}", **_write)(delete_secret)
    _read = {**_read, "permissions": _variables.format("read")}
    _write = {**_write, "permissions": _variables.format("write")}
    operation("GET", _root + "/variables", **_read)(list_variables)
    operation("POST", _root + "/variables", **_write)(make_variable)
    operation("GET", _root + "/variables/{name}", **_read)(get_variable)
    operation("PATCH", _root + "/variables/{name}", **_write)(change_variable)
    operation("DELETE", _root + "/variables/{name}", **_write)(delete_variable)
