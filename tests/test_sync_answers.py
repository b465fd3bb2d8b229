"""The answers after an update: migrated, new ones asked or defaulted, and what is different in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlopsgen.answers import BY_KEY, QUESTIONS, resolve
from mlopsgen.constants import ANSWERS_FILE
from mlopsgen.errors import InvalidAnswer, MissingAnswer
from mlopsgen.question_set import QuestionSet
from mlopsgen.questions import Question, Value
from mlopsgen.sync.ahead import Ahead, Ask, look_ahead, renew
from mlopsgen.sync.migrations import Migration, migrate, version_key
from mlopsgen.sync.record import digest_of, read_record
from mlopsgen.sync.start import Given, Start
from tests.record_toys import ToyTemplate

TODAY = (Path(__file__).resolve().parents[1] / "copier.yml").read_text(encoding="utf-8")


class OurTemplate(ToyTemplate):
    """A template with our questions; its first version does not ask about updates."""

    def __init__(self, newest: str = TODAY) -> None:
        super().__init__(files={name: {} for name in ("v0.1.0", "v0.2.0", "v0.3.0")})
        self.copier = {"v0.1.0": without(TODAY, "template_update"), "v0.2.0": TODAY, "v0.3.0": newest}

    def record(self, version: str, answers: Mapping[str, Any]) -> str:
        """The record, as copier writes it: without what is not asked."""
        counting = {key: value for key, value in answers.items() if key not in BY_KEY or BY_KEY[key].asked(answers)}
        return yaml.safe_dump({"_commit": version, "_digest": digest_of(counting), **counting})


def without(text: str, *keys: str) -> str:
    """The text of questions without some of them."""
    return "\n\n".join(block for block in text.split("\n\n") if block.split(":")[0] not in keys)


def recorded(**given: object) -> dict[str, Any]:
    """What a repository of v0.1.0 recorded."""
    answers = resolve(given)
    asked = [question.key for question in QUESTIONS if question.asked(answers)]
    return {key: answers[key] for key in asked if key != "template_update"}


def started(answers: Mapping[str, Any], version: str = "v0.1.0", today: Mapping[str, Any] | None = None) -> Start:
    """The start of an update."""
    record = read_record(yaml.safe_dump({"_commit": version, **(today or answers)}, sort_keys=False))
    return Start(record=record, version=version, answers=answers, today=today or answers)


def changed(start: Start, ahead: Ahead, template: ToyTemplate) -> dict[str, tuple[object, object, str]]:
    """What is different, as the pull request tells it."""
    found = renew(start, ahead, template, template.record(ahead.version, ahead.answers)).new
    return {new.key: (new.before, new.value, new.origin) for new in found}


class Asking:
    """Answers what it is asked."""

    def __init__(self, **answers: object) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(
        self, questions: Sequence[Question], answers: Mapping[str, Value], asked: QuestionSet
    ) -> Mapping[str, object]:
        self.asked += [question.key for question in questions]
        assert all(question is asked.by_key[question.key] for question in questions)
        assert all(question.key in answers for question in questions)
        return self.answers


def ahead_of(
    start: Start, version: str = "v0.2.0", ask: Ask | None = None, template: ToyTemplate | None = None, **given: object
) -> Ahead:
    return look_ahead(start, version, template or OurTemplate(), Given(answers=given), ask)


def test_a_new_question_has_its_default_and_that_is_told():
    start = started(recorded(slug="wine", owner="Ada"))
    ahead = ahead_of(start)
    assert ahead.answers["slug"] == "wine"
    assert changed(start, ahead, OurTemplate()) == {"template_update": (None, "off", "default")}
    new = renew(start, ahead, OurTemplate(), OurTemplate().record("v0.2.0", ahead.answers)).new[0]
    assert new.title == BY_KEY["template_update"].title
    assert new.help == BY_KEY["template_update"].help


def test_a_new_question_is_asked_once_and_a_known_one_never():
    start = started(recorded())
    asking = Asking(template_update="weekly")
    ahead = ahead_of(start, ask=asking)
    assert asking.asked == ["template_update"]
    assert changed(start, ahead, OurTemplate()) == {"template_update": (None, "weekly", "asked")}
    again = Asking()
    ahead_of(started({**recorded(), "template_update": "weekly"}, "v0.2.0"), "v0.3.0", again)
    ahead_of(start, ask=again, template_update="monthly")
    assert again.asked == []


def test_given_answers_win_and_known_ones_can_be_changed():
    start = started(recorded(owner="Ada"))
    ahead = ahead_of(start, owner="Grace", template_update="monthly", reviewers="ada, acme/ml")
    assert changed(start, ahead, OurTemplate()) == {
        "owner": ("Ada", "Grace", "given"),
        "reviewers": ([], ["ada", "acme/ml"], "given"),
        "template_update": (None, "monthly", "given"),
    }


def test_answers_that_count_no_more_are_dropped_and_those_that_count_now_are_asked():
    cluster = {"development_engine": "kubeflow", "development_endpoint": "https://kubeflow.example.org"}
    start = started(recorded(**cluster))
    ahead = ahead_of(start, development_engine="local")
    found = changed(start, ahead, OurTemplate())
    assert found["development_engine"] == ("kubeflow", "local", "given")
    assert found["development_endpoint"] == ("https://kubeflow.example.org", None, "dropped")
    asking = Asking(development_endpoint="https://other.example.org")
    ahead = ahead_of(started(recorded()), ask=asking, development_engine="kubeflow")
    assert set(asking.asked) == {
        "development_access", "development_endpoint", "development_namespace", "development_login", "development_wait",
        "template_update",
    }  # fmt: skip
    assert ahead.answers["development_endpoint"] == "https://other.example.org"
    with pytest.raises(MissingAnswer) as caught:
        ahead_of(started(recorded()), development_engine="kubeflow")
    assert caught.value.where == "development_endpoint"


def test_an_edited_answer_is_told_as_such():
    before = recorded(owner="Ada")
    start = started(before, today={**before, "owner": "Grace"})
    found = changed(start, ahead_of(start), OurTemplate())
    assert found["owner"] == ("Ada", "Grace", "edited")


@pytest.mark.parametrize(
    ("given", "said", "hint"),
    [
        ({"taks": "binary"}, "no answer 'taks'", "Did you mean 'task'?"),
        ({"task": "magic"}, "'task' cannot be 'magic'", ""),
        ({"development_namespace": "mine"}, "counts only when development_engine is 'kubeflow'", ""),
    ],
)
def test_a_given_answer_that_is_not_valid_is_refused(given, said, hint):
    with pytest.raises(InvalidAnswer) as caught:
        ahead_of(started(recorded()), **given)
    assert said in caught.value.message
    assert hint in caught.value.hint


def test_a_question_that_the_version_has_not_is_refused():
    with pytest.raises(InvalidAnswer) as caught:
        ahead_of(started(recorded()), "v0.1.0", template_update="weekly")
    assert caught.value.message == "The template v0.1.0 has no question 'template_update'."


def test_a_recorded_answer_that_is_not_valid_any_more_names_its_line_and_the_way():
    answers = {**recorded(), "data_watch": "every minute"}
    start = started(answers)
    with pytest.raises(InvalidAnswer) as caught:
        ahead_of(start)
    assert caught.value.where == f"{ANSWERS_FILE}:{start.record.lines['data_watch']}"
    assert "--set KEY=VALUE" in caught.value.hint
    assert ahead_of(start, data_watch="daily").answers["data_watch"] == "daily"


def test_an_older_version_gets_only_the_answers_that_it_asks_for():
    start = started({**recorded(), "template_update": "weekly"}, "v0.2.0")
    ahead = ahead_of(start, "v0.1.0")
    assert "template_update" not in ahead.answers
    assert changed(start, ahead, OurTemplate()) == {"template_update": ("weekly", None, "dropped")}


def test_questions_that_this_mlopsgen_does_not_know_yet_are_left_to_the_engine():
    newer = f"{TODAY}\n\nmascot:\n  type: str\n  default: cat\n  help: An animal.\n"
    template = OurTemplate(newer)
    start = started(recorded())
    ahead = ahead_of(start, "v0.3.0", template=template)
    assert "mascot" not in ahead.answers
    rendered = template.record("v0.3.0", {**ahead.answers, "mascot": "cat"})
    found = {new.key: new for new in renew(start, ahead, template, rendered).new}
    assert (found["mascot"].value, found["mascot"].origin, found["mascot"].help) == ("cat", "default", "An animal.")
    assert ahead_of(start, "v0.3.0", template=template, mascot="dog").answers["mascot"] == "dog"


def test_another_templates_new_questions_have_the_engines_defaults_and_are_told():
    template = ToyTemplate()
    start = started({"name": "wine"}, "v1.0.0")
    ahead = look_ahead(start, "v2.0.0", template, Given())
    assert ahead.answers == {"name": "wine"}
    assert changed(start, ahead, template) == {"size": (None, 1, "default")}
    found = renew(start, ahead, template, template.record("v2.0.0", ahead.answers))
    assert (found.new[0].title, found.new[0].help) == ("size", "How large it is")
    assert dict(found.answers) == {"name": "wine", "size": 1}
    assert look_ahead(start, "v2.0.0", template, Given(answers={"size": "2"})).answers["size"] == 2
    with pytest.raises(InvalidAnswer, match="a whole number is expected"):
        look_ahead(start, "v2.0.0", template, Given(answers={"size": "many"}))
    with pytest.raises(InvalidAnswer) as caught:
        look_ahead(start, "v2.0.0", template, Given(answers={"colour": "red"}, origin={"colour": "answers.yml:3"}))
    assert (caught.value.where, caught.value.hint) == ("answers.yml:3", "It asks: name, size.")


def test_another_templates_new_questions_are_asked_once_and_those_that_are_recorded_never():
    template, asking = ToyTemplate(), Asking(size=3)
    start = started({"name": "wine"}, "v1.0.0")
    ahead = look_ahead(start, "v2.0.0", template, Given(), asking)
    assert (asking.asked, ahead.answers) == (["size"], {"name": "wine", "size": 3})
    assert changed(start, ahead, template) == {"size": (None, 3, "asked")}


@pytest.mark.parametrize(
    "text",
    ["name: !include other.yml\nsize: 1\n_tasks: []", "name: toy\n---\nsize:\n  type: int", "name: {help: 7}\nsize:"],
)
def test_questions_are_read_whatever_copier_can_do_beyond_yaml(text):
    asked = ToyTemplate(copier={"v1.0.0": text}).questions("v1.0.0")
    assert sorted([*asked.by_key, *asked.left]) == ["name", "size"]
    assert not asked.ours


def test_questions_that_cannot_be_read_are_the_engines_to_refuse():
    template = ToyTemplate(copier={"v1.0.0": "name: [", "v2.0.0": ""})
    assert not template.questions("v1.0.0").questions
    assert look_ahead(started({"a": 1}), "v2.0.0", template, Given(answers={"b": 2})).answers == {"a": 1, "b": 2}


def test_our_questions_are_known_in_any_template_that_has_them():
    assert OurTemplate().questions("v0.1.0").ours
    assert "template_update" not in OurTemplate().questions("v0.1.0").by_key
    assert set(OurTemplate().questions("v0.2.0").by_key) == set(BY_KEY)


def renamed(before: str, after: str, version: str) -> Migration:
    def change(answers: dict[str, Any]) -> dict[str, Any]:
        return {after if key == before else key: value for key, value in answers.items()}

    return Migration(version=version, says=f"'{before}' is called '{after}'.", change=change)


def test_migrations_run_in_order_for_the_versions_between_and_never_backwards():
    steps = (renamed("a", "b", "v0.2.0"), renamed("b", "c", "v0.10.0"), renamed("c", "d", "v1.0.0"))
    assert migrate({"a": 1}, "v0.1.0", "v0.10.0", steps) == ({"c": 1}, ("'a' is called 'b'.", "'b' is called 'c'."))
    assert migrate({"a": 1}, "v0.2.0", "v0.9.9", steps) == ({"a": 1}, ())
    assert migrate({"x": 1}, "v0.1.0", "v1.0.0", steps) == ({"x": 1}, ())
    assert migrate({"d": 1}, "v1.0.0", "v0.1.0", steps) == ({"d": 1}, ())
    assert version_key("v0.2.0") < version_key("v0.10.0")


def test_a_migrated_answer_is_told_and_not_asked():
    steps = (renamed("sort_of_owner", "owner", "v0.2.0"),)
    before = {("sort_of_owner" if key == "owner" else key): value for key, value in recorded(owner="Ada").items()}
    start, asking = started(before), Asking()
    ahead = look_ahead(start, "v0.2.0", OurTemplate(), Given(), asking, migrations=steps)
    assert ahead.said == ("'sort_of_owner' is called 'owner'.",)
    assert asking.asked == ["template_update"]
    found = changed(start, ahead, OurTemplate())
    assert found["owner"] == (None, "Ada", "migrated")
    assert found["sort_of_owner"] == ("Ada", None, "dropped")
