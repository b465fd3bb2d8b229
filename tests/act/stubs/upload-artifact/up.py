"""Finds files as actions/upload-artifact finds them and sends them as a zip to the store of the test."""

# ruff: noqa: PTH100, PTH111, PTH123, T201

import hashlib
import io
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

HIDDEN = os.environ["IN_HIDDEN"] == "true"
MAGIC = re.compile(r"[*?\[]")


def search_root(pattern: Path) -> Path:
    """The part of a pattern without wildcards: where the search begins."""
    parts = Path(pattern).parts
    fixed = [part for position, part in enumerate(parts) if not MAGIC.search("".join(parts[: position + 1]))]
    return Path(*fixed)


def files_below(root: Path) -> Iterator[Path]:
    """Every file at or below a place; what is hidden is left out, unless it is wanted."""
    if not HIDDEN and root.name.startswith("."):
        return
    if root.is_dir():
        for child in sorted(root.iterdir()):
            yield from files_below(child)
    elif root.exists():
        yield root


def matches(path: Path, pattern: Path) -> bool:
    expression = "".join(
        {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(token, re.escape(token))
        for token in re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", str(pattern))
    )
    return re.fullmatch(f"{expression}(?:/.*)?", str(path)) is not None


def found() -> tuple[list[Path], Path]:
    """The files with the folder that their names in the artifact are relative to."""
    lines = [line.strip() for line in os.environ["IN_PATH"].splitlines() if line.strip()]
    wanted = [Path(os.path.abspath(os.path.expanduser(line))) for line in lines if not line.startswith("!")]
    unwanted = [Path(os.path.abspath(line[1:].strip())) for line in lines if line.startswith("!")]
    roots = [search_root(pattern) for pattern in wanted]
    files = {
        file
        for root, pattern in zip(roots, wanted, strict=True)
        for file in files_below(root)
        if matches(file, pattern) and not any(matches(file, one) for one in unwanted)
    }
    if len(roots) > 1:
        base = Path(os.path.commonpath(roots))
    elif files == {roots[0]}:
        base = roots[0].parent
    else:
        base = roots[0]
    return sorted(files), base.parent if base.is_file() else base


def main() -> None:
    name = os.environ["IN_NAME"]
    if re.search(r'["<>|*?:\r\n\\/]', name) or not name:
        sys.exit(f"::error::The artifact name is not valid: {name}")
    files, base = found()
    if not files:
        text = f"No files were found with the provided path: {os.environ['IN_PATH']}. No artifacts will be uploaded."
        missing = os.environ["IN_MISSING"]
        if missing == "error":
            sys.exit(f"::error::{text}")
        print({"warn": f"::warning::{text}", "ignore": text}[missing])
        return
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.relative_to(base))
    data = content.getvalue()
    store, run = os.environ["STUB_STORE"], os.environ["GITHUB_RUN_ID"]
    query = urllib.parse.urlencode({"overwrite": os.environ["IN_OVERWRITE"], "retention": os.environ["IN_RETENTION"]})
    address = f"{store}/{run}/{urllib.parse.quote(name)}?{query}"
    try:
        with urllib.request.urlopen(urllib.request.Request(address, data=data, method="POST")) as answer:
            number = answer.read().decode()
    except urllib.error.HTTPError as error:
        sys.exit(f"::error::Failed to CreateArtifact: {error.read().decode()}")
    print(f"Artifact {name} with {len(files)} files has been successfully uploaded! Artifact ID is {number}")
    server, repository = os.environ["GITHUB_SERVER_URL"], os.environ["GITHUB_REPOSITORY"]
    with open(os.environ["GITHUB_OUTPUT"], "a", encoding="utf-8") as outputs:
        outputs.write(f"artifact-id={number}\n")
        outputs.write(
            f"artifact-url={server}/{repository}/actions/runs/{os.environ['GITHUB_RUN_ID']}/artifacts/{number}\n"
        )
        outputs.write(f"artifact-digest={hashlib.sha256(data).hexdigest()}\n")


main()
