"""What the repository in a folder is made from: answers, ``.github/remote.yaml`` and the data sources."""

from __future__ import annotations

from pathlib import Path

from mlopsgen.errors import InvalidDocument
from mlopsgen.questions import Answers
from mlopsgen.remote.document import REMOTE_DOCUMENT
from mlopsgen.remote.github_desired import Making
from mlopsgen.remote.making import SOURCES_DOCUMENT, making_of


def read_making(root: Path, answers: Answers) -> Making:
    """What the repository in a folder is made from.

    Args:
        root: The repository's top folder.
        answers: Its answers, which are read already.

    Raises:
        InvalidDocument: One of the documents cannot be read.
    """
    document, sources = (_text(root, name) for name in (REMOTE_DOCUMENT, SOURCES_DOCUMENT))
    return making_of(answers, document, sources)


def _text(root: Path, name: str) -> str | None:
    try:
        return (root / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise InvalidDocument(f"{name} is not UTF-8 text.", where=str(root / name)) from None
