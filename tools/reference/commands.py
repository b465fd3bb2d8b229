"""``commands.md``: one section for each command, from the typer applications."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from mlopsgen.answers import BY_KEY
from mlopsgen.cli.examples import EXAMPLES
from mlopsgen.cli.help_page import OWN
from mlopsgen.cli.main import app
from mlopsgen.cli.verbs import SECTIONS, VERBS
from reference.markdown import GENERATED, code, joined, paragraphs, prose, table
from reference.questions import default_of

HEAD = f"""# Commands

Every command with its arguments, options, defaults and examples. `mlopsgen COMMAND --help` says the same in a terminal.

{GENERATED}

What the exit codes mean stands in [exit codes](exit-codes.md); what `--output json` prints, in
[output for programs](output.md). The commands of a generated repository have
[a page of their own](repository-commands.md).
"""


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its full name, groups before what is in them, in the order of the help."""
    for name, verb in VERBS.items():
        command = get_command(importlib.import_module(verb.module).app)
        yield f"mlopsgen {name}", command
        for under, inner in getattr(command, "commands", {}).items():
            yield f"mlopsgen {name} {under}", inner


GUIDES = {
    "mlopsgen init": "[start a repository](../how-to/init.md), [your first model](../tutorials/first-model.md)",
    "mlopsgen push": "[to GitHub](../how-to/github.md), [without an account](../how-to/local-forge.md)",
    "mlopsgen adopt": "[bring a repository under a template](../how-to/adopt.md)",
    "mlopsgen status": "[what people changed](../how-to/take-back.md), [a fleet](../how-to/sync-fleet.md)",
    "mlopsgen run": "[train by git push](../how-to/local-forge.md)",
    "mlopsgen watch": "[train when the data changes](../how-to/data-changes.md)",
    "mlopsgen sync": "[one repository](../how-to/sync.md), [many](../how-to/sync-fleet.md), "
    "[conflicts](../how-to/sync-conflicts.md)",
    "mlopsgen config-repo": "[your organisation's own template](../how-to/config-repo.md)",
    "mlopsgen secrets": "[add a secret to one environment](../how-to/secrets.md)",
    "mlopsgen secrets manifest": "[give a step on the cluster a secret](../how-to/kubeflow-secrets.md)",
    "mlopsgen runner": "[train on a machine of your own](../how-to/runner.md)",
    "mlopsgen destroy": "[take a repository back](../how-to/take-back.md)",
    "mlopsgen doctor": "[an error, and what to do](../how-to/errors.md)",
    "mlopsgen completion": "[make the command line yours](../how-to/terminal.md)",
    "mlopsgen cache": "[install, upgrade or remove](../how-to/install.md)",
}


def page() -> str:
    """The page."""
    found = dict(commands())
    listed = [
        joined(f"**{title}**", table(("command", "what it does"), _rows(verbs, found)))
        for title, verbs in SECTIONS.items()
    ]
    return joined(HEAD, *listed, _root(), *(_section(*each) for each in found.items()))


