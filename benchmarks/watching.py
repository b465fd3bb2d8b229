"""P7: what it costs to find out that data has not changed, or that one file of many has."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from benchmarks.figures import make_repository
from benchmarks.measure import Contender, Timing, once, take_turns
from benchmarks.outcome import Figure
from benchmarks.places import ROOT, Places

FILES = 10_000
OBJECTS = (10_000, 100_000)
MANY = 1_000_000
UNCHANGED, CHANGED = 0, 8
_KEYS = {"DATA_MAIN_ACCESS_KEY": "a", "DATA_MAIN_SECRET_KEY": "b", "AWS_EC2_METADATA_DISABLED": "true"}


def watching(places: Places, repetitions: int) -> Figure:
    """P7: 10,000 files, and 10,000 to 1,000,000 objects of a store; nothing changed, and one changed."""
    with _store(places) as store:
        timings = take_turns([*_files(places), *_objects(places, store)], repetitions=repetitions)
        ours, theirs = (_at_large(places, store, kind) for kind in ("ours", "dvc"))
    by_name = {timing.name: timing.median for timing in (*timings, ours, theirs)}
    pairs = [(name, name.replace("watch", "dvc status", 1)) for name in by_name if name.startswith("watch")]
    ratios = {name: by_name[peer] / by_name[name] for name, peer in pairs if peer in by_name}
    slowest = min(ratios, key=lambda name: ratios[name])
    growth = by_name[f"watch: {MANY:,} objects"] / by_name[f"watch: {OBJECTS[0]:,} objects"]
    marker = by_name[f"watch: {MANY:,} objects, changes_by names one of them"]
    return Figure(
        key="P7",
        title="has the data changed?",
        goal="faster than `dvc status` in each pair",
        met=min(ratios.values()) > 1,
        finding=(
            f"{min(ratios.values()):.1f} to {max(ratios.values()):.1f} times as fast as `dvc status` "
            f"(least: {slowest}). {MANY // OBJECTS[0]} times as many objects take {growth:.0f} times as long: a store "
            f"tells of changes only in its listing. With 'changes_by' a million take {marker:.2f} s."
        ),
        timings=[*timings, ours, theirs],
    )


def _files(places: Places) -> list[Contender]:
    """A folder of files of this machine."""
    found = []
    for changes in (False, True):
        suffix = f": {FILES:,} files, {'one' if changes else 'nothing'} changed"
        mine = _watched(places, f"files-{changes}", address="data/many")
        _write(mine.folder / "data" / "many")
        mine.remember()
        theirs = _Peer(places, f"files-{changes}")
        _write(theirs.folder / "many")
        theirs.dvc("add", "--quiet", "many")
        for name, place, folder in (
            ("watch", mine, mine.folder / "data" / "many"),
            ("dvc status", theirs, theirs.folder / "many"),
        ):
            touched = folder / f"part-{FILES // 2:06}.csv" if changes else None
            found.append(place.contender(name + suffix, changes=touched))
    return found


def _objects(places: Places, store: str) -> list[Contender]:
    """The objects below a prefix."""
    found = []
    for count in OBJECTS:
        for changes in (False, True) if count == OBJECTS[0] else (False,):
            bucket = f"objects-{count}-{'b' if changes else 'a'}"
            mine = _watched(places, bucket, address=f"s3://{bucket}/data/", endpoint=store)
            mine.remember()
            theirs = _Peer(places, bucket)
            theirs.follow(bucket, store)
            suffix = f": {count:,} objects{', one changed' if changes else ''}"
            touched = f"{store}/touch/{bucket}" if changes else None
            found += [
                mine.contender("watch" + suffix, changes=touched),
                theirs.contender("dvc status" + suffix, changes=touched),
            ]
    marked = _watched(places, "marker", address=f"s3://objects-{MANY}-m/data/", endpoint=store, changes_by="_DONE")
    marked.remember()
    found.append(marked.contender(f"watch: {MANY:,} objects, changes_by names one of them"))
    return found


def _at_large(places: Places, store: str, kind: str) -> Timing:
    """A million objects: minutes for one of them, so once."""
    bucket = f"objects-{MANY}-a"
    if kind == "ours":
        mine = _watched(places, bucket, address=f"s3://{bucket}/data/", endpoint=store)
        mine.remember()
        contender = mine.contender(f"watch: {MANY:,} objects")
    else:
        theirs = _Peer(places, bucket)
        theirs.follow(bucket, store)
        contender = theirs.contender(f"dvc status: {MANY:,} objects")
    return Timing(contender.name, (once(contender),))


@dataclass(frozen=True)
class _Watched:
    """A generated repository whose only source is watched."""

    places: Places
    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        return self.places.environ(PYTHONPATH=str(self.folder / "src"), **_KEYS)

    @property
    def verb(self) -> list[str | Path]:
        python = self.places.runtime / "bin" / "python"
        return [python, "-m", "pipelines.development.main", "watch", "--report", self.folder / "report.json"]

    def remember(self) -> None:
        """Writes the report that a training on the data as it is now leaves."""
        report = {"branch": "development", "run": {"id": "r"}}
        nothing = {"name": "main", "address": "x", "fingerprint": "sha256:x"}
        path = self.folder / "report.json"
        path.write_text(json.dumps({**report, "data": [nothing]}), encoding="utf-8")
        command = [*self.verb, "--output", "json"]
        done = subprocess.run(command, cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False)
        if done.returncode != CHANGED:
            raise RuntimeError(f"watch ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        now = json.loads(done.stdout)["data"]["sources"][0]["now"]
        path.write_text(json.dumps({**report, "data": [nothing | now]}), encoding="utf-8")

    def contender(self, name: str, changes: Path | str | None = None) -> Contender:
        def command(_folder: Path) -> Sequence[str | Path]:
            _change(changes)
            return self.verb

        return Contender(
            name=name, command=command, environ=self.environ, accepted=(UNCHANGED if changes is None else CHANGED,)
        )


def _watched(places: Places, name: str, **source: str) -> _Watched:
    base = places.scratch / "watched"
    if not base.exists():
        make_repository(places, base)
    folder = places.scratch / f"watched-{name}"
    shutil.copytree(base, folder, symlinks=True)
    declared = {"target": "b", "task": "regression", **source}
    document = {"version": 1, "sources": {"main": declared}}
    (folder / "data" / "sources.yaml").write_text(json.dumps(document), encoding="utf-8")
    pipeline = folder / "src" / "pipelines" / "pipeline.yaml"
    text = pipeline.read_text(encoding="utf-8")
    pipeline.write_text(text.replace("source: sample", "source: main"), encoding="utf-8")
    return _Watched(places, folder)


class _Peer:
    """A folder that DVC tracks."""

    def __init__(self, places: Places, name: str) -> None:
        self.folder = places.scratch / f"dvc-{name}"
        self.folder.mkdir()
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "DVC_NO_ANALYTICS": "true"}
        self.program = places.peers / "bin" / "dvc"
        self.environ = places.environ(places.peers / "bin", **keys)
        self.target = "many.dvc"
        self.dvc("init", "--quiet", "--no-scm")
        # It would ask the network for a newer version each time, in a process that goes on beside what is timed.
        self.dvc("config", "core.check_update", "false")

    def dvc(self, *arguments: str) -> None:
        """Runs DVC."""
        command: list[str | Path] = [self.program, *arguments]
        done = subprocess.run(command, cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"dvc {arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}")

    def follow(self, bucket: str, store: str) -> None:
        """Has DVC look at a prefix of the store."""
        self.dvc("remote", "add", "store", f"s3://{bucket}/")
        self.dvc("remote", "modify", "store", "endpointurl", store)
        self.dvc("import-url", "--no-download", "remote://store/data", "many")
        self.dvc("unfreeze", "many.dvc")

    def contender(self, name: str, changes: Path | str | None = None) -> Contender:
        """The program that tells what has changed."""

        def command(_folder: Path) -> Sequence[str | Path]:
            _change(changes)
            return [self.program, "--cd", self.folder, "status", self.target]

        return Contender(name=name, command=command, environ=self.environ)


def _change(what: Path | str | None) -> None:
    """Changes one file, or has the store change one object; little beside what is timed."""
    if isinstance(what, Path):
        what.write_text(f"a,b\n{monotonic()},1\n", encoding="utf-8")
    elif what is not None:
        with urllib.request.urlopen(urllib.request.Request(what, method="POST"), timeout=30):
            pass


def _write(folder: Path) -> None:
    folder.mkdir(parents=True)
    for number in range(FILES):
        (folder / f"part-{number:06}.csv").write_text(f"a,b\n{number},1\n" * 80, encoding="utf-8")


@contextmanager
def _store(places: Places) -> Iterator[str]:
    """The store that lists any number of objects, in a process of its own."""
    port = places.scratch / "port"
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.objects", str(port)], cwd=ROOT)
    try:
        while not port.exists() or not port.read_text(encoding="utf-8"):
            if process.poll() is not None:
                raise RuntimeError("The store of objects ended.")
            sleep(0.05)
        yield f"http://127.0.0.1:{port.read_text(encoding='utf-8')}"
    finally:
        process.kill()
        process.wait()
