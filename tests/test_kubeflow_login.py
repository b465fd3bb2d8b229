"""The login chain as it was measured, asked with the real SDK, and the login of the generated repository through it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.canaries import canary
from tests.kubeflow import FakeKubeflow, Fault
from tests.kubeflow.certificates import authority
from tests.kubeflow.fake import NAMESPACE, USER
from tests.kubeflow.gate import COOKIE, Gate, id_token
from tests.kubeflow.sdk import InsideError, Sdk

PASSWORD = canary("dex-password")
CONNECT = """
from pathlib import Path
from helpers.kubeflow_client import Kubeflow
from helpers.kubeflow_config import Kubeflow as Settings
from helpers.kubeflow_login import make_login
from helpers.kubeflow_runs import find_experiment
from helpers.kubeflow_trust import find_place

environ = dict(given["environ"])
named = {key: given[key] for key in ("namespace", "login", "ca")}
settings = Settings(endpoint=given["address"], **named)
place = find_place(settings, environ, root=Path("/"), folder=Path(given["folder"]), where="config.yaml")
kubeflow = Kubeflow(place, make_login(given["login"], place, lambda: environ))
kubeflow.connect()
look = lambda: find_experiment(kubeflow, "first")
look()
result = kubeflow.version
"""


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sdk]:
    with Sdk(tmp_path_factory.mktemp("sdk")) as sdk:
        yield sdk


@pytest.fixture
def gate() -> Gate:
    return Gate(proxy=True, passwords={USER: PASSWORD})


@pytest.fixture
def kubeflow(gate: Gate) -> Iterator[FakeKubeflow]:
    with FakeKubeflow(multi_user=True, gate=gate) as kubeflow:
        yield kubeflow


class Logins:
    """Logs in as the generated repository does."""

    def __init__(self, sdk: Sdk, folder: Path) -> None:
        self.sdk, self.folder = sdk, folder

    def __call__(self, address: str, login: str, code: str = "", ca: str = "", **environ: str) -> Any:
        return self.sdk(
            CONNECT + code, address=address, login=login, environ=environ, folder=str(self.folder), ca=ca,
            namespace=NAMESPACE,
        )  # fmt: skip

    def refused(self, address: str, login: str, code: str = "", ca: str = "", **environ: str) -> InsideError:
        with pytest.raises(InsideError) as caught:
            self(address, login, code, ca, **environ)
        return caught.value


@pytest.fixture
def log_in(sdk: Sdk, tmp_path: Path) -> Logins:
    return Logins(sdk, tmp_path)


def dex(password: str = PASSWORD) -> dict[str, str]:
    return {"KUBEFLOW_USERNAME": USER, "KUBEFLOW_PASSWORD": password}


# The chain, line by line


def test_the_way_of_a_script_and_its_one_cookie(kubeflow: FakeKubeflow) -> None:
    session = requests.Session()
    page = session.get(f"{kubeflow.address}/oauth2/start?rd=/", timeout=10)
    assert [answer.status_code for answer in page.history] == [302, 302, 302]
    assert page.status_code == 200
    after = session.post(page.url, data={"login": USER, "password": PASSWORD}, timeout=10)
    assert [answer.status_code for answer in after.history] == [303, 302]
    assert after.status_code == 200
    assert list(session.cookies.keys()) == [COOKIE]
    assert 1500 < len(session.cookies[COOKIE]) < 2500


@pytest.mark.parametrize("prefix", ["", "/pipeline"])
def test_the_sdk_works_with_the_cookie_under_both_addresses(sdk: Sdk, kubeflow: FakeKubeflow, prefix: str) -> None:
    code = """
    import kfp
    client = kfp.Client(host=given["address"], cookies=given["cookie"], namespace=given["namespace"])
    result = client.list_experiments().total_size
    """
    cookie = f"{COOKIE}={kubeflow.gate.session(USER)}"
    assert sdk(code, address=kubeflow.address + prefix, cookie=cookie, namespace=NAMESPACE) == 0


@pytest.mark.parametrize("cookie", ["", "garbage", "tampered", "expired"])
def test_who_is_not_logged_in(sdk: Sdk, kubeflow: FakeKubeflow, cookie: str) -> None:
    good = kubeflow.gate.session(USER)
    value = {"": "", "garbage": "x", "tampered": f"{good[:-1]}_", "expired": good}[cookie]
    if cookie == "expired":
        kubeflow.gate.expire()
    headers = {"Cookie": f"{COOKIE}={value}"} if value else {}
    front = requests.get(f"{kubeflow.address}/", headers=headers, timeout=10)
    assert (front.status_code, front.headers["Content-Type"].partition(";")[0]) == (403, "text/html")
    for prefix in ("", "/pipeline"):
        answer = requests.get(f"{kubeflow.address}{prefix}/apis/v2beta1/healthz", headers=headers, timeout=10)
        assert (answer.status_code, answer.text) == (401, "{}")
    code = """
    import kfp
    kfp.Client(host=given["address"], cookies=given["cookie"], namespace="team").list_experiments()
    """
    with pytest.raises(InsideError) as caught:
        sdk(code, address=kubeflow.address, cookie=f"{COOKIE}={value}")
    assert (caught.value.kind, caught.value.told["status"]) == ("ApiException", 401)


def test_a_wrong_password_shows_the_form_again_which_takes_the_right_one(kubeflow: FakeKubeflow) -> None:
    session = requests.Session()
    page = session.get(f"{kubeflow.address}/oauth2/start?rd=/", timeout=10)
    wrong = session.post(page.url, data={"login": USER, "password": "no"}, timeout=10)
    assert (wrong.status_code, wrong.history, "<form" in wrong.text) == (401, [], True)
    assert session.post(wrong.url, data={"login": USER, "password": PASSWORD}, timeout=10).status_code == 200


def test_an_approval_screen_comes_between(kubeflow: FakeKubeflow) -> None:
    kubeflow.gate.approval = True
    session = requests.Session()
    page = session.get(f"{kubeflow.address}/oauth2/start?rd=/", timeout=10)
    asked = session.post(page.url, data={"login": USER, "password": PASSWORD}, timeout=10)
    assert "/dex/approval" in asked.url
    assert session.post(asked.url, data={"approval": "approve", "req": "x"}, timeout=10).status_code == 200
    assert list(session.cookies.keys()) == [COOKIE]


def test_several_connectors_stop_at_a_choice(kubeflow: FakeKubeflow) -> None:
    kubeflow.gate.connectors = ("ldap", "local")
    page = requests.get(f"{kubeflow.address}/oauth2/start?rd=/", timeout=10)
    assert (page.status_code, page.url.partition("?")[0]) == (200, f"{kubeflow.address}/dex/auth")
    local = requests.get(page.url.replace("/dex/auth?", "/dex/auth/local?"), timeout=10)
    assert 'name="password"' in local.text


def test_an_older_set_up_shows_its_login_page_with_200(sdk: Sdk, kubeflow: FakeKubeflow) -> None:
    kubeflow.gate.older = True
    page = requests.get(f"{kubeflow.address}/apis/v2beta1/healthz", timeout=10)
    assert (page.status_code, page.headers["Content-Type"].partition(";")[0]) == (200, "text/html")
    with pytest.raises(InsideError) as caught:
        sdk('import kfp; kfp.Client(host=given["address"], namespace="team").list_runs()', address=kubeflow.address)
    assert caught.value.told["status"] == 401


def test_an_id_token_as_bearer(sdk: Sdk, kubeflow: FakeKubeflow) -> None:
    token = id_token(USER)
    kubeflow.gate.tokens[token] = USER
    code = """
    import kfp
    kfp.Client(host=given["address"], existing_token=given["token"], namespace=given["namespace"]).list_experiments()
    """
    sdk(code, address=kubeflow.address, token=token, namespace=NAMESPACE)
    with pytest.raises(InsideError) as caught:
        sdk(code, address=kubeflow.address, token=f"{token[:-2]}xx", namespace=NAMESPACE)
    assert caught.value.told["status"] == 401


def test_a_cookie_that_expires_in_the_sdks_wait_ends_in_a_type_error(sdk: Sdk, kubeflow: FakeKubeflow) -> None:
    cookie = f"{COOKIE}={kubeflow.gate.session(USER)}"
    code = """
    import kfp
    from kfp.client import auth
    auth.get_gcp_access_token = lambda: None  # what a machine without a cloud gets
    client = kfp.Client(host=given["address"], cookies=given["cookie"], namespace=given["namespace"])
    real, asked = client._run_api.run_service_get_run, []
    class Running:
        state = "RUNNING"
    def get(run_id):
        asked.append(run_id)
        return Running() if len(asked) == 1 else real(run_id=run_id)
    client._run_api.run_service_get_run = get
    client.wait_for_run_completion("x", timeout=20, sleep_duration=0)
    """
    kubeflow.gate.expire()
    with pytest.raises(InsideError) as caught:
        sdk(code, address=kubeflow.address, cookie=cookie, namespace=NAMESPACE)
    assert caught.value.kind == "TypeError"
    assert "expected string or bytes-like object" in caught.value.text


# The login of the generated repository


@pytest.mark.parametrize("prefix", ["", "/pipeline", "/pipeline/", "/_/pipeline/?ns=x#/runs", "/apis/v2beta1/"])
def test_a_password_logs_in(log_in: Logins, kubeflow: FakeKubeflow, prefix: str) -> None:
    assert log_in(kubeflow.address + prefix, "dex", **dex()) == "2.17.0"
    assert kubeflow.gate.logins == 1


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("approval", [False, True])
@pytest.mark.parametrize("connectors", [("local",), ("ldap", "local")])
def test_a_password_logs_in_whatever_the_installation(
    log_in: Logins, kubeflow: FakeKubeflow, *, older: bool, approval: bool, connectors: tuple[str, ...]
) -> None:
    kubeflow.gate.older, kubeflow.gate.approval, kubeflow.gate.connectors = older, approval, connectors
    log_in(kubeflow.address, "dex", **dex())
    assert kubeflow.gate.logins == 1


def test_a_wrong_password_is_told_as_such(log_in: Logins, kubeflow: FakeKubeflow) -> None:
    wrong = canary("wrong-password")
    error = log_in.refused(kubeflow.address, "dex", **dex(wrong))
    assert error.told["exit_code"] == 4
    assert error.told["message"] == "Dex does not accept the user or the password."
    assert "KUBEFLOW_PASSWORD" in str(error.told["hint"])
    assert wrong not in str(error)


def test_a_user_whom_the_proxy_does_not_admit(log_in: Logins, kubeflow: FakeKubeflow) -> None:
    kubeflow.gate.refused.add(USER)
    error = log_in.refused(kubeflow.address, "dex", **dex())
    assert error.told["exit_code"] == 4
    assert "the proxy refuses" in str(error.told["message"])


@pytest.mark.parametrize("missing", ["KUBEFLOW_USERNAME", "KUBEFLOW_PASSWORD"])
def test_a_missing_secret_is_named(log_in: Logins, kubeflow: FakeKubeflow, missing: str) -> None:
    given = {name: value for name, value in dex().items() if name != missing}
    error = log_in.refused(kubeflow.address, "dex", **given)
    assert (error.told["where"], error.told["exit_code"]) == (missing, 2)


def test_the_login_is_renewed_when_it_has_run_out(log_in: Logins, kubeflow: FakeKubeflow) -> None:
    kubeflow.faults.plan(Fault.EXPIRED, path="/experiments")
    log_in(kubeflow.address, "dex", **dex())
    assert kubeflow.gate.logins == 2


def test_a_login_page_in_the_middle_is_a_login_that_has_run_out(log_in: Logins, kubeflow: FakeKubeflow) -> None:
    kubeflow.faults.plan(Fault.PAGE, path="/experiments")
    log_in(kubeflow.address, "dex", **dex())
    assert kubeflow.gate.logins == 2


def test_a_login_page_without_end_is_never_an_empty_result(log_in: Logins, kubeflow: FakeKubeflow) -> None:
    kubeflow.faults.plan(Fault.PAGE, path="/experiments", times=100)
    error = log_in.refused(kubeflow.address, "dex", **dex())
    assert (error.kind, "shows a page" in str(error.told["message"])) == ("Away", True)


def test_a_page_that_is_no_login_is_something_in_front_that_is_away(log_in: Logins, kubeflow: FakeKubeflow) -> None:
    kubeflow.faults.plan(Fault.MAINTENANCE, path="/experiments")
    error = log_in.refused(kubeflow.address, "dex", **dex())
    assert (error.kind, kubeflow.gate.logins) == ("Away", 1)


def test_no_login_where_one_is_wanted(log_in: Logins, kubeflow: FakeKubeflow) -> None:
    error = log_in.refused(kubeflow.address, "none")
    assert error.told["exit_code"] == 4
    assert "kubeflow.login" in str(error.told["hint"])


def test_no_login_where_none_is_wanted(log_in: Logins) -> None:
    with FakeKubeflow() as open_one:
        assert log_in(open_one.address, "none") == "2.17.0"


@pytest.mark.parametrize("proxy", [False, True])
def test_a_token(log_in: Logins, kubeflow: FakeKubeflow, *, proxy: bool) -> None:
    kubeflow.gate.proxy = proxy
    token = canary("kubeflow-token")
    kubeflow.gate.tokens[token] = USER
    log_in(kubeflow.address, "token", KUBEFLOW_TOKEN=token)
    damaged = log_in.refused(kubeflow.address, "token", KUBEFLOW_TOKEN=f"{token}x")
    assert (damaged.told["exit_code"], "KUBEFLOW_TOKEN" in str(damaged.told["hint"])) == (4, True)
    assert token not in str(damaged)


def test_a_new_token_is_read_when_the_old_one_has_run_out(log_in: Logins, kubeflow: FakeKubeflow) -> None:
    old, new = canary("old-token"), canary("new-token")
    kubeflow.gate.tokens[old] = kubeflow.gate.tokens[new] = USER
    code = """
