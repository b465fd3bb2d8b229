"""Webhooks, Jenkins and GitHub as the verb ``act`` calls them: what arrives, what is told when it does not."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.actions_stage import Acting, Branch, acting
from tests.canaries import canary
from tests.github import FakeGitHub
from tests.mail_servers import free_port, make_certificate, silent_server

SECRET = canary("webhooksecret")
TOKEN = canary("jenkinstoken")
HOOK = {"do": "webhook"}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Acting]:
    with acting(tmp_path_factory.mktemp("acting")) as made:
        yield made


@pytest.fixture
def branch(process: Acting, tmp_path: Path) -> Branch:
    return Branch(process, tmp_path / "my répo")


@pytest.fixture
def hook(branch: Branch, httpserver: HTTPServer) -> Callable[..., list[Request]]:
    """A receiver whose address is a secret; gives the calls that it got."""
    address = f"/{canary('path')}/in"

    def listen(*answers: Response, forever: bool = False) -> list[Request]:
        got: list[Request] = []

        def take(request: Request) -> Response:
            request.get_data()
            got.append(request)
            return answers[0 if forever else min(len(got), len(answers)) - 1] if answers else Response(status=202)

        httpserver.expect_request(address, method="POST").respond_with_handler(take)
        branch.environ |= {"WEBHOOK_URL": httpserver.url_for(address), "WEBHOOK_SECRET": SECRET}
        return got

    return listen


def failure(branch: Branch, rule: dict[str, Any], **more: str) -> str:
    """What is told of a rule that does not arrive."""
    done = branch.act(rule, GITHUB_ACTIONS="true", **more)
    assert done.code == 1, done.said
    assert "::warning title=The action" in done.err
    entry = branch.ledger["entries"][-1]
    return f"{entry['message']} {entry['hint']}"


def test_a_webhook_is_signed_and_says_which_delivery_it_is(branch, hook):
    got = hook()
    (result,) = branch.results(HOOK)
    (call,) = got
    body, stamp = call.get_data(), call.headers["X-Mlopsgen-Timestamp"]
    signed = {"X-Hub-Signature-256": body, "X-Mlopsgen-Signature-256": f"{stamp}.".encode() + body}
    for header, text in signed.items():
        assert call.headers[header] == "sha256=" + hmac.new(SECRET.encode(), text, hashlib.sha256).hexdigest()
    assert abs(time.time() - int(stamp)) < 60
    assert call.headers["Idempotency-Key"] == result["key"] == call.json["idempotency_key"]
    assert call.json["report"] == json.loads((branch.folder / "report.json").read_text())
    assert result["state"] == "delivered"
    assert result["target"].count("/") == 2  # the server alone: the rest of the address is a secret
    assert branch.results(HOOK)[0]["state"] == "already"
    assert len(got) == 1


def test_a_payload_of_ones_own_is_the_whole_body(branch, hook):
    got = hook()
    branch.act(
        {**HOOK, "payload": {"text": "{{ verdict }} ✓ {{ project }}", "more": [1, {"v": "{{ model.version }}"}]}}
    )
    assert got[0].json == {"text": "Accepted ✓ diabetes", "more": [1, {"v": "5"}]}


def test_trouble_is_waited_for_as_the_server_asks(branch, hook):
    got = hook(Response(status=503), Response(status=429, headers={"Retry-After": "0"}), Response(status=200))
    done = branch.act({**HOOK, "attempts": 3})
    assert "refused it (429). Trying again in 0 s (2 of 3 attempts)." in done.err
    (entry,) = branch.ledger["entries"]
    assert (entry["state"], entry["attempts"], len(got)) == ("delivered", 3, 3)
    assert len({call.headers["Idempotency-Key"] for call in got}) == 1


@pytest.mark.parametrize(
    ("answer", "calls", "said"),
    [
        (Response(status=500), 2, "refused it (500). It was tried 2 times."),
        (Response("no", status=401), 1, "refused it (401): no. Look whether the receiver checks the signature"),
        (Response(status=404), 1, "Look at the address: nobody listens there."),
        (Response(status=302, headers={"Location": "/elsewhere"}), 1, "sends the call on to another address (302)"),
        (Response(status=429, headers={"Retry-After": "900"}), 1, "It asks to be left alone for 900 s."),
        (Response(SECRET, status=400), 1, "refused it (400): ***"),
    ],
)
def test_a_receiver_that_refuses(branch, hook, answer, calls, said):
    got = hook(answer, forever=True)
    assert said in failure(branch, {**HOOK, "attempts": 2})
    assert len(got) == calls


def test_an_address_that_leads_nowhere(branch):
    assert "WEBHOOK_URL is not set." in failure(branch, HOOK)
    assert "WEBHOOK_URL holds no address" in failure(branch, HOOK, WEBHOOK_URL=canary("word"))
    path = canary("path")
    nobody = f"http://localhost:{free_port()}/{path}"
    assert "refuses the connection" in failure(branch, HOOK, WEBHOOK_URL=nobody)
    assert "name is not known" in failure(branch, HOOK, WEBHOOK_URL=f"https://mail.invalid/{path}")
    with silent_server() as port:
        said = failure(branch, {**HOOK, "timeout": 0.5}, WEBHOOK_URL=f"http://localhost:{port}/{path}")
    assert "did not answer within 0.5 s" in said


def test_certificates_of_receivers(branch, tmp_path):
    trusted, other = make_certificate(tmp_path, "localhost"), make_certificate(tmp_path, "elsewhere.example")
    for certificate, authority, said in ((trusted, "", "is not trusted"), (other, other.text, "is for another name")):
        with HTTPServer(ssl_context=certificate.context()) as server:
            url = server.url_for("/x").replace("127.0.0.1", "localhost")
            assert said in failure(branch, HOOK, WEBHOOK_URL=url, CA_CERTIFICATE=authority)
    with HTTPServer(ssl_context=trusted.context()) as server:
        server.expect_request("/x").respond_with_data("")
        url = server.url_for("/x").replace("127.0.0.1", "localhost")
        one_line = trusted.text.replace("\n", "\\n")  # as a dotenv file has it
        assert branch.act(HOOK, WEBHOOK_URL=url, CA_CERTIFICATE=one_line).code == 0


class Jenkins:
    """Jenkins as far as a build is concerned: login, crumb with its session, folders."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/jenkins")
        self.crumbs = True
        self.builds: list[dict[str, str]] = []
        self.answer = Response(status=201, headers={"Location": f"{self.url}/queue/item/7/"})
        server.expect_request("/jenkins/crumbIssuer/api/json").respond_with_handler(self.crumb)
        job = "/jenkins/job/models/job/deploy now/buildWithParameters"
        server.expect_request(job, method="POST").respond_with_handler(self.build)

    def known(self, request: Request) -> bool:
        login = request.authorization
        return login is not None and (login.username, login.password) == ("adä", TOKEN)

    def crumb(self, request: Request) -> Response:
        if not self.known(request):
            return Response(status=401)
        if not self.crumbs:
            return Response(status=404)
        body = json.dumps({"crumb": "the crumb", "crumbRequestField": "Jenkins-Crumb"})
        return Response(body, headers={"Set-Cookie": "JSESSIONID=of-the-crumb; Path=/jenkins"})

    def build(self, request: Request) -> Response:
        session = request.cookies.get("JSESSIONID") == "of-the-crumb"
        if self.crumbs and not (session and request.headers.get("Jenkins-Crumb") == "the crumb"):
            return Response("No valid crumb was included in the request", status=403)
        self.builds.append(request.form.to_dict())
        return self.answer


