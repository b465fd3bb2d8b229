"""Tables of real databases: read with their own login, told apart by what they hold, refused in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.canaries import canary, found_in
from tests.servers import databases, running
from tests.servers.asking import ask, declare
from tests.servers.databases import Database

LOGIN = {"DATA_WINE_USERNAME": databases.READER, "DATA_WINE_PASSWORD": databases.PASSWORD}


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    with getattr(databases, request.param)() as made:
        yield made


def wine(database: Database, **more: Any) -> dict[str, Any]:
    chosen = {} if "query" in more else {"table": "wine"}
    return {"address": database.address, "target": "quality", "task": "regression", **chosen, **more}


def question(do: str, source: dict[str, Any], environ: dict[str, str] = LOGIN, **more: Any) -> dict[str, Any]:
    return {"do": do, "source": source, "environ": environ, **more}


def test_a_table_and_a_query_are_read_with_their_types(database: Database, tmp_path: Path) -> None:
    query = "SELECT grape, alcohol, quality FROM wine WHERE grape LIKE '%er%' OR grape LIKE '%ri%' ORDER BY id"
    table, again, some = ask(
        tmp_path,
        question("fetch", wine(database)),
        question("fetch", wine(database)),
        question("fetch", wine(database, query=query, minimum_rows=5)),
    )
    assert table["table"]["rows"] == databases.ROWS
    kinds = table["table"]["kinds"]
    assert kinds["alcohol"] == "numeric"
    assert kinds["grape"] == "categorical"
    assert "bottled" not in kinds, "dates are left out with a note"
    assert table["value"]["fingerprint"] == again["value"]["fingerprint"]
    assert table["value"]["revision"] == again["value"]["revision"] != some["value"]["revision"]
    assert some["table"]["rows"] == 40
    assert some["table"]["columns"] == ["grape", "alcohol", "quality"]
    assert not found_in(str(table))


def test_each_refusal_names_its_cause(database: Database, tmp_path: Path) -> None:
    host, _, name = database.address.rpartition("/")
    scheme = host.partition(":")[0]
    wrong = LOGIN | {"DATA_WINE_PASSWORD": canary("Wrong")}
    stranger = {"DATA_WINE_USERNAME": databases.STRANGER, "DATA_WINE_PASSWORD": databases.OTHER_PASSWORD}
    closed = running.free_port()
    cases: dict[str, tuple[dict[str, Any], dict[str, str], str, int, str]] = {
        "password": (wine(database), wrong, "does not accept the user or the password", 4, "DATA_WINE_PASSWORD"),
        "nobody": (wine(database), {}, "wants a login", 4, "DATA_WINE_USERNAME and DATA_WINE_PASSWORD"),
        "permission": (wine(database), stranger, "no permission to read it", 4, "right to SELECT"),
        "table": (wine(database, table="vine"), LOGIN, "no such table", 1, "'table'"),
        "database": (wine(database, address=f"{host}/{name}x"), LOGIN, "", 0, ""),
        "column": (wine(database, changes_by="chanegd"), LOGIN, "no such column", 1, "changes_by"),
        "query": (wine(database, query="SELEC 1"), LOGIN, "does not understand the query", 1, "query"),
        "write": (wine(database, query="DELETE FROM wine"), LOGIN, "", 1, ""),
        "port": (wine(database, address=f"{scheme}://127.0.0.1:{closed}/x"), LOGIN, "refuses connections", 1, "port"),
        "host": (wine(database, address=f"{scheme}://no-such-host.invalid/x"), LOGIN, "not known (DNS)", 1, "address"),
    }  # fmt: skip
    answers = ask(tmp_path, *(question("fetch", source, environ) for source, environ, *_ in cases.values()))
    for (label, (_, _, message, code, hint)), answer in zip(cases.items(), answers, strict=True):
        assert "error" in answer, label
        assert message in answer["error"], (label, answer)
        assert not code or answer["exit_code"] == code, (label, answer)
        assert hint in answer["hint"], (label, answer)
        assert not found_in(str(answer)), label
    by_label = dict(zip(cases, answers, strict=True))
    expected = "no database 'cellarx'" if scheme == "postgresql" else "no permission"  # MariaDB hides what is not there
    assert expected in by_label["database"]["error"]


def test_a_change_of_any_value_is_seen_and_a_column_can_tell_of_it(database: Database, tmp_path: Path) -> None:
    plain, dated = wine(database), wine(database, changes_by="changed")
    queried = wine(database, query="SELECT id, grape, quality FROM wine")
    sources = [plain, dated, queried]
    before = [answer["value"]["revision"] for answer in ask(tmp_path, *(question("state", s) for s in sources))]
    assert "max(changed)=2026-11-01" in before[1]

    def seen() -> list[bool]:
        asked = [
            question("watch", source, before={"revision": revision, "fingerprint": "sha256:x"})
            for source, revision in zip(sources, before, strict=True)
        ]
        return [answer["value"]["changed"] for answer in ask(tmp_path, *asked)]

    assert seen() == [False, False, False]
    database.sql("UPDATE wine SET organic = NOT organic WHERE id = 7;")
    assert seen() == [True, False, False], "neither the column nor the query knows of it"
    database.sql("UPDATE wine SET organic = NOT organic WHERE id = 7;")
    assert seen() == [False, False, False]
    database.sql("UPDATE wine SET changed = '2026-11-20 08:00:00', grape = 'syrah' WHERE id = 8;")
    assert seen() == [True, True, True]
    database.sql("UPDATE wine SET changed = '2026-11-01 12:00:00', grape = 'gamay' WHERE id = 8;")
    assert seen() == [False, False, False]


def test_check_says_what_is_declared_and_not_so(database: Database, tmp_path: Path) -> None:
    declare(
        tmp_path,
        good=wine(database),
        few=wine(database, minimum_rows=100),
        old=wine(database, date_column="changed", maximum_age_days=3),
        undated=wine(database, maximum_age_days=3),
        column=wine(database, columns={"alcool": "numeric"}),
        kind=wine(database, columns={"grape": "numeric"}),
        large=wine(database, maximum_size="100 B"),
    )
    names = ["good", "few", "old", "undated", "column", "kind", "large"]
    asked = [
        {"do": "check", "name": name, "environ": {f"DATA_{name.upper()}_{key}": value for key, value in login.items()}}
        for name in names
        for login in [{"USERNAME": databases.READER, "PASSWORD": databases.PASSWORD}]
    ]
    found = {name: answer[0] for name, answer in zip(names, ask(tmp_path, *asked), strict=True)}
    assert found["good"]["ok"], found["good"]
    assert "60 rows" in found["good"]["message"]
    assert "only 60" in found["few"]["message"]
    assert "'changed'" in found["old"]["message"]
    assert "days ago; at most 3 days" in found["old"]["message"]
    assert "Nothing tells how old" in found["undated"]["message"]
    assert "no column 'alcool'" in found["column"]["message"]
    assert "Did you mean 'alcohol'" in found["column"]["hint"]
    assert "'grape'" in found["kind"]["message"]
    assert "larger than declared" in found["large"]["message"]
    assert {name for name in names if not found[name]["ok"]} == set(names) - {"good"}
    assert all(found[name]["exit_code"] == 1 and found[name]["hint"] for name in names[1:])
