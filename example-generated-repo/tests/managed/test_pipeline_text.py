"""What can be wrong in ``pipeline.yaml`` and in the signatures that it names is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import Toy

from helpers.branch import load_branch
from helpers.errors import ConfigurationError
from helpers.pipeline_text import choose_pipeline
from helpers.signatures import read_signature

HEAD = "version: 1\nproject: toy\npipelines:\n  training:\n"
PULL = '      - {id: pull-data, uses: "steps.toy:pull"}\n'


def error_of(toy: Toy, *, config: str = "version: 1\n") -> ConfigurationError:
    toy.config = config
    toy.write()
    with pytest.raises(ConfigurationError) as caught:
        branch = load_branch(toy.root, "development")
        branch.check_parameters()
        branch.plan("training")
    return caught.value


@pytest.mark.parametrize(
    ("pipeline", "line", "message"),
    [
        (f"{HEAD}    steps: []\n", 5, "at least 1 item"),
        (f"{HEAD}    stepps: []\n", 5, "Unknown key 'stepps'"),
        (f"{HEAD}    steps:\n{PULL}{PULL}", 7, "'pull-data' stands twice"),
        (f"{HEAD}    steps:\n      - {{id: Pull, uses: 'steps.toy:pull'}}\n", 6, "lower-case words"),
        (f"{HEAD}    steps:\n      - {{id: class, uses: 'steps.toy:pull'}}\n", 6, "taken by Python or kfp"),
        (f"{HEAD}    steps:\n      - {{id: condition-1, uses: 'steps.toy:pull'}}\n", 6, "taken by Python or kfp"),
        (f"{HEAD}    steps:\n      - {{id: a, uses: steps.toy.pull}}\n", 6, "'module:function'"),
        (f"{HEAD}    steps:\n      - {{id: a, uses: 'image:python:3'}}\n", 6, "container images are not available"),
        (f"{HEAD}    steps:\n      - {{id: a, uses: 'component:a.yaml'}}\n", 6, "component files are not available"),
        (f"{HEAD}    steps:\n      - {{id: a, image: 'python:3'}}\n", 6, "'image' is reserved"),
        (f"{HEAD}    steps:\n      - {{id: a, uses: 'steps.toi:pull'}}\n", 6, "no module 'steps.toi'"),
        (f"{HEAD}    steps:\n      - {{id: a, uses: 'steps.toy:pul'}}\n", 6, "no function 'pul'"),
        (f"{HEAD}    steps:\n      - {{id: a, uses: 'steps.toy:pull', after: b}}\n", 6, "no step 'b'"),
        (f"{HEAD}    steps:\n      - {{id: a, uses: 'steps.toy:pull', after: [a]}}\n", 6, "waits for itself"),
        (f"{HEAD}    steps:\n      - {{id: a, uses: 'steps.toy:pull', retry: many}}\n", 6, "has to be a whole number"),
        (f"{HEAD}    steps:\n      - {{id: a, uses: 'steps.toy:pull', resources: {{cpu: much}}}}\n", 6, "pattern"),
        (f"{HEAD}    parameters: {{context: x}}\n    steps:\n{PULL}", 5, "set by the run itself"),
        (f"{HEAD}    parameters: {{rows: }}\n    steps:\n{PULL}", 5, "has to have a default"),
        (f"{HEAD}    parameters: {{rows: five}}\n    steps:\n{PULL}", 5, "has to be int"),
        (f"{HEAD}    parameters: {{rows: 5, roes: 5}}\n    steps:\n{PULL}", 5, "No step takes the parameter 'roes'"),
        (f"{HEAD}    parameters: {{2x: 5}}\n    steps:\n{PULL}", 5, "Python name"),
    ],
)
def test_a_mistake_in_the_text_names_its_line(tmp_path: Path, pipeline: str, line: int, message: str) -> None:
    error = error_of(Toy(tmp_path, pipeline=pipeline))
    assert message in error.message
    assert error.where == f"src/pipelines/pipeline.yaml:{line}"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("steps.toi:pull", "Did you mean 'steps.toy'?"),
        ("steps.toy:pul", "Did you mean 'pull'?"),
    ],
)
def test_a_misspelt_reference_is_met_with_the_nearest_one(tmp_path: Path, text: str, hint: str) -> None:
    toy = Toy(tmp_path, pipeline=f"{HEAD}    steps:\n      - {{id: a, uses: '{text}'}}\n")
    assert error_of(toy).hint == hint


def test_a_parameter_of_the_branch_that_no_pipeline_has_names_the_line_of_the_configuration(tmp_path: Path) -> None:
    error = error_of(Toy(tmp_path), config="version: 1\nparameters:\n  row: 7\n")
    assert error.where == "src/pipelines/development/config.yaml:3"
    assert error.hint == "Did you mean 'rows'?"
    error = error_of(Toy(tmp_path / "other"), config="version: 1\nparameters:\n  rows: seven\n")
    assert error.where == "src/pipelines/development/config.yaml:3"
    assert "has to be int" in error.message


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("def f(a): ...", 1, "no annotation"),
        ("import pandas as pd\ndef f(a: pd.DataFrame) -> None: ...", 2, "a pipeline cannot carry"),
        ("def f(*a: int) -> None: ...", 1, "*args"),
        ("def f(a: int, /) -> None: ...", 1, "positional-only"),
        ("async def f() -> None: ...", 1, "asynchronous"),
        ("from kfp import dsl\n@dsl.component\ndef f() -> None: ...", 3, "decorated by kfp"),
        ("def f(a: int = 2 * g()) -> None: ...", 1, "cannot be read without running"),
        ("def f() -> object: ...", 1, "returns 'object'"),
        ("def f(:", 1, "not valid Python"),
        ("def f(a: 'not python here') -> None: ...", 1, "not valid Python"),
    ],
)
def test_a_signature_that_cannot_be_part_of_a_pipeline_names_its_line(
    tmp_path: Path, source: str, line: int, message: str
) -> None:
    (tmp_path / "src" / "steps").mkdir(parents=True)
    (tmp_path / "src" / "steps" / "s.py").write_text(source, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_signature("steps.s:f", root=tmp_path, where="pipeline.yaml:1")
    assert caught.value.where == f"src/steps/s.py:{line}"
    assert message in caught.value.message


def test_a_signature_is_read_in_the_words_of_its_module(tmp_path: Path) -> None:
    source = """
