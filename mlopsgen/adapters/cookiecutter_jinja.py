"""What texts of cookiecutter templates are rendered with: cookiecutter's own words, in Jinja's sandbox.

What a template draws at random is really so in a new repository. An update compares two renders, which have to draw
the same: there it is made from a seed, and "now" is one moment of a command.
"""

from __future__ import annotations

import hashlib
import random
import string
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

OPTIONS = (
    "block_start_string", "block_end_string", "variable_start_string", "variable_end_string", "comment_start_string",
    "comment_end_string", "line_statement_prefix", "line_comment_prefix", "trim_blocks", "lstrip_blocks",
    "newline_sequence",
)  # fmt: skip
"""What ``_jinja2_env_vars`` may set."""

_OF_COOKIECUTTER = tuple(
    f"cookiecutter.extensions.{name}Extension" for name in ("Jsonify", "RandomString", "Slugify", "Time", "UUID")
)
_OF_JINJA = ("jinja2.ext.do", "jinja2.ext.loopcontrols", "jinja2.ext.debug", "jinja2.ext.i18n")
# What cookiecutter's own extensions took over since: "now".
_ELSEWHERE = ("jinja2_time.TimeExtension",)


def foreign_extensions(names: Iterable[object]) -> list[str]:
    """The extensions of a template that are neither cookiecutter's nor Jinja's: code of somebody else."""
    return [str(name) for name in names if str(name) not in {*_OF_COOKIECUTTER, *_OF_JINJA, *_ELSEWHERE}]


class Drawn:
    """What is drawn in one render.

    Args:
        seed: Stands for the template and the repository; empty: what is drawn is nobody's to know.
    """

    def __init__(self, seed: str = "") -> None:
        self._seed = seed
        self._times: dict[str, int] = {}
        self._source: random.Random = random.SystemRandom()

    def begin(self, text: str) -> None:
        """Begin with a text: what others draw does not change what is drawn in it. Equal texts draw other things."""
        if not self._seed:
            return
        self._times[text] = self._times.get(text, 0) + 1
        digest = hashlib.sha256(f"{self._seed}\0{text}\0{self._times[text]}".encode()).hexdigest()
        self._source = random.Random(digest)  # noqa: S311 - the same again is what it is for

    def letters(self, length: int, punctuation: bool = False) -> str:
        """Letters, as ``random_ascii_string`` gives them."""
        corpus = f"{string.ascii_letters}{string.punctuation}" if punctuation else string.ascii_letters
        return "".join(self._source.choice(corpus) for _ in range(length))

    def uuid4(self) -> str:
        """A name as ``uuid4`` gives it."""
        return str(uuid.UUID(int=self._source.getrandbits(128), version=4))


def environment(
    options: Mapping[str, Any] | None = None,
    *,
    extensions: Iterable[str] = (),
    moment: datetime | None = None,
    drawn: Drawn | None = None,
    checked: Callable[[str], str] = str,
) -> Any:
    """The environment.

    Args:
        options: The template's ``_jinja2_env_vars``.
        extensions: The template's ``_extensions``, those of others only if they may run.
        moment: What "now" is.
        drawn: Where what is random comes from.
        checked: Looks at what each text renders to (not at files).

    Raises:
        ValueError: An option is none that a template may set, or an extension cannot be loaded.
    """
    import cookiecutter.extensions  # noqa: PLC0415 - only what renders pays for it
    import jinja2  # noqa: PLC0415
    import jinja2.sandbox  # noqa: PLC0415

    given = dict(options or {})
    unknown = [name for name in given if name not in OPTIONS]
    if unknown:
        raise ValueError(f"'_jinja2_env_vars' sets '{unknown[0]}', which is none of {', '.join(OPTIONS)}")
    when, source = moment or datetime.now(UTC), drawn or Drawn()

    class Time(cookiecutter.extensions.TimeExtension):  # type: ignore[misc]
        def _moment(self, timezone: str) -> Any:
            import arrow  # noqa: PLC0415

            return arrow.get(when).to(timezone)

        def _datetime(self, timezone: str, operator: str, offset: str, datetime_format: str | None) -> str:
            pairs = (part.split("=") for part in offset.split(","))
            shift: dict[str, Any] = {interval.strip(): float(operator + value.strip()) for interval, value in pairs}
            return str(self._moment(timezone).shift(**shift).strftime(datetime_format or self._usual))

        def _now(self, timezone: str, datetime_format: str | None) -> str:
            return str(self._moment(timezone).strftime(datetime_format or self._usual))

        @property
        def _usual(self) -> str:
            return str(self.environment.datetime_format)

    class Sandbox(jinja2.sandbox.SandboxedEnvironment):
        def from_string(self, *arguments: Any, **words: Any) -> Any:
            template = super().from_string(*arguments, **words)
            plain = template.render

            def render(*given: Any, **named: Any) -> str:
                # A file's content is rendered right after its name.
                source.begin(str(arguments[0]) if arguments else "")
                return checked(plain(*given, **named))

            template.render = render  # type: ignore[method-assign]
            return template

    own = [name for name in _OF_COOKIECUTTER if not name.endswith("TimeExtension")]
    loaded = [name for name in extensions if name not in {*_OF_COOKIECUTTER, *_ELSEWHERE}]
    try:
        made = Sandbox(
            extensions=[*own, Time, *loaded],
            undefined=jinja2.StrictUndefined,
            keep_trailing_newline=True,
            **given,
        )
    except (ImportError, AttributeError) as error:
        raise ValueError(f"an extension cannot be loaded ({error})") from error
    made.globals |= {"random_ascii_string": source.letters, "uuid4": source.uuid4}
    return made
