"""``make ui``: opens MLflow's pages for the store of a branch."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from helpers.config import load_config, load_dotenv, repository_root, tracking_uri
from helpers.errors import RepositoryError

_SQLITE = "sqlite:///"


def command(uri: str, port: int) -> list[str]:
    """What serves the pages of a store."""
    return [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri, "--port", str(port), "--workers", "1"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Becomes the server of the store's pages; a store on a server has its pages there."""
    parser = argparse.ArgumentParser(prog="python -m helpers.tracking_ui", description=__doc__)
    parser.add_argument("--branch", default="development")
    parser.add_argument("--port", type=int, default=5000)
    options = parser.parse_args(arguments)
    root = repository_root(os.environ)
    try:
        environ = load_dotenv(root, os.environ)
        uri = tracking_uri(root, load_config(root, options.branch), environ)
    except RepositoryError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    if uri.startswith("http"):
        print(f"The store of {options.branch} is a server: open {uri}")
        return 0
    if uri.startswith(_SQLITE) and not Path(uri.removeprefix(_SQLITE)).exists():
        print(f"Nothing has been trained into {uri} yet; train first: make train", file=sys.stderr)
        return 1
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", options.port)) == 0:
            print(f"Port {options.port} is taken; use another one: make ui PORT={options.port + 1}", file=sys.stderr)
            return 1
    print(f"MLflow shows {uri} on http://127.0.0.1:{options.port} in some seconds (Ctrl-C ends it)", flush=True)
    return _become(command(uri, options.port), {**environ, "MLFLOW_DISABLE_TELEMETRY": "true"})


def _become(program: list[str], environ: Mapping[str, str]) -> NoReturn:
    os.execve(program[0], program, dict(environ))  # noqa: S606 - an interpreter with fixed arguments, no shell


if __name__ == "__main__":
    raise SystemExit(main())
