"""A template version that is read once and rendered often, without a folder and without a process.

copier takes a quarter of a second for what is a few milliseconds of work: it reads the questions again, and it starts
git for each file. This does the same for templates of the plain kind, by the same rules; for others it refuses
(:class:`mlopsgen.adapters.questionnaire.Unsupported`) and copier does it. Tests compare both over all answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from unicodedata import normalize

from mlopsgen.adapters.jinja_sandbox import MISTAKES, sandbox
from mlopsgen.adapters.questionnaire import Questionnaire, Unsupported
from mlopsgen.adapters.yaml_size import is_too_large

_SETTINGS = {
    "min_copier_version", "subdirectory", "templates_suffix", "answers_file", "envops", "exclude", "skip_if_exists",
}  # fmt: skip
_ENVOPS = {
    "variable_start_string", "variable_end_string", "block_start_string", "block_end_string", "comment_start_string",
    "comment_end_string", "keep_trailing_newline", "trim_blocks", "lstrip_blocks",
}  # fmt: skip
_OF_COPIER = {"now", "make_secret", "pathjoin"}
_KNOWN = {"_copier_answers", "_copier_conf"}
_RECORD = ".copier-answers.yml"
_DEFAULT_SUFFIX = ".jinja"
_CONFIG = "copier.yml"


Read = Callable[[Collection[str]], Mapping[str, bytes]]
"""Gives the contents of files of a version."""


class Made(NamedTuple):
    """A file of a repository that was made.

    Attributes:
        source: The file of the template that it comes from, whose mode it has.
        content: What it holds; ``None`` if it is a copy of its source.
    """

    source: str
    content: bytes | None


class CompiledTemplate:
    """A version of a template.

    Args:
        names: Every file by its path beside ``copier.yml``, which is one of them; each a regular file.
        read: Gives the contents of those that have to be read.

    Raises:
        Unsupported: The template does something that only copier itself does.
    """

    def __init__(self, names: Collection[str], read: Read) -> None:
        import jinja2  # noqa: PLC0415 - only what renders pays for it

        # With attributes, git decides what of a file becomes an object.
        if _CONFIG not in names or any(".gitattributes" in name for name in names):
            raise Unsupported("what its files are")
        settings, questions = _parts(read([_CONFIG])[_CONFIG])
        self._check(settings)
        self._suffix: str = settings.get("templates_suffix", _DEFAULT_SUFFIX)
        self._top = f"{settings['subdirectory'].strip('/')}/"
        self._paths = tuple(name for name in names if name.startswith(self._top))
        if not self._paths:
            raise Unsupported("no files")
        self._siblings = {name.removesuffix(self._suffix) for name in self._paths if name.endswith(self._suffix)}
        try:
            content = read([name for name in self._paths if name.endswith(self._suffix)])
            sources = {name: text.decode() for name, text in content.items()}
            self._environment = sandbox(settings.get("envops", {}), sources)
            own = self._environment
            self._marks = (own.variable_start_string, own.block_start_string, own.comment_start_string)
            self._is_excluded = self._matcher(settings.get("exclude", []))
            self._questions = Questionnaire(questions, own)
            self._check_texts([*names, *_texts(questions), *sources.values()])
        except (jinja2.TemplateError, *MISTAKES) as error:
            raise Unsupported(str(error)) from error

    def render(self, answers: Mapping[str, object], address: str, version: str) -> dict[str, Made]:
        """What a set of answers makes, by path.

        Raises:
            Unsupported: The answers do not fit, or a file cannot be rendered; copier says why.
        """
        import jinja2  # noqa: PLC0415

        origin = {"_commit": version, "_src_path": address}
        try:
            values, remembered = self._questions.answer({**answers, "recorded": origin})
            context = {
                **values, "_copier_answers": {**origin, **remembered}, "_copier_conf": {"answers_file": _RECORD},
            }  # fmt: skip
            return self._files(context)
        except (jinja2.TemplateError, *MISTAKES) as error:
            raise Unsupported(str(error)) from error

    def _files(self, context: Mapping[str, object]) -> dict[str, Made]:
        made: dict[str, Made] = {}
        for name in self._paths:
            path = self._path(name, context)
            if path is None or self._is_excluded(path):
                continue
            if path in made:
                raise Unsupported(f"two files become {path}")
            rendered = name.endswith(self._suffix)
            made[path] = Made(name, self._environment.get_template(name).render(context).encode() if rendered else None)
        if any(str(above) in made for path in made for above in PurePosixPath(path).parents):
            raise Unsupported("a file where a folder has to be")
        return made

    def _path(self, name: str, context: Mapping[str, object]) -> str | None:
        """Where a file of the template goes; ``None`` if it is left out."""
        if name in self._siblings:
            return None
        relative = name.removeprefix(self._top)
        if name.endswith(self._suffix):
            relative = relative.removesuffix(self._suffix)
        if not any(mark in relative for mark in self._marks):
            return relative
        parts = [self._environment.from_string(part).render(context) for part in relative.split("/")]
        if any("/" in part or "\0" in part or part in {".", ".."} for part in parts):
            raise Unsupported(f"the path {relative}")
        return "/".join(parts) if all(parts) else None

    def _check(self, settings: Mapping[str, Any]) -> None:
        plain = (
            _SETTINGS.issuperset(settings)
            and settings.get("answers_file", _RECORD) == _RECORD
            and isinstance(settings.get("templates_suffix", _DEFAULT_SUFFIX), str)
            and settings.get("templates_suffix", _DEFAULT_SUFFIX)
            and re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)*/?", str(settings.get("subdirectory", "")))
            and isinstance(settings.get("exclude", []), list)
            and isinstance(settings.get("envops", {}), dict)
            and _ENVOPS.issuperset(settings.get("envops", {}))
        )
        if not plain:
            raise Unsupported("settings of copier.yml")

    def _check_texts(self, texts: list[str]) -> None:
        """Refuse what asks for values that only copier has, and copier's own statements."""
        import jinja2.meta  # noqa: PLC0415

        for text in texts:
            if not any(mark in text for mark in self._marks):
                continue
            names = jinja2.meta.find_undeclared_variables(self._environment.parse(text))
            own = {name for name in names if name.startswith("_")} - _KNOWN
            if own or names & _OF_COPIER or re.search(r"_copier_conf(?!\.answers_file\b)", text):
                raise Unsupported(f"names of copier: {', '.join(sorted(own | names & _OF_COPIER))}")

    def _matcher(self, patterns: list[str]) -> Callable[[str], bool]:
        """Whether a path is excluded, by the patterns of ``.gitignore``."""
        import pathspec  # noqa: PLC0415

        if any(mark in pattern for pattern in patterns for mark in (*self._marks, "\n", "\r")):
            raise Unsupported("rendered exclusions")
        lines = [normalize("NFD", pattern) for pattern in patterns]
        kind = "gitignore" if int(pathspec.__version__.split(".")[0]) >= 1 else "gitwildmatch"
        matches = pathspec.PathSpec.from_lines(kind, lines).match_file
        known: dict[str, bool] = {}

        def is_excluded(path: str) -> bool:
            if path not in known:
                known[path] = any(matches(str(each)) for each in (PurePosixPath(path), *PurePosixPath(path).parents))
            return known[path]

        return is_excluded


def _parts(text: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings (without their underscore) and the questions of a ``copier.yml``."""
    import yaml  # noqa: PLC0415

    if is_too_large(text.decode("utf-8", "replace")):
        raise Unsupported(_CONFIG)
    try:
        config = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:  # "!include", several documents
        raise Unsupported(_CONFIG) from error
    if not isinstance(config, dict) or not all(isinstance(key, str) for key in config):
        raise Unsupported(_CONFIG)
    settings = {key[1:]: value for key, value in config.items() if key.startswith("_")}
    return settings, {key: value for key, value in config.items() if not key.startswith("_")}


def _texts(value: object) -> list[str]:
    """Every text in a document."""
    if isinstance(value, dict):
        return [text for part in (*value, *value.values()) for text in _texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return [value] if isinstance(value, str) else []
