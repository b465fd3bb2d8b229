"""Pipelines that tests wire from a few words: ``"l look"`` is a step 'l' that uses the function 'look'."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import Toy

from helpers.errors import ConfigurationError
from helpers.wiring import Plan

STEPS = """
from kfp.dsl import Artifact, Dataset, Input, Model, Output

def pull(data: Output[Dataset]) -> None: ...
def again(data: Output[Dataset]) -> None: ...
def clean(data: Input[Dataset], valid: Output[Dataset]) -> None: ...
def fit(data: Input[Dataset], rate: float, model: Output[Model], seed: int = 1) -> None: ...
def look(model: Input[Artifact]) -> bool: ...
def show(model: Input[Model], data: Input[Dataset], note: str = "") -> str: ...
def guess() -> float: ...
def wrong(data: Input[Model]) -> None: ...
def count(data: Input[Dataset]) -> int: ...
def many(rate: int) -> None: ...
def page(page: Output[Dataset]) -> None: ...
def read(page: Input[Dataset]) -> None: ...
"""


def plan(root: Path, *steps: str, parameters: str = "{}", config: str = "version: 1\n") -> Plan:
    """The plan of steps that are written as ``id function [more keys]``."""
    text = "version: 1\nproject: toy\npipelines:\n  training:\n"
    text += f"    parameters: {parameters}\n    steps:\n"
    for step in steps:
        name, function, *more = step.split(" ", 2)
        text += f'      - {{id: {name}, uses: "steps.toy:{function}"{"".join(f", {part}" for part in more)}}}\n'
    return Toy(root, pipeline=text, steps=STEPS, config=config).plan()


def refused(root: Path, *steps: str, parameters: str = "{}") -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        plan(root, *steps, parameters=parameters)
    return caught.value
