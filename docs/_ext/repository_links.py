"""Links from pages to files beside ``docs/`` lead to the repository's address; the files have to exist."""

from __future__ import annotations

import re
from pathlib import Path

from docutils import nodes
from myst_parser.slugs import github_slugify, unique_slug
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

from mlopsgen.constants import CANONICAL_TEMPLATE

HEADING = re.compile(r"(?m)^#{1,6}\s+(.+?)\s*#*$")
FENCED = re.compile(r"(?ms)^(```+|~~~+).*?^\1\s*$")
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")


class RepositoryLinks(SphinxTransform):
    """Makes ordinary links of those that leave ``docs/``, which GitHub follows as they stand."""

    default_priority = 5  # before anything looks for the documents and downloads that these are not

    def apply(self, **_: object) -> None:
        """Replace each such link, or say which file or heading is missing."""
        for kind in (addnodes.pending_xref, addnodes.download_reference):
            for node in list(self.document.findall(kind)):
                path, anchor = self._destination(node)
                if path is not None:
                    self._replace(node, path, anchor)

    def _destination(self, node: nodes.Element) -> tuple[Path | None, str]:
        """The file or folder outside of the documentation that a link means, and the heading in it."""
        if node.get("reftype") != "myst":
            return None, ""
        docs = Path(self.env.srcdir)
        target, _, anchor = str(node["reftarget"]).partition("#")
        if node.get("refdomain") == "doc":  # MyST made a document of it: from the folder of all pages, without ending
            path, anchor = Path(f"{docs / target}.md"), node.get("reftargetid") or ""
        else:
            path = docs / Path(self.env.docname).parent / target
        path = path.resolve()
        return (None, "") if path.is_relative_to(docs.resolve()) else (path, anchor)

    def _replace(self, node: nodes.Element, path: Path, anchor: str) -> None:
        root = Path(self.env.srcdir).resolve().parent
        warn = logging.getLogger(__name__).warning
        if not (path.is_relative_to(root) and path.exists()):
            warn("The link to %s leads nowhere.", path, location=node, type="repository", subtype="link")
            node.replace_self(node.children)
        elif anchor and path.suffix == ".md" and anchor not in anchors(path):
            warn("%s has no heading '#%s'.", path, anchor, location=node, type="repository", subtype="link")
            node.replace_self(node.children)
        else:
            what = "tree" if path.is_dir() else "blob"
            address = f"{CANONICAL_TEMPLATE}/{what}/main/{path.relative_to(root).as_posix()}".rstrip("/.")
            link = nodes.reference("", "", *node.children, refuri=f"{address}#{anchor}" if anchor else address)
            link.line, link.source = node.line, node.source
            node.replace_self(link)


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCED.sub("", path.read_text(encoding="utf-8"))):
        found.add(unique_slug(github_slugify(LINK.sub(r"\1", heading)), found))
    return found


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the transform with Sphinx."""
    app.add_transform(RepositoryLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
