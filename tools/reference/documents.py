"""The pages of documents: what people write in a repository, and what programs read."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from mlopsgen import events
from mlopsgen.operations import fleet_rows
from mlopsgen.operations.fleet_rows import fleet_schema
from mlopsgen.remote.document import remote_schema
from mlopsgen.remote.plan import plan_schema
from mlopsgen.result import envelope_schema
from reference import template_files
from reference.exit_codes import members
from reference.fields import Schema, sections
from reference.markdown import GENERATED, code, joined, prose, table
from reference.rendering import PLAIN, files

MODELS = {
    "configuration": ("helpers.config", "BranchConfig", "src/pipelines/<branch>/config.yaml"),
    "pipeline": ("helpers.pipeline_text", "PipelinesText", "src/pipelines/pipeline.yaml"),
    "data-sources": ("helpers.sources", "Sources", "data/sources.yaml"),
    "report": ("helpers.records", "Report", "report.json"),
}
"""The documents of a generated repository: the module and the pydantic model of each, and its path."""


def model_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a document of the generated repository, from its model."""
    module, model, path = MODELS[name]
    found = getattr(importlib.import_module(module), model).model_json_schema(by_alias=True)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": path}
    return {**head, **{key: value for key, value in found.items() if key != "title"}}


CONFIG_HEAD = """# config.yaml

`src/pipelines/<branch>/config.yaml` of a generated repository: how one branch trains, what its gate asks of a model,
and who hears of it. Each branch has its own; a misspelt key is an error that names the line.
How to use it: [the gate](../how-to/champion.md), [Kubeflow](../how-to/kubeflow-ci.md),
[mails and other workflows](../how-to/notify.md).

{generated}

`make check` looks at the file; `mlopsgen schema configuration` prints its JSON Schema, with which an editor completes
keys. As `mlopsgen init --defaults` writes it for `development`:

```yaml
{example}
```
"""

PIPELINE_HEAD = """# pipeline.yaml

`src/pipelines/pipeline.yaml` of a generated repository: the steps, in which order they run, and what each hands to the
next. All branches share it. A step is a function in `src/steps/`.
How to use it: [your own data](../tutorials/own-data.md), [several models](../how-to/several-models.md).

{generated}

`make check` looks at the file; `mlopsgen schema pipeline` prints its JSON Schema. As `mlopsgen init` writes it:

```yaml
{example}
```
"""

SOURCES_HEAD = """# sources.yaml

`data/sources.yaml` of a generated repository: where data lies, under names that the pipeline uses. Credentials never
stand here; they are [secrets](workflows.md#secrets).
How to use it: [read data from anywhere](../how-to/data-sources.md), [train when it changes](../how-to/data-changes.md).

{generated}

`make check` looks at the file and at the data; `mlopsgen schema data-sources` prints its JSON Schema. As
`mlopsgen init --defaults` writes it:

```yaml
{example}
```
"""

REMOTE_HEAD = """# remote.yaml

`.github/remote.yaml` of a generated repository: what it shall be on GitHub. `mlopsgen push` shows what differs and
makes it so. Every key may be left out.
How to use it: [a protected repository](../how-to/github.md), [plans of GitHub](../how-to/github-plans.md).

{generated}

`mlopsgen schema remote` prints the JSON Schema. As `mlopsgen init --defaults` writes it:

```yaml
{example}
```
"""

REPORT_HEAD = """# report.json

Everything about one training, for programs. The page `report.html` and the comment of a pull request are made from it.
It lies in `runs/<branch>/<time>/`, and among the artifacts of the MLflow run.
How to use it: [tell a reviewer](../how-to/reviewer.md), [find where a model comes from](../how-to/trace.md).

{generated}

`mlopsgen schema report` prints the JSON Schema. The gate's verdict alone is `gate/decision.json` among the artifacts.
"""

OUTPUT_HEAD = """# Output for programs

With `--output json` a command prints one JSON document on standard output, and its progress as lines of JSON on
standard error. It asks nothing then.

{generated}

```console
$ mlopsgen status --output json
```

## Envelope

The document on standard output, failures included. `mlopsgen schema envelope` prints its JSON Schema.
"""

EVENTS_HEAD = """## Events

Each line on standard error is one event: a JSON object whose `event` names its kind. New kinds may come; pass over
those that you do not know. Anything on standard error that is not JSON comes from another program.
"""

PLAN_HEAD = """## Plan

`data.plan` of `mlopsgen push --dry-run --output json`: what a push would do. `mlopsgen schema plan` prints its JSON
Schema.
"""

FLEET_HEAD = """## Fleet

`data` of `mlopsgen sync --all` and `mlopsgen status --all`. `mlopsgen schema fleet` prints its JSON Schema.
"""


def pages() -> dict[str, str]:
    """Each page by its file name."""
    plain = files(PLAIN)
    return {
        "config-yaml.md": _page(CONFIG_HEAD, model_schema("configuration"), plain[_config("development")]),
        "pipeline-yaml.md": _page(PIPELINE_HEAD, model_schema("pipeline"), plain["src/pipelines/pipeline.yaml"]),
        "sources-yaml.md": _page(SOURCES_HEAD, model_schema("data-sources"), plain["data/sources.yaml"]),
        "remote-yaml.md": _page(REMOTE_HEAD, remote_schema(), plain[".github/remote.yaml"]),
        "template-files.md": template_files.page(),
        "report.md": _page(REPORT_HEAD, model_schema("report"), brief=True),
        "output.md": _output(),
    }


def _config(branch: str) -> str:
    return f"src/pipelines/{branch}/config.yaml"


def _page(head: str, schema: Mapping[str, Any], example: str = "", *, brief: bool = False) -> str:
    return joined(head.format(generated=GENERATED, example=example.rstrip("\n")), sections(Schema(schema), brief=brief))


def _output() -> str:
    return joined(
        OUTPUT_HEAD.format(generated=GENERATED),
        sections(Schema(envelope_schema()), level=3, brief=True),
        EVENTS_HEAD,
        *(_event(kind) for kind in event_kinds()),
        PLAN_HEAD,
        sections(Schema(plan_schema()), level=3, whole="plan ", brief=True),
        FLEET_HEAD,
        sections(Schema(fleet_schema()), level=3, whole="fleet ", brief=True),
        "### States of a repository",
        table(("state", "meaning"), [(code(name), prose(text)) for name, text in members(fleet_rows, "State")]),
    )


def event_kinds() -> list[type[events.Event]]:
    """Every kind of event, in the order in which they are written down."""
    return [
        kind
        for kind in vars(events).values()
        if isinstance(kind, type) and issubclass(kind, events.Event) and kind is not events.Event
    ]


def _event(kind: type[events.Event]) -> str:
    told = inspect.getdoc(kind) or ""
    meaning, _, attributes = told.partition("\n\nAttributes:")
    lines = [line.partition(":") for line in attributes.splitlines() if line.strip()]
    known = {name.strip(): text.strip() for name, _, text in lines}
    known.setdefault("message", "What it is about, a sentence for people.")
    known.setdefault("hint", "The next step; may be empty.")
    rows = [("`event`", "text", code(kind.__name__))]
    rows += [
        (code(field.name), {"str": "text", "int": "whole number"}[str(field.type)], prose(known[field.name]))
        for field in dataclasses.fields(kind)
    ]
    return joined(f"### {kind.__name__}", prose(" ".join(meaning.split())), table(("key", "value", "meaning"), rows))
