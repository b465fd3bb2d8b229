"""Objects of a real S3 store: with the right keys, with each wrong one, and told apart by what the store says."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.canaries import canary, found_in
from tests.servers import running, stores
from tests.servers.asking import ask, declare
from tests.servers.stores import Store

LOGIN = {"DATA_WINE_ACCESS_KEY": stores.OWNER, "DATA_WINE_SECRET_KEY": stores.SECRET}
HEADER = "grape,alcohol,quality\n"


def rows(first: int, count: int = 20) -> str:
    return "".join(f"{'abc'[n % 3]},{n % 9}.5,{n}\n" for n in range(first, first + count))


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with stores.swift() as made:
        put(made, {"wines/all.csv": HEADER + rows(0, 60)}, buckets=["wines", "empty"])
        put(made, {f"wines/many/{n} ä&b.csv": HEADER + rows(n * 20) for n in range(3)} | {"wines/many/_log/x.csv": "x"})
        put(made, {"wines/zipped/1.csv.gz": gzip.compress((HEADER + rows(0)).encode())})
        yield made


def put(store: Store, files: dict[str, str | bytes], *, buckets: list[str] | None = None, delete: Any = ()) -> None:
    content = {name: (text.encode() if isinstance(text, str) else text).hex() for name, text in files.items()}
    asked = {"endpoint": store.endpoint, "key": stores.OWNER, "secret": stores.SECRET}
    ask(Path("/"), {"do": "put", **asked, "buckets": buckets or [], "put": content, "delete": list(delete)})


def wine(store: Store, key: str = "wines/all.csv", **more: Any) -> dict[str, Any]:
    return {"address": f"s3://{key}", "endpoint": store.endpoint, "target": "quality", "task": "regression", **more}


def question(do: str, source: dict[str, Any], environ: dict[str, str] = LOGIN, **more: Any) -> dict[str, Any]:
    return {"do": do, "source": source, "environ": environ, **more}


def test_objects_are_read_one_or_many(store: Store, tmp_path: Path) -> None:
    one, many, some, zipped, part = ask(
        tmp_path,
        question("fetch", wine(store)),
        question("fetch", wine(store, "wines/many/")),
        question("fetch", wine(store, "wines/many/*1*.csv")),
        question("fetch", wine(store, "wines/zipped/")),
        question("sample", wine(store, "wines/many/"), limit=250),
    )
    assert one["table"]["rows"] == many["table"]["rows"] == 60, "what begins with an underscore does not count"
    assert some["table"]["rows"] == zipped["table"]["rows"] == 20
    assert one["value"]["revision"].startswith('etag:"')
    assert many["value"]["revision"].startswith("listing:sha256:")
    assert part["value"] is False
    assert part["table"]["rows"] == 20
    assert not found_in(str([one, many]))


def test_each_refusal_names_its_cause(store: Store, tmp_path: Path) -> None:
    closed = f"http://127.0.0.1:{running.free_port()}"
    wrong = LOGIN | {"DATA_WINE_SECRET_KEY": canary("Wrong")}
    tls = store.endpoint.replace("http:", "https:")
    visitor = {"DATA_WINE_ACCESS_KEY": stores.VISITOR, "DATA_WINE_SECRET_KEY": stores.VISITOR_SECRET}
    cases: dict[str, tuple[dict[str, Any], dict[str, str], str, int, str]] = {
        "secret": (wine(store), wrong, "does not accept the secret key", 4, "DATA_WINE_SECRET_KEY"),
        "half": (wine(store), {"DATA_WINE_ACCESS_KEY": "a"}, "DATA_WINE_SECRET_KEY is not set", 4, "both"),
        "nobody": (wine(store), {}, "wants a login, and there is none", 4, "DATA_WINE_ACCESS_KEY"),
        "permission": (wine(store), visitor, "no permission to read it", 4, "s3:GetObject"),
        "bucket": (wine(store, "vines/all.csv"), LOGIN, "no bucket 'vines'", 1, "address"),
        "object": (wine(store, "wines/al.csv"), LOGIN, "no object 'al.csv' in the bucket", 1, "address"),
        "marker": (wine(store, "wines/many/", changes_by="_OK"), LOGIN, "no object 'many/_OK'", 1, "changes_by"),
        "prefix": (wine(store, "wines/no/"), LOGIN, "no objects of data below", 1, "address"),
        "empty": (wine(store, "empty/"), LOGIN, "no objects of data below", 1, "address"),
        "port": (wine(store, endpoint=closed), LOGIN, "refuses connections", 1, "port"),
        "host": (wine(store, endpoint="http://no-such-host.invalid"), LOGIN, "not known (DNS)", 1, "address"),
        "endpoint": (wine(store, endpoint="localhost"), LOGIN, "no address of a store", 2, "https://"),
        "tls": (wine(store, endpoint=tls), LOGIN, "no TLS connection", 1, "https"),
    }  # fmt: skip
    answers = ask(
        tmp_path,
        *(question("state", source, environ, timeout=5) for source, environ, *_ in cases.values()),
    )
    for (label, (_, _, message, code, hint)), answer in zip(cases.items(), answers, strict=True):
        assert "error" in answer, (label, answer)
        assert message in answer["error"], (label, answer)
        assert answer["exit_code"] == code, (label, answer)
        assert hint in answer["hint"], (label, answer)
        assert not found_in(str(answer)), label


def test_a_change_is_seen_and_the_same_bytes_again_are_none(store: Store, tmp_path: Path) -> None:
    sources = [wine(store, "wines/w/a.csv"), wine(store, "wines/w/"), wine(store, "wines/w/", changes_by="_DONE")]
    put(store, {"wines/w/a.csv": HEADER + rows(0), "wines/w/b.csv": HEADER + rows(20), "wines/w/_DONE": "1"})
    fetched = [answer["value"] for answer in ask(tmp_path, *(question("fetch", source) for source in sources))]

    def seen() -> list[bool]:
        asked = [
            question("watch", source, before={key: value[key] for key in ("revision", "fingerprint")})
            for source, value in zip(sources, fetched, strict=True)
        ]
        return [answer["value"]["changed"] for answer in ask(tmp_path, *asked)]

    assert seen() == [False, False, False]
    put(store, {"wines/w/a.csv": HEADER + rows(0)})
    assert seen() == [False, False, False], "written again with the same bytes"
    put(store, {"wines/w/b.csv": HEADER + rows(21)})
    assert seen() == [False, True, False]
    put(store, {"wines/w/a.csv": HEADER + rows(1), "wines/w/_DONE": "2"})
    assert seen() == [True, True, True]
    put(store, {}, delete=["wines/w/b.csv"])
    assert seen() == [True, True, True]


def test_the_end_of_an_object_is_read_alone(store: Store, tmp_path: Path) -> None:
    one, many = ask(
        tmp_path, question("end", wine(store), count=5), question("end", wine(store, "wines/many/"), count=5)
    )
    assert one["value"] == ".5,59\n"[-5:]
    assert many["value"] == ""


def test_check_looks_at_an_object_with_the_keys_of_its_own_name(store: Store, tmp_path: Path) -> None:
    declare(tmp_path, wine=wine(store), large=wine(store, maximum_size=100), few=wine(store, minimum_rows=61))
    names = ("wine", "large", "few")
    keys = {key.replace("WINE", name.upper()): value for name in names for key, value in LOGIN.items()}
    good, large, few = ask(tmp_path, *({"do": "check", "name": name, "environ": keys} for name in names))
    assert good[0]["ok"], good
    assert "60 rows" in good[0]["message"]
    assert "at most 100 bytes are allowed" in large[0]["message"]
    assert "only 60 usable rows" in few[0]["message"]
