"""The plan as a person reads it, in terminals of every width."""

from __future__ import annotations

import pytest

from mlopsgen.cli.console import render_error
from mlopsgen.errors import MlopsgenError
from mlopsgen.forge.values import Key, Kind, Resource
from mlopsgen.remote.apply import Left, outcome_data
from mlopsgen.remote.plan import Act, Item, Plan
from mlopsgen.remote.plan_text import plan_lines
from mlopsgen.remote.words import telling, words

ENVIRONMENT = {"reviewers": ("ada", "org/team"), "wait_minutes": 30, "self_review": False, "branches": "custom"}


def item(act: Act, kind: Kind, name: str, **more: str) -> Item:
    return Item(act=act, kind=kind, name=name, **more)


PLAN = Plan(
    (
        item(Act.CREATE, Kind.REPOSITORY, "wine", detail="https://github.com/acme/wine.git (private)"),
        item(Act.CREATE, Kind.ENVIRONMENT, "production", detail=words(telling(ENVIRONMENT))),
        item(Act.CREATE, Kind.ENVIRONMENT, "development"),
        item(
            Act.CREATE, Kind.SECRET, "A_NAME_THAT_IS_MUCH_LONGER_THAN_ITS_COLUMN", scope="production", detail="a login"
        ),
        item(Act.KEEP, Kind.SECRET, "SMTP", scope="production", detail="not set; it is optional"),
        item(Act.KEEP, Kind.LABEL, "promotion"),
        item(Act.KEEP, Kind.SETTING, "actions", reason="changed on the remote"),
        item(Act.CREATE, Kind.BRANCH, "development", detail="a1b2c3d (trains)"),
        item(Act.CANNOT, Kind.RULESET, "production", reason="no plan", instead="nothing enforces it", hint="Pay."),
        item(Act.CREATE, Kind.REMOTE, "origin", detail="https://github.com/acme/wine.git"),
    )
)


def test_it_reads_from_the_repository_to_the_clone() -> None:
    assert plan_lines(PLAN, width=80) == [
        "The repository",
        "  + repository  wine                      https://github.com/acme/wine.git",
        "                                          (private)",
        "",
        "Actions and security",
        "  = setting     actions",
        "      note:    changed on the remote",
        "",
        "Environment development",
        "  + environment development",
        "",
        "Environment production",
        "  + environment production                approved by ada or org/team; waits 30",
        "                                          minutes; not by whoever started it;",
        "                                          named branches only",
        "  + secret      A_NAME_THAT_IS_MUCH_LONGER_THAN_ITS_COLUMN",
        "      a login",
        "",
        "Branches",
        "  + branch      development               a1b2c3d (trains)",
        "  ! ruleset     production",
        "      because: no plan",
        "      instead: nothing enforces it",
        "      next:    Pay.",
        "",
        "This clone",
        "  + remote      origin                    https://github.com/acme/wine.git",
        "",
        "  6 to create (+), 1 cannot be done (!), 1 left as found (=), 1 as they should",
        "  be, 1 optional secret not set.",
    ]


@pytest.mark.parametrize("width", [0, 40, 71, 72, 100, 300])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_lost(width: int) -> None:
    lines = plan_lines(PLAN, width=width)
    # A name that is longer than a line stays whole: it is copied.
    assert all(len(line) <= max(width, 40) or len(line.split()) == 1 for line in lines)
    told = "".join("".join(lines).split())
    for part in (
        "https://github.com/acme/wine.git",
        "A_NAME_THAT_IS_MUCH_LONGER_THAN_ITS_COLUMN",
        "approvedbyadaororg/team",
    ):
        assert part in told


def test_a_value_of_somebody_else_cannot_draw_on_the_terminal() -> None:
    text = "\x1b[2J\x1b]0;title\x07 two\nlines\u202e"
    lines = plan_lines(Plan((item(Act.CHANGE, Kind.VARIABLE, f"X{text}", scope=text, detail=text, reason=text),)))
    assert all(line.isprintable() for line in lines)
    assert "\\x1b[2J" in "\n".join(lines)


