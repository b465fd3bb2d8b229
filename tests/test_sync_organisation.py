"""What an organisation decides about answers, and updates: locks win, presets never change what was answered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlopsgen.adapters.templates import open_template
from mlopsgen.constants import ANSWERS_FILE
from mlopsgen.ports import Template
from mlopsgen.question_set import LockedAnswer
from mlopsgen.sync.ahead import look_ahead
from mlopsgen.sync.migrations import Migration
from mlopsgen.sync.pull_parts import Room, answers
from mlopsgen.sync.record import read_record
from mlopsgen.sync.start import Given, Start
from mlopsgen.sync.summary import summary_lines
from mlopsgen.sync.wording import decisions
from tests.merge_toys import Done, Owner
from tests.organisation_toys import DECIDED, NEVER, OWN, files
from tests.sync_toys import environment
from tests.template_toys import Published

ROOM = Room(files=9, notes=9, changelog=999, diffs=9, diff_lines=9)
BEFORE = "version: 1\nname: acme\npreset: {license: mit}\n"
MORE = OWN.replace("gpu:", "team: {type: str, default: none, help: Whose it is}\ngpu:")
LATER = DECIDED.replace("preset:\n", "preset:\n  team: ml\n").replace("license: mit", "license: apache-2.0")


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A person's environment."""
    return environment(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, environ: dict[str, str]) -> Template:
    """Three versions: presets alone; then locks, other presets and a new question; then nothing new but a lock."""
    published = Published(tmp_path_factory.mktemp("published") / "acme", files(BEFORE))
    published.release("v1.1.0", files(LATER, MORE), "Decided")
    published.release("v1.2.0", files(LATER.replace("  python", "  gpu: true\n  python"), MORE), "More")
    return open_template(str(published.path), environ, given=True)


def made(template: Template, folder: Path, environ: dict[str, str], **given: object) -> Owner:
    """A repository of the first version."""
    asked = template.questions("v1.0.0")
    complete = asked.resolve({"slug": "wine", "project_name": "Wine", **given})
    return Owner(folder / "owner", template, environ, answers=asked.for_engine(complete, given))


def told(done: Done) -> dict[str, tuple[object, object, str, str]]:
    return {new.key: (new.before, new.value, new.origin, new.decided_by) for new in done.update.new_answers}


def test_the_locks_of_the_new_version_become_the_projects_answers(tmp_path, environ, template):
    owner = made(template, tmp_path, environ, python_version="3.13")
    assert owner.read("settings.txt") == "private 3.13 False small\n"
    done = owner.update(to="v1.1.0")
    assert told(done) == {
        "visibility": ("private", "internal", "organisation", "acme"),
        "python_version": ("3.13", "3.12", "organisation", "acme"),
        "team": (None, "ml", "preset", "acme"),
    }
    assert done.text("settings.txt") == "internal 3.12 False small\n"
    assert read_record(owner.take(done).read(ANSWERS_FILE)).answers["visibility"] == "internal"
    assert decisions(done.update) == "decided by acme: python_version, visibility"
    later = owner.update(to="v1.2.0")
    assert told(later) == {
        "gpu": (False, True, "organisation", "acme"), "gpu_type": (None, "small", "default", ""),
    }  # fmt: skip


def test_a_preset_changes_no_answer_that_was_recorded(tmp_path, environ, template):
    owner = made(template, tmp_path, environ)
    assert "The licence is mit, paid by CC-wine" in owner.read("README.md")
    done = owner.update(to="v1.1.0")
    assert read_record(owner.take(done).read(ANSWERS_FILE)).answers["license"] == "mit"
    assert "The licence is mit, paid by CC-wine" in owner.read("README.md")


def test_another_answer_than_the_locked_one_is_refused_and_the_same_one_is_fine(tmp_path, environ, template):
    owner = made(template, tmp_path, environ)
    given = Given(answers={"visibility": "public"}, origin={"visibility": "--set visibility"})
    with pytest.raises(LockedAnswer) as caught:
        owner.update(to="v1.1.0", given=given)
    assert (caught.value.where, NEVER in caught.value.message) == ("--set visibility", True)
    done = owner.update(to="v1.1.0", given=Given(answers={"visibility": "internal", "cost_centre": "CC-7"}))
    assert told(done)["cost_centre"] == ("CC-wine", "CC-7", "given", "")
    assert done.text("settings.txt").startswith("internal")
    # The version that it has locks nothing: there it may be answered.
    assert told(owner.update(to="v1.0.0", given=given)) == {"visibility": ("private", "public", "given", "")}


