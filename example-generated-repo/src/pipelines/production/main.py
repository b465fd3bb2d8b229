"""Entry of this branch: ``python -m pipelines.<branch>.main check | compile | run | submit | report | ...``.

The file is the same on every branch; the folder that it lies in selects the configuration beside it. To define a
pipeline in code instead of ``pipeline.yaml``, decorate a function here with ``@dsl.pipeline`` and pass it:
``main(Path(__file__), pipelines=[my_pipeline])``.
"""

from pathlib import Path

from helpers.command_line import main

if __name__ == "__main__":
    raise SystemExit(main(Path(__file__)))