del environ["KUBEFLOW_TOKEN"]
environ["KUBEFLOW_TOKEN"] = given["environ"]["NEXT"]
import requests
requests.get(given["address"] + "/apis/expire", headers={"Authorization": "Bearer " + given["environ"]["NEXT"]})
look()
"""
    kubeflow.faults.plan(Fault.EXPIRED, path="/apis/expire")
    kubeflow.gate.lasting.add(new)
    log_in(kubeflow.address, "token", code, KUBEFLOW_TOKEN=old, NEXT=new)


def test_a_service_accounts_token_is_read_from_its_file_again(
    log_in: Logins, kubeflow: FakeKubeflow, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    old, new = "rotated-away", "rotated-in"
    file.write_text(f"{old}\n")
    kubeflow.gate.tokens[old] = kubeflow.gate.tokens[new] = USER
    code = f"""
Path({str(file)!r}).write_text("{new}")
import requests
requests.get(given["address"] + "/apis/expire", headers={{"Authorization": "Bearer {new}"}})
look()
"""
    kubeflow.faults.plan(Fault.EXPIRED, path="/apis/expire")
    kubeflow.gate.lasting.add(new)
    log_in(kubeflow.address, "service-account", code, KUBEFLOW_TOKEN_FILE=str(file))


def test_a_service_accounts_token_as_a_secret(log_in: Logins, kubeflow: FakeKubeflow) -> None:
    token = canary("account-token")
    kubeflow.gate.tokens[token] = USER
    log_in(kubeflow.address, "service-account", KUBEFLOW_TOKEN=token)


@pytest.mark.parametrize("form", ["{name}={value}", "Cookie: {name}={value};", "other=1; {name}={value}"])
def test_a_cookie(log_in: Logins, kubeflow: FakeKubeflow, form: str) -> None:
    value = kubeflow.gate.session(USER)
    log_in(kubeflow.address, "cookie", KUBEFLOW_COOKIE=form.format(name=COOKIE, value=value))


def test_a_cookie_that_does_not_count(log_in: Logins, kubeflow: FakeKubeflow) -> None:
    nameless = log_in.refused(kubeflow.address, "cookie", KUBEFLOW_COOKIE=canary("nameless"))
    assert (nameless.told["where"], nameless.told["exit_code"]) == ("KUBEFLOW_COOKIE", 2)
    expired = log_in.refused(kubeflow.address, "cookie", KUBEFLOW_COOKIE=f"{COOKIE}={canary('expired')}")
    assert (expired.told["exit_code"], "KUBEFLOW_COOKIE" in str(expired.told["hint"])) == (4, True)


# Certificates and addresses


@pytest.mark.parametrize("given", ["file", "text", "one line"])
def test_a_private_authority_is_trusted_when_it_is_given(
    log_in: Logins, gate: Gate, tmp_path: Path, given: str
) -> None:
    ca, certificate = authority(tmp_path)
    with FakeKubeflow(multi_user=True, gate=gate, certificate=certificate) as kubeflow:
        text = ca.read_text()
        more = {"CA_CERTIFICATE": text.replace("\n", "\\n") if given == "one line" else text}
        if given == "file":
            log_in(kubeflow.address, "dex", ca=str(ca), **dex())
        else:
            log_in(kubeflow.address, "dex", **dex(), **more)
        assert gate.logins == 1


@pytest.mark.parametrize("login", ["none", "dex", "token"])
def test_a_private_authority_that_nobody_gave(log_in: Logins, gate: Gate, tmp_path: Path, login: str) -> None:
    _, certificate = authority(tmp_path)
    with FakeKubeflow(multi_user=True, gate=gate, certificate=certificate) as kubeflow:
        error = log_in.refused(kubeflow.address, login, **dex(), KUBEFLOW_TOKEN=canary("tls-token"))
    assert "is not trusted" in str(error.told["message"])
    assert "CA_CERTIFICATE" in str(error.told["hint"])


def test_what_is_no_certificate(log_in: Logins, kubeflow: FakeKubeflow) -> None:
    error = log_in.refused(kubeflow.address, "none", CA_CERTIFICATE="not PEM")
    assert (error.told["where"], error.told["exit_code"]) == ("CA_CERTIFICATE", 2)


def test_the_address_of_something_else(log_in: Logins) -> None:
    with FakeKubeflow(bare=False) as other:
        log_in(other.address, "none")  # found below /pipeline
        error = log_in.refused(f"{other.address}/elsewhere", "none")
    assert error.told["message"] == "There is no Kubeflow Pipelines API at this address."


def test_an_address_where_nobody_listens(log_in: Logins) -> None:
    for login in ("none", "dex"):
        error = log_in.refused("http://127.0.0.1:9", login, **dex())
        assert (error.kind, error.told["message"]) == ("Away", "'127.0.0.1:9' refuses connections.")
        assert error.told["hint"]


def test_an_address_without_https_where_it_is_spoken(log_in: Logins, gate: Gate, tmp_path: Path) -> None:
    _, certificate = authority(tmp_path)
    with FakeKubeflow(multi_user=True, gate=gate, certificate=certificate) as kubeflow:
        error = log_in.refused(kubeflow.address.replace("https:", "http:"), "dex", **dex())
    assert "Does it want https?" in str(error.told["hint"])


@pytest.mark.parametrize("address", ["ftp://kubeflow", f"https://user:{PASSWORD}@kubeflow.example", "https://"])
def test_what_is_no_address(log_in: Logins, address: str) -> None:
    error = log_in.refused(address, "none")
    assert (error.told["exit_code"], PASSWORD in str(error)) == (2, False)
