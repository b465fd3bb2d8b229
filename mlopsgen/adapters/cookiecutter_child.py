"""Renders a cookiecutter template with cookiecutter's own functions; only ever a process of its own.

cookiecutter changes the current folder and keeps state, and its Jinja is no sandbox: here it is given one. What it asks
a person is answered from the request, with the defaults that it would have shown; hooks and extensions of a template
run only where the request says that it is trusted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from mlopsgen.adapters.child_frame import INSTALL, Refused, fix_chance, serve
from mlopsgen.adapters.cookiecutter_jinja import Drawn, environment

TOTAL = 128 * 1024**2
"""So many bytes may be written in one render."""

_MEND = "Whoever makes the template has to mend it; another version may do until then."

Make = Callable[[Mapping[str, Any]], Any]
"""Makes the Jinja environment of a context."""


class _Place:
    """Where files may be written: below one folder, and nowhere that git keeps its own things.

    Args:
        output: The folder that the repository's folder is made in.
    """

    def __init__(self, output: Path) -> None:
        self._output = output
        self._top = ""
        self._last = ""
        self._written = 0

    def checked(self, name: str) -> str:
        """A rendered name; one that leads elsewhere is refused. The first one is the repository's folder."""
        inside = name
        if not self._top:
            if not name or name == "." or "/" in name or os.sep in name:
                raise Refused(f"The repository's folder would be called '{name}'.", kind="answer")
            self._top = str(self._output / name)
        elif Path(name).is_absolute():
            if not name.startswith(f"{self._top}{os.sep}"):
                raise Refused(f"The template would write '{name}', which is outside the repository.", hint=_MEND)
            inside = name[len(self._top) :]
        parts = inside.replace(os.sep, "/").split("/")
        if ".." in parts or "\0" in inside or any(part.lower().rstrip(". ") == ".git" for part in parts):
            raise Refused(f"The template would write '{inside}', which is no path of a repository.", hint=_MEND)
        self._last = inside
        return name

    def count(self) -> None:
        """Count the file that was written last."""
        path = Path(self._top, self._last)
        self._written += path.stat().st_size if path.is_file() else 0
        if self._written > TOTAL:
            raise Refused(f"The template would write more than {TOTAL // 1024**2} MB.", hint=_MEND)


def render(request: dict[str, Any]) -> dict[str, Any]:
    """Render a template; the name of the folder that it made, and every answer.

    Raises:
        Refused: It cannot be rendered.
    """
    import cookiecutter.exceptions  # noqa: PLC0415 - only this process pays for it
    import jinja2  # noqa: PLC0415

    try:
        return _render(request)
    except (Refused, MemoryError):
        raise
    except cookiecutter.exceptions.FailedHookException as error:
        hint = "Give other answers if it is about them; otherwise ask whoever makes the template."
        raise Refused(f"A hook of the template ended the render: {str(error).rstrip('.')}.", hint=hint) from error
    except cookiecutter.exceptions.UndefinedVariableInTemplate as error:
        raise Refused(f"{error.message}: {error.error.message}.", hint=_MEND) from error
    except jinja2.TemplateError as error:
        place = (getattr(error, "filename", None), getattr(error, "lineno", None))
        where = ":".join(str(part) for part in place if part)
        raise Refused(f"The template cannot be rendered: {error.message}.", where=where, hint=_MEND) from error
    except Exception as error:  # what a template's text, a hook or an extension of its own can raise
        words = str(error) or type(error).__name__
        raise Refused(f"The template cannot be rendered: {words.rstrip('.')}.", hint=_MEND) from error


def _render(request: dict[str, Any]) -> dict[str, Any]:
    import cookiecutter.generate  # noqa: PLC0415
    import cookiecutter.hooks  # noqa: PLC0415

    template, output, trusted = Path(request["template"]), Path(request["output"]), bool(request["trusted"])
    _refuse_links(template)
    if trusted:
        if not request.get("only_name"):
            template = Path(cookiecutter.hooks.run_pre_prompt_hook(template))
        sys.path.append(str(template))
    # Once to know the folder's name, which then stands for the repository in what is drawn at random.
    _, name = _context(template, request, _maker(request, ""))
    context, name = _context(template, request, _maker(request, name))
    if request.get("only_name"):
        return _answer(name, context)
    if trusted and request["again"]:
        fix_chance(Path(request["scratch"]), _seed(request, name))
    place = _Place(output)
    cookiecutter.generate.create_env_with_context = _maker(request, name, place.checked)
    cookiecutter.hooks.create_env_with_context = _maker(request, name)
    cookiecutter.generate.find_template = lambda folder, env: _find_template(Path(folder), env)
    writes = cookiecutter.generate.generate_file

    def counted(*arguments: Any, **words: Any) -> None:
        writes(*arguments, **words)
        place.count()

    cookiecutter.generate.generate_file = counted
    cookiecutter.generate.generate_files(
        repo_dir=str(template), context=context, output_dir=str(output), accept_hooks=trusted
    )
    return _answer(name, context)


def _answer(name: str, context: Mapping[str, Any]) -> dict[str, Any]:
    settings = context["cookiecutter"]
    return {"folder": name, "answers": {key: value for key, value in settings.items() if not key.startswith("_")}}


