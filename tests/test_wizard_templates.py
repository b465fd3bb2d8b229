"""The conversation of ``init`` with other questions than ours: an organisation's, and those of small templates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from mlopsgen.answer_values import refusal
from mlopsgen.answers import BUILT_IN
from mlopsgen.cli import topics, wizard
from mlopsgen.cli.wizard import BACK_CHOICE
from mlopsgen.errors import MlopsgenError, UsageError
from mlopsgen.organisation import Locked, Organisation
from mlopsgen.question_set import QuestionSet
from mlopsgen.questions import Answers, Condition, Derived, Question, Value
from tests.init_stage import WHY as FRANKFURT
from tests.init_stage import publish_derived
from tests.template_toys import FILES, Published
from tests.test_wizard import BACK, CLEAR, DOWN, ENTER, UP, Script, converse, person

__all__ = ["person"]

WHY = "All our clusters are in this zone."
ACME = Organisation(
    name="acme",
    preset={"owner": "acme", "development_runner": "acme-small", "license": "apache-2.0"},
    locked={
        "visibility": Locked(value="internal"),
        "staging_engine": Locked(value="kubeflow", why=WHY),
        "staging_endpoint": Locked(value="https://kubeflow.acme.example/pipeline"),
        "python_version": Locked(value="3.12"),
        "notify_how": Locked(value="none"),
    },
)
COST = Question(key="cost_centre", section="organisation", title="Cost centre", help="Who pays.", required=True)
DERIVED = replace(
    BUILT_IN,
    questions=(*BUILT_IN.questions, COST),
    sections={**BUILT_IN.sections, "organisation": "acme: questions of its own"},
    organisation=ACME,
)


@dataclass(frozen=True)
class Is(Condition):
    """Another answer is this one."""

    key: str
    wanted: Value

    def holds(self, answers: Answers) -> bool:
        return answers.get(self.key) == self.wanted


@dataclass(frozen=True)
class Upper(Derived):
    """Another answer in capitals."""

    key: str

    def value(self, answers: Answers) -> Value:
        return str(answers.get(self.key, "")).upper()


def asked(key: str, **more: object) -> Question:
    return Question(key=key, section="template", title=key, help=f"About {key}.", **more)  # type: ignore[arg-type]


SMALL = QuestionSet(
    questions=(
        asked("name", default="wine"),
        asked("title", default=Upper("name")),
        asked("docs", kind="switch", default=False),
        asked("theme", kind="choice", choices=("", "dark", "light"), default="", when=Is("docs", True)),
        asked("packages", kind="data", default=["numpy", {"pandas": 2}]),
        asked("notice", default="Two\nlines"),
    ),
    sections={"template": "The template's questions"},
)


def of_acme(*steps: tuple[str, object], **more: object):
    return converse(*steps, questions=DERIVED, **more)


def test_what_the_organisation_decided_is_not_asked_and_its_defaults_are_named():
    rows = topics.rows(DERIVED, wizard._Conversation(DERIVED, {}, Script()).answers())
    assert "visibility internal (decided by acme)" in rows["Project"]
    assert "owner acme (acme)" in rows["Project"]
    assert "runner acme-small (acme)" in rows["Development"]
    assert "engine kubeflow (decided by acme)" in rows["Staging"]
    assert rows["acme"] == "cost centre (will be asked)"
    answers, script = of_acme(
        ("Change", ["project", "staging"]), ("Project name", "Wine"), ("Slug", None), ("Description", None),
        ("Owner", "octo"), ("Licence", None), *STAGING, ("Cost centre", "4711"), ("Write", "write"),
    )  # fmt: skip
    assert (answers["visibility"], answers["owner"], answers["staging_engine"]) == ("internal", "octo", "kubeflow")
    assert answers["cost_centre"] == "4711"
    told = "\n".join(script.told)
    assert "Visibility: internal, decided by acme.\n" in f"{told}\n"
    assert f"Engine: kubeflow, decided by acme. {WHY}" in told


STAGING = [
    (question.title, None)
    for question in BUILT_IN.of_section("staging")
    if question.key not in ACME.locked and question.asked({"staging_engine": "kubeflow", "staging_access": "direct"})
]


def test_a_preset_that_was_replaced_bears_no_name_and_one_that_is_taken_again_does():
    talk = wizard._Conversation(DERIVED, {"owner": "octo"}, Script(("Owner", "acme")))
    assert "owner octo \N{MIDDLE DOT}" in topics.rows(DERIVED, talk.answers())["Project"]
    assert talk.ask([DERIVED.by_key["owner"]])
    assert "owner acme (acme)" in topics.rows(DERIVED, talk.answers())["Project"]
    assert talk.given == {}, "an answer that is the organisation's default goes on following it"


def test_a_section_that_is_all_decided_is_not_in_the_list():
    answers = wizard._Conversation(DERIVED, {}, Script()).answers()
    listed = [topic.key for topic in topics.topics(DERIVED, answers)]
    assert "python" not in listed
    assert "notification" not in listed, "what depends on a decided answer cannot come to count"
    assert [key for key in listed if key in BUILT_IN.sections] == [
        key for key in BUILT_IN.sections if key not in ("python", "notification")
    ]
    everything = replace(DERIVED, organisation=replace(ACME, locked={
        each.key: Locked(value=DERIVED.default_for(each, answers)) for each in DERIVED.questions if each != COST
    }))  # fmt: skip
    found, _ = converse(("Change", []), ("Cost", "1"), ("Write", "write"), questions=everything)
    assert found["cost_centre"] == "1"


def test_a_template_where_nothing_is_left_to_ask_goes_to_the_end():
    alone = QuestionSet(
        questions=(asked("zone"),), organisation=Organisation(name="acme", locked={"zone": Locked(value="eu")})
    )
    answers, _ = converse(("Write", "write"), questions=alone)
    assert answers == {"zone": "eu"}


def test_a_small_template_shows_its_questions_themselves():
    answers, script = converse(
        ("Change", ["docs", "packages"]), ("docs", "yes"), ("theme", "dark"), ("packages", "[scipy]"),
        ("Write", "write"), questions=SMALL,
    )  # fmt: skip
    assert answers == {
        "name": "wine", "title": "WINE", "docs": True, "theme": "dark", "packages": ["scipy"], "notice": "Two\nlines",
    }  # fmt: skip
    assert len(script.told) == 2


def test_the_table_of_a_small_template():
    answers = wizard._Conversation(SMALL, {}, Script()).answers()
    assert topics.rows(SMALL, answers) == {
        "name": "wine", "title": "WINE", "docs": "no", "packages": '["numpy", {"pandas": 2}]', "notice": "Two ...",
    }  # fmt: skip
    long = topics.rows(SMALL, {**answers, "notice": "x" * 500})["notice"]
    assert len(long) < 220
    assert long.endswith(" ...")


def test_an_answer_without_letters_can_be_chosen_beside_the_way_back():
    answers, _ = converse(
        ("Change", ["docs"]), ("docs", "yes"), ("theme", BACK), ("docs", "yes"), ("theme", "(empty)"),
        ("Write", "write"), questions=SMALL,
    )  # fmt: skip
    assert (answers["docs"], answers["theme"]) == (True, "")
    shown: list[tuple[str, str]] = []

    class Looking(Script):
        def choose(self, title, help_line, choices, default):
            shown.extend(choices)
            assert default == "(empty)"
            return default

    talk = wizard._Conversation(SMALL, {"docs": True}, Looking())
    assert talk.ask([SMALL.by_key["theme"]])
    assert len({value for value, _ in shown}) == len(shown)
    assert shown[-1] == BACK_CHOICE


def test_a_default_that_follows_another_answer_goes_on_following_it():
    answers, _ = converse(
        ("Change", ["name", "title"]), ("name", "beer"), ("title", None), ("Write", "change"),
        ("Change", ["name"]), ("name", "rum"), ("Write", "write"), questions=SMALL,
    )  # fmt: skip
    assert answers["title"] == "RUM"


def test_several_lines_stay_as_they_are_and_the_way_back_leads_over_them():
    answers, script = converse(
        ("Change", ["packages", "notice"]), ("packages", None), ("Write", "write"), questions=SMALL
    )
    assert answers["notice"] == "Two\nlines"
    assert any("several lines" in text for text in script.told)


@pytest.mark.parametrize(("key", "text"), [("docs", "perhaps"), ("packages", "[1,"), ("theme", "red")])
def test_what_does_not_fit_is_refused_while_it_is_typed(key, text):
    assert refusal(SMALL.by_key[key], text)


def test_an_occupied_folder_leads_to_the_answer_that_names_it():
    named = replace(SMALL, questions=(asked("project_slug", default="wine"), *SMALL.questions))
    taken = UsageError("The folder is not empty.", hint="Choose another.")

    def refuse(answers: Mapping[str, Value]) -> MlopsgenError | None:
        return taken if answers["project_slug"] == "wine" else None

    answers, _ = converse(
        ("Change", []), ("Change", None), ("project_slug", "beer"), ("Write", "write"), questions=named, refuse=refuse
    )
    assert answers["project_slug"] == "beer"


def test_new_questions_of_another_template_are_asked_with_its_own_defaults():
    script = Script(("title", None), ("docs", "yes"), ("theme", "light"))
    new = [SMALL.by_key[key] for key in ("title", "docs", "theme")]
    found = wizard.ask_new(new, {"name": "beer", "packages": [], "notice": ""}, script, SMALL)
    assert found == {"docs": True, "theme": "light"}


# --- in a real terminal ---------------------------------------------------------------------------------------------


def test_a_person_starts_from_the_template_of_an_organisation(person, tmp_path, git):
    publish_derived(tmp_path / "mlops-config")
    terminal = person("wine", "--template", str(tmp_path / "mlops-config"), size=(40, 200), COLUMNS="200")
    terminal.see("owner acme (acme)").see("visibility internal (decided by acme)").see("cost_centre (will be asked)")
    terminal.see("Change anything?").see("acme: questions of its own")
    terminal.type(DOWN, DOWN, DOWN, " ", UP, UP, UP, UP, " ", ENTER)  # staging, and the last one
    terminal.see("Engine: kubeflow, decided by acme.").see(FRANKFURT).see("Namespace").type(ENTER)
    for title in ("Login", "Access", "Wait", "MLflow address", "Runner"):
        terminal.see(title).type(ENTER)
    terminal.see("cost_centre").type(ENTER).see("it is empty").type("C1", ENTER)
    terminal.see("graphics card").see("gpu").see("(back)").type(UP, ENTER).see("gpu_type").see("(back)").type(
        DOWN, ENTER
    )
    terminal.see("gpu_type a100").see("Write it?").see("cancel").type(ENTER)
    assert terminal.end() == 0
    record = (tmp_path / "place" / "wine" / ".copier-answers.yml").read_text()
    assert all(line in record for line in ("cost_centre: C1", "gpu_type: a100", "owner: acme", "visibility: internal"))


BOUNDS = """
low: 1
high: {type: int, default: 3, validator: "{% if high < low %}It is less than low.{% endif %}"}
"""


def test_a_person_starts_from_a_template_of_others_in_a_narrow_terminal_without_colours(person, tmp_path):
    Published(tmp_path / "wine-template", {**FILES, "copier.yml": FILES["copier.yml"] + BOUNDS})
    terminal = person("--template", str(tmp_path / "wine-template"), size=(40, 44), NO_COLOR="1")
    terminal.see("template names").see("Folder").type(ENTER).see("It is empty").type("red", ENTER)
    terminal.see("public").see("no").see("Folder").see("Change anything?").see("high")
    terminal.type(DOWN, DOWN, " ", UP, UP, UP, UP, " ", ENTER).see("engine").see("(back)").type(DOWN, ENTER)
    terminal.see("endpoint").see("https://wine").type(CLEAR, "ftp://x", ENTER).see("begin with")
    terminal.type(CLEAR, "https://red.example.org", ENTER).see("low").type(CLEAR, "9", ENTER)
    terminal.see("Write it?").see("cancel").type(ENTER)
    # Only copier can tell that two answers do not go together; what was typed is still there.
    terminal.see("less than low").see("https://red").see("Change anything?").see("high").type(UP, " ", ENTER)
    terminal.see("high").type(CLEAR, "10", ENTER).see("Write it?").see("cancel").type(ENTER)
    assert terminal.end() == 0
    assert not re.search(r"\x1b\[[0-9;]*3[1-7]m", terminal.seen)
    assert (tmp_path / "place" / "red" / "cluster" / "address.txt").read_text() == "https://red.example.org\n"
