"""A cookiecutter template in the shape of the popular ones, from scratch, and what plain cookiecutter makes of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.template_toys import Published

VARIABLES: dict[str, Any] = {
    "full_name": "Ada Lovelace",
    "email": "ada@example.org",
    "project_name": "Wine Quality",
    "project_slug": "{{ cookiecutter.project_name | lower | replace(' ', '_') | replace('-', '_') }}",
    "project_short_description": "What {{ cookiecutter.full_name }} knows of {{ cookiecutter.project_name }}",
    "version": "0.1.0",
    "open_source_license": ["MIT license", "BSD license", "Not open source"],
    "command_line_interface": ["Typer", "Argparse", "No command-line interface"],
    "use_docker": True,
    "__package": "{{ cookiecutter.project_slug }}_pkg",
    "_private": "kept {{ as it is }}",
    "services": {"db": {"image": "postgres:{{ cookiecutter.version }}", "port": "5432"}, "cache": {"image": "redis"}},
    "_copy_without_render": ["*.html", "{{cookiecutter.project_slug}}/raw", "raw"],
    "__prompts__": {
        "full_name": "Who are you?",
        "open_source_license": {"__prompt__": "License", "MIT license": "MIT"},
    },
}
TOP = "{{cookiecutter.project_slug}}"
LICENSE = """\
{% if cookiecutter.open_source_license == 'MIT license' -%}
MIT License

Copyright (c) {% now 'utc', '%Y' %}, {{ cookiecutter.full_name }}
{% elif cookiecutter.open_source_license == 'BSD license' -%}
BSD License

Copyright (c) {% now 'utc', '%Y' %}, {{ cookiecutter.full_name }}
{% endif %}"""
WORKFLOW = """\
name: test
on: [push]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: echo {% raw %}${{ github.sha }}{% endraw %} {{ cookiecutter.project_slug }}
"""
FILES: dict[str, str] = {
    "cookiecutter.json": json.dumps(VARIABLES, indent=2),
    "README.md": "# A template\n",
    "tests/test_bake.py": "assert True\n",
    f"{TOP}/README.md": (
        "# {{ cookiecutter.project_name }}\n\n{{ cookiecutter.project_short_description }}\n\n"
        "{% for name, service in cookiecutter.services | dictsort %}- {{ name }}: {{ service.image }}\n{% endfor %}\n"
        "## Begin\n\nInstall it.\n\n## Use\n\nRun it.\n"
    ),
    f"{TOP}/LICENSE": LICENSE,
    f"{TOP}/pyproject.toml": (
        '[project]\nname = "{{ cookiecutter.project_slug }}"\nversion = "{{ cookiecutter.version }}"\n'
        "authors = [{ name = {{ cookiecutter.full_name | jsonify }}, email = '{{ cookiecutter.email }}' }]\n"
        'dependencies = [\n  "requests",\n]\n'
    ),
    f"{TOP}/.github/workflows/test.yml": WORKFLOW,
    f"{TOP}/src/{{{{cookiecutter.__package}}}}/__init__.py": '__version__ = "{{ cookiecutter.version }}"\n',
    f"{TOP}/src/{{{{cookiecutter.__package}}}}/cli.py": (
        "{% if cookiecutter.command_line_interface == 'Typer' %}import typer\n"
        "{% elif cookiecutter.command_line_interface == 'Argparse' %}import argparse\n{% endif %}"
    ),
    f"{TOP}/{{% if cookiecutter.use_docker %}}Dockerfile{{% endif %}}": "FROM python\n",
    f"{TOP}/compose/compose.yml": "services: {{ cookiecutter.services | jsonify(0) }}\n",
    f"{TOP}/raw/page.txt": "{{ not rendered }}\n",
    f"{TOP}/templates/base.html": "{% block title %}{{ title }}{% endblock %}\n",
    f"{TOP}/windows.txt": "line {{ cookiecutter.version }}\r\nline two\r\n",
    f"{TOP}/slug.txt": "{{ cookiecutter.project_name | slugify }}\n",
}
PRE_HOOK = """\
import re, sys
if not re.match(r"^[a-z][_a-z0-9]+$", "{{ cookiecutter.project_slug }}"):
    print("ERROR: {{ cookiecutter.project_slug }} is no name of a package")
    sys.exit(1)
"""
POST_HOOK = """\
import os, shutil
if "{{ cookiecutter.use_docker }}" != "True":
    shutil.rmtree("compose")
if "{{ cookiecutter.open_source_license }}" == "Not open source":
    os.remove("LICENSE")
if "{{ cookiecutter.command_line_interface }}" == "No command-line interface":
    os.remove(os.path.join("src", "{{ cookiecutter.__package }}", "cli.py"))
"""
HOOKS = {"hooks/pre_gen_project.py": PRE_HOOK, "hooks/post_gen_project.py": POST_HOOK}
ROWS: tuple[dict[str, Any], ...] = (
    {},
    {"full_name": "Söhne & <Co> 'x' \"y\"", "project_name": "A-b c", "use_docker": False},
    {"open_source_license": "Not open source", "command_line_interface": "No command-line interface"},
    {"project_slug": "other", "open_source_license": "BSD license", "command_line_interface": "Argparse"},
    {"services": {"db": {"image": "mysql"}}, "version": "2", "email": "", "project_short_description": "日本語 🚀"},
)


def published(folder: Path, files: Mapping[str, str] = FILES) -> Published:
    """The template in a repository of its own, at v1.0.0."""
    return Published(folder, files)


_PLAIN = """\
import json, sys
from cookiecutter.main import cookiecutter
template, output, rows = json.load(sys.stdin)
for number, row in enumerate(rows):
    cookiecutter(template, no_input=True, extra_context=row, output_dir=f"{output}/{number}", default_config=True)
"""


def plain(template: Path, output: Path, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, tuple[int, bytes]]]:
    """What cookiecutter itself makes of each row of answers: the files in the folder that it makes."""
    home = output / "home"
    home.mkdir(parents=True)
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONUTF8": "1"}
    asked = json.dumps([str(template), str(output), list(rows)])
    for number, _ in enumerate(rows):
        (output / str(number)).mkdir()
    subprocess.run([sys.executable, "-c", _PLAIN], input=asked, env=environ, text=True, check=True, cwd=home)
    return [inside(next((output / str(number)).iterdir())) for number, _ in enumerate(rows)]


def inside(top: Path) -> dict[str, tuple[int, bytes]]:
    """The files of a folder with what they hold and whether they can be executed."""
    return {
        path.relative_to(top).as_posix(): (path.stat().st_mode & 0o111, path.read_bytes())
        for path in top.rglob("*")
        if path.is_file()
    }
