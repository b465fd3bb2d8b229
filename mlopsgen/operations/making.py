"""What the repository in a folder is made from: answers, ``.github/remote.yaml`` and the data sources."""

from __future__ import annotations

from pathlib import Path

from mlopsgen.errors import InvalidDocument
from mlopsgen.operations.recorded_answers import Recorded
from mlopsgen.remote.document import REMOTE_DOCUMENT
from mlopsgen.remote.github_desired import Making
from mlopsgen.remote.making import SOURCES_DOCUMENT, making_of
from mlopsgen.remote.workflows import FOLDER


def read_making(root: Path, recorded: Recorded) -> Making:
    """What the repository in a folder is made from.

    Args:
        root: The repository's top folder.
        recorded: Its record, which is read already.

    Raises:
        InvalidDocument: One of the documents cannot be read.
    """
    document, sources = (_text(root, name) for name in (REMOTE_DOCUMENT, SOURCES_DOCUMENT))
    return making_of(recorded.answers, document, sources, None if recorded.ours else read_workflow_texts(root))


def read_workflow_texts(root: Path) -> dict[str, str]:
    """The texts of the workflow files of the repository in a folder, by their names."""
    paths = sorted((root / FOLDER).glob("*.y*ml"))
    return {path.name: path.read_text(encoding="utf-8", errors="replace") for path in paths if path.is_file()}


def _text(root: Path, name: str) -> str | None:
    try:
        return (root / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise InvalidDocument(f"{name} is not UTF-8 text.", where=str(root / name)) from None
