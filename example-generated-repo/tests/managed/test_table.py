"""Any CSV or Parquet file becomes a clean table by configuration alone, or an error that names file and column."""

from __future__ import annotations

import gzip
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers.errors import ConfigurationError, DataError
from helpers.reading import find_separator
from helpers.sources import Source
from helpers.table import Table, prepare

ROWS = 40


def people(separator: str = ",", *, decimal: str = ".") -> str:
    """Rows with every kind of column."""
    names = ["nr", "größe", "city", "born", "member", "name", "planet", "score"]
    lines = [separator.join(names)]
    for row in range(ROWS):
        born = date(1980, 1, 1) + timedelta(days=37 * row)
        size = f"{150 + row * 0.75:.2f}".replace(".", decimal)
        member = "true" if row % 3 else "False"
        cells = [row + 1, size, ["Köln", "Zürich", ""][row % 3], born, member, f"person {row}", "earth", row * 2]
        lines.append(separator.join(str(cell) for cell in cells))
    return "\n".join(lines) + "\n"


def table(content: str | bytes, folder: Path, **declared: Any) -> Table:
    path = folder / "own.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    source = Source(**{"address": "own.csv", "target": "score", "task": "regression", **declared})
    return prepare(path, source, name="own", address="own.csv", fingerprint="sha256:0")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(("separator", "decimal"), [(",", "."), (";", ","), ("\t", ","), ("|", ".")])
def test_separator_encoding_and_decimal_mark_are_found(
    tmp_path: Path, encoding: str, separator: str, decimal: str
) -> None:
    expected = table(people(), tmp_path)
    found = table(people(separator, decimal=decimal).encode(encoding), tmp_path)
    pd.testing.assert_frame_equal(found.frame, expected.frame)
    assert found.kinds == expected.kinds == {"größe": "numeric", "city": "categorical", "member": "boolean"}


def test_every_column_that_is_left_out_gets_a_note(tmp_path: Path) -> None:
    notes = table(people(), tmp_path).record.notes
    assert notes == [
        "Column 'nr' is ignored: it counts the rows.",
        "Column 'city' misses 13 of 40 values.",
        "Column 'born' is ignored: it holds dates or times.",
        "Column 'name' is ignored: every row has another text, as names and identifiers do.",
        "Column 'planet' is ignored: every row has the same value (earth).",
    ]


def test_a_declared_kind_wins(tmp_path: Path) -> None:
    found = table(people(), tmp_path, columns={"nr": "numeric", "name": "categorical", "city": "ignore"})
    assert found.kinds["nr"] == "numeric"
    assert found.kinds["name"] == "categorical"
    assert "city" not in found.kinds


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "size": np.linspace(1, 2, ROWS),
            "code": [["01", "02", None][row % 3] for row in range(ROWS)],
            "grade": pd.Categorical([["b", "a"][row % 2] for row in range(ROWS)]),
            "member": [bool(row % 3) for row in range(ROWS)],
            "born": pd.date_range("2024-01-01", periods=ROWS),
            "tags": [[row] for row in range(ROWS)],
            "score": pd.array([None, *range(1, ROWS)], dtype="Int64"),
        }
    )
    frame.to_parquet(tmp_path / "own.parquet")
    found = table((tmp_path / "own.parquet").read_bytes(), tmp_path)
    assert found.kinds == {"size": "numeric", "code": "categorical", "grade": "categorical", "member": "boolean"}
    assert len(found.frame) == ROWS - 1
    assert any("'tags' is ignored: it holds" in note for note in found.record.notes)
    assert any("'born' is ignored: it holds dates" in note for note in found.record.notes)


def test_a_compressed_file_is_unpacked(tmp_path: Path) -> None:
    assert len(table(gzip.compress(people().encode()), tmp_path).frame) == ROWS


def test_quotes_hide_separators_and_line_breaks(tmp_path: Path) -> None:
    rows = "".join(f'"a, ""{row % 2}""\nb",{row * 1.5},{row}\n' for row in range(ROWS))
    found = table('"the text","x",score\n' + rows, tmp_path)
    assert set(found.frame["the text"]) == {'a, "0"\nb', 'a, "1"\nb'}


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ([f"{row + 1}" for row in range(ROWS)], False),
        ([f"{row * 1000}" for row in range(ROWS)], True),
        ([f"{row / 7:.3f}" for row in range(ROWS)], True),
        ([f"{row % 12 + 1}.3.20{row % 30 + 10}" for row in range(ROWS)], False),
        ([f"03/{row % 28 + 1:02d}/24 1{row % 10}:15" for row in range(ROWS)], False),
        ([f"2024-03-{row % 28 + 1:02d}T10:00:00Z" for row in range(ROWS)], False),
        ([f"{row % 24}:{row:02d}" for row in range(ROWS)], False),
        ([["yes", "no"][row % 2] for row in range(ROWS)], True),
        ([["true", ""][row % 2] for row in range(ROWS)], True),
        ([["true", "false", ""][row % 3] for row in range(ROWS)], True),
        ([f"{row % 5:05d}" for row in range(ROWS)], True),
        (["" for _ in range(ROWS)], False),
    ],
)
def test_what_is_worth_learning_from(tmp_path: Path, values: list[str], kept: bool) -> None:
    rows = "".join(f"{value},{row % 5},{row}\n" for row, value in enumerate(values))
    found = table("column,other,score\n" + rows, tmp_path)
    assert ("column" in found.kinds) == kept
    assert ("column" in found.kinds) or any("'column'" in note for note in found.record.notes)


