"""``mlopsgen adopt``: a template is merged into a repository that exists, on a branch to be looked at.

The branch is made of git's objects alone: no file of the working tree moves. Only where a person asks for git's
conflicts (``--conflicts``) the branch is checked out and git's cherry-pick waits there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlopsgen.adapters.git import GitRepository
from mlopsgen.adapters.shell_words import quoted
from mlopsgen.constants import ANSWERS_FILE, BRANCHES, MAIN_BRANCH
from mlopsgen.errors import CommandFailed, ExitCode, MlopsgenError, UsageError
from mlopsgen.events import StepDone
from mlopsgen.operations import sync_branch, sync_state
from mlopsgen.operations.adopt_found import CRUFT_FILE, MadeBy
from mlopsgen.operations.adopt_request import ADOPT_BRANCH, TEMPLATE_REFERENCE, Adoption, AdoptRequest
from mlopsgen.operations.adopt_surprises import listed, surprises
from mlopsgen.operations.adopt_text import adoption_data, commit_message, sentence
from mlopsgen.operations.adopt_work import adoption as worked_out
from mlopsgen.operations.project import find_repository, refuse_template
from mlopsgen.operations.sync_ground import PLAIN, elsewhere, head_of, refuse_ground, unmerged
from mlopsgen.operations.sync_work import bring
from mlopsgen.operations.wording import counted
from mlopsgen.ports import EventSink
from mlopsgen.result import OperationResult
from mlopsgen.sync import trees
from mlopsgen.sync.commits import is_same, is_untouched, make_commit
from mlopsgen.sync.merging import MERGE_SETTINGS, merge
from mlopsgen.sync.migrations import version_key
from mlopsgen.sync.update import NEUTRAL_IDENTITY

_RESULT = "refs/mlopsgen/adopted"
_THEIRS = "refs/mlopsgen/adopt-theirs"
_PICK = "CHERRY_PICK_HEAD"
_CHECKOUT = ("checkout", "--quiet", "--no-guess", "--no-overwrite-ignore")
_COMMIT = ("-c", "commit.cleanup=strip", "-c", "core.editor=true", "-c", "core.commentChar=#")
_SHOWN = 6


def adopt(request: AdoptRequest, events: EventSink) -> OperationResult:
    """Merge a template into a repository, on a branch of its own; running it again changes nothing that is done.

    Raises:
        MlopsgenError: Something does not allow it; nothing was moved.
        Interrupted: The person stopped it.
    """
    source = sync_branch.with_identity(_open(request), request.surroundings.environ)
    if request.dry_run:
        return _Adopt(request, events, source).look()
    with sync_state.alone(source):
        return _Adopt(request, events, source).run()


def _open(request: AdoptRequest) -> GitRepository:
    folder = request.surroundings.folder
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.", where=str(folder), hint="Give the folder of a repository.")
    try:
        source = find_repository(request.surroundings)
    except MlopsgenError as error:
        if error.message == "This is not a git repository.":
            error.hint = "Make it one: git init && git add --all && git commit -m Start. Then run this again."
        raise
    refuse_template(source.path)
    inner = next((name for name in (CRUFT_FILE, ANSWERS_FILE) if (folder / name).is_file()), "")
    if inner and folder.resolve() != source.path.resolve():
        raise UsageError(
            f"{folder.name} is a folder of a repository, and templates are kept up to date in whole repositories.",
            where=str(folder / inner),
            hint="Make it a repository of its own first: 'git subtree split' or git filter-repo keep its history.",
        )
    return source


@dataclass
class _Adopt:
    request: AdoptRequest
    events: EventSink
    source: GitRepository

    def look(self) -> OperationResult:
        """Only look."""
        branch, ours = self._tip()
        with worked_out(self.source, ours, self.request, self.events) as (found, shop):
            adoption = self._complete(found, shop)
        if self._is_nothing(adoption):
            return self._nothing(adoption, branch)
        self.request.show(adoption)
        return OperationResult(
            summary=f"{sentence(adoption)}. Nothing was changed.",
            data=self._data(adoption, branch, "pending"),
            next_steps=(f"Run the same without --dry-run: it makes the branch {ADOPT_BRANCH}.",),
        )

    def run(self) -> OperationResult:
        """Make the branch."""
        branch, ours = self._tip()
        with worked_out(self.source, ours, self.request, self.events) as (found, shop):
            adoption = self._complete(found, shop)
            if self._is_nothing(adoption):
                return self._nothing(adoption, branch)
            before = self._look_at_branch(adoption)
            self.request.show(adoption)
            if adoption.clashes:
                return self._pick(adoption, shop, branch)
            commit = self._make(adoption, shop, before)
        return OperationResult(
            summary=f"The branch {ADOPT_BRANCH} is ready. {sentence(adoption)}.",
            data={**self._data(adoption, branch, "ready"), "commit": commit},
            next_steps=tuple(self._next_steps(adoption, branch)),
        )

    def _tip(self) -> tuple[str, str]:
        """The branch that is adopted (empty where none is checked out), and its commit."""
        wanted = self.request.branch
        if wanted:
            commit = self.source.commit_of(f"refs/heads/{wanted}")
            if commit is None:
                known = self.source.read("for-each-ref", "--format=%(refname:short)", "refs/heads").split()
                hint = f"Branches here: {', '.join(known[:_SHOWN]) or 'none'}."
                raise UsageError(f"There is no branch '{wanted}' here.", where="--branch", hint=hint)
            return wanted, commit
        head = head_of(self.source)
        if head.branch == ADOPT_BRANCH:
            hint = "Check out the branch that is adopted (git switch -), then run it again."
            raise MlopsgenError(f"You are on {ADOPT_BRANCH}, which this makes.", where=ADOPT_BRANCH, hint=hint)
        if not head.commit:
            raise MlopsgenError(
                "The repository has no commit yet: there is nothing that a template could be merged into.",
                where=str(self.source.path),
                hint="Commit what is yours first: git add --all && git commit. To begin from nothing: mlopsgen init.",
            )
        return head.branch, head.commit

    def _complete(self, adoption: Adoption, shop: GitRepository) -> Adoption:
        if self.request.conflicts and adoption.theirs:
            clashes = self._clashes(adoption, shop)
            adoption = replace(adoption, clashes=clashes, owned=adoption.locks) if clashes else adoption
        return replace(adoption, warnings=(*adoption.warnings, *surprises(self.source, adoption)))

    def _is_nothing(self, adoption: Adoption) -> bool:
        return self.source.read("rev-parse", f"{adoption.ours}^{{tree}}") == adoption.tree

    def _look_at_branch(self, adoption: Adoption) -> str:
        """The commit that the branch has; empty if there is none.

        Raises:
            MlopsgenError: It holds somebody's work, or is checked out.
        """
        commit = self.source.commit_of(f"refs/heads/{ADOPT_BRANCH}")
        if commit is None:
            return ""
        is_free = is_untouched(self.source, commit) or self.source.succeeds(
            "merge-base", "--is-ancestor", commit, adoption.ours
        )
        if not is_free:
            raise MlopsgenError(
                f"Somebody has worked on {ADOPT_BRANCH}, and that is not merged yet; it was left alone.",
                where=ADOPT_BRANCH,
                hint=f"Merge it first (git merge {ADOPT_BRANCH}), or if nobody needs it: git branch -D {ADOPT_BRANCH}",
            )
        here = head_of(self.source).branch == ADOPT_BRANCH
        other = "" if here else elsewhere(self.source, ADOPT_BRANCH)
        if (here or other) and not is_same(self.source, commit, adoption.tree, adoption.ours):
            raise MlopsgenError(
                f"The branch {ADOPT_BRANCH} is checked out{f' in {other}' if other else ''}; this makes it anew.",
                where=other or ADOPT_BRANCH,
                hint="Check another branch out there (git switch -), then run it again.",
            )
        return commit

    def _make(self, adoption: Adoption, shop: GitRepository, before: str) -> str:
        """The branch; no file moves."""
        if before and is_same(self.source, before, adoption.tree, adoption.ours) and is_untouched(self.source, before):
            return before
        identity = self.source.identity() or NEUTRAL_IDENTITY
        brought = trees.commit(shop, adoption.tree, [adoption.ours], "Adopt", identity)
        bring(self.source, shop, _RESULT, brought, f"--negotiation-tip={adoption.ours}")
        self._keep_template(adoption, shop, identity)
        commit = make_commit(self.source, adoption.tree, adoption.ours, commit_message(adoption), identity=identity)
        sync_branch.move(self.source, ADOPT_BRANCH, commit, before)
        self.source.run(*PLAIN, "update-ref", "-d", _RESULT)
        self.events(StepDone(message=f"{ADOPT_BRANCH}: {sentence(adoption)}"))
        return commit

    def _keep_template(self, adoption: Adoption, shop: GitRepository, identity: tuple[str, str]) -> None:
        if any(one.diff for one in adoption.kept):
            bring(
                self.source,
                shop,
                TEMPLATE_REFERENCE,
                trees.commit(shop, adoption.rendered, [], f"What the template {adoption.version} renders", identity),
            )

    def _sides(self, shop: GitRepository, adoption: Adoption) -> tuple[str, str]:
        """The owner's side and the template's, as commits on one that is empty."""
        identity = self.source.identity() or NEUTRAL_IDENTITY
        empty = trees.commit(shop, trees.tree_of(shop, {}), [], "Nothing", identity)
        mine = shop.read("rev-parse", f"{adoption.ours}^{{tree}}")
        ours = trees.commit(shop, mine, [empty], "ours", identity)
        return ours, trees.commit(shop, adoption.theirs, [empty], commit_message(adoption), identity)

    def _clashes(self, adoption: Adoption, shop: GitRepository) -> tuple[str, ...]:
        """The files that git cannot merge with the template's."""
        return tuple(dict.fromkeys(one.path for one in merge(shop, *self._sides(shop, adoption)).conflicts))

    def _pick(self, adoption: Adoption, shop: GitRepository, branch: str) -> OperationResult:
        """Let git stand in the middle of the merge, for a person to resolve it."""
        changed = (*adoption.added, *(one.path for one in adoption.kept if one.path == one.at), ANSWERS_FILE)
        refuse_ground(self.source, adoption.ours, changed)
        bring(self.source, shop, _THEIRS, self._sides(shop, adoption)[1])
        head = head_of(self.source)
        back = head.branch or head.commit
        try:
            self.source.run(*PLAIN, *_CHECKOUT, "--no-track", "-B", ADOPT_BRANCH, adoption.ours)
            picked = self.source.run(*PLAIN, *MERGE_SETTINGS, *_COMMIT, "cherry-pick", _THEIRS, check=False)
            if picked.exit_status != 0 and self.source.commit_of(_PICK) is None:
                raise CommandFailed(["git", "cherry-pick"], picked.exit_status, picked.stderr)  # noqa: TRY301
        except CommandFailed:
            self.source.run(*PLAIN, *_CHECKOUT, *([] if head.branch else ["--detach"]), back, "--", check=False)
            raise
        finally:
            self.source.run(*PLAIN, "update-ref", "-d", _THEIRS)
        left = unmerged(self.source)
        switch = f"git switch {quoted(head.branch)}" if head.branch else f"git switch --detach {head.commit[:10]}"
        return OperationResult(
            summary=f"git's merge waits on {ADOPT_BRANCH} for you to resolve {counted(len(left), 'conflict')}: "
            f"{listed(left)}.",
            data={**self._data(adoption, branch, "conflicts"), "conflicts": [trees.shown(path) for path in left]},
            next_steps=(
                "Edit each one, leave what shall be there, and 'git add' it; git status lists them",
                "git cherry-pick --continue",
                f"git cherry-pick --abort && {switch}   (everything is as before)",
            ),
            exit_code=ExitCode.PARTIAL,
        )

    def _nothing(self, adoption: Adoption, branch: str) -> OperationResult:
        return OperationResult(
            summary=f"This repository is kept up to date already: {ANSWERS_FILE} names {adoption.template} "
            f"{adoption.version}.",
            data=self._data(adoption, branch, "current"),
            next_steps=(_sync(self.request, branch),),
        )

    def _next_steps(self, adoption: Adoption, branch: str) -> Iterator[str]:
        here = branch or adoption.ours[:10]
        yield f"git diff {quoted(here)} {ADOPT_BRANCH}   (look at it)"
        apart = next((one.path for one in adoption.kept if one.diff), "")
        if apart:
            yield f"git show {TEMPLATE_REFERENCE}:{quoted(trees.shown(apart))}   (what the template has there)"
        if branch:
            yield f"git switch {quoted(branch)} && git merge {ADOPT_BRANCH}"
        else:
            yield f"git switch BRANCH && git merge {ADOPT_BRANCH}   (no branch is checked out here)"
        missing = [name for name in BRANCHES if self.source.commit_of(f"refs/heads/{name}") is None]
        made = " && ".join(f"git branch {name}" for name in missing)
        if adoption.made_by is MadeBy.HAND:
            if made:
                yield f"{made}   (each of these branches trains; {MAIN_BRANCH} is where work begins)"
            yield "mlopsgen push --local   (or on GitHub: --org ORGANISATION, --user)"
            return
        if MAIN_BRANCH in missing:
            yield f"{made}   (if 'mlopsgen push' shall set GitHub up: these are the branches that it knows)"
        newer = version_key(adoption.newest) > version_key(adoption.version)
        when = f"the template is at {adoption.newest} by now" if newer else "from then on, whenever the template moves"
        yield f"{_sync(self.request, branch)}   ({when})"

    def _data(self, adoption: Adoption, branch: str, state: str) -> dict[str, Any]:
        folder = str(Path(self.source.path))
        return {
            **adoption_data(adoption),
            "folder": folder,
            "branch": branch,
            "adopt_branch": ADOPT_BRANCH,
            "state": state,
        }


def _sync(request: AdoptRequest, branch: str) -> str:
    words = ["mlopsgen", "sync", *([] if branch in ("", MAIN_BRANCH) else ["--branch", quoted(branch)])]
    for address in sorted(request.trust.addresses):
        words += ["--trust", quoted(address)]
    return " ".join(words)