def test_a_long_value_is_cut_and_the_rest_is_not() -> None:
    [_, *lines] = plan_lines(Plan((item(Act.CREATE, Kind.VARIABLE, "NOTES", detail="word " * 200),)), width=80)
    assert len(lines) < 8
    assert "…" in "".join(lines)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"reviewers": (), "wait_minutes": 0, "self_review": True}, "no approval needed"),
        (
            {"branches": ("production",), "enforcement": "active", "pull_request": False},
            "branches: production",
        ),
        (
            {"branches": ("x",), "pull_request": True, "reviews": 1, "checks": ()},
            "branches: x; by pull request only; 1 approving review",
        ),
        (
            {"permissions": "read", "pull_requests": True},
            "the workflows' token only reads; Actions may open and approve pull requests",
        ),
        ({"description": "Rents", "homepage": ""}, "description: Rents"),
        (True, "on"),
        ((), "none"),
        ({"branches": ("refs/tags/v*",), "block_deletion": True}, "tags: v*; no deletion"),
        ({"branches": ("main", "refs/tags/v*")}, "branches: main, refs/tags/v*"),
    ],
)
def test_settings_are_told_as_what_they_mean(value: Resource, text: str) -> None:
    assert words(telling(value)) == text  # type: ignore[arg-type]


def test_protection_that_is_given_away_is_counted_where_everybody_looks() -> None:
    loose = Item(act=Act.CHANGE, kind=Kind.ENVIRONMENT, name="production", detail="x", loosens=True)
    assert plan_lines(Plan((loose,)))[-1] == "  1 to change (~). Mind: 1 change gives away protection."


def test_secrets_without_a_value_take_a_line_each_and_one_next_step() -> None:
    lost = {"reason": "no value was given for it", "instead": "the rest", "detail": "a login"}
    names = ("SMTP_USERNAME", "SMTP_PASSWORD")
    hints = [f"mlopsgen secrets set {name} --branch staging" for name in names]
    made = [
        item(Act.CANNOT, Kind.SECRET, n, scope="staging", hint=h, **lost) for n, h in zip(names, hints, strict=True)
    ]
    lines = plan_lines(Plan(tuple(made)), width=120)
    assert lines[1:3] == [f"  ! secret      {name}  a login (no value yet)" for name in names]
    assert sum("secrets set" in line for line in lines) == 1


def test_the_same_next_step_is_told_once_and_settings_have_names_for_people() -> None:
    one = item(Act.CANNOT, Kind.SETTING, "merging", reason="no right", hint="Ask.")
    two = item(Act.CANNOT, Kind.SETTING, "about", reason="no right either", hint="Ask.")
    lines = plan_lines(Plan((one, two)))
    assert sum("next:" in line for line in lines) == 1
    assert any("pull requests" in line for line in lines)
    assert any("page" in line for line in lines)


def test_an_empty_plan_says_so() -> None:
    assert plan_lines(Plan(())) == ["  nothing to do."]
    assert Key(Kind.BRANCH, "x") == item(Act.KEEP, Kind.BRANCH, "x").key


def test_what_is_left_is_told_by_its_reason_in_the_words_of_the_plan() -> None:
    left = [
        item(Act.CREATE, Kind.REPOSITORY, "wine"),
        item(Act.CREATE, Kind.SETTING, "about"),
        item(Act.CREATE, Kind.SECRET, "SMTP_PASSWORD", scope="production"),
    ]
    error = MlopsgenError("It failed.", hint="Run it again.")
    reasons = ("the token may not", *("it comes after repository wine",) * 2)
    error.data = outcome_data((), tuple(Left(item=one, reason=why) for one, why in zip(left, reasons, strict=True)))
    assert render_error(error, colour=False).splitlines() == [
        "error: It failed.",
        "  done: 0 of 3; left:",
        "    repository wine: the token may not",
        "    setting page, secret SMTP_PASSWORD of production: it comes after repository wine",
        "  next: Run it again.",
    ]
