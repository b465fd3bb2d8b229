"""A repository that was made from a template of somebody else, in which nothing of ours lies but the record."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

RECORD = """\
# Written by mlopsgen; 'mlopsgen sync' reads it.
_engine: cookiecutter
_src_path: https://github.com/acme/cookiecutter-service
_commit: v1.0.0
project_name: Heart rate
project_slug: heart_rate
project_short_description: Counts what beats
license: MIT License
version: 0.1.0
use_docker: true
"""
CI = """\
name: CI
on:
  push: {branches: [main]}
  pull_request:
jobs:
  test:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - uses: astral-sh/setup-uv@v3
      - run: make test
        env: {CODECOV: "${{ secrets.CODECOV_TOKEN }}"}
"""
FILES = {
    ".copier-answers.yml": RECORD,
    ".github/workflows/ci.yml": CI,
    "README.md": "# Heart rate\n",
    "heart_rate/__init__.py": "",
}


def make_other(folder: Path, environ: Mapping[str, str], files: Mapping[str, str] = FILES) -> Path:
    """The repository as ``init`` makes it from a cookiecutter template: three branches at one commit."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for words in (
        ["init", "--quiet", "--initial-branch=development"],
        ["add", "--all"],
        ["commit", "--quiet", "-m", "Begin"],
        ["branch", "staging"],
        ["branch", "production"],
    ):
        subprocess.run(["git", *words], cwd=folder, env=dict(environ), check=True, capture_output=True)
    return folder