@pytest.fixture
def jenkins(branch: Branch, httpserver: HTTPServer) -> Jenkins:
    made = Jenkins(httpserver)
    branch.environ |= {"JENKINS_URL": made.url, "JENKINS_USERNAME": "adä", "JENKINS_TOKEN": TOKEN}
    return made


BUILD = {"do": "jenkins", "job": "models/deploy now"}


def test_jenkins_builds_with_a_crumb_and_without(branch, jenkins):
    (result,) = branch.results({**BUILD, "parameters": {"VERSION": "{{ model.version }} ü&=", "DRY": True}})
    assert result["message"] == "Jenkins took it (jenkins/queue/item/7)."
    assert jenkins.builds == [{"VERSION": "5 ü&=", "DRY": "true", "IDEMPOTENCY_KEY": result["key"]}]
    jenkins.crumbs = False
    branch.act(BUILD)
    assert jenkins.builds[1]["MODEL_VERSION"] == "5"
    assert jenkins.builds[1]["OUTCOME"] == "improved"


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "'This project is parameterized'"),
        (403, "lacks the right to build the job 'models/deploy now'"),
        (302, "A login page or another address stands before Jenkins"),
        (503, "Jenkins refused it (503)."),
    ],
)
def test_jenkins_refuses(branch, jenkins, status, said):
    jenkins.answer = Response(status=status, headers={"Location": "/login"} if status == 302 else {})
    assert said in failure(branch, BUILD)


