"""From what a person wrote (a word on the command line, a value of YAML or JSON) to the typed value of an answer."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

from mlopsgen import naming
from mlopsgen.errors import InvalidAnswer
from mlopsgen.near_words import nearest
from mlopsgen.questions import Kind, Question, Value, metric

KNOWN_METRICS = {
    "accuracy": True, "average_precision": True, "balanced_accuracy": True, "brier": False, "brier_score": False,
    "explained_variance": True, "f1": True, "f1_macro": True, "f1_weighted": True, "log_loss": False, "mae": False,
    "mape": False, "matthews": True, "max_error": False, "median_absolute_error": False, "mse": False,
    "precision": True, "precision_macro": True, "r2": True, "recall": True, "recall_macro": True, "rmse": False,
    "roc_auc": True,
}  # fmt: skip
"""Metrics whose better direction is known, so that a gate cannot be turned round by a slip."""

_NUMBERS = {"threshold": "threshold", "tolerance": "tolerance", "gain": "minimum_gain", "minimum_gain": "minimum_gain"}
_YES = ("yes", "y", "true", "on", "1")
_NO = ("no", "n", "false", "off", "0")
_KEYS = ("name", "higher_is_better", "threshold", "tolerance", "minimum_gain")


def accept(question: Question, raw: object, where: str = "") -> Value:
    """The value of an answer.

    Raises:
        InvalidAnswer: It has another type, or the question's rules refuse it.
    """
    value, reason = _judge(question, raw)
    if value is not None and reason is None:
        return value
    shown = raw if len(str(raw)) <= naming.LONGEST_NAME else f"{str(raw)[: naming.LONGEST_NAME]}..."
    raise InvalidAnswer(
        f"'{question.key}' cannot be {str(shown)!r}: {reason}.", where=where or question.key, hint=question.help
    )


def refusal(question: Question, raw: object) -> str | None:
    """Why an answer is refused, as a sentence without its beginning, or ``None``."""
    return _judge(question, raw)[1]


def _judge(question: Question, raw: object) -> tuple[Value | None, str | None]:
    try:
        value = convert(question, raw)
    except ValueError as error:
        return None, str(error)
    return value, problem(question, value)


def problem(question: Question, value: Value) -> str | None:
    """Why a value of the right type is refused, or ``None``."""
    if question.required and value in ("", []):
        return "it is empty"
    return next(_problems(question, value), None)


def _problems(question: Question, value: Value) -> Iterator[str]:
    words = value if question.kind == "words" and isinstance(value, list) else [value]
    for word in words:
        if question.choices and word not in question.choices:
            near = nearest(str(word), question.choices)
            possible = f"did you mean '{near}'" if near else f"possible are {', '.join(question.choices)}"
            yield f"'{word}' is not one of the choices; {possible}"
        is_checked = question.check is not None and (word != "" or question.required)
        refused = question.check(word) if question.check is not None and is_checked else None
        if refused:
            yield refused
    if question.bounds is not None and isinstance(value, int | list):
        size = len(value) if isinstance(value, list) else value
        low, high = question.bounds
        if not low <= size <= high:
            yield f"from {low} to {high} {'entries ' if isinstance(value, list) else ''}are possible"


def convert(question: Question, raw: object) -> Value:
    """The value that ``raw`` means for this question.

    Raises:
        ValueError: It means none; the text is the reason, without a full stop.
    """
    if raw is None:
        raise ValueError("it is null; leave the key out to keep the default")
    if question.kind == "choice":
        return _choice(question, raw)
    return _CONVERT[question.kind](raw)


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise ValueError(f"text is expected, not {_kind(raw)}; put it in quotes")  # noqa: TRY004 - shown as a reason
    return raw


def _choice(question: Question, raw: object) -> str:
    # YAML reads 3.12 as a number and no as false; the first can be understood, the second has to be asked for.
    if isinstance(raw, int | float):
        written = str(raw).lower() if isinstance(raw, bool) else str(raw)
        if written in question.choices:
            return written
    return _text(raw)


def _switch(raw: object) -> bool:
    word = raw.strip().lower() if isinstance(raw, str) else None
    if isinstance(raw, bool):
        return raw
    if word in _YES or word in _NO:
        return word in _YES
    raise ValueError(f"yes or no is expected, not {_kind(raw) if word is None else repr(raw)}")


def _data(raw: object) -> Value:
    if not isinstance(raw, str):
        return raw  # type: ignore[return-value] # any value of YAML is one
    import yaml  # noqa: PLC0415 - only questions of other people's templates are of this kind

    try:
        found = yaml.safe_load(raw)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f"it is not valid YAML or JSON ({str(error).splitlines()[0]})") from error
    return raw if found is None else found


def _integer(raw: object) -> int:
    if isinstance(raw, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,9}\s*", raw):
        return int(raw)
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    raise ValueError(f"a whole number is expected, not {_kind(raw)}")


def _words(raw: object) -> list[str]:
    if isinstance(raw, str):
        if raw.lstrip().startswith("["):
            raw = _json(raw)
        else:
            raw = [part.strip() for part in re.split(r"[,\n]", raw) if part.strip()]
    if not isinstance(raw, list):
        raise ValueError(f"a list is expected, not {_kind(raw)}")  # noqa: TRY004 - shown as a reason
    bad = [item for item in raw if not isinstance(item, str) or not item.strip()]
    if bad:
        raise ValueError(f"each entry has to be a text; {bad[0]!r} is {_kind(bad[0])}")
    words = [item.strip() for item in raw]
    double = next((word for word in words if words.count(word) > 1), None)
    if double is not None:
        raise ValueError(f"'{double}' is there twice")
    return words


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"it looks like JSON but is not ({error})") from error


def _metrics(raw: object) -> list[dict[str, Any]]:
    if isinstance(raw, str):
        raw = (
            _json(raw)
            if raw.lstrip().startswith(("[", "{"))
            else [_notation(p) for p in re.split(r"[;\n]", raw) if p.strip()]
        )
    if not isinstance(raw, list):
        raise ValueError(f"a list of metrics is expected, not {_kind(raw)}")  # noqa: TRY004 - shown as a reason
    rules = [_metric(item) for item in raw]
    names = [rule["name"] for rule in rules]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise ValueError(f"the metric '{double}' is there twice")
    return rules


def _notation(text: str) -> dict[str, object]:
    """One metric as people write it: ``rmse lower threshold=80 tolerance=1``."""
    name, *words = text.split()
    found: dict[str, object] = {"name": name}
    for word in words:
        key, separator, number = word.partition("=")
        if word in ("lower", "higher"):
            found["higher_is_better"] = word == "higher"
        elif separator and key in _NUMBERS:
            found[_NUMBERS[key]] = _number(number, key)
        else:
            raise ValueError(f"'{word}' is not understood; write for example '{name} lower threshold=80 tolerance=1'")
    return found


def _number(raw: object, key: str) -> float:
    try:
        number = float(raw) if isinstance(raw, int | float | str) and not isinstance(raw, bool) else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{key} has to be a number, not {raw!r}")
    return number


def _metric(raw: object) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise ValueError(f"a metric has the keys {', '.join(_KEYS)}; this is {_kind(raw)}")  # noqa: TRY004
    unknown = [key for key in raw if key not in _KEYS]
    if unknown:
        raise ValueError(f"a metric has no '{unknown[0]}'; its keys are {', '.join(_KEYS)}")
    name = raw.get("name")
    refused = naming.check_metric_name(name) if isinstance(name, str) else "a metric has no name"
    if refused:
        raise ValueError(refused)
    higher = _direction(str(name), raw.get("higher_is_better"))
    threshold = raw.get("threshold")
    rule = metric(
        str(name),
        higher=higher,
        threshold=None if threshold is None else _number(threshold, "threshold"),
        tolerance=_number(raw.get("tolerance", 0.0), "tolerance"),
        minimum_gain=_number(raw.get("minimum_gain", 0.0), "minimum_gain"),
    )
    _check_distances(rule)
    return rule


def _check_distances(rule: dict[str, Any]) -> None:
    negative = next((key for key in ("tolerance", "minimum_gain") if rule[key] < 0), None)
    if negative:
        raise ValueError(f"{negative} of '{rule['name']}' is negative; it is a distance, 0 or more")
    if rule["tolerance"] and rule["minimum_gain"]:
        raise ValueError(
            f"'{rule['name']}' has both a tolerance and a minimum gain: may it get worse, or has it to get better?"
        )


def _direction(name: str, given: object) -> bool:
    known = KNOWN_METRICS.get(name)
    if given is None:
        if known is None:
            raise ValueError(f"say whether '{name}' is better 'lower' or 'higher'")
        return known
    if not isinstance(given, bool):
        raise ValueError(f"higher_is_better of '{name}' has to be true or false, not {given!r}")  # noqa: TRY004
    if known is not None and known is not given:
        raise ValueError(
            f"'{name}' is better {'higher' if known else 'lower'}; the other way round would reward worse models"
        )
    return given


def _kind(raw: object) -> str:
    names = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "a mapping",
    }
    return next((name for kind, name in names.items() if type(raw) is kind), f"a {type(raw).__name__}")


_CONVERT: dict[Kind, Callable[[object], Value]] = {
    "text": _text, "integer": _integer, "words": _words, "metrics": _metrics, "switch": _switch, "data": _data,
}  # fmt: skip


def as_text(question: Question, value: Value) -> str:
    """An answer as a person writes it on the command line or in the wizard; :func:`convert` reads it back."""
    if question.kind == "metrics" and isinstance(value, list):
        return "; ".join(_metric_text(rule) for rule in value if isinstance(rule, dict))
    if question.kind == "switch":
        return "yes" if value else "no"
    if question.kind == "data":
        return _data_text(value)
    if isinstance(value, list):
        return ", ".join(str(word) for word in value)
    return str(value)


def _data_text(value: object) -> str:
    """One line that :func:`convert` reads as the same value; a text needs no quotes where it is no YAML of its own."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            if _data(value) == value:
                return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _metric_text(rule: dict[str, Any]) -> str:
    words = [rule["name"], "higher" if rule["higher_is_better"] else "lower"]
    if rule["threshold"] is not None:
        words.append(f"threshold={rule['threshold']:g}")
    words += [f"tolerance={rule['tolerance']:g}"] if rule["tolerance"] else []
    words += [f"gain={rule['minimum_gain']:g}"] if rule["minimum_gain"] else []
    return " ".join(words)
