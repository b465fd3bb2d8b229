"""``config-repo update``: a newer version of mlopsgen's template, merged into an organisation's by git."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mlopsgen.adapters import upstream_history
from mlopsgen.adapters.git import GitRepository
from mlopsgen.adapters.organisation_file import read_release
from mlopsgen.adapters.tagged_versions import order
from mlopsgen.adapters.template_store import TemplateStore
from mlopsgen.adapters.upstream_history import STAMP, Content, Upstream
from mlopsgen.errors import ExitCode, MlopsgenError, UsageError
from mlopsgen.events import StepDone, Warn
from mlopsgen.operations import config_files
from mlopsgen.operations.config_files import CHANGELOG, ORGANISATION
from mlopsgen.operations.config_repository import MAIN, find_config_repository
from mlopsgen.operations.project import Surroundings
from mlopsgen.operations.sync_ground import PLAIN, different, elsewhere, refuse_ground
from mlopsgen.ports import EventSink
from mlopsgen.result import OperationResult
from mlopsgen.sync import merging, trees
from mlopsgen.sync.commits import read_raw
from mlopsgen.sync.values import Conflict, Entry

BRANCH = "mlopsgen/update-"
"""What the name of an update's branch begins with; the version follows."""

_TREE = "Mlopsgen-Tree"
_AS_IT_IS = ("utf-8", "surrogateescape")


@dataclass(frozen=True, kw_only=True)
class UpdateRequest:
    """What to merge.

    Attributes:
        surroundings: Where the command runs.
        to: The version; the newest of this mlopsgen if empty.
        upstream: Where mlopsgen's template comes from; this package's own if ``None``.
    """

    surroundings: Surroundings
    to: str = ""
    upstream: TemplateStore | None = None


@dataclass(frozen=True)
class _Step:
    """An update that was worked out.

    Attributes:
        repository: Where.
        before: The version that is merged so far.
        after: The version that shall be.
        ours: The commit that is updated.
        theirs: The upstream commit that is merged.
        files: What the update writes besides: the organisation's file and changelog, by name.
        release: The version that the organisation's template gets with it.
        here: The branch that is checked out.
        identity: Who merges.
    """

    repository: GitRepository
    before: str
    after: str
    ours: str
    theirs: Upstream
    files: Mapping[str, bytes]
    release: str
    here: str
    identity: tuple[str, str]

    @property
    def branch(self) -> str:
        return f"{BRANCH}{self.after}"

    @property
    def back(self) -> str:
        """Where a person goes who gives it up."""
        return MAIN if self.here == self.branch else self.here

    @property
    def message(self) -> str:
        return f"Merge mlopsgen's template {self.after}\n\nMlopsgen-Update: {self.before}..{self.after}\n"


def update(request: UpdateRequest, events: EventSink) -> OperationResult:
    """Merge a newer version of mlopsgen's template on a branch of its own.

    A clean merge touches neither the working tree nor the index; with conflicts the branch is checked out, and the
    merge waits there as any merge of git's does.

    Raises:
        UsageError: There is no such version.
        MlopsgenError: The repository is in no state to be merged.
    """
    repository = find_config_repository(request.surroundings)
    identity, branch_here = _ground(repository)
    head = repository.commit_of("HEAD")
    before = upstream_history.stamp_of(repository, head) if head else ""
    found = upstream_history.newest_upstream(repository, head) if head else None
    if head is None or found is None or not before:
        raise _without_history(repository)
    store = request.upstream or TemplateStore(request.surroundings.environ)
    waiting = repository.commit_of("MERGE_HEAD")
    after = upstream_history.stamp_of(repository, waiting) if waiting else _target(request.to, before, store)
    if after == before:
        return OperationResult(
            summary=f"mlopsgen's template {before} is merged already; this mlopsgen brings no newer one.",
            data={"path": str(repository.path), "before": before, "after": after, "branch": "", "conflicts": []},
        )
    contents = upstream_history.bring(repository, store)
    theirs = _continue(repository, found, _up_to(contents, after))
    ours = head
    if order(found.version) < order(before):
        ours = _put_back(repository, head, _continue(repository, found, _up_to(contents, before)), identity)
        events(
            Warn(
                message=f"The merge of {before} was squashed or rebased: its history is put back first.",
                hint="Merge this branch with a merge commit, so that the next update finds what it builds on.",
            )
        )
    between = [version for version in contents if order(before) < order(version) <= order(after)]
    told = {version: contents[version].told for version in reversed(between)}
    files, release = _own_files(repository, ours, config_files.told_of_update(before, after, told))
    step = _Step(repository, before, after, ours, theirs, files, release, branch_here, identity)
    return _go_on(step, events) if waiting else _merge(step, events)


