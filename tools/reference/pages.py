"""Which generated pages there are."""

from __future__ import annotations

from pathlib import Path

from reference import benchmarks, commands, documents, exit_codes, questions, repository_commands, variables, workflows

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"


def pages() -> dict[Path, str]:
    """Every page that is committed, and what it has to hold."""
    made = {
        "commands.md": commands.page(),
        "repository-commands.md": repository_commands.page(),
        "exit-codes.md": exit_codes.page(),
        "questions.md": questions.page(),
        **documents.pages(),
        "environment.md": variables.page(),
        "workflows.md": workflows.page(),
    }
    return {
        **{REFERENCE / name: text for name, text in made.items()},
        ROOT / "docs" / "explanation" / "benchmarks.md": benchmarks.page(),
    }
