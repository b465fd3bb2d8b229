"""What the built packages hold and say, and what happens when somebody installs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.metadata import InvalidMetadata, Metadata
from packaging.utils import parse_sdist_filename, parse_wheel_filename

BUNDLE = "mlopsgen/template.bundle"
NEEDED = (BUNDLE, "mlopsgen/py.typed", "mlopsgen/schemas/report.json")
# Links of a page on PyPI have no repository around them.
_RELATIVE = re.compile(r"\]\((?!https?://|#|mailto:)([^)\s]+)\)|(?:src|srcset|href)=\"(?!https?://|#)([^\"]+)\"")
_OURS = re.compile(r"mlopsgen(-[\d.]+\.dist-info)?/")


class Wrong(Exception):
    """A package is not what it should be; the message says what, and where it comes from."""


def look_at(packages: Sequence[Path], version: str, released: Sequence[str]) -> list[tuple[str, str]]:
    """Look into the sdist and the wheel.

    Args:
        packages: Both files.
        version: The one that they should have.
        released: The tags of earlier versions.

    Returns:
        What was looked at, and what was found.

    Raises:
        Wrong: Something is missing, too much, or cannot be read.
    """
    wheel = next((path for path in packages if path.suffix == ".whl"), None)
    sdist = next((path for path in packages if path.name.endswith(".tar.gz")), None)
    if wheel is None or sdist is None or len(packages) != 2:
        raise Wrong(f"There should be one wheel and one sdist, not {[path.name for path in packages]}.")
    if {str(parse_wheel_filename(wheel.name)[1]), str(parse_sdist_filename(sdist.name)[1])} != {version}:
        raise Wrong(f"{wheel.name} and {sdist.name} are not of version {version}.")
    texts = _metadata(wheel, sdist)
    return [
        ("metadata", ", ".join(check_metadata(name, text, version) for name, text in texts.items())),
        ("content", check_content(wheel)),
        ("template", check_bundle(wheel, [*released, f"v{version}"])),
    ]


def _metadata(wheel: Path, sdist: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        found = {wheel.name: archive.read(name)}
    with tarfile.open(sdist) as archive:
        member = archive.extractfile(f"{sdist.name.removesuffix('.tar.gz')}/PKG-INFO")
        assert member is not None
        found[sdist.name] = member.read()
    return found


def check_metadata(name: str, text: bytes, version: str) -> str:
    """Metadata is valid, and its page on PyPI can be read."""
    try:
        data = Metadata.from_email(text, validate=True)
    except* InvalidMetadata as wrong:
        raise Wrong(f"{name}: {'; '.join(str(one) for one in wrong.exceptions)}") from None
    if str(data.version) != version:
        raise Wrong(f"{name} says version {data.version}, not {version}.")
    if data.description_content_type != "text/markdown" or not (data.description or "").strip():
        raise Wrong(f"{name}: README.md did not become the page on PyPI.")
    broken = [one or other for one, other in _RELATIVE.findall(data.description or "")]
    if broken:
        raise Wrong(
            f"{name}: on PyPI the link '{broken[0]}' of README.md leads nowhere; hatch_build.py makes them whole."
        )
    for label in ("license_expression", "requires_python", "summary", "project_urls"):
        if not getattr(data, label):
            raise Wrong(f"{name} has no {label.replace('_', ' ')}; pyproject.toml says it.")
    return f"{name} {data.metadata_version}"


def check_content(wheel: Path) -> str:
    """The wheel holds the package and nothing of the project besides."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        broken = archive.testzip()
    if broken is not None:
        raise Wrong(f"{wheel.name} is broken at {broken}.")
    strange = [name for name in names if not _OURS.match(name) or "__pycache__" in name]
    if strange:
        raise Wrong(f"{wheel.name} holds what is not the package: {', '.join(strange[:3])}.")
    missing = [name for name in NEEDED if name not in names]
    missing += [] if any(name.endswith("/licenses/LICENSE") for name in names) else ["LICENSE"]
    if missing:
        raise Wrong(f"{wheel.name} lacks {', '.join(missing)}.")
    return f"{len(names)} files, with the licence"


def check_bundle(wheel: Path, wanted: Sequence[str]) -> str:
    """The template's bundle holds the released versions and this one."""
    with zipfile.ZipFile(wheel) as archive:
        head = archive.read(BUNDLE)[:65536].split(b"PACK", 1)[0]
    found = re.findall(rb"^[0-9a-f]{40,64} refs/tags/(\S+)$", head, re.MULTILINE)
    missing = sorted(set(wanted) - {name.decode() for name in found})
    if missing:
        raise Wrong(
            f"The template's bundle lacks {', '.join(missing)}: is this a clone with all tags (fetch-depth: 0)?"
        )
    return "versions " + ", ".join(sorted(name.decode() for name in found))


def try_out(packages: Sequence[Path], version: str, folder: Path, root: Path) -> str:
    """Install the wheel alone into an empty environment and make a repository with it.

    Args:
        packages: Both files.
        version: What it has to call itself.
        folder: One that is not there yet.
        root: The checkout, whose lock says which versions of other packages come along.

    Raises:
        Wrong: It cannot be installed or does not work.
    """
    home, place = folder / "home", folder / "environment"
    home.mkdir(parents=True)
    venv.create(place, with_pip=False, symlinks=os.name != "nt")
    programs = place / ("Scripts" if os.name == "nt" else "bin")
    python = programs / ("python.exe" if os.name == "nt" else "python")
    wheel = next(path for path in packages if path.suffix == ".whl")
    uv = Path(sys.executable).with_name("uv.exe" if os.name == "nt" else "uv")
    locked = ["--constraint", str(root / "requirements-dev.txt")]
    _run([uv, "pip", "install", "--quiet", "--python", python, *locked, wheel], folder, os.environ)
    clean = {name: value for name, value in os.environ.items() if name in {"PATH", "SYSTEMROOT", "LANG", "TMPDIR"}}
    clean |= {"HOME": str(home), "USERPROFILE": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
    tool = programs / ("mlopsgen.exe" if os.name == "nt" else "mlopsgen")
    said = _run([tool, "--version"], folder, clean)
    if version not in said:
        raise Wrong(f"The installed program calls itself '{said.strip()}', not {version}.")
    _run([tool, "init", "wine", "--defaults"], folder, clean)
    record = (folder / "wine" / ".copier-answers.yml").read_text(encoding="utf-8")
    branches = _run(["git", "branch", "--format=%(refname:short)"], folder / "wine", clean).split()
    if f"_commit: v{version}\n" not in record or sorted(branches) != ["development", "production", "staging"]:
        raise Wrong(
            f"The repository that the installed program made is of another version or lacks branches: {branches}."
        )
    return f"alone in an empty environment; made a repository of v{version}"


def _run(command: Sequence[str | Path], cwd: Path, environ: Mapping[str, str]) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Wrong(f"'{' '.join(map(str, command[:3]))} ...' failed:\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
    return done.stdout
