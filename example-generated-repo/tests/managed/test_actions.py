"""Rules of actions: what they may say, when they apply, and what their texts become."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from report_cases import decision, failed, report
from support import TEMPLATE

from helpers.actions import sample, texts
from helpers.actions.conditions import met
from helpers.actions.rules import split_address
from helpers.config import BranchConfig, load_config
from helpers.errors import ConfigurationError
from helpers.records import Report
from helpers.svg import LIGHT, Drawing

DOCUMENT = TEMPLATE / "docs" / "actions.md"
CONDITIONS = ["improved", "regressed", "failed", "succeeded", "data_changed", "always"]
GATE = {"gate": {"metrics": {"rmse": {"higher_is_better": False, "threshold": 80}}}}


def configured(root: Path, document: dict[str, Any]) -> BranchConfig:
    path = root / "src" / "pipelines" / "development" / "config.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"version": 1, **GATE, **document}, sort_keys=False), encoding="utf-8")
    return load_config(root, "development")


def examples() -> list[dict[str, Any]]:
    blocks = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return [yaml.safe_load(block) for block in blocks]


@pytest.mark.parametrize(
    "example", examples(), ids=lambda example: ", ".join(rule["do"] for rule in example["actions"])
)
def test_documented_examples_are_valid(example: dict[str, Any], tmp_path: Path) -> None:
    assert configured(tmp_path, example).actions


def test_every_field_of_a_template_is_documented() -> None:
    told = DOCUMENT.read_text(encoding="utf-8")
    fields = texts.fields(sample.report(BranchConfig(version=1), "development"), key="k")
    names = set(fields) | {f".{name}" for key in ("model", "failure", "run") for name in fields[key]}
    names |= {f".{name}" for name in fields["metrics"]["rmse"]} | {f".{name}" for name in fields["data"][0]}
    assert [name for name in sorted(names) if f"`{name}" not in told] == []


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (report(), "improved succeeded always"),
        (report(decision=decision("first")), "improved succeeded always"),
        (report(decision=decision("unchanged"), trigger="data"), "succeeded data_changed always"),
        (report(decision=decision("regressed", passed=False)), "regressed succeeded always"),
        (report(decision=decision("rejected", passed=False)), "regressed succeeded always"),
        (failed(), "failed always"),
    ],
)
def test_when_a_rule_applies(found: Report, expected: str) -> None:
    assert met(CONDITIONS, found) == expected.split()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"do": "email", "to": "a@b.c", "sbject": "x"}, ":11: Unknown key 'sbject' in 'actions.0'. Did you mean"),
        ({"do": "email", "to": "nobody"}, "'nobody' is no e-mail address"),
        ({"do": "email", "to": "ada@example.com\nBcc: eve@example.com"}, "is no e-mail address"),
        ({"do": "email", "to": []}, "should have at least 1 item"),
        ({"do": "email", "to": "a@b.c", "report": False}, "needs a 'text'"),
        ({"do": "email", "to": "a@b.c", "subject": "{{ modl.name }}"}, ":11: The template does not work: 'modl'"),
        ({"do": "email", "to": "a@b.c", "subject": "{{ metrics.rmes.value }}"}, "Did you mean 'rmse'?"),
        ({"do": "email", "to": "a@b.c", "subject": "{{ title"}, "The template is not valid"),
        ({"do": "email", "to": "a@b.c", "subject": "{{ ''.__class__.__mro__ }}"}, "unsafe"),
        ({"do": "mail", "to": "a@b.c"}, "does not match any of the expected tags: 'email'"),
        ({"do": "repository_dispatch", "event": "x" * 101}, "at most 100 characters"),
        ({"do": "repository_dispatch", "event": "x", "payload": dict.fromkeys("abcdefghij")}, "at most 9 are yours"),
        ({"do": "repository_dispatch", "event": "x", "payload": {"a": {"b": ["{{ no }}"]}}}, ":14: The template"),
        ({"do": "repository_dispatch", "event": "x", "repository": "https://github.com/a/b"}, "has to be owner/name"),
        ({"do": "workflow_dispatch", "workflow": "x.yml", "repository": "a/b"}, "needs a 'ref'"),
        ({"do": "workflow_dispatch", "workflow": "../x.yml"}, "should match pattern"),
        ({"do": "webhook", "url": "ftp://x"}, "starts with https://"),
        ({"do": "webhook", "url": "https://ada:secret@example.com"}, "is a secret: name its variable with url_from"),
        ({"do": "jenkins", "job": "a//b"}, "folder/job"),
    ],
)  # fmt: skip
def test_what_a_rule_may_not_say(rule: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        configured(tmp_path, {"actions": [{"when": "always", **rule}]})
    assert said in str(caught.value)
    assert "src/pipelines/development/config.yaml:" in caught.value.where


def test_two_rules_need_two_names_and_a_pipeline_that_sends_needs_a_cluster(tmp_path: Path) -> None:
    rule = {"when": "always", "do": "webhook", "name": "same"}
    with pytest.raises(ConfigurationError, match="The rule number 1 is called 'same' too"):
        configured(tmp_path, {"actions": [rule, {**rule, "when": "failed"}]})
    with pytest.raises(ConfigurationError, match="Only a pipeline on Kubeflow can send"):
        configured(tmp_path, {"sent_from": "pipeline"})
    assert configured(tmp_path, {"sent_from": "pipeline", "engine": "kubeflow", "actions": None}).actions == []


def test_a_template_that_works_works_for_every_training() -> None:
    text = "{{ model.version }}|{{ failure.message }}|{{ metrics.rmse.shown }}|{{ metrics.other.change }}"
    assert texts.render(text, texts.fields(failed(), key="k")).startswith("|Row 17")
    assert texts.render(text, texts.fields(report(), key="k")) == "5||54.55|\u2013"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ada@example.com", ("", "ada@example.com")),
        ("Ada Lovelace <ada@example.com>", ("Ada Lovelace", "ada@example.com")),
        ('"Lovelace, Ada" <ada@example.com>', ("Lovelace, Ada", "ada@example.com")),
        ("J\u00f6rg <j\u00f6rg@b\u00fccher.example>", ("J\u00f6rg", "j\u00f6rg@b\u00fccher.example")),
    ],
)
def test_addresses(text: str, expected: tuple[str, str]) -> None:
    assert split_address(text) == expected


def test_every_mark_of_a_picture_becomes_png() -> None:
    from helpers.png import png

    drawing = Drawing(100, 60, LIGHT)
    empty = png(drawing.svg())
    seen = {empty}
    drawing.line([(5, 5), (90, 50)], LIGHT.mark, dash="5 4")
    seen.add(png(drawing.svg()))
    drawing.dot(20, 20, 8, LIGHT.mark, stroke=LIGHT.warm, opacity=0.5)
    seen.add(png(drawing.svg()))
    drawing.diamond(50, 20, 8, LIGHT.warm)
    seen.add(png(drawing.svg()))
    drawing.cell(60, 30, 20, 20, LIGHT.tint(0.5))
    seen.add(png(drawing.svg()))
    drawing.text(50, 30, "5 $x$ <\u2212\u6a21>", turn=-45, anchor="middle")
    seen.add(png(drawing.svg()))
    assert len(seen) == 6 and all(picture.startswith(b"\x89PNG") for picture in seen)
    with pytest.raises(ValueError, match="no picture"):
        png("<svg")
