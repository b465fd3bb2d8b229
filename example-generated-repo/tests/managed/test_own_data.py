"""Own data with the mishaps that real files have: what is taken as it is meant, and what the notes and errors say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers.errors import DataError
from helpers.sources import Source
from helpers.splitting import split_table
from helpers.table import Table, prepare

ROWS = 40


def table(content: str | bytes | pd.DataFrame, folder: Path, **declared: Any) -> Table:
    path = folder / "own"
    if isinstance(content, pd.DataFrame):
        content.to_parquet(path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    source = Source(**{"address": "own", "target": "score", "task": "regression", **declared})
    return prepare(path, source, name="own", address="own", fingerprint="sha256:0")


def lines(header: str, *rows: str) -> str:
    return "\n".join([header, *(rows[row % len(rows)] for row in range(ROWS))]) + "\n"


@pytest.mark.parametrize("word", ["inf", "-Infinity", "1e999"])
def test_a_column_of_numbers_stays_one_when_some_are_infinite(tmp_path: Path, word: str) -> None:
    rows = "".join(f"{word if row == 7 else row % 9},{row}\n" for row in range(ROWS))
    found = table("x,score\n" + rows, tmp_path)
    assert found.kinds == {"x": "numeric"}
    assert found.frame["x"].isna().sum() == 1
    assert "Column 'x' holds 1 infinite value; it is taken as missing." in found.record.notes


def test_infinite_numbers_of_a_parquet_file_are_missing(tmp_path: Path) -> None:
    x = np.arange(ROWS, dtype="float64") % 9
    x[:3] = [np.inf, -np.inf, np.nan]
    found = table(pd.DataFrame({"x": x, "score": np.arange(ROWS)}), tmp_path)
    assert found.kinds == {"x": "numeric"}
    assert found.frame["x"].isna().sum() == 3
    assert "Column 'x' holds 2 infinite values; they are taken as missing." in found.record.notes


def test_numbers_too_large_to_be_exact_can_be_categories(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [1e20, np.inf] * (ROWS // 2), "score": np.arange(ROWS)})
    found = table(frame, tmp_path, columns={"x": "categorical"})
    assert set(found.frame["x"]) == {"1e+20", "inf"}


@pytest.mark.parametrize("numbers", [("9223372036854775808", "1"), ("9007199254740992", "9007199254740993")])
def test_classes_of_many_digits_keep_every_digit(tmp_path: Path, numbers: tuple[str, str]) -> None:
    found = table(lines("x,score", f"1,{numbers[0]}", f"2,{numbers[1]}"), tmp_path, task="binary")
    assert found.labels == sorted(numbers)


def test_a_class_whose_name_means_missing_is_told(tmp_path: Path) -> None:
    content = lines("x,score", "1,None", "2,mild", "3,severe", "4,NA")
    found = table(content, tmp_path, task="binary")
    assert found.labels == ["mild", "severe"]
    assert "The target 'score' is taken as missing where it holds 'None' (10), 'NA' (10)." in found.record.notes
    with pytest.raises(DataError, match=r"in every row that has one \(yes\)\. The target .* holds 'None' \(20\)"):
        table(lines("x,score", "1,None", "2,yes"), tmp_path, task="binary")


def test_a_decimal_comma_in_quotes_is_not_guessed_but_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'score' has to hold numbers.* declare \"decimal: ','\""):
        table(lines("x,score", '1,"1,5"', '2,"2,5"'), tmp_path)
    with pytest.raises(DataError, match=r"If the comma groups thousands, write the numbers without it\. If the comma"):
        table(lines("x,score", '1,"1,839"', '2,"12,002"'), tmp_path)
    rows = "".join(f'{row % 7},"{row},25",{row}\n' for row in range(ROWS))
    assert any("declare \"decimal: ','\"" in note for note in table("a,x,score\n" + rows, tmp_path).record.notes)


@pytest.mark.parametrize("kind", ["numeric", "categorical"])
def test_a_declared_column_without_values_is_left_out(tmp_path: Path, kind: str) -> None:
    found = table(lines("x,m,score", "1,,1", "2,,2"), tmp_path, columns={"m": kind})
    assert found.kinds == {"x": "numeric"}
    assert "Column 'm' is ignored: it holds no values." in found.record.notes


def test_a_column_of_a_few_numbers_is_left_out(tmp_path: Path) -> None:
    rows = "".join(f"{row % 9},{row if row < 3 else ''},{row}\n" for row in range(ROWS))
    found = table("x,m,score\n" + rows, tmp_path)
    assert found.kinds == {"x": "numeric"}
    assert "Column 'm' is ignored: only 3 of its 40 values are there." in found.record.notes


def test_the_share_of_numbers_is_never_rounded_to_all(tmp_path: Path) -> None:
    rows = "".join(f"{'unknown' if row == 7 else row % 9},{row}\n" for row in range(400))
    assert any("; 99 % of its values are numbers" in note for note in table("x,score\n" + rows, tmp_path).record.notes)


@pytest.mark.parametrize(
    ("content", "declared", "message"),
    [
        (lines("0.5,b,-3", "1,a,2"), {}, "first line holds numbers"),
        (lines("x,score", "1,1e200", "2,3"), {}, "'score' holds numbers as large as 1e"),
        (b"PAR1\x15\x04\x00\x00 cut off", {}, "not a readable Parquet file"),
    ],
)
def test_the_reason_is_told(tmp_path: Path, content: str | bytes, declared: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        table(content, tmp_path, **declared)


def test_too_few_rows_for_a_test_are_told_in_whole_sentences(tmp_path: Path) -> None:
    found = table("x,score\n1,a\n2,a\n3,b\n4,b\n", tmp_path, task="binary", minimum_rows=1)
    with pytest.raises(DataError, match=r"none would be left to train with\. Bring more rows"):
        split_table(found, test_size=0.8, seed=1)
