"""The script that starts a runner, executed for real: the program comes over HTTP and tells what it was given."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mlopsgen.errors import MlopsgenError
from mlopsgen.operations import runner_script
from mlopsgen.operations.runner_script import Program, Start
from mlopsgen.secret_value import SecretValue
from tests.runner_toys import archive, run, told

TOKEN = "AREGISTRATIONTOKENOFNOBODY"


@dataclass
class Shop:
    """Offers the program for download."""

    address: str
    archive: bytes
    served: list[str]

    @property
    def program(self) -> Program:
        name = "actions-runner-linux-x64-2.999.0.tar.gz"
        return Program(address=f"{self.address}/{name}", name=name, sha256=hashlib.sha256(self.archive).hexdigest())


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop("", archive(), [])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shop.served.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(shop.archive)))
            self.end_headers()
            self.wfile.write(shop.archive)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        shop.address = f"http://127.0.0.1:{server.server_port}"
        yield shop
        server.shutdown()


@pytest.fixture
def start(shop: Shop) -> Start:
    return Start(
        repository="https://github.example/o/r",
        name="r-development",
        labels=("gpu", "it's"),
        ephemeral=True,
        program=shop.program,
        expires=datetime.now(UTC) + timedelta(hours=1),
        again="mlopsgen runner add --branch development",
    )


def write(folder: Path, start: Start) -> Path:
    runner_script.prepare(folder)
    return runner_script.write(folder, start, SecretValue(TOKEN))


def test_it_downloads_checks_registers_and_runs(tmp_path: Path, shop: Shop, start: Start) -> None:
    folder = tmp_path / "a runner"
    script = write(folder, start)
    assert (folder.stat().st_mode & 0o777, script.stat().st_mode & 0o777) == (0o700, 0o700)
    assert (folder / runner_script.TOKEN).stat().st_mode & 0o777 == 0o600
    assert TOKEN not in script.read_text(encoding="utf-8")

    done = run(script)
    assert done.returncode == 0, done.stderr
    arguments = [line.removeprefix("argument ") for line in told(folder) if line.startswith("argument ")]
    assert arguments == [
        "--unattended", "--replace", "--url", "https://github.example/o/r", "--name", "r-development",
        "--work", "_work", "--labels", "gpu,it's", "--ephemeral",
    ]  # fmt: skip
    assert f"token {TOKEN}" in told(folder)
    assert told(folder)[-1] == "runs with token []"
    assert not (folder / runner_script.TOKEN).exists()
    assert TOKEN not in done.stdout + done.stderr
    assert TOKEN not in (folder / "processes").read_text(encoding="utf-8")
    assert not [path for path in folder.iterdir() if path.name.endswith(".gz") or path.name == "runner.new"]


def test_run_again_it_only_starts(tmp_path: Path, shop: Shop, start: Start) -> None:
    script = write(tmp_path / "runner", start)
    assert run(script).returncode == 0
    before = len(told(script.parent))
    assert run(script).returncode == 0
    assert told(script.parent)[before:] == ["runs with token []"]
    assert len(shop.served) == 1


def test_a_new_token_registers_again_without_a_new_download(tmp_path: Path, shop: Shop, start: Start) -> None:
    script = write(tmp_path / "runner", start)
    run(script)
    # What an ephemeral runner does after its job.
    (script.parent / "runner" / ".runner").unlink()
    again = run(script)
    assert again.returncode == 1
    assert "no valid registration token. Next: mlopsgen runner add --branch development" in again.stderr
    write(script.parent, start)
    assert run(script).returncode == 0
    assert len(shop.served) == 1
    assert told(script.parent).count(f"token {TOKEN}") == 2


def test_a_download_that_was_changed_is_not_run(tmp_path: Path, shop: Shop, start: Start) -> None:
    script = write(tmp_path / "runner", start)
    shop.archive += b"more"
    done = run(script)
    assert done.returncode == 1
    assert "is not what GitHub names" in done.stderr
    assert not (script.parent / "told").exists()
    assert sorted(path.name for path in script.parent.iterdir()) == [runner_script.TOKEN, "start.sh"]
    shop.archive = shop.archive.removesuffix(b"more")
    assert run(script).returncode == 0


def test_what_an_interrupted_download_left_is_made_again(tmp_path: Path, shop: Shop, start: Start) -> None:
    script = write(tmp_path / "runner", start)
    for place in ("runner", "runner.new"):
        (script.parent / place).mkdir()
        (script.parent / place / "half").touch()
    (script.parent / start.program.name).write_bytes(shop.archive[:50])
    assert run(script).returncode == 0
    assert not (script.parent / "runner" / "half").exists()


def test_it_refuses_root(tmp_path: Path, shop: Shop, start: Start) -> None:
    script = write(tmp_path / "runner", start)
    done = run(script, user=0)
    assert done.returncode == 1
    assert "must not be root" in done.stderr
    assert shop.served == []
    assert (script.parent / runner_script.TOKEN).exists()


def test_an_expired_token_is_deleted_and_not_sent(tmp_path: Path, shop: Shop, start: Start) -> None:
    expired = replace(start, expires=datetime.now(UTC) - timedelta(minutes=1))
    script = write(tmp_path / "runner", expired)
    done = run(script)
    assert done.returncode == 1
    assert f"expired at {expired.expires:%Y-%m-%d %H:%M} UTC" in done.stdout
    assert not (script.parent / runner_script.TOKEN).exists()
    assert not (script.parent / "told").exists()


def test_a_refused_registration_leaves_no_token(tmp_path: Path, shop: Shop, start: Start) -> None:
    script = write(tmp_path / "runner", start)
    (script.parent / "refuse").touch()
    done = run(script)
    assert done.returncode == 1
    assert "its token is used up. Next: mlopsgen runner add" in done.stderr
    assert not (script.parent / runner_script.TOKEN).exists()
    assert "runs with" not in "\n".join(told(script.parent))


def test_a_missing_program_is_named(tmp_path: Path, shop: Shop, start: Start) -> None:
    script = write(tmp_path / "runner", start)
    few = tmp_path / "few"
    few.mkdir()
    for name in ("bash", "dirname"):
        found = next(Path(part, name) for part in os.environ["PATH"].split(":") if Path(part, name).is_file())
        (few / name).symlink_to(found)
    (few / "id").write_text("#!/bin/sh\necho 1000\n")
    (few / "id").chmod(0o755)
    (few / "sh").symlink_to("/bin/sh")
    (few / "env").symlink_to("/usr/bin/env")
    done = run(script, path=str(few))
    assert done.returncode == 1
    assert "'curl' is not installed." in done.stderr


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path, start: Start) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis").touch()
    with pytest.raises(MlopsgenError, match="holds other things"):
        runner_script.prepare(tmp_path / "mine")
    (tmp_path / "file").touch()
    with pytest.raises(MlopsgenError, match="is no folder"):
        runner_script.prepare(tmp_path / "file")


def test_shellcheck_finds_nothing(tmp_path: Path, start: Start) -> None:
    script = write(tmp_path / "runner", start)
    shellcheck = Path(sys.executable).parent / "shellcheck"
    done = subprocess.run([shellcheck, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
