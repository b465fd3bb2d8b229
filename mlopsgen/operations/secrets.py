"""``mlopsgen secrets``: which secrets the environments need, whether they are there, and writing them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlopsgen.constants import BRANCHES
from mlopsgen.errors import ExitCode, Interrupted, MissingAnswer, MlopsgenError, UsageError
from mlopsgen.events import Note, StepDone, Warn
from mlopsgen.forge.github.sealing import SECRETS_PER_PLACE, name_problem, problem
from mlopsgen.forge.local import LocalForge
from mlopsgen.forge.values import Resource
from mlopsgen.near_words import nearest
from mlopsgen.operations.hosting import find_hosted
from mlopsgen.operations.making import read_making
from mlopsgen.operations.secret_sources import Named, SecretSource
from mlopsgen.operations.secrets_access import Access, NotPushed, Stored, Vault, open_vault, read_needs
from mlopsgen.operations.secrets_result import counted_secrets, missing_steps, need_data, unfinished, vault_data, where
from mlopsgen.operations.wording import counted
from mlopsgen.ports import EventSink
from mlopsgen.remote.needs import Need
from mlopsgen.result import OperationResult
from mlopsgen.secret_value import SecretValue


@dataclass(frozen=True, kw_only=True)
class SetRequest:
    """What to write.

    Attributes:
        access: Which forge.
        source: Where the values come from.
        names: The secrets to write; empty: all that the source has.
        environments: The environments to write into; empty: all that need the secret.
        rotate: Whether secrets that are there get another value; otherwise only those that are absent are written.
        single: Whether the source is one value, which must not silently become that of several environments.
        asking: Whether a person is asked for the values; then only what is needed and absent is asked for.
    """

    access: Access
    source: SecretSource
    names: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    rotate: bool = False
    single: bool = False
    asking: bool = False


@dataclass
class _Sorted:
    """What is written, what stays and what there is no value for."""

    write: list[tuple[Stored, SecretValue]] = field(default_factory=list)
    kept: list[Stored] = field(default_factory=list)
    absent: list[Stored] = field(default_factory=list)
    without_value: list[Stored] = field(default_factory=list)


def list_secrets(access: Access, events: EventSink) -> OperationResult:
    """Every secret that is needed, with what for and how it stands; and those that nobody asked for."""
    try:
        vault = open_vault(access, events)
    except NotPushed as error:
        return _not_pushed(access, error)
    _say_what_is_lost(vault, events)
    present = sum(1 for s in vault.secrets if s.present)
    required = f"{len(vault.missing)} required missing" if vault.missing else "no required one is missing"
    words = f"{present} of {counted_secrets(len(vault.secrets))} set; {required}."
    return OperationResult(summary=words, data=vault_data(vault), next_steps=missing_steps(vault.missing))


def _not_pushed(access: Access, error: NotPushed) -> OperationResult:
    """What will be needed: it follows from the answers alone, so that values can be collected before the first push."""
    hosted = find_hosted(access.surroundings, access.wanted)
    needs = read_needs(read_making(hosted.project.root, hosted.recorded), local=access.local)
    data = {"forge": "", "environments": [], "secrets": [need_data(need) for need in needs], "others": []}
    required = sum(1 for need in needs if need.required)
    words = f"{error.message} {counted_secrets(len(needs))} can be set then, {required or 'none'} of them required."
    steps = (error.hint, "mlopsgen push --secrets-file FILE   (sets them as it makes the repository)")
    return OperationResult(summary=words, data=data, next_steps=steps)


def check_secrets(access: Access, source: SecretSource | None, events: EventSink) -> OperationResult:
    """Whether every required secret is there, and whether names, numbers and given values will be accepted.

    Args:
        access: Which forge.
        source: Values to check before they are written; ``None`` where none were given.
        events: Receives progress.

    Returns:
        A result with exit code 1 when something is missing or will be refused.
    """
    vault = open_vault(access, events)
    _say_what_is_lost(vault, events)
    values = {s.key: value for s in vault.secrets if source is not None and (value := source.find(s.need)) is not None}
    problems = list(_problems(vault, [(s, values[s.key]) for s in vault.secrets if s.key in values]))
    problems += [
        f"{where(stored)} is missing: {stored.need.purpose}" for stored in vault.missing if stored.key not in values
    ]
    _tell_unknown(source, [s.need for s in vault.secrets], events)
    data = {**vault_data(vault), "problems": problems}
    if problems:
        return OperationResult(
            summary=f"{counted(len(problems), 'problem')}: {'; '.join(problems)}.",
            data=data,
            next_steps=missing_steps(s for s in vault.missing if s.key not in values),
            exit_code=ExitCode.FAILURE,
        )
    return OperationResult(summary="Every required secret is there.", data=data)


def set_secrets(request: SetRequest, events: EventSink) -> OperationResult:
    """Write secrets: those that are absent, or (rotating) those that are there.

    Raises:
        UsageError: A name, an environment or a value is not possible; nothing was written.
        MlopsgenError: What shall be rotated was never set; nothing was written.
        PartialResult: Some of them could not be written.
    """
    if any(name_problem(name) for name in request.names):
        raise UsageError("One of the names is not possible.", where="NAME", hint="'mlopsgen secrets list' names them.")
    vault = open_vault(request.access, events)
    _say_what_is_lost(vault, events)
    chosen = _chosen(request, vault)
    _tell_near(chosen, vault, events)
    _tell_unread(chosen, vault, events)
    found = _sorted(request, chosen)
    _tell_unknown(request.source, [s.need for s in (*vault.secrets, *chosen)], events)
    _refuse_pointless(request, found)
    problems = list(_problems(vault, found.write))
    if problems:
        raise UsageError(
            f"Nothing was written: {'; '.join(problems)}.", where=vault.forge.address, hint="Correct this first."
        )
    if found.kept:
        events(Note(message=f"kept: {_listed(found.kept)}; 'mlopsgen secrets rotate' replaces what is there"))
    if found.absent:
        events(Note(message=f"left alone: {_listed(found.absent)}; 'mlopsgen secrets set' writes what is absent"))
    _write(vault, found.write, events, rotate=request.rotate)
    return _written(request, vault, found)


def _chosen(request: SetRequest, vault: Vault) -> list[Stored]:
    """The secrets that the request speaks of.

    Raises:
        UsageError: It names an environment or a secret that cannot be meant.
    """
    known = [*dict.fromkeys(s.need.environment for s in vault.secrets if s.need.environment)] or list(BRANCHES)
    known += sorted(vault.environments - set(known))
    for name in request.environments:
        if name not in known:
            raise UsageError(
                f"There is no environment '{name}'.", where="--branch", hint=f"There are {', '.join(known)}."
            )
    wanted = {name.upper() for name in request.names} or _names_of(request, vault)
    chosen = [
        stored
        for stored in vault.secrets
        if stored.need.name in wanted and (not request.environments or stored.need.environment in request.environments)
    ]
    for name in request.names:
        if not any(stored.need.name == name.upper() for stored in chosen):
            chosen += _of_the_owner(name, request, vault)
    if request.single and not request.environments:
        _refuse_one_for_many(chosen)
    return chosen


def _names_of(request: SetRequest, vault: Vault) -> set[str]:
    return {stored.need.name for stored in (vault.missing if request.asking else vault.secrets)}


def _of_the_owner(name: str, request: SetRequest, vault: Vault) -> Iterator[Stored]:
    """A secret that nothing of ours needs: its owner has to say where it belongs."""
    if not request.environments or name != name.upper():
        near = nearest(name, sorted(stored.need.name for stored in vault.secrets))
        # The argument is not repeated: it may be a value that was put there by mistake.
        raise UsageError(
            "One of the names is that of no secret that an environment needs."
            + (f" Did you mean {near}?" if near else ""),
            where="NAME",
            hint="'mlopsgen secrets list' names them. A secret of your own needs --branch and upper-case letters.",
        )
    for environment in request.environments:
        key = vault.place(environment, name)
        yield Stored(
            need=Need(environment=environment, name=name, purpose="a secret of your own", required=False),
            key=key,
            present=key in vault.others,
            updated=vault.others.get(key, ""),
            possible=vault.lost is not None or environment in vault.environments,
        )


def _tell_near(chosen: Sequence[Stored], vault: Vault, events: EventSink) -> None:
    """Said before a value is asked for or written: nothing of ours takes a secret away again."""
    needed = {stored.need.name for stored in vault.secrets}
    own = {stored.need.name for stored in chosen if not stored.present} - needed
    for name in sorted(own):
        near = nearest(name, sorted(needed), like=0.85)
        if near:
            hint = f"Did you mean {near}? If not, name it in .github/remote.yaml with its purpose."
            events(Warn(message=f"No environment needs a secret {name}; it becomes one of your own.", hint=hint))


def _tell_unread(chosen: Sequence[Stored], vault: Vault, events: EventSink) -> None:
    """Workflows hand over a login by its name, and only that of the data that the repository was made with."""
    folder = vault.project.root / ".github" / "workflows"
    if isinstance(vault.forge, LocalForge) or not folder.is_dir():
        return
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in folder.glob("*.y*ml")]
    read = {name for text in texts for name in re.findall(r"secrets\.(\w+)", text)}
    unread = sorted({stored.need.name for stored in chosen if stored.need.name.startswith("DATA_")} - read)
    if unread:
        line = f"{unread[0]}: ${{{{ secrets.{unread[0]} }}}}"
        hint = f"Add lines like '{line}' to the steps that docs/workflows.md names."
        events(Warn(message=f"No workflow of this repository reads {', '.join(unread)}.", hint=hint))


def _refuse_one_for_many(chosen: Sequence[Stored]) -> None:
    for name, times in Counter(stored.need.name for stored in chosen).items():
        if times > 1:
            environments = [stored.need.environment for stored in chosen if stored.need.name == name]
            raise UsageError(
                f"{times} environments need '{name}': {', '.join(environments)}.",
                where="--branch",
                hint=f"Say which get this value: {' '.join(f'--branch {name}' for name in environments)}.",
            )


def _sorted(request: SetRequest, chosen: Sequence[Stored]) -> _Sorted:
    found = _Sorted()
    for stored in chosen:
        if stored.present and not request.rotate:
            found.kept.append(stored)
        elif not stored.present and request.rotate:
            found.absent.append(stored)
        else:
            value = request.source.find(stored.need)
            if value is None:
                found.without_value.append(stored)
            else:
                found.write.append((stored, value))
    # What the source says nothing of is not worth a word.
    if not request.names and not request.asking:
        found.kept = [stored for stored in found.kept if request.source.find(stored.need) is not None]
        found.absent = [stored for stored in found.absent if request.source.find(stored.need) is not None]
    return found


def _refuse_pointless(request: SetRequest, found: _Sorted) -> None:
    if not request.names:
        return
    if request.rotate and found.absent and not found.write:
        raise MlopsgenError(
            f"There is nothing to rotate, for it was never set: {_listed(found.absent)}.",
            where="NAME",
            hint="'mlopsgen secrets set' does.",
        )
    if found.without_value and not (request.asking and found.write):
        raise MissingAnswer(
            f"Nothing was written: there is no value for {_listed(found.without_value)}.",
            where="--stdin",
            hint="Give it with --stdin, --from-env VARIABLE or --from-file FILE, or type it in a terminal.",
        )


def _problems(vault: Vault, write: Sequence[tuple[Stored, SecretValue]]) -> Iterator[str]:
    """Why some of the values would be refused; asked before the first of them is written."""
    for stored, value in write:
        refused = problem(stored.key.name, value) or _unfit(value)
        if refused:
            yield f"{where(stored)}: {refused}"
        if not stored.possible:
            environment = stored.need.environment
            yield f"{where(stored)}: there is no environment '{environment}' yet ('mlopsgen push' makes it)"
    kept = set(vault.others) | {stored.key for stored in vault.secrets if stored.present}
    counts = Counter(key.scope for key in kept | {stored.key for stored, _ in write})
    for scope, count in counts.items():
        if count > SECRETS_PER_PLACE:
            place = f"the environment '{scope}'" if scope else "the repository"
            yield f"{place} would hold {count} secrets, and {SECRETS_PER_PLACE} are possible"


def _unfit(value: SecretValue) -> str:
    return "it holds a NUL character, which no variable of a workflow can" if "\0" in value.reveal() else ""


def _write(vault: Vault, pairs: Sequence[tuple[Stored, SecretValue]], events: EventSink, *, rotate: bool) -> None:
    done: list[Stored] = []
    failed: list[tuple[Stored, MlopsgenError]] = []
    act = "rotated" if rotate else "set"
    for stored, error in _all(vault, pairs):
        if error is not None:
            failed.append((stored, error))
            continue
        done.append(stored)
        events(StepDone(message=f"{act} {where(stored)}"))
    if failed and not done:
        raise failed[0][1]
    if failed:
        raise unfinished(vault, done, failed, rotate=rotate)


def _all(vault: Vault, pairs: Sequence[tuple[Stored, SecretValue]]) -> Iterator[tuple[Stored, MlopsgenError | None]]:
    """Write them, several at once where the forge allows it; in the given order."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only here

    def put(stored: Stored, value: SecretValue) -> MlopsgenError | None:
        resource = Resource(key=stored.key, purpose=stored.need.purpose, optional=not stored.need.required)
        try:
            vault.forge.put(resource, value)
        except MlopsgenError as error:
            return error
        return None

    with ThreadPoolExecutor(max_workers=max(1, vault.forge.workers)) as pool:
        pending = [(stored, pool.submit(put, stored, value)) for stored, value in pairs]
        try:
            for stored, future in pending:
                yield stored, future.result()
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            hint = "'mlopsgen secrets list' shows what was written; run the same command again."
            raise Interrupted("Stopped in the middle of writing secrets.", hint=hint) from None


