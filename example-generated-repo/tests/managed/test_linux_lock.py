"""The extract of the lock that travels inside packages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support import TEMPLATE

from helpers import linux_lock
from helpers.errors import ConfigurationError


def package(name: str, *files: str, marker: str = "", sdist: bool = False) -> dict[str, Any]:
    """A package of a ``pylock.toml``; the hash of a file is its place in the list."""
    wheels = [
        {"url": f"https://index.example/a/{file}", "hashes": {"sha256": str(number)}}
        for number, file in enumerate(files)
    ]
    source = {"sdist": {"url": "https://index.example/a.tar.gz", "hashes": {"sha256": "source"}}} if sdist else {}
    return {"name": name, "version": "1.0", "wheels": wheels, **({"marker": marker} if marker else {}), **source}


def lines(*packages: dict[str, Any]) -> list[str]:
    return [line.strip(" \\") for line in linux_lock.extract({"packages": packages}).splitlines()]


def test_only_what_a_linux_container_can_install_is_kept() -> None:
    wheels = [
        "a-1.0-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        "a-1.0-cp311-cp311-manylinux_2_28_aarch64.whl",
        "a-1.0-cp311-cp311-macosx_11_0_arm64.whl",
        "a-1.0-cp311-cp311-win_amd64.whl",
        "a-1.0-cp311-cp311-musllinux_1_2_x86_64.whl",
        "a-1.0-cp310-cp310-manylinux_2_28_x86_64.whl",
        "a-1.0-cp313-cp313t-manylinux_2_28_x86_64.whl",
        "a-1.0-cp39-abi3-manylinux_2_28_x86_64.whl",
        "a-1.0-pp311-pypy311_pp73-manylinux_2_28_x86_64.whl",
    ]
    assert lines(package("a", *wheels, sdist=True)) == ["a==1.0", *(f"--hash=sha256:{number}" for number in (0, 1, 7))]


def test_sources_are_taken_where_there_is_nothing_better_and_other_platforms_left_out() -> None:
    assert lines(package("a", "a-1.0-cp311-cp311-win_amd64.whl", sdist=True)) == ["a==1.0", "--hash=sha256:source"]
    assert lines(package("a", "a-1.0-py3-none-any.whl", marker="sys_platform == 'win32'")) == []
    either = "sys_platform == 'linux' or sys_platform == 'win32'"
    assert lines(package("a", "a-1.0-py3-none-any.whl", marker=either)) == [f"a==1.0 ; {either}", "--hash=sha256:0"]


def test_the_extract_of_this_repository_fits_its_lock_and_names_no_index() -> None:
    text = linux_lock.read_linux_lock(TEMPLATE).decode()
    assert "://" not in text
    assert "kfp" in {name for name, _ in linux_lock.pins(text)}


def test_an_extract_that_is_missing_or_old_is_refused(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("a==2.0 \\\n    --hash=sha256:0\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="is missing"):
        linux_lock.read_linux_lock(tmp_path)
    (tmp_path / linux_lock.NAME).write_text("a==1.0 \\\n    --hash=sha256:0\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="does not fit requirements") as caught:
        linux_lock.read_linux_lock(tmp_path)
    assert caught.value.hint == "Run: make lock"
