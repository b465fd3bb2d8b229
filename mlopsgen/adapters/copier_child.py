"""Renders a template with copier, through its public functions; only ever a process of its own.

Nothing else imports copier.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlopsgen.adapters.child_frame import INSTALL, Refused, fix_chance, serve
from mlopsgen.adapters.jinja_sandbox import MISTAKES
from mlopsgen.constants import ANSWERS_FILE, CANONICAL_TEMPLATE


def render(request: dict[str, Any]) -> dict[str, Any]:
    """Render a template.

    Raises:
        Refused: It cannot be rendered.
    """
    import subprocess  # noqa: PLC0415

    if request["again"]:
        fix_chance(Path(request["scratch"]), request["address"])
    try:
        run_copier(
            Path(request["template"]), request["address"], request["version"], request["answers"],
            Path(request["output"]), trusted=request["trusted"],
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError, ImportError) as error:
        raise Refused(f"The template cannot be rendered: {str(error).rstrip('.')}.") from error
    return {}


def run_copier(
    template: Path,
    address: str,
    version: str,
    answers: Mapping[str, object],
    destination: Path,
    *,
    trusted: bool,
) -> None:
    """Render with copier, and write the origin into the record.

    Args:
        template: The version, laid out.
        address: Where it lies.
        version: What it is called.
        answers: The answers.
        destination: Where the files go.
        trusted: Whether the template may run code of its own.

    Raises:
        Refused: It cannot be rendered.
    """
    import copier  # noqa: PLC0415 - half a second: only what renders pays for it
    import copier.errors  # noqa: PLC0415
    import jinja2  # noqa: PLC0415
    import yaml  # noqa: PLC0415

    # What the repository records: the public address and the version, never the folder that this render read.
    recorded = {"_src_path": address, "_commit": version}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            copier.run_copy(
                str(template),
                destination,
                data={**answers, "recorded": recorded},
                answers_file=ANSWERS_FILE,  # one name for every record, whatever a template calls it
                settings=copier.Settings(),  # the person's own copier settings are for copier
                defaults=True,
                overwrite=True,
                quiet=True,
                unsafe=trusted,
            )
    except copier.errors.UnsafeTemplateError as error:
        raise Refused(
            f"The template {address} {version} would run code of its own on this machine.",
            where=address,
            hint=f"Read it there. If you trust whoever makes it: --trust {address}",
            kind="code",
        ) from error
    except copier.errors.ExtensionNotFoundError as error:
        words = f"an extension of Jinja cannot be loaded ({_second_line(str(error))})"
        raise Refused(
            f"The template {version} cannot be rendered: {words}.", where="copier.yml", hint=INSTALL
        ) from error
    except (copier.errors.CopierError, jinja2.TemplateError, yaml.YAMLError, *MISTAKES) as error:
        raise _unrenderable(
            str(error), str(getattr(error, "filename", "") or ""), template, address, version
        ) from error
    _write_origin(destination / ANSWERS_FILE, address, version)


def _second_line(words: str) -> str:
    """What Python said; copier puts advice of its own around it."""
    return (words.splitlines()[1:2] or [words])[0].rstrip(".")


def _unrenderable(words: str, filename: str, template: Path, address: str, version: str) -> Refused:
    """What to do about a version that copier cannot render, and where it stopped: a file of the template."""
    found = re.fullmatch(r'Question "(\w+)" is required', words)
    if found:
        return Refused(
            f"The template {version} asks for '{found[1]}', and it has no default.",
            hint=f"Answer it: --set {found[1]}=VALUE.",
        )
    found = re.match(r"Validation error for question '(\w+)': (.*)", words, re.DOTALL)
    if found:
        return Refused(
            f"'{found[1]}' cannot be what was answered: {' '.join(found[2].split()).rstrip('.')}.",
            where=found[1],
            hint=f"Give another answer: --set {found[1]}=VALUE.",
            kind="answer",
        )
    if address == CANONICAL_TEMPLATE:
        hint = "This is a mistake in mlopsgen; please report it."
    else:
        hint = f"Whoever makes the template {address} has to mend it; another version may do until then."
    top = f"{template}{os.sep}"
    what = f"{words.removeprefix(top)} cannot be read" if words.startswith(top) else words
    return Refused(
        f"The template {version} cannot be rendered: {what.rstrip('.')}.", where=filename.removeprefix(top), hint=hint
    )


def _write_origin(record: Path, address: str, version: str) -> None:
    """Make a record that names the folder of this render name the template instead."""
    if not record.is_file():
        return
    text = record.read_text(encoding="utf-8")
    if f"_src_path: {address}\n" in text:
        return
    kept = [line for line in text.splitlines(keepends=True) if not line.startswith(("_src_path:", "_commit:"))]
    comments = next((number for number, line in enumerate(kept) if not line.startswith(("#", "---"))), len(kept))
    origin = [f"_commit: {version}\n", f"_src_path: {address}\n"]
    record.write_text("".join([*kept[:comments], *origin, *kept[comments:]]), encoding="utf-8")


if __name__ == "__main__":
    serve(render)
