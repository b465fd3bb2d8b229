"""Small templates of other people: git repositories whose tags are versions."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

NAMES = {f"GIT_{role}_{part}": "ada@example.org" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}

QUESTIONS = """\
_subdirectory: template
name:
  type: str
  help: What it is called
  default: wine
title: "The {{ name | upper }}"
engine: {type: str, choices: [local, cluster], default: local}
endpoint:
  type: str
  default: "https://{{ name }}.example.org"
  when: "{{ engine == 'cluster' }}"
  validator: "{% if not endpoint.startswith('https://') %}It has to begin with https://{% endif %}"
replicas: {type: int, default: 2, validator: "{% if replicas < 1 %}At least one{% endif %}"}
share: 0.5
public: {type: bool, default: no}
tags: {type: yaml, default: [a, "{{ name }}"]}
"""

FILES = {
    "copier.yml": QUESTIONS,
    "template/{{ _copier_conf.answers_file }}.jinja": "# Written\n{{ _copier_answers | to_nice_yaml -}}\n",
    "template/README.md.jinja": "# {{ title }}\n\n{{ tags | join }}, {{ replicas }} times, {{ share }}, {{ public }}\n",
    "template/{{ name }}/notes.txt": "notes {{ untouched }}\n",
    "template/{% if engine == 'cluster' %}cluster{% endif %}/address.txt.jinja": "{{ endpoint }}\n",
    "template/data.csv": "a,b\n1,2\n",
}


class Published:
    """A template's repository.

    Args:
        folder: Where it lies.
        files: What its first version holds.
    """

    def __init__(self, folder: Path, files: Mapping[str, str] = FILES) -> None:
        self.path = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.release("v1.0.0", files, "The first version")

    def git(self, *arguments: str) -> str:
        environ = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "GIT_CONFIG_NOSYSTEM": "1", **NAMES}
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, env=environ, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def release(self, version: str, files: Mapping[str, str | None], message: str) -> None:
        """Change files (``None`` deletes one), commit, and tag the commit."""
        for name, text in files.items():
            path = self.path / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        self.git("tag", version)


def contents(top: Path) -> dict[str, tuple[int, bytes]]:
    """The files of a folder with what they hold and whether they can be executed."""
    return {
        path.relative_to(top).as_posix(): (path.stat().st_mode & 0o111, path.read_bytes())
        for path in top.rglob("*")
        if path.is_file()
    }
