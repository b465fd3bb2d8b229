"""What a repository is made from, read from the texts of its files: answers, ``.github/remote.yaml``, data sources."""

from __future__ import annotations

from collections.abc import Mapping

from mlopsgen.adapters.yaml_lines import read as read_yaml
from mlopsgen.questions import Answers
from mlopsgen.remote.document import read_document
from mlopsgen.remote.github_desired import Making
from mlopsgen.remote.needs import sources_of_answers
from mlopsgen.remote.workflows import read_workflows

SOURCES_DOCUMENT = "data/sources.yaml"


def making_of(
    answers: Answers, document: str | None, sources: str | None, workflows: Mapping[str, str] | None = None
) -> Making:
    """What a repository is made from; ``None`` stands for a file that is not there.

    Args:
        answers: Every answer.
        document: ``.github/remote.yaml``.
        sources: ``data/sources.yaml``.
        workflows: The texts of the workflow files by their names, where they alone say what the repository needs,
            because it was not made from our template.

    Raises:
        InvalidDocument: One of the documents cannot be read.
    """
    if workflows is not None:
        return Making(answers=answers, document=read_document(document or ""), workflows=read_workflows(workflows))
    return Making(answers=answers, document=read_document(document or ""), sources=_sources(answers, sources))


def _sources(answers: Answers, text: str | None) -> dict[str, str]:
    """The addresses of the data sources by name; what is wrong with them beyond that is the repository's to say."""
    if text is None:
        return sources_of_answers(answers)
    hint = "data/README.md explains it; 'make check' looks at the whole of it."
    found = read_yaml(text, SOURCES_DOCUMENT, hint).value.get("sources")
    sources = found if isinstance(found, dict) else {}
    addresses = {name: source.get("address") for name, source in sources.items() if isinstance(source, dict)}
    return {str(name): address for name, address in addresses.items() if isinstance(address, str)}