def test_jenkins_needs_a_login_and_an_address(branch, jenkins, httpserver):
    assert "does not know this user and token" in failure(branch, BUILD, JENKINS_TOKEN=canary("wrong"))
    assert "JENKINS_TOKEN not set" in failure(branch, BUILD, JENKINS_TOKEN="")
    assert "JENKINS_URL is not set" in failure(branch, BUILD, JENKINS_URL="")
    httpserver.expect_request("/page/crumbIssuer/api/json").respond_with_data("<html>log in</html>")
    said = failure(branch, BUILD, JENKINS_URL=jenkins.url.replace("jenkins", "page"))
    assert "What answers there is not Jenkins." in said


WORKFLOW = "on:\n  workflow_dispatch:\n    inputs:\n      version: {type: string}\n"


@pytest.fixture
def github(branch: Branch, tmp_path: Path) -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        fake.add_user("ada")
        fake.add_org("acme", plan="team", members=["ada"])
        for name in ("acme/wine", "acme/serving"):
            fake.add_repository(name)
        branch.environ |= {
            "GITHUB_API_URL": fake.api, "GITHUB_REPOSITORY": "acme/wine",
            "GITHUB_TOKEN": fake.add_token("ada", kind="fine-grained", owner="acme", permissions={"contents": "write"}),
        }  # fmt: skip
        yield fake


EVENT = {"do": "repository_dispatch", "event": "model-{{ outcome }}"}


def test_an_event_for_this_repository_and_for_another(branch, github):
    assert "DISPATCH_TOKEN is not set. The default token only reaches this repository." in failure(
        branch, {**EVENT, "repository": "acme/serving"}
    )
    assert branch.act(EVENT).code == 0
    (sent,) = github.repository("acme/wine").dispatched
    assert sent["event_type"] == "model-improved"
    assert len(sent["client_payload"]) == 10
    assert sent["client_payload"]["metrics"] == {"rmse": 54.55}
    token = github.add_token("ada", kind="fine-grained", owner="acme", permissions={"contents": "write"})
    rule = {**EVENT, "repository": "acme/serving", "payload": {"version": "{{ model.version }}"}}
    (result,) = branch.results(rule, DISPATCH_TOKEN=token)
    (sent,) = github.repository("acme/serving").dispatched
    assert sent["client_payload"] == {"version": "5", "idempotency_key": result["key"]}


def test_github_says_what_a_token_lacks(branch, github):
    weak = github.add_token("ada", kind="fine-grained", owner="acme", permissions={"contents": "read"})
    said = failure(branch, EVENT, DISPATCH_TOKEN=weak)
    assert "The token in DISPATCH_TOKEN lacks the right 'Contents: write' for acme/wine" in said
    assert "DISPATCH_TOKEN is not valid any more" in failure(branch, EVENT, DISPATCH_TOKEN=canary("old", prefix="ghp_"))
    assert "There is no such repository" in failure(branch, {**EVENT, "repository": "acme/none"}, DISPATCH_TOKEN=weak)


def test_an_event_that_is_too_large_is_not_tried(branch, github):
    said = failure(branch, {**EVENT, "payload": {"long": "x" * 15_000, "all": ["x" * 15_000] * 4}})
    assert "GitHub takes less than 64 KB" in said
    assert "has 1000 characters" in failure(branch, {**EVENT, "event": "{{ 'x' * 1000 }}"})
    assert not github.repository("acme/wine").dispatched


