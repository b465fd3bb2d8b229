"""The tutorials that need GitHub, followed as they are printed, against the fake."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tutorial_github import on_github
from tests.tutorial_versions import site

pytestmark = pytest.mark.timeout(1800)


def test_from_a_machine_to_github() -> None:
    with on_github() as (ada, _):
        ada.follow("github.md")


def test_a_fleet(tmp_path: Path) -> None:
    with on_github(PYTHONPATH=str(site(tmp_path))) as (ada, github):
        ada.follow("fleet.md")
        for name in ("wine", "beer"):
            makefile = github.repository(f"acme/{name}").git("show", "development:Makefile")
            assert '--engine "$(ENGINE)"' in makefile


def test_a_template_of_an_organisation(tmp_path: Path) -> None:
    with on_github(PYTHONPATH=str(site(tmp_path))) as (ada, github):
        ada.follow("config-repo.md")
        assert github.repository("acme/mlops-config").branches["main"]
