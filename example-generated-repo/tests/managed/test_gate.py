"""The gate cannot be inverted: proved over all numbers and rules that hypothesis comes up with."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from helpers.errors import ConfigurationError
from helpers.gate import check_rules, gain_of, judge
from helpers.metrics import METRICS
from helpers.records import Baseline, Decision, MetricRule

CHAMPION = Baseline(kind="champion", version="3", scored="test-split")
NONE = Baseline(kind="none")

numbers = st.floats(-1e6, 1e6, allow_nan=False, allow_infinity=False)
distances = st.floats(0, 1e3, allow_nan=False, allow_infinity=False)
positive = st.floats(1e-6, 1e3, allow_nan=False, allow_infinity=False)
not_numbers = st.sampled_from([math.nan, math.inf, -math.inf])


@st.composite
def rules(draw: st.DrawFn) -> MetricRule:
    kind = draw(st.sampled_from(["plain", "tolerance", "gain"]))
    return MetricRule(
        higher_is_better=draw(st.booleans()),
        threshold=draw(st.none() | numbers),
        tolerance=draw(positive) if kind == "tolerance" else 0.0,
        minimum_gain=draw(positive) if kind == "gain" else 0.0,
    )


def decide(rule: MetricRule, value: float | None, baseline: float | None) -> Decision:
    metrics = {} if value is None else {"m": value}
    if baseline is None:
        return judge({"m": rule}, metrics, NONE)
    return judge({"m": rule}, metrics, CHAMPION, {"m": baseline})


def better(rule: MetricRule, value: float, by: float) -> float:
    return value + by if rule.higher_is_better else value - by


def mirrored(rule: MetricRule) -> MetricRule:
    threshold = None if rule.threshold is None else -rule.threshold
    return rule.model_copy(update={"higher_is_better": not rule.higher_is_better, "threshold": threshold})


@given(rules(), numbers, st.none() | numbers, distances)
def test_a_better_value_never_turns_a_pass_into_a_refusal(
    rule: MetricRule, value: float, baseline: float | None, by: float
) -> None:
    if decide(rule, value, baseline).passed:
        assert decide(rule, better(rule, value, by), baseline).passed


@given(rules(), numbers, numbers, distances)
def test_a_better_baseline_never_turns_a_refusal_into_a_pass(
    rule: MetricRule, value: float, baseline: float, by: float
) -> None:
    if not decide(rule, value, baseline).passed:
        assert not decide(rule, value, better(rule, baseline, by)).passed


@given(rules(), numbers, st.none() | numbers)
def test_the_mirrored_metric_gets_the_same_verdict(rule: MetricRule, value: float, baseline: float | None) -> None:
    straight = decide(rule, value, baseline)
    mirror = decide(mirrored(rule), -value, None if baseline is None else -baseline)
    assert (mirror.passed, mirror.outcome, mirror.metrics[0].gain) == (
        straight.passed,
        straight.outcome,
        straight.metrics[0].gain,
    )


@given(rules(), st.none() | not_numbers, st.none() | numbers)
def test_a_value_that_is_missing_or_no_number_never_passes(
    rule: MetricRule, value: float | None, baseline: float | None
) -> None:
    decision = decide(rule, value, baseline)
    assert not decision.passed
    assert decision.outcome == "rejected"
    assert decision.metrics[0].value is None


@given(rules(), numbers, not_numbers)
def test_a_baseline_that_is_no_number_counts_as_none_and_is_said(rule: MetricRule, value: float, odd: float) -> None:
    decision = decide(rule, value, odd)
    assert decision.passed == decide(rule, value, None).passed
    assert decision.metrics[0].baseline is None
    assert "not a number" in decision.metrics[0].reason


@given(rules(), numbers)
def test_equal_values_pass_as_unchanged_unless_a_gain_is_asked_for(rule: MetricRule, value: float) -> None:
    assume(decide(rule, value, None).passed)
    decision = decide(rule, value, value)
    assert decision.passed == (rule.minimum_gain == 0)
    assert decision.outcome == ("unchanged" if decision.passed else "rejected")
    assert decision.metrics[0].gain == 0


@given(rules(), numbers, numbers)
def test_the_verdict_is_what_the_rule_says(rule: MetricRule, value: float, baseline: float) -> None:
    sign = 1 if rule.higher_is_better else -1
    gain = gain_of(value, baseline, higher_is_better=rule.higher_is_better)  # as a float, 17 - 1e-15 would be 17
    meets = rule.threshold is None or sign * value >= sign * rule.threshold
    enough = gain >= Decimal(repr(rule.minimum_gain if rule.minimum_gain > 0 else -rule.tolerance))
    assert decide(rule, value, baseline).passed == (meets and enough)
    assert math.isclose(gain, sign * (value - baseline), rel_tol=1e-9, abs_tol=1e-9)


@given(rules(), numbers, st.sampled_from([-2, -1, 1, 2]))
def test_what_differs_in_the_last_digits_alone_is_equal(rule: MetricRule, baseline: float, ulps: int) -> None:
    value = baseline + ulps * math.ulp(baseline)
    assume(abs(baseline) > 1e-300)
    assert decide(rule, value, baseline).metrics[0].gain == 0
    assert decide(rule, baseline * (1 + 1e-9), baseline).metrics[0].gain != 0


def test_a_gain_that_is_short_by_less_than_a_float_can_hold_is_refused() -> None:
    rule = MetricRule(higher_is_better=False, minimum_gain=17.0)
    assert not decide(rule, 1e-15, 17.0).passed
    assert decide(rule, 0.0, 17.0).passed


@given(st.dictionaries(st.sampled_from("abc"), st.tuples(rules(), numbers, numbers), min_size=1))
def test_all_metrics_have_to_pass(cases: dict[str, tuple[MetricRule, float, float]]) -> None:
    decision = judge(
        {name: rule for name, (rule, _, _) in cases.items()},
        {name: value for name, (_, value, _) in cases.items()},
        CHAMPION,
        {name: baseline for name, (_, _, baseline) in cases.items()},
    )
    assert decision.passed == all(decide(*case).passed for case in cases.values())
    assert [metric.name for metric in decision.metrics] == list(cases)
    assert decision.passed == (decision.outcome in ("first", "improved", "unchanged"))


@pytest.mark.parametrize(
    ("rule", "value", "baseline", "outcome"),
    [
        (MetricRule(higher_is_better=False, threshold=80), 54.0, None, "first"),
        (MetricRule(higher_is_better=False, threshold=80), 81.0, None, "rejected"),
        (MetricRule(higher_is_better=False, threshold=80), 54.0, 55.0, "improved"),
        (MetricRule(higher_is_better=False), 56.0, 55.0, "regressed"),
        (MetricRule(higher_is_better=False, tolerance=2), 56.0, 55.0, "unchanged"),
        (MetricRule(higher_is_better=True, minimum_gain=0.1), 0.85, 0.8, "rejected"),
        (MetricRule(higher_is_better=True, minimum_gain=0.1), 0.7, 0.8, "regressed"),
        (MetricRule(higher_is_better=True, minimum_gain=0.1), 0.9, 0.8, "improved"),  # 0.09999999999999998 in binary
        (MetricRule(higher_is_better=True, tolerance=0.1), 0.8, 0.9, "unchanged"),
    ],
)
def test_outcomes(rule: MetricRule, value: float, baseline: float | None, outcome: str) -> None:
    assert decide(rule, value, baseline).outcome == outcome


@pytest.mark.parametrize(("threshold", "said"), [(80, "the thresholds alone decided"), (None, "no threshold is set")])
def test_the_first_model_says_what_let_it_in(threshold: float | None, said: str) -> None:
    decision = decide(MetricRule(higher_is_better=False, threshold=threshold), 54.0, None)
    assert decision.passed
    assert said in decision.reasons[-1]


def test_a_metric_that_was_not_computed_names_the_nearest_one() -> None:
    decision = judge({"rsme": MetricRule(higher_is_better=False)}, {"rmse": 1.0}, NONE)
    assert decision.reasons == ["rsme was not computed. Did you mean 'rmse'?"]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"higher_is_better": True}, "wrong direction"),
        ({"higher_is_better": False, "tolerance": 1, "minimum_gain": 1}, "both a tolerance and a minimum gain"),
        ({"higher_is_better": False, "threshold": math.nan}, "has to be a number"),
        ({"higher_is_better": False, "tolerance": math.inf}, "has to be a number"),
    ],
)
def test_rules_that_contradict_themselves_are_refused(rule: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        check_rules({"rmse": MetricRule.model_validate(rule)}, where="config.yaml:9")
    assert "rmse" in str(caught.value)
    assert caught.value.where == "config.yaml:9"


def test_a_gate_without_metrics_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="could not refuse anything"):
        judge({}, {"rmse": 1.0}, NONE)


def test_every_known_metric_can_only_be_judged_in_its_own_direction() -> None:
    for name, metric in METRICS.items():
        check_rules({name: MetricRule(higher_is_better=metric.higher_is_better)})
        with pytest.raises(ConfigurationError):
            check_rules({name: MetricRule(higher_is_better=not metric.higher_is_better)})


def test_a_reason_shows_what_separates_a_value_from_its_limit() -> None:
    """Rounding must not make a refusal look like a contradiction."""
    rule = {"rmse": MetricRule(higher_is_better=False, threshold=80.0)}
    assert judge(rule, {"rmse": 80.00001}, Baseline(kind="none")).reasons == [
        "rmse is 80.00001, above the threshold of 80."
    ]
    assert judge(rule, {"rmse": 91.23456}, Baseline(kind="none")).reasons == [
        "rmse is 91.23, above the threshold of 80."
    ]
