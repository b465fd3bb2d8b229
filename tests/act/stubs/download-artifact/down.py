"""Fetches artifacts from the store of the test and lays them down as actions/download-artifact does."""

# ruff: noqa: PTH123, T201

import fnmatch
import io
import json
import os
import sys
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path


def read(*parts: str) -> bytes:
    address = "/".join([os.environ["STUB_STORE"], *map(urllib.parse.quote, parts)])
    with urllib.request.urlopen(address) as answer:
        content: bytes = answer.read()
        return content


def main() -> None:
    run, name, pattern = os.environ["IN_RUN"], os.environ["IN_NAME"], os.environ["IN_PATTERN"]
    if run != os.environ["GITHUB_RUN_ID"] and not os.environ["IN_TOKEN"]:
        sys.exit("::error::Unable to download artifact(s): another run's artifacts need github-token")
    there = json.loads(read(run))
    if name and name not in there:
        sys.exit(f"::error::Unable to download artifact(s): Artifact not found for name: {name}")
    wanted = [name] if name else [one for one in there if fnmatch.fnmatch(one, pattern or "*")]
    top = Path(os.environ["IN_PATH"]).absolute()
    apart = not name and os.environ["IN_MERGE"] != "true"
    for one in wanted:
        with zipfile.ZipFile(io.BytesIO(read(run, one))) as archive:
            archive.extractall(top / one if apart else top)
        print(f"Downloaded {one}")
    with open(os.environ["GITHUB_OUTPUT"], "a", encoding="utf-8") as outputs:
        outputs.write(f"download-path={top}\n")


main()
