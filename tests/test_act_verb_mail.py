"""Mails of the verb ``act``, taken by real servers: what is in them, who gets them, what is told when none arrives."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.actions_stage import Acting, Branch, acting
from tests.canaries import canary
from tests.mail_servers import USER, Certificate, free_port, mail_server, make_certificate, silent_server

PASSWORD = canary("mailpassword")
MAIL = {"do": "email", "to": ["ada@example.com"]}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Acting]:
    with acting(tmp_path_factory.mktemp("acting")) as made:
        yield made


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificates"), "localhost", "127.0.0.1")


@pytest.fixture
def branch(process: Acting, certificate: Certificate, tmp_path: Path) -> Branch:
    made = Branch(process, tmp_path / "my répo")
    made.environ = {"CA_CERTIFICATE": certificate.text, "SMTP_FROM": "Trainings <training@example.com>"}
    return made


def through(
    branch: Branch, port: int, *, security: str = "starttls", login: bool = True, host: str = "localhost"
) -> None:
    branch.config["mail"] = {"host": host, "port": port, "security": security}
    if login:
        branch.environ |= {"SMTP_USERNAME": USER, "SMTP_PASSWORD": PASSWORD}


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_with_plots_goes_through_an_encrypted_login(branch, certificate, security):
    with mail_server(security=security, certificate=certificate, password=PASSWORD) as box:
        through(branch, box.port, security=security)
        (result,) = branch.results(
            {**MAIL, "to": ["Jörg Müller <joerg@example.com>", "ada@bücher.example"], "bcc": "boss@example.com"}
        )
    assert result["state"] == "delivered"
    assert result["attempts"] == 1
    sender, people, content = box.taken[0]
    assert sender == "training@example.com"
    assert people == ["joerg@example.com", "ada@xn--bcher-kva.example", "boss@example.com"]
    assert b"boss" not in content
    mail = box.mail
    assert mail["Subject"] == "Accepted: diabetes training on development (rmse 54.55)"
    assert mail["To"] == "Jörg Müller <joerg@example.com>, ada@xn--bcher-kva.example"
    assert mail["Message-ID"] == f"<{result['key']}@example.com>"
    page = mail.get_body(("html",)).get_content()
    shown = re.findall(r'src="cid:([^"]+)"', page)
    pictures = {
        part["Content-ID"]: part.get_content() for part in mail.walk() if part.get_content_type() == "image/png"
    }
    assert len(shown) == 3
    assert {f"<{name}>" for name in shown} == set(pictures)
    for picture in pictures.values():
        assert picture.startswith(b"\x89PNG\r\n\x1a\n")
        assert struct.unpack(">II", picture[16:24])[0] == 720
    assert "<svg" not in page
    assert "data:" not in page
    assert "<script" not in page
    assert "http-equiv" not in page


def test_the_text_part_stands_alone(branch, certificate):
    branch.change_report(repository="https://github.com/acme/diabetes")
    with mail_server(security="none") as box:
        through(branch, box.port, security="none", login=False)
        branch.act(MAIL)
    text = box.mail.get_body(("plain",)).get_content()
    assert text.startswith("✓ Accepted: better than the champion\ndiabetes · training · development\n\nMetric")
    assert re.search(r"^rmse +54\.55 +58\.40 +↓ .3\.85 \(.6\.6 %\) better +pass$", text, re.MULTILINE)
    assert "Version 5 is now the champion of development." in text
    assert "Commit: https://github.com/acme/diabetes/commit/8c1f0a94be3d2f10a7c5e6b9d8f7a6c5b4e3d2f1" in text
    assert "Sent because of the rule 'when: always' in src/pipelines/development/config.yaml" in text


def test_a_failure_is_told_with_its_next_step(branch):
    branch.report("failed")
    with mail_server(security="none") as box:
        through(branch, box.port, security="none", login=False)
        branch.act({**MAIL, "when": "failed"}, {**MAIL, "when": "improved"})
    assert box.mail["Subject"] == "Failed: diabetes training on development"
    text = box.mail.get_body(("plain",)).get_content()
    assert "Row 17 of column age says 'old'." in text
    assert "Next step: Correct row 17." in text


def test_templates_make_the_subject_and_the_text(branch):
    with mail_server(security="none") as box:
        through(branch, box.port, security="none", login=False)
        rule = {
            "subject": "{{ branch }}: {{ metrics.rmse.shown }} ✓",
            "text": "Hello,\n\nversion {{ model.version }} <is> ready.",
            "report": False,
        }
        branch.act({**MAIL, **rule, "attach": ["json"]})
    mail = box.mail
    assert mail["Subject"] == "development: 54.55 ✓"
    assert mail.get_body(("plain",)).get_content().startswith("Hello,\n\nversion 5 <is> ready.\n\n--")
    assert "version 5 &lt;is&gt; ready." in mail.get_body(("html",)).get_content()
    assert [part.get_filename() for part in mail.iter_attachments()] == ["report.json"]


def test_nothing_of_a_report_becomes_a_header_or_markup(branch):
    branch.report("hostile")
    branch.change_report(branch="development")
    with mail_server(security="none") as box:
        through(branch, box.port, security="none", login=False)
        done = branch.act({**MAIL, "subject": "x\nBcc: eve@example.com {{ project }}"})
    assert done.code == 0, done.said
    mail = box.mail
    assert box.everybody == ["ada@example.com"]
    assert mail["Bcc"] is None
    assert "Bcc: eve@example.com" in mail["Subject"]
    page = mail.get_body(("html",)).get_content()
    assert "<script" not in page
    assert "onerror=y>" not in page


def test_a_long_list_is_sent_in_parts_and_a_refused_address_stops_nobody_else(branch):
    people = [f"person{number}@example.com" for number in range(120)]
    with mail_server(security="none") as box:
        through(branch, box.port, security="none", login=False)
        box.recipient = lambda who: "550 5.1.1 no such person" if who.startswith("person7@") else None
        rule = {**MAIL, "to": people, "name": "all"}
        done = branch.act(rule)
        assert done.code == 1 or done.code == 5
        (result,) = branch.results(rule)
        assert result["state"] == "partly"
        assert result["refused"] == {"person7@example.com": "550 5.1.1 no such person"}
        assert sorted(box.everybody) == sorted(set(people) - {"person7@example.com"})  # nobody twice
        assert len(box.taken) == 3
        box.recipient = lambda _: None
        assert branch.act(rule).code == 0
    assert sorted(box.everybody) == sorted(people)
    assert "not for person7@example.com: 550 5.1.1 no such person" in done.err


def test_what_was_sent_is_not_sent_again_and_a_new_training_is(branch, tmp_path):
    with mail_server(security="none") as box:
        through(branch, box.port, security="none", login=False)
        first = branch.results(MAIL)[0]
        assert branch.results(MAIL)[0]["state"] == "already"
        kept = tmp_path / "actions.json"
        (branch.folder / "actions.json").rename(kept)
        assert branch.results(MAIL, arguments=("--sent", str(kept)))[0]["state"] == "already"
        branch.report("improved")
        assert branch.results(MAIL, arguments=("--sent", str(tmp_path / "missing.json")))[0]["key"] == first["key"]
        branch.report("binary")
        run = json.loads((branch.folder / "report.json").read_text())["run"] | {"id": "another"}
        branch.change_report(run=run)
        again = branch.results(MAIL, arguments=("--sent", str(kept)))[0]
        assert again["state"] == "delivered"
        assert again["key"] != first["key"]
    assert len({mail["Message-ID"] for mail in box.mails}) == 2
    assert len(box.mails) == 3


def test_trouble_of_the_server_is_tried_again(branch):
    with mail_server(security="none") as box:
        through(branch, box.port, security="none", login=False)
        box.data = ["451 4.3.0 come back later"]
        done = branch.act({**MAIL, "attempts": 2})
        (entry,) = branch.ledger["entries"]
    assert done.code == 0
    assert entry["attempts"] == 2
    assert len(box.mails) == 1
    assert "451 4.3.0 come back later" in done.err
    assert "Trying again" in done.err


def test_a_dry_run_shows_the_mail_and_sends_nothing(branch, certificate):
    with mail_server(security="starttls", certificate=certificate, password=PASSWORD) as box:
        through(branch, box.port)
        done = branch.act({**MAIL, "bcc": ["boss@example.com"]}, {**MAIL, "when": "failed"}, arguments=("--dry-run",))
    assert done.code == 0
    assert not box.taken
    assert f"through localhost:{box.port}, STARTTLS, login of SMTP_USERNAME" in done.out
    for line in ("Subject: Accepted: diabetes", "To: ada@example.com", "Bcc: boss@example.com", "✓ Accepted: better"):
        assert line in done.out
    assert "2. email (when: failed): does not apply" in done.out
    assert not (branch.folder / "actions.json").exists()


def test_a_sample_is_marked_and_goes_through_every_rule(branch):
    with mail_server(security="none") as box:
        through(branch, box.port, security="none", login=False)
        rules = ({**MAIL, "when": "failed"}, {**MAIL, "when": "regressed", "to": "bob@example.com"})
        done = branch.act(*rules, arguments=("--test",))
        assert branch.act(*rules, arguments=("--test",)).code == 0  # as often as wanted
    assert done.code == 0
    assert box.everybody == ["ada@example.com", "bob@example.com"] * 2
    for mail in box.mails:
        assert mail["Subject"].startswith("[test] ")
        for kind in ("plain", "html"):
            assert "Nothing was trained; every number is made up." in mail.get_body((kind,)).get_content()
        assert len([part for part in mail.walk() if part.get_content_type() == "image/png"]) == 3
    assert not (branch.folder / "actions.json").exists()


def failing(branch: Branch, rule: Mapping[str, Any] = MAIL, **more: str) -> str:
    """What is told of a mail that does not arrive: the rule fails alone, and GitHub shows a warning."""
    done = branch.act(rule, GITHUB_ACTIONS="true", **more)
    assert done.code == 1, done.said
    (entry,) = branch.ledger["entries"]
    assert entry["state"] == "failed"
    assert entry["hint"]
    warning = next(line for line in done.err.splitlines() if line.startswith("::warning title=The action"))
    assert entry["message"].replace("%", "%25") in warning
    return f"{entry['message']} {entry['hint']}"


def test_a_wrong_password_is_named_and_never_shown(branch, certificate):
    with mail_server(security="starttls", certificate=certificate, password=PASSWORD) as box:
        through(branch, box.port)
        said = failing(branch, SMTP_PASSWORD=canary("wrong"))
    assert "does not accept the login: 535" in said
    assert "SMTP_USERNAME and SMTP_PASSWORD" in said


def test_a_certificate_that_is_not_trusted(branch, certificate, tmp_path):
    other = make_certificate(tmp_path, "mail.example.com")
    with mail_server(security="starttls", certificate=certificate) as box:
        through(branch, box.port, login=False)
        assert "certificate is not trusted" in (said := failing(branch, CA_CERTIFICATE=""))
        assert "CA_CERTIFICATE" in said
        refused = branch.act(MAIL, CA_CERTIFICATE="-----BEGIN nothing")
        assert refused.code == 2
        assert "CA_CERTIFICATE: This is no certificate." in refused.err
    with mail_server(security="tls", certificate=other) as box:
        through(branch, box.port, security="tls", login=False)
        assert "not trusted: Hostname mismatch" in failing(branch, CA_CERTIFICATE=other.text)


def test_the_wrong_way_of_encrypting(branch, certificate):
    with mail_server(security="none") as box:
        through(branch, box.port, login=False)
        assert "offers no STARTTLS" in failing(branch)
        through(branch, box.port, security="tls", login=False)
        assert "does not speak TLS at this port" in (said := failing(branch))
        assert "587 goes with" in said
    with mail_server(security="tls", certificate=certificate) as box:
        through(branch, box.port, security="none", login=False)
        said = failing(branch, {**MAIL, "timeout": 1})
        assert "ended the connection" in said or "did not answer" in said


def test_nobody_answers_or_nothing_is_said(branch):
    through(branch, free_port(), login=False)
    assert "Nobody answers at that port." in failing(branch)
    through(branch, 25, login=False, host="mail.invalid")
    assert "name is not known" in failing(branch)
    with silent_server() as port:
        through(branch, port, login=False)
        done = branch.act({**MAIL, "timeout": 0.5})
    assert done.code == 1
    assert "did not answer within 0.5 s" in done.err


def test_a_refused_sender_and_refused_recipients(branch):
    with mail_server(security="none") as box:
        through(branch, box.port, security="none", login=False)
        box.recipient = lambda _: "550 5.7.1 relaying denied"
        assert "refused the recipient ada@example.com: 550 5.7.1 relaying denied" in failing(branch)
        box.sender = lambda _: "553 5.7.1 not your address"
        said = failing(branch)
    assert "refuses the sender training@example.com: 553 5.7.1 not your address" in said
    assert "SMTP_FROM" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"SMTP_HOST": ""}, "No mail server is named."),
        ({"SMTP_PORT": "smtp"}, "SMTP_PORT is no port number."),
        ({"SMTP_FROM": ""}, "No sender is named."),
        ({"SMTP_FROM": "nobody"}, "SMTP_FROM holds no e-mail address."),
        ({"SMTP_USERNAME": "ada"}, "SMTP_USERNAME is set and SMTP_PASSWORD is not."),
    ],
)
def test_settings_that_are_missing(branch, change, said):
    branch.environ["SMTP_HOST"] = "mail.invalid"
    assert said in failing(branch, **change)


def test_letters_beyond_ascii_before_the_at(branch):
    rule = {**MAIL, "to": ["jörg@example.com"]}
    for able in (True, False):
        with mail_server(security="none", smtputf8=able) as box:
            through(branch, box.port, security="none", login=False)
            if able:
                assert branch.act(rule).code == 0
                assert box.everybody == ["jörg@example.com"]
                (branch.folder / "actions.json").unlink()
            else:
                assert "letters beyond ASCII before the @" in failing(branch, rule)


def test_a_password_never_travels_unencrypted(branch):
    with mail_server(security="none") as box:
        through(branch, box.port, security="none")
        assert "The password would travel unencrypted" in failing(branch)
    assert not box.taken


def test_a_training_that_never_began_is_told(branch, tmp_path):
    told = tmp_path / "check.json"
    told.write_text(
        '{"ok": false, "error": {"message": "The table is gone.", "hint": "Bring it back.", "where": "data"}}'
    )
    arguments = (
        "--failed",
        "the check before the training",
        "--outcome",
        str(tmp_path / "no.json"),
        "--outcome",
        str(told),
    )
    with mail_server(security="none") as box:
        through(branch, box.port, security="none", login=False)
        rules = ({**MAIL, "when": "failed"}, {**MAIL, "when": "succeeded"})
        done = branch.act(
            *rules,
            arguments=arguments,
            GITHUB_SERVER_URL="https://github.com",
            GITHUB_REPOSITORY="acme/wine",
            GITHUB_RUN_ID="77",
        )
    assert done.code == 0, done.said
    text = box.mail.get_body(("plain",)).get_content()
    assert box.mail["Subject"] == "Failed: wine training on development"
    assert "The check before the training failed, so nothing was trained." in text
    assert "data: The table is gone." in text
    assert "Next step: Bring it back." in text
    assert "https://github.com/acme/wine/actions/runs/77" in text


@pytest.mark.parametrize(
    ("settings", "ok", "said"),
    [
        ({}, True, ", STARTTLS, login of SMTP_USERNAME: answers"),
        ({"SMTP_PASSWORD": canary("wrong")}, False, "does not accept the login: 535"),
        ({"CA_CERTIFICATE": ""}, False, "certificate is not trusted"),
    ],
)
def test_check_logs_in_to_the_mail_server(branch, certificate, settings, ok, said):
    with mail_server(security="starttls", certificate=certificate, password=PASSWORD) as box:
        through(branch, box.port)
        (found,) = branch.looked_at(MAIL, **settings)
    assert found["ok"] is ok
    assert said in found["message"]
    assert not box.taken


def test_check_needs_no_mail_server_where_none_is_used(branch):
    assert branch.looked_at({"do": "webhook"}) == []
    (found,) = branch.looked_at(MAIL)
    assert (found["ok"], "none is named" in found["message"]) == (True, True)
    branch.config |= {"engine": "kubeflow", "sent_from": "pipeline"}
    (found,) = branch.looked_at(MAIL)
    assert "used by the pipeline" in found["message"]
