"""The tutorials that need GitHub, followed as they are printed, against the fake."""

from __future__ import annotations

import pytest

from tests.tutorial_github import on_github

pytestmark = pytest.mark.timeout(900)


def test_from_a_machine_to_github() -> None:
    with on_github() as (ada, _):
        ada.follow("github.md")