def _written(request: SetRequest, vault: Vault, found: _Sorted) -> OperationResult:
    act = "rotated" if request.rotate else "set"
    names = [where(stored) for stored, _ in found.write]
    still = [stored for stored in vault.missing if where(stored) not in names]
    data: dict[str, Any] = {
        "forge": vault.forge.address,
        "written": [_entry(stored) for stored, _ in found.write],
        "kept": [_entry(stored) for stored in found.kept],
        "missing": [_entry(stored) for stored in still],
    }
    if not names and found.kept:
        summary = "Nothing was written: what there is a value for is there already, and was kept."
    elif not names:
        summary = (
            f"Nothing was {act}: there is no value for anything that is {'there' if request.rotate else 'absent'}."
        )
    else:
        summary = f"{counted_secrets(len(names))} {act}: {', '.join(names)}."
    return OperationResult(summary=summary, data=data, next_steps=missing_steps(still) or ("mlopsgen secrets check",))


def _listed(secrets: Sequence[Stored]) -> str:
    return ", ".join(where(stored) for stored in secrets)


def _entry(stored: Stored) -> dict[str, str]:
    return {"environment": stored.need.environment, "name": stored.need.name, "stored_as": stored.key.name}


def _tell_unknown(source: SecretSource | None, needs: Sequence[Need], events: EventSink) -> None:
    unknown = source.unknown(needs) if isinstance(source, Named) and source.file else ()
    if unknown:
        names = ", ".join(unknown)
        events(Warn(message=f"The file has values that nothing asks for: {names}.", hint="'mlopsgen secrets list'"))


def _say_what_is_lost(vault: Vault, events: EventSink) -> None:
    if vault.lost is not None:
        events(
            Warn(
                message=f"There are no environments: {vault.lost.reason}. Secrets are kept by the repository as "
                "BRANCH_NAME: workflows of every branch can read them, and nobody is asked for approval.",
                hint=vault.lost.hint,
            )
        )
