"""``requirements-linux.txt``: the lock again, with nothing but the files that a step in a container may need.

The lock holds a hash for every file of every platform, 2,800 of them; code that travels inside a package has no room
for that. ``make lock`` makes this extract: Linux on x86_64 and arm64, and sources where there is nothing better.
``python -m helpers.linux_lock PYLOCK --to FILE`` reads what uv writes in the format of PEP 751, which names the files;
no address of an index is kept.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from helpers.errors import ConfigurationError

NAME = "requirements-linux.txt"
_MACHINES = re.compile(r"manylinux[0-9a-z_.]*_(x86_64|aarch64)$")
_PYTHONS = re.compile(r"(cp31[1-9]|cp3[2-9]\d|py3|py2\.py3)(\.|$)")
_PIN = re.compile(r"(?m)^([A-Za-z0-9._-]+)==([^\s;\\]+)(?: ; (.*?))? \\$")
_ELSEWHERE = re.compile(r"sys_platform == '(win32|darwin|cygwin|emscripten)'|platform_system == '(Windows|Darwin)'")


def extract(lock: Mapping[str, Any]) -> str:
    """The lines of the extract of a parsed ``pylock.toml``."""
    lines: list[str] = []
    for package in lock["packages"]:
        marker = package.get("marker", "")
        if _elsewhere(marker):
            continue
        hashes = sorted(_hashes(package))
        if not hashes:
            continue
        condition = f" ; {marker}" if marker else ""
        head = f"{package['name']}=={package['version']}{condition}"
        lines.append(" \\\n    ".join([head, *(f"--hash=sha256:{digest}" for digest in hashes)]))
    return "\n".join([*lines, ""])


def _hashes(package: Mapping[str, Any]) -> Iterator[str]:
    wheels = [wheel for wheel in package.get("wheels", []) if _fits(_file_name(wheel))]
    yield from {wheel["hashes"]["sha256"] for wheel in wheels}
    if not wheels and "sdist" in package:
        yield package["sdist"]["hashes"]["sha256"]


def _file_name(file: Mapping[str, Any]) -> str:
    return str(file.get("name") or file["url"].split("#")[0].rpartition("/")[2])


def _fits(name: str) -> bool:
    """Whether a wheel may be what a Linux container installs."""
    python, abi, platforms = name.removesuffix(".whl").split("-")[-3:]
    if not (_PYTHONS.match(python) or (abi == "abi3" and python.startswith("cp3"))) or abi.endswith("t"):
        return False
    return platforms == "any" or any(_MACHINES.fullmatch(platform) for platform in platforms.split("."))


def pins(text: str) -> set[tuple[str, str]]:
    """The packages and versions that a lock names; one may have several, for several versions of Python."""
    return {(match[1].lower(), match[2]) for match in _PIN.finditer(text) if not _elsewhere(match[3] or "")}


def _elsewhere(marker: str) -> bool:
    """Whether only other platforms need a package."""
    return all(_ELSEWHERE.search(part) for part in marker.split(" or ")) if marker else False


def read_linux_lock(root: Path) -> bytes:
    """The extract, when it fits the lock.

    Raises:
        ConfigurationError: There is none, or it names other versions than the lock.
    """
    again = "Run: make lock"
    try:
        data = (root / NAME).read_bytes()
        lock = (root / "requirements.txt").read_text(encoding="utf-8")
    except OSError as error:
        name = Path(str(error.filename)).name
        raise ConfigurationError(
            "The file is missing; steps whose code travels inside the package install what it names.",
            where=name,
            hint=again,
        ) from error
    ours, known = pins(data.decode("utf-8")), pins(lock)
    differing = sorted({name for name, _ in ours ^ known})
    if differing:
        raise ConfigurationError(
            f"It does not fit requirements.txt: {', '.join(differing[:5])}.", where=NAME, hint=again
        )
    return data


def main(arguments: list[str]) -> int:
    """Writes the extract of the file that is named."""
    parser = argparse.ArgumentParser(prog="python -m helpers.linux_lock")
    parser.add_argument("pylock", type=Path)
    parser.add_argument("--to", type=Path, required=True)
    options = parser.parse_args(arguments)
    text = extract(tomllib.loads(options.pylock.read_text(encoding="utf-8")))
    options.to.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
