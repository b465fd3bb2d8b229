"""What ``init`` renders: the built-in template as copier alone would, and a person's words as they wrote them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import copier
import pytest
import yaml

from mlopsgen.adapters.copier_engine import CopierEngine
from mlopsgen.adapters.template_store import TemplateStore
from mlopsgen.answers import resolve
from mlopsgen.constants import CANONICAL_TEMPLATE


def test_the_built_in_template_renders_as_copier_alone_would(tmp_path, environ):
    answers = resolve({"project_name": "Wine", "license": "mit", "staging_engine": "kubeflow",
                       "staging_endpoint": "https://k.example.org", "reviewers": ["ada"]})  # fmt: skip
    store = TemplateStore(environ)
    ours, laid_out, theirs = tmp_path / "ours", tmp_path / "template", tmp_path / "theirs"
    for folder in (ours, laid_out):
        folder.mkdir()
    CopierEngine(store, environ).render(store.newest, answers, ours)
    store.lay_out(store.newest, laid_out)
    copier.run_copy(str(laid_out), theirs, data=answers, defaults=True, quiet=True)

    def files(top: Path) -> dict[str, tuple[int, bytes]]:
        return {
            str(path.relative_to(top)): (path.stat().st_mode & 0o111, path.read_bytes())
            for path in top.rglob("*")
            if path.is_file() and path.name != ".copier-answers.yml"
        }

    assert files(ours) == files(theirs)
    assert files(ours)


def test_the_record_names_the_public_address_and_the_version_and_no_path(tmp_path, environ):
    store = TemplateStore(environ)
    (tmp_path / "out").mkdir()
    CopierEngine(store, environ).render(store.newest, resolve({}), tmp_path / "out")
    text = (tmp_path / "out" / ".copier-answers.yml").read_text()
    record = yaml.safe_load(text)
    assert record["_src_path"] == CANONICAL_TEMPLATE
    assert record["_commit"] == store.newest
    assert not re.search(r"/(tmp|home|root|work|private)\b", text)
    assert str(tmp_path) not in text


NASTY = [
    "it's \"quoted\": # no comment",
    "{{ braces }} [[ ours ]] [% x %] ${{ github.token }}",
    "back\\slash \\n $HOME `id` $(id) %s",
    "- list, *alias, &anchor, !tag, ? key, | block, > fold, @at",
    "\N{PILE OF POO} naïve 日本 <b>&amp;</b> <!-- x -->",
    "null", "true", "1.5", "~", "2026-01-01",
]  # fmt: skip


@pytest.mark.parametrize("words", NASTY)
def test_whatever_a_person_writes_stands_in_the_files_as_written(tmp_path, environ, words):
    given = {
        "description": words,
        "owner": words,
        "target": words,
        "data_address": f"data/{words}.csv",
        "license": "mit",
    }
    if "://" in words:
        given.pop("data_address")
    store = TemplateStore(environ)
    CopierEngine(store, environ).render(store.newest, resolve(given), tmp_path)
    for path in [*tmp_path.rglob("*.yaml"), *tmp_path.rglob("*.yml")]:
        yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in tmp_path.rglob("*.toml"):
        tomllib.loads(path.read_text(encoding="utf-8"))
    record = yaml.safe_load((tmp_path / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert (record["description"], record["target"]) == (words, words)
    sources = yaml.safe_load((tmp_path / "data" / "sources.yaml").read_text(encoding="utf-8"))["sources"]
    assert words in {source.get("target") for source in sources.values()}
    assert words in (tmp_path / "LICENSE").read_text(encoding="utf-8")
