"""The files that a configuration repository begins with, and the lines that an update of it writes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from string import Template

ORGANISATION = "organisation.yaml"
CHANGELOG = "CHANGELOG.md"
README = "README.md"
FIRST_RELEASE = "1.0.0"

_OF_YAML = {"yes", "no", "on", "off", "true", "false", "null"}
_TEXTS = Path(__file__).with_name("config_first")


def first_files(*, name: str, slug: str, folder: str, version: str) -> dict[str, str]:
    """The organisation's own files in a new configuration repository, by name.

    Args:
        name: The organisation, as people call it.
        slug: The organisation on GitHub.
        folder: The repository's name.
        version: The version of mlopsgen's template that it begins with.
    """
    words = {"name": name, "slug": slug, "folder": folder, "version": version, "release": FIRST_RELEASE}
    plain = re.fullmatch(r"[A-Za-z][A-Za-z-]*[A-Za-z]", name) and name.lower() not in _OF_YAML
    quoted = name if plain else json.dumps(name, ensure_ascii=False)
    names = (ORGANISATION, CHANGELOG, README)
    texts = {path: Template((_TEXTS / path).read_text(encoding="utf-8")) for path in names}
    return {path: text.substitute(words, quoted=quoted) for path, text in texts.items()}


def next_release(release: str) -> str:
    """The version after one, with what people notice: ``1.3.0`` after ``1.2.7``."""
    numbers = [*map(int, release.split(".")), 0, 0][:3]
    return f"{numbers[0]}.{numbers[1] + 1}.0"


def with_release(text: str, release: str) -> str:
    """``organisation.yaml`` with another version; everything else stays as it was written."""
    return re.sub(r"(?m)^(release:[ \t]*)[^\s#]+", rf"\g<1>{release}", text, count=1)


def has_section(text: str, release: str) -> bool:
    """Whether a changelog has a section for a version."""
    return _heading(release).search(text) is not None


def _heading(release: str) -> re.Pattern[str]:
    return re.compile(rf"(?m)^## \[?v?{re.escape(release)}\]?(?![\w.]).*\n*")


def with_changes(text: str, release: str, lines: str) -> str:
    """The changelog with more at the end of a version's section, which is made where it is missing.

    Args:
        text: The changelog.
        release: The version.
        lines: Markdown.
    """
    if "\r\n" in text and text.count("\n") == text.count("\r\n"):
        return with_changes(text.replace("\r\n", "\n"), release, lines).replace("\n", "\r\n")
    found = _heading(release).search(text)
    if found is not None:
        following = re.compile(r"(?m)^## ").search(text, found.end())
        place = following.start() if following is not None else len(text)
        head = text[:place].rstrip()
    else:
        first = re.search(r"(?m)^## ", text)
        place = first.start() if first is not None else len(text)
        head = f"{text[:place].rstrip()}\n\n## [{release}]".lstrip()
    after = f"\n{text[place:]}" if place < len(text) else ""
    return f"{head}\n\n{lines.strip()}\n{after}"


def told_of_update(before: str, after: str, changes: dict[str, str]) -> str:
    """What the changelog says of an update of mlopsgen's template.

    Args:
        before: The version that was merged so far.
        after: The version that is merged now.
        changes: What the versions between changed, newest first: Markdown by version.
    """
    lines = [f"- mlopsgen's template {after} (before: {before}).", ""]
    for version, told in changes.items():
        if told:
            # One level below the heading of our own version.
            deeper = re.sub(r"(?m)^#(#+ )", r"##\1", told)
            lines += [f"### mlopsgen {version}", "", deeper, ""]
    return "\n".join(lines)
