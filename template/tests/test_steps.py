"""The steps, one after the other, as plain functions on real files and a real MLflow store."""

from __future__ import annotations

from dataclasses import replace

from support import CONTEXT, World

from helpers import tracking


def test_the_sample_trains_from_data_to_champion(world: World) -> None:
    first = world.train(replace(CONTEXT, promote=True))
    report = tracking.read_report(first.context.run_id)
    assert first.decision.outcome == "first"
    assert report.promoted
    assert report.model is not None
    assert report.model.version == first.version == "1"
    assert report.run.status == "succeeded"
    assert 45 < first.evaluation.metrics["rmse"] < 60
    assert [point.champion for point in report.history] == [True]
    second = world.train(replace(CONTEXT, promote=True))
    assert second.decision.outcome == "unchanged"
    assert second.evaluation.baseline.scored == "test-split"
    assert second.evaluation.baseline_metrics == second.evaluation.metrics == first.evaluation.metrics
