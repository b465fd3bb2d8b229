"""Run what can be tested without Linux's servers and sandbox: ``python tools/elsewhere.py``; on macOS and Windows.

What stands behind it goes to pytest: ``python tools/elsewhere.py --collect-only -q`` counts them.

Those tests need git and Python, nothing else: no make, no shell, no terminal, no file lock of POSIX, no other program.
They prove that questions, answers, names, plans, renders and merges are the same there. What stands in
``docs/explanation/platforms.md`` as untested is what no list here names.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = (
    "answers",
    "answers_file",
    "cli_frame",
    "compiled_template",
    "copier_questions",
    "harmless_words",
    "init",
    "naming",
    "needs",
    "organisation_file",
    "plan_text",
    "push_plan",
    "push_plan_cases",
    "push_plan_limits",
    "remote_document",
    "renders",
    "secret_value",
    "sync_answers",
    "sync_classes",
    "sync_markdown",
    "sync_merging",
    "sync_patterns",
    "sync_record",
    "sync_settings",
    "sync_wording",
)

# What a test does itself, besides the tool, with a lock or a signal of POSIX.
NOT_ON_WINDOWS = (
    "tests/test_init.py::test_a_run_that_is_still_working_is_not_tidied_away",
    "tests/test_init.py::test_what_a_run_left_that_was_killed_before_its_lock_was_made_is_tidied_away",
    "tests/test_init.py::test_where_a_folder_cannot_be_locked_only_old_leftovers_are_tidied_away",
)


def main() -> int:
    """Make the environment and run the tests in it."""
    folder = ROOT / ".venv"
    made = [sys.executable, "tools/environment.py", ".venv", "--lock", "requirements-dev.txt", "--editable", "."]
    code = subprocess.run(made, cwd=ROOT, check=False).returncode
    if code:
        return code
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    files = [f"tests/test_{name}.py" for name in TESTS]
    left_out = [f"--deselect={name}" for name in NOT_ON_WINDOWS] if os.name == "nt" else []
    command: list[str | Path] = [python, "-m", "pytest", "-n", "auto", *left_out, *files, *sys.argv[1:]]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
