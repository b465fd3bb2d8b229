"""``repository-commands.md``: what people and workflows call in a generated repository."""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reference.markdown import GENERATED, code, joined, prose, table

TASKS: dict[str, Any] = importlib.import_module("helpers.ci.tasks").TASKS
VERBS: dict[str, Any] = importlib.import_module("helpers.options").VERBS
MAKEFILE = Path(__file__).resolve().parents[2] / "template" / "Makefile"

HEAD = f"""# Commands of a generated repository

What you type inside a repository that `mlopsgen init` made. `make` alone lists the verbs for people;
`python -m pipelines.<branch>.main` is what they, the workflows and the local forge call.

{GENERATED}
"""

MAKE_HEAD = """## make

They take the branch that is checked out; `BRANCH=staging` takes another one, `PIPELINE=name` one of several pipelines.
`make train PARAMS="seed=7 algorithm=linear"` sets parameters of one training, and `ENGINE=local` trains on this machine
although the branch trains on Kubeflow. Everything runs in `.venv`, which `make setup` makes; `VENV` and `PYTHON` name
others.
"""

MAIN_HEAD = """## python -m pipelines

```text
python -m pipelines.<branch>.main VERB [OPTIONS]
```

`<branch>` is `development`, `staging` or `production`: the branch whose configuration counts. These options go with
every verb:
"""

CI_HEAD = """## python -m helpers.ci

```text
python -m helpers.ci TASK [OPTIONS]
```

What the workflows need of GitHub beyond the verbs. They read the event and the token from the variables that GitHub
sets; you need them only when you change a workflow.
"""


def page() -> str:
    """The page."""
    verbs = {name: parser_of(verb.add_options) for name, verb in VERBS.items()}
    tasks = {name: parser_of(task.add_options) for name, task in TASKS.items()}
    return joined(
        HEAD,
        MAKE_HEAD,
        *(joined(f"### make {name}", prose(text), _recipe(lines)) for name, text, lines in targets()),
        MAIN_HEAD,
        _options(_common()),
        *(joined(f"### main {name}", _sentence(VERBS[name].text), _options(parser)) for name, parser in verbs.items()),
        CI_HEAD,
        *(
            joined(f"### helpers.ci {name}", _sentence(TASKS[name].text), _options(parser))
            for name, parser in tasks.items()
        ),
    )


def targets() -> Iterator[tuple[str, str, str]]:
    """The Makefile's verbs: name, text and what each runs."""
    for found in re.finditer(r"(?m)^([a-z-]+):.*?## (.*)\n((?:\t.*\n)+)", MAKEFILE.read_text(encoding="utf-8")):
        yield found[1], found[2], found[3]


def _recipe(lines: str) -> str:
    """The verb of ``main`` behind a verb of make, where it is one."""
    called = re.search(r"\$\(ENTRY\) (\w+)", lines)
    return f"Runs [`main {called[1]}`](#main-{called[1]})." if called else ""


def parser_of(add_options: object) -> argparse.ArgumentParser:
    """A parser with the options that a verb adds."""
    parser = argparse.ArgumentParser(add_help=False)
    if callable(add_options):
        add_options(parser)
    return parser


def _common() -> argparse.ArgumentParser:
    """The options of every verb, as the command line adds them to each of its parsers."""
    command_line = importlib.import_module("helpers.command_line")
    made = command_line._parser("development")  # noqa: SLF001 - there is no other way to see what all verbs take
    verbs = next(each for each in made._actions if isinstance(each, argparse._SubParsersAction))  # noqa: SLF001
    shared = argparse.ArgumentParser(add_help=False)
    names = [set(_names(each)) for each in verbs.choices.values()]
    first = next(iter(verbs.choices.values()))
    own = {name for verb in VERBS.values() for name in _names(parser_of(verb.add_options))}
    for action in first._actions:  # noqa: SLF001
        everywhere = all(set(action.option_strings) <= each for each in names)
        if action.option_strings and everywhere and not set(action.option_strings) & own:
            shared._add_action(action)  # noqa: SLF001
    return shared


def _names(parser: argparse.ArgumentParser) -> list[str]:
    return [name for action in parser._actions for name in action.option_strings]  # noqa: SLF001


def _sentence(text: str) -> str:
    return prose(f"{text[:1].upper()}{text[1:]}.")


def _options(parser: argparse.ArgumentParser) -> str:
    rows = []
    for action in parser._actions:  # noqa: SLF001
        names = ", ".join(code(name) for name in action.option_strings) or code(action.dest)
        value = "" if action.nargs == 0 else _value(action)
        default = "required" if action.required else _default(action)
        rows.append((names, value, default, prose(action.help or "")))
    return table(("option", "value", "default", "meaning"), rows) or "It has no options of its own."


def _value(action: argparse.Action) -> str:
    if action.choices:
        return ", ".join(code(str(choice)) for choice in action.choices)
    name = action.metavar or action.dest.upper()
    several = type(action).__name__ == "_AppendAction"
    return code(str(name)) + (", several" if several else "")


def _default(action: argparse.Action) -> str:
    value = action.default
    return "" if value in (None, "", [], False, argparse.SUPPRESS) else code(str(value))