def _rows(verbs: dict[str, Any], found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, verb in verbs.items():
        yield _link(f"mlopsgen {name}"), prose(verb.help)
        for full, command in found.items():
            if full.startswith(f"mlopsgen {name} "):
                yield _link(full), prose(_first(command))


def _link(name: str) -> str:
    return f"[{name}](#{name.replace(' ', '-')})"


def _first(command: Any) -> str:
    return " ".join(paragraphs(command.help or "")[0].split())


def _root() -> str:
    command = get_command(app)
    return joined("## mlopsgen", _told(command.help), "Without a command it shows the help.", _options(command))


def _section(name: str, command: Any) -> str:
    return joined(
        f"## {name}",
        _told(command.help),
        f"```text\n{_usage(name, command)}\n```",
        table(("command", "what it does"), _inside(name, command)),
        _examples(name.partition(" ")[2]),
        _arguments(command),
        _options(command),
        _token(command),
        _told(getattr(command, "epilog", None)),
        f"How to use it: {GUIDES[name]}." if name in GUIDES else "",
    )


def _inside(name: str, command: Any) -> Iterator[tuple[str, str]]:
    for under, inner in getattr(command, "commands", {}).items():
        yield _link(f"{name} {under}"), prose(_first(inner))


def _told(text: str | None) -> str:
    return "\n\n".join(prose(" ".join(part.split())) for part in paragraphs(text or ""))


def _examples(name: str) -> str:
    found = EXAMPLES.get(name, ())
    lines = "\n\n".join(f"# {wanted}\n{line}" for wanted, line in found)
    return f"```bash\n{lines}\n```" if found else ""


def _usage(name: str, command: Any) -> str:
    if getattr(command, "commands", None):
        return f"{name} COMMAND [OPTIONS]"
    words = [name, "[OPTIONS]"]
    for param in _shown(command, "argument"):
        called = _called(param) + ("..." if param.nargs != 1 else "")
        words.append(called if param.required else f"[{called}]")
    return " ".join(words)


def _called(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def _shown(command: Any, kind: str) -> list[Any]:
    return [param for param in command.params if param.param_type_name == kind and not getattr(param, "hidden", False)]


def _arguments(command: Any) -> str:
    rows = [
        (code(_called(param)), "yes" if param.required else "", prose(param.help or ""))
        for param in _shown(command, "argument")
    ]
    return table(("argument", "required", "meaning"), rows)


def _options(command: Any) -> str:
    """The options below the headings of the help; a single heading says nothing."""
    found: dict[str, list[Any]] = {}
    for param in _shown(command, "option"):
        found.setdefault(getattr(param, "rich_help_panel", None) or OWN, []).append(param)
    parts = []
    for heading, params in sorted(found.items(), key=lambda each: each[0] != OWN):
        rows = [
            (
                ", ".join(code(name) for name in (*sorted(param.opts, key=len), *param.secondary_opts)),
                _value(param),
                _default(param),
                _variables(param),
                _meaning(param),
            )
            for param in params
        ]
        parts += [f"**{heading}**" if len(found) > 1 else "", table(_COLUMNS, rows)]
    return joined(*parts) if parts else ""


_COLUMNS = ("option", "value", "default", "variable", "meaning")


def _value(param: Any) -> str:
    if param.is_flag:
        return ""
    question, kind = _question(param), param.type_descriptor
    choices = question.choices if question else (kind.choices or ()) if kind.is_choice else ()
    if choices:
        return ", ".join(code(str(getattr(choice, "value", choice))) for choice in choices)
    return code(str(param.metavar or ("PATH" if kind.is_path else "TEXT"))) + (", several" if param.multiple else "")


def _default(param: Any) -> str:
    if param.is_flag and param.secondary_opts:
        return code((param.opts if param.default else param.secondary_opts)[0])
    if param.is_flag:
        return "on" if param.default else "off"
    if param.required:
        return "required"
    question = _question(param)
    if question is not None:
        return default_of(question)
    value = param.default
    return "" if value in (None, "", [], ()) or callable(value) else code(str(getattr(value, "value", value)))


def _variables(param: Any) -> str:
    named = param.envvar or ()
    return ", ".join(code(name) for name in ([named] if isinstance(named, str) else named))


def _question(param: Any) -> Any:
    """The question that an option answers: it has the question's own words."""
    found = BY_KEY.get(param.name)
    return found if found is not None and str(param.help or "").startswith(found.help) else None


def _meaning(param: Any) -> str:
    question = _question(param)
    if question is None:
        return prose(param.help or "")
    return f"{prose(question.help)} Question [`{question.key}`](questions.md#{question.key})."


def _token(command: Any) -> str:
    if any("--token-stdin" in param.opts for param in command.params):
        return (
            "Without `--token-stdin` the token for GitHub comes from [a variable of the environment]"
            "(environment.md#tokens-for-github), from `gh auth token`, or from a hidden prompt."
        )
    return ""