def _refuse_links(template: Path) -> None:
    """Refuse links that lead out of the template: what they name would become part of the repository."""
    top = template.resolve()
    for folder, folders, files in os.walk(template):
        for name in (*folders, *files):
            path = Path(folder, name)
            if path.is_symlink() and not (path.exists() and path.resolve().is_relative_to(top)):
                shown = path.relative_to(template)
                raise Refused(f"The link '{shown}' leads out of the template.", where=str(shown), hint=_MEND)


def _seed(request: Mapping[str, Any], name: str) -> str:
    """What stands for the template and the repository that is called so."""
    return f"{request['address']}\0{name}"


def _maker(request: Mapping[str, Any], name: str, checked: Callable[[str], str] = str) -> Make:
    """What makes the environment for the repository that is called so."""
    drawn = Drawn(_seed(request, name) if request["again"] else "")
    moment = datetime.fromisoformat(request["moment"])

    def make(context: Mapping[str, Any]) -> Any:
        settings = context.get("cookiecutter", {})
        extensions = [str(each) for each in settings.get("_extensions", [])]
        try:
            return environment(
                settings.get("_jinja2_env_vars"), extensions=extensions, moment=moment, drawn=drawn, checked=checked
            )
        except ValueError as error:
            missing = isinstance(error.__cause__, ModuleNotFoundError)
            raise Refused(
                f"The template cannot be rendered: {error}.",
                where="cookiecutter.json",
                hint=INSTALL if missing else _MEND,
            ) from error

    return make


def _context(template: Path, request: Mapping[str, Any], make: Make) -> tuple[dict[str, Any], str]:
    """What everything is rendered with, and the name of the repository's folder."""
    import cookiecutter.generate  # noqa: PLC0415
    import cookiecutter.prompt  # noqa: PLC0415

    context: dict[str, Any] = cookiecutter.generate.generate_context(str(template / "cookiecutter.json"))
    settings = context["cookiecutter"]
    context["_cookiecutter"] = {key: value for key, value in settings.items() if not key.startswith("_")}
    empty = {key for key, value in settings.items() if value is None}
    replies = _Replies({key: value for key, value in request["answers"].items() if value != "" or key not in empty})
    cookiecutter.prompt.create_env_with_context = make
    cookiecutter.prompt.read_user_variable = replies.text
    cookiecutter.prompt.read_user_yes_no = replies.yes_or_no
    cookiecutter.prompt.read_user_choice = replies.choice
    cookiecutter.prompt.read_user_dict = replies.mapping
    settings.update(cookiecutter.prompt.prompt_for_config(context))
    settings["_template"] = request["address"]
    settings["_checkout"] = request["version"]
    # Only what runs here may look for these folders; in a file they would be different in each render.
    settings["_output_dir"] = request["output"] if request["trusted"] else "."
    settings["_repo_dir"] = str(template) if request["trusted"] else request["address"]
    made = make(context)
    return context, str(made.from_string(_find_template(template, made).name).render(**context))


def _find_template(folder: Path, env: Any) -> Path:
    """The folder of the template that becomes the repository; the first one, where there are several."""
    marks = ("cookiecutter", env.variable_start_string, env.variable_end_string)
    found = sorted(path for path in folder.iterdir() if all(mark in path.name for mark in marks))
    if not found:
        raise Refused("The template has no folder whose name is made of a variable of cookiecutter.", hint=_MEND)
    return found[0]


class _Replies:
    """Answers what cookiecutter asks a person.

    Args:
        answers: By key; what is not there keeps the default.
    """

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers

    def text(self, key: str, default: Any, *_: Any, **__: Any) -> Any:
        """A line."""
        value = self._answers.get(key)
        if isinstance(value, dict | list):
            raise _invalid(key, "a text is expected")
        return default if value is None else str(value)

    def yes_or_no(self, key: str, default: Any, *_: Any, **__: Any) -> bool:
        """Yes or no."""
        from cookiecutter.prompt import InvalidResponse, YesNoPrompt  # noqa: PLC0415

        value = self._answers.get(key, default)
        try:
            return bool(YesNoPrompt().process_response(str(default if value is None else value)))
        except InvalidResponse as error:
            raise _invalid(key, f"yes or no is expected, not '{value}'") from error

    def choice(self, key: str, options: Sequence[Any], *_: Any, **__: Any) -> Any:
        """One of several."""
        value = self._answers.get(key)
        if not options:
            raise Refused(f"The template gives nothing to choose for '{key}'.", where="cookiecutter.json", hint=_MEND)
        found = [option for option in options if str(option) == str(value)] if value is not None else [options[0]]
        if not found:
            raise _invalid(key, f"'{value}' is none of {', '.join(str(option) for option in options)}")
        return found[0]

    def mapping(self, key: str, default: Any, *_: Any, **__: Any) -> Any:
        """Data."""
        value = self._answers.get(key)
        if value is not None and not isinstance(value, dict):
            raise _invalid(key, "a mapping is expected")
        return default if value is None else value


def _invalid(key: str, reason: str) -> Refused:
    return Refused(
        f"The answer to '{key}' does not fit: {reason}.",
        where=key,
        hint=f"Give another one: --set {key}=...",
        kind="answer",
    )


if __name__ == "__main__":
    serve(render)
