"""Proofs about updates: random edits of an owner against random changes of a template."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import assume, given, settings

from mlopsgen.adapters.git import GitRepository
from mlopsgen.sync import trees
from mlopsgen.sync.merging import MERGE_SETTINGS
from mlopsgen.sync.values import Entry, Why
from tests.merge_histories import MERGED, PATHS, SYNC, Bench, Edit, edited, edits, start, told
from tests.merge_toys import OWNER, RECORD, Done

SOME = settings(max_examples=30)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    known = ("PATH", "LANG")
    return Bench(
        folder, {"HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", **{n: v for n, v in _environ() if n in known}}
    )


def _environ() -> list[tuple[str, str]]:
    import os  # noqa: PLC0415

    return list(os.environ.items())


def in_a_working_tree(
    bench: Bench, done: Done, verb: str, base: str, theirs: str
) -> tuple[set[str], Mapping[str, Entry]]:
    """What git makes of the trees in a working tree: the paths in conflict, and everything else."""
    folder = bench.folder / "clone"
    here = GitRepository(folder, {**bench.environ, **{f"GIT_{who}_NAME": "x" for who in ("AUTHOR", "COMMITTER")},
                                  **{f"GIT_{who}_EMAIL": "x" for who in ("AUTHOR", "COMMITTER")}})  # fmt: skip
    if not folder.exists():
        folder.mkdir()
        here.run("init", "--quiet", "--template=")
        (folder / ".git/objects/info").mkdir(exist_ok=True)
        (folder / ".git/objects/info/alternates").write_text(f"{done.shop.path / 'objects'}\n")
    ours = trees.commit(done.shop, f"{done.update.ours}^{{tree}}", [base], "Ours", OWNER)
    for leftover in ("CHERRY_PICK_HEAD", "MERGE_HEAD"):
        (folder / ".git" / leftover).unlink(missing_ok=True)
    here.run("checkout", "--quiet", "--force", "--detach", ours)
    here.run("clean", "--quiet", "-ffdx")
    words = (
        ("merge", "--quiet", "--no-edit", "--no-ff") if verb == "merge" else ("cherry-pick", "--keep-redundant-commits")
    )
    here.run(*MERGE_SETTINGS, *words, theirs, check=False)
    unmerged = set(filter(None, here.run("diff", "--name-only", "--diff-filter=U", "-z").stdout.split("\0")))
    here.run("add", "--all", "--force")
    return {plain(path) for path in unmerged}, trees.listing(here, here.read("write-tree"))


def plain(path: str) -> str:
    """A path without what git adds to the name of a file that it moves aside."""
    return path.partition("~")[0]


def apart(listing: Mapping[str, Entry], conflicts: set[str]) -> dict[str, Entry]:
    """The files that are not in conflict, without the record."""
    return {path: entry for path, entry in listing.items() if plain(path) not in conflicts and path != RECORD}


@given(mine=edits(PATHS), theirs=edits(PATHS))
@SOME
def test_the_outcome_is_what_git_makes_of_the_same_commits(bench: Bench, mine: list[Edit], theirs: list[Edit]) -> None:
    base = start()
    done = bench.update({"v1": base, "v2": edited(base, theirs, "template")}, edited(base, mine, "owner"), SYNC)
    assume(not done.update.is_empty)
    for verb in ("merge", "cherry-pick"):
        conflicts, files = in_a_working_tree(bench, done, verb, done.update.base, done.update.theirs)
        stages = {plain(conflict.path) for conflict in done.update.conflicts}
        assert bool(conflicts) == bool(stages)
        assert stages <= conflicts | {path for path in stages if "rename" in kinds(done, path)}
        assert apart(done.entries(), conflicts) == apart(files, conflicts)


def kinds(done: Done, path: str) -> str:
    return " ".join(conflict.kind for conflict in done.update.conflicts if plain(conflict.path) == path)


@given(mine=edits(MERGED), theirs=edits(MERGED))
@SOME
def test_merged_files_become_what_git_makes_of_the_plain_renders(
    bench: Bench, mine: list[Edit], theirs: list[Edit]
) -> None:
    """Nothing but git: the renders themselves, not adjusted, merged in a working tree."""
    base, new = start(MERGED), edited(start(MERGED), theirs, "template")
    done = bench.update({"v1": base, "v2": new}, edited(base, mine, "owner"), "version: 1\n")
    assume(not done.update.is_empty)
    before = bench.commit(done.shop, base, done.update.ours)
    after = trees.commit(done.shop, f"{bench.commit(done.shop, new, done.update.ours)}^{{tree}}", [before], "x", OWNER)
    conflicts, files = in_a_working_tree(bench, done, "merge", before, after)
    deleted = {note.path for note in done.update.notes if note.why is Why.DELETED}
    assume(not deleted)
    assert bool(conflicts) == bool(done.update.conflicts)
    assert apart(done.entries(), conflicts) == apart(files, conflicts)


@given(mine=edits(PATHS), theirs=edits(PATHS))
@SOME
def test_nothing_that_the_owner_wrote_is_lost(bench: Bench, mine: list[Edit], theirs: list[Edit]) -> None:
    base = start()
    ours = edited(base, mine, "owner")
    done = bench.update({"v1": base, "v2": edited(base, theirs, "template")}, ours, SYNC)
    files = done.files()
    everywhere = b"".join(files.values()) + told(done.update)
    for path, file in ours.items():
        wrote = [line for line in file.lines if line.startswith("owner")]
        assert all(line.encode() in everywhere for line in wrote), (path, wrote)
        if path.startswith("seed/") or (path == "lock.txt" and file != base.get(path)):
            assert files[path] == file.content


@given(mine=edits(PATHS), theirs=edits(PATHS))
@SOME
def test_what_neither_touched_stays_as_it_is(bench: Bench, mine: list[Edit], theirs: list[Edit]) -> None:
    base, touched = start(), {edit.path for edit in (*mine, *theirs)}
    done = bench.update({"v1": base, "v2": edited(base, theirs, "template")}, edited(base, mine, "owner"), SYNC)
    files = done.files()
    assert all(files[path] == file.content for path, file in base.items() if path not in touched)
    told_of = {note.path.replace("lock.txt", "lock.in") for note in done.update.notes}
    assert all(path in touched or path not in base for path in told_of - {"lock.in"})


@given(mine=edits(PATHS), theirs=edits(PATHS))
@SOME
def test_an_update_of_an_update_is_empty(bench: Bench, mine: list[Edit], theirs: list[Edit]) -> None:
    base = start()
    versions = {"v1": base, "v2": edited(base, theirs, "template")}
    done = bench.update(versions, edited(base, mine, "owner"), SYNC)
    assume(not done.update.conflicts)
    again = bench.again(versions, done, SYNC).update
    assert again.is_empty
    assert not again.notes


_STEPS = ("insert", "insert", "replace", "delete", "add", "mode")
_FILES = (*MERGED, "man/m.txt", "man/n.txt")


@given(mine=edits(_FILES), first=edits(_FILES, _STEPS, most=4), second=edits(_FILES, _STEPS, most=4))
@SOME
def test_two_steps_are_one_step_where_nothing_conflicts(
    bench: Bench, mine: list[Edit], first: list[Edit], second: list[Edit]
) -> None:
    base, middle = start(_FILES), edited(start(_FILES), first, "template")
    versions = {"v1": base, "v2": middle, "v3": edited(middle, second, "later")}
    ours = edited(base, mine, "owner")
    at_once = bench.update(versions, ours, SYNC, to="v3")
    step = bench.update(versions, ours, SYNC, to="v2")
    assume(not at_once.update.conflicts and not step.update.conflicts)
    two = bench.again(versions, step, SYNC, to="v3")
    assume(not two.update.conflicts)
    assert two.files() == at_once.files()
