"""The tutorials that need nothing but a laptop, followed as they are printed."""

from __future__ import annotations

import pytest

from tests.tutorial_reader import reader

pytestmark = pytest.mark.timeout(1800)


def test_the_first_model() -> None:
    with reader() as ada:
        ada.follow("first-model.md")


def test_own_data_and_promotion() -> None:
    with reader() as ada:
        ada.follow("own-data.md")
        ada.follow("promotion.md")