def test_a_lock_that_was_edited_in_the_record_is_set_back_and_said(tmp_path, environ, template):
    owner = made(template, tmp_path, environ)
    owner.take(owner.update(to="v1.1.0"))
    intact = owner.read(ANSWERS_FILE)
    owner.write(ANSWERS_FILE, intact.replace("visibility: internal", "visibility: public"))
    done = owner.update(to="v1.1.0")
    assert told(done) == {}
    assert f"'visibility' was edited to 'public'; it is decided by acme and is 'internal' again. {NEVER}" in (
        done.update.warnings
    )
    owner.take(done)
    assert (owner.read(ANSWERS_FILE), owner.read("settings.txt")) == (intact, "internal 3.12 False small\n")
    assert owner.update(to="v1.1.0").update.is_empty


def test_what_is_said_names_who_decided_and_why(tmp_path, environ, template):
    done = made(template, tmp_path, environ).update(to="v1.1.0")
    lines = "\n".join(summary_lines(done.update))
    line = next(line for line in lines.splitlines() if "visibility: private" in line)
    assert line.startswith("  ~ visibility: private -> internal (decided by acme)")
    assert line.endswith(NEVER)
    assert "+ team: ml (preset by acme)" in lines
    text = "\n".join(answers(done.update, ROOM))
    assert "(decided by acme, before `private`)" in text
    assert "(preset by acme, new)" in text
    assert f"(decided by acme, before `private`) — Visibility. {NEVER}" in text
    assert "To answer otherwise" in text
    locks = tuple(new for new in done.update.new_answers if new.origin == "organisation")
    alone = replace(done.update, new_answers=locks)
    assert "To answer otherwise" not in "\n".join(answers(alone, ROOM))
    assert "--set" not in "\n".join(summary_lines(alone))


def test_locked_questions_are_not_asked_and_new_ones_of_the_organisation_are(tmp_path, environ, template):
    asked: list[str] = []

    def ask(questions: Any, known: Any, every: Any) -> dict[str, object]:
        asked.extend(question.key for question in questions)
        assert known["team"] == "ml"
        assert every.decided_by("team") == "acme"
        return {"team": "wine-makers"}

    owner = made(template, tmp_path, environ)
    done = owner.update(to="v1.1.0", ask=ask)
    assert asked == ["team"]
    assert told(done)["team"] == (None, "wine-makers", "asked", "")


def test_without_a_record_the_files_may_be_made_with_what_is_locked_by_now(tmp_path, environ, template):
    owner = made(template, tmp_path, environ, visibility="public")
    owner.remove(ANSWERS_FILE).commit()
    given = Given(answers={"slug": "wine", "project_name": "Wine", "visibility": "public"})
    with pytest.raises(LockedAnswer):
        owner.update(to="v1.1.0", rebase_from="v1.0.0", given=given)
    done = owner.update(to="v1.0.0", rebase_from="v1.0.0", given=given)
    assert done.update.conflicts == ()
    assert done.kinds() == {}


def test_migrations_go_by_the_version_of_ours_that_is_inside(template):
    """Acme's v1.1.0 holds our v0.9.0: what happened to our questions by then happens to Acme's projects."""

    class Stamped:
        address, newest, questions = template.address, template.newest, template.questions

        def read(self, version: str, name: str) -> str | None:
            stamps = {"v1.0.0": "v0.2.0\n", "v1.1.0": "v0.9.0\n"}
            return stamps[version] if name == ".mlopsgen-template" else template.read(version, name)

    def change(found: dict[str, Any]) -> dict[str, Any]:
        return {**found, "team": found["cost_centre"]}

    answers = {**template.questions("v1.0.0").resolve({"slug": "wine"}), "cost_centre": "CC-5"}
    start = Start(record=read_record(""), version="v1.0.0", answers=answers, today=answers)
    for version, team in (("v0.2.0", "ml"), ("v0.9.0", "CC-5"), ("v1.0.0", "ml")):
        steps = (Migration(version=version, says="The cost centre is the team.", change=change),)
        ahead = look_ahead(start, "v1.1.0", Stamped(), Given(), migrations=steps)
        assert ahead.answers["team"] == team
