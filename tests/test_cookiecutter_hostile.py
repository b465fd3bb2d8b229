"""Cookiecutter templates that mean harm: nothing outside the repository is read, written or run; no render hangs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mlopsgen.adapters.cookiecutter_engine import CookiecutterEngine
from mlopsgen.adapters.template_address import TemplateAddress
from mlopsgen.adapters.template_mirror import TemplateMirror
from mlopsgen.errors import MlopsgenError
from tests.canaries import canary
from tests.cookiecutter_forks import Case, Outcome, render_all
from tests.cookiecutter_toys import inside
from tests.template_toys import Published

IN = "{{cookiecutter.name}}"


def template_of(files: Mapping[str, str], environ: Mapping[str, str], folder: Path, *, seconds: float = 60) -> Any:
    made = Published(folder, {"cookiecutter.json": '{"name": "made"}', **files})
    return engine(made.path, environ, seconds=seconds)


def engine(folder: Path, environ: Mapping[str, str], *, seconds: float = 60) -> CookiecutterEngine:
    mirror = TemplateMirror(TemplateAddress(str(folder), is_local=True), environ)
    return CookiecutterEngine(mirror, environ, seconds=seconds)


def refused(template: CookiecutterEngine, folder: Path, words: str, **answers: Any) -> MlopsgenError:
    """Rendering is refused in these words, and nothing is left."""
    folder.mkdir(exist_ok=True)
    with pytest.raises(MlopsgenError, match=words) as caught:
        template.render(template.newest, answers, folder)
    assert list(folder.iterdir()) == []
    return caught.value


ESCAPES = {
    "classes": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "globals": "{{ cycler.__init__.__globals__.os.popen('touch HERE').read() }}",
    "functions": "{{ lipsum.__globals__['os'].system('touch HERE') }}",
    "own functions": "{{ random_ascii_string.__func__.__globals__ }}",
    "filters": "{{ cookiecutter | attr('__class__') | attr('__mro__') }}",
    "format": "{{ '{0.__class__.__mro__}'.format(cookiecutter) }}",
    "format_map": "{{ '{a.__class__}'.format_map({'a': 1}) }}",
    "imports": "{% import 'os' as os %}{{ os.environ }}",
    "self": "{{ self.__init__.__globals__ }}",
}


@pytest.fixture(scope="module")
def escapes(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Outcome], Path]:
    """Each way out, as a file, as a file's name, and as a default."""
    folder = tmp_path_factory.mktemp("escapes")
    proof = folder / "proof"
    texts = {way: text.replace("HERE", str(proof)) for way, text in ESCAPES.items()}
    cases = {f"{way} in a file": Case({f"{IN}/a": text}) for way, text in texts.items()}
    cases |= {f"{way} in a default": Case({f"{IN}/a": ""}, {"name": "made", "x": text}) for way, text in texts.items()}
    cases["a name"] = Case({f"{IN}/{texts['functions'].replace(str(proof), 'proof')}": ""})
    return dict(zip(cases, render_all(list(cases.values()), folder / "cases"), strict=True)), proof


def test_nothing_leads_out_of_the_sandbox(escapes: tuple[dict[str, Outcome], Path]) -> None:
    outcomes, proof = escapes
    assert not proof.exists()
    assert not list(proof.parent.rglob("proof"))
    for way, outcome in outcomes.items():
        assert re.search("unsafe|undefined|has no attribute|no loader|not found", outcome.error), (way, outcome.error)