def test_an_identifier_is_left_out_by_its_name(tmp_path: Path) -> None:
    rows = "".join(f"{row * 7919 % 10007},{row * 7919 % 10007},{row}\n" for row in range(ROWS))
    found = table("customer_id,price,score\n" + rows, tmp_path)
    assert list(found.kinds) == ["price"]


def test_many_texts_are_left_out_or_told(tmp_path: Path) -> None:
    rows = "".join(f"t{row % 350},u{row % 120},{row % 9},{row}\n" for row in range(400))
    found = table("many,some,x,score\n" + rows, tmp_path)
    assert list(found.kinds) == ["some", "x"]
    assert any("'many' is ignored: it holds 350 different texts" in note for note in found.record.notes)
    assert any("'some' holds 120 different texts" in note for note in found.record.notes)


def test_numbers_with_a_stray_text_are_told(tmp_path: Path) -> None:
    rows = "".join(f"{'unknown' if row == 7 else row % 9},{row}\n" for row in range(ROWS))
    content = "x,score\n" + rows
    assert any("'unknown' is not" in note for note in table(content, tmp_path).record.notes)
    with pytest.raises(DataError, match=r"Column 'x' has to hold numbers, but row 8 after the header holds 'unknown'"):
        table(content, tmp_path, columns={"x": "numeric"})


def test_rows_without_a_target_are_left_out_with_a_note(tmp_path: Path) -> None:
    found = table(people() + "41,1,Köln,1990-01-01,true,x,earth,\n", tmp_path)
    assert len(found.frame) == ROWS
    assert "1 row is left out: the target 'score' is missing." in found.record.notes


@pytest.mark.parametrize(
    ("values", "task", "labels", "type_"),
    [
        (["no", "yes"], "binary", ["no", "yes"], "str"),
        (["0", "1"], "binary", ["0", "1"], "int64"),
        (["1.0", "2.0"], "binary", ["1", "2"], "int64"),
        (["True", "False"], "binary", ["false", "true"], "bool"),
        (["10", "9", "8"], "multiclass", ["8", "9", "10"], "int64"),
        (["a", "b", "c", ""], "multiclass", ["a", "b", "c"], "str"),
    ],
)
def test_labels_may_be_text_whole_numbers_or_truth_values(
    tmp_path: Path, values: list[str], task: str, labels: list[str], type_: str
) -> None:
    rows = "".join(f"{row % 7},{values[row % len(values)]}\n" for row in range(ROWS))
    found = table("x,score\n" + rows, tmp_path, task=task)
    assert found.labels == labels
    assert str(found.frame["score"].dtype) == type_


@pytest.mark.parametrize(
    ("classes", "positive", "labels"),
    [
        (["no", "yes"], "no", ["yes", "no"]),
        (["no", "yes"], "yes", ["no", "yes"]),
        (["no", "yes"], False, ["yes", "no"]),  # what YAML makes of a plain 'no'
        (["True", "False"], False, ["true", "false"]),
        (["True", "False"], "False", ["true", "false"]),
        (["0", "1"], 0, ["1", "0"]),
        (["1.0", "2.0"], 1, ["2", "1"]),
        (["ja", "Ja"], "Ja", ["ja", "Ja"]),
        (["a1", "a2"], None, ["a1", "a2"]),
    ],
)
def test_the_positive_class_is_the_last_one(
    tmp_path: Path, classes: list[str], positive: object, labels: list[str]
) -> None:
    rows = "".join(f"{row % 7},{classes[row % 2]}\n" for row in range(ROWS))
    assert table("x,score\n" + rows, tmp_path, task="binary", positive=positive).labels == labels


@pytest.mark.parametrize("positive", ["ill", "", True, 1, "YESS"])
def test_a_positive_class_that_the_data_does_not_hold_is_told_with_those_that_it_does(
    tmp_path: Path, positive: object
) -> None:
    rows = "".join(f"{row % 7},{['healthy', 'sick'][row % 2]}\n" for row in range(ROWS))
    with pytest.raises(DataError) as caught:
        table("x,score\n" + rows, tmp_path, task="binary", positive=positive)
    assert (
        caught.value.message
        == f"'positive' is {positive!r}, and the target 'score' holds the classes 'healthy' and 'sick'."
    )
    assert caught.value.hint == "Set 'positive' in data/sources.yaml to one of them."


