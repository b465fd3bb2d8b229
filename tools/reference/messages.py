"""The pages of messages: what is said when something fails, with its next step, read from the code.

They are written when the site is built, for they change with every message. The search of the site knows them as well.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reference.exit_codes import REPOSITORY, TOOL, codes
from reference.markdown import joined, prose, table

GAP = "\u2026"
FEWEST_WORDS = 3
MOST_VARIANTS = 4
"""A text that is put together of alternatives is listed in at most so many ways."""

NOT_MET = {"memory.py"}
"""Modules whose messages nobody meets: a forge that tests hold in memory."""
PLAN, DOCTOR, VALUE, TRAINING = "plan", "doctor", "value", "training"
OTHERS = {
    VALUE: ("A value that is not possible", "The message names the key, the file and its line before this."),
    PLAN: ("Reasons in a plan of push", "After `!` in the plan, as *because*; nothing was made."),
    DOCTOR: ("Findings of doctor", "`mlopsgen doctor` prints them after WRONG or a warning."),
    TRAINING: ("A training that could not begin", "The local forge says it in the log of the training."),
}
POSITIONAL = {"problem": DOCTOR, "warning": DOCTOR, "EnvironmentFailed": TRAINING}
"""Calls whose last two arguments are what is said and the next step."""

HEAD = """# Messages

Paste an error message into the search of this site, with all the names and numbers that stand in it: it leads to the
line that says what to do next. Or look here; `\u2026` stands for what differs each time.

- [Messages of mlopsgen](tool.md)
- [Messages of a generated repository](repository.md): of `make`, of `check`, of a training, on your machine and in a
  workflow.

What each error code means and what to do about it in general: [an error, and what to do](../../how-to/errors.md).

```{toctree}
:hidden:

tool
repository
```
"""
TOOL_HEAD = """# Messages of mlopsgen

What the tool says when something fails, and the next step. `\u2026` stands for what differs each time.
[What to do in general](../../how-to/errors.md)
"""
REPOSITORY_HEAD = """# Messages of a generated repository

What `make check`, a training and the jobs of the workflows say when something fails, and the next step. `\u2026`
stands for what differs each time. [What to do in general](../../how-to/errors.md)
"""


@dataclass(frozen=True)
class Message:
    """One message.

    Attributes:
        text: What is said; gaps stand for what differs.
        hint: The next step; empty where the message is all.
        group: Its error code, or one of the other kinds.
        anchor: Its place in its page.
    """

    text: str
    hint: str
    group: str
    anchor: str


@functools.cache
def messages(folder: Path) -> tuple[Message, ...]:
    """Every message in the code of a folder, each once, sorted by kind and text."""
    kinds = _kinds(folder)
    found: dict[tuple[str, str], str] = {}
    for path in sorted(folder.rglob("*.py")):
        if path.name in NOT_MET:
            continue
        for group, text, hint in _Reader(ast.parse(path.read_text(encoding="utf-8")), kinds).read():
            key = (group, text)
            found[key] = found.get(key) or hint
    made, taken = [], set[str]()
    for (group, text), hint in sorted(found.items()):
        anchor = "-".join(re.findall(r"[a-z0-9]+", text.lower())[:9])
        while anchor in taken:
            anchor += "-x"
        taken.add(anchor)
        made.append(Message(text, hint, group, anchor))
    return tuple(made)


def pages() -> dict[str, str]:
    """Each page by its file name."""
    return {"index.md": HEAD, "tool.md": _page(TOOL_HEAD, TOOL), "repository.md": _page(REPOSITORY_HEAD, REPOSITORY)}


def places() -> list[tuple[str, str, str, str]]:
    """What the search knows: the text of each message, the name of its page, its anchor, and the next step."""
    tops = {"tool": TOOL, "repository": REPOSITORY}
    return [
        (each.text, f"reference/messages/{name}", each.anchor, each.hint)
        for name, top in tops.items()
        for each in messages(top)
    ]


def write(folder: Path) -> None:
    """Write the pages that are not written yet as they have to be."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _page(head: str, folder: Path) -> str:
    parts, found = [head], messages(folder)
    known = {name.split("`")[1]: (number, meaning) for name, number, meaning in codes(folder)}
    for group in dict.fromkeys([*sorted(known), *OTHERS]):
        rows = [(f"[{prose(each.text)}]{{#{each.anchor}}}", prose(each.hint)) for each in found if each.group == group]
        if not rows:
            continue
        if group in known:
            number, meaning = known[group]
            intro = f"Exit code {number}. {meaning} [What to do](../../how-to/errors.md#{group})"
            parts.append(f"## `{group}`\n\n{intro}")
        else:
            parts.append(f"## {OTHERS[group][0]}\n\n{OTHERS[group][1]}")
        parts.append(table(("message", "next step"), rows))
    return joined(*parts)


def _kinds(folder: Path) -> dict[str, str]:
    """The error code of each class of errors, by its name."""
    nodes = [
        node
        for path in folder.rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    ]
    own = {
        node.name: str(part.value.value)
        for node in nodes
        for part in node.body
        if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == "code"
        if isinstance(part.value, ast.Constant) and part.value.value
    }
    bases = {node.name: [ast.unparse(base).rpartition(".")[2] for base in node.bases] for node in nodes}
    for _ in bases:
        inherited = {name: own[base] for name, above in bases.items() for base in above if base in own}
        if inherited.items() <= own.items():
            break
        own = inherited | own
    return own


Known = dict[str, list[ast.expr]]
"""What is assigned to each name, in the order of the code."""