def test_defaults_are_rendered_in_the_sandbox_too(environ: dict[str, str], tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    way = f"{{{{ lipsum.__globals__['os'].system('touch {proof}') }}}}"
    files = {"cookiecutter.json": json.dumps({"name": "made", "bad": way, "__worse": way}), f"{IN}/a": ""}
    template = template_of(files, environ, tmp_path / "template")
    found = template.questions("v1.0.0").resolve({})
    assert found["bad"] == ""
    refused(template, tmp_path / "out", "unsafe|undefined")
    assert not proof.exists()


VARIABLES = '{"name": "made", "place": "x", "up": "../../../x"}'
NAMES = {
    "up": (f"{IN}/{{{{ '..' }}}}/x", "no path of a repository|outside"),
    "far up": (f"{IN}/{{{{ cookiecutter.up }}}}", "no path of a repository|outside"),
    "absolute": (f"{IN}/{{{{ cookiecutter.place }}}}", "outside the repository"),
    "git": (f"{IN}/{{{{ '.git' }}}}/hooks/post-checkout", "no path of a repository"),
    "git in capitals": (f"{IN}/b/{{{{ '.GIT' }}}}/config", "no path of a repository"),
    "git with a dot": (f"{IN}/{{{{ '.git.' }}}}/config", "no path of a repository"),
    "a folder": (f"{IN}/{{{{ cookiecutter.place }}}}/y", "outside the repository"),
}


def test_nothing_is_written_outside_the_repository(tmp_path: Path) -> None:
    far = tmp_path / "far"
    variables = {**json.loads(VARIABLES), "place": str(far)}
    outcomes = render_all([Case({name: "harm"}, variables) for name, _ in NAMES.values()], tmp_path / "cases")
    for (_, words), outcome in zip(NAMES.values(), outcomes, strict=True):
        assert re.search(words, outcome.error), outcome.error
        assert b"harm" not in {content for _, content in outcome.made.values()}
    assert not far.exists()


def test_links_out_of_the_template_are_refused_and_others_are_copied(environ: dict[str, str], tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not for anybody")
    made = Published(tmp_path / "template", {"cookiecutter.json": '{"name": "made"}', f"{IN}/a": "ok", "b": "shared"})
    folder = made.path / IN
    (folder / "inner").symlink_to("../b")
    made.release("v1.1.0", {}, "a link inside")
    for number, target in enumerate([str(secret), "../../secret", "../../../../../../../etc/passwd", "loop"]):
        (folder / "loop").unlink(missing_ok=True)
        (folder / "loop").symlink_to(target)
        made.release(f"v1.2.{number}", {}, "a link out")
    (folder / "loop").unlink()
    (folder / "raw").symlink_to(str(tmp_path))
    made.release("v1.3.0", {"cookiecutter.json": '{"name": "made", "_copy_without_render": ["raw"]}'}, "a folder")
    template = engine(made.path, environ)
    for version in template.versions()[2:]:
        (tmp_path / version).mkdir()
        with pytest.raises(MlopsgenError, match="leads out of the template"):
            template.render(version, {}, tmp_path / version)
        assert list((tmp_path / version).iterdir()) == []
    (tmp_path / "out").mkdir()
    template.render("v1.1.0", {}, tmp_path / "out")
    assert inside(tmp_path / "out")["inner"][1] == b"shared"


LIMITS = {
    "endless": ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "than 2 seconds", 2),
    "memory": ("{{ 'a' * 10 ** 10 }}", "more memory", 60),
    "a large file": ("{{ 'abcdefgh' * 9000000 }}", "File too large", 60),
    "depth": ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "recursion", 60),
}


@pytest.mark.parametrize("what", list(LIMITS))
def test_a_render_that_would_take_everything_is_ended(what: str, environ: dict[str, str], tmp_path: Path) -> None:
    text, words, seconds = LIMITS[what]
    refused(template_of({f"{IN}/a": text}, environ, tmp_path / "template", seconds=seconds), tmp_path / "out", words)


def test_many_large_files_are_too_much(environ: dict[str, str], tmp_path: Path) -> None:
    files = {f"{IN}/{number}": "{{ 'abcdefgh' * 6000000 }}" for number in range(3)}
    refused(template_of(files, environ, tmp_path / "template"), tmp_path / "out", "more than 128 MB")


SETTINGS = [
    ({"_jinja2_env_vars": {"extensions": ["x.Y"]}}, "extensions"),
    ({"_jinja2_env_vars": {"undefined": "x"}}, "undefined"),
    ({"_extensions": ["jinja2.ext.nothing"]}, "cannot be loaded"),
    ({"_copy_without_render": 7}, "rendered"),
]


def test_settings_that_no_template_may_have_are_refused(tmp_path: Path) -> None:
    cases = [Case({f"{IN}/a": "x"}, {"name": "made", **settings}) for settings, _ in SETTINGS]
    for outcome, (_, words) in zip(render_all(cases, tmp_path / "cases"), SETTINGS, strict=True):
        assert re.search(words, outcome.error), outcome.error


def test_a_token_in_the_environment_is_nowhere_in_a_render(environ: dict[str, str], tmp_path: Path) -> None:
    told = {**environ, "MLOPSGEN_GITHUB_TOKEN": canary("in-a-render"), "LC_X": "kept"}
    files = {
        "cookiecutter.json": '{"name": "made", "_extensions": ["jinja2.ext.debug"]}',
        f"{IN}/a": "{% debug %}{{ cookiecutter }} {{ _cookiecutter }}",
    }
    template = template_of(files, told, tmp_path / "template")
    (tmp_path / "out").mkdir()
    template.render("v1.0.0", {}, tmp_path / "out")
    text = (tmp_path / "out/a").read_text()
    assert "N3v3r" not in text
    assert "mlopsgen-render" not in text  # nothing that is different in each render
