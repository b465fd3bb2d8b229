"""The tutorial that trains on Kubeflow, followed as it is printed, against the fakes; the steps really run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tutorial_kubeflow import on_kubeflow

pytestmark = pytest.mark.timeout(1800)


def test_to_kubeflow_with_each_login(tmp_path: Path) -> None:
    with on_kubeflow(tmp_path) as (ada, kubeflow):
        ada.follow("kubeflow.md")
        assert [run.state for run in kubeflow.runs] == ["SUCCEEDED"]
        assert kubeflow.gate.logins >= 1