from __future__ import annotations
from typing import Any, Literal, NamedTuple, Optional
from kfp import dsl
from kfp.dsl import Dataset, Input as In, Output
SEED: int = 42
class Result(NamedTuple):
    best: float
    rounds: int
def f(
    a: In[Dataset], b: "dsl.Input[dsl.Model]", c: Optional[str] = None, d: str | None = None, e: float = 0.5, *,
    g: list[str], h: dict[str, Any], i: Literal["x", "y"] = "x", j: int = SEED, out: Output[Dataset],
) -> Result: ...
"""
    (tmp_path / "src" / "steps").mkdir(parents=True)
    (tmp_path / "src" / "steps" / "s.py").write_text(source, encoding="utf-8")
    signature = read_signature("steps.s:f", root=tmp_path, where="")
    inputs = {port.name: (port.kind, port.type, port.optional, port.default) for port in signature.inputs}
    assert inputs == {
        "a": ("artifact", "Dataset", False, None),
        "b": ("artifact", "Model", False, None),
        "c": ("value", "str", True, None),
        "d": ("value", "str", True, None),
        "e": ("value", "float", True, 0.5),
        "g": ("value", "list", False, None),
        "h": ("value", "dict", False, None),
        "i": ("value", "str", True, "x"),
        "j": ("value", "int", True, 42),
    }
    assert [(port.name, port.type) for port in signature.outputs] == [
        ("out", "Dataset"),
        ("best", "float"),
        ("rounds", "int"),
    ]
    shim = signature.shim("step_f")
    assert shim.count("\n") == 3
    assert "c: Optional[str] = None" in shim
    assert "NamedTuple('Outputs', [('best', float), ('rounds', int)])" in shim


def test_a_pipeline_is_chosen_by_name_or_because_it_is_the_only_one() -> None:
    assert choose_pipeline(None, ["one"], where="") == "one"
    assert choose_pipeline("two", ["one", "two"], where="") == "two"
    with pytest.raises(ConfigurationError, match=r"several pipelines: one, two.*--pipeline NAME"):
        choose_pipeline(None, ["one", "two"], where="")
    with pytest.raises(ConfigurationError, match="Did you mean 'two'"):
        choose_pipeline("tow", ["one", "two"], where="")


def test_of_several_pipelines_a_branch_says_which_one_it_trains(tmp_path: Path) -> None:
    toy = Toy(tmp_path)
    head, name, steps = toy.pipeline.partition("  training:\n")
    toy.pipeline = f"{head}{name}{steps}  nightly:\n{steps}"
    toy.write()
    assert "'pipeline: NAME'" in toy.main("compile").stderr
    toy.config = "version: 1\npipeline: nightly\n"
    toy.write()
    assert "'nightly'" in toy.main("compile").stdout
    assert "'training'" in toy.main("compile", "--pipeline", "training").stdout
    toy.config = "version: 1\npipeline: nightli\n"
    toy.write()
    for verb in ("check", "compile"):
        done = toy.main(verb)
        assert done.returncode == 2
        assert "config.yaml:2: There is no pipeline 'nightli'" in done.stderr
        assert "Did you mean 'nightly'" in done.stderr
