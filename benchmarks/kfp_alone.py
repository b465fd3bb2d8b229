"""A pipeline of seven steps compiled with kfp alone, its code embedded by kfp itself: what P6 is measured beside.

``python kfp_alone.py FOLDER TARGET``: FOLDER is the repository's ``src``. There is no ``from __future__ import
annotations`` here, because kfp reads the types of a step's parameters as they are.
"""

import sys
from typing import Any

from kfp import compiler, dsl


def main(folder: str, target: str) -> None:
    """Compile the pipeline."""

    def step(context: str) -> str:
        return context

    components = []
    for number in range(7):
        step.__name__ = f"step_{number}"
        components.append(dsl.component(step, base_image="python:3.11", embedded_artifact_path=folder))

    @dsl.pipeline(name="alone")
    def alone(context: str = "{}") -> None:
        given: Any = context
        for component in components:
            given = component(context=given).output

    compiler.Compiler().compile(alone, target)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
