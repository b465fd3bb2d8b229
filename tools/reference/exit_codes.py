"""``exit-codes.md``: numbers and codes with what their docstrings say, from the error tree."""

from __future__ import annotations

import ast
import inspect
import itertools
from pathlib import Path
from types import ModuleType

from mlopsgen import errors
from reference.markdown import GENERATED, code, joined, prose, table

TOOL = Path(__file__).resolve().parents[2] / "mlopsgen"
REPOSITORY = TOOL.parent / "template" / "src" / "helpers"

HEAD = f"""# Exit codes and error codes

What a program learns from how a command ended. The numbers are stable; programs may rely on them.

{GENERATED}
"""
NUMBERS_HEAD = """## Exit codes

`python -m pipelines.<branch>.main` of a generated repository uses the same numbers.
"""
CODES_HEAD = """## Error codes

With `--output json`, `error.code` of the [envelope](output.md#envelope) is one of these:
"""
THEIRS_HEAD = """## Error codes of a generated repository

What `python -m pipelines.<branch>.main VERB --output json` gives:
"""


def page() -> str:
    """The page."""
    return joined(
        HEAD,
        NUMBERS_HEAD,
        table(("exit code", "meaning"), numbers(), right=(0,)),
        CODES_HEAD,
        table(("error code", "exit code", "meaning"), codes(TOOL), right=(1,)),
        THEIRS_HEAD,
        table(("error code", "exit code", "meaning"), codes(REPOSITORY), right=(1,)),
    )


def numbers() -> list[tuple[str, str]]:
    """Each exit code with what it means."""
    return [(value, prose(text)) for value, text in members(errors, "ExitCode")]


def members(module: ModuleType, name: str) -> list[tuple[str, str]]:
    """The members of an enumeration: the value of each, and what is written below it."""
    tree = ast.parse(inspect.getsource(module))
    enum = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    return [
        (str(value.value), str(text.value.value))
        for member, text in itertools.pairwise(enum.body)
        if isinstance(member, ast.Assign) and isinstance(value := member.value, ast.Constant)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    ]


def codes(folder: Path) -> list[tuple[str, str, str]]:
    """Each error code with its exit code and its meaning; where several errors have one, the first in the tree."""
    nodes = _classes(folder)
    classes = {node.name: node for node in reversed(nodes)}
    members = {
        member.targets[0].id: str(member.value.value)
        for member in classes["ExitCode"].body
        if isinstance(member, ast.Assign)
        if isinstance(member.targets[0], ast.Name) and isinstance(member.value, ast.Constant)
    }
    found: dict[str, tuple[str, str, str]] = {}
    for node in nodes:
        own = _assigned(node, "code")
        if isinstance(own, ast.Constant):
            name = str(own.value)
            linked = f"[{code(name)}](../how-to/errors.md#{name})"
            row = (linked, members[_exit_name(node, classes)], prose(_line(node)))
            found.setdefault(name, row)
    return [found[name] for name in sorted(found)]


def _classes(folder: Path) -> list[ast.ClassDef]:
    paths = sorted(folder.rglob("*.py"), key=lambda path: (path.name != "errors.py", path))
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
    return [node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)]


def _assigned(node: ast.ClassDef, name: str) -> ast.expr | None:
    for statement in node.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == name:
            return statement.value
    return None


def _exit_name(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> str:
    own = _assigned(node, "exit_code")
    if own is not None:
        return ast.unparse(own).rpartition(".")[2]
    bases = [classes[name] for base in node.bases if (name := ast.unparse(base).rpartition(".")[2]) in classes]
    return _exit_name(bases[0], classes) if bases else "FAILURE"


def _line(node: ast.ClassDef) -> str:
    return (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ")
