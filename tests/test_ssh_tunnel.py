"""The ssh tunnel of the generated repository against a real sshd: what it reaches, and every way in which it cannot."""

from __future__ import annotations

import http.server
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.canaries import canary, found_in, hunt
from tests.kubeflow.certificates import authority
from tests.kubeflow.sdk import Sdk
from tests.kubeflow.stage import until
from tests.servers.running import free_port
from tests.servers.sshd import SshServer, ssh_processes, ssh_server
from tests.servers.tunnels import Tunnels


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sdk]:
    with Sdk(tmp_path_factory.mktemp("sdk")) as sdk:
        yield sdk


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SshServer, str]]:
    """The server, and the key that it lets in."""
    with ssh_server() as server:
        yield server, server.make_key("user")


@pytest.fixture
def server(keys: tuple[SshServer, str]) -> Iterator[SshServer]:
    """The server as it should be, whatever another test did with it."""
    server, _ = keys
    server.authorize("user")
    yield server
    if (server.key, server.forwarding) != ("host", "yes") or not server.is_running:
        server.key, server.forwarding = "host", "yes"
        server.restart()


@pytest.fixture
def key(keys: tuple[SshServer, str]) -> str:
    return keys[1]


@pytest.fixture
def tunnels(sdk: Sdk, server: SshServer) -> Iterator[Tunnels]:
    tunnels = Tunnels(sdk, server)
    yield tunnels
    if tunnels.is_open:
        tunnels.close()


class _Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        body = f"{self.command} {self.path} {self.headers['Host']} {self.headers.get('Proxy-Authorization')}".encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Nothing is logged."""


@pytest.fixture(scope="module")
def page() -> Iterator[int]:
    """The port of a web server."""
    yield from serving(None)


@pytest.fixture(scope="module")
def safe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    """The port of one with a certificate of a private authority, and that authority's."""
    ca, certificate = authority(tmp_path_factory.mktemp("certificates"))
    for port in serving(certificate):
        yield port, str(ca)


def serving(certificate: tuple[Path, Path] | None) -> Iterator[int]:
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    web.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        web.socket = context.wrap_socket(web.socket, server_side=True)
    threading.Thread(target=web.serve_forever, args=(0.02,), daemon=True).start()
    yield web.server_address[1]
    web.shutdown()
    web.server_close()


def fingerprint(server: SshServer, name: str) -> str:
    """What ssh-keygen itself says of a public key."""
    done = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(server.home / f"{name}.pub")], capture_output=True, text=True, check=True
    )
    return done.stdout.split()[1]


# What is reached, and how


def test_what_is_asked_goes_through_the_server(tunnels: Tunnels, server: SshServer, key: str, page: int) -> None:
    tunnels.open(key)
    for path in ("/one?a=b", "/two"):
        assert tunnels.get(f"http://localhost:{page}{path}") == (200, f"GET {path} localhost:{page} None")
    server.cut()
    server.stop()
    assert tunnels.get(f"http://localhost:{page}/")[0] == 503, "there is no other way"


def test_names_of_tls_stay_verified(tunnels: Tunnels, key: str, safe: tuple[int, str]) -> None:
    port, ca = safe
    tunnels.open(key)
    assert tunnels.get(f"https://localhost:{port}/x", ca=ca) == (200, f"GET /x localhost:{port} None")
    other = tunnels.lost(f"https://127.0.0.1:{port}/x", ca=ca)
    assert "is not trusted" in str(other.told["message"])
    assert "is not trusted" in str(tunnels.lost(f"https://localhost:{port}/x").told["message"])