def _target(to: str, before: str, store: TemplateStore) -> str:
    versions = store.versions()
    if order(before) > order(store.newest):
        raise UsageError(
            f"mlopsgen's template {before} is merged here, and this mlopsgen is older: it knows {store.newest}.",
            where=STAMP,
            hint="Install the newest: pip install --upgrade mlopsgen",
        )
    wanted = f"v{to.removeprefix('v')}" if to else store.newest
    if wanted not in versions:
        hint = f"Versions here: {', '.join(versions)}. A newer mlopsgen brings newer ones."
        raise UsageError(f"There is no template version '{to}'.", where="--to", hint=hint)
    if order(wanted) < order(before):
        raise UsageError(
            f"mlopsgen's template {before} is merged already, and {wanted} is older.",
            where="--to",
            hint="To go back, revert the merge: git revert -m 1 COMMIT",
        )
    return wanted


def _up_to(contents: Mapping[str, Content], version: str) -> dict[str, Content]:
    return {each: content for each, content in contents.items() if order(each) <= order(version)}


def _continue(repository: GitRepository, upstream: Upstream, contents: Mapping[str, Content]) -> Upstream:
    """Continue the line of upstream commits; its newest commit. The same commits come of the same contents."""
    for version, content in contents.items():
        if order(version) > order(upstream.version):
            upstream = upstream_history.add_version(repository, version, content, upstream.commit)
    return upstream


def _put_back(repository: GitRepository, ours: str, merged: Upstream, identity: tuple[str, str]) -> str:
    """Record a version as merged whose files are here and whose commit is not: nothing of the files changes."""
    message = f"Record that mlopsgen's template {merged.version} was merged\n"
    tree = repository.read("rev-parse", f"{ours}^{{tree}}")
    return trees.commit(repository, tree, [ours, merged.commit], message, identity)


def _own_files(repository: GitRepository, ours: str, lines: str) -> tuple[dict[str, bytes], str]:
    """The organisation's file and changelog with the version that the update makes; and that version."""
    text, log = (_text(repository, ours, name) for name in (ORGANISATION, CHANGELOG))
    release = read_release(text)
    files: dict[str, str] = {}
    if release and repository.succeeds("rev-parse", "--verify", "--quiet", f"refs/tags/v{release}"):
        release = config_files.next_release(release)
        files[ORGANISATION] = config_files.with_release(text, release)
    if release:
        files[CHANGELOG] = config_files.with_changes(log, release, lines)
    return {name: text.encode(*_AS_IT_IS) for name, text in files.items()}, release


def _text(repository: GitRepository, commit: str, name: str) -> str:
    """A file as it was written: ends of lines and any encoding stay what they are; empty where there is none."""
    return repository.run_bytes("cat-file", "blob", f"{commit}:{name}", accepted=(0, 128)).decode(*_AS_IT_IS)


