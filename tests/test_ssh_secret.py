"""The private key of a tunnel on its way: asked for, sealed for its branch, opened there, and good for a real sshd."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests import hosted_toys
from tests.canaries import found_in
from tests.github import FakeGitHub
from tests.hosted_toys import BRANCHES, Hosted
from tests.kubeflow.sdk import Sdk
from tests.servers.sshd import ssh_server
from tests.servers.tunnels import Tunnels


def secrets(hosted: Hosted, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "mlopsgen", "secrets", *arguments, "--host", hosted.github.url]
    environ = {**hosted.environ, "MLOPSGEN_GITHUB_TOKEN": hosted.token}
    done = subprocess.run(argv, cwd=hosted.here, env=environ, input=stdin, capture_output=True, text=True, check=False)
    assert not found_in(done.stdout + done.stderr)
    return done


def test_the_key_of_a_branch_is_sealed_for_it_and_opens_the_tunnel(tmp_path: Path) -> None:
    with ssh_server() as server, FakeGitHub() as github:
        key = server.make_key("user")
        server.authorize("user", options="restrict,port-forwarding")
        answers = {
            "staging_engine": "kubeflow",
            "staging_endpoint": "https://kubeflow.internal/pipeline",
            "staging_access": "ssh",
            "staging_ssh": server.to,
            "staging_ssh_host_key": server.host_key,
            "staging_login": "none",
        }
        (tmp_path / "model").mkdir()
        given = [word for name, value in answers.items() for word in ("--set", f"{name}={value}")]
        hosted = hosted_toys.set_up(github, hosted_toys.make_model(tmp_path / "model", given), tmp_path)
        for environment in BRANCHES:
            github.world.make_environment(hosted.there, environment)

        wanted = json.loads(secrets(hosted, "list", "--output", "json").stdout)["data"]["secrets"]
        required = [(one["environment"], one["name"]) for one in wanted if one["required"]]
        assert required == [("staging", "SSH_KEY")]

        assert secrets(hosted, "set", "SSH_KEY", "--stdin", "--branch", "staging", stdin=key).returncode == 0
        arrived = dict(hosted.there.secrets_of("staging"))["SSH_KEY"]
        assert arrived == key.removesuffix("\n")
        assert [name for name in BRANCHES if hosted.there.secrets_of(name)] == ["staging"]

        with Sdk(tmp_path) as sdk:
            tunnels = Tunnels(sdk, server)
            assert "MLOPSGEN_TUNNEL" in tunnels.open(arrived)
            tunnels.close()