def test_a_workflow_is_started_with_its_inputs(branch, github, tmp_path):
    wine = github.repository("acme/wine")
    made = f"100644 blob {wine.git('hash-object', '-w', '--stdin', text=WORKFLOW)}\tdeploy.yml"
    for name in ("workflows", ".github"):
        made = f"040000 tree {wine.git('mktree', text=made)}\t{name}"
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    commit = wine.git(*who, "commit-tree", wine.git("mktree", text=made), "-m", "A workflow")
    wine.git("update-ref", "refs/heads/development", commit)
    wine.default_branch = "development"
    token = github.add_token("ada", kind="fine-grained", owner="acme", permissions={"actions": "write"})
    rule = {"do": "workflow_dispatch", "workflow": "deploy.yml", "inputs": {"version": "{{ model.version }}"}}
    assert branch.act(rule, DISPATCH_TOKEN=token).code == 0
    (sent,) = github.repository("acme/wine").dispatched
    assert sent == {"workflow": "deploy.yml", "ref": "development", "inputs": {"version": "5"}}
    said = failure(branch, {**rule, "inputs": {"wrong": "x"}}, DISPATCH_TOKEN=token)
    assert "(422)" in said
    assert "its inputs are the only ones that it takes" in said
    assert "its file is on the default branch" in failure(branch, {**rule, "workflow": "no.yml"}, DISPATCH_TOKEN=token)


def test_one_rule_that_fails_stops_no_other_and_the_summary_tells_all(branch, hook, tmp_path):
    got = hook()
    summary = tmp_path / "summary.md"
    rules = ({**HOOK, "name": "lost", "url": f"http://localhost:{free_port()}/"}, {**HOOK, "name": "found"})
    done = branch.act(*rules, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    assert done.code == 5
    assert done.out.splitlines()[0] == "1 action sent, 1 NOT delivered."
    assert len(got) == 1
    text = summary.read_text()
    assert "| lost " in text
    assert "**failed**" in text
    assert "| found" in text
    assert branch.act(*rules, arguments=("--rule", "found")).code == 0
    done = branch.act(*rules, arguments=("--rule", "fuond"))
    assert (done.code, "Did you mean 'found'?" in done.err) == (2, True)


def test_a_dry_run_shows_every_kind_without_a_secret(branch, hook, jenkins, github):
    got = hook()
    done = branch.act(
        HOOK, BUILD, EVENT, {"do": "jenkins", "job": "x", "url": "https://j.example"}, arguments=("--dry-run",)
    )
    assert done.code == 0
    assert not got
    assert not jenkins.builds
    assert not github.repository("acme/wine").dispatched
    for text in ("(the rest of WEBHOOK_URL is not shown)", "MODEL_VERSION=5", '"event_type": "model-improved"'):
        assert text in done.out
    assert "2. jenkins (when: always): would be sent" in done.out
    assert "POST https://j.example/job/x/buildWithParameters" in done.out
    assert "would fail" in branch.act(BUILD, arguments=("--dry-run",), JENKINS_TOKEN="").out


def test_without_a_report_there_is_nothing_to_tell(branch):
    (branch.folder / "report.json").write_text("{}")
    assert "This is no report of a training" in branch.act(HOOK).err
    (branch.folder / "report.json").unlink()
    done = branch.act(HOOK)
    assert (done.code, "There is no report of a training." in done.err) == (1, True)
    branch.report("improved")
    branch.change_report(branch="staging")
    assert "The report is of the branch 'staging'" in branch.act(HOOK).err


def test_proxies_are_asked_only_where_they_lead(branch, hook):
    got = hook()
    proxy = {"HTTP_PROXY": f"http://127.0.0.1:{free_port()}", "NO_PROXY": "localhost"}
    assert branch.act(HOOK, **proxy).code == 0
    assert len(got) == 1
    said = failure(branch, {**HOOK, "name": "another"}, **proxy | {"NO_PROXY": "example.com"})
    assert "The proxy does not let the request through. Look at HTTPS_PROXY and NO_PROXY." in said
