"""PostgreSQL and MariaDB with a table of wines, one user who may read it, and one who may not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.canaries import canary
from tests.servers import running

ROWS = 60
READER, STRANGER = "reader", "stranger"
PASSWORD, OTHER_PASSWORD = canary("Reader"), canary("Stranger")

TABLE = """
CREATE TABLE wine (
  id INTEGER PRIMARY KEY, grape VARCHAR(20), alcohol NUMERIC(4, 1), organic BOOLEAN, quality INTEGER,
  bottled DATE, changed TIMESTAMP
);
"""


def rows() -> str:
    """Sixty wines."""
    values = ", ".join(
        f"({n}, '{('riesling', 'merlot', 'gamay')[n % 3]}', {9 + n % 50 / 10}, {'true' if n % 2 else 'false'}, "
        f"{n % 7 + 3}, '2026-{n % 12 + 1:02d}-01', '2026-11-01 12:00:00')"
        for n in range(ROWS)
    )
    return f"INSERT INTO wine VALUES {values};"


@dataclass
class Database:
    """A running database.

    Attributes:
        address: As ``data/sources.yaml`` has it, without the table.
        client: The command that runs SQL as the administrator.
    """

    address: str
    client: list[str]
    user: str | None

    def sql(self, text: str) -> None:
        """Runs statements as the administrator."""
        running.run(self.client, user=self.user, text=text)


@contextlib.contextmanager
def postgresql() -> Iterator[Database]:
    """PostgreSQL; it refuses to run as root."""
    where = "/usr/lib/postgresql/*/bin"
    owner = running.account("postgres")
    port = running.free_port()
    with running.folder(owner) as folder:
        data = str(folder / "data")
        running.run(
            [running.program("initdb", where), "-D", data, "-U", "boss", "-A", "scram-sha-256", "-E", "UTF8",
             "--auth-local=trust", "--no-sync", "--locale=C.UTF-8"], user=owner,
        )  # fmt: skip
        command = [running.program("postgres", where), "-D", data, "-p", str(port), "-k", str(folder), "-F"]
        client = [running.program("psql"), "-h", str(folder), "-p", str(port), "-U", "boss", "-qv", "ON_ERROR_STOP=1"]
        with running.serving(
            [[*command, "-c", "listen_addresses=127.0.0.1"]], _log(folder, owner), user=owner,
            ready=lambda: running.answers(port),
        ):  # fmt: skip
            made = Database(f"postgresql://127.0.0.1:{port}/cellar", [*client, "cellar"], owner)
            running.run([*client, "postgres"], user=owner, text="CREATE DATABASE cellar;")
            made.sql(
                f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'; CREATE ROLE {STRANGER} LOGIN PASSWORD "
                f"'{OTHER_PASSWORD}'; {TABLE} {rows()} GRANT SELECT ON wine TO {READER};"
                f"CREATE SCHEMA old; CREATE TABLE old.wine AS TABLE wine; GRANT USAGE ON SCHEMA old TO {READER};"
                f"GRANT SELECT ON old.wine TO {READER};"
            )
            yield made


@contextlib.contextmanager
def mariadb() -> Iterator[Database]:
    """MariaDB."""
    owner = running.account("mysql")
    port = running.free_port()
    with running.folder(owner) as folder:
        data, socket = str(folder / "data"), str(folder / "socket")
        install = [running.program("mariadb-install-db"), "--no-defaults", f"--datadir={data}", "--skip-test-db"]
        running.run([*install, "--auth-root-authentication-method=normal"], user=owner, TMPDIR=str(folder))
        command = [running.program("mariadbd"), "--no-defaults", f"--datadir={data}", f"--socket={socket}"]
        command += [
            f"--port={port}",
            "--bind-address=127.0.0.1",
            f"--tmpdir={folder}",
            "--innodb-flush-log-at-trx-commit=0",
        ]
        command += ["--skip-name-resolve", f"--pid-file={folder / 'pid'}", "--innodb-buffer-pool-size=32M"]
        client = [running.program("mariadb"), "--no-defaults", f"--socket={socket}", "-u", "root"]
        with running.serving([command], _log(folder, owner), user=owner, ready=lambda: running.answers(port)):
            made = Database(f"mysql://127.0.0.1:{port}/cellar", client, owner)
            made.sql(
                "DELETE FROM mysql.global_priv WHERE user = 'root' AND host <> 'localhost'; FLUSH PRIVILEGES;"
                f"CREATE DATABASE cellar; USE cellar; {TABLE} {rows()}"
                f"CREATE USER {READER}@'%' IDENTIFIED BY '{PASSWORD}'; GRANT SELECT ON cellar.* TO {READER}@'%';"
                f"CREATE USER {STRANGER}@'%' IDENTIFIED BY '{OTHER_PASSWORD}'; GRANT USAGE ON *.* TO {STRANGER}@'%';"
                f"CREATE TABLE cellar.visitors (id INT); GRANT SELECT ON cellar.visitors TO {STRANGER}@'%';"
            )
            made.client = [*client, "cellar"]
            yield made


def _log(folder: Path, owner: str | None) -> Path:
    log = folder / "log.txt"
    log.touch()
    return log
