"""What is told of the secrets of a forge; never a value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from mlopsgen.errors import MlopsgenError, PartialResult
from mlopsgen.operations.secrets_access import Stored, Vault
from mlopsgen.operations.wording import counted
from mlopsgen.remote.needs import Need


def where(stored: Stored) -> str:
    """A secret in words: its name and its environment."""
    as_kept = f" (kept as {stored.key.name})" if stored.key.name != stored.need.name else ""
    return f"{stored.need.name} of {stored.need.environment or 'the repository'}{as_kept}"


def counted_secrets(number: int) -> str:
    """A number of secrets in words."""
    return counted(number, "secret")


def vault_data(vault: Vault) -> dict[str, Any]:
    """The secrets as JSON values."""
    return {
        "forge": vault.forge.address,
        "environments": sorted(vault.environments),
        "secrets": [_stored_data(stored) for stored in vault.secrets],
        "others": [
            {"environment": key.scope, "name": key.name, "updated": updated}
            for key, updated in sorted(vault.others.items())
        ],
    }


def need_data(need: Need) -> dict[str, Any]:
    """A secret that is needed, as JSON values, while there is no place for it yet."""
    return {
        "environment": need.environment,
        "name": need.name,
        "stored_as": need.name,
        "scope": "environment" if need.environment else "repository",
        "purpose": need.purpose,
        "required": need.required,
        "present": False,
        "updated": "",
    }


def _stored_data(stored: Stored) -> dict[str, Any]:
    return need_data(stored.need) | {
        "stored_as": stored.key.name,
        "scope": "environment" if stored.key.scope else "repository",
        "present": stored.present,
        "updated": stored.updated,
    }


def missing_steps(missing: Iterable[Stored]) -> tuple[str, ...]:
    """The commands that write what is missing."""
    found: dict[str, list[str]] = {}
    for stored in missing:
        found.setdefault(stored.need.name, []).append(stored.need.environment)
    return tuple(
        " ".join((f"mlopsgen secrets set {name}", *(f"--branch {each}" for each in environments if each)))
        for name, environments in found.items()
    )


def unfinished(
    vault: Vault, done: Sequence[Stored], failed: Sequence[tuple[Stored, MlopsgenError]], *, rotate: bool
) -> PartialResult:
    """The error for secrets of which some could not be written."""
    reasons = "; ".join(f"{where(stored)}: {error.message.rstrip('.')}" for stored, error in failed)
    again = "writes all of them again" if rotate else "writes only those that are absent"
    return PartialResult(
        f"{len(done)} of {counted_secrets(len(done) + len(failed))} written; not written: {reasons}.",
        where=vault.forge.address,
        hint=f"{failed[0][1].hint} Then run the same command again: it {again}.".strip(),
    )