def _merge(step: _Step, events: EventSink) -> OperationResult:
    repository = step.repository
    there = repository.commit_of(f"refs/heads/{step.branch}")
    if there is not None and there != step.ours and not _is_ours(repository, there):
        raise MlopsgenError(
            f"The branch {step.branch} is there already, and holds somebody's work.",
            where=step.branch,
            hint=f"Merge it, or remove it: git branch -D {step.branch}",
        )
    other = elsewhere(repository, step.branch) if there is not None else ""
    if other:
        raise MlopsgenError(
            f"The branch {step.branch} is checked out in {other}; this makes it anew.",
            where=other,
            hint="Check another branch out there, then run it again.",
        )
    merged = merging.merge(repository, step.ours, step.theirs.commit)
    if merged.conflicts:
        return _wait(step, merged, events)
    files = trees.listing(repository, merged.tree)
    blobs = trees.store_blobs(repository, list(step.files.values()))
    own: dict[str, Entry | None] = {name: Entry("100644", blob) for name, blob in zip(step.files, blobs, strict=True)}
    tree = trees.tree_of(repository, trees.replaced(files, own))
    message = f"{step.message}{_TREE}: {tree}\n"
    commit = trees.commit(repository, tree, [step.ours, step.theirs.commit], message, step.identity)
    if step.here == step.branch:
        repository.run(*PLAIN, "merge", "--quiet", "--ff-only", commit)
    else:
        repository.run("update-ref", "-m", "mlopsgen config-repo update", f"refs/heads/{step.branch}", commit)
    events(StepDone(message=f"{step.branch}: {step.before} -> {step.after}"))
    return OperationResult(
        summary=f"mlopsgen's template {step.after} is merged on the branch {step.branch}; the next release is "
        f"{step.release}.",
        data=_data(step, commit, ()),
        next_steps=(
            f"git diff {step.here}...{step.branch}   (look at it)",
            f"git switch {step.branch} && mlopsgen config-repo check",
            f"git push origin {step.branch}   (and open a pull request; merge it with a merge commit, not squashed)",
            f"or without GitHub: git switch {step.here} && git merge {step.branch} && mlopsgen config-repo release",
        ),
    )


def _wait(step: _Step, merged: merging.Merged, events: EventSink) -> OperationResult:
    """Check the branch out and leave git's merge with its conflicts there; nothing moves where it cannot be."""
    repository = step.repository
    if repository.read("status", "--porcelain", "--untracked-files=no"):
        raise MlopsgenError(
            "The merge has conflicts to resolve here, and there are changes that are not committed.",
            where=str(repository.path),
            hint="Commit them, or put them aside with 'git stash'; then run it again.",
        )
    refuse_ground(repository, step.ours, different(repository, step.ours, merged.tree))
    if step.here == step.branch:
        repository.run(*PLAIN, "merge", "--quiet", "--ff-only", step.ours)
    else:
        repository.run(*PLAIN, "switch", "--quiet", "--force-create", step.branch, step.ours)
    done = repository.run(
        *PLAIN, *merging.MERGE_SETTINGS, "merge", "--quiet", "--no-ff", "--no-commit", "-m", step.message,
        step.theirs.commit, check=False,
    )  # fmt: skip
    if repository.commit_of("MERGE_HEAD") is None:
        told = (done.stderr or done.stdout).strip()
        raise MlopsgenError(
            f"git cannot merge here: {told.splitlines()[0] if told else 'it says nothing'}",
            where=step.branch,
            hint=f"git switch {step.back}   (nothing is lost); then run it again.",
        )
    return _waits(step, merged.conflicts, events)


def _go_on(step: _Step, events: EventSink) -> OperationResult:
    """Complete an update that was interrupted after git's merge had begun; what people did since stays.

    Raises:
        MlopsgenError: Nothing is missing but what people do.
    """
    added = {name: content for name, content in step.files.items() if _lacks(step.repository, name, content)}
    if step.here != step.branch or not added:
        raise _merging(step.repository)
    unmerged = set(step.repository.read("diff", "--name-only", "-z", "--diff-filter=U").split("\0"))
    conflicts = merging.merge(step.repository, step.ours, step.theirs.commit).conflicts
    left = tuple(each for each in conflicts if each.path in unmerged)
    return _waits(replace(step, files=added), left, events)


