"""The flags of ``mlopsgen sync``: which go together, and how they are repeated for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlopsgen.cli.sync_flags import SyncFlags
from mlopsgen.errors import UsageError


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"to": "v1", "branch": "staging", "dry_run": True, "assignments": ("a=b",), "keep_edits": True},
        {"continue_": True, "yes": True, "settings": True},
        {"abort": True},
        {"repository": "acme/demo", "rebase_from": "v1", "template": "gh:acme/t", "check": True},
        {"all_": True, "organisation": "acme", "pattern": "x-*", "limit": 3, "jobs": 2, "yes": True},
    ],
)
def test_what_goes_together(given: dict[str, Any]) -> None:
    SyncFlags(**given).refuse_unfit()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"continue_": True, "abort": True}, "--continue and --abort exclude each other"),
        ({"continue_": True, "to": "v1"}, "--to means nothing together with --continue"),
        ({"abort": True, "yes": True}, "--yes means nothing together with --abort"),
        ({"repository": "a/b", "all_": True}, "--repository and --all exclude each other"),
        ({"check": True, "dry_run": True}, "--check and --dry-run exclude each other"),
        ({"organisation": "acme"}, "--org goes with --all"),
        ({"limit": 3, "repository": "a/b"}, "--limit means nothing together with --repository"),
        ({"pattern": "x"}, "--filter goes with --all"),
    ],
)
def test_what_does_not(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        SyncFlags(**given).refuse_unfit()


def test_the_command_to_run_again_asks_for_the_same() -> None:
    flags = SyncFlags(
        to="v1.0.0", branch="staging", assignments=("name=two words",), answers=Path("my answers.yml"), keep_edits=True,
        template="https://example.org/t", dry_run=True, yes=True,
    )  # fmt: skip
    assert flags.again == (
        "mlopsgen sync --to v1.0.0 --branch staging --answers 'my answers.yml' --set 'name=two words' "
        "--template https://example.org/t --keep-edits"
    )


def test_the_command_of_a_fleet_asks_for_the_same_repositories() -> None:
    flags = SyncFlags(
        all_=True, organisation="acme", pattern="heart-*", limit=3, assignments=("data_watch=weekly",), check=True
    )  # fmt: skip
    assert flags.again == "mlopsgen sync --all --org acme --filter 'heart-*' --limit 3 --set data_watch=weekly"
    assert SyncFlags(all_=True, personal=True).again == "mlopsgen sync --all --user"
