"""Pictures that follow the site's own switch between light and dark; pages hold what GitHub shows just as well.

- ``<picture>`` with a source for ``prefers-color-scheme: dark`` becomes a light and a dark image;
- a diagram (``docs/diagrams/NAME.svg``) is put into the page itself, where the page's style gives it its colours;
- a picture that links to a film (``.mp4``) becomes a player, and the film is copied beside the pages.
"""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

PICTURE = re.compile(r"(?s)<picture>(.*?)</picture>")
DARK = re.compile(r'<source[^>]*prefers-color-scheme:\s*dark[^>]*srcset="([^"]+)"')
ATTRIBUTE = re.compile(r'\b(src|alt|width)="([^"]*)"')
BEFORE_THE_DRAWING = re.compile(r"(?s)^.*?(?=<svg)")


class Pairs(SphinxTransform):
    """Makes two images of each ``<picture>``, one of which the site shows."""

    default_priority = 5  # before Sphinx collects the images

    def apply(self, **_: object) -> None:
        """Replace the blocks of HTML that hold nothing but a picture."""
        for node in list(self.document.findall(nodes.raw)):
            found = PICTURE.fullmatch(re.sub(r"</?(p|a)\b[^>]*>", "", node.astext()).strip())
            dark = found and DARK.search(found[1])
            if found and dark:
                image = dict(ATTRIBUTE.findall(found[1].rpartition("<img")[2]))
                node.replace_self([self._image(image, image["src"], "light"), self._image(image, dark[1], "dark")])

    @staticmethod
    def _image(said: dict[str, str], source: str, mode: str) -> nodes.image:
        image = nodes.image(uri=source, alt=html.unescape(said.get("alt", "")), classes=[f"only-{mode}", "picture"])
        if "width" in said:
            image["width"] = said["width"]
        return image


class Diagrams(SphinxTransform):
    """Puts the drawing of a diagram into the page."""

    default_priority = 6

    def apply(self, **_: object) -> None:
        """Replace each image of a diagram; one that is not there is left for Sphinx to say so."""
        for node in list(self.document.findall(nodes.image)):
            path = Path(self.env.srcdir, self.env.docname).parent / node["uri"]
            if path.parent.name == "diagrams" and path.suffix == ".svg" and path.is_file():
                self.env.note_dependency(str(path))
                drawing = BEFORE_THE_DRAWING.sub("", path.read_text(encoding="utf-8"))
                label = html.escape(node.get("alt", ""), quote=True)
                drawing = drawing.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
                node.replace_self(nodes.raw("", f'<div class="diagram-frame">{drawing}</div>', format="html"))


class Films(SphinxTransform):
    """Makes a player of each picture that links to a film."""

    default_priority = 4  # before links out of the documentation become links to the repository

    def apply(self, **_: object) -> None:
        """Replace them; the film and its poster are copied into the folder ``films`` of the site."""
        for node in list(self.document.findall(addnodes.download_reference)):
            film = Path(self.env.srcdir, self.env.docname).parent / node["reftarget"]
            image = next(iter(node.findall(nodes.image)), None)
            if film.suffix == ".mp4" and film.is_file() and image is not None:
                folder = Path(self.app.outdir, "films")
                folder.mkdir(parents=True, exist_ok=True)
                poster = film.parent / Path(image["uri"]).name
                for file in (film, poster):
                    self.env.note_dependency(str(file))
                    shutil.copyfile(file, folder / file.name)
                place = "../" * self.env.docname.count("/") + "films/"
                label = html.escape(image.get("alt", ""), quote=True)
                player = (
                    f'<video controls preload="none" poster="{place}{poster.name}" aria-label="{label}">'
                    f'<source src="{place}{film.name}" type="video/mp4"></video>'
                )
                node.replace_self(nodes.raw("", player, format="html"))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the transforms with Sphinx."""
    app.add_transform(Pairs)
    app.add_transform(Diagrams)
    app.add_transform(Films)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