class _Reader:
    """Reads the messages of one module."""

    def __init__(self, module: ast.Module, kinds: Mapping[str, str]) -> None:
        self._module, self._kinds = module, kinds
        self._helpers = {node.name: node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)}
        self._constants = _assigned(module.body) | {
            f"{name}()": _given_back(one) for name, one in self._helpers.items()
        }

    def read(self) -> Iterator[tuple[str, str, str]]:
        """Kind, text and next step of each message."""
        yield from self._below(self._module, self._constants)

    def _below(self, node: ast.AST, known: Known) -> Iterator[tuple[str, str, str]]:
        if isinstance(node, ast.FunctionDef):
            known = known | _assigned(ast.walk(node))
        if isinstance(node, ast.Call):
            yield from self._of(node, known)
        for child in ast.iter_child_nodes(node):
            yield from self._below(child, known)

    def _of(self, call: ast.Call, known: Known) -> Iterator[tuple[str, str, str]]:
        found = self._parts(call)
        if found is None:
            return
        group, said, hint = found
        ways = [(text, _nearest(hint, known)) for text in _texts(said, known)]
        if isinstance(said, ast.Name) and isinstance(hint, ast.Name):
            texts, hints = known.get(said.id, []), known.get(hint.id, [])
            if len(texts) == len(hints):  # in each branch of the function both are said
                pairs = zip(texts, hints, strict=True)
                ways = [(text, [way]) for one, way in pairs for text in _texts(one, known)]
        for text, hints in ways:
            steps = [step.strip() for way in hints for step in _texts(way, known)]
            steps = [step for step in dict.fromkeys(steps) if step.strip(f" .{GAP}")]
            if len(re.findall(r"[^\W\d_]{2,}", text)) >= FEWEST_WORDS and "|" not in text:
                yield group, text.strip(), " Or: ".join(steps)

    def _parts(self, call: ast.Call) -> tuple[str, ast.expr, ast.expr | None] | None:
        """The kind of a message, its text and its next step, if the call makes one."""
        name = _name(call.func)
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        args = call.args
        if name in self._kinds and args:
            return self._kinds[name], args[0], given.get("hint")
        if name == "Limit" and "reason" in given:
            return PLAN, given["reason"], given.get("hint")
        if name == "ValueError" and args:
            return VALUE, args[0], None
        if name == "error" and len(args) > 1 and isinstance(call.func, ast.Attribute):
            return "configuration", args[1], given.get("hint")
        if name in POSITIONAL and len(args) > 1:
            return POSITIONAL[name], args[-2], args[-1]
        return self._through_a_helper(name, args, given)

    def _through_a_helper(
        self, name: str, args: list[ast.expr], given: Mapping[str | None, ast.expr]
    ) -> tuple[str, ast.expr, ast.expr | None] | None:
        helper = self._helpers.get(name)
        calls = [node for node in ast.walk(helper) if isinstance(node, ast.Call)] if helper else []
        made = [self._kinds.get(_name(call.func)) for call in calls]
        group = next((kind for kind in made if kind), None)
        plain = [arg for arg in args if isinstance(arg, ast.Constant | ast.JoinedStr)]
        said = [arg for arg in plain if " " in "".join(_texts(arg, {}))]
        return (group, said[0], given.get("hint")) if group and said else None


def _nearest(hint: ast.expr | None, known: Known) -> list[ast.expr]:
    """What a name can hold here: what was assigned to it since the message before this one."""
    if hint is None or not isinstance(hint, ast.Name) or hint.id not in known:
        return [] if hint is None else [hint]
    before = max((use.lineno for use in known.get(f"{hint.id}=", []) if use.lineno < hint.lineno), default=0)
    above = [value for value in known[hint.id] if value.lineno <= hint.lineno]
    return [value for value in above if value.lineno > before] or above[-1:] or known[hint.id][-1:]


def _assigned(nodes: Iterable[ast.AST]) -> Known:
    found: Known = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
        elif isinstance(node, ast.keyword) and node.arg == "hint" and isinstance(node.value, ast.Name):
            found.setdefault(f"{node.value.id}=", []).append(node.value)  # where a message takes it as its next step
    for values in found.values():
        values.sort(key=lambda value: value.lineno)
    return found


def _name(function: ast.expr) -> str:
    """The last word of what is called."""
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _given_back(function: ast.FunctionDef) -> list[ast.expr]:
    return [node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value is not None]


def _texts(node: ast.expr, known: Known, depth: int = 2) -> list[str]:
    """What an expression can be as a text; a gap where only a run tells."""
    found = [GAP]
    if isinstance(node, ast.Constant):
        found = [str(node.value)] if isinstance(node.value, str) else [GAP]
    elif isinstance(node, ast.JoinedStr):
        found = _each([_texts(part, known, depth) for part in node.values])
    elif isinstance(node, ast.FormattedValue):
        found = _texts(node.value, known, depth) if isinstance(node.value, ast.Name | ast.IfExp) else [GAP]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        found = _each([_texts(node.left, known, depth), _texts(node.right, known, depth)])
    elif isinstance(node, ast.IfExp):
        found = [*_texts(node.body, known, depth), *_texts(node.orelse, known, depth)]
    elif isinstance(node, ast.Name) and depth > 0 and node.id in known:
        found = [text or GAP for value in known[node.id] for text in _texts(value, known, depth - 1)]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "did_you_mean":
        found = [f"Did you mean '{GAP}'?"]
    elif isinstance(node, ast.Call) and depth > 0 and (values := known.get(f"{_name(node.func)}()")):
        found = [text or GAP for value in values for text in _texts(value, known, depth - 1)]
    return [re.sub(rf"({GAP}\s*)+(?={GAP})", "", text) for text in dict.fromkeys(found)][:MOST_VARIANTS]


def _each(parts: list[list[str]]) -> list[str]:
    """Every way to go through alternatives, the first ones first."""
    found = [""]
    for part in parts:
        found = [before + after for before in found for after in part][:MOST_VARIANTS]
    return found