def _lacks(repository: GitRepository, name: str, content: bytes) -> bool:
    """Whether a file is as it was before the update, or as the update writes it and not added yet."""
    if repository.succeeds("diff", "--quiet", "HEAD", "--", name):
        return True
    path = repository.path / name
    is_written = path.is_file() and path.read_bytes() == content
    return is_written and not repository.succeeds("diff", "--quiet", "--", name)


def _waits(step: _Step, conflicts: tuple[Conflict, ...], events: EventSink) -> OperationResult:
    """Add the update's own lines to the merge that waits, and say what is left to do."""
    repository = step.repository
    for name, content in step.files.items():
        (repository.path / name).write_bytes(content)
    if step.files:
        repository.run("add", "--", *step.files)
    for conflict in conflicts:
        events(Warn(message=f"{conflict.path}: {conflict.message}"))
    return OperationResult(
        summary=f"mlopsgen's template {step.after} is being merged on {step.branch}; "
        f"{_files(len({conflict.path for conflict in conflicts}))} in conflict.",
        data=_data(step, "", conflicts),
        next_steps=(
            "Edit the files between the marks, 'git add' them, and 'git commit' (git status lists them)",
            "mlopsgen config-repo check",
            f"to give it up: git merge --abort && git switch {step.back} && git branch -D {step.branch}",
        ),
        exit_code=ExitCode.PARTIAL,
    )


def _files(count: int) -> str:
    return "1 file is" if count == 1 else f"{count} files are"


def _data(step: _Step, commit: str, conflicts: tuple[Conflict, ...]) -> dict[str, object]:
    return {
        "path": str(step.repository.path), "before": step.before, "after": step.after, "branch": step.branch,
        "commit": commit, "release": step.release,
        "conflicts": [{"path": each.path, "kind": each.kind, "message": each.message} for each in conflicts],
    }  # fmt: skip


def _is_ours(repository: GitRepository, commit: str) -> bool:
    """Whether a commit is exactly what an update made, and holds nobody's work besides."""
    raw = read_raw(repository, commit)
    tree = re.match(r"tree ([0-9a-f]{40})", raw)
    said = re.search(rf"(?m)^{_TREE}: ([0-9a-f]{{40}})$", raw)
    return bool(tree and said and tree[1] == said[1] and re.search(r"(?m)^Mlopsgen-Update: ", raw))


def _ground(repository: GitRepository) -> tuple[tuple[str, str], str]:
    """Who merges, and the branch that is checked out.

    Raises:
        MlopsgenError: git is in the middle of something, stands on no branch, or knows nobody's name.
    """
    where = str(repository.path)
    waiting = repository.commit_of("MERGE_HEAD")
    if waiting is not None and not upstream_history.is_upstream(repository, waiting):
        raise _merging(repository)
    here = repository.run("symbolic-ref", "--quiet", "--short", "HEAD", check=False).stdout.strip()
    if not here:
        raise MlopsgenError("No branch is checked out here.", where=where, hint=f"git switch {MAIN}")
    identity = repository.identity()
    if identity is None:
        raise MlopsgenError(
            "git knows neither your name nor your address, and a merge bears them.",
            hint="git config --global user.name 'Your Name' && git config --global user.email you@example.org",
        )
    return identity, here


def _merging(repository: GitRepository) -> MlopsgenError:
    hint = "Finish it ('git add' the files in conflict, then 'git commit'), or give it up: git merge --abort"
    return MlopsgenError("A merge is going on here.", where=str(repository.path), hint=hint)


def _without_history(repository: GitRepository) -> MlopsgenError:
    """Why no version of mlopsgen's template was found in the history."""
    if repository.read("rev-parse", "--is-shallow-repository") == "true":
        hint = "Fetch the whole history: git fetch --unshallow"
        message = "This clone is shallow, and an update builds on the history."
    else:
        hint = "Was the repository made by 'mlopsgen config-repo create', and its history kept?"
        message = "No version of mlopsgen's template stands in the history of this repository."
    return MlopsgenError(message, where=str(Path(repository.path)), hint=hint)
