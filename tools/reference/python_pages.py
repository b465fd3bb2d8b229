"""The pages of the Python modules. They are written when the site is built, for they change with every function."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from griffe import GriffeLoader, Module

from reference.markdown import joined, table
from reference.python_objects import module, summary

ROOT = Path(__file__).resolve().parents[2]
TOOL = ("mlopsgen",)
REPOSITORY = ("steps", "pipelines", "helpers")

HEAD = """# Python

Every public module, class and function, from the docstrings. Written when this site is built.

Steps of your own use the modules of a generated repository: `helpers` is the template's, `steps` is yours. The modules
of `mlopsgen` are for people who work on the tool; only its [commands](../commands.md), their
[output](../output.md) and the [files](../config-yaml.md) are kept stable for programs.
"""


def load() -> dict[str, Module]:
    """The packages of the tool and of the generated repository, by name."""
    logging.getLogger("griffe").setLevel(logging.ERROR)
    loader = GriffeLoader(search_paths=[str(ROOT), str(ROOT / "template" / "src")], allow_inspection=False)
    loaded = [loader.load(name) for name in (*TOOL, *REPOSITORY)]
    return {each.path: each for top in loaded if isinstance(top, Module) for each in packages(top)}


def packages(top: Module) -> Iterator[Module]:
    """A package and those in it."""
    yield top
    for found in top.modules.values():
        if found.is_package or found.is_subpackage:
            yield from packages(found)


def modules(package: Module) -> list[Module]:
    """The public modules right in a package, itself first."""
    own = [each for each in package.modules.values() if not (each.is_package or each.is_subpackage)]
    return [package, *sorted((each for each in own if not each.name.startswith("_")), key=lambda each: each.name)]


def pages() -> dict[str, str]:
    """Each page by its file name."""
    found = load()
    made = {f"{path}.md": _page(each) for path, each in found.items()}
    return {"index.md": _index(found), **made}


def _index(found: dict[str, Module]) -> str:
    parts = [HEAD]
    for title, tops in (("A generated repository", REPOSITORY), ("The tool", TOOL)):
        own = {path: each for path, each in found.items() if path.split(".")[0] in tops}
        rows = [(f"[`{path}`]({path}.md)", summary(each)) for path, each in own.items()]
        parts += [f"## {title}", table(("package", "what is in it"), rows)]
        parts.append("```{toctree}\n:hidden:\n\n" + "\n".join(own) + "\n```")
    return joined(*parts)


def _page(package: Module) -> str:
    found = modules(package)
    rows = [(f"[`{each.path}`](#{_slug(each.path)})", summary(each)) for each in found[1:]]
    return joined(
        "---\ntocdepth: 2\n---",
        f"# {package.path}",
        table(("module", "what it is for"), rows),
        *(module(each) for each in found),
    )


def _slug(path: str) -> str:
    return path.replace(".", "").lower()


def write(folder: Path) -> None:
    """Write the pages where they are not there or say something else; several builds may do it at once."""
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for name, text in made.items():
        path = folder / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        descriptor, other = tempfile.mkstemp(dir=folder, suffix=".part")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(other).replace(path)
    for path in folder.glob("*.md"):
        if path.name not in made:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "reference" / "python")
