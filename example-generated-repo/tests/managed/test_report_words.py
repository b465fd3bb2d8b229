"""Numbers, verdicts and curves of a report."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_cases import CHAMPION, NOTHING, classes, decision, failed, metric, report, run

from helpers import report_curves, svg
from helpers import report_words as words
from helpers.records import Baseline

finite = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15)
M = words.MINUS


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (54.5512, "54.55"),
        (0.9, "0.9000"),
        (0.0123456, "0.01235"),
        (9.99999, "10.000"),
        (1234.5, "1,234"),
        (1234567.0, "1,234,567"),
        (2e9, "2.000e+09"),
        (0.00001234, "1.234e-05"),
        (0.0, "0"),
        (-3.5, f"{M}3.500"),
        (None, "\u2013"),
        (math.nan, "\u2013"),
        (-math.inf, f"{M}\u221e"),
    ],
)
def test_numbers_have_four_significant_digits(value: float | None, shown: str) -> None:
    assert words.number(value) == shown


@given(finite)
def test_numbers_can_be_read_back(value: float) -> None:
    read = float(words.number(value).replace(M, "-").replace(",", ""))
    assert math.isclose(read, value, rel_tol=6e-4, abs_tol=0)


@given(finite, finite, st.booleans())
def test_a_change_is_better_only_in_the_direction_that_is_good(value: float, baseline: float, higher: bool) -> None:
    line = words.metric_line(metric(value=value, baseline=baseline, higher_is_better=higher), CHAMPION)
    equal = math.isclose(value, baseline, rel_tol=1e-12)
    expected = "same" if equal else "better" if (value > baseline) == higher else "worse"
    assert line.judgement == expected
    assert (line.arrow == "\u2191") == (value > baseline and not equal)
    assert line.difference.startswith({"\u2191": "+", "\u2193": M, "": ""}[line.arrow])
    assert line.percent == "" or line.percent[0] in "+\u22120"


def test_a_change_of_the_last_digits_is_none() -> None:
    line = words.metric_line(metric(value=54.48, baseline=54.48 + 1.421e-14), CHAMPION)
    assert (line.judgement, line.arrow, line.difference) == ("same", "", "")


@pytest.mark.parametrize(
    ("rule", "baseline", "phrases"),
    [
        ({"threshold": 80.0}, CHAMPION, ("at most 80", "not worse")),
        (
            {"threshold": 0.3, "higher_is_better": True, "tolerance": 0.01},
            CHAMPION,
            ("at least 0.3", "no more than 0.01 worse"),
        ),
        ({"threshold": None, "minimum_gain": 0.5}, CHAMPION, ("at least 0.5 better",)),
        ({"threshold": None, "minimum_gain": 0.5}, NOTHING, ("no limit",)),
    ],
)
def test_requirements_are_phrases(rule: dict[str, Any], baseline: Baseline, phrases: tuple[str, ...]) -> None:
    assert words.required(metric(**rule).rule, baseline) == phrases


@pytest.mark.parametrize(
    ("outcome", "passed", "word", "part"),
    [
        ("first", True, "Accepted", "the first model"),
        ("first", False, "Refused", "misses what is required"),
        ("improved", True, "Accepted", "better than the champion"),
        ("improved", False, "Refused", "not by enough"),
        ("unchanged", True, "Accepted", "as good as the champion"),
        ("unchanged", False, "Refused", "not better than the champion"),
        ("regressed", True, "Accepted", "within the tolerance"),
        ("regressed", False, "Refused", "worse than the champion"),
        ("rejected", False, "Refused", "misses what is required"),
    ],
)
def test_every_outcome_has_its_words(outcome: str, passed: bool, word: str, part: str) -> None:
    baseline = NOTHING if outcome == "first" else CHAMPION
    found = words.verdict(report(decision=decision(outcome, passed=passed, baseline=baseline)))
    assert found.word == word
    assert part in found.headline


def test_a_champion_that_does_not_compare_is_not_the_first_model() -> None:
    other = CHAMPION.model_copy(update={"scored": "none", "note": "It predicts another column."})
    found = words.verdict(report(decision=decision("first", baseline=other)))
    assert found.headline == "it meets its thresholds; the champion does not compare"
    assert words.required(metric().rule, other) == ("at most 80",)


def test_a_pipeline_without_a_gate_is_done_rather_than_accepted() -> None:
    judged = decision("unchanged", metrics=[], baseline=NOTHING, reasons=["There is no gate."])
    found = words.verdict(report(decision=judged, model=None, promoted=False, history=[]))
    assert (found.word, found.reasons) == ("Done", ("There is no gate.",))
    assert found.champion == "No model was registered."


def test_a_little_worse_is_not_as_good() -> None:
    worse = metric(baseline=54.0).model_copy(update={"gain": -0.55})
    found = words.verdict(report(decision=decision("unchanged", metrics=[worse])))
    assert found.headline == "not better than the champion, within the tolerance"


def test_what_never_began_does_not_deny_a_champion_that_it_did_not_look_for() -> None:
    never = failed().model_copy(update={"history": []})
    assert words.champion_sentence(never) == "The champion of development did not move."


def test_a_failed_run_is_neither_accepted_nor_refused() -> None:
    accepted = decision("improved", passed=True)
    assert words.verdict(failed()).word == "Failed"
    assert words.verdict(report(run=run(status="failed"), decision=accepted)).word == "Failed"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "Version 5 is now the champion of development. It was version 4 before."),
        (
            {"promoted": False, "trigger": "hand"},
            "The model is registered as version 5. The champion of development is still version 4: "
            "a run by hand moves it only with --promote.",
        ),
        (
            {"promoted": False, "decision": decision("regressed", passed=False)},
            "The champion of development is still version 4.",
        ),
        (
            {"promoted": False, "decision": decision("rejected", passed=False, baseline=NOTHING), "history": []},
            "Development has no champion yet.",
        ),
        (
            {"promoted": False, "decision": decision("failed", passed=False, baseline=NOTHING)},
            "The champion of development did not move.",
        ),
    ],
)
def test_the_champion_is_said_to_move_only_when_it_did(changes: dict[str, Any], sentence: str) -> None:
    assert words.champion_sentence(report(**changes)) == sentence


def test_a_baseline_that_was_not_scored_again_is_admitted() -> None:
    stored = CHAMPION.model_copy(update={"scored": "stored", "note": "It needs the column age."})
    assert "Like with like" in words.baseline_note(CHAMPION)
    assert "Like with like" not in words.baseline_note(stored)
    assert words.baseline_note(stored).endswith("It needs the column age.")


@pytest.mark.parametrize(
    ("repository", "commit", "address"),
    [
        ("https://github.com/a/b.git", "8c1f0a9", "https://github.com/a/b/commit/8c1f0a9"),
        ("https://github.com/a/b", "8c1f0a9-dirty", "https://github.com/a/b/commit/8c1f0a9"),
        ("/srv/forge/repository.git", "8c1f0a9", ""),
        ("javascript:alert(1)", "8c1f0a9", ""),
        ("https://github.com/a/b", "../../x", ""),
    ],
)
def test_only_web_addresses_become_links(repository: str, commit: str, address: str) -> None:
    assert words.commit_link(report(repository=repository, commit=commit)) == address


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.84, "0.8 s"), (125, "2 min 05 s"), (3780, "1 h 03 min"), (None, "\u2013"), (math.nan, "\u2013")],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert words.duration(seconds) == shown


def test_times_are_shown_in_utc() -> None:
    assert words.moment("2026-11-21T05:17:09+01:00") == "21 Nov 2026, 04:17 UTC"
    assert words.moment("2026-11-21T04:17:09", "day") == "21 Nov"
    assert words.moment("yesterday") == "yesterday"


@given(st.text(max_size=900))
def test_cleaned_text_is_short_and_can_be_encoded(text: str) -> None:
    found = words.clean(text, 100)
    assert len(found) <= 100
    found.encode()
    assert not re.search("[\x00-\x08\x1b\u202e]", found)


@pytest.mark.parametrize("count", [2, 5])
def test_curves_agree_with_scikit_learn(count: int) -> None:
    from sklearn import metrics

    evaluation = classes(count)
    found = report_curves.curves(evaluation)
    chosen = list(enumerate(evaluation.labels))[1 if count == 2 else 0 :]
    for (column, label), area, precision in zip(chosen, found.roc, found.precision_recall, strict=True):
        truth = [value == label for value in evaluation.actual]
        scores = [row[column] for row in evaluation.scores]
        assert area.label == precision.label == label
        assert area.area == pytest.approx(metrics.roc_auc_score(truth, scores))
        assert precision.area == pytest.approx(metrics.average_precision_score(truth, scores))
    matrix = report_curves.confusion(evaluation, most=count)
    expected = metrics.confusion_matrix(evaluation.actual, evaluation.predicted, labels=list(matrix.labels))
    assert [list(row) for row in matrix.counts] == expected.tolist()


def test_ties_do_not_flatter_a_curve() -> None:
    found = report_curves.roc([0.5, 0.5, 0.5, 0.5], [True, False, True, False])
    assert found == ([(0.0, 0.0), (1.0, 1.0)], 0.5)
    assert report_curves.roc([0.5], [True]) is None
    assert report_curves.precision_recall([0.5], [False]) is None


def test_many_classes_are_folded_into_one_row() -> None:
    evaluation = classes(60, rows=900)
    found = report_curves.confusion(evaluation, most=20)
    assert len(found.labels) == 20
    assert found.labels[-1] == report_curves.OTHER
    assert sum(map(sum, found.counts)) == 900


@given(st.floats(-1e12, 1e12), st.floats(-1e12, 1e12), st.integers(2, 8))
def test_ticks_hold_the_values_between_them(first: float, second: float, count: int) -> None:
    low, high = sorted((first, second))
    found = svg.ticks(low, high, count)
    slack = (found[1] - found[0]) * 1e-6
    assert found[0] <= low + slack
    assert found[-1] >= high - slack
    assert 2 <= len(found) <= 2 * count + 4


def test_colours_can_be_told_from_their_paper() -> None:
    for theme in (svg.LIGHT, svg.DARK):
        for colour in (theme.ink, theme.muted, theme.mark, theme.warm):
            assert svg.contrast(colour, theme.paper) >= 4.5
        for share in (0.0, 0.3, 0.5, 0.7, 1.0):
            fill = theme.tint(share)
            assert svg.contrast(theme.on(fill), fill) >= 4.5


def coloured(style: str) -> dict[str, str]:
    """The text colour of each selector."""
    rules = re.findall(r"([^{}]+)\{[^{}]*?[ ;]color: (#[0-9a-f]{6})", style)
    return {name.strip(): colour for selectors, colour in rules for name in selectors.split(",")}


def test_every_text_of_the_page_can_be_read_in_the_light_and_in_the_dark() -> None:
    page = Path(svg.__file__).with_name("report_page.html").read_text(encoding="utf-8")
    style = page.split("<style>")[1].split("</style>")[0]
    light, dark = (coloured(part) for part in style.split("@media (prefers-color-scheme: dark) {"))
    assert len(light) >= 12
    assert set(light) == set(dark), "a colour that is set for one of them only"
    for colours, paper in ((light, svg.LIGHT.paper), (dark, svg.DARK.paper)):
        assert not [name for name, colour in colours.items() if svg.contrast(colour, paper) < 4.5]
