"""Look at a release before anybody gets it: ``python tools/release_check.py [--tag v1.2.3]``, ``make release-check``.

What is committed is looked at, nothing else: version, tag, changelog and kept records; sdist and wheel built twice
from two clones, byte for byte the same; what the packages hold and say; and whether the wheel, alone in an empty
environment, makes a repository. Without ``--tag`` it is a rehearsal: changes may still stand under *Unreleased*.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [path for path in (str(ROOT), str(ROOT / "tools")) if path not in sys.path]

import release_packages  # noqa: E402 - found through the path above

from mlopsgen.adapters.changelog import UNRELEASED, sections  # noqa: E402

VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
HEADING = re.compile(r"^## \[(?P<name>[^\]]+)\](?: - (?P<day>\S+))?$", re.MULTILINE)
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")


class NotReady(Exception):
    """Something stands in the way of the release; the message says what, where, and what to do."""


@dataclass(frozen=True)
class Release:
    """What is released.

    Attributes:
        root: The checkout.
        version: As ``mlopsgen/__init__.py`` of the commit says it.
        commit: The commit that is looked at.
        tag: The tag that is being released, ``None`` in a rehearsal.
    """

    root: Path
    version: str
    commit: str
    tag: str | None

    def git(self, *arguments: str) -> str:
        """What git prints in the checkout."""
        return git(self.root, *arguments)

    def text(self, name: str) -> str:
        """A file as it is committed."""
        return self.git("show", f"{self.commit}:{name}")

    @property
    def released(self) -> list[str]:
        """Tags of earlier versions, oldest first."""
        tags = [tag for tag in self.git("tag", "--list", "v*").split() if VERSION.fullmatch(tag[1:])]
        return sorted((tag for tag in tags if tag != f"v{self.version}"), key=order)


def git(root: Path, *arguments: str) -> str:
    """What git prints; it asks nobody and reads nothing of the person's settings."""
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotReady(f"git {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout.strip("\n")


def order(version: str) -> tuple[int, ...]:
    """How versions follow each other."""
    return tuple(int(part) for part in version.removeprefix("v").split("."))


def open_release(root: Path, tag: str | None) -> Release:
    """The release that the checkout's commit would be.

    Raises:
        NotReady: The version is not one.
    """
    commit = git(root, "rev-parse", "HEAD")
    found = re.search(r'^__version__ = "(.*)"$', git(root, "show", f"{commit}:mlopsgen/__init__.py"), re.MULTILINE)
    if found is None or not VERSION.fullmatch(found[1]):
        raise NotReady("mlopsgen/__init__.py names no version of the form 1.2.3.")
    return Release(root, found[1], commit, tag)


def check_version(release: Release) -> str:
    """The version is newer than every released one, and the tag names it and this commit."""
    wanted = f"v{release.version}"
    if release.tag is not None and release.tag != wanted:
        raise NotReady(
            f"The tag is {release.tag}, and mlopsgen/__init__.py says {release.version}: "
            f"tag {wanted}, or set the version."
        )
    newer = [tag for tag in release.released if order(tag) > order(release.version)]
    if newer:
        raise NotReady(f"{newer[-1]} is released already and newer than {release.version}: raise the version.")
    tagged = release.git("tag", "--list", wanted)
    if tagged and release.git("rev-parse", f"{wanted}^{{commit}}") != release.commit:
        raise NotReady(f"{wanted} is released already, at another commit: raise the version in mlopsgen/__init__.py.")
    if release.tag is not None and not tagged:
        raise NotReady(f"There is no tag {wanted} in this clone: git fetch --tags, or git tag --annotate {wanted}.")
    return f"{release.version}, after {release.released[-1] if release.released else 'nothing'}"


def check_changelog(release: Release, today: date | None = None) -> str:
    """The changelog is one by Keep a Changelog, and says something of this version."""
    text = release.text("CHANGELOG.md")
    headings = [(found["name"], found["day"]) for found in HEADING.finditer(text)]
    if not headings or headings[0] != ("Unreleased", None):
        raise NotReady("CHANGELOG.md begins with no section '## [Unreleased]'.")
    days = []
    for name, day in headings[1:]:
        try:
            days.append((order(name), date.fromisoformat(day or "")))
        except ValueError:
            raise NotReady(
                f"CHANGELOG.md: '## [{name}]' needs a version and its day: '## [1.2.3] - 2026-11-21'."
            ) from None
    pairs = list(itertools.pairwise(days))
    if any(newer[0] <= older[0] or newer[1] < older[1] for newer, older in pairs):
        raise NotReady("CHANGELOG.md: versions do not stand newest first, each with a day not before the one below it.")
    if days and days[0][1] > (today or datetime.now(tz=UTC).date()):
        raise NotReady(f"CHANGELOG.md: the day of {headings[1][0]}, {headings[1][1]}, has not come yet.")
    odd = [found for found in re.findall(r"^### (.+)$", text, re.MULTILINE) if found.split(" ")[0] not in KINDS]
    if odd:
        raise NotReady(f"CHANGELOG.md: '### {odd[0]}' begins with none of {', '.join(KINDS)}.")
    told = sections(text)
    name = f"v{release.version}"
    if release.tag is None and name not in told:
        name = UNRELEASED
    if not told.get(name):
        raise NotReady(f"CHANGELOG.md says nothing of {name.removeprefix('v')}: people read there what they get.")
    if release.tag is not None and told.get(UNRELEASED):
        raise NotReady(f"CHANGELOG.md: what stands under Unreleased belongs to {release.version} or to a later commit.")
    return f"{len(told[name].splitlines())} lines of {name.removeprefix('v')}"


def check_records(release: Release) -> str:
    """What every released version promised is kept, so that tests compare the newest with it."""
    kept = release.git("ls-tree", "-r", "--name-only", release.commit, "tests/released/").split()
    for tag in reversed(release.released):
        for name, tool in (("defaults.yml", "released_records"), ("interface.json", "released_interface")):
            if f"tests/released/{tag}/{name}" not in kept:
                raise NotReady(f"tests/released/{tag}/{name} is missing: .venv/bin/python tools/{tool}.py {tag}")
    return f"{len(release.released)} released versions"


def notes(release: Release) -> str:
    """What the release's page says: the changelog's section, and how to check what was downloaded."""
    told = sections(release.text("CHANGELOG.md"))
    changed = told.get(f"v{release.version}") or told.get(UNRELEASED, "")
    wheel = f"mlopsgen-{release.version}-py3-none-any.whl"
    verify = f"```console\n$ gh attestation verify {wheel} --repo mlopsgen/mlopsgen\n```"
    return f"{changed}\n\n### Check what you downloaded\n\n{verify}\n"


def build(release: Release, folder: Path) -> list[Path]:
    """Build sdist and wheel from a clone of the commit; the clone's place and hour are in neither."""
    clone = folder / "clone"
    git(release.root, "clone", "--quiet", "--no-hardlinks", "--no-checkout", str(release.root), str(clone))
    git(clone, "checkout", "--quiet", "--detach", release.commit)
    environment = {**os.environ, "SOURCE_DATE_EPOCH": release.git("show", "-s", "--format=%ct", release.commit)}
    made = folder / "dist"
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(made), str(clone)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotReady(f"The packages could not be built:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    shutil.rmtree(clone)
    return sorted(made.iterdir())


def build_twice(release: Release, folder: Path) -> list[Path]:
    """Build from two clones and compare, byte for byte.

    Raises:
        NotReady: The two differ.
    """
    first, second = (build(release, folder / name) for name in ("once", "once more, elsewhere"))
    compare(first, second)
    return first


def compare(first: Sequence[Path], second: Sequence[Path]) -> None:
    """See that two builds gave the same files.

    Raises:
        NotReady: They differ.
    """
    if [path.name for path in first] != [path.name for path in second]:
        raise NotReady(f"Two builds gave different files: {[*first, *second]}.")
    for one, other in zip(first, second, strict=True):
        if one.read_bytes() != other.read_bytes():
            raise NotReady(f"{one.name} is another one each time it is built: {one} and {other}.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Go through the checks, say what each found, and lay the packages into ``dist/``."""
    parser = argparse.ArgumentParser(description="Look at a release before anybody gets it.")
    parser.add_argument("--tag", help="the tag that is being released, such as v1.2.3; without one it is a rehearsal")
    tag = parser.parse_args(arguments).tag or None
    with tempfile.TemporaryDirectory(prefix="release-") as scratch:
        try:
            release = open_release(ROOT, tag)
            print(f"{'Release' if tag else 'Rehearsal of a release'} at {release.commit[:10]}:", flush=True)
            checks: list[tuple[str, Callable[[Release], str]]] = [
                ("version", check_version),
                ("changelog", check_changelog),
                ("records", check_records),
            ]
            for name, check in checks:
                _say(name, check(release))
            packages = build_twice(release, Path(scratch))
            _say("built twice", "the same bytes: " + ", ".join(_sized(path) for path in packages))
            for name, told in release_packages.look_at(packages, release.version, [*release.released]):
                _say(name, told)
            _say("installed", release_packages.try_out(packages, release.version, Path(scratch) / "try", ROOT))
        except (NotReady, release_packages.Wrong) as wrong:
            print(f"Not ready: {wrong}", file=sys.stderr)
            return 1
        (ROOT / "build").mkdir(exist_ok=True)
        (ROOT / "build" / "release-notes.md").write_text(notes(release), encoding="utf-8")
        shutil.rmtree(ROOT / "dist", ignore_errors=True)
        (ROOT / "dist").mkdir()
        for path in packages:
            shutil.copy(path, ROOT / "dist")
    if release.git("status", "--porcelain"):
        print("  note         there are changes here that are not committed, and nothing of them was looked at")
    print("Ready: dist/ and build/release-notes.md" if tag else "Ready for a tag: dist/ and build/release-notes.md")
    return 0


def _say(name: str, told: str) -> None:
    print(f"  {name:<12} {told}", flush=True)


def _sized(path: Path) -> str:
    return f"{path.name} ({path.stat().st_size / 1e6:.1f} MB)"


if __name__ == "__main__":
    raise SystemExit(main())
