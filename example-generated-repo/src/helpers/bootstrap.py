"""How a step begins whose code travels inside the package: a small program in front of its command.

The program needs nothing but Python. It unpacks the code, installs what the lock inside it names unless it is there,
and then becomes the step's own command.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from helpers.errors import ConfigurationError

if TYPE_CHECKING:
    from helpers.code_archive import Archive, Code

LARGEST_STEP = 120_000
"""Bytes of one step's container in a package: Kubeflow hands it to a program as one argument of at most 128 KiB."""

LARGEST_PACKAGE = 1_000_000
"""Bytes of a whole package: Kubernetes keeps a run in one object of at most 1.5 MiB, and adds states to it."""

PROGRAM = """\
import base64, bz2, hashlib, importlib.metadata, io, json, os, re, subprocess, sys, tarfile, tempfile

digest, packed, command = sys.argv[1], sys.argv[2], sys.argv[3:]
data = base64.b64decode(packed)
number = 0
while not packed:
    number += 1
    artifacts = json.loads(command[command.index("--executor_input") + 1])["inputs"]["artifacts"]
    if "mlopsgen_code_%d" % number not in artifacts:
        break
    address = artifacts["mlopsgen_code_%d" % number]["artifacts"][0]["uri"]
    path = re.sub("^([a-z0-9]+)://", lambda kind: "/" + {"gs": "gcs"}.get(kind[1], kind[1]) + "/", address)
    with open(path, "rb") as file:
        data += file.read()
if "sha256:" + hashlib.sha256(data).hexdigest() != digest:
    sys.exit("error: the code of this run is not what the package was made with; submit it again")
home = tempfile.mkdtemp(prefix="code-")
with tarfile.open(fileobj=io.BytesIO(bz2.decompress(data))) as archive:
    archive.extractall(home, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
environ = dict(os.environ, MLOPSGEN_ROOT=home)
environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.path.join(home, "src"), os.environ.get("PYTHONPATH")]))
lock = os.path.join(home, "requirements-linux.txt")
wanted = re.findall(r"(?m)^([A-Za-z0-9._-]+)==(\\S+) \\\\$", open(lock).read()) if os.path.exists(lock) else []
missing = []
for name, version in wanted:
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        found = ""
    if found != version:
        missing.append(name)
if missing:
    print("installing %d of %d requirements ..." % (len(missing), len(wanted)), flush=True)
    if not os.access(os.path.expanduser("~"), os.W_OK):
        environ["PYTHONUSERBASE"] = os.path.join(home, "local")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-cache-dir"]
    done = subprocess.run([*pip, "--no-deps", "--require-hashes", "-r", lock], env=environ, stdin=subprocess.DEVNULL)
    if done.returncode:
        sys.exit("error: the requirements could not be installed; an image that holds them needs no network (registry)")
os.chdir(home)
os.execvpe(command[0], command, environ)
"""


CARRIER = """\
import base64, json, os, re, sys

given = json.loads(sys.argv[sys.argv.index("--executor_input") + 1])
address = given["outputs"]["artifacts"]["part"]["artifacts"][0]["uri"]
path = re.sub("^([a-z0-9]+)://", lambda kind: "/" + {"gs": "gcs"}.get(kind[1], kind[1]) + "/", address)
os.makedirs(os.path.dirname(path), exist_ok=True)
with open(path, "wb") as file:
    file.write(base64.b64decode(sys.argv[1]))
"""
"""Turns a piece of the packed code into an artifact."""

PIECE = 88_800
"""Bytes of packed code that one step can carry: base64 makes a third more of them."""


def carrying_command(piece: bytes) -> list[str]:
    """The command of a step that brings a piece of the packed code."""
    return ["python3", "-c", CARRIER, base64.b64encode(piece).decode("ascii")]


def command_with_code(command: Sequence[str], archive: Archive, *, embedded: bool) -> list[str]:
    """The command of a step behind the program that brings its code.

    Args:
        command: The step's own command.
        archive: The code.
        embedded: Whether the code stands in the command itself; else the step gets it as an artifact.
    """
    packed = base64.b64encode(archive.data).decode("ascii") if embedded else ""
    return ["python3", "-c", PROGRAM, archive.digest, packed, *command]


def check_sizes(spec: Any, length: int, code: Code | None, *, where: str) -> None:
    """Refuses a package that a cluster could not run.

    Args:
        spec: The compiled pipeline.
        length: The bytes of the whole package.
        code: The code that travels in it.
        where: The package's name.

    Raises:
        ConfigurationError: The message tells the largest files, and what to do.
    """
    executors = spec.get("deploymentSpec", {}).get("executors", {})
    sizes = {name.removeprefix("exec-"): len(json.dumps(executor)) for name, executor in executors.items()}
    largest = max(sizes, key=lambda name: sizes[name], default="")
    files = f" The largest files in it, packed: {code.steps.largest()}." if code else ""
    hint = (
        "Keep data out of the repository (data/sources.yaml takes addresses), or set registry: in config.yaml, so that "
        "the code travels in an image."
    )
    if largest and sizes[largest] > LARGEST_STEP:
        raise ConfigurationError(
            f"The step '{largest}' has {sizes[largest]:,} bytes, and Kubeflow takes {LARGEST_STEP:,}.{files}",
            where=where,
            hint=hint,
        )
    if length > LARGEST_PACKAGE:
        raise ConfigurationError(
            f"The package has {length:,} bytes, and a cluster takes {LARGEST_PACKAGE:,}.{files}", where=where, hint=hint
        )
