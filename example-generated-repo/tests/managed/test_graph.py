"""Where each input comes from, and what is refused instead of being guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from wired import plan, refused

from helpers.errors import ConfigurationError
from helpers.parameters import Parameter, parse_parameters
from helpers.step_sources import Constant, FromParameter, FromStep
from helpers.wiring import Plan


def inputs_of(made: Plan, step: str) -> dict[str, object]:
    return dict(next(planned for planned in made.steps if planned.text.id == step).inputs)


def test_the_nearest_step_above_of_the_same_name_and_type_wins(tmp_path: Path) -> None:
    made = plan(tmp_path, "a pull", "b again", "c clean", "d again")
    assert inputs_of(made, "c") == {"data": FromStep("b", "data")}


def test_with_wins_over_names_and_a_parameter_over_a_default(tmp_path: Path) -> None:
    made = plan(
        tmp_path,
        "a pull",
        "b again",
        "c clean with: {data: $a.data}",
        "d fit with: {data: $c.valid}",
        parameters="{rate: 1, seed: 7}",
    )
    assert inputs_of(made, "c") == {"data": FromStep("a", "data")}
    assert inputs_of(made, "d") == {
        "data": FromStep("c", "valid"),
        "rate": FromParameter("rate"),
        "seed": FromParameter("seed"),
    }
    assert Parameter("rate", "float", 1.0) in made.parameters


def test_a_default_stays_when_nothing_else_fits(tmp_path: Path) -> None:
    made = plan(tmp_path, "a pull", "b fit with: {rate: 0.5}")
    assert inputs_of(made, "b") == {"data": FromStep("a", "data"), "rate": Constant(0.5)}


def test_a_value_can_be_a_return_value_a_parameter_or_text_with_a_dollar(tmp_path: Path) -> None:
    made = plan(
        tmp_path,
        "a pull",
        "g guess",
        "b fit with: {rate: $g}",
        "c show with: {note: $title}",
        'd show with: {note: "$$5"}',
        parameters="{title: x}",
    )
    assert inputs_of(made, "b")["rate"] == FromStep("g", "Output")
    assert inputs_of(made, "c")["note"] == FromParameter("title")
    assert inputs_of(made, "d")["note"] == Constant("$5")


def test_an_artifact_of_any_kind_fits_into_an_artifact(tmp_path: Path) -> None:
    made = plan(tmp_path, "a pull", "b fit with: {rate: 1}", "c look")
    assert inputs_of(made, "c") == {"model": FromStep("b", "model")}


def test_a_step_may_name_one_that_stands_below_it(tmp_path: Path) -> None:
    made = plan(tmp_path, "c clean with: {data: $a.data}", "a pull")
    assert [step.text.id for step in made.steps] == ["a", "c"]


def test_steps_with_the_same_condition_stand_together_and_see_each_other(tmp_path: Path) -> None:
    made = plan(
        tmp_path, "a pull", "m fit with: {rate: 1}", "l look", "x page if: l", "n count", "y read if: l, after: n"
    )
    assert [[step.text.id for step in group] for group in made.groups] == [["a"], ["m"], ["l"], ["n"], ["x", "y"]]
    assert inputs_of(made, "y") == {"page": FromStep("x", "page")}


def test_the_branch_and_the_command_line_set_parameters(tmp_path: Path) -> None:
    made = plan(
        tmp_path,
        "a pull",
        "b fit",
        parameters="{rate: 0.5, seed: 1}",
        config="version: 1\nparameters: {rate: 1e-3}\n",
    )
    assert Parameter("rate", "float", 0.001) in made.parameters
    assert parse_parameters(["seed=3", "rate=2"], made.parameters) == {"seed": 3, "rate": 2.0}
    for text, message in [
        ("seed=x", "not a value of type int"),
        ("seed=1.5", "not a value of type int"),
        ("sed=1", "Did you mean 'seed'"),
        ("seed", "--param NAME=VALUE"),
        ("context={}", "no parameter 'context'"),
        ("rate=nan", "not a value of type float"),
        ("rate=NaN", "not a value of type float"),
    ]:
        with pytest.raises(ConfigurationError, match=message):
            parse_parameters([text], made.parameters)


@pytest.mark.parametrize(
    ("steps", "line", "message", "hint"),
    [
        (["c clean"], 7, "Nothing gives the input 'data' (a file (Dataset)) of 'c'", "No step above"),
        (["a pull", "r read"], 8, "Nothing gives the input 'page'", "'with: {page: ...}': $a.data"),
        (["a pull", "b fit"], 8, "Nothing gives the input 'rate' (float) of 'b'", "pipeline's parameters"),
        (["a pull", "w wrong"], 8, "'a' gives a Dataset of that name", "Make the types equal (src/steps/toy.py:"),
        (["a pull", "c clean with: {dat: $a.data}"], 8, "has no input 'dat'", "Did you mean 'data'?"),
        (["a pull", "c clean with: {data: $b.data}"], 8, "no step 'b'", "There is: a, c."),
        (["a pull", "c clean with: {data: $a.dta}"], 8, "no output 'dta'", "Did you mean 'data'?"),
        (["a pull", "c clean with: {data: file.csv}"], 8, "has to come from a step", "$step.output"),
        (["a pull", "b fit with: {rate: $a.data}"], 8, "is float, and $a.data is Dataset", ""),
        (["a pull", "b fit with: {rate: high}"], 8, "has to be float", ""),
        (["a pull", "b fit with: {rate: $nothing}"], 8, "no step or parameter 'nothing'", ""),
        (["a clean with: {data: $b.valid}", "b clean with: {data: $a.valid}"], 7, "a -> b -> a", ""),
        (["a pull after: c", "c clean with: {data: $a.data}"], 7, "wait for each other", ""),
        (["a pull", "n count", "x page if: n"], 9, "'n' does not return bool", "-> bool"),
        (["a pull", "x page if: a"], 8, "'a' does not return bool", "-> bool"),
        (["a pull", "x page if: b"], 8, "no step 'b'", ""),
    ],
)
def test_what_does_not_fit_is_told_with_its_line_and_what_would(
    tmp_path: Path, steps: list[str], line: int, message: str, hint: str
) -> None:
    error = refused(tmp_path, *steps)
    assert message in error.message
    assert hint in error.hint
    assert error.where == f"src/pipelines/pipeline.yaml:{line}"


LOOKED = ("a pull", "m fit with: {rate: 1}", "l look")


def test_what_may_not_run_is_never_offered_to_a_step_that_does(tmp_path: Path) -> None:
    assert "Nothing gives the input 'page'" in refused(tmp_path / "1", *LOOKED, "x page if: l", "y read").message
    error = refused(tmp_path / "2", *LOOKED, "x page if: l", "y read with: {page: $x.page}")
    assert "runs only if 'l'" in error.message
    error = refused(tmp_path / "3", *LOOKED, "x page if: l", "n count after: x")
    assert "nothing outside can wait for it" in error.message
    error = refused(tmp_path / "4", *LOOKED, "k look if: l", "x page if: k")
    assert "cannot be nested" in error.message


def test_a_parameter_has_one_type(tmp_path: Path) -> None:
    error = refused(tmp_path, "a pull", "b fit", "c many", parameters="{rate: 1}")
    assert "'rate' is float at src/steps/toy.py:" in error.message
    assert error.where == "src/pipelines/pipeline.yaml:9"