def test_only_who_opened_it_may_use_it(tunnels: Tunnels, key: str, page: int) -> None:
    environ = tunnels.open(key)
    port = int(environ["MLOPSGEN_TUNNEL"].rpartition(":")[2])
    for request in (f"GET http://localhost:{page}/ HTTP/1.1\r\n\r\n", f"CONNECT localhost:{page} HTTP/1.1\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as somebody:
            somebody.sendall(request.encode())
            assert somebody.recv(1000).startswith(b"HTTP/1.1 407 ")


def test_the_environment_leads_one_server_through_it_and_keeps_the_key_out(tunnels: Tunnels, key: str) -> None:
    environ = tunnels.open(
        key, uri="https://mlflow.internal:8443/x", environ={"NO_PROXY": "a.example,.internal", "HTTP_PROXY": "http://p"}
    )
    tunnel = environ["MLOPSGEN_TUNNEL"]
    assert environ["https://mlflow.internal_proxy"] == tunnel
    assert {name for name, value in environ.items() if value == tunnel} == {
        "MLOPSGEN_TUNNEL", "https://mlflow.internal_proxy",
    }  # fmt: skip
    assert (environ["NO_PROXY"], environ["HTTP_PROXY"]) == ("a.example", "http://p")
    assert "SSH_KEY" not in environ
    tunnels.close()
    assert "https://mlflow.internal_proxy" not in tunnels.open(key, uri="https://mlflow.internal:8443", mlflow=False)


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_keys_of_other_kinds(tunnels: Tunnels, server: SshServer, page: int, kind: str) -> None:
    key = server.make_key(kind, kind=kind)
    server.make_key(f"host-{kind}", kind=kind)
    server.authorize(kind)
    server.key = f"host-{kind}"
    server.restart()
    tunnels.open(key, host_key=[server.host_key, f"{server.public(server.key)} with a comment"])
    assert tunnels.get(f"http://localhost:{page}/")[0] == 200


@pytest.mark.parametrize("form", ["{}", "{}\r\n\r\n", "one line"])
def test_a_key_however_it_was_pasted(tunnels: Tunnels, key: str, form: str) -> None:
    given = key.strip().replace("\n", "\\n") if form == "one line" else form.format(key.replace("\n", "\r\n").strip())
    tunnels.open(given)


# The private key


def test_the_key_is_in_no_file_and_in_no_command_line(
    tunnels: Tunnels, server: SshServer, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found_in(key)
    tunnels.open(key)
    children = ssh_processes(str(server.port))
    assert len(children) == 2, "ssh, and what holds its leash"
    for pid in children:
        for name in ("cmdline", "environ"):
            assert not found_in(Path(f"/proc/{pid}/{name}").read_bytes())
    (folder,) = {Path(f"/proc/{pid}/cwd").readlink() for pid in children}
    assert hunt(folder) == []
    assert folder.stat().st_mode & 0o777 == 0o700
    tunnels.close()
    assert not folder.exists()
    assert ssh_processes(str(server.port)) == []


def test_where_there_are_no_files_in_memory_the_key_is_its_owners_alone(sdk: Sdk, key: str, tmp_path: Path) -> None:
    code = """
    import os
    from pathlib import Path
    from helpers import ssh_keys
    real = os.memfd_create
    del os.memfd_create
    try:
        with ssh_keys.key_file(given["key"], Path(given["folder"])) as path:
            result = [path.read_text() == given["key"], oct(path.stat().st_mode)[-3:], str(path.parent)]
    finally:
        os.memfd_create = real
    """
    assert sdk(code, key=key, folder=str(tmp_path)) == [True, "600", str(tmp_path)]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "SSH_KEY is not set"),
        ("public", "the public key"),
        (canary("no-key"), "no private key of ssh"),
        ("passphrase", "has a passphrase"),
        ("half", "it is not whole"),
    ],
)
def test_what_is_no_key(tunnels: Tunnels, server: SshServer, key: str, given: str, words: str) -> None:
    if given == "passphrase" and not (server.home / "locked").exists():
        server.make_key("locked", passphrase=canary("passphrase"))
    first, body, last = key.strip().split("\n")
    value = {
        "public": server.public("user"),
        "passphrase": (server.home / "locked").read_text() if given == "passphrase" else "",
        "half": "\n".join([first, body[: len(body) // 2], last]),
    }.get(given, given)
    error = tunnels.refused(value)
    assert words in str(error.told["message"])
    assert (error.told["where"], error.told["exit_code"]) == ("SSH_KEY", 2)
    assert "SSH_KEY" in str(error.told["hint"]) or "ssh-keygen" in str(error.told["hint"])
    assert not found_in(f"{error.told['message']} {error.told['hint']}")


def test_a_key_that_the_server_does_not_know(tunnels: Tunnels, server: SshServer, key: str) -> None:
    if not (server.home / "other").exists():
        server.make_key("other")
    server.authorize("other")
    error = tunnels.refused(key)
    assert (error.kind, error.told["exit_code"]) == ("TunnelRefused", 4)
    assert fingerprint(server, "user") in str(error.told["message"])
    assert "authorized_keys" in str(error.told["hint"])
    assert error.told["where"] == server.to


# The server's key


def test_another_host_key_is_refused_with_both_fingerprints(tunnels: Tunnels, server: SshServer, key: str) -> None:
    if not (server.home / "changed").exists():
        server.make_key("changed")
    server.key = "changed"
    server.restart()
    error = tunnels.refused(key)
    message = str(error.told["message"])
    assert (error.kind, error.told["exit_code"]) == ("TunnelRefused", 4)
    assert message.index(fingerprint(server, "host")) < message.index(fingerprint(server, "changed"))
    assert "host_key" in str(error.told["hint"])
    assert "Accepted" not in server.log.rpartition("Server listening")[2], "nothing was shown to it"


def test_a_host_key_of_another_kind_is_refused(tunnels: Tunnels, server: SshServer, key: str) -> None:
    server.make_key("kind", kind="ecdsa")
    server.key = "kind"
    server.restart()
    error = tunnels.refused(key)
    assert "ecdsa-sha2-nistp256" in str(error.told["message"])
    assert fingerprint(server, "host") in str(error.told["message"])


# The way to the server, and behind it


def test_a_server_that_is_not_there(tunnels: Tunnels, key: str) -> None:
    closed = tunnels.refused(key, to=f"tunnel@127.0.0.1:{free_port()}")
    unknown = tunnels.refused(key, to="tunnel@bastion.invalid")
    assert {closed.kind, unknown.kind} == {"TunnelAway"}
    assert "Connection refused" in str(closed.told["message"])
    assert "bastion.invalid" in str(unknown.told["message"])
    assert "kubeflow.access.ssh.to" in str(closed.told["hint"])


def test_a_machine_without_ssh(tunnels: Tunnels, key: str, tmp_path: Path) -> None:
    error = tunnels.refused(key, environ={"PATH": str(tmp_path)})
    assert "'ssh' is missing" in str(error.told["message"])
    assert "openssh-client" in str(error.told["hint"])


def test_what_the_server_cannot_reach(tunnels: Tunnels, key: str) -> None:
    tunnels.open(key)
    port = free_port()
    status, text = tunnels.get(f"http://localhost:{port}/")
    assert (status, "Connection refused" in text) == (523, True)
    error = tunnels.lost(f"https://kubeflow.invalid:{port}/")
    assert (error.kind, f"'kubeflow.invalid:{port}'" in str(error.told["message"])) == ("Away", True)
    assert "Name or service not known" in str(error.told["message"])
    assert "far side" in str(error.told["hint"])


def test_a_server_that_lets_nobody_further(tunnels: Tunnels, server: SshServer, key: str, page: int) -> None:
    server.forwarding = "no"
    server.restart()
    tunnels.open(key)
    error = tunnels.lost(f"https://localhost:{page}/")
    assert "forbids it" in str(error.told["message"])


# A connection that breaks


def test_a_broken_tunnel_is_opened_again(tunnels: Tunnels, server: SshServer, key: str, page: int) -> None:
    tunnels.open(key)
    assert server.cut()
    until(lambda: len(tunnels.told) >= 2)
    assert tunnels.get(f"http://localhost:{page}/")[0] == 200
    broke, again = tunnels.close()
    assert broke.endswith("The ssh tunnel is opened again ...")
    assert again == "The ssh tunnel is open again."


def test_an_upload_that_breaks_in_the_middle_is_told_and_can_be_made_again(
    tunnels: Tunnels, server: SshServer, key: str, page: int
) -> None:
    tunnels.open(key)
    with socket.create_server(("127.0.0.1", 0)) as slow:

        def take_a_part() -> None:
            taken, _ = slow.accept()
            with taken:
                taken.recv(65536)
                server.cut()

        thread = threading.Thread(target=take_a_part)
        thread.start()
        error = tunnels.lost(f"http://localhost:{slow.getsockname()[1]}/", method="POST", size=20_000_000)
        thread.join()
    assert error.kind == "Away"
    until(lambda: len(tunnels.told) >= 2)
    assert tunnels.get(f"http://localhost:{page}/")[0] == 200


def test_a_server_that_stays_away_is_given_up(tunnels: Tunnels, server: SshServer, key: str, page: int) -> None:
    tunnels.open(key, minutes=0.0001)
    server.stop()
    server.cut()
    until(lambda: len(tunnels.told) >= 2)
    error = tunnels.lost(f"https://localhost:{page}/")
    assert (error.kind, str(error.told["message"])[:27]) == ("KubeflowError", "The ssh tunnel was given up")
    assert tunnels.get(f"http://localhost:{page}/")[0] == 410
    assert tunnels.close()[-1].startswith("The ssh tunnel was given up: The ssh server cannot be reached")


def test_a_server_that_comes_back_with_another_key_is_never_spoken_to(
    tunnels: Tunnels, server: SshServer, key: str, page: int
) -> None:
    if not (server.home / "changed").exists():
        server.make_key("changed")
    tunnels.open(key)
    server.key = "changed"
    server.restart()
    server.cut()
    until(lambda: any(line.startswith("The ssh tunnel was given up") for line in tunnels.told))
    told = tunnels.told[-1]
    assert fingerprint(server, "changed") in told
    assert fingerprint(server, "host") in told
    assert tunnels.get(f"http://localhost:{page}/")[0] == 410


def test_it_ends_with_whoever_opened_it_even_when_that_is_killed(server: SshServer, key: str, tmp_path: Path) -> None:
    before = server.log.count("Disconnected from user")
    with Sdk(tmp_path) as doomed:
        Tunnels(doomed, server).open(key)
        assert len(ssh_processes(str(server.port))) == 2
        doomed.kill()
    until(lambda: not ssh_processes(str(server.port)))
    until(lambda: server.log.count("Disconnected from user") > before)