def test_unbalanced_classes_are_noted(tmp_path: Path) -> None:
    rows = "".join(f"{row % 7},{int(row % 10 == 0)}\n" for row in range(ROWS))
    assert (
        "The classes are not balanced (0: 36, 1: 4)." in table("x,score\n" + rows, tmp_path, task="binary").record.notes
    )


def csv(header: str, *rows: str, repeat: int = 25) -> str:
    return header + "\n" + "\n".join(rows * repeat) + "\n"


@pytest.mark.parametrize(
    ("content", "declared", "message"),
    [
        (csv("a,Score", "1,2", "2,3"), {}, r"no column 'score', the target. Did you mean 'Score'"),
        (csv("a,scores", "1,2", "2,3"), {}, r"Did you mean 'scores'"),
        (csv("1,2", "3,4"), {}, "first line holds numbers"),
        (csv("a,score", "1,2", "2,2"), {}, "'score', the target, holds the same value in every row"),
        (csv("a,score", "1,x", "2,x"), {"task": "binary"}, "'score', the target, holds the same value"),
        (csv("a,score", "1,", "2,"), {}, "'score', the target, holds no values"),
        ("a,score\n", {}, "no rows below the header"),
        ("a,score\n1,2\n2,3\n", {}, r"only 2 usable rows; at least 20"),
        (csv("a,score", "1,high", "2,low"), {}, r"'score' has to hold numbers, but row 1 .* 'high' \(50 such"),
        (csv("a,score", "x,1", "2,2"), {"columns": {"a": "numeric"}}, "'a' has to hold numbers"),
        (
            csv("a,score", "1,1", "2,2"),
            {"columns": {"b": "numeric"}},
            "no column 'b', which data/sources.yaml declares",
        ),
        (csv("a,score,a", "1,1,3", "2,2,3"), {}, "more than once in the header: 'a'"),
        (csv("a b score", "1 2 3", "2 3 4"), {}, "only one column, 'a b score'"),
        (csv("a,score", "7,1", "7,2"), {}, "No column is left to learn from"),
        (csv("a,score", "1,2,3", "2,3,4"), {}, "more columns than the header"),
        (csv("a,score", "1,2") + "1,2,3\n", {}, "Expected 2 fields in line 27, saw 3"),
        (csv("a,score", "1,x", "2,y", "3,z"), {"task": "binary"}, r"holds 3 classes \('x', 'y', 'z'\), not two"),
        (csv("a,score", "1,x", "2,y"), {"task": "multiclass"}, "holds two classes"),
        (csv("a,score", "1,x", "2,y") + "3,z\n", {"task": "multiclass"}, "one row only: 'z'"),
        (
            "\n".join(["a,score", *(f"{i},{i / 7}" for i in range(50))]),
            {"task": "multiclass"},
            "fractions, not classes",
        ),
        ("\n".join(["a,score", *(f"{i},v{i}" for i in range(150))]), {"task": "multiclass"}, "150 different values"),
        (csv("a,score", "1e300,1", "-2,2"), {}, "'a' holds numbers as large as"),
        ("\n \n", {}, "file is empty"),
        ('[\n {"a": 1, "score": 2}]', {}, "This is JSON"),
        ('{"a": [1, 2], "score": [2, 3]}', {}, "This is JSON"),
        (b"\x89PNG\r\n\x00\x01\x02", {}, "binary data, not text"),
        (b"PK\x03\x04\x14\x00\x06\x00", {}, "a workbook or an archive.*Save the sheet as CSV"),
        (csv("a,scores", "1,2"), {}, "Did you mean 'scores'. 'target' stands in data/sources.yaml"),
        (b"PAR1 broken", {"format": "parquet"}, "not a readable Parquet file"),
        (b"\x1f\x8b broken", {}, "compressed file is damaged"),
        ("a,score\n1,é\n".encode("latin-1"), {"encoding": "utf-8"}, "Line 2 is not utf-8 text"),
    ],
)
def test_data_that_does_not_fit_is_refused_with_the_file_and_the_column(
    tmp_path: Path, content: str | bytes, declared: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        table(content, tmp_path, **declared)
    assert caught.value.where == "own.csv"


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"encoding": "klingon"}, "no encoding 'klingon'"),
        ({"separator": "<>"}, "cannot separate columns"),
        ({"columns": {"score": "numeric"}}, "target 'score' is declared as a column too"),
    ],
)
def test_declarations_that_cannot_be_are_refused(tmp_path: Path, declared: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        table(people(), tmp_path, **declared)


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("a;b\n1,5;2,5\n", ";"),
        ("a,b\n1;2,3\n", ","),
        ('"x, y";b\n1;2\n', ";"),
        ("a\tb,c\td\n1\t2\t3\n", "\t"),
        ("a,b\n", ","),
        ("only\n1\n", ","),
    ],
)
def test_the_separator_splits_all_lines_alike(text: str, separator: str) -> None:
    assert find_separator(text) == separator
