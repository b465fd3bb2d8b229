"""Reading an answers file: what is taken, and that every error names the line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mlopsgen.adapters import answers_file
from mlopsgen.answers import resolve
from mlopsgen.errors import ExitCode, InvalidDocument


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "answers.yml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_yaml_json_and_a_byte_order_mark_are_read(tmp_path):
    path = write(tmp_path, "# mine\nversion: 1\nslug: wine\nreviewers:\n- ada\n")
    assert answers_file.read(path) == (
        {"slug": "wine", "reviewers": ["ada"]},
        {"slug": f"{path}:3", "reviewers": f"{path}:4"},
    )
    assert answers_file.read(write(tmp_path, '{"version": 1, "task": "binary"}'))[0] == {"task": "binary"}
    assert answers_file.read(write(tmp_path, "\ufefftask: binary\r\n"))[0] == {"task": "binary"}
    assert answers_file.read(write(tmp_path, "# nothing\n")) == ({}, {})


def test_the_record_of_another_repository_can_be_used_as_it_is(tmp_path):
    record = {"_commit": "v0.1.0", "_src_path": "https://example.org/template", **resolve({"slug": "wine"})}
    given, _ = answers_file.read(write(tmp_path, yaml.safe_dump(record)))
    assert resolve(given) == resolve({"slug": "wine"})


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("slug: [", 1, "not valid YAML"),
        ("a: 1\n\tb: 2", 2, "not valid YAML"),
        ("slug: wine\nslug: beer", 2, "twice"),
        ("- slug", 1, "key: value"),
        ("just text", 1, "key: value"),
        ("slug: !!python/object:os.system x", 1, "not valid YAML"),
        ("a: *nothing", 1, "not valid YAML"),
        ("{{ slug }}: x", 1, "not valid YAML"),
        ("1: x", 1, "not a text"),
        ("slug: wine\nversion: 2", 2, "version 2"),
        ("version: true", 1, "version True"),
        ("a: b\n--- \nc: d", 2, "not valid YAML"),
        (b"slug: wine\nname: \xff\xfe", 2, "UTF-8"),
        (b"slug: \x00", 1, "not valid YAML"),
        ("[" * 5000, 1, "not valid YAML"),
        ("a: 2026-99-99\nwhen: 2026-13-45", 1, "not valid YAML"),
        ("x: " + "y" * 1_000_001, 1, "megabyte"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(tmp_path, text, line, said):
    path = write(tmp_path, text)
    with pytest.raises(InvalidDocument) as caught:
        answers_file.read(path)
    assert caught.value.where == f"{path}:{line}"
    assert said in caught.value.message
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_path_that_is_no_file_is_refused(tmp_path):
    for path in (tmp_path / "none.yml", tmp_path, tmp_path / ("x" * 300)):
        with pytest.raises(InvalidDocument if len(path.name) < 256 else Exception) as caught:
            answers_file.read(path)
        assert str(path) in caught.value.where
