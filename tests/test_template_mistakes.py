"""A version of somebody's template that cannot be rendered: what is wrong with it, where, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlopsgen.adapters.templates import open_template
from mlopsgen.errors import MlopsgenError
from tests.template_toys import FILES, Published


def refused(tmp_path: Path, environ: dict[str, str], name: str, text: str) -> MlopsgenError:
    published = Published(tmp_path / "template", {**FILES, name: FILES.get(name, "") + text})
    template = open_template(str(published.path), environ, given=True)
    (tmp_path / "out").mkdir()
    with pytest.raises(MlopsgenError) as caught:
        template.render("v1.0.0", {}, tmp_path / "out")
    assert str(tmp_path / "out") not in caught.value.message
    return caught.value


def test_a_question_without_default_says_how_to_answer_it(tmp_path: Path, environ: dict[str, str]) -> None:
    error = refused(tmp_path, environ, "copier.yml", "must: {type: str}\n")
    assert error.message == "The template v1.0.0 asks for 'must', and it has no default."
    assert error.hint == "Answer it: --set must=VALUE."


@pytest.mark.parametrize(
    ("name", "text", "words", "where"),
    [
        ("copier.yml", "x: {a: b?}: c\n", r"copier\.yml cannot be read\.", ""),
        ("template/README.md.jinja", "{% if %}\n", "Expected an expression", "template/README.md.jinja"),
        ("template/README.md.jinja", "{{ nope.x.y }}\n", "'nope' is undefined", ""),
    ],
)
def test_a_mistake_of_its_authors_is_theirs(
    tmp_path: Path, environ: dict[str, str], name: str, text: str, words: str, where: str
) -> None:
    error = refused(tmp_path, environ, name, text)
    assert error.message.startswith("The template v1.0.0 cannot be rendered: ")
    assert error.where == (where or str(tmp_path / "template")), "a file of the template, else its address"
    assert "has to mend it; another version may do" in error.hint
    with pytest.raises(MlopsgenError, match=words):
        raise error
