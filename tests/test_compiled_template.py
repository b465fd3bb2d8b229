"""What is rendered in a few milliseconds is what copier makes, byte for byte; what cannot be so is left to copier."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from mlopsgen.adapters.child_frame import Refused
from mlopsgen.adapters.compiled_template import CompiledTemplate
from mlopsgen.adapters.copier_child import run_copier
from mlopsgen.adapters.questionnaire import Unsupported
from mlopsgen.adapters.template_store import TemplateStore
from mlopsgen.answers import resolve
from mlopsgen.constants import CANONICAL_TEMPLATE
from tests import matrix
from tests.template_toys import FILES, QUESTIONS, contents

ROWS = matrix.rows()
SOME, OTHERS = ROWS[:12], ROWS[12:]
NASTY = {"description": "{{ x }} [[ y ]] [% z %] ${{ a }} \\n \"'\N{PILE OF POO}", "owner": "null", "target": "- a: #b"}


class Laid:
    """A version of a template that lies in a folder."""

    address = CANONICAL_TEMPLATE
    newest = "v1.0.0"

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files

    def versions(self) -> tuple[str, ...]:
        return (self.newest,)

    def identity(self, version: str) -> None:
        return None

    def lay_out(self, version: str, destination: Path) -> None:
        for name, content in self.files.items():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            (destination / name).write_bytes(content)

    def read(self, version: str, name: str) -> str | None:
        return self.files[name].decode() if name in self.files else None

    def changelog(self, start: str, end: str) -> tuple[tuple[str, str], ...]:
        return ()

    def contents(self, names: Collection[str]) -> dict[str, bytes]:
        return {name: self.files[name] for name in names}

    def compiled(self) -> CompiledTemplate:
        return CompiledTemplate(sorted(self.files), self.contents)

    def fast(self, answers: Mapping[str, Any]) -> dict[str, bytes]:
        made = self.compiled().render(answers, self.address, self.newest)
        return {path: self.files[file.source] if file.content is None else file.content for path, file in made.items()}

    def slow(self, answers: Mapping[str, Any], folder: Path) -> dict[str, bytes]:
        laid = folder.with_name(f"{folder.name}-template")
        for each in (laid, folder):
            each.mkdir()
        self.lay_out(self.newest, laid)
        run_copier(laid, self.address, self.newest, answers, folder, trusted=False)
        return {path: content for path, (_, content) in contents(folder).items()}


@pytest.fixture(scope="module")
def built_in(tmp_path_factory: pytest.TempPathFactory) -> Laid:
    folder = tmp_path_factory.mktemp("template")
    store = TemplateStore({"PATH": os.environ["PATH"], "HOME": str(folder)})
    store.lay_out(store.newest, folder)
    return Laid({path: content for path, (_, content) in contents(folder).items()})


def toy() -> Laid:
    return Laid({name: text.encode() for name, text in FILES.items()})


def equal(template: Laid, answers: Mapping[str, Any], folder: Path) -> dict[str, bytes]:
    fast, slow = template.fast(answers), template.slow(answers, folder)
    assert sorted(fast) == sorted(slow)
    assert fast == slow
    return fast


@pytest.mark.parametrize("row", SOME)
def test_the_built_in_template(built_in: Laid, tmp_path: Path, row: Any) -> None:
    assert equal(built_in, resolve(matrix.answers(row)), tmp_path / "out")


@pytest.mark.matrix
@pytest.mark.parametrize("row", OTHERS)
def test_the_built_in_template_with_every_pair_of_answers(built_in: Laid, tmp_path: Path, row: Any) -> None:
    assert equal(built_in, resolve(matrix.answers(row)), tmp_path / "out")


@pytest.mark.parametrize("answers", [{}, {"slug": "wine"}, {"project_name": "A b", "license": "mit"}, NASTY])
def test_the_built_in_template_with_some_answers_left_to_their_defaults(
    built_in: Laid, tmp_path: Path, answers: dict[str, str]
) -> None:
    equal(built_in, answers, tmp_path / "out")


ANSWERS = some.fixed_dictionaries(
    {},
    optional={
        "name": some.from_regex(r"[a-z][a-zé ]{0,8}[a-z]", fullmatch=True),
        "title": some.text(some.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12),
        "engine": some.sampled_from(["local", "cluster"]),
        "endpoint": some.sampled_from(["https://a.example.org", "https://"]),
        "replicas": some.one_of(some.integers(1, 9), some.sampled_from(["3", True])),
        "share": some.sampled_from([0.25, 1, "0.5"]),
        "public": some.sampled_from([True, False, "yes", "off", 0, "", "maybe"]),
        "tags": some.one_of(some.lists(some.text("ab:-# ", max_size=5), max_size=3), some.just("[x, 1]"), some.none()),
        "unknown": some.just("kept for rendering alone"),
    },
)


@settings(max_examples=25)
@given(answers=ANSWERS)
def test_a_template_of_somebody_else(tmp_path_factory: pytest.TempPathFactory, answers: dict[str, Any]) -> None:
    template, out = toy(), tmp_path_factory.mktemp("toy") / "out"
    try:
        template.fast(answers)
    except Unsupported:
        with pytest.raises(Refused):
            template.slow(answers, out)
    else:
        equal(template, answers, out)


MORE = {
    "a file that others include": {
        "template/_parts/head.jinja": "{% set word = 'ours' %}",
        "copier.yml": f'_exclude: ["_parts", "*.bak", "/deep/*.txt"]\n{QUESTIONS}',
        "template/kept.bak": "no",
        "template/deep/a.txt": "no",
        "template/deep/b.md": "yes",
        "template/x.jinja": "{% include 'template/_parts/head.jinja' %}|"
        "{% from 'template/_parts/head.jinja' import word %}{{ word }}",
    },
    "a file and its rendered brother": {"template/README.md": "never seen"},
    "other delimiters and suffix": {
        "copier.yml": '_envops: {variable_start_string: "[[", variable_end_string: "]]", trim_blocks: true}\n'
        "_templates_suffix: .tmpl\n" + QUESTIONS.replace("{{", "[[").replace("}}", "]]"),
        "template/[[ name ]].txt.tmpl": "[[ name ]] {{ stays }}\n",
        "template/still.jinja": "{{ stays }}",
    },
    "line ends": {
        "template/dos.txt": "a\r\nb\r\n",
        "template/dos.md.jinja": "{{ name }}\r\nb\r\n",
        "template/e.jinja": "",
    },
}


@pytest.mark.parametrize("name", MORE)
def test_what_templates_do(name: str, tmp_path: Path) -> None:
    files = MORE[name]
    base = toy() if "tmpl" not in str(files) else Laid({"template/data.csv": b"1"})
    template = Laid({**base.files, **{path: text.encode() for path, text in files.items()}})
    assert equal(template, {"engine": "cluster", "name": "beer"}, tmp_path / "out")


REFUSED = {
    "tasks": {"copier.yml": f"_tasks: [echo]\n{QUESTIONS}"},
    "extensions": {"copier.yml": f"_jinja_extensions: [os]\n{QUESTIONS}"},
    "no subdirectory": {"copier.yml": QUESTIONS.replace("_subdirectory: template", "")},
    "delimiters that are none": {"copier.yml": f"_envops: {{block_start_string: 5}}\n{QUESTIONS}"},
    "delimiters that are one": {"copier.yml": f"_envops: {{block_start_string: '{{{{'}}\n{QUESTIONS}"},
    "settings that are no mapping": {"copier.yml": f"_envops: 5\n{QUESTIONS}"},
    "exclusions that are no patterns": {"copier.yml": f'_exclude: ["[z-a]"]\n{QUESTIONS}'},
    "more brackets than fit": {"template/a.jinja": "{{ %s }}" % ("(" * 9000)},
    "a subdirectory above": {"copier.yml": QUESTIONS.replace("_subdirectory: template", "_subdirectory: ../..")},
    "a subdirectory in other words": {"copier.yml": QUESTIONS.replace("template", "./template")},
    "a subdirectory that is not there": {"copier.yml": QUESTIONS.replace("template", "elsewhere")},
    "rendered subdirectory": {"copier.yml": QUESTIONS.replace("template", "{{ name }}")},
    "rendered exclusions": {"copier.yml": f'_exclude: ["{{{{ name }}}}"]\n{QUESTIONS}'},
    "secrets": {"copier.yml": f"{QUESTIONS}password: {{type: str, secret: true, default: x}}\n"},
    "several at once": {"copier.yml": f"{QUESTIONS}many: {{type: str, multiselect: true, choices: [a, b]}}\n"},
    "documents": {"copier.yml": f"{QUESTIONS}---\nmore: 1\n"},
    "a list": {"copier.yml": "- a\n"},
    "copier's folder": {"template/a.jinja": "{{ _folder_name }}"},
    "copier's settings": {"template/a.jinja": "{{ _copier_conf.os }}"},
    "copier's functions": {"template/a.jinja": "{{ make_secret() }}"},
    "yield": {"template/{% yield x from tags %}{{ x }}{% endyield %}.jinja": "x"},
    "attributes": {"template/.gitattributes": "* text=auto\n"},
    "no UTF-8": {"template/a.jinja": "\udcff"},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_only_copier_does_is_left_to_it(name: str) -> None:
    files = {**toy().files, **{path: text.encode(errors="surrogateescape") for path, text in REFUSED[name].items()}}
    with pytest.raises(Unsupported):
        Laid(files).compiled()


@pytest.mark.parametrize("text", ["{{ 1 / 0 }}", "{{ 'a' * 'b' }}", "{{ [1][2].c }}", "{{ 10.0 ** 999 }}"])
def test_a_mistake_in_a_file_is_left_to_copier_which_says_what_it_is(text: str) -> None:
    with pytest.raises(Unsupported):
        Laid({**toy().files, "template/a.jinja": text.encode()}).fast({})


PLACES = {
    "a file and a folder of one name": (
        {"template/{{ name }}": "a file", "template/wine/a.txt": "x"},
        {"name": "wine"},
    ),
    "a name that no file can have": ({"template/{{ '\\0' }}.txt": "x"}, {}),
}


@pytest.mark.parametrize("name", PLACES)
def test_paths_that_cannot_be_are_left_to_copier_which_says_why(name: str) -> None:
    files, answers = PLACES[name]
    template = Laid({**toy().files, **{path: text.encode() for path, text in files.items()}})
    with pytest.raises(Unsupported):
        template.fast(answers)


@pytest.mark.parametrize(
    "answers",
    [
        {"replicas": 0}, {"replicas": "many"}, {"engine": "other"}, {"engine": "cluster", "endpoint": "ftp://x"},
        {"name": "a/b"}, {"name": None},
    ],
)  # fmt: skip
def test_answers_that_do_not_fit_are_left_to_copier_which_says_why(answers: dict[str, Any]) -> None:
    with pytest.raises(Unsupported):
        toy().fast(answers)
