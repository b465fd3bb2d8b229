"""A Python for the steps of a cluster that has imported their libraries already; a step costs a fork, not 4 seconds.

What is forked is as a new process is: its own arguments, variables, folder, module path and output. Steps in processes
that begin with nothing are what the generated repository's own ``tests/managed/test_cluster_package.py`` runs.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests import template_environment

SERVER = Path(__file__).with_name("warm_server.py")
_SHIM = """\
#!/bin/sh
# Steps are forked; whatever else is asked of Python gets a new one.
if [ "$1 $2" = "-m kfp.dsl.executor_main" ]; then shift 2; exec "{python}" -I -S "{server}" ask "{socket}" "$@"; fi
exec "{python}" "$@"
"""


@functools.cache
def programs() -> Path:
    """A folder with the program ``python3``, for the front of a ``PATH``; its server lives as long as this process."""
    folder = Path(tempfile.mkdtemp(prefix="warm-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    python, socket = template_environment.python(), folder / "socket"
    shim = folder / "python3"
    shim.write_text(_SHIM.format(python=python, server=SERVER, socket=socket), encoding="utf-8")
    shim.chmod(0o755)
    server = subprocess.Popen(
        [str(python), str(SERVER), "serve", str(socket)],
        cwd=folder,
        env=template_environment.environ(folder, _KFP_RUNTIME="true"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    atexit.register(server.wait)
    atexit.register(server.stdin.close)  # it ends with its input
    with server.stdout:
        assert server.stdout.readline() == b"ready\n", "the server of the steps did not start"
    return folder
