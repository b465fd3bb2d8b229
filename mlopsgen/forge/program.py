"""The two files that make a folder train: the worker as one archive, and the hook that starts it."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from importlib.resources import files

_PACKAGE = "mlopsgen_worker"
_MAIN = f"import sys\n\nfrom {_PACKAGE}.main import main\n\nsys.exit(main())\n"
_EPOCH = (1980, 1, 1, 0, 0, 0)

HOOK = r"""#!/bin/sh
# Installed by mlopsgen: hands what was pushed to program/worker.pyz, which queues and trains it. The push itself is
# complete before this starts; nothing that happens here can lose it.
trap '' INT HUP TERM PIPE
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_QUARANTINE_PATH
forge=$(dirname "$PWD")
worker=$forge/program/worker.pyz
suits() { [ -n "$1" ] && "$1" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null </dev/null; }
read -r recorded 2>/dev/null <"$forge/program/python"
for python in "$recorded" python3.13 python3.12 python3.11 python3 python; do
    if suits "$python"; then
        "$python" -I -X utf8 "$worker" receive ||
            echo "The push is stored, but its training could not be started; 'mlopsgen doctor' checks this machine."
        exit 0
    fi
done
echo "The push is stored, but there is no Python 3.11 or newer to train with; install one, then run 'mlopsgen run'."
exit 0
"""
"""The ``post-receive`` hook: plain POSIX shell, and no word in it depends on where the forge or the tool lies."""


def runs_here() -> bool:
    """Whether this system can have a forge: its hook and its worker need what POSIX systems have and Windows lacks."""
    return hasattr(os, "fork")


def archive() -> bytes:
    """The worker program as a zip archive that Python runs; the same bytes from the same sources."""
    sources = files("mlopsgen.forge.worker")
    modules = {item.name: item.read_bytes() for item in sources.iterdir() if item.name.endswith(".py")}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        _add(bundle, "__main__.py", _MAIN.encode())
        for name in sorted(modules):
            _add(bundle, f"{_PACKAGE}/{name}", modules[name])
    return buffer.getvalue()


def digest(content: bytes) -> str:
    """A short fingerprint by which two versions of a file are told apart."""
    return hashlib.sha256(content).hexdigest()[:12]


def _add(bundle: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    bundle.writestr(entry, content)
