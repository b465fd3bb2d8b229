"""Proofs about adopting: any repository, any template, and the update after it. Nothing of the owner's is lost."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlopsgen.sync import trees
from mlopsgen.sync.adopted import Laid, lay_beside, pattern_of
from mlopsgen.sync.classes import read_classes
from mlopsgen.sync.patterns import Patterns
from mlopsgen.sync.record import Record, renewed_text
from mlopsgen.sync.renders import Renders
from mlopsgen.sync.update import UpdateRequest, prepare
from mlopsgen.sync.values import Entry, FileClass, Listing, Update
from tests.merge_histories import PATHS, SYNC, Bench, Edit, State, contents, edited, edits, start
from tests.merge_toys import OWNER, RECORD, ToyTemplate

SOME = settings(max_examples=30)
CLASSES = read_classes(SYNC)
NAMES = st.sampled_from(["a", "A", "b", "seed", "Seed", "man", "lock.txt", "ä", "*", "[a]", "!x", "#y", "e ", "\\d"])
ANY_PATHS = st.lists(st.lists(NAMES, min_size=1, max_size=3).map("/".join), max_size=8)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    known = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return Bench(folder, {"HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", **known})


class Adopted(NamedTuple):
    """A repository that was adopted at v1, and the update to the newest version after that."""

    laid: Laid
    ours: Listing
    adopted: Listing
    update: Update
    outcome: Listing


def adopted(bench: Bench, versions: Mapping[str, State], mine: State) -> Adopted:
    template = ToyTemplate({name: contents(state) for name, state in versions.items()}, SYNC)
    renders = Renders(bench.folder / "renders", template, bench.environ)
    shop = renders.repository
    tree = renders.tree("v1", {"name": "toy"})
    rendered = trees.listing(shop, tree)
    ours = {
        path: entry for path, entry in trees.listing(shop, bench.commit(shop, mine, tree)).items() if path != RECORD
    }
    laid = lay_beside(ours, rendered, CLASSES, lambda ids: trees.blobs(shop, ids))
    taken = "".join(f"- {pattern}\n" for pattern in laid.owned())
    before = Record(template="", version="", answers={}, text=f"owned:\n{taken}" if taken else "")
    text = renewed_text(before, f"_commit: v1\n_src_path: {template.address}\nname: toy\n", template.address, "v1")
    record = Entry("100644", trees.store_blobs(shop, [text.encode()])[0])
    result = {**ours, **laid.added, RECORD: record}
    commit = trees.commit(shop, trees.tree_of(shop, result), [], "Adopted", OWNER)
    update = prepare(shop, commit, UpdateRequest(), template, renders)
    return Adopted(laid, ours, result, update, trees.listing(shop, update.tree))


@given(mine=edits(PATHS), template=edits(PATHS))
@SOME
def test_an_update_after_it_loses_nothing_and_brings_what_came_with_it(
    bench: Bench, mine: list[Edit], template: list[Edit]
) -> None:
    base = start()
    done = adopted(bench, {"v1": base, "v2": edited(base, template, "template")}, edited(base, mine, "owner"))
    assert {path: done.adopted[path] for path in done.ours} == dict(done.ours)
    disturbed = {conflict.path for conflict in done.update.conflicts}
    for one in done.laid.kept:
        assert one.path in disturbed or done.outcome.get(one.path) == done.ours[one.path]
    for path in set(done.ours) - set(base):
        assert path in disturbed or done.outcome.get(path) == done.ours[path]
    for path in done.laid.added:
        newest = edited(base, template, "template").get(path)
        if path not in disturbed and newest is not None and CLASSES.declared(path) is None:
            assert done.outcome[path].mode == ("100755" if newest.executable else "100644")


@given(mine=edits(PATHS))
@SOME
def test_an_update_to_the_same_version_is_empty(bench: Bench, mine: list[Edit]) -> None:
    base = start()
    assert adopted(bench, {"v1": base}, edited(base, mine, "owner")).update.is_empty


@given(mine=ANY_PATHS, template=ANY_PATHS)
@settings(max_examples=200)
def test_every_file_of_the_template_comes_or_stands_beside_one_of_the_owner(
    mine: Sequence[str], template: Sequence[str]
) -> None:
    ours = {path: Entry("100644", f"{number:040}") for number, path in enumerate(apart(mine))}
    rendered = {path: Entry("100644", f"{number:040}") for number, path in enumerate(apart(template))}
    laid = lay_beside(ours, rendered, CLASSES, lambda _: {})
    told = [*laid.added, *laid.same, *(one.path for one in laid.kept)]
    assert sorted(told) == sorted(rendered)
    result = [*ours, *laid.added]
    for path in laid.added:
        for other in result:
            same = (path.casefold(), other.casefold())
            assert path == other or (same[0] != same[1] and not f"{same[0]}/".startswith(f"{same[1]}/"))
            assert path == other or not f"{same[1]}/".startswith(f"{same[0]}/")
    owned = Patterns(laid.owned())
    taken = {one.path for one in laid.kept if one.is_same_name and one.kind is not FileClass.SEEDED}
    assert {path for path in ours if path in owned} == taken


def apart(paths: Sequence[str]) -> list[str]:
    """Paths that can be in one folder, wherever that is."""
    kept: dict[str, str] = {}
    for path in paths:
        name = path.casefold()
        if not any(f"{name}/".startswith(f"{one}/") or f"{one}/".startswith(f"{name}/") for one in kept):
            kept[name] = path
    return list(kept.values())


@pytest.mark.parametrize("path", ["a b ", "*", "a[b]c", "!x", "#y", "a\\b", "x/?", "\udcff\udcfe.txt", "a\tb"])
def test_the_pattern_of_a_path_survives_the_record(path):
    import yaml  # noqa: PLC0415

    text = yaml.safe_dump({"owned": [pattern_of(path)]}, allow_unicode=True, width=10_000)
    (pattern,) = yaml.safe_load(text)["owned"]
    assert path in Patterns([pattern.strip()])
    assert f"{path}.more" not in Patterns([pattern.strip()])
    assert f"below/{path}" not in Patterns([pattern.strip()])


@pytest.mark.parametrize("mode", ["120000", "160000"])
def test_a_link_or_a_submodule_is_no_file_even_with_the_same_content(mode):
    ours, rendered = ({"a.txt": Entry(each, "0" * 40)} for each in (mode, "100644"))
    laid = lay_beside(ours, rendered, CLASSES, lambda ids: dict.fromkeys(ids, b"b.txt"))
    assert ([one.path for one in laid.kept], laid.same, laid.added) == (["a.txt"], (), {})
